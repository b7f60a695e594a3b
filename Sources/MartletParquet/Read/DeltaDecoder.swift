import MartletBase

/// Integers as differences in bit-packed miniblocks (Encodings.md, "Delta Encoding").
///
/// The bytes stay with whoever made the decoder for as long as it is used.
@safe
struct DeltaDecoder {
    private let source: UnsafePointer<UInt8>
    private let byteCount: Int
    private var position = 0
    private let miniblockCount: Int
    private let miniblockLength: Int
    /// Values of the whole stream.
    let count: Int
    /// Values that are not read yet.
    private(set) var left: Int
    private var last: Int64
    private var isAtFirst = true
    private var minDelta: Int64 = 0
    /// Where the bit widths of the current block are, and which miniblock is next.
    private var widths = 0
    private var nextMiniblock: Int
    /// The current miniblock: where it starts, and how many of its values are read.
    private var width = 0
    private var blockStart = 0
    private var blockDone: Int

    init(_ source: UnsafePointer<UInt8>, byteCount: Int) throws(MartletError) {
        unsafe self.source = source
        self.byteCount = byteCount
        let span = unsafe RawSpan(_unsafeStart: source, byteCount: byteCount)
        var cursor = ByteCursor(span)
        let blockLength = try cursor.readVarint()
        let miniblocks = try cursor.readVarint()
        let total = try cursor.readVarint()
        last = try cursor.readZigZag()
        guard blockLength > 0, blockLength <= 1 << 30, miniblocks > 0, miniblocks <= 1 << 20,
            blockLength % miniblocks == 0, blockLength / miniblocks % 8 == 0
        else {
            throw .corrupt("delta-encoded blocks of \(blockLength) values in \(miniblocks) miniblocks cannot be")
        }
        guard total <= UInt64(Int32.max) else { throw .corrupt("delta-encoded page of \(total) values") }
        miniblockCount = Int(miniblocks)
        miniblockLength = Int(blockLength / miniblocks)
        count = Int(total)
        left = count
        nextMiniblock = miniblockCount
        blockDone = miniblockLength
        position = cursor.position
    }

    /// Where the bytes behind the last miniblock start. Only after all values have been read.
    var endPosition: Int { position }

    /// The next `count` values; `target` has room for them. Sums wrap around, as the format has it.
    mutating func decode<Value: FixedWidthInteger & UnsignedInteger>(
        _ count: Int, into target: UnsafeMutablePointer<Value>
    ) throws(MartletError) {
        guard count <= left else {
            throw .corrupt("delta-encoded page holds \(self.count) values, \(count - left) more are wanted")
        }
        var done = 0
        if isAtFirst && count > 0 {
            unsafe target[0] = Value(truncatingIfNeeded: last)
            isAtFirst = false
            done = 1
        }
        while done < count {
            if blockDone == miniblockLength { try startMiniblock(left - done) }
            let length = min(count - done, miniblockLength - blockDone)
            let values = unsafe target + done
            let bit = blockStart * 8 + blockDone * width
            // Safety: `startMiniblock` checked that the values that are left lie within the bytes.
            unsafe unpackBits(source, byteCount: byteCount, bit: bit, width: width, count: length, into: values)
            var sum = Value(truncatingIfNeeded: last)
            let step = Value(truncatingIfNeeded: minDelta)
            for i in 0..<length {
                unsafe sum = sum &+ step &+ values[i]
                unsafe values[i] = sum
            }
            last = Int64(truncatingIfNeeded: sum)
            blockDone += length
            done += length
        }
        left -= count
    }

    mutating func skip(_ count: Int) throws(MartletError) {
        // Each value depends on those before it.
        try unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 512) { room throws(MartletError) in
            var rest = count
            while rest > 0 {
                let length = min(rest, 512)
                try unsafe decode(length, into: room.baseAddress!)
                rest -= length
            }
        }
    }

    private mutating func startMiniblock(_ left: Int) throws(MartletError) {
        if nextMiniblock == miniblockCount {
            let span = unsafe RawSpan(_unsafeStart: source + position, byteCount: byteCount - position)
            var cursor = ByteCursor(span)
            minDelta = try cursor.readZigZag()
            widths = position + cursor.position
            try cursor.skip(miniblockCount)
            position += cursor.position
            nextMiniblock = 0
        }
        width = Int(unsafe source[widths + nextMiniblock])
        nextMiniblock += 1
        guard width <= 64 else { throw .corrupt("delta-encoded miniblock of \(width) bits a value, at most 64") }
        let wanted = miniblockLength / 8 * width
        let needed = (min(left, miniblockLength) * width + 7) / 8
        guard needed <= byteCount - position else {
            throw .corrupt("delta-encoded miniblock needs \(needed) bytes, \(byteCount - position) are left")
        }
        blockStart = position
        // Some writers leave the padding of the last miniblock out.
        position += min(wanted, byteCount - position)
        blockDone = 0
    }
}
