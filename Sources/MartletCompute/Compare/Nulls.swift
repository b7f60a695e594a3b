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
    if case .runEndEncoded = array.type.storage { return try isValid(try array.storage.contiguousStrings()) }
    if case .dictionary(let index, _, _) = array.type, let values = array.dictionary, values.nullCount > 0 {
        let entries = try take(try isValid(values), array.reinterpreted(as: index))
        return .booleans(
            try intersection(try entries.bits(), entries.usedValidityBitmap, count: array.count) ?? .empty,
            count: array.count)
    }
    if case .union = array.type.storage { return try isValid(try UnionArray(array.storage)) }
    guard let bitmap = array.usedValidityBitmap else {
        var bits = try BitmapBuilder(capacity: array.count)
        try bits.append(repeating: true, count: array.count)
        return .booleans(bits.finish(), count: array.count)
    }
    return .booleans(try bitmap.rebased(), count: array.count)
}

/// Which slots of a union have a value that is not null.
private func isValid(_ union: UnionArray) throws(MartletError) -> ArrayData {
    var children: [ArrayData] = []
    for child in union.children { children.append(try isValid(child)) }
    let bitmaps = try children.map { child throws(MartletError) in try child.bits() }
    var bits = try BitmapBuilder(capacity: union.count)
    for row in 0..<union.count {
        let place = union.place(row)
        try bits.append(place.map { bitmaps[$0.child][$0.slot] } ?? false)
    }
    return .booleans(bits.finish(), count: union.count)
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
    if let picked = try pickFixed(test, condition, a, b, type, count) { return Datum(picked, isScalar: isScalar) }
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

/// `ifElse` for slots of a fixed width: chosen in place, 64 at a time. nil for other layouts.
private func pickFixed(
    _ test: BooleanOperand, _ condition: Datum, _ a: Datum, _ b: Datum, _ type: DataType, _ count: Int
) throws(MartletError) -> ArrayData? {
    let layout = type.layout
    guard layout.buffers.count == 1, layout.hasValidity, layout.children == .none, !layout.hasDictionary else {
        return nil
    }
    let buffer: Buffer
    let (stepA, stepB) = (a.isScalar ? 0 : 1, b.isScalar ? 0 : 1)
    func pick<Value: BitwiseCopyable>(_ kind: Value.Type) throws(MartletError) -> Buffer? {
        let width = MemoryLayout<Value>.size
        let (x, y) = (
            try a.array.buffers[0].slice(at: a.array.offset * width, count: a.array.count * width),
            try b.array.buffers[0].slice(at: b.array.offset * width, count: b.array.count * width)
        )
        guard x.isAligned(to: width), y.isAligned(to: width) else { return nil }
        let (from, other) = unsafe (Shared(x.pointer(to: kind)), Shared(y.pointer(to: kind)))
        return try unsafe makeValues(kind, count: count) { target throws(MartletError) in
            let out = unsafe Shared(target)
            // Safety: arrays hold `count` values, scalars one; pieces are disjoint and start at multiples of 64.
            try forEachPiece(of: count) { start, length in
                let (from, other, out) = unsafe (from.value, other.value, out.value)
                var next = start
                while next < start &+ length {
                    let size = min(64, count &- next)
                    var word = test.word(next, size).values
                    for row in next..<next &+ size {
                        let (p, q) = unsafe (from[row &* stepA], other[row &* stepB])
                        unsafe out[row] = word & 1 != 0 ? p : q
                        word &>>= 1
                    }
                    next &+= size
                }
            }
        }
    }
    switch layout.buffers[0] {
    case .bits:
        let (x, y) = (BooleanOperand(a), BooleanOperand(b))
        buffer = try makeBits(count: count) { start, length in
            let word = test.word(start, length).values
            return (word & x.word(start, length).values) | (~word & y.word(start, length).values)
        }
    case .values, .fixedBytes:
        let picked: Buffer?
        switch layout.buffers[0].byteWidth {
        case 1: picked = try pick(UInt8.self)
        case 2: picked = try pick(UInt16.self)
        case 4: picked = try pick(UInt32.self)
        case 8: picked = try pick(UInt64.self)
        case 16: picked = try pick(Int128.self)
        case _: picked = nil
        }
        guard let picked else { return nil }
        buffer = picked
    case .offsets32, .offsets64, .bytes, .views, .starts32, .starts64, .sizes32, .sizes64, .typeIds: return nil
    }
    var validity: Buffer?
    if [condition, a, b].contains(where: { $0.array.nullCount > 0 }) {
        func valid(_ datum: Datum) -> @Sendable (Int, Int) -> UInt64 {
            if datum.isScalar {
                let all: UInt64 = datum.array.isValid(0) ? ~0 : 0
                return { _, _ in all }
            }
            let bits = datum.array.usedValidityBitmap
            return { start, length in bits?.word(at: start, length: length) ?? ~0 }
        }
        let (x, y) = (valid(a), valid(b))
        validity = try makeBits(count: count) { start, length in
            let (values, known) = test.word(start, length)
            return known & ((values & x(start, length)) | (~values & y(start, length)))
        }
    }
    return ArrayData(type: type, count: count, validity: validity, buffers: [buffer])
}

/// For each row the first argument that is not null.
public func coalesce(_ arguments: [Datum]) throws(MartletError) -> Datum {
    guard var result = arguments.last else {
        throw .invalid("Function 'coalesce' accepts at least 1 arguments but 0 passed")
    }
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
    return result.type == values.type || values.type == .null
        ? result : result.with(try cast(result.array, to: values.type))
}
