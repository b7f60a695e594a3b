public import MartletArrow
public import MartletBase

/// The functions of this room by pyarrow's names: the one entry for bindings.
public enum Compute {
    /// Calls the function `name`. `type` is the target of `cast`.
    ///
    /// Errors: an unknown function (with names close to it), a wrong number of arguments, an unknown option, types that
    /// the function has no kernel for, and what the function itself refuses.
    public static func call(
        _ name: String, _ arguments: [Datum], options: [String: String] = [:], type: DataType? = nil
    ) throws(MartletError) -> Datum {
        let function = try function(named: name)
        guard function.arity.contains(arguments.count) else {
            let wanted = function.arity.lowerBound
            let atLeast = function.arity.upperBound == Int.max || function.arity.count > 1
            throw .invalid(
                "Function '\(name)' accepts \(atLeast ? "at least " : "")\(wanted) arguments but \(arguments.count) passed"
            )
        }
        var plain = arguments
        if !keepingTypes.contains(name) {
            plain = []
            for argument in arguments { plain.append(argument.with(try argument.array.contiguousStrings().storage)) }
        }
        if decimalNames.contains(where: { name.hasPrefix($0) }) { plain = try plain.map128() }
        let result = try function.body(
            Call(
                name: name, arguments: plain,
                options: try FunctionOptions(name, options, known: function.options), type: type))
        return try restored(result, of: name, from: arguments, plain)
    }

    /// Beginnings of the names of functions that compute with decimals, in 128 bits or more.
    private static let decimalNames = [
        "sum", "mean", "product", "add", "subtract", "multiply", "divide", "abs", "negate", "round", "floor", "ceil",
        "trunc",
        "sign", "stddev", "variance", "skew", "kurtosis", "power", "quantile", "approximate_median", "mode",
    ]

    /// A result of the type that an argument was written out to, in that argument's own type.
    private static func restored(
        _ result: Datum, of name: String, from arguments: [Datum], _ plain: [Datum]
    ) throws(MartletError) -> Datum {
        for (argument, used) in zip(arguments, plain) where argument.type != used.type {
            switch result.type {
            case .dictionary(let index, used.type, let isOrdered) where name == "dictionary_encode":
                let type = DataType.dictionary(index: index, value: argument.type, isOrdered: isOrdered)
                let values = try result.array.dictionary.map { values throws(MartletError) in
                    try restored(Datum(values), of: "unique", from: [argument], [used]).array
                }
                guard values?.type == argument.type else { return result }
                let array = result.array
                return Datum(
                    ArrayData(
                        type: type, count: array.count, validity: array.validity, buffers: array.buffers,
                        dictionary: values))
            case .struct(let fields) where name == "value_counts":
                let values = try restored(Datum(result.array.child(0)), of: "unique", from: [argument], [used]).array
                return Datum(
                    ArrayData(
                        type: .struct([Field("values", values.type), fields[1]]), count: result.array.count,
                        children: [values, result.array.child(1)]))
            case _: break
            }
            guard result.type == used.type else { continue }
            switch argument.type {
            case .stringView, .binaryView, .listView, .largeListView:
                return result.with(try MartletCompute.cast(result.array, to: argument.type))
            case .extension where keepingMeaning.contains(name):
                return result.with(result.array.reinterpreted(as: argument.type))
            case _: break
            }
        }
        return result
    }

    /// Functions whose results are slots of their arguments, so that they mean the same.
    private static let keepingMeaning: Set<String> = [
        "unique", "fill_null", "fill_null_forward", "fill_null_backward", "if_else", "coalesce", "choose", "case_when",
        "min",
        "max", "first", "last", "min_element_wise", "max_element_wise", "replace_with_mask", "dictionary_decode",
    ]

    /// Functions that move whole slots: they take arrays as they lie. The others see views and runs written out, and
    /// extension types as their storage.
    private static let keepingTypes: Set<String> = [
        "take", "filter", "array_take", "array_filter", "drop_null", "cast",
        "run_end_encode", "run_end_decode",
    ]

    /// All names, sorted.
    public static var functionNames: [String] { functions.keys.sorted() }

    static func function(named name: String) throws(MartletError) -> Function {
        guard let function = functions[name] else {
            throw .key("No function registered with name: \(name)" + nearMisses(name))
        }
        return function
    }

    /// `; did you mean ...?` with the names that differ least from `name`.
    static func nearMisses(_ name: String) -> String {
        let near = functionNames.map { ($0, distance($0, name)) }.filter { $0.1 <= max(2, name.count / 3) }
            .sorted { $0.1 < $1.1 }.prefix(3).map { "'\($0.0)'" }
        return near.isEmpty ? "" : "; did you mean \(near.joined(separator: ", "))?"
    }

    /// Insertions, deletions and replacements from one name to the other.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (x, y) = (Array(a.utf8), Array(b.utf8.prefix(64)))
        var row = Array(0...y.count)
        for i in 0..<x.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<y.count {
                let replaced = diagonal + (x[i] == y[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1)
            }
        }
        return row[y.count]
    }

    /// One call of a function.
    struct Call: Sendable {
        let name: String
        let arguments: [Datum]
        let options: FunctionOptions
        let type: DataType?

        subscript(index: Int) -> Datum { arguments[index] }
        var array: ArrayData { arguments[0].array }
    }

    struct Function: Sendable {
        let arity: ClosedRange<Int>
        let options: [String]
        let body: @Sendable (Call) throws(MartletError) -> Datum

        init(
            _ arity: ClosedRange<Int>, _ options: [String] = [],
            _ body: @escaping @Sendable (Call) throws(MartletError) -> Datum
        ) {
            self.arity = arity
            self.options = options
            self.body = body
        }

        /// A function of one argument that keeps its shape.
        static func unary(
            _ options: [String] = [], _ body: @escaping @Sendable (ArrayData, Call) throws(MartletError) -> ArrayData
        ) -> Function {
            Function(1...1, options) { call throws(MartletError) in call[0].with(try body(call.array, call)) }
        }

        /// A function of one argument whose result is a scalar.
        static func aggregate(
            _ options: [String] = ["skip_nulls", "min_count"],
            _ body: @escaping @Sendable (ArrayData, Call) throws(MartletError) -> ArrayData
        ) -> Function {
            Function(1...1, options) { call throws(MartletError) in
                try Datum(scalar: try body(call.array, call))
            }
        }
    }

    /// The names of the functions that make a scalar of an array.
    static let aggregateNames: Set<String> = [
        "sum", "product", "mean", "min", "max", "min_max", "count", "count_distinct", "any", "all", "stddev",
        "variance", "first", "last", "first_last", "approximate_median", "skew", "kurtosis", "quantile", "tdigest",
        "mode",
    ]
}

extension [Datum] {
    /// Decimals of 32 and 64 bits as decimals of 128 bits.
    fileprivate func map128() throws(MartletError) -> [Datum] {
        var all: [Datum] = []
        for argument in self {
            switch argument.type {
            case .decimal32(let precision, let scale), .decimal64(let precision, let scale):
                let type = DataType.decimal128(precision: precision, scale: scale)
                all.append(argument.with(try MartletCompute.cast(argument.array, to: type)))
            case _: all.append(argument)
            }
        }
        return all
    }
}
