import MartletArrow
import MartletBase

/// The rows of the smallest and the largest valid value: NaN only when there is nothing else. nil without values.
func extremeRows(_ array: ArrayData, _ function: String = "min_max") throws(MartletError) -> (min: Int, max: Int)? {
    switch array.type {
    case .null: return nil
    case .boolean:
        let bits = try array.bits()
        return extremes(array) { bits[$0] == bits[$1] ? 0 : bits[$0] ? 1 : -1 }
    case .string, .binary: return try byteExtremes(array, Int32.self)
    case .largeString, .largeBinary: return try byteExtremes(array, Int64.self)
    case .fixedSizeBinary:
        return try byteExtremes(try cast(array, to: .binary), Int32.self)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
        .date64, .time32, .time64, .timestamp, .duration, .decimal128:
        guard let kind = array.type.nativeKind else { throw noKernel(function, [array.type]) }
        return try kind.accept(NativeExtremes(array: array))
    case .dictionary(_, let value, _): return try extremeRows(try cast(array, to: value), function)
    case .list, .largeList, .fixedSizeList, .struct, .map: throw noKernel(function, [array.type])
    }
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

private struct NativeExtremes: NativeVisitor {
    let array: ArrayData
    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> (min: Int, max: Int)? {
        let values = try unsafe Shared(array.values(of: type))
        let validity = array.usedValidityBitmap
        let (count, size) = (array.count, 1 << 17)
        // Safety: rows are below the count.
        let parts = try WorkerPool.map((count + size - 1) / size) { piece throws(MartletError) in
            unsafe Self.rows(values.value, piece * size..<min(count, (piece + 1) * size), validity)
        }
        var result: (min: Int, max: Int)?
        for case let part? in parts {
            guard let known = result else {
                result = part
                continue
            }
            let values = unsafe values.value
            let (low, high) = unsafe (values[known.min], values[known.max])
            // What is not equal to itself is NaN, which any number replaces.
            if unsafe low != low || values[part.min] < low { result?.min = part.min }
            if unsafe high != high || values[part.max] > high { result?.max = part.max }
        }
        return result
    }

    private static func rows<Value: NativeValue>(
        _ values: UnsafePointer<Value>, _ rows: Range<Int>, _ validity: Bitmap?
    ) -> (min: Int, max: Int)? {
        var first = rows.lowerBound
        while first < rows.upperBound, !(validity?[first] ?? true) { first += 1 }
        if first == rows.upperBound { return nil }
        var (low, high) = unsafe (values[first], values[first])
        var (lowRow, highRow) = (first, first)
        for row in first..<rows.upperBound {
            let value = unsafe values[row]
            if let validity, !validity[row] { continue }
            if value < low || (low != low && value == value) {
                low = value
                lowRow = row
            }
            if value > high || (high != high && value == value) {
                high = value
                highRow = row
            }
        }
        return (lowRow, highRow)
    }
}

extension ArrayData {
    /// Slot `row` as an array of one, or a null.
    func single(_ row: Int?) throws(MartletError) -> ArrayData {
        guard let row else { return try .nulls(type, count: 1) }
        return window(row, 1)
    }
}
