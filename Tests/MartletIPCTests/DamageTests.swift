import MartletArrow
import MartletBase
import MartletIO
import MartletIPC
import MartletTestSupport
import Testing

/// Valid bytes, damaged: an error or some batch, never a trap, a hang or a balloon.
@Suite struct DamageTests {
    private func sample(_ container: IPCWriter.Container, _ packing: Packing) throws -> Buffer {
        let types: [DataType] = [
            .int64, .string, .boolean, .dictionary(index: .int8, value: .string, isOrdered: false),
            .list(Field("item", .struct([Field("x", .largeBinary), Field("y", .decimal128(precision: 9, scale: 2))]))),
            .fixedSizeList(Field("item", .int16), count: 3), .null,
        ]
        let schema = Schema(types.enumerated().map { Field("f\($0.offset)", $0.element) })
        let columns = try types.map { try sampleArray($0, .someNulls, count: 12) }
        let batch = try RecordBatch(schema: schema, columns: columns)
        return try written([batch, batch.slice(at: 3, count: 5)], as: container, options: packing.options)
    }

    @Test(arguments: IPCWriter.Container.allCases, [Packing.plain, .lz4, .zstd])
    func truncation(container: IPCWriter.Container, packing: Packing) throws {
        let whole = try sample(container, packing)
        for length in Array(stride(from: 0, to: whole.count, by: 3)) + Array(whole.count - 60..<whole.count) {
            let start = try whole.slice(at: 0, count: length)
            let part = try Buffer(copying: start.bytes)
            readEverything(part)
            guard container == .file else { continue }
            #expect(throws: MartletError.self) { try IPCFileReader(MemorySource(part)) }
        }
        guard container == .stream else { return }
        // Cut between messages the stream is whole; cut inside one it is not, and says where.
        let reader = try IPCStreamReader(BufferStreamSource(whole.slice(at: 0, count: whole.count - 100)))
        _ = try reader.next()
        for _ in 0..<2 {
            let error = #expect(throws: MartletError.self) { try reader.next() }
            #expect(error?.message.contains("byte") == true)
        }
    }

    @Test(arguments: IPCWriter.Container.allCases, [Packing.plain, .lz4, .zstd])
    func changedBytes(container: IPCWriter.Container, packing: Packing) throws {
        let whole = bytes(of: try sample(container, packing))
        var random = SeededRandom(11)
        for _ in 0..<500 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<damaged.count, using: &random)
                damaged[place] = random.chance(0.5)
                    ? UInt8.random(in: 0...255, using: &random) : [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
            }
            readEverything(try Buffer(damaged))
        }
    }

    /// Numbers of the metadata, replaced by numbers that tempt arithmetic.
    @Test(arguments: IPCWriter.Container.allCases, [Packing.plain, .zstd])
    func forgedNumbers(container: IPCWriter.Container, packing: Packing) throws {
        let whole = bytes(of: try sample(container, packing))
        var random = SeededRandom(5)
        let forged: [Int64] = [-1, .min, .max, .max - 7, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 62, -8, 0, 1 << 40]
        for place in stride(from: 0, to: whole.count - 8, by: 4) {
            for number in forged.shuffled(using: &random).prefix(1) {
                var damaged = whole
                for i in 0..<(place % 8 == 0 ? 8 : 4) { damaged[place + i] = UInt8(truncatingIfNeeded: number >> (8 * i)) }
                readEverything(try Buffer(damaged))
            }
        }
    }

    /// A few bytes that promise a lot do not get it.
    @Test func promisesAreNotBelieved() throws {
        let column = ArrayData(
            type: .int64, count: 1 << 20, nullCount: 0, buffers: [try Buffer(zeroed: 8 << 20)])
        for packing in [Packing.lz4, .zstd] {
            let packed = bytes(of: try written([batch(column)], as: .stream, options: packing.options))
            let length: [UInt8] = [0, 0, 0x80, 0, 0, 0, 0, 0]
            let place = try #require(packed.indices.first { packed[$0...].starts(with: length) })
            for shift in [1, 2, 3] {
                var forged = packed
                forged[place + 2] = 0
                forged[place + 4 + shift] = 0x10
                let error = #expect(throws: MartletError.self) { try read(Buffer(forged), as: .stream) }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test func notAnArrowFile() throws {
        for (content, message) in [
            ("", "File is too small: 0"), ("ARROW1\0\0ARROW1", "File is too small: 14"),
            ("ARROW1\0\0\u{10}\0\0\0ARROW1", "File is smaller than indicated metadata size"),
            ("something else altogether", "Not an Arrow file"),
        ] {
            let source = MemorySource(try Buffer(Array(content.utf8)))
            let error = #expect(throws: MartletError.self) { try IPCFileReader(source) }
            #expect(error?.message.hasPrefix(message) == true)
        }
        let error = #expect(throws: MartletError.self) { try IPCStreamReader(BufferStreamSource(.empty)) }
        #expect(error?.message.hasPrefix("Tried reading schema message, was null or length 0") == true)
    }
}
