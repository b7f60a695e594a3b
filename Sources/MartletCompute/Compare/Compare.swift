import Glibc
import MartletArrow
public import MartletBase

/// The six comparisons, by pyarrow's names.
public enum Comparison: String, Sendable, CaseIterable {
    case equal
    case notEqual = "not_equal"
    case less
    case lessEqual = "less_equal"
    case greater
    case greaterEqual = "greater_equal"

    /// The comparison that holds for (b, a) when this holds for (a, b).
    var flipped: Comparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessEqual: .greaterEqual
        case .greater: .less
        case .greaterEqual: .lessEqual
        }
    }
    /// The comparison that holds when this does not, NaN apart.
    var negated: Comparison {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterEqual
        case .lessEqual: .greater
        case .greater: .lessEqual
        case .greaterEqual: .less
        }
    }
    /// What is written between the operands.
    var symbol: String {
        switch self {
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessEqual: "<="
        case .greater: ">"
        case .greaterEqual: ">="
        }
    }

    /// Whether it holds for operands in this order: negative, zero or positive.
    func holds(_ order: Int) -> Bool {
        switch self {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .lessEqual: order <= 0
        case .greater: order > 0
        case .greaterEqual: order >= 0
        }
    }
}

/// Compares slot by slot; null where either is null. Floats compare as IEEE 754 says, bytes and strings as unsigned
/// bytes, times of different units by the instant.
public func compare(_ comparison: Comparison, _ a: Datum, _ b: Datum) throws(MartletError) -> Datum {
    let count = try commonCount([a, b])
    let isScalar = a.isScalar && b.isScalar
    if a.isScalar && !b.isScalar { return try compare(comparison.flipped, b, a) }
    if case .dictionary(let index, _, _) = a.type, let values = a.array.dictionary, b.isScalar, !isScalar,
        values.count <= a.array.count
    {
        // Each entry of the dictionary is compared once.
        let outcome = try compare(comparison, Datum(values), b)
        return Datum(try take(outcome.array, a.array.reinterpreted(as: index)))
    }
    if a.isNullScalar || b.isNullScalar || a.type == .null || b.type == .null {
        return Datum(try .nulls(.boolean, count: count), isScalar: isScalar)
    }
    let (x, y) = try comparable(comparison.rawValue, a, b)
    let bits: Buffer
    switch x.type {
    case .boolean:
        let (p, q) = (BooleanOperand(x), BooleanOperand(y))
        let outcome = try bitComparison(comparison, p, q, count)
        bits = outcome
    case .largeString, .largeBinary: bits = try byteComparison(comparison, x, y, count, Int64.self)
    case .string, .binary: bits = try byteComparison(comparison, x, y, count, Int32.self)
    case .null, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
        .fixedSizeBinary, .date32, .date64, .time32, .time64, .timestamp, .duration, .decimal128, .list, .largeList,
        .fixedSizeList, .struct, .map, .dictionary, .interval, .decimal32, .decimal64, .decimal256, .listView,
        .largeListView, .union, .runEndEncoded, .extension, .stringView, .binaryView:
        bits = try nativeComparison(comparison, x, y, count)
    }
    let validity = try intersection(
        a.isScalar ? nil : a.array.usedValidityBitmap, b.isScalar ? nil : b.array.usedValidityBitmap, count: count)
    return Datum(.booleans(bits, count: count, validity: validity), isScalar: isScalar)
}

/// Both operands in a type whose stored values compare as the operands do.
private func comparable(_ function: String, _ a: Datum, _ b: Datum) throws(MartletError) -> (Datum, Datum) {
    func plain(_ datum: Datum) throws(MartletError) -> Datum {
        if case .dictionary(_, let value, _) = datum.type { return datum.with(try cast(datum.array, to: value)) }
        return datum.with(try datum.array.contiguousStrings().storage)
    }
    let (x, y) = try decimalsOfOneWidth(try plain(a), try plain(b))
    if case .fixedSizeBinary = x.type, x.type == y.type {
        return (try converted(x, to: .binary), try converted(y, to: .binary))
    }
    if x.type == y.type { return (x, y) }
    guard let type = promoted(x.type, y.type) else { throw noKernel(function, [a.type, b.type]) }
    // Integers of 64 bits with and without sign, and times of different units, meet in 128 bits: nothing overflows.
    let mixesSigns = type == .int64 && (x.type == .uint64 || y.type == .uint64)
    if mixesSigns || (type.isTemporal && type.nativeKind == .int64) {
        if let p = try widened(x, type), let q = try widened(y, type) { return (p, q) }
    }
    if case .decimal128(_, let scale) = type {
        return (try widened(x, scale), try widened(y, scale))
    }
    return (try converted(x, to: type), try converted(y, to: type))
}

/// Decimals that meet other types in 128 bits, or in 256 bits where one of them has these.
private func decimalsOfOneWidth(_ x: Datum, _ y: Datum) throws(MartletError) -> (Datum, Datum) {
    if x.type == y.type { return (x, y) }
    func widened(_ datum: Datum, with other: DataType) throws(MartletError) -> Datum {
        switch (datum.type, other) {
        case (.decimal256(_, let scale), _) where other.isInteger || other.decimalDigits != nil,
            (.decimal32(_, let scale), .decimal256), (.decimal64(_, let scale), .decimal256),
            (.decimal128(_, let scale), .decimal256):
            let common = max(scale, other.decimalDigits?.scale ?? 0)
            return datum.with(try cast(datum.array, to: .decimal256(precision: 76, scale: common)))
        case (_, .decimal256(_, let scale)) where datum.type.isInteger:
            return datum.with(try cast(datum.array, to: .decimal256(precision: 76, scale: scale)))
        case (.decimal32(_, let scale), _), (.decimal64(_, let scale), _):
            return datum.with(try cast(datum.array, to: .decimal128(precision: 38, scale: scale)))
        case (_, _): return datum
        }
    }
    return (try widened(x, with: y.type), try widened(y, with: x.type))
}

/// Integers, dates and times as 128-bit numbers of `type`'s unit.
private func widened(_ datum: Datum, _ type: DataType) throws(MartletError) -> Datum? {
    guard datum.type.nativeKind != nil else { return nil }
    func perUnit(_ type: DataType) -> Int64? {
        switch type {
        case .timestamp(let unit, _), .duration(let unit), .time32(let unit), .time64(let unit): unit.perSecond
        case .date32: 0
        case .date64: 1_000
        case .int64, .uint64, .int8, .int16, .int32, .uint8, .uint16, .uint32: 1
        case .null, .boolean, .float16, .float32, .float64, .string, .largeString, .binary, .largeBinary,
            .fixedSizeBinary, .decimal128, .list, .largeList, .fixedSizeList, .struct, .map, .dictionary, .stringView,
            .binaryView, .interval, .decimal32, .decimal64, .decimal256, .listView, .largeListView, .union,
            .runEndEncoded,
            .extension:
            nil
        }
    }
    guard let from = perUnit(datum.type), let to = perUnit(type) else { return nil }
    let factor = from == 0 ? to * 86_400 : to / from
    guard factor > 0 else { return nil }
    return datum.with(try wide(datum.array, factor: Int128(factor), scale: 0))
}

/// Integers and decimals as 128-bit numbers at `scale`.
private func widened(_ datum: Datum, _ scale: Int) throws(MartletError) -> Datum {
    if case .decimal128(_, let own) = datum.type {
        return datum.with(try cast(datum.array, to: .decimal128(precision: 38, scale: max(own, scale))))
    }
    guard datum.type.isInteger, (0...18).contains(scale) else {
        return try converted(datum, to: .decimal128(precision: 38, scale: scale))
    }
    return datum.with(try wide(datum.array, factor: powersOfTen[scale], scale: scale))
}

/// Integers times `factor` as decimals.
private func wide(_ array: ArrayData, factor: Int128, scale: Int) throws(MartletError) -> ArrayData {
    let reader = try LaneReader(array)
    let isUnsigned = reader.isUnsigned
    let buffer = try unsafe makeValues(Int128.self, count: array.count) { target throws(MartletError) in
        let out = unsafe Shared(target)
        // Safety: blocks are disjoint parts of the result.
        try forEachBlock(of: array.count) { block in
            let lanes = unsafe reader.integers(block, 0)
            for i in 0..<block.count {
                let whole = unsafe isUnsigned ? Int128(UInt64(bitPattern: lanes[i])) : Int128(lanes[i])
                unsafe out.value[block.start &+ i] = whole &* factor
            }
            return true
        }
    }
    return ArrayData(
        type: .decimal128(precision: 38, scale: scale), count: array.count, validity: try array.rebasedValidity(),
        buffers: [buffer])
}

/// Compares native values: two loops for each form of lane, equality and order, and two more for floats, where what is
/// not less need not be greater.
private func nativeComparison(
    _ comparison: Comparison, _ a: Datum, _ b: Datum, _ count: Int
) throws(MartletError) -> Buffer {
    if case .decimal256(_, let scale) = a.type, case .decimal256(_, scale) = b.type {
        let (p, q) = (try WideDecimals(a.array), try WideDecimals(b.array))
        let (stepP, stepQ) = (a.isScalar ? 0 : 1, b.isScalar ? 0 : 1)
        return try unsafe makeLaneBits(count: count) { block, bytes in
            for i in 0..<block.count {
                let row = block.start &+ i
                unsafe bytes[i] = comparison.holds(p.order(row &* stepP, q, row &* stepQ)) ? 1 : 0
            }
        }
    }
    guard let kind = a.type.nativeKind else { throw noKernel(comparison.rawValue, [a.type, b.type]) }
    // a > b is b < a, a >= b is b <= a.
    let isTurned = comparison == .greater || comparison == .greaterEqual
    let (x, y) = isTurned ? (b, a) : (a, b)
    let plain = isTurned ? comparison.flipped : comparison
    if kind == .int128 {
        let (p, q) = (try PrimitiveArray<Int128>(x.array), try PrimitiveArray<Int128>(y.array))
        let (stepP, stepQ) = (x.isScalar ? 0 : 1, y.isScalar ? 0 : 1)
        return try unsafe makeLaneBits(count: count) { block, bytes in
            for i in 0..<block.count {
                let (v, w) = (p[(block.start &+ i) &* stepP], q[(block.start &+ i) &* stepQ])
                unsafe bytes[i] = plain.holds(v == w ? 0 : v < w ? -1 : 1) ? 1 : 0
            }
        }
    }
    let turn: UInt64 = plain == .notEqual || (!kind.isFloat && plain == .lessEqual) ? .max : 0
    let isEquality = plain == .equal || plain == .notEqual
    // a <= b is not b < a, NaN apart.
    let (v, w) = turn != 0 && !isEquality ? (y, x) : (x, y)
    switch kind {
    case .int8:
        return isEquality
            ? try comparedWords(v, w, Int8.self, Same.self, count, turn)
            : try comparedWords(v, w, Int8.self, Less.self, count, turn)
    case .uint8:
        return isEquality
            ? try comparedWords(v, w, UInt8.self, Same.self, count, turn)
            : try comparedWords(v, w, UInt8.self, Less.self, count, turn)
    case .int16:
        return isEquality
            ? try comparedWords(v, w, Int16.self, Same.self, count, turn)
            : try comparedWords(v, w, Int16.self, Less.self, count, turn)
    case .uint16:
        return isEquality
            ? try comparedWords(v, w, UInt16.self, Same.self, count, turn)
            : try comparedWords(v, w, UInt16.self, Less.self, count, turn)
    case .int32:
        return isEquality
            ? try comparedWords(v, w, Int32.self, Same.self, count, turn)
            : try comparedWords(v, w, Int32.self, Less.self, count, turn)
    case .uint32:
        return isEquality
            ? try comparedWords(v, w, UInt32.self, Same.self, count, turn)
            : try comparedWords(v, w, UInt32.self, Less.self, count, turn)
    case .int64:
        return isEquality
            ? try comparedWords(v, w, Int64.self, Same.self, count, turn)
            : try comparedWords(v, w, Int64.self, Less.self, count, turn)
    case .uint64:
        return isEquality
            ? try comparedWords(v, w, UInt64.self, Same.self, count, turn)
            : try comparedWords(v, w, UInt64.self, Less.self, count, turn)
    case .float32:
        return isEquality
            ? try comparedWords(v, w, Float.self, Same.self, count, turn)
            : plain == .less
                ? try comparedWords(v, w, Float.self, Less.self, count, turn)
                : try comparedWords(v, w, Float.self, LessOrSame.self, count, turn)
    case .float64:
        return isEquality
            ? try comparedWords(v, w, Double.self, Same.self, count, turn)
            : plain == .less
                ? try comparedWords(v, w, Double.self, Less.self, count, turn)
                : try comparedWords(v, w, Double.self, LessOrSame.self, count, turn)
    case .float16, .int128: break
    }
    let (first, second) = (try LaneReader(x), try LaneReader(y))
    return try unsafe makeLaneBits(count: count) { block, bytes in
        // Safety: lanes and bytes of the block.
        let (p, q) = unsafe (first.doubles(block, 0), second.doubles(block, 1))
        switch plain {
        case .less, .greater: unsafe zipLanes(p, q, bytes, block.count) { $0 < $1 ? 1 : 0 }
        case .lessEqual, .greaterEqual: unsafe zipLanes(p, q, bytes, block.count) { $0 <= $1 ? 1 : 0 }
        case .equal: unsafe zipLanes(p, q, bytes, block.count) { $0 == $1 ? 1 : 0 }
        case .notEqual: unsafe zipLanes(p, q, bytes, block.count) { $0 == $1 ? 0 : 1 }
        }
    }
}

/// A relation of two numbers, as a type, so that there is a loop for each.
private protocol LaneRelation: SendableMetatype {
    static func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool
}
private enum Same: LaneRelation {
    @inline(__always) static func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool { a == b }
}
private enum Less: LaneRelation {
    @inline(__always) static func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool { a < b }
}
private enum LessOrSame: LaneRelation {
    @inline(__always) static func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool { a <= b }
}

/// The values of an operand for `comparedWords`: how far to go on for each 64 slots. A scalar lies there 64 times.
private func operand<Value: NativeValue>(
    _ datum: Datum, _ type: Value.Type
) throws(MartletError) -> (start: UnsafePointer<Value>, step: Int, owner: Buffer) {
    let values = try unsafe datum.array.values(of: type)
    if !datum.isScalar { return unsafe (values, 1, datum.array.buffers[0]) }
    let builder = try BufferBuilder(uninitializedCount: 64 * MemoryLayout<Value>.stride)
    let copies = unsafe builder.pointer(to: type)
    unsafe copies.update(repeating: values[0], count: 64)
    return unsafe (UnsafePointer(copies), 0, builder.finish())
}

/// Bits, 64 at once: what `relation` says of each pair, xor `turn`.
@inline(__always)
private func comparedWords<Value: NativeValue & Comparable, Relation: LaneRelation>(
    _ a: Datum, _ b: Datum, _ type: Value.Type, _ relation: Relation.Type, _ count: Int, _ turn: UInt64
) throws(MartletError) -> Buffer {
    let (x, y) = unsafe (Shared(try operand(a, type)), Shared(try operand(b, type)))
    defer { unsafe withExtendedLifetime((x, y)) {} }
    return try makeBits(count: count) { start, length in
        // Safety: `length` slots from `start` on, or 64 copies of a scalar.
        let (p, q) = unsafe (x.value.start + start &* x.value.step, y.value.start + start &* y.value.step)
        var word: UInt64 = 0
        if length < 64 {
            for i in 0..<length {
                word |= unsafe (Relation.holds(p[i], q[i]) ? 1 : 0) &<< UInt64(truncatingIfNeeded: i)
            }
            return word ^ turn
        }
        if MemoryLayout<Value>.size == 8 && Value.self != Double.self {
            // Without vector instructions for integers of 64 bits: eight bits, then eight more.
            var k = 0
            while k < 64 {
                var byte: UInt64 = unsafe Relation.holds(p[k], q[k]) ? 1 : 0
                byte |= unsafe Relation.holds(p[k &+ 1], q[k &+ 1]) ? 2 : 0
                byte |= unsafe Relation.holds(p[k &+ 2], q[k &+ 2]) ? 4 : 0
                byte |= unsafe Relation.holds(p[k &+ 3], q[k &+ 3]) ? 8 : 0
                byte |= unsafe Relation.holds(p[k &+ 4], q[k &+ 4]) ? 16 : 0
                byte |= unsafe Relation.holds(p[k &+ 5], q[k &+ 5]) ? 32 : 0
                byte |= unsafe Relation.holds(p[k &+ 6], q[k &+ 6]) ? 64 : 0
                byte |= unsafe Relation.holds(p[k &+ 7], q[k &+ 7]) ? 128 : 0
                word |= byte &<< UInt64(truncatingIfNeeded: k)
                k &+= 8
            }
            return word ^ turn
        }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { bytes in
            guard let out = bytes.baseAddress else { return }
            for i in 0..<64 { unsafe out[i] = Relation.holds(p[i], q[i]) ? 1 : 0 }
            unsafe packBits(out, &word, 1)
        }
        return word ^ turn
    }
}

/// The order of two runs of bytes.
@inline(__always)
func byteOrder(_ x: UnsafePointer<UInt8>, _ m: Int, _ y: UnsafePointer<UInt8>, _ n: Int) -> Int {
    let order = unsafe Int(memcmp(x, y, min(m, n)))
    return order != 0 ? order : m &- n
}

private func byteComparison<Offset: OffsetValue>(
    _ comparison: Comparison, _ a: Datum, _ b: Datum, _ count: Int, _ type: Offset.Type
) throws(MartletError) -> Buffer {
    if b.isScalar, !a.isScalar { return try scalarComparison(comparison, a.array, b.array) }
    let (x, y) = (try BytesArray<Offset>(a.array), try BytesArray<Offset>(b.array))
    let step = b.isScalar ? 0 : 1
    let needsLengthOnly = comparison == .equal || comparison == .notEqual
    return try makeBits(count: count) { start, length in
        let (p, q) = unsafe (
            a.array.buffers[1].pointer(to: UInt8.self), b.array.buffers[1].pointer(to: UInt8.self)
        )
        var word: UInt64 = 0
        for i in 0..<length {
            let (r, s) = (x.range(start &+ i), y.range((start &+ i) &* step))
            // Safety: ranges lie inside the bytes.
            let holds =
                needsLengthOnly && r.count != s.count
                ? comparison == .notEqual
                : unsafe comparison.holds(byteOrder(p + r.lowerBound, r.count, q + s.lowerBound, s.count))
            word |= (holds ? 1 : 0) &<< UInt64(truncatingIfNeeded: i)
        }
        return word
    }
}

/// Strings against one.
private func scalarComparison(
    _ comparison: Comparison, _ array: ArrayData, _ scalar: ArrayData
) throws(MartletError) -> Buffer {
    let (strings, single) = (try BytesReader(array), try BytesReader(scalar))
    let wanted = single.slot(0)
    var head: UInt64 = 0
    for i in 0..<min(8, wanted.count) { head |= UInt64(wanted[i]) &<< UInt64(truncatingIfNeeded: i &* 8) }
    let isEquality = comparison == .equal || comparison == .notEqual
    let turn: UInt64 = comparison == .notEqual ? .max : 0
    let (wantedHead, mask) = (head, wanted.count >= 8 ? UInt64.max : 1 &<< UInt64(wanted.count &* 8) &- 1)
    if isEquality {
        // Lengths are compared 64 at once, bytes where they are equal.
        return try makeBits(count: array.count) { start, length in
            var word: UInt64 = 0
            var left = strings.slots(of: wanted.count, from: start, length)
            while left != 0 {
                let i = left.trailingZeroBitCount
                left &= left &- 1
                let slot = strings.slot(start &+ i)
                guard slot.count == wanted.count else { continue }
                // Safety: `readable` says how many bytes there are from the slot's start on.
                let isShort = strings.readable(slot) < 8
                let head = unsafe isShort ? wantedHead : UnsafeRawPointer(slot.start).loadUnaligned(as: UInt64.self) & mask
                var holds = head == wantedHead
                if holds && (isShort || wanted.count > 8) { holds = slot.has(wanted, at: 0) }
                word |= (holds ? 1 : 0) &<< UInt64(truncatingIfNeeded: i)
            }
            return word ^ turn
        }
    }
    let (less, more): (UInt64, UInt64) = (comparison.holds(-1) ? 1 : 0, comparison.holds(1) ? 1 : 0)
    let first = unsafe firstBytes(wanted.start, wanted.count, readable: wanted.count)
    return try makeBits(count: array.count) { start, length in
        var word: UInt64 = 0
        for i in 0..<length {
            // Sixteen bytes decide nearly all, and that without a branch.
            let slot = strings.slot(start &+ i)
            let own = unsafe firstBytes(slot.start, slot.count, readable: strings.readable(slot))
            var bit = own < first ? less : more
            if own == first {
                bit = unsafe comparison.holds(byteOrder(slot.start, slot.count, wanted.start, wanted.count)) ? 1 : 0
            }
            word |= bit &<< UInt64(truncatingIfNeeded: i)
        }
        return word
    }
}

/// The first sixteen bytes as a number that sorts as they do, zeros behind fewer.
@inline(__always)
private func firstBytes(_ start: UnsafePointer<UInt8>, _ count: Int, readable: Int) -> UInt128 {
    func masked(_ word: UInt64, _ count: Int) -> UInt64 {
        let bits = UInt64(truncatingIfNeeded: max(count, 0) &* 8)
        return (count >= 8 ? word : word & (1 &<< bits &- 1)).bigEndian
    }
    if readable < 16 {
        var number: UInt128 = 0
        for i in 0..<16 { unsafe number = number << 8 | (i < count ? UInt128(start[i]) : 0) }
        return number
    }
    // Safety: sixteen bytes can be read.
    let raw = unsafe UnsafeRawPointer(start)
    let (upper, lower) = unsafe (raw.loadUnaligned(as: UInt64.self), (raw + 8).loadUnaligned(as: UInt64.self))
    return UInt128(masked(upper, count)) << 64 | UInt128(masked(lower, count &- 8))
}

private func bitComparison(
    _ comparison: Comparison, _ a: BooleanOperand, _ b: BooleanOperand, _ count: Int
) throws(MartletError) -> Buffer {
    try makeBits(count: count) { start, length in
        let (x, y) = (a.word(start, length).values, b.word(start, length).values)
        return switch comparison {
        case .equal: ~(x ^ y)
        case .notEqual: x ^ y
        case .less: ~x & y
        case .lessEqual: ~x | y
        case .greater: x & ~y
        case .greaterEqual: x | ~y
        }
    }
}
