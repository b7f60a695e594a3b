import Glibc

/// Packing of unsigned numbers into `width` bits each, lowest bit first (Encodings.md, "RLE / bit-packing hybrid").
enum BitPacking {
    /// How many bytes the packing functions may write behind what they packed.
    static let slack = 16

    /// The bits that `value` needs.
    @inline(__always)
    static func width<Value: FixedWidthInteger>(of value: Value) -> Int { Value.bitWidth &- value.leadingZeroBitCount }

    /// Packs `groups * 8` values, each below 2 to the power of `width`, and returns where the packed bytes end.
    ///
    /// Safety: `target` has room for `groups * width + slack` bytes, and `values` for `groups * 8` values.
    @inline(__always)
    static func pack<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<Value>, groups: Int, width: Int, into target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if width == 0 { return unsafe target }
        if width <= 16 { return unsafe packNarrow(values, groups: groups, width: width, into: target) }
        if width <= 32 { return unsafe packPairs(values, groups: groups, width: width, into: target) }
        return unsafe packSingles(values, groups: groups, width: width, into: target)
    }

    /// Up to 16 bits: four values make up to 64 bits, so a group is two words without a branch.
    @inline(__always)
    private static func packNarrow<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<Value>, groups: Int, width: Int, into target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let w = UInt64(truncatingIfNeeded: width)
        let half = w &* 4
        var source = unsafe values
        var out = unsafe target
        for _ in 0..<groups {
            let a =
                unsafe wide(source[0]) | wide(source[1]) &<< w | wide(source[2]) &<< (w &* 2) | wide(source[3]) &<< (w &* 3)
            let b =
                unsafe wide(source[4]) | wide(source[5]) &<< w | wide(source[6]) &<< (w &* 2) | wide(source[7]) &<< (w &* 3)
            // At 16 bits the first word is `a` alone and the shift by 64 would wrap to none.
            let low = half == 64 ? a : a | b &<< half
            unsafe out.storeBytes(of: low, as: UInt64.self)
            unsafe out.storeBytes(of: b &>> (64 &- half), toByteOffset: 8, as: UInt64.self)
            unsafe out += width
            unsafe source += 8
        }
        return unsafe out
    }

    /// 17 to 32 bits, two values at a time through a 64-bit accumulator.
    @inline(__always)
    private static func packPairs<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<Value>, groups: Int, width: Int, into target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let w = UInt64(truncatingIfNeeded: width)
        var out = unsafe target
        var accumulator: UInt64 = 0
        var filled: UInt64 = 0
        for pair in 0..<groups &* 4 {
            let bits = unsafe wide(values[pair &* 2]) | wide(values[pair &* 2 &+ 1]) &<< w
            accumulator |= bits &<< filled
            let total = filled &+ w &* 2
            if total >= 64 {
                unsafe out.storeBytes(of: accumulator, as: UInt64.self)
                unsafe out += 8
                accumulator = filled == 0 ? (total == 64 ? 0 : bits >> 64) : bits &>> (64 &- filled)
                filled = total &- 64
            } else {
                filled = total
            }
        }
        unsafe out.storeBytes(of: accumulator, as: UInt64.self)
        return unsafe out + Int(filled / 8)
    }

    /// 33 to 64 bits.
    @inline(__always)
    private static func packSingles<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<Value>, groups: Int, width: Int, into target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let w = UInt64(truncatingIfNeeded: width)
        var out = unsafe target
        var accumulator: UInt64 = 0
        var filled: UInt64 = 0
        for i in 0..<groups &* 8 {
            let bits = unsafe wide(values[i])
            accumulator |= bits &<< filled
            let total = filled &+ w
            if total >= 64 {
                unsafe out.storeBytes(of: accumulator, as: UInt64.self)
                unsafe out += 8
                accumulator = filled == 0 ? 0 : bits &>> (64 &- filled)
                filled = total &- 64
            } else {
                filled = total
            }
        }
        unsafe out.storeBytes(of: accumulator, as: UInt64.self)
        return unsafe out + Int(filled / 8)
    }

    @inline(__always)
    private static func wide<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) -> UInt64 {
        UInt64(truncatingIfNeeded: value)
    }
}

/// Writes `value` as ULEB128 and returns where it ends. At most 10 bytes.
@inline(__always)
func storeVarint(_ value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    var rest = value
    var out = unsafe target
    while rest >= 0x80 {
        unsafe out.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
        rest &>>= 7
        unsafe out += 1
    }
    unsafe out.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    return unsafe out + 1
}

/// Writes `value` in zigzag form as ULEB128.
@inline(__always)
func storeZigZag(_ value: Int64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    unsafe storeVarint(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)), at: target)
}
