import MartletArrow
import MartletBase

/// A value that the caller shares with the workers of one `forEach`, which write to distinct places only.
@safe
struct Shared<Value>: @unchecked Sendable {
    // Safety: each use says why its items never touch the same memory.
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Runs `body(start, length)` over pieces of `count` slots, in parallel where there are enough of them. Pieces
/// start at multiples of 64, so that bitmaps may be written piecewise.
func forEachPiece(
    of count: Int, size: Int = 1 << 17, _ body: @Sendable (_ start: Int, _ length: Int) throws(MartletError) -> Void
) throws(MartletError) {
    if count <= size { return try body(0, count) }
    try WorkerPool.forEach((count + size - 1) / size) { piece throws(MartletError) in
        let start = piece * size
        try body(start, Swift.min(size, count - start))
    }
}

/// A new buffer of `count` values that `body` fills; it may write from several threads, to distinct slots.
func makeValues<Value: BitwiseCopyable>(
    _ type: Value.Type, count: Int, _ body: (UnsafeMutablePointer<Value>) throws(MartletError) -> Void
) throws(MartletError) -> Buffer {
    let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: MemoryLayout<Value>.stride))
    try unsafe body(builder.pointer(to: Value.self))
    return builder.finish()
}

/// A new bitmap of `count` bits, made word by word: `word(start, length)` gives the bits `start ..< start + length`.
@inline(__always)
func makeBits(count: Int, _ word: @Sendable (_ start: Int, _ length: Int) -> UInt64) throws(MartletError) -> Buffer {
    let builder = try BufferBuilder(uninitializedCount: (count + 63) / 64 * 8)
    let target = unsafe Shared(builder.pointer(to: UInt64.self))
    // Safety: pieces start at multiples of 64 slots, so each word has one writer.
    try forEachPiece(of: count) { start, length in
        var index = start
        while index < start + length {
            unsafe target.value[index >> 6] = word(index, Swift.min(64, count - index))
            index += 64
        }
    }
    return builder.finish()
}

extension ArrayData {
    /// The values of slot 0 and on; checks that they are all there.
    func values<Value: NativeValue>(of type: Value.Type) throws(MartletError) -> UnsafePointer<Value> {
        _ = try PrimitiveArray<Value>(self)
        return unsafe buffers[0].pointer(to: Value.self) + offset
    }

    /// The bits of a boolean array.
    func bits() throws(MartletError) -> Bitmap { try Bitmap(buffers[0], offset: offset, count: count) }

    /// The validity of the slots in a buffer of its own that starts at bit 0; nil without nulls.
    func rebasedValidity() throws(MartletError) -> Buffer? {
        guard let bitmap = usedValidityBitmap else { return nil }
        return try bitmap.rebased()
    }

    /// A boolean array of `bits` that start at bit 0.
    static func booleans(_ bits: Buffer, count: Int, validity: Buffer? = nil) -> ArrayData {
        ArrayData(type: .boolean, count: count, validity: validity, buffers: [bits])
    }

    /// One boolean.
    static func boolean(_ value: Bool?) throws(MartletError) -> ArrayData {
        guard let value else { return try .nulls(.boolean, count: 1) }
        return .booleans(try Buffer([value ? 1 as UInt8 : 0]), count: 1)
    }

    /// One value of a type that holds native values of that kind.
    static func single<Value: NativeValue>(_ value: Value?, _ type: DataType) throws(MartletError) -> ArrayData {
        guard let value else { return try .nulls(type, count: 1) }
        return ArrayData(type: type, count: 1, buffers: [try Buffer([value])])
    }
}

/// The bits that are set in both; nil stands for all ones.
func intersection(_ a: Bitmap?, _ b: Bitmap?, count: Int) throws(MartletError) -> Buffer? {
    switch (a, b) {
    case (nil, nil): return nil
    case (let a?, nil): return try a.rebased()
    case (nil, let b?): return try b.rebased()
    case (let a?, let b?):
        return try makeBits(count: count) { start, length in
            a.word(at: start, length: length) & b.word(at: start, length: length)
        }
    }
}
