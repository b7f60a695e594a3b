import Glibc
public import MartletBase

/// A split-block Bloom filter (BloomFilter.md): blocks of eight 32-bit words. A value chooses a block by the upper half of
/// its hash and a bit in each word by the lower one.
public struct BloomFilter: Sendable {
    /// Blocks of 32 bytes.
    public let bits: Buffer

    static let blockByteCount = 32
    /// As far as readers follow.
    static let maximumByteCount = 128 << 20

    /// Throws `invalid` when the bits are no whole blocks.
    public init(bits: Buffer) throws(MartletError) {
        guard bits.count > 0, bits.count % Self.blockByteCount == 0 else {
            throw .corrupt(
                "a Bloom filter of \(bits.count) bytes is no number of blocks of \(Self.blockByteCount) bytes")
        }
        self.bits = bits
    }

    /// Whether a value with this hash may be in the filter; false is certain.
    public func mayContain(hash: UInt64) -> Bool {
        // Safety: the block's number is below the number of blocks.
        let block = unsafe bits.pointer(to: UInt8.self) + Self.block(of: hash, bits.count) &* Self.blockByteCount
        let words = unsafe UnsafeRawPointer(block)
        var missing: UInt32 = 0
        for i in 0..<8 {
            let word = unsafe UInt32(littleEndian: words.loadUnaligned(fromByteOffset: i &* 4, as: UInt32.self))
            missing |= ~word & Self.mask(hash, i)
        }
        return missing == 0
    }

    /// Bytes of a filter for so many distinct values: a power of two, as readers want it.
    public static func byteCount(distinctCount: Int, falsePositiveRate: Double) -> Int {
        let bits = -8 * Double(distinctCount) / log(1 - pow(falsePositiveRate, 1.0 / 8))
        guard bits > 0, bits < Double(maximumByteCount) * 8 else { return bits > 0 ? maximumByteCount : blockByteCount }
        var bytes = blockByteCount
        while bytes < maximumByteCount, Double(bytes) * 8 < bits { bytes *= 2 }
        return bytes
    }

    @inline(__always)
    fileprivate static func block(of hash: UInt64, _ byteCount: Int) -> Int {
        Int(truncatingIfNeeded: ((hash &>> 32) &* UInt64(byteCount / blockByteCount)) &>> 32)
    }

    /// The bit that the hash stands for in word `i`.
    @inline(__always)
    fileprivate static func mask(_ hash: UInt64, _ i: Int) -> UInt32 {
        1 &<< ((UInt32(truncatingIfNeeded: hash) &* salt(i)) &>> 27)
    }

    @inline(__always)
    private static func salt(_ i: Int) -> UInt32 {
        switch i {
        case 0: 0x47B6_137B
        case 1: 0x4497_4D91
        case 2: 0x8824_AD5B
        case 3: 0xA2B7_289D
        case 4: 0x7054_95C7
        case 5: 0x2DF1_424B
        case 6: 0x9EFC_4947
        case _: 0x5C6B_FB31
        }
    }
}

/// A Bloom filter that is being filled.
struct BloomFilterBuilder: ~Copyable {
    private var bits: BufferBuilder

    /// - Parameter byteCount: a multiple of 32.
    init(byteCount: Int) throws(MartletError) {
        var zeros = try BufferBuilder()
        try zeros.appendZeros(byteCount)
        bits = zeros
    }

    mutating func insert(_ hash: UInt64) {
        // Safety: the block's number is below the number of blocks.
        let words = unsafe bits.pointer(to: UInt32.self) + BloomFilter.block(of: hash, bits.byteCount) &* 8
        for i in 0..<8 { unsafe words[i] |= BloomFilter.mask(hash, i).littleEndian }
    }

    /// The bits; neighbouring blocks are laid over each other as long as the filter then still answers well enough: a filter
    /// may have been made for more distinct values than there were.
    consuming func finish(falsePositiveRate: Double) -> Buffer {
        var count = bits.byteCount / 4
        // Safety: `count` words are there, and the halves lie within them.
        let words = unsafe bits.pointer(to: UInt32.self)
        while count >= 16 {
            var ones = 0
            for i in 0..<count / 2 {
                ones &+= unsafe (words[Self.first(i)] | words[Self.first(i) &+ 8]).nonzeroBitCount
            }
            // A value that is not there finds a bit set with this chance, eight times.
            guard pow(Double(ones) / Double(count * 16), 8) <= falsePositiveRate else { break }
            for i in 0..<count / 2 { unsafe words[i] = words[Self.first(i)] | words[Self.first(i) &+ 8] }
            count /= 2
        }
        bits.truncate(to: count * 4)
        return bits.finish()
    }

    /// The first of the two words that make word `i` of a filter of half the blocks.
    @inline(__always)
    private static func first(_ i: Int) -> Int { (i & ~7) &* 2 &+ (i & 7) }
}
