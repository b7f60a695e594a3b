import Glibc
import MartletArrow
import MartletBase

/// Arguments of string functions: strings and binaries; dictionaries are decoded first.
func stringArgument(_ array: ArrayData, _ function: String, acceptsBinary: Bool = true) throws(MartletError)
    -> ArrayData
{
    var array = array
    if case .dictionary(_, let value, _) = array.type { array = try cast(array, to: value) }
    switch Caster.family(array.type) {
    case .text: return array
    case .binary where acceptsBinary, .fixedBinary where acceptsBinary: return array
    case .null: return try cast(array, to: .string)
    case _: throw noKernel(function, [array.type])
    }
}

/// Booleans: what `test` says of each valid string.
private func tested(_ array: ArrayData, _ test: @Sendable (Bytes) -> Bool) throws(MartletError) -> ArrayData {
    let strings = try BytesReader(array)
    // What is under nulls is tested too: nobody sees it.
    let bits = try unsafe makeLaneBits(count: array.count) { block, bytes in
        for i in 0..<block.count { unsafe bytes[i] = test(strings.slot(block.start &+ i)) ? 1 : 0 }
    }
    return .booleans(bits, count: array.count, validity: try array.rebasedValidity())
}

/// Booleans: whether valid strings begin, or end, with `pattern`. Eight bytes are compared at once.
private func edges(_ array: ArrayData, _ pattern: [UInt8], atEnd: Bool) throws(MartletError) -> ArrayData {
    let strings = try BytesReader(array)
    let width = pattern.count
    var (wanted, mask) = (0 as UInt64, 0 as UInt64)
    for (i, byte) in pattern.prefix(8).enumerated() {
        wanted |= UInt64(byte) << UInt64(8 * i)
        mask |= 0xFF << UInt64(8 * i)
    }
    let buffer = try Buffer(pattern)
    let whole = unsafe Bytes(buffer.pointer(to: UInt8.self), width)
    let (head, headMask) = (wanted, mask)
    let bits = try makeBits(count: array.count) { start, length in
        var word: UInt64 = 0
        for i in 0..<length {
            let slot = strings.slot(start &+ i)
            let place = atEnd ? slot.count &- width : 0
            guard slot.count >= width else { continue }
            // Safety: `readable` says how many bytes there are from the slot's start on.
            if strings.readable(slot) &- place >= 8 {
                let eight = unsafe UnsafeRawPointer(slot.start + place).loadUnaligned(as: UInt64.self).littleEndian
                guard eight & headMask == head else { continue }
                if width <= 8 {
                    word |= 1 &<< UInt64(truncatingIfNeeded: i)
                    continue
                }
            }
            if slot.has(whole, at: place) { word |= 1 &<< UInt64(truncatingIfNeeded: i) }
        }
        return word
    }
    withExtendedLifetime(buffer) {}
    return .booleans(bits, count: array.count, validity: try array.rebasedValidity())
}

/// Integers that `measure` makes of strings: int32, or int64 for strings with 64-bit offsets.
private func measured(_ array: ArrayData, _ measure: @Sendable (Bytes) -> Int) throws(MartletError) -> ArrayData {
    let (strings, validity) = (try BytesReader(array), array.usedValidityBitmap)
    let isWide = array.type.layout.buffers.first == .offsets64
    let buffer = try makeLanes(isWide ? .int64 : .int32, count: array.count) { block, writer in
        let out = unsafe writer.integers(block, 0)
        for i in 0..<block.count {
            let isValid = validity?[block.start &+ i] ?? true
            unsafe out[i] = isValid ? Int64(measure(strings.slot(block.start &+ i))) : 0
        }
        unsafe writer.store(out, block)
        return true
    }
    return ArrayData(
        type: isWide ? .int64 : .int32, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
}

/// A pattern, and whether letters match in both cases.
struct Pattern: Sendable {
    let bytes: [UInt8]
    let ignoresCase: Bool

    init(_ options: FunctionOptions, _ name: String = "pattern") throws(MartletError) {
        ignoresCase = options.knows("ignore_case") ? try options.bool("ignore_case", default: false) : false
        let text = Array(try options.text(name).utf8)
        bytes = ignoresCase ? text.withBytes { folded($0) } : text
    }

    /// `body` with a test of strings: `test` of the pattern and a string, in lower case where case does not matter.
    func applied<Result, Outcome>(
        _ test: @escaping @Sendable (Bytes, Bytes) -> Result,
        _ body: (@escaping @Sendable (Bytes) -> Result) throws(MartletError) -> Outcome
    ) throws(MartletError) -> Outcome {
        // The pattern is at rest while `body` runs.
        let buffer = try Buffer(bytes)
        let pattern = unsafe Bytes(buffer.pointer(to: UInt8.self), bytes.count)
        defer { withExtendedLifetime(buffer) {} }
        if !ignoresCase { return try body { test(pattern, $0) } }
        return try body { string in folded(string).withBytes { test(pattern, $0) } }
    }
}

/// All letters in lower case.
private func folded(_ bytes: Bytes) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
        let (value, length) = scalar(bytes, index)
        let lower = mapped(value, to: .lower)
        if lower == value {
            for i in index..<index + length { result.append(bytes[i]) }
        } else if let scalar = Unicode.Scalar(lower) {
            result.append(contentsOf: UTF8.encode(scalar)!)
        }
        index += length
    }
    return result
}

enum StringTests {
    /// SQL's LIKE: `%` is any run of characters, `_` any one, `\` makes the next plain.
    static func isLike(_ pattern: Bytes, _ string: Bytes) -> Bool {
        // The last `%` met and where its run ended: what does not match goes on one character behind it.
        var (p, s, star, mark) = (0, 0, -1, 0)
        while s < string.count {
            if p < pattern.count {
                // Safety: both indices are below their counts.
                let byte = pattern[p]
                if byte == UInt8(ascii: "%") {
                    (star, mark) = (p, s)
                    p += 1
                    continue
                }
                let isEscaped = byte == UInt8(ascii: "\\") && p + 1 < pattern.count
                if byte == UInt8(ascii: "_") {
                    s += scalar(string, s).length
                    p += 1
                    continue
                }
                if string[s] == (isEscaped ? pattern[p + 1] : byte) {
                    s += 1
                    p += isEscaped ? 2 : 1
                    continue
                }
            }
            if star < 0 { return false }
            p = star + 1
            mark += scalar(string, mark).length
            s = mark
        }
        while p < pattern.count && pattern[p] == UInt8(ascii: "%") { p += 1 }
        return p == pattern.count
    }

    /// The text of a pattern that has `%` at its edges only, and which edges are open; nil for other patterns.
    private static func plainLike(_ pattern: [UInt8]) -> (text: [UInt8], opensStart: Bool, opensEnd: Bool)? {
        let percent = UInt8(ascii: "%")
        var text = pattern[...]
        let (opensStart, opensEnd) = (text.first == percent, text.count > 1 && text.last == percent)
        if opensStart { text.removeFirst() }
        if opensEnd { text.removeLast() }
        let others = [percent, UInt8(ascii: "_"), UInt8(ascii: "\\")]
        guard !text.isEmpty, !text.contains(where: { others.contains($0) }) else { return nil }
        return (Array(text), opensStart, opensEnd)
    }

    /// How often the pattern occurs, one behind the other.
    private static func count(_ pattern: Bytes, in string: Bytes) -> Int {
        if pattern.isEmpty { return string.count + 1 }
        var (count, place) = (0, find(pattern, in: string))
        while place >= 0 {
            count += 1
            place = find(pattern, in: string, from: place + pattern.count)
        }
        return count
    }

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        let tests: [(String, @Sendable (Bytes, Bytes) -> Bool)] = [
            ("match_substring", { find($0, in: $1) >= 0 }),
            ("starts_with", { $1.has($0, at: 0) }),
            ("ends_with", { $1.count >= $0.count && $1.has($0, at: $1.count - $0.count) }),
            ("match_like", { isLike($0, $1) }),
        ]
        for (name, test) in tests {
            functions[name] = .unary(["pattern", "ignore_case"]) { array, call throws(MartletError) in
                let pattern = try Pattern(call.options)
                let strings = try stringArgument(array, name)
                if !pattern.ignoresCase, name == "starts_with" || name == "ends_with" {
                    return try edges(strings, pattern.bytes, atEnd: name == "ends_with")
                }
                if !pattern.ignoresCase, name == "match_like", let plain = plainLike(pattern.bytes) {
                    if !plain.opensStart || !plain.opensEnd {
                        if plain.opensStart || plain.opensEnd {
                            return try edges(strings, plain.text, atEnd: plain.opensStart)
                        }
                    } else {
                        let whole = try Buffer(plain.text)
                        let text = unsafe Bytes(whole.pointer(to: UInt8.self), plain.text.count)
                        defer { withExtendedLifetime(whole) {} }
                        return try tested(strings) { find(text, in: $0) >= 0 }
                    }
                }
                return try pattern.applied(test) { test throws(MartletError) in try tested(strings, test) }
            }
        }
        let measures: [(String, @Sendable (Bytes, Bytes) -> Int)] = [
            ("find_substring", { find($0, in: $1) }), ("count_substring", { count($0, in: $1) }),
        ]
        for (name, measure) in measures {
            functions[name] = .unary(["pattern", "ignore_case"]) { array, call throws(MartletError) in
                let pattern = try Pattern(call.options)
                let strings = try stringArgument(array, name)
                return try pattern.applied(measure) { measure throws(MartletError) in try measured(strings, measure) }
            }
        }
        functions["binary_length"] = .unary { array, _ throws(MartletError) in
            try measured(try stringArgument(array, "binary_length")) { $0.count }
        }
        functions["utf8_length"] = .unary { array, _ throws(MartletError) in
            try measured(try stringArgument(array, "utf8_length", acceptsBinary: false)) { scalarCount($0) }
        }
        functions["string_is_ascii"] = .unary { array, _ throws(MartletError) in
            try tested(try stringArgument(array, "string_is_ascii", acceptsBinary: false)) { bytes in
                var all: UInt8 = 0
                for i in 0..<bytes.count { all |= bytes[i] }
                return all < 0x80
            }
        }
        for isASCII in [true, false] {
            for kind in ScalarClass.allCases where !(isASCII && (kind == .digit || kind == .numeric)) {
                let name = (isASCII ? "ascii_is_" : "utf8_is_") + kind.rawValue
                functions[name] = .unary { array, _ throws(MartletError) in
                    try tested(try stringArgument(array, name, acceptsBinary: false)) {
                        holds(kind, $0, isASCII: isASCII)
                    }
                }
            }
        }
        return functions
    }

    /// Whether a string is of a class: by all its characters, by those with a case, or by the starts of its words.
    @inline(never)
    private static func holds(_ kind: ScalarClass, _ bytes: Bytes, isASCII: Bool) -> Bool {
        var (index, isAny, followsLetter) = (0, kind == .printable, false)
        while index < bytes.count {
            let (value, length) = scalar(bytes, index)
            index += length
            switch kind {
            case .lower, .upper, .title:
                let isUpper = ScalarClass.upper.holds(value, isASCII: isASCII)
                let isLower = ScalarClass.lower.holds(value, isASCII: isASCII)
                if kind == .title ? (followsLetter ? isUpper : isLower) : kind == .lower ? isUpper : isLower {
                    return false
                }
                isAny = isAny || (kind == .lower ? isLower : isUpper)
                followsLetter = isUpper || isLower
            case .alnum, .alpha, .decimal, .digit, .numeric, .printable, .space:
                if !kind.holds(value, isASCII: isASCII) { return false }
                isAny = true
            }
        }
        return isAny
    }
}
