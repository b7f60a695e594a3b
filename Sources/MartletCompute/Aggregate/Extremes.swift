import MartletArrow
import MartletBase

/// The smallest and the largest valid value, one slot each: NaN only when there is nothing else. nil without values.
func extremes(_ array: ArrayData, _ function: String = "min_max") throws(MartletError) -> (
    min: ArrayData, max: ArrayData
)? {
    let rows: (min: Int, max: Int)?
    switch array.type {
    case .null: return nil
    case .boolean:
        let bits = try array.bits()
        rows = extremes(array) { bits[$0] == bits[$1] ? 0 : bits[$0] ? 1 : -1 }
    case .string, .binary: rows = try byteExtremes(array, Int32.self)
    case .largeString, .largeBinary: rows = try byteExtremes(array, Int64.self)
    case .fixedSizeBinary: rows = try byteExtremes(try cast(array, to: .binary), Int32.self)
    case .decimal128:
        let values = try PrimitiveArray<Int128>(array)
        rows = extremes(array) { values[$0] == values[$1] ? 0 : values[$0] < values[$1] ? -1 : 1 }
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
        .date64, .time32, .time64, .timestamp, .duration, .decimal32, .decimal64:
        guard let kind = array.type.nativeKind else { throw noKernel(function, [array.type]) }
        return try laneExtremes(array, kind)
    case .dictionary(_, let value, _): return try extremes(try cast(array, to: value), function)
    case .stringView, .binaryView, .runEndEncoded, .extension:
        return try extremes(try array.contiguousStrings().storage, function)
    case .decimal256:
        let values = try WideDecimals(array)
        rows = extremes(array) { values.order($0, values, $1) }
    case .list, .largeList, .fixedSizeList, .struct, .map, .listView, .largeListView, .union, .interval:
        throw noKernel(function, [array.type])
    }
    guard let rows else { return nil }
    return (array.window(rows.min, 1), array.window(rows.max, 1))
}

private func byteExtremes<Offset: OffsetValue>(
    _ array: ArrayData, _ type: Offset.Type
) throws(MartletError) -> (min: Int, max: Int)? {
    let view = try BytesArray<Offset>(array)
    let bytes = unsafe array.buffers[1].pointer(to: UInt8.self)
    return extremes(array) { a, b in
        let (x, y) = (view.range(a), view.range(b))
        // Safety: ranges lie inside the bytes.
        return unsafe byteOrder(bytes + x.lowerBound, x.count, bytes + y.lowerBound, y.count)
    }
}

/// The extremes by an order of rows.
private func extremes(_ array: ArrayData, _ order: (Int, Int) -> Int) -> (min: Int, max: Int)? {
    let validity = array.usedValidityBitmap
    var result: (min: Int, max: Int)?
    for row in 0..<array.count where validity?[row] ?? true {
        guard let known = result else {
            result = (row, row)
            continue
        }
        if order(row, known.min) < 0 { result?.min = row } else if order(row, known.max) > 0 { result?.max = row }
    }
    return result
}

/// The smallest and the largest number, in blocks; NaN only when there is nothing else.
private func laneExtremes(_ array: ArrayData, _ kind: NativeKind) throws(MartletError) -> (
    min: ArrayData, max: ArrayData
)? {
    let (reader, validity) = (try LaneReader(array), array.usedValidityBitmap)
    func single(_ low: some NativeValue, _ high: some NativeValue, _ from: DataType) throws(MartletError) -> (
        min: ArrayData, max: ArrayData
    ) {
        func value(_ bits: some NativeValue) throws(MartletError) -> ArrayData {
            let wide = ArrayData(type: from, count: 1, buffers: [try Buffer([bits])])
            return try cast(wide, to: kind.type, options: .unsafe).reinterpreted(as: array.type)
        }
        return (try value(low), try value(high))
    }
    if reader.isFloat {
        let parts = try reduceBlocks(of: array.count, (low: Double.infinity, high: -Double.infinity, count: 0)) {
            bounds, block in
            let (lanes, count) = unsafe reader.denseDoubles(block, validity)
            var (low, high) = (SIMD4<Double>(repeating: .infinity), SIMD4<Double>(repeating: -.infinity))
            var index = 0
            while index &+ 4 <= count {
                let p = unsafe lanes + index
                let four = unsafe SIMD4(p[0], p[1], p[2], p[3])
                // Comparisons with NaN are false.
                low.replace(with: four, where: four .< low)
                high.replace(with: four, where: four .> high)
                index &+= 4
            }
            bounds.low = Swift.min(bounds.low, low.min())
            bounds.high = Swift.max(bounds.high, high.max())
            while index < count {
                let value = unsafe lanes[index]
                if value < bounds.low { bounds.low = value }
                if value > bounds.high { bounds.high = value }
                index &+= 1
            }
            bounds.count &+= count
        }
        guard parts.contains(where: { $0.count > 0 }) else { return nil }
        let (low, high) = (parts.reduce(.infinity) { min($0, $1.low) }, parts.reduce(-.infinity) { max($0, $1.high) })
        // Nothing up to infinity and nothing down to its opposite: NaNs only.
        if low > high { return try single(Double.nan, Double.nan, .float64) }
        return try single(low, high, .float64)
    }
    // Without sign the top bit turns the order of signed numbers into that of unsigned ones.
    let flip: Int64 = kind == .uint64 ? .min : 0
    let parts = try reduceBlocks(of: array.count, (low: Int64.max, high: Int64.min, count: 0)) { bounds, block in
        let (lanes, count) = unsafe reader.dense(block, validity)
        var (low, high) = (bounds.low, bounds.high)
        for i in 0..<count {
            let value = unsafe lanes[i] ^ flip
            low = Swift.min(low, value)
            high = Swift.max(high, value)
        }
        bounds = (low, high, bounds.count &+ count)
    }
    guard parts.contains(where: { $0.count > 0 }) else { return nil }
    let (low, high) = (parts.reduce(.max) { min($0, $1.low) } ^ flip, parts.reduce(.min) { max($0, $1.high) } ^ flip)
    return kind == .uint64
        ? try single(UInt64(bitPattern: low), UInt64(bitPattern: high), .uint64) : try single(low, high, .int64)
}

extension ArrayData {
    /// Slot `row` as an array of one, or a null.
    func single(_ row: Int?) throws(MartletError) -> ArrayData {
        guard let row else { return try .nulls(type, count: 1) }
        return window(row, 1)
    }
}
