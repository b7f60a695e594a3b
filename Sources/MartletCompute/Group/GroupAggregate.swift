public import MartletArrow
public import MartletBase

/// Aggregates a column group by group: one slot for each group of the grouping, in its order.
public func aggregate(
    _ function: String, _ values: ArrayData, by grouping: Grouping, options: [String: String] = [:]
) throws(MartletError) -> ArrayData {
    let name = function.hasPrefix("hash_") ? String(function.dropFirst(5)) : function
    let known = name == "count" || name == "count_distinct" ? ["mode"] : ["skip_nulls", "min_count", "ddof"]
    let options = try FunctionOptions(function, options, known: known)
    guard values.count == grouping.rowCount else {
        throw .invalid("\(values.count) values to aggregate, but \(grouping.rowCount) rows are grouped")
    }
    switch name {
    case "count_all": return try counts(values, grouping, mode: "all")
    case "count":
        return try counts(values, grouping, mode: try options.choice("mode", ["only_valid", "only_null", "all"]))
    case "sum", "mean", "product":
        guard values.type.isNumeric || values.type == .boolean || values.type == .null, name != "product" else { break }
        let numbers = values.type == .boolean ? try cast(values, to: .uint8) : values.type == .null ? try cast(values, to: .int64) : values
        return try limited(
            try sums(numbers, grouping, isMean: name == "mean"), values, grouping, options, leastDefault: 1)
    case "min", "max":
        guard values.type.nativeKind != nil, !values.type.layout.hasDictionary else { break }
        return try limited(
            try extremes(values, grouping, isMax: name == "max"), values, grouping, options, leastDefault: 1)
    case "first": return try firsts(values, grouping)
    case _: break
    }
    // The rest goes through the plain function, group by group.
    let plain = name == "list" ? "list" : name
    guard Compute.aggregateNames.contains(plain) else {
        throw .key("No function registered with name: hash_\(name)" + Compute.nearMisses(name))
    }
    let (rows, starts) = try grouping.partitionedRows()
    let sorted = try take(values, rows: rows)
    var results: [ArrayData] = []
    for group in 0..<grouping.groupCount {
        let part = try sorted.slice(at: starts[group], count: starts[group + 1] - starts[group])
        results.append(try Compute.call(plain, [Datum(part)], options: options.values).array)
    }
    guard let type = results.first?.type else {
        return try .empty(try Compute.call(plain, [Datum(values)], options: options.values).type)
    }
    return try concatenate(results, type: type)
}

/// Nulls where a group has fewer valid values than it must, or has nulls that may not be skipped.
private func limited(
    _ result: ArrayData, _ values: ArrayData, _ grouping: Grouping, _ options: FunctionOptions, leastDefault: Int
) throws(MartletError) -> ArrayData {
    let least = try options.integer("min_count", default: leastDefault)
    let skipNulls = try options.bool("skip_nulls", default: true)
    // Every group has a row.
    if values.nullCount == 0 && values.type != .null && least <= 1 && grouping.rowCount > 0 { return result }
    let valid = try PrimitiveArray<Int64>(try counts(values, grouping, mode: "only_valid"))
    let nulls = skipNulls ? nil : try PrimitiveArray<Int64>(try counts(values, grouping, mode: "only_null"))
    var bits = try BitmapBuilder(capacity: result.count)
    for group in 0..<result.count { try bits.append(valid[group] >= least && (nulls?[group] ?? 0) == 0) }
    if bits.falseCount == 0 { return result }
    return ArrayData(type: result.type, count: result.count, validity: bits.finish(), buffers: result.buffers)
}

private func counts(_ values: ArrayData, _ grouping: Grouping, mode: String) throws(MartletError) -> ArrayData {
    var counts = [Int64](repeating: 0, count: grouping.groupCount)
    let validity = values.type == .null ? nil : values.usedValidityBitmap
    let isNull = values.type == .null
    for row in 0..<grouping.rowCount {
        let isValid = isNull ? false : validity?[row] ?? true
        if mode == "all" || isValid == (mode == "only_valid") { counts[grouping[row]] += 1 }
    }
    return ArrayData(type: .int64, count: counts.count, buffers: [try Buffer(counts)])
}

private func firsts(_ values: ArrayData, _ grouping: Grouping) throws(MartletError) -> ArrayData {
    var rows = [Int64](repeating: -1, count: grouping.groupCount)
    for row in 0..<grouping.rowCount where rows[grouping[row]] < 0 && values.isValid(row) { rows[grouping[row]] = Int64(row) }
    var bits = try BitmapBuilder(capacity: rows.count)
    for row in rows { try bits.append(row >= 0) }
    return try take(values, ArrayData(type: .int64, count: rows.count, validity: bits.finish(), buffers: [try Buffer(rows)]))
}

/// Sums or means group by group; integers wrap.
private func sums(_ array: ArrayData, _ grouping: Grouping, isMean: Bool) throws(MartletError) -> ArrayData {
    let (reader, validity) = (try LaneReader(array), array.usedValidityBitmap)
    let ids = unsafe Shared(grouping.ids.pointer(to: UInt32.self))
    let groupCount = grouping.groupCount
    // Totals of 64 bits (integers, or doubles where the values are floats) and counts, for each part of the rows.
    let parts = groupCount <= 1 << 16 && array.count >= 1 << 18 ? WorkerPool.threadCount : 1
    let totals = try BufferBuilder(uninitializedCount: groupCount * 8 * parts)
    let counts = try BufferBuilder(uninitializedCount: groupCount * 8 * parts)
    let (wholes, floats, sizes) = unsafe (
        totals.pointer(to: Int64.self), totals.pointer(to: Double.self), counts.pointer(to: Int64.self)
    )
    unsafe wholes.update(repeating: 0, count: groupCount * parts)
    unsafe sizes.update(repeating: 0, count: groupCount * parts)
    let shared = unsafe Shared((wholes, floats, sizes))
    let size = ((array.count + parts - 1) / parts).roundedUp(to: 64)
    try WorkerPool.forEach(parts) { part throws(MartletError) in
        let scratch = try BufferBuilder(uninitializedCount: LaneBlock.capacity * LaneBlock.scratchRows * 8)
        let first = part * groupCount
        let (wholes, floats, sizes) = unsafe (shared.value.0 + first, shared.value.1 + first, shared.value.2 + first)
        var start = part * size
        let end = min(array.count, start + size)
        while start < end {
            let block = unsafe LaneBlock(start: start, count: min(LaneBlock.capacity, end - start), scratch: scratch.address)
            // Safety: there is an id for each row, and ids are below the group count; parts have totals of their own.
            let groups = unsafe ids.value + start
            if reader.isFloat {
                let lanes = unsafe reader.doubles(block, 0)
                for i in 0..<block.count where validity?[start &+ i] ?? true {
                    unsafe floats[Int(groups[i])] += lanes[i]
                    unsafe sizes[Int(groups[i])] &+= 1
                }
            } else {
                let lanes = unsafe reader.integers(block, 0)
                for i in 0..<block.count where validity?[start &+ i] ?? true {
                    unsafe wholes[Int(groups[i])] &+= lanes[i]
                    unsafe sizes[Int(groups[i])] &+= 1
                }
            }
            start += block.count
        }
        _ = scratch.finish()
    }
    for place in groupCount..<max(groupCount, groupCount * parts) {
        let group = place % groupCount
        if reader.isFloat {
            unsafe floats[group] += floats[place]
        } else {
            unsafe wholes[group] &+= wholes[place]
        }
        unsafe sizes[group] &+= sizes[place]
    }
    if isMean {
        for group in 0..<groupCount {
            let whole = unsafe wholes[group]
            let total = unsafe reader.isFloat
                ? floats[group] : reader.isUnsigned ? Double(UInt64(bitPattern: whole)) : Double(whole)
            unsafe floats[group] = total / Double(sizes[group])
        }
    }
    _ = counts.finish()
    let type: DataType = isMean || reader.isFloat ? .float64 : reader.isUnsigned ? .uint64 : .int64
    return ArrayData(type: type, count: groupCount, buffers: [totals.finish()])
}

/// The smallest or largest value of each group; NaN only where there is nothing else.
private func extremes(_ array: ArrayData, _ grouping: Grouping, isMax: Bool) throws(MartletError) -> ArrayData {
    var rows = [Int64](repeating: -1, count: grouping.groupCount)
    let validity = array.usedValidityBitmap
    let isFloat = array.type.nativeKind?.isFloat ?? false
    if array.type.nativeKind == .int128 {
        let values = try PrimitiveArray<Int128>(array)
        for row in 0..<array.count where validity?[row] ?? true {
            let group = grouping[row]
            let known = Int(rows[group])
            if known < 0 || (isMax ? values[row] > values[known] : values[row] < values[known]) { rows[group] = Int64(row) }
        }
    } else {
        let order = try orderWords(array)
        let words = unsafe order.pointer(to: UInt64.self)
        // With all bits turned the largest is the smallest; NaN stays the last choice.
        let turn: UInt64 = isMax ? .max : 0
        var best = [UInt64](repeating: .max, count: grouping.groupCount)
        // Safety: a word for each row.
        for row in 0..<array.count where validity?[row] ?? true {
            let group = grouping[row]
            let word = unsafe isFloat && words[row] == .max ? .max : words[row] ^ turn
            if word < best[group] || rows[group] < 0 {
                best[group] = word
                rows[group] = Int64(row)
            }
        }
    }
    for group in rows.indices where rows[group] < 0 { rows[group] = 0 }
    if array.count == 0 { return try .nulls(array.type, count: rows.count) }
    let values = ArrayData(
        type: array.type, count: array.count, offset: array.offset, buffers: array.buffers)
    return try take(values, ArrayData(type: .int64, count: rows.count, buffers: [try Buffer(rows)]))
}

extension Compute {
    /// Groups the rows of the struct `keys` and aggregates column i of the struct `values` by `functions[i]`. A struct:
    /// the columns of the keys, then the aggregates, named `<column>_<function>`; groups in the order of their first rows.
    public static func group(
        keys: ArrayData, values: ArrayData, functions: [String], options: [String: String] = [:]
    ) throws(MartletError) -> ArrayData {
        guard case .struct(let keyFields) = keys.type, case .struct(let valueFields) = values.type else {
            throw .type("group: keys and values are struct arrays, not \(keys.type) and \(values.type)")
        }
        guard functions.count == valueFields.count else {
            throw .invalid("group: \(functions.count) functions for \(valueFields.count) columns")
        }
        let grouping = try Grouping(keys: keyFields.indices.map { keys.child($0) }, rowCount: values.count)
        let firstRows = try grouping.firstRowIndices()
        var (fields, children): ([Field], [ArrayData]) = (keyFields, [])
        for i in keyFields.indices { children.append(try take(keys.child(i), rows: firstRows)) }
        for (i, function) in functions.enumerated() {
            let column = try MartletCompute.aggregate(function, values.child(i), by: grouping, options: options)
            let short = function.hasPrefix("hash_") ? String(function.dropFirst(5)) : function
            fields.append(Field(short == "count_all" ? short : valueFields[i].name + "_" + short, column.type))
            children.append(column)
        }
        return ArrayData(type: .struct(fields), count: grouping.groupCount, children: children)
    }
}
