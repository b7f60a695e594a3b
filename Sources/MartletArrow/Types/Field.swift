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
        if case .extension(let a) = self {
            guard case .extension(let b) = other else { return false }
            return a.name == b.name && a.metadata == b.metadata && a.storage.holdsSameValues(as: b.storage)
        }
        if case .dictionary(let i, let a, _) = self {
            guard case .dictionary(let j, let b, _) = other else { return false }
            return i == j && a.holdsSameValues(as: b)
        }
        if case .extension = other { return false }
        if case .map(let a, _) = self, case .map(let b, _) = other {
            return zip(a.type.childFields, b.type.childFields).allSatisfy { $0.meaning.holdsSameValues(as: $1.meaning) }
        }
        // Flat types are equal or not; the format string of a nested type tells all but its children.
        let (mine, theirs) = (childFields, other.childFields)
        guard !mine.isEmpty, mine.count == theirs.count, formatString == other.formatString else { return false }
        return zip(mine, theirs).allSatisfy {
            (!namesCount || $0.name == $1.name) && $0.meaning.holdsSameValues(as: $1.meaning)
        }
    }

    /// Whether the names of children tell them apart.
    private var namesCount: Bool {
        switch self {
        case .struct, .union: true
        case _: false
        }
    }

    private var withoutMetadata: DataType {
        mapChildren { Field($0.name, $0.meaning.withoutMetadata, isNullable: $0.isNullable) }
    }
}
