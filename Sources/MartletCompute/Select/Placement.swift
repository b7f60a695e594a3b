import MartletArrow
import MartletBase

/// Functions that place values by numbers, and numbers by values.
enum PlacementFunctions {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        functions["scatter"] = .init(2...2, ["max_index"]) { call throws(MartletError) in
            let (values, indices) = (call.array, call[1].array)
            guard values.count == indices.count else {
                throw .invalid(
                    "Input and indices of scatter must have the same length, got \(values.count) and \(indices.count)")
            }
            let options = call.options.values.filter { $0.key == "max_index" }
            let places = try Compute.call("inverse_permutation", [Datum(indices)], options: options)
            return Datum(try take(values, places.array))
        }
        functions["search_sorted"] = .init(2...2, ["side"]) { call throws(MartletError) in
            let isRight = try call.options.choice("side", ["left", "right"]) == "right"
            return call[1].with(try places(of: call[1].array, in: call.array, isRight: isRight))
        }
        functions["map_lookup"] = .init(2...2, ["occurrence"]) { call throws(MartletError) in
            let occurrence = try call.options.choice("occurrence", ["first", "last", "all"])
            return call[0].with(try lookup(call.array, call[1], occurrence))
        }
        functions["round_binary"] = .init(2...2, ["round_mode"]) { call throws(MartletError) in
            let count = try commonCount(call.arguments)
            let digits = try converted(call[1], to: .int64)
            let mode = call.options.values.filter { $0.key == "round_mode" }
            var result: Datum?
            // One rounding for each number of digits: there are few.
            let values = try unique(digits.array)
            let distinct = try LaneReader(values)
            for i in 0..<values.count where values.isValid(i) {
                let number = distinct.integer(at: i)
                let made = try Compute.call(
                    "round", [call[0]], options: mode.merging(["ndigits": String(number)]) { $1 })
                let mask = try compare(.equal, digits, Datum(scalar: .single(number, .int64)))
                if result == nil { result = made.with(try .nulls(made.type, count: made.array.count)) }
                if let before = result { result = try ifElse(mask, made, before) }
            }
            if let result { return result }
            return Datum(try .nulls(call[0].type, count: count), isScalar: call[0].isScalar && call[1].isScalar)
        }
        functions["winsorize"] = .init(1...1, ["lower_limit", "upper_limit"]) { call throws(MartletError) in
            let lower = try call.options.double("lower_limit", default: .nan)
            let upper = try call.options.double("upper_limit", default: .nan)
            guard lower >= 0, lower <= 1, upper >= 0, upper <= 1 else {
                throw .invalid("winsorize limits must be between 0 and 1, got lower_limit=\(lower) and upper_limit=\(upper)")
            }
            guard lower <= upper else {
                throw .invalid("winsorize upper limit must be equal or greater than lower limit, got \(lower) and \(upper)")
            }
            return call[0].with(try winsorized(call.array, lower, upper))
        }
        functions["random"] = .init(0...0, ["length", "initializer"]) { call throws(MartletError) in
            let count = try Int(size: Int64(try call.options.integer("length", default: 0)), "length")
            let seed = try call.options.text("initializer", default: "system")
            var state: UInt64
            if seed == "system" {
                state = UInt64.random(in: .min ... .max)
            } else {
                guard let number = Int64(seed) else {
                    throw .invalid("initializer should be an integer or 'system', got '\(seed)'")
                }
                state = UInt64(bitPattern: number)
            }
            let buffer = try unsafe makeValues(Double.self, count: count) { out in
                for i in 0..<count {
                    // SplitMix64; the upper 53 bits are a fraction.
                    state &+= 0x9E37_79B9_7F4A_7C15
                    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
                    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                    unsafe out[i] = Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
                }
            }
            return Datum(ArrayData(type: .float64, count: count, buffers: [buffer]))
        }
        return functions
    }

    /// How many values are less than each needle, or not greater (`isRight`): where it goes in sorted values. Nulls among the
    /// values stand together at one end, which counts.
    private static func places(of needles: ArrayData, in values: ArrayData, isRight: Bool) throws(MartletError) -> ArrayData {
        guard values.type == needles.type else {
            throw .type(
                "search_sorted arguments must have matching logical types, got \(values.type) and \(needles.type)")
        }
        let nulls = values.nullCount
        let offset = nulls > 0 && values.count > 0 && !values.isValid(0) ? nulls : 0
        let plain = try values.slice(at: offset, count: values.count - nulls)
        guard plain.nullCount == 0 else {
            throw .invalid("search_sorted: nulls must be clustered at the start or at the end of the values")
        }
        // Both sorted together, stably: behind its equals stands what comes last.
        let both = try concatenate(isRight ? [plain, needles] : [needles, plain], type: values.type)
        let order = try PrimitiveArray<UInt64>(try sortIndices([SortKey(both)]))
        let (start, count) = (isRight ? plain.count : 0, needles.count)
        let result = try unsafe makeValues(UInt64.self, count: count) { out in
            for i in 0..<count { unsafe out[i] = 0 }
            var before = 0 as UInt64
            for i in 0..<order.count {
                let row = Int(order[i])
                if row >= start, row < start + count {
                    unsafe out[row - start] = before + UInt64(offset)
                } else {
                    before += 1
                }
            }
        }
        return ArrayData(type: .uint64, count: count, validity: try needles.rebasedValidity(), buffers: [result])
    }

    /// The items of a key in each map; null where there is none.
    private static func lookup(_ maps: ArrayData, _ key: Datum, _ occurrence: String) throws(MartletError) -> ArrayData {
        guard case .map = maps.type, let entries = maps.children.first, entries.children.count == 2 else {
            throw noKernel("map_lookup", [maps.type])
        }
        guard key.isScalar, key.array.isValid(0) else { throw .invalid("map_lookup: query_key can't be empty.") }
        let (keys, items) = (entries.child(0), entries.child(1))
        guard key.type.holdsSameValues(as: keys.type) else {
            throw .type("map_lookup: query_key type and Map key_type don't match. Expected type: \(keys.type), but got type: \(key.type)")
        }
        let hits = try compare(.equal, Datum(keys), key).array
        let (bits, ranges, validity) = (try hits.bits(), try ListRanges(maps), maps.usedValidityBitmap)
        var (rows, offsets) = ([Int64](), [0 as Int32])
        var present = try BitmapBuilder(capacity: maps.count)
        for row in 0..<maps.count {
            let range = validity?[row] ?? true ? ranges[row] : 0..<0
            let isFound = range.contains { bits[$0] }
            try present.append(isFound)
            switch occurrence {
            case "first": rows.append(Int64(range.first { bits[$0] } ?? 0))
            case "last": rows.append(Int64(range.last { bits[$0] } ?? 0))
            case _:
                for place in range where bits[place] { rows.append(Int64(place)) }
                guard let end = Int32(exactly: rows.count) else { throw .capacity("too many items for one list array") }
                offsets.append(end)
            }
        }
        let mask = present.finish()
        let isList = occurrence == "all"
        let indices = ArrayData(
            type: .int64, count: rows.count, validity: isList ? nil : mask, buffers: [try Buffer(rows)])
        let taken = try take(items, indices)
        if !isList { return taken }
        return ArrayData(
            type: .list(Field("item", items.type)), count: maps.count, validity: mask, buffers: [try Buffer(offsets)],
            children: [taken])
    }

    /// Values beyond two quantiles become those.
    private static func winsorized(_ array: ArrayData, _ lower: Double, _ upper: Double) throws(MartletError) -> ArrayData {
        let valid = try filter(array, try isValid(array))
        let plain = array.type.isFloatingPoint ? try filter(valid, try invert(try isNaN(valid))) : valid
        if plain.count == 0 { return array }
        let order = try sortIndices([SortKey(plain)])
        func limit(_ quantile: Double) throws(MartletError) -> Datum {
            let row = Int((Double(plain.count - 1) * quantile).rounded(.toNearestOrEven))
            return try Datum(scalar: try take(plain, order.slice(at: row, count: 1)))
        }
        var result = Datum(array)
        for (comparison, bound) in [(Comparison.less, try limit(lower)), (.greater, try limit(upper))] {
            result = try ifElse(try compare(comparison, result, bound), bound, result)
        }
        return result.array
    }
}
