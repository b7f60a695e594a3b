import MartletArrow
import MartletBase

/// Functions from strings to strings.
enum StringMaps {
    typealias Map = @Sendable (Bytes, inout TextOutput) -> Void

    /// The strings that `map` makes of the valid ones, in the type of the argument.
    static func mapped(_ array: ArrayData, _ map: @escaping Map) throws(MartletError) -> ArrayData {
        let strings = try BytesReader(array)
        var type = array.type
        if case .fixedSizeBinary = type { type = .binary }
        return try makeText(type, count: array.count, validity: array.usedValidityBitmap) { output, row in
            map(strings.slot(row), &output)
        }
    }

    /// A function whose options make a map.
    private static func function(
        _ name: String, _ options: [String] = [], binary: Bool = false,
        _ make: @escaping @Sendable (FunctionOptions) throws(MartletError) -> Map
    ) -> Compute.Function {
        .unary(options) { array, call throws(MartletError) in
            let array = try stringArgument(array, name, acceptsBinary: binary)
            if array.type == .null { return array }
            let map = try make(call.options)
            let result = try mapped(array, map)
            guard name == "binary_slice", case .fixedSizeBinary(let width) = call.array.type else { return result }
            // What is cut from values of one width has one width: that of what is cut from any of them.
            let sample = ArrayData(type: call.array.type, count: 1, buffers: [try Buffer(zeroed: width)])
            let cut = try BytesReader(try mapped(try stringArgument(sample, name, acceptsBinary: true), map)).slot(0)
            return try cast(result, to: .fixedSizeBinary(byteWidth: cut.count))
        }
    }

    /// A function whose options make a cut: of each string a part. Where nothing is cut off, the array is the result.
    private static func cutFunction(
        _ name: String, _ options: [String] = [],
        _ make: @escaping @Sendable (FunctionOptions) throws(MartletError) -> @Sendable (Bytes) -> Bytes
    ) -> Compute.Function {
        .unary(options) { array, call throws(MartletError) in
            let array = try stringArgument(array, name, acceptsBinary: false)
            if array.type == .null { return array }
            let cut = try make(call.options)
            let (strings, validity, isCut) = (try BytesReader(array), array.usedValidityBitmap, Guarded(false))
            try forEachPiece(of: array.count, size: 1 << 14) { start, length in
                if isCut.withLock({ $0 }) { return }
                for row in start..<start + length where validity?[row] ?? true {
                    let slot = strings.slot(row)
                    if cut(slot).count < slot.count { return isCut.withLock { $0 = true } }
                }
            }
            return isCut.withLock { $0 } ? try mapped(array) { $1.append(cut($0)) } : array
        }
    }

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for isASCII in [true, false] {
            let prefix = isASCII ? "ascii_" : "utf8_"
            for style in CaseStyle.allCases {
                let name = prefix + style.rawValue
                functions[name] = .unary { array, _ throws(MartletError) in
                    let array = try stringArgument(array, name, acceptsBinary: false)
                    if array.type == .null { return array }
                    if style == .upper || style == .lower,
                        let made = try recased(array, from: style == .upper ? 97 : 65, isASCII: isASCII)
                    {
                        return made
                    }
                    return try mapped(array) { recase($0, &$1, style, isASCII: isASCII) }
                }
            }
            functions[prefix + "reverse"] = function(prefix + "reverse") { _ throws(MartletError) in
                { bytes, output in
                    var end = bytes.count
                    while end > 0 {
                        var start = end - 1
                        if !isASCII { while start > 0 && bytes[start] & 0xC0 == 0x80 { start -= 1 } }
                        output.append(bytes[start..<end])
                        end = start
                    }
                }
            }
            for (side, left, right) in [("trim", true, true), ("ltrim", true, false), ("rtrim", false, true)] {
                let whitespace = prefix + side + "_whitespace"
                functions[whitespace] = cutFunction(whitespace) { _ throws(MartletError) in
                    { bytes in
                        if !bytes.isEmpty, isVisible(bytes[0]), isVisible(bytes[bytes.count - 1]) { return bytes }
                        return trimmed(bytes, left, right) { isSpace($0, isASCII: isASCII) }
                    }
                }
                functions[prefix + side] = cutFunction(prefix + side, ["characters"]) { options throws(MartletError) in
                    let characters = try options.text("characters").unicodeScalars.map(\.value)
                    // A bit for each character of ASCII; the others are looked up.
                    let (low, high) = (asciiBits(characters, from: 0), asciiBits(characters, from: 64))
                    let others = Set(characters.filter { $0 >= 128 })
                    return { bytes in
                        trimmed(bytes, left, right) {
                            $0 < 64 ? low &>> UInt64($0) & 1 == 1
                                : $0 < 128 ? high &>> UInt64($0 &- 64) & 1 == 1 : others.contains($0)
                        }
                    }
                }
            }
            for side in ["lpad", "rpad", "center"] {
                let name = prefix + side
                functions[name] = function(name, ["width", "padding", "lean_left_on_odd_padding"]) {
                    options throws(MartletError) in
                    let width = try paddingWidth(options)
                    let padding = Array(try options.text("padding", default: " ").utf8)
                    let leansLeft = try options.bool("lean_left_on_odd_padding", default: true)
                    let isOne = padding.withBytes { isASCII ? $0.count == 1 : scalarCount($0) == 1 }
                    guard isOne else {
                        throw .invalid(
                            isASCII
                                ? "Padding must be one byte, got '\(String(decoding: padding, as: UTF8.self))'"
                                : "Padding must be one codepoint, got '\(String(decoding: padding, as: UTF8.self))'")
                    }
                    return { bytes, output in
                        let missing = max(0, width - (isASCII ? bytes.count : scalarCount(bytes)))
                        let half = leansLeft ? missing / 2 : (missing + 1) / 2
                        let before = side == "lpad" ? missing : side == "rpad" ? 0 : half
                        padding.withBytes { padding in
                            output.append(repeating: padding, count: before)
                            output.append(bytes)
                            output.append(repeating: padding, count: missing - before)
                        }
                    }
                }
            }
        }
        functions["utf8_zfill"] = function("utf8_zfill", ["width", "padding"]) { options throws(MartletError) in
            let width = try paddingWidth(options)
            let padding = Array(try options.text("padding", default: "0").utf8)
            guard padding.withBytes({ scalarCount($0) }) == 1 else {
                throw .invalid("Padding must be one codepoint, got '\(String(decoding: padding, as: UTF8.self))'")
            }
            return { bytes, output in
                let hasSign = !bytes.isEmpty && (bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+"))
                let missing = width - scalarCount(bytes)
                if hasSign { output.append(bytes[0]) }
                padding.withBytes { output.append(repeating: $0, count: missing) }
                output.append(bytes[(hasSign ? 1 : 0)...])
            }
        }
        functions["utf8_zero_fill"] = functions["utf8_zfill"]
        functions["binary_reverse"] = .unary { array, _ throws(MartletError) in
            guard Caster.family(array.type) == .binary else { throw noKernel("binary_reverse", [array.type]) }
            return try mapped(array) { bytes, output in
                for i in 0..<bytes.count { output.append(bytes[bytes.count - 1 - i]) }
            }
        }
        functions["replace_substring"] = function(
            "replace_substring", ["pattern", "replacement", "max_replacements"], binary: true
        ) { options throws(MartletError) in
            let pattern = Array(try options.text("pattern").utf8)
            let replacement = Array(try options.text("replacement").utf8)
            let limit = try options.signed("max_replacements") ?? -1
            return { bytes, output in
                pattern.withBytes { pattern in
                    var (start, left) = (0, max(limit, -1))
                    while left != 0 {
                        let hit = pattern.isEmpty ? -1 : find(pattern, in: bytes, from: start)
                        if hit < 0 { break }
                        output.append(bytes[start..<hit])
                        replacement.withBytes { output.append($0) }
                        start = hit + pattern.count
                        left -= 1
                    }
                    output.append(bytes[start...])
                }
            }
        }
        for isBytes in [true, false] {
            let slice = isBytes ? "binary_slice" : "utf8_slice_codeunits"
            functions[slice] = function(slice, ["start", "stop", "step"], binary: isBytes) {
                options throws(MartletError) in
                let (start, stop) = (try options.signed("start") ?? 0, try options.signed("stop"))
                let step = try options.signed("step") ?? 1
                guard step != 0 else { throw .invalid("Slice step cannot be zero") }
                return { cut($0, &$1, start, stop, step, isBytes: isBytes) }
            }
            let replace = isBytes ? "binary_replace_slice" : "utf8_replace_slice"
            functions[replace] = function(replace, ["start", "stop", "replacement"], binary: isBytes) {
                options throws(MartletError) in
                let (start, stop) = (try options.signed("start") ?? 0, try options.signed("stop") ?? 0)
                let replacement = Array(try options.text("replacement").utf8)
                return { bytes, output in
                    let places = isBytes ? nil : starts(bytes)
                    let count = places?.count ?? bytes.count
                    let first = clamped(start, count)
                    let last = max(first, clamped(stop, count))
                    func place(_ index: Int) -> Int { index == count ? bytes.count : places?[index] ?? index }
                    output.append(bytes[0..<place(first)])
                    replacement.withBytes { output.append($0) }
                    output.append(bytes[place(last)...])
                }
            }
        }
        return functions
    }

    /// The width to pad to, which a string can have; what is negative pads nothing.
    private static func paddingWidth(_ options: FunctionOptions) throws(MartletError) -> Int {
        _ = try options.text("width")
        let width = try options.signed("width") ?? 0
        guard width <= Int(Int32.max) else {
            throw .invalid("width \(width) is longer than a string can be: at most \(Int32.max)")
        }
        return max(width, 0)
    }

    private enum CaseStyle: String, CaseIterable { case upper, lower, swapcase, capitalize, title }

    /// Letters of ASCII that begin with `first` in the other case, all strings in one go: their lengths stay. nil where
    /// another letter is among them.
    private static func recased(_ array: ArrayData, from first: UInt8, isASCII: Bool) throws(MartletError) -> ArrayData? {
        guard array.count > 0, array.type.isVariableBinary else { return nil }
        let isWide = array.type.layout.buffers[0] == .offsets64
        let bytes = array.buffers[1]
        let range: Range<Int>
        if isWide {
            let offsets: UnsafePointer<Int64> = unsafe try checkedOffsets(array, end: bytes.count)
            range = unsafe Int(offsets[0])..<Int(offsets[array.count])
        } else {
            let offsets: UnsafePointer<Int32> = unsafe try checkedOffsets(array, end: bytes.count)
            range = unsafe Int(offsets[0])..<Int(offsets[array.count])
        }
        let builder = try BufferBuilder(uninitializedCount: range.upperBound)
        let (source, target) = unsafe (
            Shared(bytes.pointer(to: UInt8.self)), Shared(builder.pointer(to: UInt8.self))
        )
        // The bytes before the first string are nobody's.
        unsafe target.value.initialize(repeating: 0, count: range.lowerBound)
        let size = 1 << 20
        let highs = try WorkerPool.map((range.count + size - 1) / size) { piece throws(MartletError) in
            let start = range.lowerBound + piece * size
            // Safety: pieces are disjoint parts of both buffers.
            return unsafe recase(
                source.value + start, target.value + start, min(size, range.upperBound - start), first)
        }
        guard isASCII || highs.allSatisfy({ $0 < 0x80 }) else { return nil }
        return ArrayData(
            type: array.type, count: array.count, offset: array.offset, validity: array.validity,
            nullCount: array.knownNullCount, buffers: [array.buffers[0], builder.finish()])
    }

    /// All bits that are set in any of the bytes.
    @inline(never)
    private static func recase(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ count: Int, _ first: UInt8
    ) -> UInt8 {
        var all: UInt8 = 0
        for i in 0..<count {
            let byte = unsafe source[i]
            all |= byte
            unsafe target[i] = byte ^ (byte &- first < 26 ? 0x20 : 0)
        }
        return all
    }

    @inline(never)
    private static func recase(_ bytes: Bytes, _ output: inout TextOutput, _ style: CaseStyle, isASCII: Bool) {
        if style == .upper || style == .lower {
            var all: UInt8 = 0
            for i in 0..<bytes.count { all |= bytes[i] }
            if all < 0x80 || isASCII { return output.append(letters: bytes, from: style == .upper ? 97 : 65) }
        }
        var (index, isFirst) = (0, true)
        while index < bytes.count {
            let (value, length) = scalar(bytes, index)
            if isASCII && value >= 0x80 {
                output.append(bytes[index..<index + length])
                index += length
                if style == .title { isFirst = true } else { isFirst = false }
                continue
            }
            let to: LetterCase
            switch style {
            case .upper: to = .upper
            case .lower: to = .lower
            case .swapcase: to = ScalarClass.lower.holds(value, isASCII: isASCII) ? .upper : .lower
            case .capitalize, .title: to = isFirst ? .upper : .lower
            }
            let keeps = style == .swapcase && isTitle(value)
            let changed = keeps ? value : MartletCompute.mapped(value, to: to)
            if changed == value {
                output.append(bytes[index..<index + length])
            } else {
                output.append(scalar: changed)
            }
            if style == .title {
                isFirst =
                    MartletCompute.mapped(value, to: .upper) == value
                    && MartletCompute.mapped(value, to: .lower) == value
            } else {
                isFirst = false
            }
            index += length
        }
    }

    /// Letters such as the digraph of D and small z, which are neither upper nor lower.
    private static func isTitle(_ value: UInt32) -> Bool {
        value >= 0x80 && Unicode.Scalar(value)?.properties.generalCategory == .titlecaseLetter
    }

    /// A bit for each of the 64 characters from `first` on that is among `characters`.
    private static func asciiBits(_ characters: [UInt32], from first: UInt32) -> UInt64 {
        characters.reduce(0) { $1 >= first && $1 < first + 64 ? $0 | 1 << UInt64($1 - first) : $0 }
    }

    @inline(__always)
    private static func trimmed(_ bytes: Bytes, _ left: Bool, _ right: Bool, _ drops: (UInt32) -> Bool) -> Bytes {
        var (start, end) = (0, bytes.count)
        while left && start < end {
            let (value, length) = scalar(bytes, start)
            if !drops(value) { break }
            start += length
        }
        while right && end > start {
            var last = end - 1
            while last > start && bytes[last] & 0xC0 == 0x80 { last -= 1 }
            if !drops(scalar(bytes, last).value) { break }
            end = last
        }
        return bytes[start..<end]
    }

    /// A letter, digit or sign of ASCII.
    @inline(__always)
    private static func isVisible(_ byte: UInt8) -> Bool { byte > 32 && byte < 127 }

    /// Where each character starts.
    private static func starts(_ bytes: Bytes) -> [Int] {
        var places: [Int] = []
        for i in 0..<bytes.count where bytes[i] & 0xC0 != 0x80 { places.append(i) }
        return places
    }

    /// An index as Python counts it: negative from the end, never outside.
    private static func clamped(_ index: Int, _ count: Int) -> Int {
        index < 0 ? max(0, index + count) : min(index, count)
    }

    /// Python's slice.
    @inline(never)
    private static func cut(
        _ bytes: Bytes, _ output: inout TextOutput, _ start: Int, _ stop: Int?, _ step: Int, isBytes: Bool
    ) {
        let places = isBytes ? nil : starts(bytes)
        let count = places?.count ?? bytes.count
        func append(_ index: Int) {
            let from = places?[index] ?? index
            let end = places.map { index + 1 < count ? $0[index + 1] : bytes.count } ?? index + 1
            output.append(bytes[from..<end])
        }
        if step > 0 {
            let (first, last) = (clamped(start, count), stop.map { clamped($0, count) } ?? count)
            if step == 1 {
                if first < last {
                    let end = last == count ? bytes.count : places?[last] ?? last
                    output.append(bytes[(places?[first] ?? first)..<end])
                }
                return
            }
            var index = first
            while index < last {
                append(index)
                let (next, overflow) = index.addingReportingOverflow(step)
                if overflow { break }
                index = next
            }
        } else {
            var index = start < 0 ? start + count : min(start, count - 1)
            let last = stop.map { $0 < 0 ? max(-1, $0 + count) : min($0, count - 1) } ?? -1
            while index > last && index >= 0 {
                append(index)
                let (next, overflow) = index.addingReportingOverflow(step)
                if overflow { break }
                index = next
            }
        }
    }
}
