import MartletArrow

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

    /// The quotient, cut off towards zero, and what remains, which has the sign of the dividend; `divisor` is not zero.
    func quotientAndRemainder(dividingBy divisor: Int256) -> (quotient: Int256, rest: Int256) {
        let quotient = divided(by: divisor)
        return (quotient, adding(quotient.multiplied(by: divisor).negated))
    }

    /// Whether the magnitude is below `limit`, which is not negative.
    func isWithin(_ limit: Int256) -> Bool {
        // The magnitude of -2^255 is 2^255 as an unsigned number.
        let size = magnitude
        return size.high < limit.high || size.high == limit.high && size.low < limit.low
    }

    /// The quotient rounded to the nearest integer, halves away from zero; `divisor` is not zero.
    func roundedQuotient(dividingBy divisor: Int256) -> Int256 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        let twice = rest.magnitude.adding(rest.magnitude)
        if twice.isWithin(divisor.magnitude) { return quotient }
        return quotient.adding(Int256(isNegative != divisor.isNegative ? -1 : 1))
    }

    /// The number, when it fits in 128 bits.
    var narrowed: Int128? {
        let value = Int128(bitPattern: low)
        return high == (value < 0 ? .max : 0) ? value : nil
    }

    /// The number as a decimal.
    func text(scale: Int) -> String {
        // Safety: 32 bytes.
        unsafe withUnsafeBytes(of: (low, high)) { bytes in
            let span = unsafe RawSpan(_unsafeBytes: bytes)
            return MartletArrow.text(ofDecimal256: span, scale: scale)
        }
    }

    /// The double nearest to the number, within two roundings.
    var double: Double {
        let size = magnitude
        let value = Double(size.high) * 0x1p128 + Double(size.low)
        return isNegative ? -value : value
    }

    /// 10 to the power of `exponent`, which is 0 ... 76.
    static func powerOfTen(_ exponent: Int) -> Int256 {
        let first = min(max(exponent, 0), 38)
        let rest = min(max(exponent - 38, 0), 38)
        return Int256(powersOfTen[first]).multiplied(by: Int256(powersOfTen[rest]))
    }
}

extension Int256 {
    /// `value * 10^scale` with all digits that the double has, rounded to the even one of two neighbours; nil from about
    /// 10^77 on, and for what is no number. `scale` is 0 ... 76.
    @inline(never)
    init?(_ value: Double, scale: Int) {
        let factor = Int256.powerOfTen(scale)
        guard value.magnitude * factor.double < 1.1e77 else { return nil }
        let digits = UInt128(value.significandBitPattern | (value.isNormal ? 1 << 52 : 0))
        let shift = value.isNormal ? Int(value.exponent) - 52 : -1074
        // 53 bits by 253 bits: three limbs.
        let (lower, upper) = (digits.multipliedFullWidth(by: factor.low), digits.multipliedFullWidth(by: factor.high))
        let (middle, isOver) = upper.low.addingReportingOverflow(lower.high)
        let (first, last) = (lower.low, upper.high &+ (isOver ? 1 : 0))
        func limb(_ index: Int) -> UInt128 { index == 0 ? first : index == 1 ? middle : index == 2 ? last : 0 }
        /// 128 bits of the product from bit `start` on, which may be negative.
        func bits(_ start: Int) -> UInt128 {
            let (index, place) = (start >> 7, start & 127)
            let upper = place == 0 ? 0 : limb(index + 1) << UInt128(128 - place)
            return limb(index) >> UInt128(place) | upper
        }
        var whole = Int256(high: bits(128 - shift), low: bits(-shift))
        if shift < 0 {
            let half = -shift - 1
            let isRest = (0...2).contains { index in
                let count = half - index * 128
                return count > 0 && (count >= 128 ? limb(index) : limb(index) << UInt128(128 - count)) != 0
            }
            if bits(half) & 1 == 1, isRest || whole.low & 1 == 1 { whole = whole.adding(Int256(1)) }
        }
        self = value < 0 ? whole.negated : whole
    }
}
