package import MartletBase

/// What stands before the bits of a Bloom filter (BloomFilter.md; parquet.thrift `BloomFilterHeader`).
///
/// There is one algorithm (split blocks), one hash (xxHash of 64 bits) and no compression.
public struct BloomFilterHeader: Sendable, Hashable {
    /// Bytes of the bits that follow.
    public var byteCount: Int32
    /// Whether algorithm, hash and compression are the ones that are known here.
    public var isSupported = true

    public init(byteCount: Int32) { self.byteCount = byteCount }
}

extension BloomFilterHeader: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var count: Int32?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.int32(field)
            case 2, 3, 4:
                let choice: FirstMember = try reader.value(field)
                isSupported = isSupported && choice.isChosen
            default: try reader.skip(field)
            }
        }
        byteCount = try reader.require(count, "BloomFilterHeader.numBytes")
        guard byteCount >= 0 else { throw reader.corrupt("a Bloom filter of \(byteCount) bytes") }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, byteCount)
        try writer.value(2, FirstMember(isChosen: true))
        try writer.value(3, FirstMember(isChosen: true))
        try writer.value(4, FirstMember(isChosen: true))
    }
}

/// A union of which only the first member is known.
private struct FirstMember: ThriftStruct {
    var isChosen = false

    init(isChosen: Bool) { self.isChosen = isChosen }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            isChosen = field.id == 1
            try reader.skip(field)
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        if isChosen { try writer.value(1, ThriftEmpty()) }
    }
}
