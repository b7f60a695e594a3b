import MartletArrow
import MartletBase

/// How batches are read.
public struct IPCReadOptions: Sendable {
    /// The top-level fields to read, by index; their order does not count. nil reads all.
    public var includedFields: [Int]?
    /// Decompress on all processors.
    public var usesThreads = true
    /// Bodies of the other byte order are turned into this machine's. Without, their numbers stay as they were written.
    public var ensuresNativeByteOrder = true
    /// Buffers start at multiples of this many bytes; those that do not are copied. 1 leaves it to their types, which is
    /// the least in any case.
    public var alignment = 1

    public init() {}

    /// For each top-level field whether it is read. Throws `invalid` for an index that is none.
    func inclusion(fieldCount: Int) throws(MartletError) -> [Bool] {
        guard let includedFields else { return Array(repeating: true, count: fieldCount) }
        var included = Array(repeating: false, count: fieldCount)
        for index in includedFields {
            guard included.indices.contains(index) else {
                throw .invalid("Out of bounds field index: \(index); the schema has \(fieldCount) fields")
            }
            included[index] = true
        }
        return included
    }
}
