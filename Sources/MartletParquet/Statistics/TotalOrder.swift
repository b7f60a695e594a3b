import MartletBase

/// The total order of IEEE 754 (section 5.10): reals by their bits, -NaN < -inf < ... < -0 < +0 < ... < inf < +NaN
/// (parquet.thrift `ColumnOrder.IEEE_754_TOTAL_ORDER`).
enum TotalOrder {
    /// A number that compares with others as the real with these bits does in total order; and back.
    @inline(__always)
    static func bits<Bits: FixedWidthInteger & SignedInteger>(_ bits: Bits) -> Bits {
        bits < 0 ? bits ^ Bits.max : bits
    }

    /// The bounds of reals, whose bits `values` holds, and how many are NaN. `infinity` has the bits of infinity.
    ///
    /// Safety: `values` has `count` values, aligned or not.
    @inline(never)
    static func bounds<Bits: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ values: UnsafeRawPointer, _ count: Int, infinity: Bits
    ) -> (ValueBounds, Int) {
        if count == 0 { return (.empty, 0) }
        var real = (low: Bits.max, high: Bits.min)
        var nan = (low: Bits.max, high: Bits.min)
        var nanCount = 0
        for i in 0..<count {
            let value = unsafe values.loadUnaligned(fromByteOffset: i &* MemoryLayout<Bits>.size, as: Bits.self)
            let key = bits(value)
            if value & Bits.max > infinity {
                nanCount &+= 1
                nan = (min(nan.low, key), max(nan.high, key))
            } else {
                real = (min(real.low, key), max(real.high, key))
            }
        }
        if nanCount == count { return (.totalNaN(min: .total(Int64(nan.low)), max: .total(Int64(nan.high))), count) }
        return (.known(min: .total(Int64(real.low)), max: .total(Int64(real.high))), nanCount)
    }
}
