public import MartletBase

/// The fields of a record batch, in order, with metadata (Schema.fbs `Schema`).
public struct Schema: Sendable, Hashable {
    public var fields: [Field]
    public var metadata: Metadata

    public init(_ fields: [Field], metadata: Metadata = Metadata()) {
        self.fields = fields
        self.metadata = metadata
    }

    public var names: [String] { fields.map(\.name) }

    /// The index of the only field with this name. Throws `keyError` when there is none or more than one.
    public func index(of name: String) throws(MartletError) -> Int {
        guard let first = fields.firstIndex(where: { $0.name == name }) else {
            throw .key("Field \"\(name)\" does not exist in schema; it has \(names.prefix(20).joined(separator: ", "))")
        }
        guard fields.lastIndex(where: { $0.name == name }) == first else {
            throw .key("Field \"\(name)\" exists more than once in schema; select it by index")
        }
        return first
    }

    /// Equal but for metadata.
    public func isSame(as other: Schema) -> Bool {
        fields.count == other.fields.count && zip(fields, other.fields).allSatisfy { $0.isSame(as: $1) }
    }

    /// The type of the struct that a batch of this schema is across the C interfaces.
    public var structType: DataType { .struct(fields) }
}

extension [Field] {
    /// Whether both are the same array in memory, which is quicker to see than that they are equal. Never so when empty.
    package func isSameMemory(as other: [Field]) -> Bool {
        unsafe withUnsafeBufferPointer { own in
            unsafe other.withUnsafeBufferPointer { unsafe own.count > 0 && own.baseAddress == $0.baseAddress && own.count == $0.count }
        }
    }
}
