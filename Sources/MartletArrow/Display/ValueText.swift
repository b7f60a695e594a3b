package import MartletBase

// The text of single values, as pyarrow prints them and as casts to string write them.

/// The shortest text that reads back as the same number: `1`, `2.5`, `1e+20`, `nan`.
package func text<Value: BinaryFloatingPoint & LosslessStringConvertible>(ofFloat value: Value) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    // Swift gives the shortest digits; only the form differs.
    var digits: [UInt8] = []
    var point: Int?
    var exponent = 0
    var isNegative = false
    for byte in value.description.utf8 {
        switch byte {
        case UInt8(ascii: "-") where digits.isEmpty: isNegative = true
        case UInt8(ascii: "."): point = digits.count
        case UInt8(ascii: "e"):
            exponent = value.description.split(separator: "e").last.flatMap { Int($0) } ?? 0
            return scientific(digits, point: (point ?? digits.count) + exponent, isNegative)
        default: digits.append(byte)
        }
    }
    return scientific(digits, point: point ?? digits.count, isNegative)
}

/// `digits` with the decimal point before digit `point`, with an exponent below 1e-5 and from 1e15 up.
private func scientific(_ allDigits: [UInt8], point: Int, _ isNegative: Bool) -> String {
    let leading = allDigits.prefix { $0 == UInt8(ascii: "0") }.count
    var digits = Array(allDigits.dropFirst(leading))
    let point = point - leading
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    let sign = isNegative ? "-" : ""
    guard !digits.isEmpty else { return sign + "0" }
    let text = String(decoding: digits, as: UTF8.self)
    let exponent = point - 1
    if exponent < -6 || exponent >= 15 {
        let fraction = text.dropFirst()
        return sign + text.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e\(exponent < 0 ? "-" : "+")\(abs(exponent))"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text }
    if point >= digits.count { return sign + text + String(repeating: "0", count: point - digits.count) }
    return sign + text.prefix(point) + "." + text.dropFirst(point)
}

/// A calendar date of the proleptic Gregorian calendar.
package struct CivilDate: Equatable {
    package var year: Int64
    package var month: Int
    package var day: Int

    package init(year: Int64, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date `days` after 1970-01-01.
    package init(daysSinceEpoch days: Int64) {
        // Eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
        let shifted = days &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        day = Int(dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1)
        month = Int(monthFromMarch < 10 ? monthFromMarch &+ 3 : monthFromMarch &- 9)
        year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
    }

    /// Days after 1970-01-01.
    package var daysSinceEpoch: Int64 {
        let y = month <= 2 ? year &- 1 : year
        let era = (y >= 0 ? y : y &- 399) / 400
        let yearOfEra = y &- era &* 400
        let monthFromMarch = Int64(month > 2 ? month &- 3 : month &+ 9)
        let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ Int64(day) &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468
    }

    /// `2024-02-15`.
    package var text: String {
        let magnitude = padded(Int64(year.magnitude), 4)
        return "\(year < 0 ? "-" : "")\(magnitude)-\(padded(Int64(month), 2))-\(padded(Int64(day), 2))"
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}

/// `12:26:40.123`: the fraction has as many digits as the unit.
package func text(ofTime value: Int64, _ unit: TimeUnit) -> String {
    let perSecond = unit.perSecond
    let (seconds, fraction) = (value / perSecond, value % perSecond)
    let clock = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return unit == .second ? clock : clock + "." + padded(fraction, String(perSecond).utf8.count - 1)
}

/// `2024-02-15 12:26:40.123`, with `Z` behind it when the instant is in UTC.
package func text(ofTimestamp value: Int64, _ unit: TimeUnit, isUTC: Bool) -> String {
    let perDay = unit.perSecond * 86_400
    let days = value >= 0 ? value / perDay : -((-(value &+ 1)) / perDay) &- 1
    let time = value &- days &* perDay
    return CivilDate(daysSinceEpoch: days).text + " " + text(ofTime: time, unit) + (isUTC ? "Z" : "")
}

/// `1.23` for 123 at scale 2; `1E+2` for 1 at scale -2.
package func text(ofDecimal value: Int128, scale: Int) -> String {
    text(ofDigits: String(value.magnitude), isNegative: value < 0, scale: scale)
}

/// A decimal of 256 bits: 32 bytes, lowest first, in two's complement.
package func text(ofDecimal256 bytes: RawSpan, scale: Int) -> String {
    guard bytes.byteCount == 32 else { return "" }
    // Limbs of 32 bits, highest first, divided by 10^9 until nothing is left.
    var limbs: [UInt64] = (0..<8).reversed().map {
        // Safety: 8 limbs of 4 bytes each lie in 32 bytes.
        UInt64(unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: $0 * 4, as: UInt32.self))
    }
    let isNegative = limbs[0] >> 31 == 1
    if isNegative {
        var carry: UInt64 = 1
        for i in limbs.indices.reversed() {
            let sum = (~limbs[i] & 0xFFFF_FFFF) + carry
            limbs[i] = sum & 0xFFFF_FFFF
            carry = sum >> 32
        }
    }
    var groups: [String] = []
    while let first = limbs.firstIndex(where: { $0 != 0 }) {
        var rest: UInt64 = 0
        for i in first..<8 {
            let value = rest << 32 | limbs[i]
            limbs[i] = value / 1_000_000_000
            rest = value % 1_000_000_000
        }
        let group = String(rest)
        let isLast = !limbs.contains { $0 != 0 }
        groups.append(isLast ? group : String(repeating: "0", count: 9 - group.utf8.count) + group)
    }
    let digits = groups.isEmpty ? "0" : groups.reversed().joined()
    return text(ofDigits: digits, isNegative: isNegative, scale: scale)
}

private func text(ofDigits magnitude: String, isNegative: Bool, scale: Int) -> String {
    let sign = isNegative ? "-" : ""
    var digits = magnitude
    let count = digits.utf8.count
    if scale == 0 { return sign + digits }
    let adjusted = count - 1 - scale
    if scale < 0 || adjusted < -6 {
        let fraction = digits.dropFirst()
        let exponent = "E\(adjusted < 0 ? "-" : "+")\(abs(adjusted))"
        return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + exponent
    }
    if count <= scale { digits = String(repeating: "0", count: scale - count + 1) + digits }
    return sign + digits.dropLast(scale) + "." + digits.suffix(scale)
}

/// `5M`, `2d10ms`, `1M2d3ns`.
package func text(ofInterval bytes: RawSpan, _ unit: IntervalUnit) -> String {
    func number<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> String {
        guard offset + MemoryLayout<Value>.size <= bytes.byteCount else { return "" }
        // Safety: the guard keeps the load inside the span.
        return String(unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self))
    }
    switch unit {
    case .months: return number(0, Int32.self) + "M"
    case .dayTime: return number(0, Int32.self) + "d" + number(4, Int32.self) + "ms"
    case .monthDayNano: return number(0, Int32.self) + "M" + number(4, Int32.self) + "d" + number(8, Int64.self) + "ns"
    }
}

/// `6162FF`.
package func hexadecimalText(_ bytes: RawSpan) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.byteCount * 2)
    unsafe bytes.withUnsafeBytes { bytes in
        for unsafe byte in unsafe bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
    }
    return String(decoding: text, as: UTF8.self)
}

extension ArrayData {
    /// The text of slot `index` of a flat type; "null" for nulls. `quoted` puts strings in quotation marks.
    /// The caller keeps `index` below `count`.
    package func text(at index: Int, quoted: Bool = false) throws(MartletError) -> String {
        guard isValid(index) else { return "null" }
        func native<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> Value {
            try PrimitiveArray<Value>(self.window(index, 1))[0]
        }
        func string<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) -> String {
            let text = try BytesArray<Offset>(window(index, 1)).string(0)
            return quoted ? "\"\(text)\"" : text
        }
        switch type {
        case .null: return "null"
        case .boolean: return try BooleanArray(self)[index] ? "true" : "false"
        case .int8: return try native(Int8.self).description
        case .int16: return try native(Int16.self).description
        case .int32: return try native(Int32.self).description
        case .int64, .duration: return try native(Int64.self).description
        case .uint8: return try native(UInt8.self).description
        case .uint16: return try native(UInt16.self).description
        case .uint32: return try native(UInt32.self).description
        case .uint64: return try native(UInt64.self).description
        case .float16: return try MartletArrow.text(ofFloat: Double(native(Float16.self)))
        case .float32: return try MartletArrow.text(ofFloat: native(Float.self))
        case .float64: return try MartletArrow.text(ofFloat: native(Double.self))
        case .string: return try string(Int32.self)
        case .largeString: return try string(Int64.self)
        case .binary:
            // A span of a value that has no name makes the optimiser fail.
            let view = try BytesArray<Int32>(self)
            return hexadecimalText(view.bytes(index))
        case .largeBinary:
            let view = try BytesArray<Int64>(self)
            return hexadecimalText(view.bytes(index))
        case .stringView:
            let text = try BinaryViewArray(window(index, 1)).string(0)
            return quoted ? "\"\(text)\"" : text
        case .binaryView:
            let view = try BinaryViewArray(window(index, 1))
            return hexadecimalText(view.bytes(0))
        case .fixedSizeBinary:
            let view = try FixedBytesArray(self)
            return hexadecimalText(view.bytes(index))
        case .date32: return try CivilDate(daysSinceEpoch: Int64(native(Int32.self))).text
        case .date64:
            let milliseconds = try native(Int64.self)
            let days = milliseconds / 86_400_000 - (milliseconds % 86_400_000 < 0 ? 1 : 0)
            return CivilDate(daysSinceEpoch: days).text
        case .time32(let unit): return try MartletArrow.text(ofTime: Int64(native(Int32.self)), unit)
        case .time64(let unit): return try MartletArrow.text(ofTime: native(Int64.self), unit)
        case .timestamp(let unit, let zone):
            return try MartletArrow.text(ofTimestamp: native(Int64.self), unit, isUTC: zone != nil)
        case .interval(.months): return try native(Int32.self).description + "M"
        case .interval(let unit):
            let view = try FixedBytesArray(self)
            return MartletArrow.text(ofInterval: view.bytes(index), unit)
        case .decimal256(_, let scale):
            let view = try FixedBytesArray(self)
            return MartletArrow.text(ofDecimal256: view.bytes(index), scale: scale)
        case .decimal32(_, let scale):
            return try MartletArrow.text(ofDecimal: Int128(native(Int32.self)), scale: scale)
        case .decimal64(_, let scale):
            return try MartletArrow.text(ofDecimal: Int128(native(Int64.self)), scale: scale)
        case .decimal128(_, let scale): return try MartletArrow.text(ofDecimal: native(Int128.self), scale: scale)
        case .dictionary:
            guard let values = dictionary, let place = dictionaryIndex(index), place >= 0, place < values.count else {
                throw .index("Dictionary index in slot \(index) is out of bounds")
            }
            return try values.text(at: place, quoted: quoted)
        case .runEndEncoded:
            let runs = try RunEndArray(self)
            guard let run = runs.run(of: index) else { throw .index("no run reaches slot \(index)") }
            return try runs.values.text(at: run, quoted: quoted)
        case .extension: return try storage.text(at: index, quoted: quoted)
        case .list, .largeList, .listView, .largeListView, .fixedSizeList, .struct, .map, .union:
            return try ArrayPrinter(window: 10, style: .oneLine).text(of: window(index, 1))
        }
    }
}
