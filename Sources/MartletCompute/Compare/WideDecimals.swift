import MartletArrow
import MartletBase

/// The slots of 256-bit decimals, which no native kind holds.
@safe
struct WideDecimals: @unchecked Sendable {
    private let view: FixedBytesArray

    init(_ array: ArrayData) throws(MartletError) { view = try FixedBytesArray(array) }

    /// 128 bits of slot `row`: half 0 is the lower.
    @inline(__always)
    func half(_ row: Int, _ half: Int) -> Int128 {
        // Safety: 32 bytes for each slot, and the caller keeps `row` below the count.
        unsafe UnsafeRawPointer(view.base + row &* 32 + half &* 16).loadUnaligned(as: Int128.self)
    }

    /// Negative, zero or positive: the order of two slots.
    func order(_ row: Int, _ other: WideDecimals, _ otherRow: Int) -> Int {
        let (a, b) = (half(row, 1), other.half(otherRow, 1))
        if a != b { return a < b ? -1 : 1 }
        let (x, y) = (UInt128(bitPattern: half(row, 0)), UInt128(bitPattern: other.half(otherRow, 0)))
        return x == y ? 0 : x < y ? -1 : 1
    }
}
