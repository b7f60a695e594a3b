public import MartletArrow
public import MartletBase

/// Which slots are null; with `nanIsNull`, NaNs too.
public func isNull(_ array: ArrayData, nanIsNull: Bool = false) throws(MartletError) -> ArrayData {
    let valid = try isValid(array)
    let missing = try invert(valid)
    guard nanIsNull, array.type.isFloatingPoint else { return missing }
    return try combine(.orKleene, Datum(missing), Datum(try isNaN(array))).array
}

/// Which slots are not null.
public func isValid(_ array: ArrayData) throws(MartletError) -> ArrayData {
    if array.type == .null { return .booleans(try Buffer(zeroed: (array.count + 7) / 8), count: array.count) }
    if case .dictionary(let index, _, _) = array.type, let values = array.dictionary, values.nullCount > 0 {
        let entries = try take(try isValid(values), array.reinterpreted(as: index))
        return .booleans(
            try intersection(try entries.bits(), entries.usedValidityBitmap, count: array.count) ?? .empty,
            count: array.count)
    }
    guard let bitmap = array.usedValidityBitmap else {
        var bits = try BitmapBuilder(capacity: array.count)
        try bits.append(repeating: true, count: array.count)
        return .booleans(bits.finish(), count: array.count)
    }
    return .booleans(try bitmap.rebased(), count: array.count)
}

/// Tests of floats; numbers of other kinds are finite.
enum FloatTest: String, Sendable, CaseIterable {
    case isNaN = "is_nan"
    case isFinite = "is_finite"
    case isInfinite = "is_inf"

    /// The outcome for each number; null for null.
    func callAsFunction(_ array: ArrayData) throws(MartletError) -> ArrayData {
        if array.type == .null && self != .isFinite { return try .nulls(.boolean, count: array.count) }
        let isDecimal = Caster.family(array.type) == .decimal
        guard array.type.isNumeric || isDecimal || array.type == .null else { throw noKernel(rawValue, [array.type]) }
        guard array.type.isFloatingPoint else {
            var bits = try BitmapBuilder(capacity: array.count)
            try bits.append(repeating: self == .isFinite, count: array.count)
            return .booleans(bits.finish(), count: array.count, validity: try isValidBits(array))
        }
        let reader = try LaneReader(array)
        let test = self
        let bits = try unsafe makeLaneBits(count: array.count) { block, bytes in
            let lanes = unsafe reader.doubles(block, 0)
            for i in 0..<block.count {
                // Without its sign, infinity has the largest bits that are no NaN's.
                let magnitude = unsafe lanes[i].magnitude.bitPattern
                let infinity = Double.infinity.bitPattern
                let order = magnitude < infinity ? FloatTest.isFinite : magnitude == infinity ? .isInfinite : .isNaN
                unsafe bytes[i] = order == test ? 1 : 0
            }
        }
        return .booleans(bits, count: array.count, validity: try array.rebasedValidity())
    }
}

/// Which numbers are NaN; null for null.
public func isNaN(_ array: ArrayData) throws(MartletError) -> ArrayData { try FloatTest.isNaN(array) }

/// `yes` where `condition` is true, `no` where it is false, null where it is null. Scalars go with every row.
public func ifElse(_ condition: Datum, _ yes: Datum, _ no: Datum) throws(MartletError) -> Datum {
    guard condition.type == .boolean || condition.type == .null, let type = promoted(yes.type, no.type) else {
        throw noKernel("if_else", [condition.type, yes.type, no.type])
    }
    let count = try commonCount([condition, yes, no])
    let isScalar = condition.isScalar && yes.isScalar && no.isScalar
    let (a, b) = (try converted(yes, to: type), try converted(no, to: type))
    let test = BooleanOperand(condition)
    // Both choices one behind the other, and for each row the place of the one that it takes.
    let both = try concatenate([a.array, b.array], type: type)
    let (stepA, stepB, startB) = (a.isScalar ? 0 : 1, b.isScalar ? 0 : 1, a.array.count)
    let isWide = both.count > Int(Int32.max)
    func places<Index: OffsetValue>(_ type: Index.Type) throws(MartletError) -> Buffer {
        try unsafe makeValues(type, count: count) { target in
            var start = 0
            while start < count {
                let length = min(64, count - start)
                let word = test.word(start, length).values
                for i in 0..<length {
                    let row = start &+ i
                    let isYes = word &>> UInt64(truncatingIfNeeded: i) & 1 != 0
                    unsafe target[row] = Index(truncatingIfNeeded: isYes ? row &* stepA : startB &+ row &* stepB)
                }
                start += 64
            }
        }
    }
    var validity: Bitmap?
    if condition.array.nullCount > 0 {
        let bits = try makeBits(count: count) { start, length in test.word(start, length).valid }
        validity = try Bitmap(bits, count: count)
    }
    let rows = Rows(
        buffer: isWide ? try places(Int64.self) : try places(Int32.self), isWide: isWide, count: count,
        validity: validity)
    return Datum(try take(both, rows: rows), isScalar: isScalar)
}

/// For each row the first argument that is not null.
public func coalesce(_ arguments: [Datum]) throws(MartletError) -> Datum {
    guard var result = arguments.last else { throw .invalid("Function 'coalesce' accepts at least 1 arguments but 0 passed") }
    for argument in arguments.dropLast().reversed() {
        if argument.array.nullCount == 0 && argument.type == result.type && argument.isScalar == result.isScalar {
            result = argument
            continue
        }
        result = try ifElse(argument.with(try isValid(argument.array)), argument, result)
    }
    return result
}

/// `values` with `fill` where they are null; the type is that of `values`.
public func fillNull(_ values: Datum, _ fill: Datum) throws(MartletError) -> Datum {
    if values.array.nullCount == 0 && values.type != .null { return values }
    var target = values.type
    if target == .null { target = fill.type }
    if case .dictionary(_, let value, _) = target { target = value }
    let filling = try fill.with(cast(fill.array, to: target, options: CastOptions(safe: false)))
    let result = try coalesce([converted(values, to: target), filling])
    return result.type == values.type || values.type == .null ? result : result.with(try cast(result.array, to: values.type))
}
