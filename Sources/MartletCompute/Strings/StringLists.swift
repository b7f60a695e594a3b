import MartletArrow
import MartletBase

/// Strings to lists of strings and back.
enum StringLists {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        functions["split_pattern"] = .unary(["pattern", "max_splits", "reverse"]) { array, call throws(MartletError) in
            let pattern = Array(try call.options.text("pattern").utf8)
            guard !pattern.isEmpty else { throw .invalid("Empty separator") }
            return try split(try stringArgument(array, call.name), call) {
                { bytes, limit, reverse, parts in pattern.withBytes { pieces(bytes, $0, limit, reverse, &parts) } }
            }
        }
        for isASCII in [true, false] {
            functions[isASCII ? "ascii_split_whitespace" : "utf8_split_whitespace"] = .unary(["max_splits", "reverse"])
            {
                array, call throws(MartletError) in
                try split(try stringArgument(array, call.name, acceptsBinary: false), call) {
                    { bytes, limit, reverse, parts in parts = words(bytes, limit, reverse, isASCII: isASCII) }
                }
            }
        }
        functions["binary_join"] = Function(2...2) { call throws(MartletError) in try join(call) }
        functions["binary_join_element_wise"] = Function(1...Int.max - 1, ["null_handling", "null_replacement"]) {
            call throws(MartletError) in try joinRows(call)
        }
        functions["binary_repeat"] = Function(2...2) { call throws(MartletError) in
            let count = try commonCount(call.arguments)
            let strings = try stringArgument(call.array, "binary_repeat")
            let times = try converted(call[1], to: .int64)
            let (reader, numbers) = (try BytesReader(strings), try LaneReader(times))
            let (one, other) = (call[0].isScalar, call[1].isScalar)
            for row in 0..<times.array.count where times.array.isValid(row) && numbers.integer(at: row) < 0 {
                throw .invalid("Repeat count must be a non-negative integer (row \(row))")
            }
            let validity = try intersection(
                one ? nil : strings.usedValidityBitmap, other ? nil : times.array.usedValidityBitmap, count: count)
            if call.arguments.contains(where: \.isNullScalar) {
                return Datum(try .nulls(strings.type, count: count), isScalar: one && other)
            }
            let present = try validity.map { bits throws(MartletError) in try Bitmap(bits, count: count) }
            let result = try makeText(strings.type, count: count, validity: present) { output, row in
                output.append(
                    repeating: reader.slot(one ? 0 : row), count: Int(numbers.integer(at: other ? 0 : row)))
            }
            return Datum(result, isScalar: one && other)
        }
        return functions
    }

    private typealias Function = Compute.Function
    /// Parts of a string, in order.
    typealias Parts = [Range<Int>]

    /// Lists of parts; `makeDivide` makes what divides strings, once for each thread that does.
    static func split(
        _ array: ArrayData, _ call: Compute.Call,
        _ makeDivide: @Sendable () throws(MartletError) -> (Bytes, Int, Bool, inout Parts) -> Void
    ) throws(MartletError) -> ArrayData {
        let limit = try call.options.signed("max_splits") ?? -1
        let reverse = try call.options.bool("reverse", default: false)
        let (strings, validity) = (try BytesReader(array), array.usedValidityBitmap)
        let item = Caster.family(array.type) == .fixedBinary ? DataType.binary : array.type
        let type = DataType.list(Field("item", item))
        let size = 1 << 15
        let parts = try WorkerPool.map((array.count + size - 1) / size) { piece throws(MartletError) in
            let rows = piece * size..<min(array.count, (piece + 1) * size)
            let divide = try makeDivide()
            var offsets: [Int32] = [0]
            offsets.reserveCapacity(rows.count + 1)
            var places: [(row: Int, part: Range<Int>)] = []
            places.reserveCapacity(rows.count * 2)
            var parts: Parts = []
            for row in rows {
                if validity?[row] ?? true {
                    parts.removeAll(keepingCapacity: true)
                    divide(strings.slot(row), limit, reverse, &parts)
                    for part in parts { places.append((row, part)) }
                }
                guard let end = Int32(exactly: places.count) else {
                    throw .capacity("too many parts for one list array")
                }
                offsets.append(end)
            }
            let found = places
            let values = try makeText(item, count: found.count, validity: nil) { output, index in
                output.append(strings.slot(found[index].row)[found[index].part])
            }
            return ArrayData(type: type, count: rows.count, buffers: [try Buffer(offsets)], children: [values])
        }
        let whole = try concatenate(parts, type: type)
        return ArrayData(
            type: type, count: array.count, validity: try array.rebasedValidity(), buffers: whole.buffers,
            children: whole.children)
    }

    private static func pieces(_ bytes: Bytes, _ pattern: Bytes, _ limit: Int, _ reverse: Bool, _ parts: inout Parts) {
        if reverse && limit >= 0 {
            var (end, stop) = (bytes.count, bytes.count)
            while parts.count < limit, end >= pattern.count {
                var place = end - pattern.count
                while place >= 0 && !bytes.has(pattern, at: place) { place -= 1 }
                if place < 0 { break }
                parts.append(place + pattern.count..<stop)
                (end, stop) = (place, place)
            }
            parts.append(0..<stop)
            parts.reverse()
            return
        }
        var (start, place) = (0, find(pattern, in: bytes))
        while place >= 0, limit < 0 || parts.count < limit {
            parts.append(start..<place)
            start = place + pattern.count
            place = find(pattern, in: bytes, from: start)
        }
        parts.append(start..<bytes.count)
    }

    private static func words(_ bytes: Bytes, _ limit: Int, _ reverse: Bool, isASCII: Bool) -> Parts {
        // Runs of white space.
        var gaps: Parts = []
        var index = 0
        while index < bytes.count {
            let (value, length) = scalar(bytes, index)
            if isSpace(value, isASCII: isASCII) {
                if let last = gaps.last, last.upperBound == index {
                    gaps[gaps.count - 1] = last.lowerBound..<index + length
                } else {
                    gaps.append(index..<index + length)
                }
            }
            index += length
        }
        if limit >= 0 { gaps = reverse ? gaps.suffix(limit) : Array(gaps.prefix(limit)) }
        var parts: Parts = []
        var start = 0
        for gap in gaps {
            parts.append(start..<gap.lowerBound)
            start = gap.upperBound
        }
        parts.append(start..<bytes.count)
        return parts
    }

    /// The strings of each list with a separator between them; null where an item is.
    private static func join(_ call: Compute.Call) throws(MartletError) -> Datum {
        var lists = call.array
        switch lists.type {
        case .list, .largeList: break
        case .fixedSizeList(let field, _): lists = try cast(lists, to: .list(field))
        case _: throw noKernel("binary_join", call.arguments.map(\.type))
        }
        let item = lists.children[0]
        let items = try stringArgument(item, "binary_join")
        let separators = try BytesReader(try converted(call[1], to: items.type).array)
        let separator = call[1]
        let (strings, itemValidity) = (try BytesReader(items), items.usedValidityBitmap)
        let ranges = try ListRanges(lists)
        let validity = lists.usedValidityBitmap
        var present = try BitmapBuilder(capacity: lists.count)
        for row in 0..<lists.count {
            let isWhole = itemValidity.map { bits in ranges[row].allSatisfy { bits[$0] } } ?? true
            try present.append(
                (validity?[row] ?? true) && isWhole && separator.array.isValid(separator.isScalar ? 0 : row))
        }
        let bits = try Bitmap(present.finish(), count: lists.count)
        return Datum(
            try makeText(items.type, count: lists.count, validity: bits) { output, row in
                for (i, place) in ranges[row].enumerated() {
                    if i > 0 { output.append(separators.slot(separator.isScalar ? 0 : row)) }
                    output.append(strings.slot(place))
                }
            }, isScalar: call[0].isScalar)
    }

    /// The strings of each row, the last of which is the separator.
    private static func joinRows(_ call: Compute.Call) throws(MartletError) -> Datum {
        let behavior = try call.options.choice("null_handling", ["emit_null", "skip", "replace"])
        let replacement = Array(try call.options.text("null_replacement", default: "").utf8)
        let count = try commonCount(call.arguments)
        var type = DataType.string
        for argument in call.arguments {
            let plain = try stringArgument(argument.array, call.name).type
            type = promoted(type, plain) ?? plain
        }
        if call.arguments.allSatisfy({ Caster.family($0.type) == .binary }) {
            type = type == .largeBinary ? type : .binary
        }
        var readers: [(reader: BytesReader, validity: Bitmap?, step: Int)] = []
        for argument in call.arguments {
            let array = try converted(argument, to: type).array
            readers.append((try BytesReader(array), array.usedValidityBitmap, argument.isScalar ? 0 : 1))
        }
        guard let separator = readers.popLast() else { throw .invalid("binary_join_element_wise needs a separator") }
        let columns = readers
        func isValid(_ column: (reader: BytesReader, validity: Bitmap?, step: Int), _ row: Int) -> Bool {
            column.validity?[row * column.step] ?? true
        }
        var present = try BitmapBuilder(capacity: count)
        for row in 0..<count {
            let isWhole = behavior != "emit_null" || columns.allSatisfy { isValid($0, row) }
            try present.append(isWhole && isValid(separator, row))
        }
        let bits = try Bitmap(present.finish(), count: count)
        let result = try makeText(type, count: count, validity: bits) { output, row in
            var isFirst = true
            for column in columns {
                let isValid = column.validity?[row * column.step] ?? true
                if !isValid && behavior == "skip" { continue }
                if !isFirst { output.append(separator.reader.slot(row * separator.step)) }
                isFirst = false
                if isValid {
                    output.append(column.reader.slot(row * column.step))
                } else {
                    replacement.withBytes { output.append($0) }
                }
            }
        }
        return Datum(result, isScalar: call.arguments.allSatisfy(\.isScalar))
    }
}

/// Where the items of each list lie.
struct ListRanges: Sendable {
    private let narrow: ListArray<Int32>?
    private let wide: ListArray<Int64>?
    private let width: Int

    /// Lists of 32- or 64-bit offsets, maps, and lists of a fixed size.
    init(_ array: ArrayData) throws(MartletError) {
        if case .fixed(let width) = array.type.layout.children {
            (narrow, wide, self.width) = (nil, nil, width)
            return
        }
        width = 0
        let isWide = array.type.layout.buffers == [.offsets64]
        narrow = isWide ? nil : try ListArray<Int32>(array)
        wide = isWide ? try ListArray<Int64>(array) : nil
    }

    subscript(row: Int) -> Range<Int> {
        narrow?.range(row) ?? wide?.range(row) ?? row * width..<row * width + width
    }
}
