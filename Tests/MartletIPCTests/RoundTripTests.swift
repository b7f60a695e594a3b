import MartletArrow
import MartletBase
import MartletIO
import MartletIPC
import MartletTestSupport
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: sampleTypes, LayoutCase.allCases)
    func everyTypeInEveryLayout(type: DataType, layout: LayoutCase) throws {
        let batches = [try batch(sampleArray(type, layout))]
        for container in IPCWriter.Container.allCases {
            for packing in Packing.allCases {
                let bytes = try written(batches, as: container, options: packing.options)
                #expect(bytes.count % 8 == (container == .file ? 2 : 0))
                let result = try read(bytes, as: container)
                #expect(result.count == 1)
                #expect(result[0].schema == batches[0].schema)
                #expect(result[0].isEqual(to: batches[0]))
                for column in result[0].columns { try column.validate(full: true) }
            }
        }
    }

    /// Batches that begin and end anywhere, of one dictionary or of several.
    @Test(arguments: sampleTypes, [Packing.plain, .lz4])
    func manyBatches(type: DataType, packing: Packing) throws {
        let whole = try batch(sampleArray(type, .someNulls, count: 1_000))
        var batches: [RecordBatch] = []
        var start = 0
        for length in [0, 1, 7, 64, 333, 0, 500, 95] {
            batches.append(try whole.slice(at: start, count: length))
            start += length
        }
        for container in IPCWriter.Container.allCases {
            let result = try read(written(batches, as: container, options: packing.options), as: container)
            #expect(result.count == batches.count)
            for (a, b) in zip(result, batches) { #expect(a.isEqual(to: b)) }
        }
    }

    @Test func schemasWithoutBatchesAndColumns() throws {
        for container in IPCWriter.Container.allCases {
            #expect(try read(written([], as: container, schema: schema(.int64)), as: container).isEmpty)
            let rows = try RecordBatch(schema: Schema([]), columns: [], rowCount: 5)
            let result = try read(written([rows], as: container), as: container)
            #expect(result.map(\.rowCount) == [5])
        }
    }

    /// What is written is trimmed: a slice costs what it shows.
    @Test(arguments: sampleTypes)
    func slicesAreTrimmed(type: DataType) throws {
        if case .dictionary = type { return }
        let whole = try batch(sampleArray(type, .someNulls, count: 20_000))
        let part = try whole.slice(at: 8_000, count: 10)
        let size = try written([part], as: .stream).count
        #expect(size < 4_000)
    }

    /// Bytes that lie in memory are neither copied nor touched.
    @Test func nothingIsCopied() throws {
        let source = try batch(sampleArray(.struct([Field("a", .int64), Field("b", .string)]), .someNulls))
        for container in IPCWriter.Container.allCases {
            let bytes = try written([source], as: container)
            let range = bytes.addressBits..<bytes.addressBits + bytes.count
            for batch in try read(bytes, as: container) {
                for address in batch.columns.flatMap({ addresses($0) }) { #expect(range.contains(address)) }
            }
        }
    }

    /// Memory that is not aligned for its values is copied, and read right.
    @Test(arguments: [DataType.int64, .string, .decimal128(precision: 20, scale: 2), .largeList(Field("item", .int32))])
    func misalignedMemory(type: DataType) throws {
        let source = try batch(sampleArray(type, .someNulls))
        for container in IPCWriter.Container.allCases {
            let bytes = try written([source], as: container)
            for shift in 1...9 {
                let moved = try Buffer([UInt8](repeating: 0, count: shift) + MartletIPCTests.bytes(of: bytes))
                    .slice(at: shift, count: bytes.count)
                #expect(try read(moved, as: container)[0].isEqual(to: source))
            }
        }
    }

    @Test func projection() throws {
        let types = sampleTypes.filter { $0 != .null }
        let schema = Schema(types.enumerated().map { Field("f\($0.offset)", $0.element) })
        let source = try RecordBatch(schema: schema, columns: types.map { try sampleArray($0, .someNulls) })
        for container in IPCWriter.Container.allCases {
            for packing in [Packing.plain, .zstd] {
                let bytes = try written([source, source], as: container, options: packing.options)
                for fields in [[0], [types.count - 1], [3, 1, types.count - 2], [], Array(types.indices)] {
                    var options = IPCReadOptions()
                    options.includedFields = fields
                    let result = try read(bytes, as: container, options: options)
                    #expect(result.count == 2)
                    for batch in result { #expect(batch.isEqual(to: try source.select(fields.sorted()))) }
                }
                var options = IPCReadOptions()
                options.includedFields = [types.count]
                let error = #expect(throws: MartletError.self) { try read(bytes, as: container, options: options) }
                #expect(error?.message.hasPrefix("Out of bounds field index: \(types.count); the schema has") == true)
            }
        }
    }

    @Test func randomAccessAndMetadata() throws {
        var footer = Metadata()
        footer.append("made by", "a test")
        let whole = try batch(sampleArray(.string, .someNulls))
        let sink = try MemorySink()
        let writer = try IPCWriter(sink, schema: whole.schema, container: .file, footerMetadata: footer)
        for i in 0..<10 {
            var metadata = Metadata()
            if i % 2 == 1 { metadata.append("number", "\(i)") }
            try writer.write(whole.slice(at: 10 * i, count: 10), metadata: metadata)
        }
        try writer.close()
        #expect(writer.statistics.messageCount == 11)
        #expect(writer.statistics.recordBatchCount == 10)
        let bytes = try sink.finish()
        let file = try IPCFileReader(MemorySource(bytes))
        #expect(file.batchCount == 10)
        #expect(file.metadata == footer)
        #expect(try file.rowCount() == 100)
        for i in [9, 0, 5, 3, 3] {
            let (batch, metadata) = try file.batchWithMetadata(at: i)
            #expect(batch.isEqual(to: try whole.slice(at: 10 * i, count: 10)))
            #expect(metadata["number"] == (i % 2 == 1 ? "\(i)" : nil))
        }
        #expect(file.statistics.recordBatchCount == 5)
        #expect(throws: MartletError.self) { try file.batch(at: 10) }
        #expect(throws: MartletError.self) { try file.batch(at: -1) }
        // A file begins like a stream, behind its magic.
        let stream = try IPCStreamReader(BufferStreamSource(bytes.slice(at: 8, count: bytes.count - 8)))
        var index = 0
        while let (_, metadata) = try stream.nextWithMetadata() {
            #expect(metadata["number"] == (index % 2 == 1 ? "\(index)" : nil))
            index += 1
        }
        #expect(index == 10)
        #expect(stream.statistics.messageCount == 11)
    }

    @Test func streamsLeaveWhatFollowsThem() throws {
        let a = try batch(sampleArray(.int16, .someNulls))
        let b = try batch(sampleArray(.string, .noNulls))
        let sink = try MemorySink()
        try sink.write([written([a], as: .stream), written([b], as: .stream), Buffer([1 as UInt8, 2, 3])])
        let source = try BufferStreamSource(sink.finish())
        #expect(try IPCStreamReader(source).readAll()[0].isEqual(to: a))
        #expect(try IPCStreamReader(source).readAll()[0].isEqual(to: b))
        #expect(try source.read(10).count == 3)
    }

    @Test func closedWritersAndOtherSchemas() throws {
        let a = try batch(sampleArray(.int16, .someNulls))
        let sink = try MemorySink()
        let writer = try IPCWriter(sink, schema: a.schema, container: .stream)
        let other = #expect(throws: MartletError.self) { try writer.write(batch(sampleArray(.int32, .someNulls))) }
        #expect(other?.message.hasPrefix("Tried to write record batch with different schema") == true)
        try writer.write(a)
        try writer.close()
        try writer.close()
        #expect(throws: MartletError.self) { try writer.write(a) }
        #expect(try read(sink.finish(), as: .stream).count == 1)
    }

    /// Bytes that do not shrink are stored as they are.
    @Test func incompressibleBuffers() throws {
        let random = try batch(sampleArray(.int64, .noNulls, count: 10_000))
        let plain = try written([random], as: .stream).count
        for packing in [Packing.lz4, .zstd] {
            let packed = try written([random], as: .stream, options: packing.options)
            #expect(packed.count < plain + 200)
            #expect(try read(packed, as: .stream)[0].isEqual(to: random))
        }
    }
}
