public import MartletArrow
public import MartletBase

/// How an array lies in memory, apart from its type.
public enum LayoutCase: String, CaseIterable, Sendable {
    case noNulls, someNulls, allNull, empty, sliced, slicedNoNulls
}

/// A random array of `type` in the given layout, the same for the same seed.
public func sampleArray(_ type: DataType, _ layout: LayoutCase, count: Int = 100, seed: UInt64 = 1)
    throws(MartletError) -> ArrayData
{
    var random = SeededRandom(seed)
    switch layout {
    case .noNulls: return try randomArray(type, count: count, nulls: 0, &random)
    case .someNulls: return try randomArray(type, count: count, nulls: 0.3, &random)
    case .allNull: return try randomArray(type, count: count, nulls: 1, &random)
    case .empty: return try randomArray(type, count: 0, nulls: 0, &random)
    case .sliced: return try randomArray(type, count: count + 20, nulls: 0.3, &random).slice(at: 13, count: count)
    case .slicedNoNulls: return try randomArray(type, count: count + 20, nulls: 0, &random).slice(at: 13, count: count)
    }
}

/// `count` random values of `type`, each null with probability `nulls`.
public func randomArray(_ type: DataType, count: Int, nulls: Double, _ random: inout SeededRandom)
    throws(MartletError) -> ArrayData
{
    if type == .null { return ArrayData(type: .null, count: count) }
    if case .extension(let outer) = type {
        return try randomArray(outer.storage, count: count, nulls: nulls, &random).viewed(as: type)
    }
    if case .runEndEncoded(let runEnds, let values) = type {
        return try randomRuns(type, runEnds, values, count: count, nulls: nulls, &random)
    }
    if case .union(let mode, let fields, let ids) = type {
        return try randomUnion(type, mode, fields, ids, count: count, nulls: nulls, &random)
    }
    var bits = try BitmapBuilder(capacity: count)
    for _ in 0..<count { try bits.append(!(nulls > 0 && random.chance(nulls))) }
    let nullCount = bits.falseCount
    let validity = bits.finish()

    var buffers: [Buffer] = []
    var children: [ArrayData] = []
    var dictionary: ArrayData?
    var ends: [Int] = []
    if case .dictionary(_, let value, _) = type { dictionary = try randomArray(value, count: 7, nulls: 0, &random) }
    for role in type.layout.buffers {
        switch role {
        case .views: buffers += try randomViews(count, &random)
        // Unions are made above.
        case .typeIds: break
        case .starts32, .starts64:
            // Lists in any order, that overlap here and there.
            ends = []
            for _ in 0..<count { ends.append(Int.random(in: 0...max(1, count), using: &random)) }
            buffers.append(role == .starts32 ? try Buffer(ends.map { Int32($0) }) : try Buffer(ends.map { Int64($0) }))
        case .sizes32, .sizes64:
            let sizes = ends.map { _ in Int.random(in: 0...4, using: &random) }
            buffers.append(role == .sizes32 ? try Buffer(sizes.map { Int32($0) }) : try Buffer(sizes.map { Int64($0) }))
        case .fixedBytes(32) where type.decimalDigits != nil:
            var numbers: [Int64] = []
            for _ in 0..<count {
                let low = Int64.random(in: .min ... .max, using: &random)
                numbers += [low, low < 0 ? -1 : 0, low < 0 ? -1 : 0, low < 0 ? -1 : 0]
            }
            buffers.append(try Buffer(numbers))
        case .values(let kind):
            buffers.append(
                try randomValues(kind, count, limit: dictionary?.count ?? digitLimit(type), &random))
        case .fixedBytes(let width): buffers.append(try randomBytes(count * width, &random))
        case .bits: buffers.append(try randomBytes((count + 7) / 8, &random))
        case .offsets32, .offsets64:
            ends = [0]
            for _ in 0..<count { ends.append(ends.last! + Int.random(in: 0...6, using: &random)) }
            buffers.append(
                role == .offsets32 ? try Buffer(ends.map { Int32($0) }) : try Buffer(ends.map { Int64($0) }))
        case .bytes:
            var text: [UInt8] = []
            // ASCII, so that strings are valid wherever the offsets cut.
            for _ in 0..<ends.last! { text.append(UInt8.random(in: 97...122, using: &random)) }
            buffers.append(try Buffer(text))
        }
    }
    for field in type.childFields {
        let childCount: Int
        switch type.layout.children {
        case .parallel: childCount = count
        case .fixed(let width): childCount = count * width
        case .offsets: childCount = ends.last ?? 0
        case .ranges: childCount = max(1, count) + 4
        case .none, .picked, .runs: childCount = 0
        }
        children.append(
            try randomArray(field.type, count: childCount, nulls: field.isNullable ? nulls / 2 : 0, &random))
    }
    return ArrayData(
        type: type, count: count, validity: nullCount == 0 ? nil : validity, nullCount: nullCount, buffers: buffers,
        children: children, dictionary: dictionary)
}

private func randomRuns(
    _ type: DataType, _ runEnds: Field, _ values: Field, count: Int, nulls: Double, _ random: inout SeededRandom
) throws(MartletError) -> ArrayData {
    var ends: [Int] = []
    while (ends.last ?? 0) < count { ends.append((ends.last ?? 0) + Int.random(in: 1...7, using: &random)) }
    return ArrayData(
        type: type, count: count,
        children: [
            try .runEnds(ends, runEnds.type), try randomArray(values.type, count: ends.count, nulls: nulls, &random),
        ])
}

private func randomUnion(
    _ type: DataType, _ mode: UnionMode, _ fields: [Field], _ ids: [Int8], count: Int, nulls: Double,
    _ random: inout SeededRandom
) throws(MartletError) -> ArrayData {
    var lengths = [Int](repeating: 0, count: fields.count)
    var typeIDs: [Int8] = []
    var starts: [Int32] = []
    for _ in 0..<count {
        let child = Int.random(in: 0..<fields.count, using: &random)
        typeIDs.append(ids[child])
        starts.append(Int32(lengths[child]))
        lengths[child] += 1
    }
    var children: [ArrayData] = []
    for (field, length) in zip(fields, lengths) {
        children.append(try randomArray(field.type, count: mode == .dense ? length : count, nulls: nulls, &random))
    }
    return ArrayData(
        type: type, count: count, buffers: mode == .dense ? [try Buffer(typeIDs), try Buffer(starts)] : [try Buffer(typeIDs)],
        children: children)
}

/// Views and two buffers behind them: values of 0 to 20 bytes.
private func randomViews(_ count: Int, _ random: inout SeededRandom) throws(MartletError) -> [Buffer] {
    var targets: [[UInt8]] = [[], []]
    var views: [UInt8] = []
    for _ in 0..<count {
        let value = (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 97...122, using: &random) }
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        if value.count <= 12 {
            views += number(value.count) + value + [UInt8](repeating: 0, count: 12 - value.count)
        } else {
            let target = Int.random(in: 0...1, using: &random)
            views += number(value.count) + value[..<4] + number(target) + number(targets[target].count)
            targets[target] += value
        }
    }
    return [try Buffer(views), try Buffer(targets[0]), try Buffer(targets[1])]
}

/// The values a decimal's digits, a day or a time allow; nil for whatever the bits can hold.
private func digitLimit(_ type: DataType) -> Int? {
    switch type {
    case .decimal32(let precision, _), .decimal64(let precision, _): precision >= 5 ? 99_999 : 9
    case .decimal128(let precision, _): precision >= 18 ? 1_000_000_000_000_000_000 : 999_999_999
    case .time32(let unit), .time64(let unit): Int(unit.perSecond) * 86_400
    case .date32: 40_000
    case .date64: nil
    case .timestamp, .duration: 2_000_000_000_000_000_000
    default: nil
    }
}

private func randomBytes(_ count: Int, _ random: inout SeededRandom) throws(MartletError) -> Buffer {
    var bytes: [UInt8] = []
    for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    return try Buffer(bytes)
}

private func randomValues(_ kind: NativeKind, _ count: Int, limit: Int?, _ random: inout SeededRandom)
    throws(MartletError) -> Buffer
{
    func integers<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(MartletError) -> Buffer {
        var values: [Value] = []
        for _ in 0..<count {
            if let limit {
                values.append(Value(truncatingIfNeeded: Int.random(in: 0..<limit, using: &random)))
            } else {
                values.append(Value.random(in: .min ... .max, using: &random))
            }
        }
        return try Buffer(values)
    }
    func floats<Value: BinaryFloatingPoint & BitwiseCopyable>(_ type: Value.Type) throws(MartletError) -> Buffer {
        var values: [Value] = []
        for _ in 0..<count { values.append(Value(Double.random(in: -1000...1000, using: &random))) }
        return try Buffer(values)
    }
    switch kind {
    case .int8: return try integers(Int8.self)
    case .int16: return try integers(Int16.self)
    case .int32: return try integers(Int32.self)
    case .int64: return try integers(Int64.self)
    case .int128: return try integers(Int128.self)
    case .uint8: return try integers(UInt8.self)
    case .uint16: return try integers(UInt16.self)
    case .uint32: return try integers(UInt32.self)
    case .uint64: return try integers(UInt64.self)
    case .float16: return try floats(Float16.self)
    case .float32: return try floats(Float.self)
    case .float64: return try floats(Double.self)
    }
}
