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
        guard let kind = numbers.type.nativeKind else { break }
        return try limited(
            try kind.acceptNumber(GroupSum(array: numbers, grouping: grouping, isMean: name == "mean")), values, grouping,
            options, leastDefault: 1)
    case "min", "max":
        guard let kind = values.type.nativeKind, values.type.layout.dictionaryFree else { break }
        return try limited(
            try kind.accept(GroupExtreme(array: values, grouping: grouping, isMax: name == "max")), values, grouping,
            options, leastDefault: 1)
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

extension Layout {
    fileprivate var dictionaryFree: Bool { !hasDictionary }
}

/// Nulls where a group has fewer valid values than it must, or has nulls that may not be skipped.
private func limited(
    _ result: ArrayData, _ values: ArrayData, _ grouping: Grouping, _ options: FunctionOptions, leastDefault: Int
) throws(MartletError) -> ArrayData {
    let least = try options.integer("min_count", default: leastDefault)
    let skipNulls = try options.bool("skip_nulls", default: true)
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

private struct GroupSum: NumberVisitor {
    let array: ArrayData
    let grouping: Grouping
    let isMean: Bool

    func visit<Value: NumberValue>(_ type: Value.Type) throws(MartletError) -> ArrayData {
        let values = try unsafe array.values(of: type)
        let validity = array.usedValidityBitmap
        let ids = unsafe grouping.ids.pointer(to: UInt32.self)
        var wholes = [Int64](repeating: 0, count: grouping.groupCount)
        var floats = [Double](repeating: 0, count: Value.isInteger ? 0 : grouping.groupCount)
        var counts = [Int](repeating: 0, count: grouping.groupCount)
        // Safety: there is an id for each row, and ids are below the group count.
        for row in 0..<array.count where validity?[row] ?? true {
            let group = unsafe Int(ids[row])
            if Value.isInteger { unsafe wholes[group] &+= values[row].bits } else { unsafe floats[group] += values[row].double }
            counts[group] &+= 1
        }
        if isMean {
            let means = (0..<grouping.groupCount).map { group in
                let total =
                    !Value.isInteger
                    ? floats[group] : Value.isSigned ? Double(wholes[group]) : Double(UInt64(bitPattern: wholes[group]))
                return total / Double(counts[group])
            }
            return ArrayData(type: .float64, count: means.count, buffers: [try Buffer(means)])
        }
        if !Value.isInteger { return ArrayData(type: .float64, count: floats.count, buffers: [try Buffer(floats)]) }
        return ArrayData(
            type: Value.isSigned ? .int64 : .uint64, count: wholes.count, buffers: [try Buffer(wholes)])
    }
}

private struct GroupExtreme: NativeVisitor {
    let array: ArrayData
    let grouping: Grouping
    let isMax: Bool

    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> ArrayData {
        let values = try unsafe array.values(of: type)
        let validity = array.usedValidityBitmap
        var rows = [Int](repeating: -1, count: grouping.groupCount)
        // Safety: rows are below the count.
        for row in 0..<array.count where validity?[row] ?? true {
            let group = grouping[row]
            let known = rows[group]
            if known < 0 {
                rows[group] = row
                continue
            }
            let (value, best) = unsafe (values[row], values[known])
            // What is not equal to itself is NaN, which any number replaces.
            if (isMax ? value > best : value < best) || (best != best && value == value) { rows[group] = row }
        }
        let buffer = try unsafe makeValues(type, count: rows.count) { target in
            for (group, row) in rows.enumerated() { unsafe target[group] = values[max(row, 0)] }
        }
        return ArrayData(type: array.type, count: rows.count, buffers: [buffer])
    }
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
        let grouping = try Grouping(keys: keyFields.indices.map { keys.child($0) })
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
