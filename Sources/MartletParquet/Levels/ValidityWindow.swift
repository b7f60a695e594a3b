import MartletBase

/// The validity bits of an array's slots as raw memory, bit `offset` for slot 0.
@safe
struct ValidityWindow: @unchecked Sendable {
    // Safety: the maker checked that the buffer holds the bits of all slots; whoever holds this holds the array.
    let bits: UnsafePointer<UInt8>
    let offset: Int

    init(_ bitmap: Bitmap) {
        unsafe bits = bitmap.buffer.pointer(to: UInt8.self)
        offset = bitmap.offset
    }

    @inline(__always)
    func isValid(_ slot: Int) -> Bool {
        let bit = offset &+ slot
        return unsafe (bits[bit &>> 3] &>> UInt8(truncatingIfNeeded: bit & 7)) & 1 != 0
    }

    /// `length` (1 ... 64) bits from `slot` on.
    @inline(__always)
    func word(at slot: Int, length: Int) -> UInt64 { unsafe loadBits(bits, at: offset &+ slot, length: length) }

    func validCount(from start: Int, count: Int) -> Int {
        var total = 0
        var i = 0
        while i < count {
            let length = min(64, count &- i)
            total &+= word(at: start &+ i, length: length).nonzeroBitCount
            i &+= length
        }
        return total
    }

    /// The runs of valid slots in `start ..< start + count`, in order: `body(first, count)`.
    @inline(__always)
    func forEachValidRun(from start: Int, count: Int, _ body: (Int, Int) -> Void) {
        var runStart = -1
        var i = 0
        while i < count {
            let length = min(64, count &- i)
            let bits = word(at: start &+ i, length: length)
            let full: UInt64 = length == 64 ? .max : (1 &<< UInt64(truncatingIfNeeded: length)) &- 1
            if bits == full {
                if runStart < 0 { runStart = i }
            } else {
                var bit = 0
                while bit < length {
                    let rest = bits &>> UInt64(truncatingIfNeeded: bit)
                    if runStart < 0 {
                        bit = min(length, bit &+ rest.trailingZeroBitCount)
                        if bit < length { runStart = i &+ bit }
                    } else {
                        bit = min(length, bit &+ (~rest).trailingZeroBitCount)
                        if bit < length {
                            body(start &+ runStart, i &+ bit &- runStart)
                            runStart = -1
                        }
                    }
                }
            }
            i &+= length
        }
        if runStart >= 0 { body(start &+ runStart, count &- runStart) }
    }
}
