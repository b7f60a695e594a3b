import MartletArrow
import MartletBase
import MartletIO
import MartletIPC
import MartletTestSupport
import Testing

@Suite struct DictionaryTests {
    private let type = DataType.dictionary(index: .int8, value: .string, isOrdered: false)

    private func strings(_ values: [String]) throws -> ArrayData {
        var ends: [Int32] = [0]
        for value in values { ends.append(ends.last! + Int32(value.utf8.count)) }
        return ArrayData(
            type: .string, count: values.count, nullCount: 0,
            buffers: [try Buffer(ends), try Buffer(values.flatMap { Array($0.utf8) })])
    }

    private func encoded(_ indices: [Int8], _ values: [String]) throws -> RecordBatch {
        try batch(
            ArrayData(
                type: type, count: indices.count, nullCount: 0, buffers: [try Buffer(indices)], dictionary: try strings(values)))
    }

    private func write(_ batches: [RecordBatch], _ container: IPCWriter.Container, deltas: Bool = false) throws
        -> (Buffer, IPCStatistics)
    {
        var options = IPCWriteOptions()
        options.emitsDictionaryDeltas = deltas
        let sink = try MemorySink()
        let writer = try IPCWriter(sink, schema: batches[0].schema, container: container, options: options)
        for batch in batches { try writer.write(batch) }
        try writer.close()
        return (try sink.finish(), writer.statistics)
    }

    /// A dictionary that stays the same, the same object or an equal one, goes out once.
    @Test(arguments: IPCWriter.Container.allCases)
    func sameDictionaryOnce(container: IPCWriter.Container) throws {
        let first = try encoded([0, 1, 0], ["a", "b"])
        let batches = [first, try first.slice(at: 1, count: 2), try encoded([1, 1], ["a", "b"])]
        let (bytes, statistics) = try write(batches, container)
        #expect(statistics.dictionaryBatchCount == 1)
        #expect(statistics.messageCount == 5)
        for (a, b) in zip(try read(bytes, as: container), batches) { #expect(a.isEqual(to: b)) }
    }

    @Test func replacement() throws {
        let batches = [try encoded([0, 1], ["a", "b"]), try encoded([0, 1, 2], ["x", "b", "c"]), try encoded([0], ["q"])]
        let (bytes, statistics) = try write(batches, .stream)
        #expect(statistics.replacedDictionaryCount == 2)
        let reader = try IPCStreamReader(BufferStreamSource(bytes))
        // Batches that were read keep the dictionary that they came with.
        let result = try reader.readAll()
        for (a, b) in zip(result, batches) { #expect(a.isEqual(to: b)) }
        #expect(reader.statistics.replacedDictionaryCount == 2)
        let error = #expect(throws: MartletError.self) { try write(batches, .file) }
        #expect(error?.message.hasPrefix("Dictionary replacement detected when writing IPC file format.") == true)
    }

    @Test(arguments: IPCWriter.Container.allCases)
    func deltas(container: IPCWriter.Container) throws {
        let batches = [
            try encoded([0, 1], ["a", "b"]), try encoded([2, 1], ["a", "b", "c"]), try encoded([3, 0], ["a", "b", "c", "d"]),
        ]
        let (bytes, statistics) = try write(batches, container, deltas: true)
        #expect(statistics.dictionaryDeltaCount == 2)
        #expect(statistics.dictionaryBatchCount == 3)
        for (a, b) in zip(try read(bytes, as: container), batches) { #expect(a.isEqual(to: b)) }
    }

    /// Dictionaries inside dictionaries, and several in one column.
    @Test(arguments: IPCWriter.Container.allCases)
    func nestedDictionaries(container: IPCWriter.Container) throws {
        let inner = Field("inner", .dictionary(index: .int16, value: .largeString, isOrdered: true))
        let values = DataType.struct([Field("x", .int32), inner, Field("l", .list(inner))])
        let outer = DataType.dictionary(index: .uint8, value: values, isOrdered: false)
        for layout in LayoutCase.allCases {
            let batches = [try batch(sampleArray(.struct([Field("o", outer), Field("p", outer)]), layout))]
            let (bytes, statistics) = try write(batches, container)
            #expect(statistics.dictionaryBatchCount == 6)
            let result = try read(bytes, as: container)
            #expect(result[0].isEqual(to: batches[0]))
            for column in result[0].columns { try column.validate(full: true) }
        }
    }

    @Test func dictionariesOfDictionariesAreRefused() throws {
        let twice = DataType.dictionary(index: .int8, value: type, isOrdered: false)
        let error = #expect(throws: MartletError.self) { try write([batch(.empty(twice))], .stream) }
        #expect(error?.code == .notImplemented)
    }
}
