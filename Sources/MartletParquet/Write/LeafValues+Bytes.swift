import Glibc
import MartletArrow
import MartletBase

extension LeafValues {
    /// Every valid byte string of `span` in order: `body(start, count)`.
    @inline(__always)
    func forEachBytes(_ span: SlotSpan, _ body: (UnsafePointer<UInt8>, Int) -> Void) throws(MartletError) {
        switch form {
        case .bytes32:
            try forEachRun(span) { chunk, start, count in
                for i in start..<start &+ count {
                    let from = unsafe Int(chunk.offsets32[i])
                    unsafe body(chunk.values + from, Int(chunk.offsets32[i &+ 1]) &- from)
                }
            }
        case .bytes64:
            try forEachRun(span) { chunk, start, count in
                for i in start..<start &+ count {
                    let from = unsafe Int(chunk.offsets64[i])
                    unsafe body(chunk.values + from, Int(chunk.offsets64[i &+ 1]) &- from)
                }
            }
        case .fixedBytes(let width):
            try forEachRun(span) { chunk, start, count in
                for i in start..<start &+ count { unsafe body(chunk.values + i &* width, width) }
            }
        case .nothing, .bits, .lanes32, .lanes64: break
        }
    }

    /// The valid byte strings of `span` as items in `scratch`.
    func items(
        _ span: SlotSpan, scratch: inout BufferBuilder
    ) throws(MartletError) -> UnsafeBufferPointer<BytesEncoder.Item> {
        scratch.truncate(to: 0)
        let target = try unsafe scratch.extend(
            by: span.count.multiplied(checked: MemoryLayout<BytesEncoder.Item>.stride)
        ).assumingMemoryBound(to: BytesEncoder.Item.self)
        var filled = 0
        var isTooLong = false
        try unsafe forEachBytes(span) { start, count in
            if count > Int(Int32.max) { isTooLong = true }
            unsafe target[filled] = BytesEncoder.Item(start: start, count: Int32(truncatingIfNeeded: count))
            filled &+= 1
        }
        if isTooLong { throw Self.valueTooLong }
        return unsafe UnsafeBufferPointer(start: target, count: filled)
    }

    static var valueTooLong: MartletError {
        .capacity("Parquet cannot store a byte array of 2 GiB or more in one value")
    }

    /// How many bytes the slots of `span` hold; null slots count with what their offsets span.
    func byteCount(_ span: SlotSpan) throws(MartletError) -> Int {
        var total = 0
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            switch form {
            case .bytes32: total &+= unsafe Int(chunk.offsets32[start &+ count]) &- Int(chunk.offsets32[start])
            case .bytes64: total &+= unsafe Int(chunk.offsets64[start &+ count]) &- Int(chunk.offsets64[start])
            case .fixedBytes(let width): total &+= count &* width
            case .nothing, .bits, .lanes32, .lanes64: break
            }
        }
        return total
    }

    /// The PLAIN form of the byte strings of `span`: each behind its length.
    func appendPlainBytes(_ span: SlotSpan, count: Int, to builder: inout BufferBuilder) throws(MartletError) {
        var total = 0
        var longest = 0
        try unsafe forEachBytes(span) { _, length in
            total &+= length
            longest = max(longest, length)
        }
        if longest > Int(Int32.max) { throw Self.valueTooLong }
        // Short strings are copied eight bytes at a time over what comes next, hence the slack.
        let before = builder.byteCount
        let size = try count.multiplied(checked: 4).adding(checked: total)
        var target = try unsafe builder.extend(by: size)
        try unsafe forEachBytes(span) { start, length in
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: length), as: UInt32.self)
            unsafe memcpy(target + 4, start, length)
            unsafe target += 4 &+ length
        }
        assert(builder.byteCount == before + size)
    }
}
