import MartletArrow
import MartletBase

/// Values from their text, by pyarrow's rules: no spaces, no leading plus for integers, ISO 8601 dates and times.
/// Each function gives nil for what it cannot read.
enum TextParser {
    private static func equals(_ text: Bytes, _ lowercase: StaticString) -> Bool {
        guard text.count == lowercase.utf8CodeUnitCount else { return false }
        for i in 0..<text.count {
            let byte = text[i]
            let lower = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
            // Safety: both have the same length.
            if unsafe lower != lowercase.utf8Start[i] { return false }
        }
        return true
    }

    static func boolean(_ text: Bytes) -> Bool? {
        if equals(text, "true") || equals(text, "1") { return true }
        if equals(text, "false") || equals(text, "0") { return false }
        return nil
    }

    /// Up to eight digits with an optional minus, all at once; nil for anything else. `readable` bytes lie behind the
    /// start of the text.
    @inline(__always)
    static func shortInteger(_ text: Bytes, readable: Int) -> Int64? {
        let isNegative = text.count > 1 && text[0] == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        let count = text.count &- start
        guard count > 0, count <= 8, readable >= start &+ 8 else { return nil }
        // Safety: eight bytes can be read. The last digit goes to the highest byte, zeros before the first.
        let raw = unsafe UnsafeRawPointer(text.start + start).loadUnaligned(as: UInt64.self)
        let shift = UInt64(truncatingIfNeeded: (8 &- count) &* 8)
        let zeros: UInt64 = 0x3030_3030_3030_3030
        var word = (raw &<< shift) | (shift == 0 ? 0 : zeros &>> (64 &- shift))
        let high = word & 0xF0F0_F0F0_F0F0_F0F0
        let over = (word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0
        guard high == zeros, over == zeros else { return nil }
        word = ((word & 0x0F0F_0F0F_0F0F_0F0F) &* 2561) &>> 8
        word = ((word & 0x00FF_00FF_00FF_00FF) &* 6_553_601) &>> 16
        word = ((word & 0x0000_FFFF_0000_FFFF) &* 42_949_672_960_001) &>> 32
        return isNegative ? 0 &- Int64(bitPattern: word) : Int64(bitPattern: word)
    }

    /// Decimal digits with an optional minus, or `0x` and hexadecimal digits; nil when it does not fit the kind.
    static func integer(_ text: Bytes, _ kind: NativeKind) -> Int64? {
        let count = text.count
        var index = 0
        var isNegative = false
        if count > 0, text[0] == UInt8(ascii: "-") {
            if kind.isUnsigned { return nil }
            isNegative = true
            index = 1
        }
        guard index < count else { return nil }
        if text[index] == UInt8(ascii: "0"), count - index > 1 {
            if !isNegative, text[1] | 0x20 == UInt8(ascii: "x") { return hexadecimal(text, kind) }
            while index < count - 1, text[index] == UInt8(ascii: "0") { index += 1 }
        }
        guard count - index <= 20 else { return nil }
        var magnitude: UInt64 = 0
        // 19 digits cannot overflow.
        let plain = min(count, index + 19)
        while index < plain {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            magnitude = magnitude &* 10 &+ UInt64(digit)
            index &+= 1
        }
        if index < count {
            let digit = text[index] &- 48
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard digit < 10, !overflow, !carry else { return nil }
            magnitude = sum
        }
        let top = UInt64(bitPattern: kind.range.high)
        guard magnitude <= (isNegative ? top &+ 1 : top) else { return nil }
        return Int64(bitPattern: isNegative ? 0 &- magnitude : magnitude)
    }

    private static func hexadecimal(_ text: Bytes, _ kind: NativeKind) -> Int64? {
        guard (3...2 + kind.byteWidth * 2).contains(text.count) else { return nil }
        var bits: UInt64 = 0
        for i in 2..<text.count {
            let byte = text[i]
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 65...70: digit = byte - 55
            case 97...102: digit = byte - 87
            case _: return nil
            }
            bits = bits << 4 | UInt64(digit)
        }
        if kind.isUnsigned { return Int64(bitPattern: bits) }
        // The top bit of the kind is a sign.
        let unused = UInt64(64 - kind.byteWidth * 8)
        return Int64(bitPattern: bits << unused) >> Int64(unused)
    }

    static func float(_ text: Bytes) -> Double? {
        guard text.count > 0, text.count <= 4096 else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        var index = isNegative || text[0] == UInt8(ascii: "+") ? 1 : 0
        var digits: UInt64 = 0
        var digitCount = 0
        var exponent = 0
        var sawPoint = false
        var sawDigit = false
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
            } else if byte >= 48, byte <= 57, digitCount < 19 {
                sawDigit = true
                digits = digits &* 10 &+ UInt64(byte - 48)
                if digits != 0 { digitCount += 1 }
                if sawPoint { exponent -= 1 }
            } else {
                break
            }
            index += 1
        }
        if sawDigit, index < text.count, text[index] | 0x20 == UInt8(ascii: "e"), index + 1 < text.count {
            var place = index + 1
            let isDown = text[place] == UInt8(ascii: "-")
            if isDown || text[place] == UInt8(ascii: "+") { place += 1 }
            var power = 0
            let start = place
            while place < text.count, text[place] >= 48, text[place] <= 57, power < 1000 {
                power = power * 10 + Int(text[place] - 48)
                place += 1
            }
            if place > start, place == text.count {
                exponent += isDown ? -power : power
                index = place
            }
        }
        if sawDigit, index == text.count, let value = exact(digits, exponent) { return isNegative ? -value : value }
        for i in 0..<text.count where text[i] == UInt8(ascii: "x") || text[i] == UInt8(ascii: "X") || text[i] <= 32 {
            return nil
        }
        let whole = text.text
        if let value = Double(whole) { return value }
        // Forms that Swift does not read: `1.`.
        return whole.hasSuffix(".") ? Double(whole + "0") : nil
    }

    /// `digits` times ten to the power of `exponent`, rounded once; nil where that takes more than a few operations.
    private static func exact(_ digits: UInt64, _ exponent: Int) -> Double? {
        if digits == 0 { return 0 }
        if digits < 1 << 53, exponent >= -22, exponent <= 22 {
            // Both are doubles exactly, so the one operation rounds right.
            return exponent < 0 ? Double(digits) / smallPowers[-exponent] : Double(digits) * smallPowers[exponent]
        }
        #if arch(x86_64)
            // 64 bits hold the digits and powers up to 10^27 exactly. The result rounds twice, which is once unless the
            // first result lies next to the middle between two doubles.
            guard exponent >= -27, exponent <= 27 else { return nil }
            let wide =
                exponent < 0 ? Float80(digits) / largePowers[-exponent] : Float80(digits) * largePowers[exponent]
            let middle = wide.significandBitPattern & 0x7FF
            guard middle < 0x3FF || middle > 0x401 else { return nil }
            return Double(wide)
        #else
            return nil
        #endif
    }

    private static let smallPowers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
    #if arch(x86_64)
        private static let largePowers: [Float80] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
            1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27,
        ]
    #endif

    /// All digits as one number, and how many of them stand behind the point, exponent included.
    static func decimal(_ text: Bytes) -> (digits: Int128, scale: Int)? {
        var digits: Int128 = 0
        let parts = decimalParts(text) { digit in
            let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int128(digit))
            digits = sum
            return !overflow && !carry
        }
        guard let parts else { return nil }
        return (parts.isNegative ? -digits : digits, parts.scale)
    }

    /// The same with up to 76 digits.
    static func wideDecimal(_ text: Bytes) -> (digits: Int256, scale: Int)? {
        var digits = Int256(0)
        let (ten, limit) = (Int256(10), Int256.powerOfTen(75))
        let parts = decimalParts(text) { digit in
            guard digits.isWithin(limit) else { return false }
            digits = digits.multiplied(by: ten).adding(Int256(Int128(digit)))
            return true
        }
        guard let parts else { return nil }
        return (parts.isNegative ? digits.negated : digits, parts.scale)
    }

    /// Gives the digits one by one, `append` saying whether there is room for another.
    @inline(__always)
    private static func decimalParts(_ text: Bytes, _ append: (UInt8) -> Bool) -> (isNegative: Bool, scale: Int)? {
        var index = 0
        var isNegative = false
        if text.count > 0, text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
            isNegative = text[0] == UInt8(ascii: "-")
            index = 1
        }
        var scale = 0
        var sawPoint = false
        var digitCount = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
            } else if byte >= 48, byte <= 57 {
                guard append(byte - 48) else { return nil }
                digitCount += 1
                if sawPoint { scale += 1 }
            } else {
                break
            }
            index += 1
        }
        guard digitCount > 0 else { return nil }
        if index < text.count {
            guard text[index] | 0x20 == UInt8(ascii: "e"), index + 1 < text.count else { return nil }
            index += 1
            var exponent = 0
            var isDown = false
            if text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
                isDown = text[index] == UInt8(ascii: "-")
                index += 1
            }
            guard index < text.count, text.count - index <= 4 else { return nil }
            while index < text.count {
                guard text[index] >= 48, text[index] <= 57 else { return nil }
                exponent = exponent * 10 + Int(text[index] - 48)
                index += 1
            }
            scale += isDown ? exponent : -exponent
        }
        return (isNegative, scale)
    }

    /// `digits` decimal digits from `index`.
    private static func digits(_ text: Bytes, _ index: Int, _ count: Int) -> Int64? {
        guard index + count <= text.count else { return nil }
        var value: Int64 = 0
        for i in index..<index + count {
            guard text[i] >= 48, text[i] <= 57 else { return nil }
            value = value * 10 + Int64(text[i] - 48)
        }
        return value
    }

    /// `YYYY-MM-DD` as days since 1970-01-01.
    static func date(_ text: Bytes) -> Int64? {
        guard text.count == 10 else { return nil }
        return datePart(text)
    }

    private static func datePart(_ text: Bytes) -> Int64? {
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = digits(text, 0, 4), let month = digits(text, 5, 2), let day = digits(text, 8, 2),
            (1...12).contains(month), day >= 1
        else { return nil }
        let date = CivilDate(year: year, month: Int(month), day: Int(day))
        // A day that the month does not have comes back as another one.
        return CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date ? date.daysSinceEpoch : nil
    }

    /// `HH:MM[:SS[.fraction]]` from `start` to `end`, in units. A fraction finer than the unit cannot be read.
    private static func clock(_ text: Bytes, _ start: Int, _ end: Int, _ unit: TimeUnit) -> Int64? {
        guard let hours = digits(text, start, 2), hours < 24 else { return nil }
        var seconds = hours * 3600
        var fraction: Int64 = 0
        var index = start + 2
        if index < end {
            guard text[index] == UInt8(ascii: ":"), index + 3 <= end, let minutes = digits(text, index + 1, 2),
                minutes < 60
            else { return nil }
            seconds += minutes * 60
            index += 3
            if index < end {
                guard text[index] == UInt8(ascii: ":"), index + 3 <= end, let rest = digits(text, index + 1, 2),
                    rest < 60
                else { return nil }
                seconds += rest
                index += 3
                if index < end {
                    let places = end - index - 1
                    var scale = unit.perSecond
                    guard text[index] == UInt8(ascii: "."), (1...9).contains(places),
                        let value = digits(text, index + 1, places)
                    else { return nil }
                    for _ in 0..<places {
                        guard scale % 10 == 0 else { return nil }
                        scale /= 10
                    }
                    fraction = value * scale
                }
            }
        }
        return seconds * unit.perSecond + fraction
    }

    static func time(_ text: Bytes, _ unit: TimeUnit) -> Int64? {
        guard text.count >= 5 else { return nil }
        return clock(text, 0, text.count, unit)
    }

    /// `YYYY-MM-DD[(T| )HH[:MM[:SS[.fraction]]][Z|(+|-)HH[[:]MM]]]`.
    static func timestamp(_ text: Bytes, _ unit: TimeUnit) -> (value: Int64, hasZone: Bool)? {
        guard let days = datePart(text) else { return nil }
        let (midnight, overflow) = days.multipliedReportingOverflow(by: 86_400 * unit.perSecond)
        if overflow { return nil }
        if text.count == 10 { return (midnight, false) }
        guard text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " "), text.count >= 13 else { return nil }
        var end = text.count
        var shift: Int64 = 0
        var hasZone = false
        if text[end - 1] == UInt8(ascii: "Z") {
            hasZone = true
            end -= 1
        } else {
            for i in 13..<end where text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-") {
                guard let seconds = ZoneShift.seconds(text[i..<end].text) else { return nil }
                shift = seconds * unit.perSecond
                hasZone = true
                end = i
                break
            }
        }
        guard let time = clock(text, 11, end, unit) else { return nil }
        let (value, tooFar) = midnight.addingReportingOverflow(time - shift)
        return tooFar ? nil : (value, hasZone)
    }
}
