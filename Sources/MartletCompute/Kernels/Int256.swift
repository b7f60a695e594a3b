/// An integer of 256 bits in two's complement, for decimals of more than 38 digits: right and small, not fast.
struct Int256 {
    var high: UInt128
    var low: UInt128

    init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    init(_ value: Int128) { self.init(high: value < 0 ? .max : 0, low: UInt128(bitPattern: value)) }

    var isNegative: Bool { high >> 127 == 1 }
    var isZero: Bool { high | low == 0 }
    var magnitude: Int256 { isNegative ? negated : self }

    var negated: Int256 {
        let (low, isOver) = (~low).addingReportingOverflow(1)
        return Int256(high: ~high &+ (isOver ? 1 : 0), low: low)
    }

    @inline(never)
    func adding(_ other: Int256) -> Int256 {
        let (low, isOver) = low.addingReportingOverflow(other.low)
        return Int256(high: high &+ other.high &+ (isOver ? 1 : 0), low: low)
    }

    /// The lower 256 bits of the product.
    @inline(never)
    func multiplied(by other: Int256) -> Int256 {
        let (top, bottom) = low.multipliedFullWidth(by: other.low)
        return Int256(high: top &+ high &* other.low &+ low &* other.high, low: bottom)
    }

    /// The quotient, cut off towards zero; `divisor` is not zero.
    @inline(never)
    func divided(by divisor: Int256) -> Int256 {
        let (a, b) = (magnitude, divisor.magnitude)
        var quotient = Int256(0)
        if b.high == 0 {
            let (top, rest) = a.high.quotientAndRemainder(dividingBy: b.low)
            quotient = Int256(high: top, low: b.low.dividingFullWidth((rest, a.low)).quotient)
        } else {
            // The divisor has more than 128 bits, so the quotient has less: bit by bit.
            var (high, low) = (a.high, a.low)
            let places = b.high.leadingZeroBitCount
            for place in stride(from: places, through: 0, by: -1) {
                let shift = UInt128(place)
                let top = place == 0 ? b.high : b.high << shift | b.low >> (128 - shift)
                let bottom = b.low << shift
                guard high > top || high == top && low >= bottom else { continue }
                high = high &- top &- (low < bottom ? 1 : 0)
                low = low &- bottom
                quotient.low |= 1 << shift
            }
        }
        return isNegative != divisor.isNegative ? quotient.negated : quotient
    }

    /// 10 to the power of `exponent`, which is 0 ... 76.
    static func powerOfTen(_ exponent: Int) -> Int256 {
        let first = min(max(exponent, 0), 38)
        let rest = min(max(exponent - 38, 0), 38)
        return Int256(powersOfTen[first]).multiplied(by: Int256(powersOfTen[rest]))
    }
}
