import MartletArrow
import MartletBase

/// Places in the sorted order.
enum RankFunctions {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [
            "rank": .init(1...1, ["sort_keys", "null_placement", "tiebreaker"]) { call throws(MartletError) in
                Datum(try ranks(call.array, call))
            },
            "select_k_unstable": .init(1...1, ["k", "sort_keys"]) { call throws(MartletError) in
                guard let limit = try call.options.signed("k"), limit >= 0 else {
                    throw .invalid(
                        "select_k_unstable requires a nonnegative `k`, got \(call.options.values["k"] ?? "none")")
                }
                let keys = try Compute.sortKeys(call)
                let order = try sortIndices(keys)
                // What is null is not selected.
                let valid = keys.count == 1 ? order.count - keys[0].values.nullCount : order.count
                return Datum(order.window(0, min(limit, valid)))
            },
            "partition_nth_indices": .init(1...1, ["pivot", "null_placement"]) { call throws(MartletError) in
                // The sorted order is a partition at any pivot.
                let nullsFirst = try call.options.choice("null_placement", ["at_end", "at_start"]) == "at_start"
                let pivot = try call.options.signed("pivot") ?? 0
                guard pivot >= 0, pivot <= call.array.count else {
                    throw .index("NthToIndices index out of bound: \(pivot) of \(call.array.count)")
                }
                return Datum(try sortIndices([SortKey(call.array, nullsFirst: nullsFirst)]))
            },
        ]
        functions["reverse"] = .init(1...1) { call throws(MartletError) in
            Datum(try take(call.array, rows: try Rows(numbers: Array((0..<call.array.count).reversed()))))
        }
        functions["inverse_permutation"] = .init(1...1, ["max_index"]) { call throws(MartletError) in
            let (reader, count) = (try LaneReader(call.array), call.array.count)
            let size = try call.options.signed("max_index").map { $0 < 0 ? count : $0 + 1 } ?? count
            var places = [Int64](repeating: -1, count: size)
            for row in 0..<count where call.array.isValid(row) {
                let index = reader.integer(at: row)
                guard index >= 0, index < Int64(size) else {
                    throw .index("Index out of bounds: \(index) (row \(row))")
                }
                places[Int(index)] = Int64(row)
            }
            var bits = try BitmapBuilder(capacity: size)
            for place in places { try bits.append(place >= 0) }
            let wide = ArrayData(type: .int64, count: size, validity: bits.finish(), buffers: [try Buffer(places)])
            return Datum(try cast(wide, to: call.array.type, options: .unsafe))
        }
        return functions
    }

    private static func ranks(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> ArrayData {
        let tie = try call.options.choice("tiebreaker", ["first", "min", "max", "dense"])
        let nullsFirst = try call.options.choice("null_placement", ["at_end", "at_start"]) == "at_start"
        let text = call.options.values["sort_keys"] ?? "ascending"
        let isDescending = text == "descending" || text.hasSuffix(":descending")
        let order = try sortIndices([SortKey(array, isDescending: isDescending, nullsFirst: nullsFirst)])
        let rows = try PrimitiveArray<UInt64>(order)
        let groups = try HashedRows(key: array, zerosAreEqual: true)
        let ids = unsafe groups.ids.pointer(to: UInt32.self)
        var ranks = [UInt64](repeating: 0, count: array.count)
        var (start, dense) = (0, 0 as UInt64)
        // Safety: there is an id for each row.
        while start < rows.count {
            var end = start + 1
            while unsafe end < rows.count && ids[Int(rows[end])] == ids[Int(rows[start])] { end += 1 }
            dense += 1
            for place in start..<end {
                ranks[Int(rows[place])] =
                    switch tie {
                    case "min": UInt64(start + 1)
                    case "max": UInt64(end)
                    case "dense": dense
                    case _: UInt64(place + 1)
                    }
            }
            start = end
        }
        return ArrayData(type: .uint64, count: ranks.count, buffers: [try Buffer(ranks)])
    }
}
