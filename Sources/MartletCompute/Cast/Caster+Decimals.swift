import MartletArrow
import MartletBase

/// Powers of ten of 128 bits: 10^0 ... 10^38.
let powersOfTen: [Int128] = {
    var powers: [Int128] = [1]
    for _ in 0..<38 { powers.append(powers.last! * 10) }
    return powers
}()

extension Caster {
    func decimals() throws(MartletError) -> ArrayData {
        switch (source.type, target) {
        case (.decimal128(_, let from), .decimal128(let precision, let to)): return try rescaled(from, precision, to)
        case (.decimal128(_, let scale), _):
            guard let kind = target.nativeKind else { throw unsupported() }
            return try kind.acceptNumber(DecimalToNumber(caster: self, scale: scale))
        case (_, .decimal128(let precision, let scale)):
            guard let kind = source.type.nativeKind else { throw unsupported() }
            return try kind.acceptNumber(NumberToDecimal(caster: self, precision: precision, scale: scale))
        case (_, _): throw unsupported()
        }
    }

    private func rescaled(_ from: Int, _ precision: Int, _ to: Int) throws(MartletError) -> ArrayData {
        guard abs(to - from) <= 38, (1...38).contains(precision) else { throw unsupported() }
        let factor = powersOfTen[abs(to - from)]
        let limit = powersOfTen[precision]
        let mayCut = options.allowDecimalTruncate
        if to >= from {
            return try mapped(Int128.self, Int128.self) { value in
                let (product, overflow) = value.multipliedReportingOverflow(by: factor)
                return (product, !overflow && product < limit && product > -limit || mayCut)
            } failure: { value, row in decimalError(value, from, row, "Decimal value does not fit in precision \(precision)") }
        }
        return try mapped(Int128.self, Int128.self) { value in
            let quotient = value / factor
            return (quotient, mayCut || (quotient * factor == value && quotient < limit && quotient > -limit))
        } failure: { value, row in
            value % factor != 0
                ? decimalError(value, from, row, "Rescaling Decimal value would cause data loss")
                : decimalError(value, from, row, "Decimal value does not fit in precision \(precision)")
        }
    }

    fileprivate func decimalError(_ value: Int128, _ scale: Int, _ row: Int, _ what: String) -> MartletError {
        .invalid(
            "\(what): \(text(ofDecimal: value, scale: scale)) as \(target) (\(place.text(row))); "
                + "cast to a type of more digits, or pass safe=False")
    }
}

private struct DecimalToNumber: NumberVisitor {
    let caster: Caster
    let scale: Int

    func visit<To: NumberValue>(_ type: To.Type) throws(MartletError) -> ArrayData {
        let (options, scale) = (caster.options, scale)
        guard abs(scale) <= 38 else { throw caster.unsupported() }
        let factor = powersOfTen[abs(scale)]
        if !To.isInteger {
            let (high, negative) = (Double(factor), scale < 0)
            return try caster.mapped(Int128.self, type) { value in
                let whole = Double(value)
                return (To(double: negative ? whole * high : whole / high), true)
            } failure: { _, _ in .cancelled }
        }
        return try caster.mapped(Int128.self, type) { value in
            var whole = value
            var fits = true
            if scale < 0 {
                let (product, overflow) = value.multipliedReportingOverflow(by: factor)
                whole = product
                fits = !overflow
            } else {
                whole = value / factor
                fits = options.allowDecimalTruncate || whole * factor == value
            }
            let result = To(signed: Int64(truncatingIfNeeded: whole))
            let back = To.isSigned ? Int128(result.bits) : Int128(UInt64(bitPattern: result.bits))
            return (result, fits && (options.allowIntOverflow || back == whole))
        } failure: { value, row in
            value % factor != 0 && scale > 0
                ? caster.decimalError(value, scale, row, "Rescaling Decimal value would cause data loss")
                : caster.decimalError(value, scale, row, "Integer value out of bounds")
        }
    }
}

private struct NumberToDecimal: NumberVisitor {
    let caster: Caster
    let precision: Int
    let scale: Int

    func visit<From: NumberValue>(_ type: From.Type) throws(MartletError) -> ArrayData {
        guard (1...38).contains(precision), abs(scale) <= 38 else { throw caster.unsupported() }
        let limit = powersOfTen[precision]
        let factor = powersOfTen[abs(scale)]
        let (precision, scale, place) = (precision, scale, caster.place)
        if From.isInteger {
            let digits = [3, 5, 0, 10, 0, 0, 0, From.isSigned ? 19 : 20][MemoryLayout<From>.size - 1]
            guard precision >= digits + scale else {
                throw .invalid(
                    "Precision is not great enough for the result. It should be at least \(digits + scale); "
                        + "cast to decimal128(\(digits + scale), \(scale))")
            }
            return try caster.mapped(type, Int128.self) { value in
                let whole = From.isSigned ? Int128(value.bits) : Int128(UInt64(bitPattern: value.bits))
                if scale < 0 { return (whole / factor, whole % factor == 0) }
                let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
                return (product, !overflow && product < limit && product > -limit)
            } failure: { value, row in
                .invalid("Decimal value does not fit in precision \(precision): \(value.text) (\(place.text(row)))")
            }
        }
        let power = Double(factor)
        return try caster.mapped(type, Int128.self) { value in
            let scaled = (scale < 0 ? value.double / power : value.double * power).rounded(.toNearestOrEven)
            guard scaled.magnitude < 1.7e38 else { return (0, false) }
            let whole = Int128(scaled)
            return (whole, whole < limit && whole > -limit)
        } failure: { value, row in
            let number = value.double
            return number.isFinite
                ? .invalid(
                    "Cannot convert \(fixedText(number)) to Decimal128(precision = \(precision), scale = \(scale)): "
                        + "overflow (\(place.text(row)))")
                : .invalid("Cannot convert \(number) to Decimal128 (\(place.text(row)))")
        }
    }
}
