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
            return try decimalsToNumbers(scale, kind)
        case (_, .decimal128(let precision, let scale)):
            return try numbersToDecimals(precision, scale)
        case (_, _): throw unsupported()
        }
    }

    private func rescaled(_ from: Int, _ precision: Int, _ to: Int) throws(MartletError) -> ArrayData {
        guard abs(to - from) <= 38, (1...38).contains(precision) else { throw unsupported() }
        let factor = powersOfTen[abs(to - from)]
        let limit = powersOfTen[precision]
        let mayCut = options.allowDecimalTruncate
        let values = try PrimitiveArray<Int128>(source)
        let this = self
        let buffer = try unsafe makeValues(Int128.self, count: count) { target throws(MartletError) in
            let out = unsafe Shared(target)
            // Safety: blocks are disjoint parts of the result.
            try forEachBlock(of: count, validity: source.usedValidityBitmap) { block in
                var fits = true
                for row in block.start..<block.start &+ block.count {
                    let value = values[row]
                    var (scaled, isLost) = (value, false)
                    if to >= from {
                        (scaled, isLost) = value.multipliedReportingOverflow(by: factor)
                    } else {
                        scaled = value / factor
                        isLost = scaled * factor != value
                    }
                    unsafe out.value[row] = scaled
                    fits = fits && (mayCut || (!isLost && scaled < limit && scaled > -limit))
                }
                return fits
            } failure: { row in
                let value = values[row]
                return to < from && value % factor != 0
                    ? this.decimalError(value, from, row, "Rescaling Decimal value would cause data loss")
                    : this.decimalError(value, from, row, "Decimal value does not fit in precision \(precision)")
            }
        }
        return try result([buffer])
    }

    private func decimalError(_ value: Int128, _ scale: Int, _ row: Int, _ what: String) -> MartletError {
        decimalError(text(ofDecimal: value, scale: scale), row, what)
    }

    func decimalError(_ text: String, _ row: Int, _ what: String) -> MartletError {
        .invalid(
            "\(what): \(text) as \(target) (\(place.text(row))); cast to a type of more digits, or pass safe=False")
    }
}

extension Caster {
    private func decimalsToNumbers(_ scale: Int, _ to: NativeKind) throws(MartletError) -> ArrayData {
        guard abs(scale) <= 38 else { throw unsupported() }
        let factor = powersOfTen[abs(scale)]
        let values = try PrimitiveArray<Int128>(source)
        let (mayCut, mayWrap) = (options.allowDecimalTruncate, options.allowIntOverflow)
        let (low, high) = to.range
        let (least, most) = (Int128(low), to.isUnsigned ? Int128(UInt64(bitPattern: high)) : Int128(high))
        let this = self
        let buffer = try makeLanes(to, count: count, validity: source.usedValidityBitmap) { block, writer in
            if to.isFloat {
                let (power, out) = unsafe (Double(factor), writer.doubles(block, 0))
                for i in 0..<block.count {
                    let whole = Double(values[block.start &+ i])
                    unsafe out[i] = scale < 0 ? whole * power : whole / power
                }
                unsafe writer.store(out, block)
                return true
            }
            let out = unsafe writer.integers(block, 0)
            var fits = true
            for i in 0..<block.count {
                let value = values[block.start &+ i]
                var whole = value
                if scale < 0 {
                    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
                    whole = product
                    fits = fits && !overflow
                } else if scale > 0 {
                    whole = value / factor
                    fits = fits && (mayCut || whole * factor == value)
                }
                fits = fits && (mayWrap || (whole >= least && whole <= most))
                unsafe out[i] = Int64(truncatingIfNeeded: whole)
            }
            unsafe writer.store(out, block)
            return fits
        } failure: { row in
            let value = values[row]
            return value % factor != 0 && scale > 0
                ? this.decimalError(value, scale, row, "Rescaling Decimal value would cause data loss")
                : this.decimalError(value, scale, row, "Integer value out of bounds")
        }
        return try result([buffer])
    }

    private func numbersToDecimals(_ precision: Int, _ scale: Int) throws(MartletError) -> ArrayData {
        guard (1...38).contains(precision), abs(scale) <= 38 else { throw unsupported() }
        let reader = try LaneReader(source)
        let limit = powersOfTen[precision]
        let factor = powersOfTen[abs(scale)]
        let (place, this) = (place, self)
        if !reader.isFloat { try checkDigits(of: reader, precision, scale) }
        let buffer = try unsafe makeValues(Int128.self, count: count) { target throws(MartletError) in
            let out = unsafe Shared(target)
            // Safety: blocks are disjoint parts of the result.
            try forEachBlock(of: count, validity: source.usedValidityBitmap) { block in
                var fits = true
                let out = unsafe out.value + block.start
                if reader.isFloat {
                    let (lanes, power) = unsafe (reader.doubles(block, 0), Double(factor))
                    for i in 0..<block.count {
                        let product = unsafe scale < 0 ? lanes[i] / power : lanes[i] * power
                        let rounded = product.rounded(.toNearestOrEven)
                        // The product is off by less than 0.004 below this limit.
                        let isExact = rounded.magnitude < 0x1p45 && (product - rounded).magnitude < 0.495 || scale < 0
                        let whole =
                            rounded.magnitude >= 1.7e38 || rounded.isNaN ? limit
                            : isExact ? Int128(rounded) : unsafe Int256(lanes[i], scale: scale)?.narrowed ?? limit
                        fits = fits && whole < limit && whole > -limit
                        unsafe out[i] = whole
                    }
                    return fits
                }
                let lanes = unsafe reader.integers(block, 0)
                for i in 0..<block.count {
                    let whole = unsafe reader.isUnsigned ? Int128(UInt64(bitPattern: lanes[i])) : Int128(lanes[i])
                    if scale < 0 {
                        unsafe out[i] = whole / factor
                        fits = fits && whole % factor == 0
                    } else {
                        let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
                        unsafe out[i] = product
                        fits = fits && !overflow && product < limit && product > -limit
                    }
                }
                return fits
            } failure: { row in
                guard reader.isFloat else {
                    return .invalid(
                        "Decimal value does not fit in precision \(precision): \(reader.text(at: row)) (\(place.text(row)))"
                    )
                }
                return this.notDecimal(reader.double(at: row), row, "Decimal128", precision, scale)
            }
        }
        return try result([buffer])
    }

    /// Integers become decimals of a precision for all values of their type only.
    func checkDigits(of reader: LaneReader, _ precision: Int, _ scale: Int) throws(MartletError) {
        let width = reader.kind?.byteWidth ?? 1
        let digits = [3, 5, 0, 10, 0, 0, 0, reader.isUnsigned ? 20 : 19][width - 1] + scale
        guard precision < digits else { return }
        throw .invalid(
            "Precision is not great enough for the result. It should be at least \(digits); "
                + "cast to decimal\(digits > 38 ? 256 : 128)(\(digits), \(scale))")
    }

    func notDecimal(_ number: Double, _ row: Int, _ name: String, _ precision: Int, _ scale: Int) -> MartletError {
        number.isFinite
            ? .invalid(
                "Cannot convert \(fixedText(number)) to \(name)(precision = \(precision), scale = \(scale)): "
                    + "overflow (\(place.text(row)))")
            : .invalid("Cannot convert \(number) to Decimal128 (\(place.text(row)))")
    }
}
