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

extension NativeKind {
    var isFloat: Bool {
        switch self {
        case .float16, .float32, .float64: true
        case .int8, .int16, .int32, .int64, .int128, .uint8, .uint16, .uint32, .uint64: false
        }
    }
    var isUnsigned: Bool {
        switch self {
        case .uint8, .uint16, .uint32, .uint64: true
        case .int8, .int16, .int32, .int64, .int128, .float16, .float32, .float64: false
        }
    }
    /// The type whose values are plain numbers of this kind.
    var type: DataType {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .int128: .decimal128(precision: 38, scale: 0)
        }
    }
    /// The smallest and the largest integer, as the bits of a lane.
    var range: (low: Int64, high: Int64) {
        let bits = Int64(byteWidth * 8)
        if bits >= 64 { return isUnsigned ? (0, -1) : (.min, .max) }
        return isUnsigned ? (0, 1 << bits - 1) : (-(1 << (bits - 1)), 1 << (bits - 1) - 1)
    }
}

/// Numbers or booleans of any kind, read as lanes.
@safe
struct LaneReader: @unchecked Sendable {
    /// What the values are; booleans are nil.
    let kind: NativeKind?
    private let isScalar: Bool
    private let array: ArrayData
    private let bits: Bitmap?
    // Safety: slot 0, in memory that `array` keeps alive and that was found long enough.
    private let base: UnsafeRawPointer

    /// The values of an array whose type stores one number, or one bit, in each slot.
    init(_ array: ArrayData, isScalar: Bool = false) throws(MartletError) {
        self.array = array
        self.isScalar = isScalar
        if array.type == .boolean {
            kind = nil
            bits = try array.bits()
            unsafe base = Buffer.empty.pointer(to: UInt8.self).rawPointer
            return
        }
        guard let kind = array.type.nativeKind, let buffer = array.buffers.first else {
            throw .type("array of \(array.type) does not hold numbers")
        }
        let end = try array.offset.adding(checked: array.count).multiplied(checked: kind.byteWidth)
        guard buffer.count >= end, buffer.isAligned(to: kind.byteWidth) || buffer.count == 0 else {
            throw .invalid("values buffer of \(array.type) is too short or misaligned: \(buffer.count) bytes for \(end)")
        }
        self.kind = kind
        bits = nil
        unsafe base = buffer.pointer(to: UInt8.self).rawPointer + array.offset * kind.byteWidth
    }

    init(_ datum: Datum) throws(MartletError) { try self.init(datum.array, isScalar: datum.isScalar) }

    var isFloat: Bool { kind?.isFloat ?? false }
    var isUnsigned: Bool { kind?.isUnsigned ?? true }

    /// The integers of the block (the whole parts of floats), sign- or zero-extended; in row `row` unless they lie so.
    func integers(_ block: LaneBlock, _ row: Int) -> UnsafePointer<Int64> {
        let to = unsafe block.lanes(row, Int64.self)
        let count = isScalar ? 1 : block.count
        let start = isScalar ? 0 : block.start
        // Safety: blocks lie inside the array, and rows hold a block.
        switch kind {
        case .int8: unsafe widen(Int8.self, start, count, to)
        case .int16: unsafe widen(Int16.self, start, count, to)
        case .int32: unsafe widen(Int32.self, start, count, to)
        case .uint8: unsafe widen(UInt8.self, start, count, to)
        case .uint16: unsafe widen(UInt16.self, start, count, to)
        case .uint32: unsafe widen(UInt32.self, start, count, to)
        case .int64, .uint64, .int128:
            let place = unsafe base.assumingMemoryBound(to: Int64.self) + start
            if !isScalar { return unsafe place }
            unsafe to[0] = place[0]
        case .float16, .float32, .float64:
            let from = unsafe doubles(block, row)
            for i in 0..<count { unsafe to[i] = Int64(lane: from[i]) }
        case nil:
            if let bits { for i in 0..<count { unsafe to[i] = bits[start &+ i] ? 1 : 0 } }
        }
        if isScalar { for i in 1..<max(1, block.count) { unsafe to[i] = to[0] } }
        return unsafe UnsafePointer(to)
    }

    /// The numbers of the block as doubles, in row `row` unless they lie so.
    func doubles(_ block: LaneBlock, _ row: Int) -> UnsafePointer<Double> {
        let to = unsafe block.lanes(row, Double.self)
        let count = isScalar ? 1 : block.count
        let start = isScalar ? 0 : block.start
        // Safety: as above.
        switch kind {
        case .float64:
            let place = unsafe base.assumingMemoryBound(to: Double.self) + start
            if !isScalar { return unsafe place }
            unsafe to[0] = place[0]
        case .float32:
            let from = unsafe base.assumingMemoryBound(to: Float.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .float16:
            let from = unsafe base.assumingMemoryBound(to: Float16.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .int32:
            let from = unsafe base.assumingMemoryBound(to: Int32.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .int8, .int16, .int64, .int128, .uint8, .uint16, .uint32, .uint64, nil:
            let from = unsafe integers(block, row)
            if kind == .uint64 {
                for i in 0..<count { unsafe to[i] = Double(UInt64(bitPattern: from[i])) }
            } else {
                for i in 0..<count { unsafe to[i] = Double(from[i]) }
            }
        }
        if isScalar { for i in 1..<max(1, block.count) { unsafe to[i] = to[0] } }
        return unsafe UnsafePointer(to)
    }

    /// The values of the block as they lie, for kernels that have a loop for their kind; scalars are repeated.
    func plain<Value: BitwiseCopyable>(_ block: LaneBlock, _ row: Int, _ type: Value.Type) -> UnsafePointer<Value> {
        let values = unsafe base.assumingMemoryBound(to: type)
        if !isScalar { return unsafe values + block.start }
        let to = unsafe block.lanes(row, type)
        unsafe to.update(repeating: values[0], count: block.count)
        return unsafe UnsafePointer(to)
    }

    @inline(never)
    private func widen<Value: NumberValue>(
        _ type: Value.Type, _ start: Int, _ count: Int, _ to: UnsafeMutablePointer<Int64>
    ) {
        let from = unsafe base.assumingMemoryBound(to: type) + start
        for i in 0..<count { unsafe to[i] = from[i].bits }
    }

    /// One value, for messages and rare paths.
    func integer(at row: Int) -> Int64 {
        var memory: Int64 = 0
        return unsafe withUnsafeMutablePointer(to: &memory) { memory in
            unsafe integers(LaneBlock(start: row, count: 1, scratch: UnsafeMutableRawPointer(memory)), 0)[0]
        }
    }
    func double(at row: Int) -> Double {
        var memory: Int64 = 0
        return unsafe withUnsafeMutablePointer(to: &memory) { memory in
            unsafe doubles(LaneBlock(start: row, count: 1, scratch: UnsafeMutableRawPointer(memory)), 0)[0]
        }
    }

    /// The value of `row` as people read it.
    func text(at row: Int) -> String {
        if isFloat { return "\(double(at: row))" }
        return isUnsigned ? "\(UInt64(bitPattern: integer(at: row)))" : "\(integer(at: row))"
    }
}

extension UnsafePointer where Pointee == UInt8 {
    var rawPointer: UnsafeRawPointer { unsafe UnsafeRawPointer(self) }
}

extension Int64 {
    /// The whole part of a float; 0 when 64 bits cannot hold it.
    @inline(__always)
    init(lane value: Double) {
        self = value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 ? Int64(value) : 0
    }
}

/// A new buffer of numbers, written as lanes.
@safe
struct LaneWriter: @unchecked Sendable {
    let kind: NativeKind
    // Safety: memory for all slots; blocks write their own.
    private let base: UnsafeMutableRawPointer

    init(_ kind: NativeKind, _ base: UnsafeMutableRawPointer) {
        self.kind = kind
        unsafe self.base = base
    }

    /// Where the block's lanes are to be computed: in place, or in row `row`.
    func integers(_ block: LaneBlock, _ row: Int) -> UnsafeMutablePointer<Int64> {
        kind.byteWidth == 8
            ? unsafe base.assumingMemoryBound(to: Int64.self) + block.start : unsafe block.lanes(row, Int64.self)
    }
    func doubles(_ block: LaneBlock, _ row: Int) -> UnsafeMutablePointer<Double> {
        kind == .float64
            ? unsafe base.assumingMemoryBound(to: Double.self) + block.start : unsafe block.lanes(row, Double.self)
    }

    /// The block's values as they will lie.
    func plain<Value: BitwiseCopyable>(_ block: LaneBlock, _ type: Value.Type) -> UnsafeMutablePointer<Value> {
        unsafe base.assumingMemoryBound(to: type) + block.start
    }

    /// Writes the low bits of integers.
    func store(_ from: UnsafePointer<Int64>, _ block: LaneBlock) {
        // Safety: the block lies inside the result.
        switch kind.byteWidth {
        case 1: unsafe narrow(from, UInt8.self, block)
        case 2: unsafe narrow(from, UInt16.self, block)
        case 4: unsafe narrow(from, UInt32.self, block)
        case _:
            let to = unsafe base.assumingMemoryBound(to: Int64.self) + block.start
            if unsafe to != from { unsafe to.update(from: from, count: block.count) }
        }
    }

    /// Writes floats, rounded to their kind.
    func store(_ from: UnsafePointer<Double>, _ block: LaneBlock) {
        // Safety: the block lies inside the result.
        if kind == .float16 {
            let to = unsafe base.assumingMemoryBound(to: Float16.self) + block.start
            for i in 0..<block.count { unsafe to[i] = Float16(from[i]) }
        } else if kind == .float32 {
            let to = unsafe base.assumingMemoryBound(to: Float.self) + block.start
            for i in 0..<block.count { unsafe to[i] = Float(from[i]) }
        } else {
            let to = unsafe base.assumingMemoryBound(to: Double.self) + block.start
            if unsafe to != from { unsafe to.update(from: from, count: block.count) }
        }
    }

    @inline(never)
    private func narrow<Value: FixedWidthInteger & BitwiseCopyable>(
        _ from: UnsafePointer<Int64>, _ type: Value.Type, _ block: LaneBlock
    ) {
        let to = unsafe base.assumingMemoryBound(to: type) + block.start
        for i in 0..<block.count { unsafe to[i] = Value(truncatingIfNeeded: from[i]) }
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

// MARK: loops

/// `out[i] = operate(a[i], b[i])`.
@inline(__always)
func zipLanes<A, B, Out>(
    _ a: UnsafePointer<A>, _ b: UnsafePointer<B>, _ out: UnsafeMutablePointer<Out>, _ count: Int,
    _ operate: (A, B) -> Out
) {
    for i in 0..<count { unsafe out[i] = operate(a[i], b[i]) }
}

/// `out[i] = operate(a[i])`.
@inline(__always)
func mapLanes<A, Out>(
    _ a: UnsafePointer<A>, _ out: UnsafeMutablePointer<Out>, _ count: Int, _ operate: (A) -> Out
) {
    for i in 0..<count { unsafe out[i] = operate(a[i]) }
}

/// Whether all lanes lie in `low ... high`, compared with or without sign.
@inline(never)
func lanesFit(_ lanes: UnsafePointer<Int64>, _ count: Int, _ range: (low: Int64, high: Int64), isUnsigned: Bool) -> Bool {
    var isOutside = false
    if isUnsigned {
        let high = UInt64(bitPattern: range.high)
        if high == .max { return true }
        for i in 0..<count { unsafe isOutside = isOutside || UInt64(bitPattern: lanes[i]) > high }
    } else {
        // One comparison: distances from the low end.
        let span = UInt64(bitPattern: range.high &- range.low)
        if span == .max { return true }
        for i in 0..<count { unsafe isOutside = isOutside || UInt64(bitPattern: lanes[i] &- range.low) > span }
    }
    return !isOutside
}

extension LaneReader {
    /// The valid integers of the block one behind the other, and how many there are.
    func dense(_ block: LaneBlock, _ validity: Bitmap?) -> (lanes: UnsafePointer<Int64>, count: Int) {
        let lanes = unsafe integers(block, 0)
        guard let validity else { return unsafe (lanes, block.count) }
        return unsafe compacted(lanes, block, validity)
    }

    /// The valid numbers of the block as doubles, one behind the other, and how many there are.
    func denseDoubles(_ block: LaneBlock, _ validity: Bitmap?) -> (lanes: UnsafePointer<Double>, count: Int) {
        let lanes = unsafe doubles(block, 0)
        guard let validity else { return unsafe (lanes, block.count) }
        let (dense, count) = unsafe compacted(UnsafeRawPointer(lanes).assumingMemoryBound(to: Int64.self), block, validity)
        return unsafe (UnsafeRawPointer(dense).assumingMemoryBound(to: Double.self), count)
    }

    @inline(never)
    private func compacted(
        _ lanes: UnsafePointer<Int64>, _ block: LaneBlock, _ validity: Bitmap
    ) -> (lanes: UnsafePointer<Int64>, count: Int) {
        let to = unsafe block.lanes(1, Int64.self)
        var (next, start) = (0, 0)
        while start < block.count {
            let length = min(64, block.count &- start)
            var word = validity.word(at: block.start &+ start, length: length)
            // Safety: never more lanes than the block has.
            if word == .max {
                unsafe (to + next).update(from: lanes + start, count: 64)
                next &+= 64
            } else {
                for i in start..<start &+ length {
                    unsafe to[next] = lanes[i]
                    next &+= Int(truncatingIfNeeded: word & 1)
                    word &>>= 1
                }
            }
            start &+= length
        }
        return unsafe (UnsafePointer(to), next)
    }
}

/// Pieces of `count` slots in parallel, each reduced block by block from `initial`; the results in order.
func reduceBlocks<Result: Sendable>(
    of count: Int, _ initial: Result, _ body: @Sendable (inout Result, LaneBlock) -> Void
) throws(MartletError) -> [Result] {
    let size = 1 << 16
    return try WorkerPool.map((count + size - 1) / size, threads: count < 1 << 17 ? 1 : nil) { piece throws(MartletError) in
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

/// Words whose unsigned order is the order of the numbers: NaN, whatever its bits, is largest, and -0.0 is 0.0.
func orderWords(_ array: ArrayData) throws(MartletError) -> Buffer {
    let reader = try LaneReader(array)
    let flip: Int64 = reader.isUnsigned ? 0 : .min
    return try makeLanes(.uint64, count: array.count) { block, writer in
        let out = unsafe writer.integers(block, 1)
        if reader.isFloat {
            unsafe mapLanes(reader.doubles(block, 0), out, block.count) { value in
                let bits = Int64(bitPattern: (value + 0.0).bitPattern)
                return value != value ? -1 : bits < 0 ? ~bits : bits ^ .min
            }
        } else {
            unsafe mapLanes(reader.integers(block, 0), out, block.count) { $0 ^ flip }
        }
        return true
    }
}
