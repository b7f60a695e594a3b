import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    func decimals(_ items: Items, _ type: DataType, _ precision: Int, _ scale: Int) throws(ItemFailure) -> ArrayData {
        let (values, validity) = try walk(
            items, zero: 0 as Int128, fast: { _, _, _ in false },
            slow: { [self] (object: Object) throws(ItemFailure) -> Int128? in
                try at(fix: "give a decimal type that holds it, or change the value") {
                    () throws(MartletError) -> Int128? in
                    try isNull(object) ? nil : try decimal(object, precision, scale)
                }
            })
        let buffer = try at { () throws(MartletError) in
            try Self.narrowed(values, items.count, type.nativeKind?.byteWidth ?? 16)
        }
        return ArrayData(
            type: type, count: items.count, validity: validity.buffer, nullCount: validity.nullCount, buffers: [buffer])
    }

    /// The low `width` bytes of each value, which the precision says are enough.
    private static func narrowed(_ values: Buffer, _ count: Int, _ width: Int) throws(MartletError) -> Buffer {
        guard width < 16 else { return values }
        let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
        let source = UnsafeRawPointer(values.pointer(to: UInt8.self))
        for i in 0..<count { memcpy(builder.address + i * width, source + i * 16, width) }
        return builder.finish()
    }

    func wideDecimals(_ items: Items, _ type: DataType, _ precision: Int, _ scale: Int) throws(ItemFailure) -> ArrayData {
        let count = items.count
        let builder = try at { () throws(MartletError) in
            try items.pin()
            return try BufferBuilder(uninitializedCount: try count.multiplied(checked: 32))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        for i in 0..<count {
            try at(i, fix: "give a decimal type that holds it, or change the value") { () throws(MartletError) in
                try countSlowItem()
                let slot = (builder.address + i * 32).assumingMemoryBound(to: UInt64.self)
                slot.initialize(repeating: 0, count: 4)
                if try isNull(items[i]) { return validity.setNull(i) }
                try wideDecimal(items[i], precision, scale, slot)
            }
        }
        return ArrayData(
            type: type, count: count, validity: validity.buffer, nullCount: validity.nullCount,
            buffers: [builder.finish()])
    }

    /// Writes a decimal of 256 bits, lowest word first.
    private func wideDecimal(
        _ object: Object, _ precision: Int, _ scale: Int, _ words: UnsafeMutablePointer<UInt64>
    ) throws(MartletError) {
        let text = try decimalText(object)
        var count = 0
        guard let utf8 = python.utf8(text.object, &count) else { throw python.takeError() }
        let characters = UnsafeRawBufferPointer(start: utf8, count: count)
        guard let number = DecimalText(characters) else {
            throw .invalid("The string '\(python.text(text.object))' is not a valid decimal256 number")
        }
        guard number.precision <= 76 + max(0, number.scale - scale), number.scale <= 76, number.addedZeros <= 76 else {
            throw .invalid("The string '\(python.text(text.object))' cannot be represented as decimal256")
        }
        guard number.precision - (number.scale - scale) <= precision else {
            throw .invalid(
                "Decimal type with precision \(number.precision) does not fit into precision inferred from first array "
                    + "element: \(precision)")
        }
        var digits = number.digits(characters)
        if scale < number.scale {
            let dropped = digits.suffix(number.scale - scale)
            guard dropped.allSatisfy({ $0 == 0 }) else {
                throw .invalid("Rescaling Decimal value would cause data loss")
            }
            digits.removeLast(dropped.count)
        } else {
            digits.append(contentsOf: repeatElement(0, count: scale - number.scale))
        }
        // At most 76 digits are left, which 256 bits hold.
        for digit in digits {
            var carry = UInt64(digit)
            for k in 0..<4 {
                let (high, low) = words[k].multipliedFullWidth(by: 10)
                let (sum, overflow) = low.addingReportingOverflow(carry)
                words[k] = sum
                carry = high &+ (overflow ? 1 : 0)
            }
        }
        guard number.isNegative else { return }
        var carry = true
        for k in 0..<4 {
            let (sum, overflow) = (~words[k]).addingReportingOverflow(carry ? 1 : 0)
            words[k] = sum
            carry = overflow
        }
    }

    /// What Python writes for an integer or a Decimal.
    private func decimalText(_ object: Object) throws(MartletError) -> Owned {
        let type = python.type(of: object)
        guard python.isKind(type, .int) || python.isSubtype(type, of: foreign.decimal) else {
            throw .type("int or Decimal object expected, got \(python.typeName(of: object))")
        }
        return try Owned(python.str(object), python)
    }

    private func decimal(_ object: Object, _ precision: Int, _ scale: Int) throws(MartletError) -> Int128 {
        let text = try decimalText(object)
        var count = 0
        guard let utf8 = python.utf8(text.object, &count) else { throw python.takeError() }
        let characters = UnsafeRawBufferPointer(start: utf8, count: count)
        guard let number = DecimalText(characters) else {
            throw .invalid("The string '\(python.text(text.object))' is not a valid decimal128 number")
        }
        guard number.precision <= 76, number.scale <= 38, number.addedZeros <= 38 else {
            throw .invalid("The string '\(python.text(text.object))' cannot be represented as decimal128")
        }
        // The digits before the point must fit, whatever comes behind it.
        let needed = number.precision - (number.scale - scale)
        let tooWide = MartletError.invalid(
            "Decimal type with precision \(number.precision) does not fit into precision inferred from first array "
                + "element: \(precision)")
        guard number.precision <= 38 else { throw tooWide }
        var value = number.unscaled(characters)
        var shift = scale - number.scale
        while shift > 0 {
            let (next, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { throw .invalid("Rescaling Decimal value would cause data loss") }
            value = next
            shift -= 1
        }
        while shift < 0 {
            if value % 10 != 0 { throw .invalid("Rescaling Decimal value would cause data loss") }
            value /= 10
            shift += 1
        }
        guard needed <= precision else { throw tooWide }
        return value
    }
}

/// A decimal number as Python writes it: `-12.50`, `1E+5`. Scales are never negative: `1E+5` has scale 0.
struct DecimalText {
    /// Significant digits, and those behind the point.
    let precision: Int
    let scale: Int
    /// Zeros that a positive exponent adds behind the digits.
    let addedZeros: Int
    let isNegative: Bool

    /// nil for NaN, Infinity and what is no number.
    init?(_ text: UnsafeRawBufferPointer) {
        var i = 0
        var (whole, fraction, exponent) = (0, 0, 0)
        var sawDigit = false
        isNegative = text.first == UInt8(ascii: "-")
        if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") { i = 1 }
        func isDigit(_ i: Int) -> Bool {
            i < text.count && text[i] >= UInt8(ascii: "0") && text[i] <= UInt8(ascii: "9")
        }
        while isDigit(i) {
            sawDigit = true
            if whole > 0 || text[i] != UInt8(ascii: "0") { whole += 1 }
            i += 1
        }
        if i < text.count, text[i] == UInt8(ascii: ".") {
            i += 1
            while isDigit(i) {
                sawDigit = true
                fraction += 1
                i += 1
            }
        }
        guard sawDigit else { return nil }
        if i < text.count, text[i] == UInt8(ascii: "E") || text[i] == UInt8(ascii: "e") {
            i += 1
            let negative = i < text.count && text[i] == UInt8(ascii: "-")
            if i < text.count, negative || text[i] == UInt8(ascii: "+") { i += 1 }
            guard isDigit(i) else { return nil }
            while isDigit(i) {
                exponent = min(exponent * 10 + Int(text[i] - UInt8(ascii: "0")), 1_000_000)
                i += 1
            }
            if negative { exponent = -exponent }
        }
        guard i == text.count else { return nil }
        let places = fraction - exponent
        addedZeros = max(-places, 0)
        scale = max(places, 0)
        precision = whole + fraction + addedZeros
    }

    /// All digits, highest first, with the zeros that an exponent adds.
    func digits(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var digits: [UInt8] = []
        for byte in text {
            if byte == UInt8(ascii: "E") || byte == UInt8(ascii: "e") { break }
            if byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") { digits.append(byte - UInt8(ascii: "0")) }
        }
        digits.append(contentsOf: repeatElement(0, count: addedZeros))
        return digits
    }

    /// The digits as an integer. Safety: at most 38 of them, which the caller has seen to.
    func unscaled(_ text: UnsafeRawBufferPointer) -> Int128 {
        var value: Int128 = 0
        for byte in text {
            if byte == UInt8(ascii: "E") || byte == UInt8(ascii: "e") { break }
            if byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
                value = value &* 10 &+ Int128(byte - UInt8(ascii: "0"))
            }
        }
        for _ in 0..<addedZeros { value = value &* 10 }
        return isNegative ? -value : value
    }
}
