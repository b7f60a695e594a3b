/// What the values of an array mean (Schema.fbs `Type`; Columnar format, "Logical types").
///
/// How they lie in memory is `layout`, a table; kernels reach native values through `NativeKind`.
public indirect enum DataType: Sendable, Hashable {
    case null
    case boolean
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64
    case float16, float32, float64
    /// UTF-8 text with 32-bit (`string`) or 64-bit (`largeString`) offsets.
    case string, largeString
    case binary, largeBinary
    case fixedSizeBinary(byteWidth: Int)
    /// Days since 1970-01-01.
    case date32
    /// Milliseconds since 1970-01-01, whole days.
    case date64
    /// Time of day: seconds or milliseconds in 32 bits.
    case time32(TimeUnit)
    /// Time of day: microseconds or nanoseconds in 64 bits.
    case time64(TimeUnit)
    /// Since 1970-01-01 00:00:00, in UTC when there is a time zone, of an unknown zone otherwise.
    case timestamp(TimeUnit, timeZone: String?)
    case duration(TimeUnit)
    /// A 128-bit integer times 10 to the power of `-scale`; 1 ... 38 digits.
    case decimal128(precision: Int, scale: Int)
    case list(Field)
    case largeList(Field)
    case fixedSizeList(Field, count: Int)
    case `struct`([Field])
    /// A list of entries: a struct of a key, never null, and an item.
    case map(entries: Field, keysSorted: Bool)
    /// Integers of type `index` that point into a dictionary of values.
    case dictionary(index: DataType, value: DataType, isOrdered: Bool)
}

/// The unit of times, timestamps and durations. Raw values are those of Schema.fbs `TimeUnit`.
public enum TimeUnit: Int16, Sendable, Hashable, CaseIterable {
    case second = 0
    case millisecond = 1
    case microsecond = 2
    case nanosecond = 3

    /// How many of this unit make a second.
    public var perSecond: Int64 {
        switch self {
        case .second: 1
        case .millisecond: 1_000
        case .microsecond: 1_000_000
        case .nanosecond: 1_000_000_000
        }
    }

    /// `s`, `ms`, `us` or `ns`.
    public var abbreviation: String {
        switch self {
        case .second: "s"
        case .millisecond: "ms"
        case .microsecond: "us"
        case .nanosecond: "ns"
        }
    }
}

extension DataType {
    /// The fields of nested types; empty for the others.
    public var childFields: [Field] {
        switch self {
        case .list(let field), .largeList(let field), .fixedSizeList(let field, _), .map(let field, _): [field]
        case .struct(let fields): fields
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32,
            .time64, .timestamp, .duration, .decimal128, .dictionary:
            []
        }
    }

    public var isInteger: Bool { isSignedInteger || isUnsignedInteger }
    public var isSignedInteger: Bool { [.int8, .int16, .int32, .int64].contains(self) }
    public var isUnsignedInteger: Bool { [.uint8, .uint16, .uint32, .uint64].contains(self) }
    public var isFloatingPoint: Bool { [.float16, .float32, .float64].contains(self) }
    public var isNumeric: Bool { isInteger || isFloatingPoint }
    /// Strings and binary of variable length.
    public var isVariableBinary: Bool { [.string, .largeString, .binary, .largeBinary].contains(self) }
    public var isNested: Bool { !childFields.isEmpty || self == .struct([]) }
    public var isTemporal: Bool {
        if case .timestamp = self { return true }
        if case .duration = self { return true }
        if case .time32 = self { return true }
        if case .time64 = self { return true }
        return self == .date32 || self == .date64
    }

    /// Levels of nesting: 1 for flat types.
    public var depth: Int {
        if case .dictionary(_, let value, _) = self { return 1 + value.depth }
        return 1 + (childFields.map(\.type.depth).max() ?? 0)
    }

    /// The deepest nesting that is accepted from outside.
    public static let maximumDepth = 64
}
