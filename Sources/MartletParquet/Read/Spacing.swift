import Glibc
import MartletBase

// The last of the three stages: values that lie without gaps move to the slots that are not null.

/// Moves `valid` values at the start of `base` to those of the `count` slots whose bit, from bit `offset` of `bits`
/// on, is 1. Slots of nulls become zeros. There is room for `count` values.
func spaceValues(
    _ base: UnsafeMutableRawPointer, width: Int, count: Int, valid: Int, bits: UnsafePointer<UInt8>, at offset: Int
) {
    switch width {
    case 1: unsafe space(base.assumingMemoryBound(to: UInt8.self), 0, count, valid, bits, offset)
    case 2: unsafe space(base.assumingMemoryBound(to: UInt16.self), 0, count, valid, bits, offset)
    case 4: unsafe space(base.assumingMemoryBound(to: UInt32.self), 0, count, valid, bits, offset)
    case 8: unsafe space(base.assumingMemoryBound(to: UInt64.self), 0, count, valid, bits, offset)
    case 16: unsafe space(base.assumingMemoryBound(to: UInt128.self), 0, count, valid, bits, offset)
    default:
        var read = valid
        var slot = count
        while slot > 0 && read < slot {
            slot -= 1
            if unsafe loadBits(bits, at: offset + slot, length: 1) == 1 {
                read -= 1
                unsafe memmove(base + slot * width, base + read * width, width)
            } else {
                unsafe memset(base + slot * width, 0, width)
            }
        }
    }
}

/// Works backwards in place: a value never moves to a lower slot, and whatever lies before the last gap is in place.
@inline(__always)
private func space<Value: BitwiseCopyable>(
    _ base: UnsafeMutablePointer<Value>, _ zero: Value, _ count: Int, _ valid: Int, _ bits: UnsafePointer<UInt8>,
    _ offset: Int
) {
    var read = valid
    var end = count
    while end > 0 && read < end {
        let length = min(64, end)
        let start = end &- length
        let word = unsafe loadBits(bits, at: offset &+ start, length: length)
        let ones = word.nonzeroBitCount
        if ones == length {
            read &-= length
            unsafe memmove(base + start, base + read, length &* MemoryLayout<Value>.stride)
        } else if ones == 0 {
            unsafe (base + start).update(repeating: zero, count: length)
        } else {
            var i = length
            while i > 0 {
                i &-= 1
                if word &>> UInt64(truncatingIfNeeded: i) & 1 == 1 {
                    read &-= 1
                    unsafe base[start &+ i] = base[read]
                } else {
                    unsafe base[start &+ i] = zero
                }
            }
        }
        end = start
    }
}

/// Bytes of 0 or 1 as bits, lowest first. `target` has room for `count` bits, rounded up to whole bytes.
func packBooleans(_ source: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>) {
    let magic: UInt64 = 0x0102_0408_1020_4080
    for i in 0..<count / 8 {
        let word = unsafe UnsafeRawPointer(source + i &* 8).loadUnaligned(as: UInt64.self)
        unsafe target[i] = UInt8(truncatingIfNeeded: (word &* magic) &>> 56)
    }
    if count & 7 != 0 {
        var last: UInt8 = 0
        for i in count & ~7..<count { unsafe last |= source[i] &<< UInt8(truncatingIfNeeded: i & 7) }
        unsafe target[count / 8] = last
    }
}

/// How many of `count` levels are `level`.
func countLevels(_ levels: UnsafePointer<UInt8>, _ count: Int, equalTo level: UInt8) -> Int {
    var total = 0
    var index = 0
    while index &+ 8 <= count {
        // As many words as a byte can count.
        let end = min(index &+ 248, count &- 7)
        var sums: UInt64 = 0
        while index < end {
            sums &+= unsafe equalLevels(levels + index, level)
            index &+= 8
        }
        total &+= Int((sums &* 0x0101_0101_0101_0101) &>> 56)
    }
    while index < count {
        unsafe total &+= levels[index] == level ? 1 : 0
        index &+= 1
    }
    return total
}

/// A bit for each of `count` (at most 64) levels: whether it is `level`.
func levelBits(_ levels: UnsafePointer<UInt8>, _ count: Int, equalTo level: UInt8) -> UInt64 {
    var word: UInt64 = 0
    var index = 0
    while index &+ 8 <= count {
        let bits = unsafe (equalLevels(levels + index, level) &* 0x0102_0408_1020_4080) &>> 56
        word |= bits &<< UInt64(truncatingIfNeeded: index)
        index &+= 8
    }
    while index < count {
        word |= unsafe (levels[index] == level ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
        index &+= 1
    }
    return word
}

/// A byte for each of eight levels: 1 where it is `level`, else 0.
@inline(__always)
private func equalLevels(_ levels: UnsafePointer<UInt8>, _ level: UInt8) -> UInt64 {
    let rest = 0x7F7F_7F7F_7F7F_7F7F as UInt64
    let eight = unsafe UnsafeRawPointer(levels).loadUnaligned(as: UInt64.self) ^ (UInt64(level) &* 0x0101_0101_0101_0101)
    // Bytes that are 0 now are those where neither the lower seven bits nor the eighth is set.
    return (~(((eight & rest) &+ rest) | eight) & ~rest) &>> 7
}
