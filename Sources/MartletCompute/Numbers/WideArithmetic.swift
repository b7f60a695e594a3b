import MartletArrow
import MartletBase

/// Arithmetic of decimals one of which at least has 256 bits; the other has 128 or 256. The result has 256 bits, with
/// pyarrow's precision and scale.
///
/// Errors: a precision above 76, a negative scale, and `Divide by zero` with the row.
@inline(never)
func wideArithmetic(
    _ operation: Arithmetic, _ a: Datum, _ b: Datum, _ name: String
) throws(MartletError) -> Datum {
    guard let (p, s) = a.type.decimalDigits, let (q, t) = b.type.decimalDigits else {
        throw noKernel(name, [a.type, b.type])
    }
    guard s >= 0, t >= 0 else {
        throw .notImplemented("Decimals with negative scales not supported: \(name) of \(a.type) and \(b.type)")
    }
    var (precision, scale, raisedA, raisedB) = (p + q + 1, s + t, 0, 0)
    switch operation {
    case .add, .subtract:
        scale = max(s, t)
        precision = max(p - s, q - t) + scale + 1
        (raisedA, raisedB) = (scale - s, scale - t)
    case .multiply: break
    case .divide:
        scale = max(4, s + q - t + 1)
        precision = p - s + t + scale
        raisedA = scale + t - s
    }
    // The operands are raised first, the left one before the right one: the error is of the first that is too long.
    precision = [p + raisedA, q + raisedB].first { $0 > 76 } ?? precision
    guard (1...76).contains(precision) else {
        throw .invalid("Decimal precision out of range [1, 76]: \(precision); cast the operands to fewer digits")
    }
    let result = DataType.decimal256(precision: precision, scale: scale)
    let count = try commonCount([a, b])
    let isScalar = a.isScalar && b.isScalar
    if a.isNullScalar || b.isNullScalar { return Datum(try .nulls(result, count: count), isScalar: isScalar) }
    let validity = try intersection(
        a.isScalar ? nil : a.array.usedValidityBitmap, b.isScalar ? nil : b.array.usedValidityBitmap, count: count)
    let present = try validity.map { bits throws(MartletError) in try Bitmap(bits, count: count) }
    let (x, y) = (try WideReader(a.array), try WideReader(b.array))
    let (factorA, factorB) = (Int256.powerOfTen(raisedA), Int256.powerOfTen(raisedB))
    let buffer = try makeWide(count: count) { row throws(MartletError) in
        let left = x[a.isScalar ? 0 : row].multiplied(by: factorA)
        let right = y[b.isScalar ? 0 : row].multiplied(by: factorB)
        switch operation {
        case .add: return left.adding(right)
        case .subtract: return left.adding(right.negated)
        case .multiply: return left.multiplied(by: right)
        case .divide:
            if !right.isZero { return left.divided(by: right) }
            if present?[row] ?? true { throw .invalid("Divide by zero (row \(row))") }
            return Int256(0)
        }
    }
    return Datum(ArrayData(type: result, count: count, validity: validity, buffers: [buffer]), isScalar: isScalar)
}

/// -x or |x| of decimals of 256 bits.
@inline(never)
func wideNegateOrAbs(_ array: ArrayData, isAbs: Bool) throws(MartletError) -> ArrayData {
    let values = try WideReader(array)
    let buffer = try makeWide(count: array.count) { row in isAbs ? values[row].magnitude : values[row].negated }
    return ArrayData(type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
}

/// The sum of decimals of 256 bits, at their scale and with all digits that there can be; as pyarrow's it wraps beyond them.
@inline(never)
func wideSum(_ array: ArrayData, scale: Int) throws(MartletError) -> ArrayData {
    let values = try WideReader(array)
    var total = Int256(0)
    for i in 0..<array.count where array.isValid(i) { total = total.adding(values[i]) }
    let sum = total
    let buffer = try makeWide(count: 1) { _ in sum }
    return ArrayData(type: .decimal256(precision: 76, scale: scale), count: 1, buffers: [buffer])
}

/// The product of decimals of 256 bits at their scale, rounded half away from zero after each step; as pyarrow's it wraps
/// beyond 256 bits.
@inline(never)
func wideProduct(_ array: ArrayData, scale: Int) throws(MartletError) -> ArrayData {
    let (values, factor) = (try WideReader(array), Int256.powerOfTen(abs(scale)))
    var total: Int256?
    for i in 0..<array.count where array.isValid(i) {
        guard let known = total else {
            total = values[i]
            continue
        }
        let whole = known.multiplied(by: values[i])
        total = scale <= 0 ? whole.multiplied(by: factor) : whole.roundedQuotient(dividingBy: factor)
    }
    let product = total ?? (scale < 0 ? Int256(0) : factor)
    let buffer = try makeWide(count: 1) { _ in product }
    return ArrayData(type: array.type, count: 1, buffers: [buffer])
}

/// Decimals of 128 or 256 bits rounded to a multiple of `factor`, counted in their last digits.
@inline(never)
func wideRounded(_ array: ArrayData, to factor: Int256, _ mode: RoundMode) throws(MartletError) -> ArrayData {
    let values = try WideReader(array)
    let (precision, scale) = array.type.decimalDigits ?? (76, 0)
    let limit = Int256.powerOfTen(precision)
    let width = array.type.layout.buffers.first?.byteWidth ?? 32
    let buffer = try makeWide(count: array.count, width: width) { row throws(MartletError) in
        if !array.isValid(row) { return Int256(0) }
        let (whole, rest) = values[row].quotientAndRemainder(dividingBy: factor)
        let twice = rest.magnitude.adding(rest.magnitude).adding(factor.negated)
        let part = rest.isZero ? 0.0 : twice.isNegative ? 0.25 : twice.isZero ? 0.5 : 0.75
        let step = mode.step(isOdd: whole.low & 1 == 1, values[row].isNegative ? -part : part)
        let rounded = whole.adding(Int256(Int128(step))).multiplied(by: factor)
        guard rounded.isWithin(limit) else { throw unroundable(rounded.text(scale: scale), array.type, row) }
        return rounded
    }
    return ArrayData(
        type: array.type, count: array.count, validity: try array.rebasedValidity(), nullCount: array.knownNullCount,
        buffers: [buffer])
}

/// The mean of `count` decimals of `type` whose sum is `total`, rounded half away from zero.
@inline(never)
func wideMean(total: ArrayData, count: Int, _ type: DataType) throws(MartletError) -> ArrayData {
    if count == 0 { return try .nulls(type, count: 1) }
    let mean = try WideReader(total)[0].roundedQuotient(dividingBy: Int256(Int128(count)))
    let buffer = try makeWide(count: 1) { _ in mean }
    return ArrayData(type: type, count: 1, buffers: [buffer])
}
