import MartletArrow
import MartletBase
import Testing

/// Damaged arrays are told, with the place.
@Suite struct ValidationTests {
    private func strings(_ offsets: [Int32], _ bytes: [UInt8]) throws -> ArrayData {
        ArrayData(type: .string, count: offsets.count - 1, buffers: [try Buffer(offsets), try Buffer(bytes)])
    }

    @Test func offsetsThatRunBackwards() throws {
        #expect(throws: MartletError.self) { try strings([0, 3, 1, 4], [97, 98, 99, 100]).validate(full: true) }
        #expect(throws: MartletError.self) { try strings([0, 9], [97]).validate() }
        #expect(throws: MartletError.self) { try strings([-1, 1], [97]).validate() }
        // The typed view reads such a slot as empty instead of leaving the buffer.
        let view = try BytesArray<Int32>(try strings([0, 3, 1, 4], [97, 98, 99, 100]))
        #expect(view.string(1) == "")
        #expect(view.string(2) == "bcd")
    }

    @Test func damagedText() throws {
        for bytes in [[0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] {
            let bytes = bytes.map { UInt8($0) }
            #expect(throws: MartletError.self) { try strings([0, Int32(bytes.count)], bytes).validate(full: true) }
        }
        let text = Array("aé€😀 plain text beyond eight bytes".utf8)
        try strings([0, Int32(text.count)], text).validate(full: true)
    }

    @Test func shortBuffersAndChildren() throws {
        #expect(throws: MartletError.self) {
            try ArrayData(type: .int64, count: 3, buffers: [try Buffer(zeroed: 23)]).validate()
        }
        #expect(throws: MartletError.self) { try ArrayData(type: .int64, count: 3).validate() }
        let child = ArrayData(type: .int8, count: 2, buffers: [try Buffer(zeroed: 2)])
        #expect(throws: MartletError.self) {
            try ArrayData(type: .struct([Field("a", .int8)]), count: 3, children: [child]).validate()
        }
        #expect(throws: MartletError.self) {
            try ArrayData(type: .fixedSizeList(Field("item", .int8), count: 2), count: 2, children: [child]).validate()
        }
    }

    @Test func dictionaryIndicesOutOfBounds() throws {
        let type = DataType.dictionary(index: .int8, value: .int8, isOrdered: false)
        let values = ArrayData(type: .int8, count: 2, buffers: [try Buffer(zeroed: 2)])
        let array = ArrayData(type: type, count: 2, buffers: [try Buffer([1, 2] as [Int8])], dictionary: values)
        #expect(throws: MartletError.self) { try array.validate(full: true) }
        #expect(throws: MartletError.self) {
            try ArrayData(type: type, count: 1, buffers: [try Buffer(zeroed: 1)]).validate()
        }
    }

    @Test func decimalsBeyondTheirPrecision() throws {
        let array = ArrayData(
            type: .decimal128(precision: 3, scale: 1), count: 1, buffers: [try Buffer([1000 as Int128])])
        #expect(throws: MartletError.self) { try array.validate(full: true) }
    }

    /// One view of each kind of damage, and what the error says.
    @Test(arguments: [
        ([-1, 0, 0, 0], "negative size"), ([3, 0x0100_6161, 0, 0], "Invalid UTF8"), ([1, 0x6261, 0, 0], "padding"),
        ([20, 0x7878_7878, 2, 0], "references buffer 2"), ([20, 0x7878_7878, -1, 0], "references buffer -1"),
        ([20, 0x7878_7878, 0, 15], "references range 15-35"), ([20, 0x7878_7878, 0, -1], "references range -1"),
        ([20, 0x7878_7879, 0, 0], "prefix"), ([20, 0x7878_7878, 0, 10], ""), ([12, 0x7878_7878, 0x7878_7878, 0x7878_7878], ""),
    ])
    func views(numbers: [Int32], message: String) throws {
        var view = numbers
        if message == "Invalid UTF8" { view[1] = 0x00FF_6161 }
        let array = ArrayData(
            type: .stringView, count: 1,
            buffers: [try Buffer(view), try Buffer([UInt8](repeating: 0x78, count: 30)), try Buffer(zeroed: 0)])
        try array.validate()
        if message.isEmpty { return try array.validate(full: true) }
        let error = #expect(throws: MartletError.self) { try array.validate(full: true) }
        let words = error?.message ?? ""
        #expect(words.indices.contains { words[$0...].hasPrefix(message) }, "\(words)")
        // Nothing is read outside of the buffers, and a null in its place is nobody's business.
        _ = try array.text()
        let null = ArrayData(type: .stringView, count: 1, validity: try Buffer(zeroed: 1), nullCount: 1, buffers: array.buffers)
        try null.validate(full: true)
    }
}
