import Glibc
import MartletBase

/// The encoder of the RLE / bit-packing hybrid: levels, dictionary indices and booleans (Encodings.md, RLE = 3).
///
/// Appends the runs only; the length in front, where a place wants one, is the caller's.
enum HybridEncoder {
    /// Runs of at least this many equal values go as one run; shorter ones cost more than packing them.
    @inline(__always)
    private static func shortestRun(_ width: Int) -> Int { width >= 8 ? 8 : (64 / max(width, 1)).roundedUp(to: 8) }

    /// Appends `count` values below 2 to the power of `width` (0 ... 32).
    ///
    /// Safety: `values` has `count` values.
    static func append<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, count: Int, width: Int, to builder: inout BufferBuilder
    ) throws(MartletError) {
        if count == 0 { return }
        if width == 0 { return try appendRun(of: 0, count: count, width: 0, to: &builder) }
        let before = builder.byteCount
        // A run takes the place of 8 values or more and costs no more than packing them and a head.
        let room = try (count / 8 + 1).multiplied(checked: width + 4).adding(checked: 64)
        let start = try unsafe builder.extend(by: room)
        let end = unsafe store(values, count: count, width: width, at: start)
        builder.truncate(to: before + (unsafe end - start))
    }

    private static func store<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, count: Int, width: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let shortest = shortestRun(width)
        var out = unsafe target
        var literalStart = 0
        var position = 0
        while position &+ 8 <= count {
            let first = unsafe values[position]
            guard unsafe first == values[position &+ 1], unsafe isUniform(values + position, first) else {
                position &+= 8
                continue
            }
            var end = position &+ 8
            while end &+ 8 <= count, unsafe isUniform(values + end, first) { end &+= 8 }
            while end < count, unsafe values[end] == first { end &+= 1 }
            if end &- position < shortest {
                position &+= 8
                continue
            }
            unsafe out = storeLiterals(
                values + literalStart, count: position &- literalStart, width: width, at: out)
            unsafe out = storeRun(UInt32(truncatingIfNeeded: first), count: end &- position, width: width, at: out)
            position = end
            literalStart = end
        }
        return unsafe storeLiterals(values + literalStart, count: count &- literalStart, width: width, at: out)
    }

    /// Whether the 8 values are all `first`.
    @inline(__always)
    private static func isUniform<Value: FixedWidthInteger>(_ values: UnsafePointer<Value>, _ first: Value) -> Bool {
        var difference: Value = 0
        for i in 0..<8 { unsafe difference |= values[i] ^ first }
        return difference == 0
    }

    /// One bit-packed run; the last group is filled up with zeros.
    private static func storeLiterals<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, count: Int, width: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if count == 0 { return unsafe target }
        let groups = count / 8
        let rest = count & 7
        var out = unsafe storeVarint(UInt64((groups &+ (rest > 0 ? 1 : 0)) &* 2 &+ 1), at: target)
        unsafe out = BitPacking.pack(values, groups: groups, width: width, into: out)
        if rest > 0 {
            var last: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0, 0, 0, 0)
            unsafe withUnsafeMutableBytes(of: &last) { bytes in
                let padded = unsafe bytes.baseAddress!.assumingMemoryBound(to: UInt32.self)
                for i in 0..<rest { unsafe padded[i] = UInt32(truncatingIfNeeded: values[groups &* 8 &+ i]) }
                unsafe out = BitPacking.pack(padded, groups: 1, width: width, into: out)
            }
        }
        return unsafe out
    }

    @inline(__always)
    private static func storeRun(
        _ value: UInt32, count: Int, width: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let out = unsafe storeVarint(UInt64(count) &* 2, at: target)
        unsafe out.storeBytes(of: value, as: UInt32.self)
        return unsafe out + (width + 7) / 8
    }

    /// Appends one run of `count` times `value`.
    static func appendRun(
        of value: UInt32, count: Int, width: Int, to builder: inout BufferBuilder
    ) throws(MartletError) {
        if count == 0 { return }
        let before = builder.byteCount
        let start = try unsafe builder.extend(by: 16)
        let end = unsafe storeRun(value, count: count, width: width, at: start)
        builder.truncate(to: before + (unsafe end - start))
    }

    /// Appends `count` values of one bit each, as they lie in a bitmap from its first bit on.
    ///
    /// Safety: `bits` has `(count + 7) / 8` bytes.
    static func append(bits: UnsafePointer<UInt8>, count: Int, to builder: inout BufferBuilder) throws(MartletError) {
        if count == 0 { return }
        let before = builder.byteCount
        let start = try unsafe builder.extend(by: count / 8 + count / 32 + 64)
        let end = unsafe store(bits: bits, count: count, at: start)
        builder.truncate(to: before + (unsafe end - start))
    }

    private static func store(
        bits: UnsafePointer<UInt8>, count: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let shortest = 8  // bytes, that is 64 values
        let whole = count / 8
        let rest = count & 7
        let tail = rest == 0 ? 0 : unsafe bits[whole] & (1 &<< UInt8(rest) &- 1)
        var out = unsafe target
        var literalStart = 0
        var position = 0
        while position < whole {
            let first = unsafe bits[position]
            guard first == 0 || first == 0xFF else {
                position &+= 1
                continue
            }
            var end = position &+ 1
            while end < whole, unsafe bits[end] == first { end &+= 1 }
            let reachesTail = end == whole && (rest == 0 || tail == (first & (1 &<< UInt8(rest) &- 1)))
            if end &- position < shortest && !(position == 0 && reachesTail) {
                position = end
                continue
            }
            unsafe out = storeLiterals(bits: bits + literalStart, count: position &- literalStart, at: out)
            let values = (end &- position) &* 8 &+ (reachesTail ? rest : 0)
            unsafe out = storeRun(UInt32(first & 1), count: values, width: 1, at: out)
            position = end
            literalStart = end
            if reachesTail { return unsafe out }
        }
        if rest == 0 { return unsafe storeLiterals(bits: bits + literalStart, count: whole &- literalStart, at: out) }
        unsafe out = storeVarint(UInt64(whole &- literalStart &+ 1) &* 2 &+ 1, at: out)
        unsafe memcpy(out, bits + literalStart, whole &- literalStart)
        unsafe out += whole &- literalStart
        unsafe out.storeBytes(of: tail, as: UInt8.self)
        return unsafe out + 1
    }

    private static func storeLiterals(
        bits: UnsafePointer<UInt8>, count: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if count == 0 { return unsafe target }
        let out = unsafe storeVarint(UInt64(count) &* 2 &+ 1, at: target)
        unsafe memcpy(out, bits, count)
        return unsafe out + count
    }
}
