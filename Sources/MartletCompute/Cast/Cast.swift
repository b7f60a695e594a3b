public import MartletArrow
public import MartletBase

/// The values of `array` as another type, slot by slot; nulls stay null.
///
/// A safe cast fails rather than lose anything: the error begins with pyarrow's text and goes on with the row and
/// the fix. `rowOffset` is the row of slot 0, for chunks.
public func cast(
    _ array: ArrayData, to target: DataType, options: CastOptions = .safe, rowOffset: Int = 0
) throws(MartletError) -> ArrayData {
    if array.type == target { return array }
    return try Caster(source: array, target: target, options: options, place: .rows(from: rowOffset)).run()
}

/// Whether a cast between the types exists; its values may still not fit.
public func canCast(from source: DataType, to target: DataType) -> Bool {
    guard let empty = try? ArrayData.empty(source) else { return false }
    do throws(MartletError) { _ = try cast(empty, to: target) } catch { return false }
    return true
}

/// One cast: from an array to a type.
struct Caster: Sendable {
    let source: ArrayData
    let target: DataType
    let options: CastOptions
    let place: Place

    /// What the slots of the source are, for error messages.
    enum Place: Sendable {
        case rows(from: Int)
        case items

        func text(_ slot: Int) -> String {
            switch self {
            case .rows(let first): "row \(first + slot)"
            case .items: "item \(slot) of the nested values"
            }
        }
    }

    var count: Int { source.count }

    /// What types have in common as far as casts go.
    enum Family {
        case null, boolean, number, decimal, text, binary, fixedBinary
        case date, time, timestamp, duration, list, fixedList, structure, map, dictionary
        /// Types without a family: they are cast by their layout or not at all.
        case other
    }

    static func family(_ type: DataType) -> Family {
        switch type {
        case .null: .null
        case .boolean: .boolean
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64: .number
        case .decimal128: .decimal
        case .string, .largeString: .text
        case .binary, .largeBinary: .binary
        case .fixedSizeBinary: .fixedBinary
        case .date32, .date64: .date
        case .time32, .time64: .time
        case .timestamp: .timestamp
        case .duration: .duration
        case .list, .largeList: .list
        case .fixedSizeList: .fixedList
        case .struct: .structure
        case .map: .map
        case .dictionary: .dictionary
        case .decimal32, .decimal64, .decimal256: .decimal
        case .stringView: .text
        case .binaryView: .binary
        case .listView, .largeListView: .list
        case .interval, .union, .runEndEncoded, .extension: .other
        }
    }

    func run() throws(MartletError) -> ArrayData {
        if source.type == target { return source }
        if let result = try betweenLayouts() { return result }
        switch (Self.family(source.type), Self.family(target)) {
        case (.null, _): return try .nulls(target, count: count)
        case (.dictionary, .dictionary): return try betweenDictionaries()
        case (.dictionary, _): return try decoded()
        case (_, .dictionary): return try encoded()
        case (.number, .number), (.boolean, .number): return try numbers()
        case (.number, .boolean): return try numbersToBooleans()
        case (.number, .decimal), (.decimal, .number), (.decimal, .decimal): return try decimals()
        case (.number, .date), (.number, .time), (.number, .timestamp), (.number, .duration),
            (.date, .number), (.time, .number), (.timestamp, .number), (.duration, .number):
            // Integers of the very kind that the temporal type lies in memory as.
            let number = Self.family(source.type) == .number ? source.type : target
            guard number.isSignedInteger, source.type.nativeKind == target.nativeKind else { throw unsupported() }
            return source.reinterpreted(as: target)
        case (.date, .date), (.date, .timestamp), (.timestamp, .date), (.timestamp, .time), (.timestamp, .timestamp),
            (.time, .time), (.duration, .duration):
            return try temporal()
        case (.number, .text), (.boolean, .text), (.decimal, .text), (.date, .text), (.time, .text),
            (.timestamp, .text), (.duration, .text):
            return try printed()
        case (.text, .number), (.text, .boolean), (.text, .decimal), (.text, .date), (.text, .time),
            (.text, .timestamp), (.text, .duration):
            return try parsed()
        case (.binary, .number), (.binary, .boolean), (.binary, .decimal):
            let text = source.reinterpreted(as: source.type == .binary ? .string : .largeString)
            return try Caster(source: text, target: target, options: options, place: place).run()
        case (.text, .text), (.text, .binary), (.binary, .text), (.binary, .binary), (.fixedBinary, .text),
            (.fixedBinary, .binary), (.binary, .fixedBinary), (.text, .fixedBinary), (.fixedBinary, .fixedBinary):
            return try bytes()
        case (.list, .list), (.list, .fixedList), (.fixedList, .list), (.fixedList, .fixedList), (.map, .list),
            (.list, .map), (.map, .map), (.structure, .structure):
            return try nested()
        case _: throw unsupported()
        }
    }

    /// A cast of values inside this array's.
    func inner(_ array: ArrayData, to type: DataType) throws(MartletError) -> ArrayData {
        try Caster(source: array, target: type, options: options, place: .items).run()
    }

    func unsupported() -> MartletError {
        let (name, function) = Self.names(target)
        return .notImplemented("Unsupported cast from \(source.type) to \(name) using function cast_\(function)")
    }

    /// pyarrow's names of a type and of the function that casts to it.
    private static func names(_ type: DataType) -> (String, String) {
        switch type {
        case .boolean: ("bool", "boolean")
        case .float16: ("halffloat", "half_float")
        case .string: ("utf8", "string")
        case .largeString: ("large_utf8", "large_string")
        case .decimal128: ("decimal128", "decimal")
        case .null, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float32, .float64, .binary,
            .largeBinary, .fixedSizeBinary, .date32, .date64, .time32, .time64, .timestamp, .duration, .list,
            .largeList, .fixedSizeList, .struct, .map, .dictionary, .stringView, .binaryView, .interval, .decimal32,
            .decimal64, .decimal256, .listView, .largeListView, .union, .runEndEncoded, .extension:
            (plainName(type), plainName(type))
        }
    }

    /// The text of the type without its parameters.
    private static func plainName(_ type: DataType) -> String {
        String(type.description.prefix { $0 != "[" && $0 != "<" && $0 != "(" })
    }
}
