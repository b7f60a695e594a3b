/// Division of 64-bit numbers by one number, by a multiplication: T. Granlund and P. Montgomery, "Division by invariant
/// integers using multiplication" (1994). An even divisor is first made odd, which leaves a bit for an exact multiplier.
struct Divisor: Sendable {
    let divisor: UInt64
    private let multiplier: UInt64
    private let before: UInt64
    private let after: UInt64
    /// Powers of two need no multiplication.
    private let isShift: Bool

    /// `divisor` is even, or 1.
    init(_ divisor: UInt64) {
        self.divisor = divisor
        before = UInt64(divisor.trailingZeroBitCount)
        let odd = divisor >> before
        isShift = odd == 1
        // Dividends have 64 - before bits, at most 63; 2^(63 + bits) / odd rounded up is exact for them.
        let bits = UInt64(64 - odd.leadingZeroBitCount)
        after = bits - 1
        multiplier = odd == 1 ? 0 : odd.dividingFullWidth((1 << (bits - 1), 0)).quotient &+ 1
    }

    @inline(__always)
    func quotient(_ value: UInt64) -> UInt64 {
        let value = value &>> before
        return isShift ? value : value.multipliedFullWidth(by: multiplier).high &>> after
    }
}
