import Glibc
import MartletArrow
import MartletBase

// Kernels that are not tied to one width work on lanes: blocks of 1024 slots, widened to 64 bits in the first-level
// cache, computed there, and narrowed into the result. There is one loop for each operation and form (signed,
// unsigned, float) and not one for each type; numbers that have 64 bits already are not copied.

/// Some slots in a row, and working memory for them.
@safe
struct LaneBlock {
    static let capacity = 1024
    static let scratchRows = 4

    let start: Int
    let count: Int
    // Safety: `scratchRows` rows of `capacity` lanes of 8 bytes, that only the thread of this block touches.
    private let scratch: UnsafeMutableRawPointer

    init(start: Int, count: Int, scratch: UnsafeMutableRawPointer) {
        self.start = start
        self.count = count
        unsafe self.scratch = scratch
    }

    @inline(__always)
    func lanes<Value: BitwiseCopyable>(_ row: Int, _ type: Value.Type) -> UnsafeMutablePointer<Value> {
        unsafe (scratch + row &* Self.capacity &* 8).assumingMemoryBound(to: Value.self)
    }
}

/// Runs `body` over blocks of `count` slots, in parallel where there are many. `body` says whether all slots of its
/// block are right; where one is not, and is valid, `failure` tells what to throw for the first such row.
func forEachBlock(
    of count: Int, validity: Bitmap? = nil, _ body: @Sendable (LaneBlock) -> Bool,
    failure: @Sendable (Int) -> MartletError = { _ in .cancelled }
) throws(MartletError) {
    try forEachPiece(of: count, size: 1 << 16) { start, length throws(MartletError) in
        let size = LaneBlock.capacity * LaneBlock.scratchRows * 8
        guard let scratch = unsafe malloc(size) else { throw .outOfMemory(size) }
        defer { unsafe free(scratch) }
        var next = start
        let end = start + length
        while next < end {
            let block = unsafe LaneBlock(start: next, count: min(LaneBlock.capacity, end - next), scratch: scratch)
            if !body(block) {
                // Values under nulls may be anything: look again, one by one.
                for row in next..<next + block.count where validity?[row] ?? true {
                    if unsafe !body(LaneBlock(start: row, count: 1, scratch: scratch)) { throw failure(row) }
                }
            }
            next += block.count
        }
    }
}

/// A new buffer of `count` numbers of `kind`, made block by block.
func makeLanes(
    _ kind: NativeKind, count: Int, validity: Bitmap? = nil, _ body: @Sendable (LaneBlock, LaneWriter) -> Bool,
    failure: @Sendable (Int) -> MartletError = { _ in .cancelled }
) throws(MartletError) -> Buffer {
    let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: kind.byteWidth))
    let writer = unsafe LaneWriter(kind, builder.address)
    try forEachBlock(of: count, validity: validity, { body($0, writer) }, failure: failure)
    return builder.finish()
}

/// A new bitmap of `count` bits: `body` writes 0 or 1 into a byte for each slot of the block.
func makeLaneBits(
    count: Int, _ body: @Sendable (LaneBlock, UnsafeMutablePointer<UInt8>) -> Void
) throws(MartletError) -> Buffer {
    let builder = try BufferBuilder(uninitializedCount: (count + 63) / 64 * 8)
    let target = unsafe Shared(builder.pointer(to: UInt64.self))
    // Safety: blocks start at multiples of 64, so each word has one writer; a row has room for a block of bytes.
    try forEachBlock(of: count) { block in
        let bytes = unsafe block.lanes(LaneBlock.scratchRows - 1, UInt8.self)
        unsafe body(block, bytes)
        let rest = block.count & 63
        if rest != 0 { for i in block.count..<block.count &+ 64 &- rest { unsafe bytes[i] = 0 } }
        unsafe packBits(bytes, target.value + block.start / 64, (block.count + 63) / 64)
        return true
    }
    return builder.finish()
}

/// 64 bytes of 0 or 1 make each word of bits.
@inline(never)
func packBits(_ bytes: UnsafePointer<UInt8>, _ words: UnsafeMutablePointer<UInt64>, _ count: Int) {
    let eights = unsafe UnsafeRawPointer(bytes)
    for k in 0..<count {
        var word: UInt64 = 0
        for j in 0..<8 {
            // Bit i of the top byte of the product is the lowest bit of byte i.
            let eight = unsafe eights.loadUnaligned(fromByteOffset: k &* 64 &+ j &* 8, as: UInt64.self)
            word |= ((eight &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(truncatingIfNeeded: j &* 8)
        }
        unsafe words[k] = word
    }
}

/// Pieces of `count` slots in parallel, each reduced block by block from `initial`; the results in order.
func reduceBlocks<Result: Sendable>(
    of count: Int, _ initial: Result, _ body: @Sendable (inout Result, LaneBlock) -> Void
) throws(MartletError) -> [Result] {
    let size = 1 << 16
    return try WorkerPool.map((count + size - 1) / size, threads: count < 1 << 17 ? 1 : nil) {
        piece throws(MartletError) in
        let byteCount = LaneBlock.capacity * LaneBlock.scratchRows * 8
        guard let scratch = unsafe malloc(byteCount) else { throw .outOfMemory(byteCount) }
        defer { unsafe free(scratch) }
        var result = initial
        var next = piece * size
        let end = min(count, next + size)
        while next < end {
            let length = min(LaneBlock.capacity, end - next)
            unsafe body(&result, LaneBlock(start: next, count: length, scratch: scratch))
            next += length
        }
        return result
    }
}
