/// A named, typed column or child (Schema.fbs `Field`).
public struct Field: Sendable, Hashable {
    public var name: String
    public var type: DataType
    public var isNullable: Bool
    public var metadata: Metadata

    public init(_ name: String, _ type: DataType, isNullable: Bool = true, metadata: Metadata = Metadata()) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
        self.metadata = metadata
    }

    /// Equal but for metadata, here and in children.
    public func isSame(as other: Field) -> Bool {
        name == other.name && isNullable == other.isNullable && type.isSame(as: other.type)
    }
}

extension DataType {
    /// Equal but for the metadata of child fields.
    public func isSame(as other: DataType) -> Bool { self == other || withoutMetadata == other.withoutMetadata }

    /// Equal but for metadata, nullability and the names that lists give to their items, which mean nothing.
    public func holdsSameValues(as other: DataType) -> Bool {
        if self == other { return true }
        switch (self, other) {
        case (.list(let a), .list(let b)), (.largeList(let a), .largeList(let b)):
            return a.type.holdsSameValues(as: b.type)
        case (.fixedSizeList(let a, let m), .fixedSizeList(let b, let n)):
            return m == n && a.type.holdsSameValues(as: b.type)
        case (.struct(let a), .struct(let b)):
            return a.count == b.count
                && zip(a, b).allSatisfy { $0.name == $1.name && $0.type.holdsSameValues(as: $1.type) }
        case (.map(let a, _), .map(let b, _)):
            let (x, y) = (a.type.childFields, b.type.childFields)
            return x.count == y.count && zip(x, y).allSatisfy { $0.type.holdsSameValues(as: $1.type) }
        case (.dictionary(let i, let a, _), .dictionary(let j, let b, _)):
            return i == j && a.holdsSameValues(as: b)
        case (_, _):
            return false
        }
    }

    private var withoutMetadata: DataType {
        func bare(_ field: Field) -> Field {
            Field(field.name, field.type.withoutMetadata, isNullable: field.isNullable)
        }
        switch self {
        case .list(let field): return .list(bare(field))
        case .largeList(let field): return .largeList(bare(field))
        case .fixedSizeList(let field, let count): return .fixedSizeList(bare(field), count: count)
        case .struct(let fields): return .struct(fields.map(bare))
        case .map(let entries, let sorted): return .map(entries: bare(entries), keysSorted: sorted)
        case .dictionary(let index, let value, let ordered):
            return .dictionary(index: index, value: value.withoutMetadata, isOrdered: ordered)
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32,
            .time64, .timestamp, .duration, .decimal128:
            return self
        }
    }
}
