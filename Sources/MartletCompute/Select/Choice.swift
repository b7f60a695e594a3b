import MartletArrow
import MartletBase

/// Functions that choose slots: of several arguments, of neighbours, of lists.
enum ChoiceFunctions {
    static var functions: [String: Compute.Function] {
        [
            "choose": .init(2...Int.max - 1) { call throws(MartletError) in try choose(call) },
            "case_when": .init(2...Int.max - 1) { call throws(MartletError) in try caseWhen(call) },
            "replace_with_mask": .init(3...3) { call throws(MartletError) in try replaced(call) },
            "fill_null_forward": .unary { array, _ throws(MartletError) in try filled(array, backward: false) },
            "fill_null_backward": .unary { array, _ throws(MartletError) in try filled(array, backward: true) },
            "list_value_length": .unary { array, _ throws(MartletError) in try lengths(array) },
            "list_flatten": .init(1...1, ["recursive"]) { call throws(MartletError) in
                var array = try flattened(call.array)
                while try call.options.bool("recursive", default: false), isList(array.type) {
                    array = try flattened(array)
                }
                return Datum(array)
            },
            "list_parent_indices": .init(1...1) { call throws(MartletError) in Datum(try parents(call.array)) },
            "list_element": .init(2...2) { call throws(MartletError) in try element(call) },
            "list_slice": .unary(["start", "stop", "step", "return_fixed_size_list"]) {
                array, call throws(MartletError) in
                try sliced(array, call)
            },
            "struct_field": .unary(["indices"]) { array, call throws(MartletError) in
                var array = array
                _ = try call.options.text("indices")
                for text in call.options.list("indices") {
                    guard case .struct(let fields) = array.type else {
                        throw .invalid("No match for FieldRef.Name(\(text)) in \(array.type), which is no struct")
                    }
                    let name = text.first == "'" || text.first == "\"" ? String(text.dropFirst().dropLast()) : text
                    let index = Int(name) ?? fields.firstIndex { $0.name == name } ?? -1
                    guard fields.indices.contains(index) else {
                        throw .invalid(
                            Int(name) == nil
                                ? "No match for FieldRef.Name(\(text)) in \(array.type)"
                                : "struct_field: out-of-bounds field reference to field \(text) in type \(array.type) with "
                                    + "\(fields.count) fields")
                    }
                    array = try Expression.flattened(array, index)
                }
                return array
            },
            "make_struct": .init(0...Int.max - 1, ["field_names", "field_nullability"]) { call throws(MartletError) in
                let names = call.options.values["field_names"].map(FunctionOptions.names) ?? []
                let nullable = call.options.list("field_nullability").map { $0.lowercased() != "false" }
                let count = call.arguments.count
                guard names.isEmpty || names.count == count, nullable.isEmpty || nullable.count == count else {
                    let bits = nullable.isEmpty ? names.count : nullable.count
                    throw .invalid(
                        "make_struct() was passed \(count) arguments but \(names.count) field names, \(bits) nullability "
                            + "bits, and \(names.count) metadata dictionaries.")
                }
                let rowCount = try commonCount(call.arguments)
                var (fields, children): ([Field], [ArrayData]) = ([], [])
                for (i, argument) in call.arguments.enumerated() {
                    let isNullable = nullable.isEmpty || nullable[i]
                    let name = names.isEmpty ? "\(i)" : names[i]
                    guard isNullable || argument.array.nullCount == 0 else {
                        throw .invalid(
                            "Output field \(name) (#\(i)) does not allow nulls but the corresponding argument was not "
                                + "entirely valid: fill its nulls, or let the field be nullable")
                    }
                    fields.append(Field(name, argument.type, isNullable: isNullable))
                    children.append(try argument.broadcast(to: rowCount))
                }
                return Datum(
                    ArrayData(type: .struct(fields), count: rowCount, children: children),
                    isScalar: !call.arguments.isEmpty && call.arguments.allSatisfy(\.isScalar))
            },
        ]
    }

    /// The type that all share, and the arguments in it.
    private static func unified(_ arguments: ArraySlice<Datum>, _ call: Compute.Call) throws(MartletError) -> (
        DataType, [Datum]
    ) {
        var type: DataType?
        for argument in arguments {
            guard let both = promoted(type ?? argument.type, argument.type) else {
                throw noKernel(call.name, call.arguments.map(\.type))
            }
            type = both
        }
        var all: [Datum] = []
        for argument in arguments { all.append(try converted(argument, to: type ?? argument.type)) }
        return (type ?? .null, all)
    }

    /// Takes row numbers that `place` gives; nil makes a null.
    private static func taken(_ values: ArrayData, count: Int, _ place: (Int) -> Int?) throws(MartletError) -> ArrayData
    {
        var bits = try BitmapBuilder(capacity: count)
        var rows: [Int64] = []
        rows.reserveCapacity(count)
        for row in 0..<count {
            let found = place(row)
            try bits.append(found != nil)
            rows.append(Int64(found ?? 0))
        }
        let hasNulls = bits.falseCount > 0
        let bitmap = bits.finish()
        return try take(
            values,
            ArrayData(type: .int64, count: count, validity: hasNulls ? bitmap : nil, buffers: [try Buffer(rows)]))
    }

    private static func choose(_ call: Compute.Call) throws(MartletError) -> Datum {
        guard call[0].type.isInteger || call[0].type == .null else {
            throw noKernel("choose", call.arguments.map(\.type))
        }
        let count = try commonCount(call.arguments)
        let (type, choices) = try unified(call.arguments.dropFirst(), call)
        let indices = try LaneReader(try converted(call[0], to: .int64))
        let validity = call.array.usedValidityBitmap
        let step = call[0].isScalar ? 0 : 1
        var starts: [Int] = []
        var total = 0
        for choice in choices {
            starts.append(total)
            total += choice.array.count
        }
        for row in 0..<count where validity?[row * step] ?? true {
            let index = indices.integer(at: row * step)
            guard index >= 0, index < Int64(choices.count) else {
                throw .index("choose: index \(index) out of range (row \(row))")
            }
        }
        let both = try concatenate(choices.map(\.array), type: type)
        let result = try taken(both, count: count) { row in
            guard validity?[row * step] ?? true else { return nil }
            let index = Int(indices.integer(at: row * step))
            return starts[index] + (choices[index].isScalar ? 0 : row)
        }
        return Datum(result, isScalar: call.arguments.allSatisfy(\.isScalar))
    }

    private static func caseWhen(_ call: Compute.Call) throws(MartletError) -> Datum {
        guard case .struct(let fields) = call[0].type, fields.allSatisfy({ $0.type == .boolean || $0.type == .null })
        else {
            throw .type("case_when: cond must be a STRUCT of BOOLEAN, not \(call[0].type)")
        }
        guard call.array.nullCount == 0 else {
            throw .invalid("cond struct must not be a null scalar or have top-level nulls")
        }
        let cases = call.arguments.count - 1
        guard cases == fields.count || cases == fields.count + 1 else {
            throw .invalid(
                "case_when: number of struct fields must be equal to or one less than count of remaining arguments (\(cases)), got: \(fields.count)"
            )
        }
        let (type, choices) = try unified(call.arguments.dropFirst(), call)
        var result = cases > fields.count ? choices[cases - 1] : try Datum(scalar: .nulls(type, count: 1))
        for i in fields.indices.reversed() {
            let condition = call[0].with(call.array.child(i))
            let isTrue = try fillNull(condition, try Datum(scalar: .boolean(false)))
            result = try ifElse(isTrue, choices[i], result)
        }
        return result
    }

    private static func replaced(_ call: Compute.Call) throws(MartletError) -> Datum {
        let (values, mask) = (call.array, call[1])
        guard mask.type == .boolean, mask.isScalar || mask.array.count == values.count else {
            throw .invalid(
                "Mask must be booleans of the same length: \(values.count) values, mask \(mask.array.count) of \(mask.type)"
            )
        }
        let replacements = try converted(call[2], to: values.type)
        let (bits, validity) = (try mask.array.bits(), mask.array.usedValidityBitmap)
        let step = mask.isScalar ? 0 : 1
        let both = try concatenate([values, replacements.array], type: values.type)
        var (next, last) = (0, 0)
        let result = try taken(both, count: values.count) { row in
            guard validity?[row * step] ?? true else { return nil }
            if !bits[row * step] { return row }
            last = next
            next += 1
            return replacements.isScalar ? values.count : min(values.count + last, both.count - 1)
        }
        guard replacements.isScalar || next <= replacements.array.count else {
            throw .invalid(
                "Replacement array must be of appropriate length (expected \(next) items but got \(replacements.array.count) items)"
            )
        }
        return Datum(result)
    }

    private static func filled(_ array: ArrayData, backward: Bool) throws(MartletError) -> ArrayData {
        guard let validity = array.usedValidityBitmap else { return array }
        var (rows, last) = ([Int](repeating: -1, count: array.count), -1)
        for i in 0..<array.count {
            let row = backward ? array.count - 1 - i : i
            if validity[row] { last = row }
            rows[row] = last
        }
        let places = rows
        return try taken(array, count: array.count) { places[$0] < 0 ? nil : places[$0] }
    }

    private static func isList(_ type: DataType) -> Bool { [.list, .fixedList, .map].contains(Caster.family(type)) }

    private static func checkList(_ array: ArrayData, _ name: String) throws(MartletError) {
        guard isList(array.type) else { throw noKernel(name, [array.type]) }
    }

    private static func lengths(_ array: ArrayData) throws(MartletError) -> ArrayData {
        try checkList(array, "list_value_length")
        let ranges = try ListRanges(array)
        let kind: NativeKind = array.type.layout.buffers == [.offsets64] ? .int64 : .int32
        let buffer = try makeLanes(kind, count: array.count) { block, writer in
            let out = unsafe writer.integers(block, 0)
            for i in 0..<block.count { unsafe out[i] = Int64(ranges[block.start &+ i].count) }
            unsafe writer.store(out, block)
            return true
        }
        return ArrayData(type: kind.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }

    /// The items of all valid lists.
    private static func flattened(_ array: ArrayData) throws(MartletError) -> ArrayData {
        try checkList(array, "list_flatten")
        let (ranges, items) = (try ListRanges(array), array.child(0))
        var runs: [Range<Int>] = []
        for row in 0..<array.count where array.isValid(row) {
            let range = ranges[row]
            if range.isEmpty { continue }
            if let last = runs.last, last.upperBound == range.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<range.upperBound
            } else {
                runs.append(range)
            }
        }
        return try take(items, rows: Rows(runs: runs))
    }

    private static func parents(_ array: ArrayData) throws(MartletError) -> ArrayData {
        try checkList(array, "list_parent_indices")
        let ranges = try ListRanges(array)
        var rows: [Int64] = []
        for row in 0..<array.count where array.isValid(row) { for _ in ranges[row] { rows.append(Int64(row)) } }
        return ArrayData(type: .int64, count: rows.count, buffers: [try Buffer(rows)])
    }

    private static func element(_ call: Compute.Call) throws(MartletError) -> Datum {
        let array = call.array
        try checkList(array, "list_element")
        let (ranges, items) = (try ListRanges(array), array.child(0))
        let places = try converted(call[1], to: .int64)
        let (reader, step) = (try LaneReader(places), places.isScalar ? 0 : 1)
        let count = try commonCount(call.arguments)
        let stepA = call[0].isScalar ? 0 : 1
        for row in 0..<count where array.isValid(row * stepA) {
            let (index, range) = (reader.integer(at: row * step), ranges[row * stepA])
            guard index >= 0, index < Int64(range.count) else {
                throw .invalid("Index \(index) is out of bounds: should be in [0, \(range.count)) (row \(row))")
            }
        }
        let result = try taken(items, count: count) { row in
            array.isValid(row * stepA) ? ranges[row * stepA].lowerBound + Int(reader.integer(at: row * step)) : nil
        }
        return Datum(result, isScalar: call.arguments.allSatisfy(\.isScalar))
    }

    private static func sliced(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> ArrayData {
        try checkList(array, "list_slice")
        let (start, step) = (try call.options.signed("start") ?? 0, try call.options.signed("step") ?? 1)
        let stop = try call.options.signed("stop")
        guard start >= 0, stop.map({ $0 > start || $0 == start }) ?? true else {
            throw .invalid(
                "`start`(\(start)) should be greater than or equal to 0 and not greater than `stop`(\(stop ?? -1))")
        }
        guard step >= 1 else { throw .invalid("`step` must be greater than or equal to 1, got: \(step)") }
        guard let field = array.type.childFields.first else { throw noKernel("list_slice", [array.type]) }
        var width: Int?
        if case .fixedSizeList(_, let count) = array.type { width = count }
        if call.options.values["return_fixed_size_list"] ?? "None" == "None"
            ? width != nil : try call.options.bool("return_fixed_size_list", default: false)
        {
            guard let end = stop ?? width else {
                throw .invalid(
                    "Unable to produce FixedSizeListArray from non-FixedSizeListArray without `stop` being set.")
            }
            let taken = end > start ? (end - start - 1) / step + 1 : 0
            return try slicedToFixed(array, field, from: start, by: step, count: taken)
        }
        let (ranges, items) = (try ListRanges(array), array.child(0))
        var (rows, offsets): ([Int], [Int64]) = ([], [0])
        for row in 0..<array.count {
            let range = array.isValid(row) ? ranges[row] : 0..<0
            let first = min(range.lowerBound + min(start, range.count), range.upperBound)
            let last = stop.map { min(range.lowerBound + min($0, range.count), range.upperBound) } ?? range.upperBound
            for place in stride(from: first, to: last, by: step) { rows.append(place) }
            offsets.append(Int64(rows.count))
        }
        let isWide = array.type.layout.buffers == [.offsets64]
        guard isWide || Int32(exactly: rows.count) != nil else {
            throw .capacity("list_slice: too many items for 32-bit offsets")
        }
        let numbers = ArrayData(type: .int64, count: offsets.count, buffers: [try Buffer(offsets)])
        let places = isWide ? numbers : try cast(numbers, to: .int32)
        return ArrayData(
            type: isWide ? .largeList(field) : .list(field), count: array.count, validity: try array.rebasedValidity(),
            buffers: [places.buffers[0]], children: [try take(items, rows: try Rows(numbers: rows))])
    }

    /// Of each list `width` items, nulls where it is shorter.
    private static func slicedToFixed(
        _ array: ArrayData, _ field: Field, from start: Int, by step: Int, count width: Int
    ) throws(MartletError) -> ArrayData {
        let total = try array.count.multiplied(checked: width)
        let ranges = try ListRanges(array)
        let places = try BufferBuilder(uninitializedCount: try total.multiplied(checked: 8))
        var bits = try BitmapBuilder(capacity: total)
        let out = unsafe places.pointer(to: Int64.self)
        for row in 0..<array.count {
            let range = array.isValid(row) ? ranges[row] : 0..<0
            for i in 0..<width {
                let item = start + i * step
                try bits.append(item < range.count)
                // Safety: row * width + i is less than the number of places.
                unsafe out[row * width + i] = item < range.count ? Int64(range.lowerBound + item) : 0
            }
        }
        let indices = ArrayData(type: .int64, count: total, validity: bits.finish(), buffers: [places.finish()])
        return ArrayData(
            type: .fixedSizeList(field, count: width), count: array.count, validity: try array.rebasedValidity(),
            children: [try take(array.child(0), indices)])
    }
}
