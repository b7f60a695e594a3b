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
    /// Text and bytes as 16-byte views: short values lie in the view itself, longer ones in any number of buffers.
    case stringView, binaryView
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
    case interval(IntervalUnit)
    /// An integer of so many bits times 10 to the power of `-scale`; 1 ... 9, 18, 38 or 76 digits.
    case decimal32(precision: Int, scale: Int)
    case decimal64(precision: Int, scale: Int)
    case decimal128(precision: Int, scale: Int)
    case decimal256(precision: Int, scale: Int)
    case list(Field)
    case largeList(Field)
    /// Lists that each say where they begin and how long they are: in any order, and they may overlap.
    case listView(Field)
    case largeListView(Field)
    case fixedSizeList(Field, count: Int)
    case `struct`([Field])
    /// A list of entries: a struct of a key, never null, and an item.
    case map(entries: Field, keysSorted: Bool)
    /// Integers of type `index` that point into a dictionary of values.
    case dictionary(index: DataType, value: DataType, isOrdered: Bool)
    /// Each slot is of the type of one of the fields; `typeIds[k]` is the id of `fields[k]`.
    case union(UnionMode, fields: [Field], typeIds: [Int8])
    /// Runs of equal values: `runEnds` (int16, int32 or int64, never null) says where each ends.
    case runEndEncoded(runEnds: Field, values: Field)
    case `extension`(ExtensionType)
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
        case .list(let field), .largeList(let field), .listView(let field), .largeListView(let field),
            .fixedSizeList(let field, _), .map(let field, _):
            [field]
        case .struct(let fields), .union(_, let fields, _): fields
        case .runEndEncoded(let runEnds, let values): [runEnds, values]
        case .extension(let type): type.storage.childFields
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .stringView, .binaryView, .fixedSizeBinary, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .interval, .decimal32, .decimal64, .decimal128, .decimal256,
            .dictionary:
            []
        }
    }

    /// The type with each child field replaced; values of dictionaries and storage of extensions count as children too.
    package func mapChildren(_ transform: (Field) -> Field) -> DataType {
        switch self {
        case .list(let field): return .list(transform(field))
        case .largeList(let field): return .largeList(transform(field))
        case .listView(let field): return .listView(transform(field))
        case .largeListView(let field): return .largeListView(transform(field))
        case .fixedSizeList(let field, let count): return .fixedSizeList(transform(field), count: count)
        case .struct(let fields): return .struct(fields.map(transform))
        case .map(let entries, let sorted): return .map(entries: transform(entries), keysSorted: sorted)
        case .union(let mode, let fields, let typeIds):
            return .union(mode, fields: fields.map(transform), typeIds: typeIds)
        case .runEndEncoded(let runEnds, let values):
            return .runEndEncoded(runEnds: transform(runEnds), values: transform(values))
        case .dictionary(let index, let value, let ordered):
            return .dictionary(index: index, value: transform(Field("", value)).type, isOrdered: ordered)
        case .extension(let type):
            let storage = transform(Field("", type.storage)).type
            return .extension(ExtensionType(name: type.name, metadata: type.metadata, storage: storage))
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .stringView, .binaryView, .fixedSizeBinary, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .interval, .decimal32, .decimal64, .decimal128, .decimal256:
            return self
        }
    }

    public var isInteger: Bool { isSignedInteger || isUnsignedInteger }
    public var isSignedInteger: Bool { [.int8, .int16, .int32, .int64].contains(self) }
    public var isUnsignedInteger: Bool { [.uint8, .uint16, .uint32, .uint64].contains(self) }
    public var isFloatingPoint: Bool { [.float16, .float32, .float64].contains(self) }
    public var isNumeric: Bool { isInteger || isFloatingPoint }
    /// Strings and binary of variable length, with offsets.
    public var isVariableBinary: Bool { [.string, .largeString, .binary, .largeBinary].contains(self) }
    /// Strings and binary as views.
    public var isBinaryView: Bool { self == .stringView || self == .binaryView }
    /// Digits and scale of a decimal of any width; nil for other types.
    public var decimalDigits: (precision: Int, scale: Int)? {
        switch self {
        case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
            .decimal128(let precision, let scale), .decimal256(let precision, let scale):
            (precision, scale)
        case _: nil
        }
    }
    public var isNested: Bool {
        switch storage {
        case .struct, .union: true
        case let other: !other.childFields.isEmpty
        }
    }
    /// Whether this or a type below it is a dictionary.
    package var containsDictionary: Bool {
        if case .dictionary = storage { return true }
        return childFields.contains { $0.type.containsDictionary }
    }
    /// Whether all values are null by their type, extensions of it included.
    package var isNullType: Bool {
        switch self {
        case .null: true
        case .extension(let type): type.storage.isNullType
        case _: false
        }
    }
    /// What the values are stored as: the type under extensions; the type itself where there are none.
    public var storage: DataType {
        var type = self
        while case .extension(let outer) = type { type = outer.storage }
        return type
    }
    public var isTemporal: Bool {
        if case .timestamp = self { return true }
        if case .duration = self { return true }
        if case .time32 = self { return true }
        if case .time64 = self { return true }
        if case .interval = self { return true }
        return self == .date32 || self == .date64
    }

    /// Levels of nesting: 1 for flat types.
    public var depth: Int {
        if case .dictionary(_, let value, _) = self { return 1 + value.depth }
        if case .extension(let type) = self { return 1 + type.storage.depth }
        return 1 + (childFields.map(\.type.depth).max() ?? 0)
    }

    /// The deepest nesting that is accepted from outside.
    public static let maximumDepth = 64
}
