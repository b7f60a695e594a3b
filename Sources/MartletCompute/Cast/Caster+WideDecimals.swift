import MartletArrow
import MartletBase

// Casts with decimals of 256 bits on one side at least: with all their digits, row by row.

extension Caster {
    /// Decimals of 256 bits as numbers or other decimals; nil where the cast does not begin with the number.
    func fromWideDecimals(_ scale: Int) throws(MartletError) -> ArrayData? {
        switch target {
        case .decimal128(let precision, let to), .decimal256(let precision, let to):
            return try rescaledWide(scale, precision, to)
        case .decimal32(let precision, let to), .decimal64(let precision, let to):
            return try again(try via(.decimal128(precision: precision, scale: to)))
        case .float16, .float32, .float64: return try again(try wideToDoubles(scale))
        case _ where target.isInteger: return try again(try wideToIntegers(scale))
        case _: return nil
        }
    }

    /// Numbers, text or decimals of 128 bits as decimals of 256 bits; nil for other sources.
    func toWideDecimals(_ precision: Int, _ scale: Int) throws(MartletError) -> ArrayData? {
        switch Self.family(source.type) {
        case .decimal: return try rescaledWide(source.type.decimalDigits?.scale ?? 0, precision, scale)
        case .text: return try textToWide(precision, scale)
        case .number where source.type.isFloatingPoint: return try doublesToWide(precision, scale)
        case .number:
            try checkDigits(of: try LaneReader(source), precision, scale)
            return try again(try via(.decimal128(precision: 20, scale: 0)))
        case _: return nil
        }
    }

    /// Decimals of 128 or 256 bits at the target's scale and in its width.
    private func rescaledWide(_ from: Int, _ precision: Int, _ to: Int) throws(MartletError) -> ArrayData {
        let places = abs(to - from)
        guard places <= 76, (1...76).contains(precision) else { throw unsupported() }
        let (values, validity, this) = (try WideReader(source), source.usedValidityBitmap, self)
        let factor = Int256.powerOfTen(places)
        // Of what is raised by `places` digits, the digits before must leave room for them.
        let digits = to < from ? precision : max(0, precision - places)
        let limit = Int256.powerOfTen(digits)
        let (mayCut, width) = (options.allowDecimalTruncate, target.layout.buffers.first?.byteWidth ?? 32)
        let buffer = try makeWide(count: count, width: width) { row throws(MartletError) in
            let value = values[row]
            guard validity?[row] ?? true else { return Int256(0) }
            if to >= from {
                if mayCut || value.isWithin(limit) { return value.multiplied(by: factor) }
            } else {
                let (whole, rest) = value.quotientAndRemainder(dividingBy: factor)
                if mayCut || rest.isZero && whole.isWithin(limit) { return whole }
                guard rest.isZero else {
                    throw this.decimalError(
                        value.text(scale: from), row, "Rescaling Decimal value would cause data loss")
                }
            }
            throw this.decimalError(
                value.text(scale: from), row, "Decimal value does not fit in precision \(precision)")
        }
        return try result([buffer])
    }

    private func wideToDoubles(_ scale: Int) throws(MartletError) -> ArrayData {
        let (values, power) = (try WideReader(source), Int256.powerOfTen(abs(scale)).double)
        let buffer = try makeLanes(.float64, count: count) { block, writer in
            let out = unsafe writer.doubles(block, 0)
            for i in 0..<block.count {
                let whole = values[block.start &+ i].double
                unsafe out[i] = scale < 0 ? whole * power : whole / power
            }
            unsafe writer.store(out, block)
            return true
        }
        return try result([buffer], as: .float64)
    }

    /// The whole numbers as decimals of 128 bits without a scale.
    private func wideToIntegers(_ scale: Int) throws(MartletError) -> ArrayData {
        let whole = try WideReader(try via(.decimal256(precision: 76, scale: 0)))
        let (source, mayWrap, this) = (try WideReader(source), options.allowIntOverflow, self)
        let validity = self.source.usedValidityBitmap
        let buffer = try makeWide(count: count, width: 16) { row throws(MartletError) in
            if mayWrap || whole[row].narrowed != nil || !(validity?[row] ?? true) { return whole[row] }
            throw this.decimalError(source[row].text(scale: scale), row, "Integer value out of bounds")
        }
        return try result([buffer], as: .decimal128(precision: 38, scale: 0))
    }

    private func doublesToWide(_ precision: Int, _ scale: Int) throws(MartletError) -> ArrayData {
        guard abs(scale) <= 76, (1...76).contains(precision) else { throw unsupported() }
        let (reader, validity, this) = (try LaneReader(source), source.usedValidityBitmap, self)
        let (limit, power) = (Int256.powerOfTen(precision), Int256.powerOfTen(abs(scale)).double)
        let buffer = try makeWide(count: count) { row throws(MartletError) in
            guard validity?[row] ?? true else { return Int256(0) }
            let value = reader.double(at: row)
            let whole =
                scale < 0 ? Int256((value / power).rounded(.toNearestOrEven), scale: 0) : Int256(value, scale: scale)
            if let whole, whole.isWithin(limit) { return whole }
            throw this.notDecimal(value, row, "Decimal256", precision, scale)
        }
        return try result([buffer])
    }

    private func textToWide(_ precision: Int, _ scale: Int) throws(MartletError) -> ArrayData {
        guard abs(scale) <= 76, (1...76).contains(precision) else { throw unsupported() }
        let (strings, validity, this) = (try BytesReader(source), source.usedValidityBitmap, self)
        let buffer = try makeWide(count: count) { row throws(MartletError) in
            guard validity?[row] ?? true else { return Int256(0) }
            let number = TextParser.wideDecimal(strings.slot(row))
            guard let number else {
                throw .invalid(
                    "The string '\(strings.text(row))' is not a valid decimal256 number (\(this.place.text(row)))")
            }
            return try this.wide(number, precision, scale) { "'\(strings.text(row))' (\(this.place.text(row)))" }
        }
        return try result([buffer])
    }

    /// A number that was read from text, at a scale and within a precision.
    private func wide(
        _ number: (digits: Int256, scale: Int), _ precision: Int, _ scale: Int, _ what: () -> String
    ) throws(MartletError) -> Int256 {
        let (places, digits) = (scale - number.scale, number.digits)
        if digits.isZero { return digits }
        if places < 0 {
            let (whole, rest) =
                places < -76 ? (Int256(0), digits) : digits.quotientAndRemainder(dividingBy: .powerOfTen(-places))
            guard options.allowDecimalTruncate || rest.isZero else {
                throw .invalid("Rescaling Decimal value would cause data loss: \(what()); cast to a larger scale")
            }
            if whole.isWithin(.powerOfTen(precision)) { return whole }
        } else if places < precision, digits.isWithin(.powerOfTen(precision - places)) {
            return digits.multiplied(by: .powerOfTen(places))
        }
        throw .invalid("Decimal value does not fit in precision \(precision): \(what())")
    }
}
