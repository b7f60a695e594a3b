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
        var done = 0
        switch width {
        case 4: done = unsafe splitWords32(values, count: count, into: target)
        case 8: done = unsafe splitWords64(values, count: count, into: target)
        default: break
        }
        for k in 0..<width {
            let stream = unsafe target + k &* count
            for i in done..<count { unsafe stream[i] = values[i &* width &+ k] }
        }
    }

    /// Eight values at a time: an 8 by 8 matrix of bytes is turned over by swapping halves, quarters and bytes.
    private static func splitWords64(
        _ values: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let source = unsafe UnsafeRawPointer(values)
        let streams = UnsafeMutableRawPointer(target)
        var i = 0
        while i &+ 8 <= count {
            let base = unsafe source + i &* 8
            @inline(__always) func word(_ row: Int) -> UInt64 {
                unsafe base.loadUnaligned(fromByteOffset: row &* 8, as: UInt64.self)
            }
            var (a, b, c, d) = (word(0), word(1), word(2), word(3))
            var (e, f, g, h) = (word(4), word(5), word(6), word(7))
            swap(&a, &e, 32, 0x0000_0000_FFFF_FFFF)
            swap(&b, &f, 32, 0x0000_0000_FFFF_FFFF)
            swap(&c, &g, 32, 0x0000_0000_FFFF_FFFF)
            swap(&d, &h, 32, 0x0000_0000_FFFF_FFFF)
            swap(&a, &c, 16, 0x0000_FFFF_0000_FFFF)
            swap(&b, &d, 16, 0x0000_FFFF_0000_FFFF)
            swap(&e, &g, 16, 0x0000_FFFF_0000_FFFF)
            swap(&f, &h, 16, 0x0000_FFFF_0000_FFFF)
            swap(&a, &b, 8, 0x00FF_00FF_00FF_00FF)
            swap(&c, &d, 8, 0x00FF_00FF_00FF_00FF)
            swap(&e, &f, 8, 0x00FF_00FF_00FF_00FF)
            swap(&g, &h, 8, 0x00FF_00FF_00FF_00FF)
            var out = unsafe streams + i
            @inline(__always) func put(_ word: UInt64) {
                unsafe out.storeBytes(of: word, as: UInt64.self)
                unsafe out += count
            }
            put(a)
            put(b)
            put(c)
            put(d)
            put(e)
            put(f)
            put(g)
            put(h)
            i &+= 8
        }
        return i
    }

    /// Eight values at a time, those four apart in the halves of one word.
    private static func splitWords32(
        _ values: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let source = unsafe UnsafeRawPointer(values)
        let streams = UnsafeMutableRawPointer(target)
        var i = 0
        while i &+ 8 <= count {
            let base = unsafe source + i &* 4
            @inline(__always) func word(_ row: Int) -> UInt64 {
                let low = unsafe base.loadUnaligned(fromByteOffset: row &* 4, as: UInt32.self)
                let high = unsafe base.loadUnaligned(fromByteOffset: row &* 4 &+ 16, as: UInt32.self)
                return UInt64(low) | UInt64(high) &<< 32
            }
            var (a, b, c, d) = (word(0), word(1), word(2), word(3))
            swap(&a, &c, 16, 0x0000_FFFF_0000_FFFF)
            swap(&b, &d, 16, 0x0000_FFFF_0000_FFFF)
            swap(&a, &b, 8, 0x00FF_00FF_00FF_00FF)
            swap(&c, &d, 8, 0x00FF_00FF_00FF_00FF)
            unsafe (streams + i).storeBytes(of: a, as: UInt64.self)
            unsafe (streams + (i &+ count)).storeBytes(of: b, as: UInt64.self)
            unsafe (streams + (i &+ count &* 2)).storeBytes(of: c, as: UInt64.self)
            unsafe (streams + (i &+ count &* 3)).storeBytes(of: d, as: UInt64.self)
            i &+= 8
        }
        return i
    }

    /// Swaps the high part of each field of `a` with the low part of that of `b`.
    @inline(__always)
    private static func swap(_ a: inout UInt64, _ b: inout UInt64, _ bits: UInt64, _ mask: UInt64) {
        let difference = ((a &>> bits) ^ b) & mask
        b ^= difference
        a ^= difference &<< bits
    }
}
