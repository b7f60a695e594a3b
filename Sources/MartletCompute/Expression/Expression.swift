public import MartletArrow
public import MartletBase

/// A computation over the fields of a batch, as a value: fields, literals and calls of functions.
public indirect enum Expression: Sendable {
    /// A field by its name, or a field inside structs by the names that lead to it.
    case field([String])
    /// A field that at least one step leads to by its position; a schema makes a `field` of it.
    case reference([FieldStep])
    /// An array of one slot that goes with every row.
    case literal(ArrayData)
    /// A function of the registry.
    case call(String, [Expression], CallOptions)

    /// What a call takes besides its arguments.
    public struct CallOptions: Sendable {
        public var options: [String: String]
        /// The target of `cast`.
        public var type: DataType?
        /// The set of `is_in` and `index_in`.
        public var valueSet: ArrayData?

        public init(options: [String: String] = [:], type: DataType? = nil, valueSet: ArrayData? = nil) {
            self.options = options
            self.type = type
            self.valueSet = valueSet
        }
    }

    public static func field(_ name: String) -> Expression { .field([name]) }

    /// A call whose name, number of arguments and options are checked now rather than when it is evaluated.
    public static func call(
        _ name: String, arguments: [Expression], options: [String: String] = [:], type: DataType? = nil,
        valueSet: ArrayData? = nil
    ) throws(MartletError) -> Expression {
        let function = try Compute.function(named: name)
        let count = arguments.count + (valueSet == nil ? 0 : 1)
        guard function.arity.contains(count) else {
            throw .invalid("Function '\(name)' accepts \(function.arity.lowerBound) arguments but \(count) passed")
        }
        guard !Compute.aggregateNames.contains(name) else {
            throw .invalid("Function '\(name)' aggregates rows; expressions go row by row")
        }
        _ = try FunctionOptions(name, options, known: function.options)
        let expression = Expression.call(
            name, arguments, CallOptions(options: options, type: type, valueSet: valueSet))
        guard expression.depth <= maximumDepth else {
            throw .invalid("expression is nested deeper than \(maximumDepth) levels; join conditions as a tree")
        }
        return expression
    }

    /// A comparison of a field with a value, as filters have it.
    public static func compare(_ a: Expression, _ comparison: Comparison, _ b: Expression) -> Expression {
        .call(comparison.rawValue, [a, b], CallOptions())
    }
    public static func and(_ a: Expression, _ b: Expression) -> Expression {
        .call("and_kleene", [a, b], CallOptions())
    }
    public static func or(_ a: Expression, _ b: Expression) -> Expression { .call("or_kleene", [a, b], CallOptions()) }
    public static func not(_ a: Expression) -> Expression { .call("invert", [a], CallOptions()) }

    /// Chains of conditions grow one level with each: deep enough for long lists of them, and safe for the stack.
    static let maximumDepth = 1_000

    private var depth: Int {
        guard case .call(_, let arguments, _) = self else { return 1 }
        return 1 + (arguments.map(\.depth).max() ?? 0)
    }

    /// The paths of all fields, each once, in the order in which they are met.
    public var referencedFields: [[String]] {
        switch self {
        case .field(let path): return [path]
        case .literal, .reference: return []
        case .call(_, let arguments, _):
            var paths: [[String]] = []
            for path in arguments.flatMap(\.referencedFields) where !paths.contains(path) { paths.append(path) }
            return paths
        }
    }

    /// The expression over the fields of `schema`: literals beside a field take its type where that is exact, and text
    /// beside times is read as a time. Throws where a field is missing or types do not match.
    public func bound(to schema: Schema) throws(MartletError) -> Expression {
        let bound = try withLiterals(fitting: schema)
        _ = try bound.type(in: schema)
        return bound
    }

    /// The type of the values that the expression has over `schema`.
    public func type(in schema: Schema) throws(MartletError) -> DataType {
        var columns: [ArrayData] = []
        for field in schema.fields { columns.append(try .empty(field.type)) }
        return try datum(RecordBatch(unchecked: schema, columns: columns, rowCount: 0)).type
    }

    private func withLiterals(fitting schema: Schema) throws(MartletError) -> Expression {
        if case .reference(let steps) = self { return try Self.field(steps, in: schema) }
        guard case .call(let name, let arguments, var options) = self else { return self }
        var bound: [Expression] = []
        for argument in arguments { bound.append(try argument.withLiterals(fitting: schema)) }
        if Comparison(rawValue: name) != nil, bound.count == 2 {
            for (i, other) in [(0, 1), (1, 0)] {
                if case .literal(let value) = bound[i], case .field = bound[other] {
                    bound[i] = .literal(try Self.fitted(value, to: try bound[other].type(in: schema)))
                }
            }
        }
        if let set = options.valueSet, case .field? = bound.first, let type = try bound.first?.type(in: schema) {
            options.valueSet = try Self.fitted(set, to: type)
        }
        return .call(name, bound, options)
    }

    /// The values as `type`, when they come back from it unchanged; as they are otherwise.
    private static func fitted(_ values: ArrayData, to type: DataType) throws(MartletError) -> ArrayData {
        var target = type
        if case .dictionary(_, let value, _) = type { target = value }
        if values.type == target || values.type == .null { return values }
        let readsText = [.string, .largeString].contains(values.type) && target.isTemporal
        guard readsText || values.type.isNumeric || Caster.family(values.type) == Caster.family(target) else {
            return values
        }
        if readsText {
            // A text that is no time is the caller's mistake and told so.
            if case .timestamp(let unit, _?) = target,
                let plain = try? cast(values, to: .timestamp(unit, timeZone: nil))
            {
                return plain.reinterpreted(as: target)
            }
            return try cast(values, to: target)
        }
        guard target.isNumeric || values.type.isTemporal || values.type.isVariableBinary else { return values }
        do throws(MartletError) {
            let fitted = try cast(values, to: target)
            let back = try cast(fitted, to: values.type)
            return back.isEqual(to: values) ? fitted : values
        } catch { return values }
    }

    /// The values of the expression over the rows of `batch`, one for each row.
    public func evaluate(_ batch: RecordBatch) throws(MartletError) -> ArrayData {
        let bound = try withLiterals(fitting: batch.schema)
        let result = try bound.datum(batch)
        return try result.isScalar && batch.rowCount != 1 ? result.broadcast(to: batch.rowCount) : result.array
    }

    /// The value over `batch`: an array of its rows, or a scalar.
    func datum(_ batch: RecordBatch) throws(MartletError) -> Datum {
        switch self {
        case .literal(let value): return try Datum(scalar: value)
        case .field(let path): return Datum(try Self.column(path, batch))
        case .reference(let steps): return Datum(try Self.column(steps, batch))
        case .call(let name, let arguments, let options):
            var data: [Datum] = []
            for argument in arguments { data.append(try argument.datum(batch)) }
            if let set = options.valueSet { data.append(Datum(set)) }
            return try Compute.call(name, data, options: options.options, type: options.type)
        }
    }

    private static func column(_ path: [String], _ batch: RecordBatch) throws(MartletError) -> ArrayData {
        guard let first = path.first else { throw .invalid("a field reference without a name") }
        guard batch.schema.fields.contains(where: { $0.name == first }) else {
            throw .invalid(
                "No match for FieldRef.Name(\(first)) in \(batch.schema.fields.map(\.summary).joined(separator: ", "))")
        }
        var column = try batch.column(first)
        for name in path.dropFirst() {
            guard case .struct(let fields) = column.type, let index = fields.firstIndex(where: { $0.name == name })
            else {
                throw .invalid("No match for FieldRef.Name(\(name)) in \(column.type)")
            }
            column = try flattened(column, index)
        }
        return column
    }

    /// A field of a struct, null where the struct is.
    static func flattened(_ parent: ArrayData, _ index: Int) throws(MartletError) -> ArrayData {
        let child = parent.child(index)
        guard let outer = parent.usedValidityBitmap, child.type != .null else { return child }
        let both = try intersection(outer, child.usedValidityBitmap, count: child.count)
        var rows = try BitmapBuilder(capacity: child.offset + child.count)
        try rows.append(repeating: true, count: child.offset)
        if let both { try rows.append(try Bitmap(both, count: child.count)) }
        return ArrayData(
            type: child.type, count: child.count, offset: child.offset, validity: rows.finish(), buffers: child.buffers,
            children: child.children, dictionary: child.dictionary)
    }
}
