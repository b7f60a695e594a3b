import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

@Suite struct NestedBuilderTests {
    private let texts: [String?] = ["short", nil, "exactly 12 b", "thirteen byte", "", String(repeating: "x", count: 100)]

    @Test(arguments: [1, 20, 1 << 20])
    func viewsComeBack(bufferByteCount: Int) throws {
        var builder = try BinaryViewBuilder(bufferByteCount: bufferByteCount)
        for text in texts { try builder.append(text) }
        let array = try builder.finish(as: .stringView)
        try array.validate(full: true)
        #expect(try array.strings() == texts)
        #expect(array.nullCount == 1)
        #expect(try array.contiguousStrings().strings() == texts)
        #expect(array.contiguousType == .largeString)
        // The same texts in other buffers are equal.
        var other = try BinaryViewBuilder()
        for text in texts { try other.append(text) }
        #expect(try array.isEqual(to: other.finish(as: .stringView)))
    }

    @Test func intervalsAndWideDecimals() throws {
        var builder = try FixedBytesBuilder(byteWidth: 16)
        try builder.append(months: 1, days: -2, nanoseconds: 3)
        try builder.appendNull()
        let intervals = try builder.finish(as: .interval(.monthDayNano))
        #expect(try intervals.text() == "[\n  1M-2d3ns,\n  null\n]")
        var days = try FixedBytesBuilder(byteWidth: 8)
        try days.append(days: 2, milliseconds: 10)
        #expect(try days.finish(as: .interval(.dayTime)).text(at: 0) == "2d10ms")
        #expect(try ArrayData.of([5 as Int32], as: .interval(.months)).text(at: 0) == "5M")
        #expect(throws: MartletError.self) { try FixedBytesBuilder(byteWidth: 8).finish(as: .interval(.monthDayNano)) }
        let wide = ArrayData(
            type: .decimal256(precision: 40, scale: 2), count: 2,
            buffers: [try Buffer([-123, -1, -1, -1, 0, 0, 1, 0] as [Int64])])
        #expect(try wide.text(at: 0) == "-1.23")
        #expect(try wide.text(at: 1) == "3402823669209384634633746074317682114.56")
        try wide.slice(at: 0, count: 1).validate(full: true)
        let narrow = ArrayData(type: .decimal256(precision: 38, scale: 2), count: 2, buffers: wide.buffers)
        #expect(throws: MartletError.self) { try narrow.validate(full: true) }
    }

    @Test func listsOfAllKinds() throws {
        let values = try ArrayData.of([1, 2, 3, 4] as [Int64])
        let list = try ArrayData.list(offsets: [0, 1, 1, 4], of: values, validity: [true, false, true])
        #expect(list.nullCount == 1)
        let view = try ArrayData.listView(starts: [1, 0, 0], sizes: [2, 3, 0], of: values)
        #expect(try view.listValues(at: 1).values(as: Int64.self) == [1, 2, 3])
        // Slots say what counts, not where they lie.
        let other = try ArrayData.listView(
            starts: [0, 2, 1], sizes: [2, 3, 0], of: try ArrayData.of([2, 3, 1, 2, 3] as [Int64]))
        #expect(view.isEqual(to: other))
        #expect(try view.contiguousStrings().isEqual(to: ArrayData.list(
            offsets: [0, 2, 5, 5], of: try ArrayData.of([2, 3, 1, 2, 3] as [Int64]))))
        #expect(try ArrayData.fixedSizeList(of: values, size: 2).count == 2)
        #expect(try ArrayData.map(
            offsets: [0, 2], keys: try ArrayData.of(["a", "b"] as [String?]), items: try ArrayData.of([1, 2] as [Int8])
        ).type.description == "map<string, int8>")
        #expect(throws: MartletError.self) { try ArrayData.listView(starts: [3], sizes: [2], of: values) }
        #expect(throws: MartletError.self) { try ArrayData.list(offsets: [0, 5], of: values) }
        #expect(throws: MartletError.self) { try ArrayData.structure([("a", values), ("b", list)]) }
    }

    @Test func unions() throws {
        let numbers = try ArrayData.of([1, 2, 3] as [Int32])
        let texts = try ArrayData.of(["a", "b", nil] as [String?])
        let sparse = try ArrayData.sparseUnion(typeIDs: [5, 7, 7], [("n", numbers), ("t", texts)], ids: [5, 7])
        #expect(sparse.type.description == "sparse_union<n: int32=5, t: string=7>")
        #expect(try UnionArray(sparse).value(1).strings() == ["b"])
        #expect(try UnionArray(sparse.slice(at: 2, count: 1)).value(0).strings() == [nil])
        // What no slot names does not count.
        let same = try ArrayData.sparseUnion(
            typeIDs: [5, 7, 7], [("n", try ArrayData.of([1, 9, 9] as [Int32])), ("t", texts)], ids: [5, 7])
        #expect(sparse.isEqual(to: same))
        let dense = try ArrayData.denseUnion(typeIDs: [0, 1, 0], offsets: [0, 1, 2], [("n", numbers), ("t", texts)])
        #expect(try UnionArray(dense).value(2).values(as: Int32.self) == [3])
        let packed = try ArrayData.denseUnion(
            typeIDs: [0, 1, 0], offsets: [0, 0, 1],
            [("n", try ArrayData.of([1, 3] as [Int32])), ("t", try ArrayData.of(["b"] as [String?]))])
        #expect(dense.isEqual(to: packed))
        #expect(throws: MartletError.self) { try ArrayData.sparseUnion(typeIDs: [0, 2], [("n", numbers)]) }
        #expect(throws: MartletError.self) { try ArrayData.denseUnion(typeIDs: [0], offsets: [3], [("n", numbers)]) }
        #expect(throws: MartletError.self) { try ArrayData.denseUnion(typeIDs: [0, 0], offsets: [1, 0], [("n", numbers)]) }
        #expect(throws: MartletError.self) { try ArrayData.sparseUnion(typeIDs: [0], [("n", numbers)], ids: [-1]) }
        #expect(throws: MartletError.self) {
            try ArrayData.sparseUnion(typeIDs: [], [("n", numbers), ("t", texts)], ids: [3, 3])
        }
    }

    @Test(arguments: [DataType.int16, .int32, .int64])
    func runs(type: DataType) throws {
        let array = try ArrayData.runEndEncoded(
            runEnds: [2, 5, 6], values: try ArrayData.of(["a", nil, "b"] as [String?]), as: type)
        #expect(try array.contiguousStrings().strings() == ["a", "a", nil, nil, nil, "b"])
        #expect(try array.slice(at: 1, count: 3).contiguousStrings().strings() == ["a", nil, nil])
        #expect(array.nullCount == 0)
        // Runs may be cut anywhere.
        let other = try ArrayData.runEndEncoded(
            runEnds: [1, 2, 3, 5, 6], values: try ArrayData.of(["a", "a", nil, nil, "b"] as [String?]), as: type)
        #expect(array.isEqual(to: other))
        #expect(try !array.isEqual(to: other.slice(at: 0, count: 5)))
        let joined = try concatenate([array.slice(at: 1, count: 2), array.slice(at: 4, count: 2)], type: array.type)
        #expect(try joined.contiguousStrings().strings() == ["a", nil, nil, "b"])
        for ends in [[2, 2, 3], [3, 1, 4], [0, 1, 2], [-1, 2, 3]] {
            #expect(throws: MartletError.self) {
                try ArrayData.runEndEncoded(runEnds: ends, values: try ArrayData.of([1, 2, 3] as [Int8]), as: type)
            }
        }
        #expect(throws: MartletError.self) {
            try ArrayData.runEndEncoded(runEnds: [1], values: try ArrayData.of([1] as [Int8]), as: .uint16)
        }
    }

    @Test(arguments: [DataType.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64])
    func dictionaryIndices(type: DataType) throws {
        let indices = try sampleArray(type, .noNulls, count: 3)
        let zeros = ArrayData(type: type, count: 3, buffers: [try Buffer(zeroed: indices.buffers[0].count)])
        let values = try ArrayData.of(["a", "b"] as [String?])
        let array = try ArrayData.dictionary(indices: zeros, values: values)
        #expect(try array.text(at: 2) == "a")
        // Dictionaries of dictionaries.
        let outer = try ArrayData.dictionary(indices: zeros, values: array)
        try outer.validate(full: true)
        #expect(try outer.text(at: 0) == "a")
        #expect(try concatenate([outer, outer], type: outer.type).isEqual(to: concatenate([outer, outer], type: outer.type)))
        #expect(throws: MartletError.self) {
            try ArrayData.dictionary(indices: ArrayData(type: type, count: 1, buffers: [try Buffer([3, 0] as [Int64])]), values: values)
        }
    }
}

extension ArrayData {
    fileprivate var contiguousType: DataType { type.contiguous }
}
