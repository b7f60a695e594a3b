import MartletArrow
import MartletBase

/// pyarrow's functions of regular expressions. Expressions are those of Perl; what RE2 has, they have.
enum RegexFunctions {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        functions["match_substring_regex"] = .unary(["pattern", "ignore_case"]) { array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            let found = try numbers(strings, regex) { matcher, bytes in matcher.find(in: bytes) ? 1 : 0 }
            return try cast(found, to: .boolean)
        }
        functions["find_substring_regex"] = .unary(["pattern", "ignore_case"]) { array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            return try measured(strings, regex) { matcher, bytes in
                matcher.find(in: bytes) ? Int64(matcher.range()?.lowerBound ?? 0) : -1
            }
        }
        functions["count_substring_regex"] = .unary(["pattern", "ignore_case"]) { array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            return try measured(strings, regex) { matcher, bytes in
                // Each search begins a text of its own, as RE2's do.
                var (rest, count) = (bytes, 0 as Int64)
                while matcher.find(in: rest), let hit = matcher.range() {
                    count += 1
                    if hit.upperBound > 0 {
                        rest = rest[hit.upperBound...]
                    } else if rest.isEmpty {
                        break
                    } else {
                        rest = rest[1...]
                    }
                }
                return count
            }
        }
        functions["replace_substring_regex"] = .unary(["pattern", "replacement", "max_replacements"]) {
            array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            let replacement = try Replacement(try call.options.text("replacement"), regex)
            let limit = max(try call.options.signed("max_replacements") ?? -1, -1)
            let reader = try BytesReader(strings)
            let result = try makeText(textType(strings), count: strings.count, validity: strings.usedValidityBitmap, printer: {
                () throws(MartletError) in
                let matcher = try RegexMatcher(regex)
                return { output, row in replace(reader.slot(row), matcher, replacement, limit, &output) }
            })
            try regex.check()
            return result
        }
        functions["split_pattern_regex"] = .unary(["pattern", "max_splits", "reverse"]) {
            array, call throws(MartletError) in
            guard !(try call.options.bool("reverse", default: false)) else {
                throw .notImplemented("Cannot split in reverse with regex")
            }
            let (strings, regex) = try arguments(array, call)
            let result = try StringLists.split(strings, call) { () throws(MartletError) in
                let matcher = try RegexMatcher(regex)
                return { bytes, limit, _, parts in
                    var start = 0
                    while limit < 0 || parts.count < limit, start < bytes.count, matcher.find(in: bytes[start...]),
                        let hit = matcher.range()
                    {
                        // What is empty separates nothing.
                        if hit.isEmpty { break }
                        parts.append(start..<start + hit.lowerBound)
                        start += hit.upperBound
                    }
                    parts.append(start..<bytes.count)
                }
            }
            try regex.check()
            return result
        }
        functions["extract_regex"] = .unary(["pattern"]) { array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            let (names, spans) = (try names(regex), try spans(strings, regex))
            let reader = try BytesReader(strings)
            var children: [ArrayData] = []
            for group in names.indices {
                children.append(
                    try makeText(textType(strings), count: strings.count, validity: spans.validity) { output, row in
                        let (start, count) = spans[row, group]
                        if count > 0 { output.append(reader.slot(row)[start..<start + count]) }
                    })
            }
            let fields = zip(names, children).map { Field($0, $1.type) }
            return ArrayData(
                type: .struct(fields), count: strings.count, validity: spans.bits, children: children.map(\.allValid))
        }
        functions["extract_regex_span"] = .unary(["pattern"]) { array, call throws(MartletError) in
            let (strings, regex) = try arguments(array, call)
            let (names, spans) = (try names(regex), try spans(strings, regex))
            let kind: DataType = strings.type.layout.buffers.first == .offsets64 ? .int64 : .int32
            let type = DataType.fixedSizeList(Field("item", kind), count: 2)
            var children: [ArrayData] = []
            for group in names.indices {
                var present = try BitmapBuilder(capacity: strings.count)
                for row in 0..<strings.count { try present.append(spans[row, group].start >= 0) }
                let places = try unsafe makeValues(Int64.self, count: 2 * strings.count) { out in
                    for row in 0..<strings.count {
                        let (start, count) = spans[row, group]
                        unsafe out[2 * row] = Int64(max(start, 0))
                        unsafe out[2 * row + 1] = Int64(count)
                    }
                }
                let flat = ArrayData(type: .int64, count: 2 * strings.count, buffers: [places])
                children.append(
                    ArrayData(
                        type: type, count: strings.count, validity: present.finish(), children: [try cast(flat, to: kind)]))
            }
            return ArrayData(
                type: .struct(names.map { Field($0, type) }), count: strings.count, validity: spans.bits,
                children: children)
        }
        return functions
    }

    private static func arguments(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> (ArrayData, Regex) {
        let strings = try stringArgument(array, call.name)
        let ignoresCase = call.options.knows("ignore_case") ? try call.options.bool("ignore_case", default: false) : false
        let regex = try Regex(
            try call.options.text("pattern"), ignoresCase: ignoresCase, isText: Caster.family(strings.type) == .text)
        return (strings, regex)
    }

    private static func textType(_ array: ArrayData) -> DataType {
        if case .fixedSizeBinary = array.type { return .binary }
        return array.type
    }

    /// 64-bit numbers, one for each valid string.
    private static func numbers(
        _ array: ArrayData, _ regex: Regex, _ measure: @Sendable (RegexMatcher, Bytes) -> Int64
    ) throws(MartletError) -> ArrayData {
        let (reader, validity) = (try BytesReader(array), array.usedValidityBitmap)
        let buffer = try unsafe makeValues(Int64.self, count: array.count) { target throws(MartletError) in
            let out = unsafe Shared(target)
            // Safety: pieces write slots of their own.
            try forEachPiece(of: array.count, size: 1 << 14) { start, length throws(MartletError) in
                let matcher = try RegexMatcher(regex)
                for row in start..<start + length {
                    unsafe out.value[row] = validity?[row] ?? true ? measure(matcher, reader.slot(row)) : 0
                }
            }
        }
        try regex.check()
        return ArrayData(type: .int64, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }

    /// As `numbers`, in the width of the strings' offsets.
    private static func measured(
        _ array: ArrayData, _ regex: Regex, _ measure: @Sendable (RegexMatcher, Bytes) -> Int64
    ) throws(MartletError) -> ArrayData {
        let wide = try numbers(array, regex, measure)
        return array.type.layout.buffers.first == .offsets64 ? wide : try cast(wide, to: .int32)
    }

    /// As RE2's GlobalReplace: an empty match right behind another one does not count.
    private static func replace(
        _ bytes: Bytes, _ matcher: RegexMatcher, _ replacement: Replacement, _ limit: Int, _ output: inout TextOutput
    ) {
        var (start, last, left) = (0, -1, limit)
        while left != 0, start <= bytes.count, matcher.find(in: bytes, from: start), let hit = matcher.range() {
            output.append(bytes[start..<max(start, hit.lowerBound)])
            start = hit.upperBound
            if hit.isEmpty && hit.lowerBound == last {
                guard start < bytes.count else { break }
                let length = scalar(bytes, start).length
                output.append(bytes[start..<start + length])
                start += length
                continue
            }
            replacement.append(to: &output, bytes, matcher)
            last = start
            left -= 1
        }
        if start < bytes.count { output.append(bytes[start...]) }
    }

    /// Text and the numbers of groups: `\1` stands for the first group, `\0` for the whole, `\\` for itself.
    private struct Replacement: Sendable {
        private enum Part: Sendable {
            case bytes([UInt8])
            case group(Int)
        }
        private var parts: [Part] = []

        init(_ text: String, _ regex: Regex) throws(MartletError) {
            var (plain, bytes) = ([UInt8](), Array(text.utf8)[...])
            while let byte = bytes.popFirst() {
                guard byte == UInt8(ascii: "\\") else {
                    plain.append(byte)
                    continue
                }
                guard let next = bytes.popFirst() else {
                    throw .invalid("Invalid replacement string: Rewrite schema error: '\\' not allowed at end.")
                }
                if next == byte {
                    plain.append(byte)
                    continue
                }
                let group = Int(next) - 48
                guard (0...9).contains(group) else {
                    throw .invalid(
                        "Invalid replacement string: Rewrite schema error: '\\' must be followed by a digit or '\\'.")
                }
                guard group <= regex.groupCount else {
                    throw .invalid(
                        "Invalid replacement string: Rewrite schema requests \(group) matches, but the regexp only has "
                            + "\(regex.groupCount) parenthesized subexpressions.")
                }
                parts += [.bytes(plain), .group(group)]
                plain = []
            }
            parts.append(.bytes(plain))
        }

        func append(to output: inout TextOutput, _ bytes: Bytes, _ matcher: RegexMatcher) {
            for part in parts {
                switch part {
                case .bytes(let plain): plain.withBytes { output.append($0) }
                case .group(let group): if let range = matcher.range(group) { output.append(bytes[range]) }
                }
            }
        }
    }

    private static func names(_ regex: Regex) throws(MartletError) -> [String] {
        var names: [String] = []
        for name in regex.groupNames {
            guard let name else { throw .invalid("Regular expression contains unnamed groups") }
            names.append(name)
        }
        return names
    }

    /// Where the groups of the first match of each string lie.
    private struct Spans: Sendable {
        let groups: Int
        /// A start and a length for each group of each row; the start is -1 for a group that took no part.
        let places: Buffer
        let bits: Buffer
        let validity: Bitmap?

        subscript(row: Int, group: Int) -> (start: Int, count: Int) {
            let base = unsafe places.pointer(to: Int.self) + (row * groups + group) * 2
            return unsafe (base[0], base[1])
        }
    }

    private static func spans(_ array: ArrayData, _ regex: Regex) throws(MartletError) -> Spans {
        let (reader, validity, groups) = (try BytesReader(array), array.usedValidityBitmap, regex.groupCount)
        let builder = try BufferBuilder(uninitializedCount: (array.count + 63) / 64 * 8)
        let size = try array.count.multiplied(checked: 2 * groups)
        let places = try unsafe makeValues(Int.self, count: size) { target throws(MartletError) in
            let out = unsafe Shared((target, builder.pointer(to: UInt64.self)))
            // Safety: pieces start at multiples of 64 rows and write their own.
            try forEachPiece(of: array.count, size: 1 << 14) { start, length throws(MartletError) in
                let matcher = try RegexMatcher(regex)
                for first in stride(from: start, to: start + length, by: 64) {
                    var word: UInt64 = 0
                    for row in first..<min(first + 64, start + length) {
                        let isFound = validity?[row] ?? true && matcher.find(in: reader.slot(row))
                        word |= (isFound ? 1 : 0) << UInt64(row & 63)
                        for group in 0..<groups {
                            let range = isFound ? matcher.range(group + 1) : nil
                            unsafe out.value.0[(row * groups + group) * 2] = range?.lowerBound ?? -1
                            unsafe out.value.0[(row * groups + group) * 2 + 1] = range?.count ?? 0
                        }
                    }
                    unsafe out.value.1[first / 64] = word
                }
            }
        }
        try regex.check()
        let bits = builder.finish()
        return Spans(groups: groups, places: places, bits: bits, validity: try Bitmap(bits, count: array.count))
    }
}

extension ArrayData {
    /// Without nulls: what is null is said by the struct around it.
    fileprivate var allValid: ArrayData {
        ArrayData(type: type, count: count, offset: offset, nullCount: 0, buffers: buffers, children: children)
    }
}
