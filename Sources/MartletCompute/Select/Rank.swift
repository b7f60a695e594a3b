import Glibc
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
                return Datum(order.window(0, min(limit, order.count)))
            },
            "partition_nth_indices": .init(1...1, ["pivot", "null_placement"]) { call throws(MartletError) in
                // The sorted order is a partition at any pivot.
                let nullsFirst = try call.options.choice("null_placement", ["at_end", "at_start"]) == "at_start"
                _ = try call.options.text("pivot")
                let pivot = try call.options.signed("pivot") ?? 0
                guard pivot >= 0, pivot <= call.array.count else {
                    throw .index("NthToIndices index out of bound: \(pivot) of \(call.array.count)")
                }
                return Datum(try sortIndices([SortKey(call.array, nullsFirst: nullsFirst)]))
            },
        ]
        for (name, isNormal) in [("rank_quantile", false), ("rank_normal", true)] {
            functions[name] = .init(1...1, ["sort_keys", "null_placement"]) { call throws(MartletError) in
                // The part of the values below, and half of those that are equal.
                let (low, high) = (try ranks(call.array, call, tie: "min"), try ranks(call.array, call, tie: "max"))
                let (first, last) = (try PrimitiveArray<UInt64>(low), try PrimitiveArray<UInt64>(high))
                let count = call.array.count
                let buffer = try unsafe makeValues(Double.self, count: count) { out in
                    for row in 0..<count {
                        let quantile = (Double(first[row] - 1) + Double(last[row])) / 2 / Double(count)
                        unsafe out[row] = isNormal ? normalQuantile(quantile) : quantile
                    }
                }
                return Datum(ArrayData(type: .float64, count: count, buffers: [buffer]))
            }
        }
        functions["reverse"] = .init(1...1) { call throws(MartletError) in
            Datum(try take(call.array, rows: try Rows(numbers: Array((0..<call.array.count).reversed()))))
        }
        functions["inverse_permutation"] = .init(1...1, ["max_index"]) { call throws(MartletError) in
            let (reader, count) = (try LaneReader(call.array), call.array.count)
            let limit = try call.options.signed("max_index") ?? -1
            let size = limit < 0 ? count : try limit.adding(checked: 1)
            let buffer = try unsafe makeValues(Int64.self, count: size) { (places) throws(MartletError) in
                // Safety: indices are held against the size.
                for i in 0..<size { unsafe places[i] = -1 }
                for row in 0..<count where call.array.isValid(row) {
                    let index = reader.integer(at: row)
                    guard index >= 0, index < Int64(size) else {
                        throw .index("Index out of bounds: \(index) (row \(row))")
                    }
                    unsafe places[Int(index)] = Int64(row)
                }
            }
            let places = unsafe Shared(buffer.pointer(to: Int64.self))
            let bits = try makeBits(count: size) { start, length in
                var word: UInt64 = 0
                for i in 0..<length where unsafe places.value[start &+ i] >= 0 {
                    word |= 1 &<< UInt64(truncatingIfNeeded: i)
                }
                return word
            }
            let wide = ArrayData(type: .int64, count: size, validity: bits, buffers: [buffer])
            return Datum(try cast(wide, to: call.array.type, options: .unsafe))
        }
        return functions
    }

    /// Where the standard normal distribution reaches a probability: algorithm AS 241 (PPND16) of M. Wichura, 1988.
    private static func normalQuantile(_ probability: Double) -> Double {
        func ratio(_ r: Double, _ above: [Double], _ below: [Double]) -> Double {
            above.reversed().reduce(0) { $0 * r + $1 } / below.reversed().reduce(0) { $0 * r + $1 }
        }
        let q = probability - 0.5
        if abs(q) <= 0.425 {
            return q
                * ratio(
                    0.180625 - q * q,
                    [
                        3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
                        45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
                    ],
                    [
                        1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
                        39307.895800092710610, 28729.085735721942674, 5226.4952788528545610,
                    ])
        }
        let r = (-log(q < 0 ? probability : 1 - probability)).squareRoot()
        let value =
            r <= 5
            ? ratio(
                r - 1.6,
                [
                    1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
                    1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833,
                    7.74545014278341407640e-4,
                ],
                [
                    1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
                    0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
                ])
            : ratio(
                r - 5,
                [
                    6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
                    0.0265321895265761230930, 1.24266094738807843860e-3, 2.71155556874348757815e-5,
                    2.01033439929228813265e-7,
                ],
                [
                    1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
                    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                    2.04426310338993978564e-15,
                ])
        return q < 0 ? -value : value
    }

    private static func ranks(
        _ array: ArrayData, _ call: Compute.Call, tie: String? = nil
    ) throws(MartletError) -> ArrayData {
        var kind = tie ?? ""
        if tie == nil { kind = try call.options.choice("tiebreaker", ["first", "min", "max", "dense"]) }
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
                    switch kind {
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
