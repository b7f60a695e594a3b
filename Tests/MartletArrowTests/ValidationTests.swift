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
}
