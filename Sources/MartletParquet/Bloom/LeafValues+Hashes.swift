import MartletArrow
import MartletBase
import MartletCodecs

extension LeafValues {
    /// The hash of every valid value of `span`, in order: xxHash of its PLAIN form, without the length of byte strings.
    func forEachHash(_ span: SlotSpan, _ body: (UInt64) -> Void) throws(MartletError) {
        var scratch = try BufferBuilder()
        switch form {
        case .nothing, .bits: break
        case .lanes32:
            let found = try unsafe lanes(span, as: UInt32.self, scratch: &scratch)
            for i in 0..<found.count { unsafe body(Checksums.xxh64(of: found[i])) }
        case .lanes64:
            let found = try unsafe lanes(span, as: UInt64.self, scratch: &scratch)
            for i in 0..<found.count { unsafe body(Checksums.xxh64(of: found[i])) }
        case .fixedBytes, .bytes32, .bytes64:
            try unsafe forEachBytes(span) { start, count in
                // Safety: these are the bytes of a slot.
                body(Checksums.xxh64(unsafe RawSpan(_unsafeStart: start, byteCount: count)))
            }
        }
    }

    /// A filter with all values in it.
    func bloomFilter(_ options: BloomFilterOptions, valueCount: Int) throws(MartletError) -> Buffer {
        var builder = try BloomFilterBuilder(
            byteCount: BloomFilter.byteCount(
                distinctCount: options.distinctCount ?? valueCount, falsePositiveRate: options.falsePositiveRate))
        for (i, range) in ranges.enumerated() {
            // In windows, so that converted values take little memory.
            var start = 0
            while start < range.count {
                let count = min(16_384, range.count - start)
                try forEachHash(SlotSpan(first: i, skip: start, count: count)) { builder.insert($0) }
                start += count
            }
        }
        return builder.finish(falsePositiveRate: options.falsePositiveRate)
    }
}

/// What a column's Bloom filters are made for.
public struct BloomFilterOptions: Sendable, Hashable {
    /// Distinct values of a row group; nil: at most as many as it has values.
    public var distinctCount: Int?
    /// How often a value that is not there may seem to be, between 0 and 1.
    public var falsePositiveRate = 0.05

    public init() {}
}

extension BloomFilterOptions {
    /// Throws when the options mean nothing, or nothing for this column.
    func check(_ column: LeafColumn) throws(MartletError) {
        if let distinctCount, distinctCount < 1 {
            throw .invalid("ndv of a Bloom filter must be positive, not \(distinctCount)")
        }
        guard falsePositiveRate > 0, falsePositiveRate < 1 else {
            throw .invalid("fpp of a Bloom filter must be between 0 and 1, not \(falsePositiveRate)")
        }
        if column.physicalType == .boolean {
            throw .notImplemented("BloomFilterBuilder does not support boolean type: column '\(column.dottedPath)'")
        }
    }
}
