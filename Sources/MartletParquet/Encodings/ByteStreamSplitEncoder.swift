import MartletBase

/// The encoder of BYTE_STREAM_SPLIT (Encodings.md, BYTE_STREAM_SPLIT = 9): byte k of every value goes to stream k.
enum ByteStreamSplitEncoder {
    /// Appends `count` values of `width` bytes.
    ///
    /// Safety: `values` has `count * width` bytes.
    static func append(
        _ values: UnsafePointer<UInt8>, count: Int, width: Int, to builder: inout BufferBuilder
    ) throws(MartletError) {
        let byteCount = try count.multiplied(checked: width)
        let target = try unsafe builder.extend(by: byteCount).assumingMemoryBound(to: UInt8.self)
        switch width {
        case 4: unsafe split(values, count: count, as: UInt32.self, into: target)
        case 8: unsafe split(values, count: count, as: UInt64.self, into: target)
        default:
            for k in 0..<width {
                let stream = unsafe target + k &* count
                for i in 0..<count { unsafe stream[i] = values[i &* width &+ k] }
            }
        }
    }

    @inline(__always)
    private static func split<Word: FixedWidthInteger & BitwiseCopyable>(
        _ values: UnsafePointer<UInt8>, count: Int, as type: Word.Type, into target: UnsafeMutablePointer<UInt8>
    ) {
        let width = MemoryLayout<Word>.size
        let source = unsafe UnsafeRawPointer(values)
        // Eight values at a time, so that each stream is written a word at a time.
        var i = 0
        while i &+ 8 <= count {
            for k in 0..<width {
                var word: UInt64 = 0
                for j in 0..<8 {
                    unsafe word |= UInt64(values[(i &+ j) &* width &+ k]) &<< UInt64(truncatingIfNeeded: j &* 8)
                }
                let stream = unsafe UnsafeMutableRawPointer(target + (k &* count &+ i))
                unsafe stream.storeBytes(of: word, as: UInt64.self)
            }
            i &+= 8
        }
        while i < count {
            let word = unsafe source.loadUnaligned(fromByteOffset: i &* width, as: Word.self)
            for k in 0..<width {
                unsafe target[k &* count &+ i] = UInt8(truncatingIfNeeded: word &>> Word(truncatingIfNeeded: k &* 8))
            }
            i &+= 1
        }
    }
}
