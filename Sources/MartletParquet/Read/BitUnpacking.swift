import MartletBase

/// Takes `count` numbers of `width` bits, lowest bits first, from bit position `bit` on.
///
/// The caller has checked that `bit + width * count` bits lie within the `byteCount` bytes at `source`, and that
/// `target` has room for `count` numbers; nothing is read or written beyond.
@inline(__always)
func unpackBits<Value: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafePointer<UInt8>, byteCount: Int, bit: Int, width: Int, count: Int,
    into target: UnsafeMutablePointer<Value>
) {
    if width == 0 {
        unsafe target.update(repeating: 0, count: count)
        return
    }
    let mask: UInt64 = width == 64 ? .max : (1 &<< UInt64(truncatingIfNeeded: width)) &- 1
    var done = 0
    var position = bit
    if position & 7 == 0 && width <= 8 {
        // Eight numbers fill `width` bytes, all in one word.
        var byte = position &>> 3
        let step = UInt64(truncatingIfNeeded: width)
        while done &+ 8 <= count && byte &+ 8 <= byteCount {
            var word = unsafe UnsafeRawPointer(source + byte).loadUnaligned(as: UInt64.self)
            for k in 0..<8 {
                unsafe target[done &+ k] = Value(truncatingIfNeeded: word & mask)
                word = word &>> step
            }
            byte &+= width
            done &+= 8
        }
        position = byte &* 8
    } else if position & 7 == 0 && width <= 16 {
        // Four numbers at a time: at most 64 bits, which start on a byte or in its middle.
        var byte = position &>> 3
        let step = UInt64(truncatingIfNeeded: width)
        while done &+ 8 <= count && byte &+ width &+ 8 <= byteCount {
            var low = unsafe UnsafeRawPointer(source + byte).loadUnaligned(as: UInt64.self)
            let half = width &* 4
            var high = unsafe UnsafeRawPointer(source + byte + half &>> 3).loadUnaligned(as: UInt64.self)
            high = high &>> UInt64(truncatingIfNeeded: half & 7)
            for k in 0..<3 {
                unsafe target[done &+ k] = Value(truncatingIfNeeded: low & mask)
                low = low &>> step
                unsafe target[done &+ 4 &+ k] = Value(truncatingIfNeeded: high & mask)
                high = high &>> step
            }
            unsafe target[done &+ 3] = Value(truncatingIfNeeded: low & mask)
            // With 13 and 15 bits the last number of the upper half may end in the next byte.
            let last = (byte &* 8) &+ width &* 7
            let tail = unsafe UnsafeRawPointer(source + last &>> 3).loadUnaligned(as: UInt32.self)
            unsafe target[done &+ 7] = Value(
                truncatingIfNeeded: (UInt64(tail) &>> UInt64(truncatingIfNeeded: last & 7)) & mask)
            byte &+= width
            done &+= 8
        }
        position = byte &* 8
    }
    if width <= 57 {
        while done < count {
            let byte = position &>> 3
            if byte &+ 8 > byteCount { break }
            let word = unsafe UnsafeRawPointer(source + byte).loadUnaligned(as: UInt64.self)
            unsafe target[done] = Value(
                truncatingIfNeeded: (word &>> UInt64(truncatingIfNeeded: position & 7)) & mask)
            position &+= width
            done &+= 1
        }
    }
    while done < count {
        unsafe target[done] = Value(truncatingIfNeeded: loadBits(source, at: position, length: width))
        position &+= width
        done &+= 1
    }
}

/// The eight bits of each byte as eight bytes of 0 or 1, lowest bit first.
let spreadBits: [UInt64] = (0..<256).map { (byte: UInt64) -> UInt64 in
    var word: UInt64 = 0
    for bit: UInt64 in 0..<8 { word |= (byte >> bit & 1) << (bit * 8) }
    return word
}
