import Glibc
import MartletArrow
import MartletBase

/// The values at places of the sorted order, found without sorting.
enum Quantiles {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        let options = ["q", "interpolation", "skip_nulls", "min_count", "delta", "buffer_size"]
        functions["quantile"] = .init(1...1, options) { call throws(MartletError) in
            let interpolation = try call.options.choice(
                "interpolation", ["linear", "lower", "higher", "nearest", "midpoint"])
            return Datum(try quantiles(call.array, call, interpolation))
        }
        functions["tdigest"] = .init(1...1, options) { call throws(MartletError) in
            Datum(try quantiles(call.array, call, "linear"))
        }
        functions["approximate_median"] = .aggregate { array, call throws(MartletError) in
            try quantiles(array, call, "linear")
        }
        functions["mode"] = .init(1...1, ["n", "skip_nulls", "min_count"]) { call throws(MartletError) in
            Datum(try modes(call.array, call))
        }
        functions["first_last"] = .aggregate { array, call throws(MartletError) in
            let (first, last) = (
                try Compute.call("first", [Datum(array)], options: call.options.values).array,
                try Compute.call("last", [Datum(array)], options: call.options.values).array
            )
            return ArrayData(
                type: .struct([Field("first", array.type), Field("last", array.type)]), count: 1,
                children: [first, last])
        }
        for (name, isSkew) in [("skew", true), ("kurtosis", false)] {
            functions[name] = .aggregate(["skip_nulls", "biased", "min_count"]) { array, call throws(MartletError) in
                try shape(array, call, isSkew: isSkew)
            }
        }
        return functions
    }

    private static func numbers(_ array: ArrayData, _ name: String) throws(MartletError) -> ArrayData {
        if array.type.isNumeric { return array }
        if array.type == .null || Caster.family(array.type) == .decimal {
            return try cast(array, to: .float64, options: .unsafe)
        }
        throw noKernel(name == "approximate_median" ? "tdigest" : name, [array.type])
    }

    private static func quantiles(
        _ array: ArrayData, _ call: Compute.Call, _ interpolation: String
    ) throws(MartletError) -> ArrayData {
        let array = try numbers(array, call.name)
        var places: [Double] = []
        for text in call.options.list("q", default: ["0.5"]) {
            guard let place = Double(text), place >= 0, place <= 1 else {
                throw .invalid("Quantile must be between 0 and 1")
            }
            places.append(place)
        }
        guard !places.isEmpty else { throw .invalid("Requires quantile argument") }
        let mixes = interpolation == "linear" || interpolation == "midpoint"
        let type: DataType = mixes ? .float64 : array.type
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        let least = try call.options.integer("min_count", default: 0)
        let words = try sortable(array)
        let valid = array.count - array.nullCount
        if words.isEmpty || valid < least || (!skipNulls && array.nullCount > 0) {
            return try .nulls(type, count: places.count)
        }
        var values: [Double] = []
        var exact: [UInt64] = []
        for place in places {
            let index = Double(words.count - 1) * place
            var low = Int(index)
            let fraction = index - Double(low)
            if !mixes {
                let goesUp =
                    switch interpolation {
                    case "higher": fraction != 0
                    case "nearest": fraction > 0.5 || (fraction == 0.5 && low & 1 == 1)
                    case _: false
                    }
                if goesUp { low += 1 }
                exact.append(select(words, low))
                continue
            }
            let first = number(select(words, low), array)
            if fraction == 0 {
                values.append(first)
            } else {
                let second = number(select(words, low + 1), array)
                values.append(
                    interpolation == "midpoint" ? first / 2 + second / 2 : fraction * second + (1 - fraction) * first)
            }
        }
        if mixes { return ArrayData(type: .float64, count: values.count, buffers: [try Buffer(values)]) }
        if array.type.isFloatingPoint {
            let numbers = exact.map { number($0, array) }
            return try cast(
                ArrayData(type: .float64, count: exact.count, buffers: [try Buffer(numbers)]), to: array.type,
                options: .unsafe)
        }
        let flip: UInt64 = array.type.isUnsignedInteger ? 0 : 1 << 63
        let wide = ArrayData(
            type: array.type.isUnsignedInteger ? .uint64 : .int64, count: exact.count,
            buffers: [try Buffer(exact.map { $0 ^ flip })])
        return try cast(wide, to: array.type)
    }

    /// The order words of valid numbers, NaN left out.
    private static func sortable(_ array: ArrayData) throws(MartletError) -> [UInt64] {
        let buffer = try orderWords(array)
        let all = unsafe buffer.pointer(to: UInt64.self)
        let (validity, isFloat) = (array.usedValidityBitmap, array.type.isFloatingPoint)
        var words: [UInt64] = []
        words.reserveCapacity(array.count)
        for row in 0..<array.count where validity?[row] ?? true {
            let word = unsafe all[row]
            if !isFloat || word != .max { words.append(word) }
        }
        return words
    }

    private static func number(_ word: UInt64, _ array: ArrayData) -> Double {
        if array.type.isFloatingPoint { return Double(bitPattern: word >> 63 == 1 ? word ^ (1 << 63) : ~word) }
        return array.type.isUnsignedInteger ? Double(word) : Double(Int64(bitPattern: word ^ (1 << 63)))
    }

    /// The word at `place` of the sorted order: a byte at a time, among those that share what is known.
    private static func select(_ words: [UInt64], _ place: Int) -> UInt64 {
        var candidates = words
        var (left, known) = (place, 0 as UInt64)
        var counts = [Int](repeating: 0, count: 256)
        for byte in (0..<8).reversed() {
            let shift = UInt64(byte * 8)
            for i in 0..<256 { counts[i] = 0 }
            for word in candidates { counts[Int(truncatingIfNeeded: word >> shift & 255)] += 1 }
            var value = 0
            while left >= counts[value] {
                left -= counts[value]
                value += 1
            }
            known |= UInt64(value) << shift
            if counts[value] == candidates.count { continue }
            if counts[value] == 1 {
                return candidates.first { Int(truncatingIfNeeded: $0 >> shift & 255) == value } ?? known
            }
            candidates = candidates.filter { Int(truncatingIfNeeded: $0 >> shift & 255) == value }
        }
        return known
    }

    /// The `n` values that occur most, with their counts; smaller values first among equals.
    private static func modes(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> ArrayData {
        guard array.type.isNumeric || array.type == .boolean || Caster.family(array.type) == .decimal else {
            throw noKernel("mode", [array.type])
        }
        let limit = try call.options.integer("n", default: 1)
        guard limit > 0 else { throw .invalid("ModeOptions::n must be strictly positive") }
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        let least = try call.options.integer("min_count", default: 0)
        let type = DataType.struct([Field("mode", array.type), Field("count", .int64)])
        if array.count - array.nullCount < least || (!skipNulls && array.nullCount > 0) { return try .empty(type) }
        let counted = try valueCounts(try filter(array, try isValid(array)))
        let (values, counts) = (counted.child(0), counted.child(1))
        let order = try sortIndices([SortKey(counts, isDescending: true), SortKey(values)])
        let first = order.window(0, min(limit, order.count))
        return ArrayData(
            type: type, count: first.count, children: [try take(values, first), try take(counts, first)])
    }

    /// How lopsided or how peaked the values are spread.
    private static func shape(_ array: ArrayData, _ call: Compute.Call, isSkew: Bool) throws(MartletError) -> ArrayData
    {
        let numbers = try numbers(array, call.name)
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        let isBiased = try call.options.bool("biased", default: true)
        let least = try call.options.integer("min_count", default: 0)
        let (reader, validity) = (try LaneReader(numbers), numbers.usedValidityBitmap)
        let count = Double(numbers.count - numbers.nullCount)
        guard Int(count) >= max(least, isBiased ? 1 : isSkew ? 3 : 4), skipNulls || numbers.nullCount == 0 else {
            return try .single(Double?.none, .float64)
        }
        func total(_ map: @Sendable @escaping (Double) -> Double) throws(MartletError) -> Double {
            try reduceBlocks(of: numbers.count, 0.0) { sum, block in
                let (lanes, count) = unsafe reader.denseDoubles(block, validity)
                for i in 0..<count { unsafe sum += map(lanes[i]) }
            }.reduce(0, +)
        }
        let mean = try total { $0 } / count
        let squares = try total { ($0 - mean) * ($0 - mean) } / count
        if isSkew {
            let cubes = try total { ($0 - mean) * ($0 - mean) * ($0 - mean) } / count
            let skew = cubes / pow(squares, 1.5)
            return try .single(isBiased ? skew : skew * (count * (count - 1)).squareRoot() / (count - 2), .float64)
        }
        let fourths = try total { pow($0 - mean, 4) } / count
        let excess = fourths / (squares * squares) - 3
        let corrected = ((count + 1) * excess + 6) * (count - 1) / ((count - 2) * (count - 3))
        return try .single(isBiased ? excess : corrected, .float64)
    }
}
