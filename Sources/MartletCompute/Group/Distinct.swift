public import MartletArrow
public import MartletBase

/// The distinct values in the order of their first appearance; null is one of them.
public func unique(_ array: ArrayData) throws(MartletError) -> ArrayData {
    try take(array, rows: try Rows(numbers: try HashedRows(key: array).firstRows))
}

/// The distinct values and how often each occurs: a struct of `values` and `counts`.
public func valueCounts(_ array: ArrayData) throws(MartletError) -> ArrayData {
    let rows = try HashedRows(key: array)
    let values = try take(array, rows: try Rows(numbers: rows.firstRows))
    var counts = [Int64](repeating: 0, count: rows.firstRows.count)
    let ids = unsafe rows.ids.pointer(to: UInt32.self)
    // Safety: there is an id for each row.
    for row in 0..<array.count { unsafe counts[Int(ids[row])] += 1 }
    return ArrayData(
        type: .struct([Field("values", array.type), Field("counts", .int64)]), count: counts.count,
        children: [values, ArrayData(type: .int64, count: counts.count, buffers: [try Buffer(counts)])])
}

/// The array as indices into its distinct values. Nulls are null indices, or with `encodeNulls` an entry.
public func dictionaryEncode(
    _ array: ArrayData, index: DataType = .int32, encodeNulls: Bool = false
) throws(MartletError) -> ArrayData {
    if case .dictionary = array.type { return array }
    guard index.isInteger, let kind = index.nativeKind else {
        throw .type("dictionary indices are integers, not \(index)")
    }
    let rows = try HashedRows(key: array)
    let dropped = encodeNulls ? nil : rows.nullID
    let kept = rows.firstRows.enumerated().filter { $0.offset != dropped }.map { Int64($0.element) }
    let values = try take(
        array, ArrayData(type: .int64, count: kept.count, buffers: [try Buffer(kept)]))
    guard kept.isEmpty || UInt64(kept.count - 1) <= UInt64(bitPattern: kind.range.high) else {
        throw .invalid("the dictionary has \(kept.count) values, too many for \(index) indices; use a wider index type")
    }
    let place = Int64(dropped ?? Int.max)
    let ids = unsafe Shared(rows.ids.pointer(to: UInt32.self))
    let indices = try makeLanes(kind, count: rows.count) { block, writer in
        // Safety: there is an id for each row.
        let out = unsafe writer.integers(block, 0)
        unsafe mapLanes(ids.value + block.start, out, block.count) { id in
            Int64(id) == place ? 0 : Int64(id) > place ? Int64(id) &- 1 : Int64(id)
        }
        unsafe writer.store(out, block)
        return true
    }
    return ArrayData(
        type: .dictionary(index: index, value: array.type, isOrdered: false), count: array.count,
        validity: encodeNulls ? nil : try array.rebasedValidity(), buffers: [indices], dictionary: values)
}
