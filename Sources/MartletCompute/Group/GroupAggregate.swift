public import MartletArrow
public import MartletBase

/// Aggregates a column group by group: one slot for each group of the grouping, in its order.
public func aggregate(
    _ function: String, _ values: ArrayData, by grouping: Grouping, options: [String: String] = [:]
) throws(MartletError) -> ArrayData {
    let name = function.hasPrefix("hash_") ? String(function.dropFirst(5)) : function
    let known =
        switch name {
        case "count", "count_distinct", "distinct": ["mode"]
        case "skew", "kurtosis": ["skip_nulls", "biased", "min_count"]
        case "tdigest": ["q", "delta", "buffer_size", "skip_nulls", "min_count"]
        case _: ["skip_nulls", "min_count", "ddof"]
        }
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
        let numbers =
            values.type == .boolean
            ? try cast(values, to: .uint8) : values.type == .null ? try cast(values, to: .int64) : values
        return try limited(
            try sums(numbers, grouping, isMean: name == "mean"), values, grouping, options, leastDefault: 1)
    case "min", "max":
        guard values.type.nativeKind != nil, !values.type.layout.hasDictionary else { break }
        return try limited(
            try extremes(values, grouping, isMax: name == "max"), values, grouping, options, leastDefault: 1)
    case "first":
        guard try options.bool("skip_nulls", default: true), try options.integer("min_count", default: 1) <= 1 else {
            break
        }
        return try firsts(values, grouping)
    case "one": return try take(values, rows: try grouping.firstRowIndices())
    case "list":
        let (rows, starts) = try grouping.partitionedRows()
        return try lists(of: try take(values, rows: rows), starts)
    case "distinct", "count_distinct":
        let mode = try options.choice("mode", ["only_valid", "only_null", "all"])
        let (rows, starts) = try distinctRows(values, grouping, mode)
        if name == "distinct" { return try lists(of: try take(values, rows: try Rows(numbers: rows)), starts) }
        let sizes = (0..<grouping.groupCount).map { Int64(starts[$0 + 1] - starts[$0]) }
        return ArrayData(type: .int64, count: sizes.count, buffers: [try Buffer(sizes)])
    case "stddev", "variance":
        guard values.type.isNumeric || Caster.family(values.type) == .decimal else { break }
        return try limited(
            try spreads(values, grouping, ddof: try options.integer("ddof", default: 0), takesRoot: name == "stddev"),
            values,
            grouping, options, leastDefault: 0)
    case _: break
    }
    // The rest goes through the plain function, group by group.
    let plain = name
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
    if results.isEmpty {
        results = [try Compute.call(plain, [Datum(values)], options: options.values).array.slice(at: 0, count: 0)]
    }
    let all = try concatenate(results, type: results[0].type)
    guard name == "tdigest" else { return all }
    // As many quantiles for each group as there are places.
    let places = max(1, options.list("q").count)
    return ArrayData(
        type: .fixedSizeList(Field("item", .float64), count: places), count: grouping.groupCount, children: [all])
}

/// One list for each group: of `values`, those from `starts[g]` to `starts[g + 1]`.
private func lists(of values: ArrayData, _ starts: [Int]) throws(MartletError) -> ArrayData {
    guard Int32(exactly: values.count) != nil else {
        throw .capacity("\(values.count) items are too many for one list array")
    }
    return ArrayData(
        type: .list(Field("item", values.type)), count: starts.count - 1,
        buffers: [try Buffer(starts.map { Int32(truncatingIfNeeded: $0) })], children: [values])
}

/// The first row of each distinct value of each group, group by group.
private func distinctRows(
    _ values: ArrayData, _ grouping: Grouping, _ mode: String
) throws(MartletError) -> (rows: [Int], starts: [Int]) {
    let ids = ArrayData(type: .uint32, count: grouping.rowCount, buffers: [grouping.ids])
    let both = try HashedRows(try HashedRows(key: ids), try HashedRows(key: values))
    let found = both.firstRows.filter { mode == "all" || values.isValid($0) == (mode == "only_valid") }
    var starts = [Int](repeating: 0, count: grouping.groupCount + 1)
    for row in found { starts[grouping[row] + 1] += 1 }
    for group in 0..<grouping.groupCount { starts[group + 1] += starts[group] }
    var (next, rows) = (starts, [Int](repeating: 0, count: found.count))
    for row in found {
        rows[next[grouping[row]]] = row
        next[grouping[row]] += 1
    }
    return (rows, starts)
}

/// Variances group by group: the means first, then the squared distances from them.
private func spreads(
    _ values: ArrayData, _ grouping: Grouping, ddof: Int, takesRoot: Bool
) throws(MartletError) -> ArrayData {
    let doubles = try cast(values, to: .float64, options: .unsafe)
    let means = try sums(doubles, grouping, isMean: true)
    let own = try take(means, rows: Rows(buffer: grouping.ids, isWide: false, count: grouping.rowCount))
    let distances = try compute(.subtract, Datum(doubles), Datum(own))
    let squares = try sums(try compute(.multiply, distances, distances).array, grouping, isMean: false)
    let sizes = try PrimitiveArray<Int64>(try counts(values, grouping, mode: "only_valid"))
    let totals = try PrimitiveArray<Double>(squares)
    var present = try BitmapBuilder(capacity: sizes.count)
    var results: [Double] = []
    for group in 0..<sizes.count {
        let degrees = sizes[group] - Int64(ddof)
        try present.append(degrees > 0)
        let variance = degrees > 0 ? totals[group] / Double(degrees) : 0
        results.append(takesRoot ? variance.squareRoot() : variance)
    }
    return ArrayData(type: .float64, count: results.count, validity: present.finish(), buffers: [try Buffer(results)])
}

/// Nulls where a group has fewer valid values than it must, or has nulls that may not be skipped.
private func limited(
    _ result: ArrayData, _ values: ArrayData, _ grouping: Grouping, _ options: FunctionOptions, leastDefault: Int
) throws(MartletError) -> ArrayData {
    let least = try options.integer("min_count", default: leastDefault)
    let skipNulls = try options.bool("skip_nulls", default: true)
    // Every group has a row.
    if least <= 1 && values.type != .null && values.nullCount == 0 && grouping.rowCount > 0 { return result }
    let valid = try PrimitiveArray<Int64>(try counts(values, grouping, mode: "only_valid"))
    let nulls = skipNulls ? nil : try PrimitiveArray<Int64>(try counts(values, grouping, mode: "only_null"))
    var bits = try BitmapBuilder(capacity: result.count)
    for group in 0..<result.count {
        try bits.append(result.isValid(group) && valid[group] >= least && (nulls?[group] ?? 0) == 0)
    }
    if bits.falseCount == 0 { return result }
    return ArrayData(type: result.type, count: result.count, validity: bits.finish(), buffers: result.buffers)
}

private func counts(_ values: ArrayData, _ grouping: Grouping, mode: String) throws(MartletError) -> ArrayData {
    let counted: Bool? = mode == "all" ? nil : mode == "only_valid"
    if values.type == .null, counted == true {
        return ArrayData(
            type: .int64, count: grouping.groupCount, buffers: [try Buffer(zeroed: grouping.groupCount * 8)])
    }
    let tables = try GroupTables.counts(
        grouping, values.usedValidityBitmap, counted: values.type == .null ? nil : counted)
    return ArrayData(type: .int64, count: grouping.groupCount, buffers: [try tables.column(0)])
}

private func firsts(_ values: ArrayData, _ grouping: Grouping) throws(MartletError) -> ArrayData {
    var rows = [Int64](repeating: -1, count: grouping.groupCount)
    for row in 0..<grouping.rowCount where rows[grouping[row]] < 0 && values.isValid(row) {
        rows[grouping[row]] = Int64(row)
    }
    var bits = try BitmapBuilder(capacity: rows.count)
    for row in rows { try bits.append(row >= 0) }
    return try take(
        values, ArrayData(type: .int64, count: rows.count, validity: bits.finish(), buffers: [try Buffer(rows)]))
}

/// Sums or means group by group. Sums of integers wrap; means are those of doubles, as pyarrow's.
private func sums(_ array: ArrayData, _ grouping: Grouping, isMean: Bool) throws(MartletError) -> ArrayData {
    let reader = try LaneReader(array)
    let tables = try GroupTables.sums(
        grouping, reader, array.usedValidityBitmap, asFloat: isMean || reader.isFloat)
    let count = grouping.groupCount
    guard isMean else {
        let type: DataType = reader.isFloat ? .float64 : reader.isUnsigned ? .uint64 : .int64
        return ArrayData(type: type, count: count, buffers: [try tables.column(0)])
    }
    let means = try unsafe makeValues(Double.self, count: count) { target in
        for group in 0..<count {
            let total = Double(bitPattern: UInt64(bitPattern: tables[group, 0]))
            unsafe target[group] = total / Double(tables[group, 1])
        }
    }
    return ArrayData(type: .float64, count: count, buffers: [means])
}

/// The smallest or largest value of each group; NaN only where there is nothing else.
private func extremes(_ array: ArrayData, _ grouping: Grouping, isMax: Bool) throws(MartletError) -> ArrayData {
    let count = grouping.groupCount
    if array.count == 0 { return try .nulls(array.type, count: count) }
    var rows = [Int64](repeating: -1, count: count)
    if array.type.nativeKind == .int128 {
        let values = try PrimitiveArray<Int128>(array)
        for row in 0..<array.count where values.isValid(row) {
            let (group, value) = (grouping[row], values[row])
            let known = Int(rows[group])
            if known < 0 || (isMax ? value > values[known] : value < values[known]) { rows[group] = Int64(row) }
        }
    } else {
        let tables = try GroupTables.extremes(grouping, try LaneReader(array), array.usedValidityBitmap, isMax: isMax)
        for group in 0..<count { rows[group] = tables[group, 1] }
    }
    // Groups without a value become null afterwards.
    for group in rows.indices where rows[group] < 0 { rows[group] = 0 }
    let values = ArrayData(type: array.type, count: array.count, offset: array.offset, buffers: array.buffers)
    return try take(values, ArrayData(type: .int64, count: count, buffers: [try Buffer(rows)]))
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
