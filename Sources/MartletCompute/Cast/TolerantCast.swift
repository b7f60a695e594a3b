public import MartletArrow
public import MartletBase

/// A row that a cast could not convert.
public struct CastFailure: Sendable {
    public let row: Int
    /// The message that a cast of this row alone fails with.
    public let reason: String
}

/// The values of `array` as another type, null where they cannot be converted, and which rows these are.
///
/// Errors: types between which there is no cast at all, as of `cast`.
public func castCollectingFailures(
    _ array: ArrayData, to target: DataType, options: CastOptions = .safe, rowOffset: Int = 0
) throws(MartletError) -> (values: ArrayData, failures: [CastFailure]) {
    do throws(MartletError) {
        return (try cast(array, to: target, options: options, rowOffset: rowOffset), [])
    } catch {
        guard error.concernsValues else { throw error }
    }
    // What fails without any rows is not the rows' fault.
    _ = try cast(try .empty(array.type), to: target, options: options)
    var plain = array
    // An entry of a dictionary that cannot be converted would fail for all rows.
    if case .dictionary(_, let value, _) = array.type { plain = try cast(array, to: value) }
    let size = 1 << 12
    let source = plain
    let parts = try WorkerPool.map((plain.count + size - 1) / size) { piece throws(MartletError) in
        var found: [CastFailure] = []
        try search(source, piece * size..<min(source.count, (piece + 1) * size), target, options, rowOffset, &found)
        return found
    }
    let failures = parts.flatMap(\.self)
    var valid = try BitmapBuilder(capacity: plain.count)
    var next = 0
    for failure in failures {
        let row = failure.row - rowOffset
        for kept in next..<row { try valid.append(plain.isValid(kept)) }
        try valid.append(false)
        next = row + 1
    }
    for kept in next..<plain.count { try valid.append(plain.isValid(kept)) }
    // Taken anew, so that nothing is left under the nulls, in children neither.
    let rows = try unsafe makeValues(Int64.self, count: plain.count) { target in
        for row in 0..<source.count { unsafe target[row] = Int64(row) }
    }
    let indices = ArrayData(type: .int64, count: plain.count, validity: valid.finish(), buffers: [rows])
    return (try cast(try take(plain, indices), to: target, options: options), failures)
}

/// Finds the rows that fail by halves.
private func search(
    _ array: ArrayData, _ rows: Range<Int>, _ target: DataType, _ options: CastOptions, _ rowOffset: Int,
    _ found: inout [CastFailure]
) throws(MartletError) {
    if rows.isEmpty { return }
    do throws(MartletError) {
        _ = try cast(
            array.window(rows.lowerBound, rows.count), to: target, options: options,
            rowOffset: rowOffset + rows.lowerBound)
    } catch {
        guard error.concernsValues else { throw error }
        if rows.count == 1 {
            found.append(CastFailure(row: rowOffset + rows.lowerBound, reason: error.message))
            return
        }
        let middle = rows.lowerBound + rows.count / 2
        try search(array, rows.lowerBound..<middle, target, options, rowOffset, &found)
        try search(array, middle..<rows.upperBound, target, options, rowOffset, &found)
    }
}

extension MartletError {
    /// Whether other values might have gone well.
    fileprivate var concernsValues: Bool { [.invalid, .indexError, .capacityError].contains(code) }
}

extension Compute {
    /// `cast` by its options: `errors` is `raise`, `null`, or `collect`, which gives a struct of the rows that failed,
    /// their values and the reasons.
    static func cast(_ call: Call) throws(MartletError) -> Datum {
        guard let type = call.type else { throw .type("cast: the target type is missing") }
        let options = try CastOptions(call.options)
        let offset = try call.options.integer("row_offset", default: 0)
        switch try call.options.choice("errors", ["raise", "null", "collect"]) {
        case "null":
            return call[0].with(try castCollectingFailures(call.array, to: type, options: options).values)
        case "collect":
            let failures = try castCollectingFailures(call.array, to: type, options: options, rowOffset: offset)
                .failures
            let rows = try Rows(numbers: failures.map { $0.row - offset })
            let reasons = try makeText(.string, count: failures.count, validity: nil) { output, index in
                output.append(contentsOf: failures[index].reason)
            }
            let numbers = ArrayData(
                type: .int64, count: failures.count, buffers: [try Buffer(failures.map { Int64($0.row) })])
            return Datum(
                ArrayData(
                    type: .struct([Field("row", .int64), Field("value", call.array.type), Field("reason", .string)]),
                    count: failures.count, children: [numbers, try take(call.array, rows: rows), reasons]))
        case _: return call[0].with(try MartletCompute.cast(call.array, to: type, options: options, rowOffset: offset))
        }
    }
}
