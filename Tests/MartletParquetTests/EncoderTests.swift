import MartletArrow
@testable import MartletBase
@testable import MartletParquet
import MartletTestSupport
import Testing

// Each encoder against the plainest decoder that can be written from Encodings.md.

private let boundaryCounts = [0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257, 1_000]

@Suite struct HybridEncoderTests {
    @Test(arguments: 0...32)
    func everyWidth(_ width: Int) throws {
        var random = SeededRandom(UInt64(width) + 1)
        let mask = width == 32 ? UInt32.max : (1 << UInt32(width)) - 1
        for count in boundaryCounts {
            for runs in [false, true] {
                var values: [UInt32] = []
                while values.count < count {
                    let value = UInt32.random(in: 0...mask, using: &random)
                    let length = runs ? Int.random(in: 1...90, using: &random) : 1
                    values += Array(repeating: value, count: min(length, count - values.count))
                }
                let bytes = try encoded(values, width: width)
                #expect(Reference.hybrid(bytes, count: count, width: width) == values, "\(width) bits, \(count) values")
            }
        }
    }

    @Test func extremesOfEveryWidth() throws {
        for width in 1...32 {
            let most = width == 32 ? UInt32.max : (1 << UInt32(width)) - 1
            let values = (0..<67).map { $0 % 3 == 0 ? most : UInt32($0 % 2) }
            #expect(Reference.hybrid(try encoded(values, width: width), count: 67, width: width) == values)
        }
    }

    @Test func oneRunForEqualValues() throws {
        #expect(try encoded(Array(repeating: 5, count: 1_000), width: 3).count == 3)
        var builder = try BufferBuilder()
        try HybridEncoder.appendRun(of: 1, count: 1_048_576, width: 1, to: &builder)
        let bytes = try array(of: builder.finish())
        #expect(bytes.count == 5)
        #expect(Reference.hybrid(bytes, count: 1_048_576, width: 1).allSatisfy { $0 == 1 })
    }

    @Test(arguments: [0.0, 0.01, 0.3, 0.5, 0.99, 1.0])
    func bits(_ density: Double) throws {
        var random = SeededRandom(7)
        for count in boundaryCounts + [4_000] {
            var bits = try BitmapBuilder(capacity: count)
            var values: [UInt32] = []
            for _ in 0..<count {
                let bit = random.chance(density)
                values.append(bit ? 1 : 0)
                try bits.append(bit)
            }
            let bitmap = bits.finish()
            var builder = try BufferBuilder()
            try unsafe HybridEncoder.append(bits: bitmap.pointer(to: UInt8.self), count: count, to: &builder)
            let bytes = try array(of: builder.finish())
            #expect(Reference.hybrid(bytes, count: count, width: 1) == values, "\(count) bits")
        }
    }

    private func encoded(_ values: [UInt32], width: Int) throws -> [UInt8] {
        let source = try Buffer(values)
        var builder = try BufferBuilder()
        try unsafe HybridEncoder.append(
            source.pointer(to: UInt32.self), count: values.count, width: width, to: &builder)
        return try array(of: builder.finish())
    }
}

@Suite struct DeltaEncoderTests {
    @Test(arguments: 0...64)
    func everyWidth64(_ width: Int) throws {
        var random = SeededRandom(UInt64(width) + 1)
        for count in boundaryCounts {
            var value: Int64 = 0
            let values: [Int64] = (0..<count).map { _ in
                let delta = width == 0 ? 0 : UInt64.random(in: .min ... .max, using: &random) >> UInt64(64 - width)
                value &+= Int64(bitPattern: delta)
                return value
            }
            #expect(try roundTrip(values) == values, "\(width) bits, \(count) values")
        }
    }

    @Test(arguments: 0...32)
    func everyWidth32(_ width: Int) throws {
        var random = SeededRandom(UInt64(width) + 1)
        for count in boundaryCounts {
            var value: Int32 = 0
            let values: [Int32] = (0..<count).map { _ in
                let delta = width == 0 ? 0 : UInt32.random(in: .min ... .max, using: &random) >> UInt32(32 - width)
                value &+= Int32(bitPattern: delta)
                return value
            }
            #expect(try roundTrip(values) == values, "\(width) bits, \(count) values")
        }
    }

    @Test func differencesThatOverflow() throws {
        let wide: [Int64] = (0..<300).map { [Int64.min, .max, 0, -1, .max, .min][$0 % 6] }
        #expect(try roundTrip(wide) == wide)
        let narrow: [Int32] = (0..<300).map { [Int32.min, .max, 0, -1, .max, .min][$0 % 6] }
        #expect(try roundTrip(narrow) == narrow)
    }

    @Test func equalStepsTakeNoBits() throws {
        let values = (0..<129).map { Int64($0) * 1_000 }
        let source = try Buffer(values)
        var builder = try BufferBuilder()
        try unsafe DeltaEncoder.append(source.pointer(to: Int64.self), count: 129, to: &builder)
        // Head of 6 bytes, the least difference in 2, four widths.
        #expect(builder.byteCount == 6 + 2 + 4)
    }

    private func roundTrip<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ values: [Value]
    ) throws -> [Value] where Value.Magnitude: BitwiseCopyable & UnsignedInteger {
        let source = try Buffer(values)
        var builder = try BufferBuilder()
        try unsafe DeltaEncoder.append(source.pointer(to: Value.self), count: values.count, to: &builder)
        return Reference.delta(try array(of: builder.finish()), bitWidth: Value.bitWidth).values.map {
            Value(truncatingIfNeeded: $0)
        }
    }
}

@Suite struct OtherEncoderTests {
    @Test(arguments: [1, 2, 3, 4, 8, 12, 16])
    func byteStreamSplit(_ width: Int) throws {
        var random = SeededRandom(3)
        for count in boundaryCounts {
            let values = (0..<count * width).map { _ in UInt8.random(in: 0...255, using: &random) }
            let source = try Buffer(values)
            var builder = try BufferBuilder()
            try unsafe ByteStreamSplitEncoder.append(
                source.pointer(to: UInt8.self), count: count, width: width, to: &builder)
            let bytes = try array(of: builder.finish())
            let joined = (0..<count * width).map { bytes[$0 % width * count + $0 / width] }
            #expect(joined == values)
        }
    }

    @Test func byteStrings() throws {
        let texts = ["axis", "axle", "", "babble", "babyhood", "", "babyhood", "b"]
        for strings in [texts, [], Array(repeating: "same", count: 300)] {
            let (chunk, span) = try values(strings)
            var scratch = try BufferBuilder()
            let items = try unsafe chunk.items(span, scratch: &scratch)

            var lengths = try BufferBuilder()
            try unsafe BytesEncoder.appendDeltaLength(items, to: &lengths)
            #expect(Reference.deltaLength(try array(of: lengths.finish())) == strings)

            var prefixes = try BufferBuilder()
            try unsafe BytesEncoder.appendDeltaBytes(items, to: &prefixes)
            #expect(Reference.deltaBytes(try array(of: prefixes.finish())) == strings)

            var plain = try BufferBuilder()
            try chunk.appendPlainBytes(span, count: strings.count, to: &plain)
            #expect(Reference.plainBytes(try array(of: plain.finish())) == strings)
        }
    }

    private func values(_ strings: [String]) throws -> (LeafValues, SlotSpan) {
        var offsets: [Int32] = [0]
        var bytes: [UInt8] = []
        for string in strings {
            bytes += Array(string.utf8)
            offsets.append(Int32(bytes.count))
        }
        let array = ArrayData(
            type: .string, count: strings.count, buffers: [try Buffer(offsets), try Buffer(bytes)])
        let chunk = try LeafChunk(array, form: .bytes32)
        let range = SlotRange(chunk: 0, start: 0, count: strings.count)
        return (
            LeafValues(form: .bytes32, chunks: [chunk], ranges: [range]), SlotSpan(count: strings.count)
        )
    }
}

@Suite struct DictionaryBuilderTests {
    @Test(arguments: [1, 2, 255, 5_000, 20_000])
    func codesNameTheirValues(_ distinct: Int) throws {
        var random = SeededRandom(UInt64(distinct))
        for spread in [Int64(1), 1_000_003] {
            let values = (0..<100_000).map { _ in
                (Int64.random(in: 0..<Int64(distinct), using: &random) - 7) &* spread
            }
            let dictionary = try #require(try make(values, limit: 1 << 20))
            #expect(dictionary.codeCount == values.count)
            #expect(dictionary.entryCount == Set(values).count)
            let entries = dictionary.entries.span(of: Int64.self)
            let codes = dictionary.codes.span(of: UInt32.self)
            var isRight = true
            for i in values.indices where entries[Int(codes[i])] != values[i] { isRight = false }
            #expect(isRight)
        }
    }

    @Test func stopsWhenItIsFull() throws {
        // Few values first, then many.
        let values = (0..<200_000).map { (i: Int64) -> Int64 in
            let number = i < 100_000 ? i % 10 : i
            return number * 1_000_000_007
        }
        let dictionary = try #require(try make(values, limit: 8 * 1_000))
        #expect(dictionary.entryCount == 1_000)
        #expect(dictionary.codeCount == 100_990)
        #expect(dictionary.entries.count == 8_000)
    }

    @Test func distinctValuesAreGivenUp() throws {
        #expect(try make((0..<100_000).map { Int64($0) &* 1_000_000_007 }, limit: 1 << 20) == nil)
    }

    private func make(_ values: [Int64], limit: Int) throws -> LeafDictionary? {
        let array = ArrayData(type: .int64, count: values.count, buffers: [try Buffer(values)])
        let form = LeafForm.lanes64(.int64)
        let leaf = LeafValues(
            form: form, chunks: [try LeafChunk(array, form: form)],
            ranges: [SlotRange(chunk: 0, start: 0, count: values.count)])
        return try LeafDictionaryMaker(
            values: leaf, valueCount: values.count, slotCount: values.count, maximumByteCount: limit
        ).make()
    }
}

func array(of buffer: Buffer) throws -> [UInt8] {
    let bytes = buffer.bytes
    return (0..<buffer.count).map { unsafe bytes.unsafeLoad(fromUncheckedByteOffset: $0, as: UInt8.self) }
}

/// The encodings read one value, one bit at a time.
enum Reference {
    static func varint(_ bytes: [UInt8], _ position: inout Int) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[position]
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    static func zigZag(_ bytes: [UInt8], _ position: inout Int) -> Int64 {
        let raw = varint(bytes, &position)
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    static func bits(_ bytes: [UInt8], from start: Int, index: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width {
            let bit = index * width + i
            value |= UInt64(bytes[start + bit / 8] >> UInt8(bit % 8) & 1) << UInt64(i)
        }
        return value
    }

    static func hybrid(_ bytes: [UInt8], count: Int, width: Int) -> [UInt32] {
        var values: [UInt32] = []
        var position = 0
        while values.count < count {
            let head = Int(varint(bytes, &position))
            if head & 1 == 1 {
                let groups = head >> 1
                for i in 0..<groups * 8 { values.append(UInt32(bits(bytes, from: position, index: i, width: width))) }
                position += groups * width
            } else {
                let value = UInt32(bits(bytes, from: position, index: 0, width: width))
                position += (width + 7) / 8
                values += Array(repeating: value, count: head >> 1)
            }
        }
        // Nothing may stand behind the last run, and nothing but filling in it.
        return position == bytes.count && values.count - count < 8 ? Array(values.prefix(count)) : []
    }

    static func delta(_ bytes: [UInt8], bitWidth: Int, from start: Int = 0) -> (values: [Int64], end: Int) {
        var position = start
        let block = Int(varint(bytes, &position))
        let miniblocks = Int(varint(bytes, &position))
        let count = Int(varint(bytes, &position))
        var value = zigZag(bytes, &position)
        var values = count == 0 ? [] : [value]
        while values.count < count {
            let least = zigZag(bytes, &position)
            let widths = bytes[position..<position + miniblocks].map { Int($0) }
            position += miniblocks
            for width in widths where values.count < count {
                for i in 0..<block / miniblocks where values.count < count {
                    value = value &+ least &+ Int64(bitPattern: bits(bytes, from: position, index: i, width: width))
                    if bitWidth == 32 { value = Int64(Int32(truncatingIfNeeded: value)) }
                    values.append(value)
                }
                position += width * (block / miniblocks) / 8
            }
        }
        return (values, position)
    }

    static func deltaLength(_ bytes: [UInt8], from start: Int = 0) -> [String] {
        let (lengths, end) = delta(bytes, bitWidth: 32, from: start)
        var position = end
        return lengths.map { length in
            defer { position += Int(length) }
            return String(decoding: bytes[position..<position + Int(length)], as: UTF8.self)
        }
    }

    static func deltaBytes(_ bytes: [UInt8]) -> [String] {
        let (prefixes, end) = delta(bytes, bitWidth: 32)
        let suffixes = deltaLength(bytes, from: end)
        var last = ""
        return zip(prefixes, suffixes).map { prefix, suffix in
            last = String(last.prefix(Int(prefix))) + suffix
            return last
        }
    }

    static func plainBytes(_ bytes: [UInt8]) -> [String] {
        var position = 0
        var strings: [String] = []
        while position < bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[position + $1]) << ($1 * 8) }
            strings.append(String(decoding: bytes[position + 4..<position + 4 + length], as: UTF8.self))
            position += 4 + length
        }
        return strings
    }
}
