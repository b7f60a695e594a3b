import MartletBase
import MartletTestSupport
import Testing

@Suite struct BitmapTests {
    /// Every offset and length within two words, against a plain list of truths.
    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65])
    func windowsReadWhatWasWritten(offset: Int) throws {
        var random = SeededRandom(UInt64(offset))
        let truths = (0..<300).map { _ in random.chance(0.5) }
        var builder = try BitmapBuilder()
        for truth in truths { try builder.append(truth) }
        #expect(builder.falseCount == truths.filter { !$0 }.count)
        let buffer = builder.finish()
        for length in [0, 1, 7, 8, 63, 64, 65, 128, 200] {
            let bitmap = try Bitmap(buffer, offset: offset, count: length)
            let expected = Array(truths[offset..<offset + length])
            #expect((0..<length).map { bitmap[$0] } == expected)
            #expect(bitmap.trueCount == expected.filter { $0 }.count)
            var copy = try BitmapBuilder()
            try copy.append(true)
            try copy.append(bitmap)
            let copied = try Bitmap(copy.finish(), offset: 1, count: length)
            #expect((0..<length).map { copied[$0] } == expected)
            let rebased = try Bitmap(try bitmap.rebased(), count: length)
            #expect((0..<length).map { rebased[$0] } == expected)
        }
    }

    @Test func repeatedBitsAndWords() throws {
        for start in 0..<9 {
            for count in [0, 1, 7, 8, 9, 64, 100] {
                var builder = try BitmapBuilder()
                try builder.append(word: 0b1_0101_0101, length: start)
                try builder.append(repeating: true, count: count)
                try builder.append(word: .max, length: 64)
                let falses = builder.falseCount
                let bitmap = try Bitmap(builder.finish(), count: start + count + 64)
                #expect((0..<start).map { bitmap[$0] } == (0..<start).map { 0b1_0101_0101 >> $0 & 1 == 1 })
                #expect(bitmap.count - bitmap.trueCount == falses)
                #expect(falses == start / 2)
            }
        }
    }

    @Test func aWindowOutsideTheBufferIsRefused() throws {
        let buffer = try Buffer(zeroed: 2)
        #expect(throws: MartletError.self) { try Bitmap(buffer, offset: 10, count: 7) }
        #expect(throws: MartletError.self) { try Bitmap(buffer, offset: -1, count: 3) }
        #expect(throws: MartletError.self) { try Bitmap(buffer, offset: .max, count: 3) }
    }
}
