import MartletArrow
import MartletBase

extension Compute {
    /// The registry: every function with its arity, its options and its kernel.
    static let functions: [String: Function] = {
        var all: [String: Function] = [:]
        for part in [
            comparisons, logic, arithmetic, selections, aggregates, sets, StringTests.functions, StringMaps.functions,
            StringLists.functions, RegexFunctions.functions, MathFunctions.functions, BinaryFunctions.functions, CumulativeFunctions.functions,
            DateParts.functions, TimeText.functions, RoundTime.functions, ChoiceFunctions.functions,
            Quantiles.functions, RankFunctions.functions, PlacementFunctions.functions,
            IntervalFunctions.functions,
        ] { all.merge(part) { first, _ in first } }
        return all
    }()

    private static var comparisons: [String: Function] {
        var functions: [String: Function] = [:]
        for comparison in Comparison.allCases {
            functions[comparison.rawValue] = Function(2...2) { call throws(MartletError) in
                try compare(comparison, call[0], call[1])
            }
        }
        functions["is_null"] = .unary(["nan_is_null"]) { array, call throws(MartletError) in
            try isNull(array, nanIsNull: try call.options.bool("nan_is_null", default: false))
        }
        functions["is_valid"] = .unary { array, _ throws(MartletError) in try isValid(array) }
        functions["true_unless_null"] = .unary { array, _ throws(MartletError) in
            let valid = try isValid(array)
            return .booleans(valid.buffers[0], count: array.count, validity: valid.buffers[0])
        }
        for test in FloatTest.allCases {
            functions[test.rawValue] = .unary { array, _ throws(MartletError) in try test(array) }
        }
        functions["fill_null"] = Function(2...2) { call throws(MartletError) in try fillNull(call[0], call[1]) }
        functions["if_else"] = Function(3...3) { call throws(MartletError) in try ifElse(call[0], call[1], call[2]) }
        functions["coalesce"] = Function(1...Int.max - 1) { call throws(MartletError) in try coalesce(call.arguments) }
        return functions
    }

    private static var logic: [String: Function] {
        var functions: [String: Function] = [:]
        for logic in Logic.allCases {
            functions[logic.rawValue] = Function(2...2) { call throws(MartletError) in
                try combine(logic, call[0], call[1])
            }
        }
        functions["invert"] = .unary { array, _ throws(MartletError) in try invert(array) }
        return functions
    }

    private static var arithmetic: [String: Function] {
        var functions: [String: Function] = [:]
        for operation in Arithmetic.allCases {
            for isChecked in [false, true] {
                functions[operation.rawValue + (isChecked ? "_checked" : "")] = Function(2...2) {
                    call throws(MartletError) in
                    try compute(operation, call[0], call[1], isChecked: isChecked)
                }
            }
        }
        for (name, isAbs) in [("negate", false), ("abs", true)] {
            for isChecked in [false, true] {
                functions[name + (isChecked ? "_checked" : "")] = .unary { array, _ throws(MartletError) in
                    try negateOrAbs(array, isAbs: isAbs, isChecked: isChecked)
                }
            }
        }
        return functions
    }

    private static var selections: [String: Function] {
        let filter = Function(2...2, ["null_selection_behavior"]) { call throws(MartletError) in
            let keepNulls = try call.options.choice("null_selection_behavior", ["drop", "emit_null"]) == "emit_null"
            let mask = call[1].isScalar ? try call[1].broadcast(to: call.array.count) : call[1].array
            return Datum(try MartletCompute.filter(call.array, mask, keepNulls: keepNulls))
        }
        let take = Function(2...2, ["boundscheck"]) { call throws(MartletError) in
            // Bounds are always checked.
            _ = try call.options.bool("boundscheck", default: true)
            return Datum(try MartletCompute.take(call.array, call[1].array), isScalar: call[1].isScalar)
        }
        let sort = Function(1...1, ["sort_keys", "order", "null_placement"]) { call throws(MartletError) in
            Datum(try sortIndices(try sortKeys(call)))
        }
        return [
            "filter": filter, "array_filter": filter, "take": take, "array_take": take, "sort_indices": sort,
            "array_sort_indices": sort,
            "drop_null": Function(1...1) { call throws(MartletError) in
                Datum(try MartletCompute.filter(call.array, try isValid(call.array)))
            },
            "indices_nonzero": Function(1...1) { call throws(MartletError) in
                let mask = call.array.type == .boolean ? call.array : try MartletCompute.cast(call.array, to: .boolean)
                return Datum(try Rows(mask: mask).indices())
            },
            "cast": Function(1...1, CastOptions.optionNames + ["errors", "row_offset"]) { call throws(MartletError) in
                try cast(call)
            },
            "run_end_encode": Function(1...1, ["run_end_type"]) { call throws(MartletError) in
                let types: [String: DataType] = ["int16": .int16, "int32": .int32, "int64": .int64]
                guard let type = types[try call.options.text("run_end_type", default: "int32")] else {
                    throw .invalid(
                        "Run end type must be int16, int32 or int64, got \(call.options.values["run_end_type"] ?? "")")
                }
                let array = try plainRuns(call.array)
                return Datum(
                    try runEndEncode(
                        array, ends: Field("run_ends", type, isNullable: false), values: Field("values", array.type)))
            },
            "run_end_decode": Function(1...1) { call throws(MartletError) in call[0].with(try plainRuns(call.array)) },
            "unique": Function(1...1) { call throws(MartletError) in Datum(try unique(call.array)) },
            "value_counts": Function(1...1) { call throws(MartletError) in Datum(try valueCounts(call.array)) },
            "dictionary_encode": Function(1...1, ["null_encoding"]) { call throws(MartletError) in
                let encodes = try call.options.choice("null_encoding", ["mask", "encode"]) == "encode"
                return Datum(try dictionaryEncode(call.array, encodeNulls: encodes))
            },
            "dictionary_decode": Function(1...1) { call throws(MartletError) in
                guard case .dictionary(_, let value, _) = call.array.type else { return call[0] }
                return call[0].with(try MartletCompute.cast(call.array, to: value))
            },
        ]
    }

    /// Runs written out; any other array as it is.
    private static func plainRuns(_ array: ArrayData) throws(MartletError) -> ArrayData {
        guard case .runEndEncoded(_, let values) = array.type else { return array }
        return try MartletCompute.cast(try array.contiguousStrings(), to: values.type)
    }

    /// `name:ascending,other:descending` over the fields of a struct, or one `order` for a flat array.
    static func sortKeys(_ call: Call) throws(MartletError) -> [SortKey] {
        let nullsFirst = try call.options.choice("null_placement", ["at_end", "at_start"]) == "at_start"
        let isDescending = try call.options.choice("order", ["ascending", "descending"]) == "descending"
        guard case .struct(let fields) = call.array.type else {
            let key = call.options.values["sort_keys"] ?? ""
            return [
                SortKey(call.array, isDescending: isDescending || key.hasSuffix(":descending"), nullsFirst: nullsFirst)
            ]
        }
        guard let text = call.options.values["sort_keys"], !text.isEmpty else {
            return fields.indices.map {
                SortKey(call.array.child($0), isDescending: isDescending, nullsFirst: nullsFirst)
            }
        }
        var keys: [SortKey] = []
        for part in text.split(separator: ",") {
            var name = String(part)
            var descends = false
            for (suffix, value) in [(":ascending", false), (":descending", true)] where name.hasSuffix(suffix) {
                name.removeLast(suffix.count)
                descends = value
            }
            let index = try Schema(fields).index(of: name)
            keys.append(SortKey(call.array.child(index), isDescending: descends, nullsFirst: nullsFirst))
        }
        return keys
    }

    private static var aggregates: [String: Function] {
        var functions: [String: Function] = [:]
        for (name, isProduct) in [("sum", false), ("product", true)] {
            functions[name] = .aggregate { array, call throws(MartletError) in
                try limited(array, call, leastDefault: 1) { () throws(MartletError) in
                    try Sums(array: array).sum(name, isProduct: isProduct)
                }
            }
        }
        functions["mean"] = .aggregate { array, call throws(MartletError) in
            try limited(array, call, leastDefault: 1) { () throws(MartletError) in try Sums(array: array).mean() }
        }
        for (name, takesRoot) in [("stddev", true), ("variance", false)] {
            functions[name] = .aggregate(["ddof", "skip_nulls", "min_count"]) { array, call throws(MartletError) in
                let ddof = try call.options.integer("ddof", default: 0)
                return try limited(array, call, leastDefault: 0) { () throws(MartletError) in
                    let (squares, count) = try Sums(array: array).squares(name)
                    guard count > ddof else { return try .single(Double?.none, .float64) }
                    let variance = squares / Double(count - ddof)
                    return try .single(takesRoot ? variance.squareRoot() : variance, .float64)
                }
            }
        }
        for (name, isMax) in [("min", false), ("max", true)] {
            functions[name] = .aggregate { array, call throws(MartletError) in
                let found = try extremes(array, name)
                guard let found else { return try .nulls(array.type, count: 1) }
                return try limited(array, call, leastDefault: 1) { isMax ? found.max : found.min }
            }
        }
        functions["min_max"] = .aggregate { array, call throws(MartletError) in
            let null = try ArrayData.nulls(array.type, count: 1)
            let found = try extremes(array) ?? (null, null)
            let low = try limited(array, call, leastDefault: 1) { found.min }
            let high = try limited(array, call, leastDefault: 1) { found.max }
            return ArrayData(
                type: .struct([Field("min", low.type), Field("max", low.type)]), count: 1, children: [low, high])
        }
        functions["count"] = .aggregate(["mode"]) { array, call throws(MartletError) in
            let nulls = try isValid(array).bits().trueCount
            switch try call.options.choice("mode", ["only_valid", "only_null", "all"]) {
            case "only_null": return try .single(Int64(array.count - nulls), .int64)
            case "all": return try .single(Int64(array.count), .int64)
            case _: return try .single(Int64(nulls), .int64)
            }
        }
        functions["count_distinct"] = .aggregate(["mode"]) { array, call throws(MartletError) in
            let distinct = try HashedRows(key: array).firstRows.count
            let hasNull = array.nullCount > 0
            switch try call.options.choice("mode", ["only_valid", "only_null", "all"]) {
            case "only_null": return try .single(Int64(hasNull ? 1 : 0), .int64)
            case "all": return try .single(Int64(distinct), .int64)
            case _: return try .single(Int64(distinct - (hasNull ? 1 : 0)), .int64)
            }
        }
        for (name, isAny) in [("any", true), ("all", false)] {
            functions[name] = .aggregate { array, call throws(MartletError) in
                try anyOrAll(array, call, isAny: isAny)
            }
        }
        for (name, isFirst) in [("first", true), ("last", false)] {
            functions[name] = .aggregate { array, call throws(MartletError) in
                let skipNulls = try call.options.bool("skip_nulls", default: true)
                guard array.count - array.nullCount >= (try call.options.integer("min_count", default: 1)) else {
                    return try array.single(nil)
                }
                let rows = isFirst ? Array(0..<array.count) : Array((0..<array.count).reversed())
                return try array.single(rows.first { !skipNulls || array.isValid($0) })
            }
        }
        return functions
    }

    /// pyarrow's Kleene logic: a null counts as unknown unless it is skipped.
    private static func anyOrAll(_ array: ArrayData, _ call: Call, isAny: Bool) throws(MartletError) -> ArrayData {
        guard array.type == .boolean else { throw noKernel(call.name, [array.type]) }
        let bits = try array.bits()
        let validity = array.usedValidityBitmap
        var settled = false
        for i in 0..<array.count where (validity?[i] ?? true) && bits[i] == isAny {
            settled = true
            break
        }
        let least = try call.options.integer("min_count", default: 1)
        guard array.count - array.nullCount >= least else { return try .boolean(nil) }
        if settled { return try .boolean(isAny) }
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        return try .boolean(!skipNulls && array.nullCount > 0 ? nil : !isAny)
    }

    /// The result of `body`, or a null of its type when there are too few values, or nulls that may not be skipped.
    private static func limited(
        _ array: ArrayData, _ call: Call, leastDefault: Int, _ body: () throws(MartletError) -> ArrayData
    ) throws(MartletError) -> ArrayData {
        let result = try body()
        let valid = array.type == .null ? 0 : array.count - array.nullCount
        let least = try call.options.integer("min_count", default: leastDefault)
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        if valid < least || (!skipNulls && array.nullCount > 0) { return try .nulls(result.type, count: 1) }
        return result
    }

    private static var sets: [String: Function] {
        [
            "is_in": Function(2...2, ["null_matching_behavior", "skip_nulls"]) { call throws(MartletError) in
                let behavior = try call.options.choice(
                    "null_matching_behavior", ["match", "skip", "emit_null", "inconclusive"])
                let skips = try call.options.bool("skip_nulls", default: false)
                let nulls = skips ? .skip : NullMatching(rawValue: behavior) ?? .match
                return call[0].with(try isIn(call.array, set: call[1].array, nulls: nulls))
            },
            "index_in": Function(2...2, ["skip_nulls"]) { call throws(MartletError) in
                let skips = try call.options.bool("skip_nulls", default: false)
                return call[0].with(try indexIn(call.array, set: call[1].array, skipNulls: skips))
            },
            "is_in_meta_binary": Function(2...2) { call throws(MartletError) in
                call[0].with(try isIn(call.array, set: call[1].array, nulls: .match))
            },
            "index_in_meta_binary": Function(2...2) { call throws(MartletError) in
                call[0].with(try indexIn(call.array, set: call[1].array, skipNulls: false))
            },
        ]
    }
}
