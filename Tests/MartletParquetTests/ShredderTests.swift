import MartletArrow
@testable import MartletBase
@testable import MartletParquet
import MartletTestSupport
import Testing

/// Levels of every nested type in every layout, against a walk from slot to slot.
@Suite struct ShredderTests {
    @Test(arguments: sampleTypes.filter(\.isNested), LayoutCase.allCases)
    func levels(_ type: DataType, _ layout: LayoutCase) throws {
        let array = try sampleArray(type, layout, count: 60)
        // Whole, and in chunks that end where they like.
        try check(type, [array])
        var chunks: [ArrayData] = []
        var start = 0
        while start < array.count {
            let count = min(17, array.count - start)
            chunks.append(try array.slice(at: start, count: count))
            start += count
        }
        try check(type, chunks)
    }

    @Test func nullAndEmptyListsDiffer() throws {
        // [[1], null, [], [2, null]]
        let items = ArrayData(
            type: .int32, count: 3, validity: try Buffer([0b011] as [UInt8]), buffers: [try Buffer([1, 2, 0] as [Int32])])
        let list = ArrayData(
            type: .list(Field("item", .int32)), count: 4, validity: try Buffer([0b1101] as [UInt8]),
            buffers: [try Buffer([0, 1, 1, 1, 3] as [Int32])], children: [items])
        let levels = try shredded(list.type, [list])[0]
        #expect(levels.definition == [3, 0, 1, 3, 2])
        #expect(levels.repetition == [0, 0, 0, 0, 1])
        #expect(levels.slots == [0, 1, 2])
    }

    @Test func nullsWhereNoneMayBe() throws {
        let values = ArrayData(
            type: .int32, count: 2, validity: try Buffer([0b01] as [UInt8]), buffers: [try Buffer([1, 2] as [Int32])])
        let type = DataType.struct([Field("x", .int32, isNullable: false)])
        let whole = ArrayData(type: type, count: 2, children: [values])
        #expect(throws: MartletError.self) { try shredded(type, [whole]) }
        // Under a null parent nobody looks.
        let covered = ArrayData(type: type, count: 2, validity: try Buffer([0b01] as [UInt8]), children: [values])
        #expect(try shredded(type, [covered])[0].definition == [1, 0])
    }

    private struct Levels: Equatable {
        var definition: [Int] = []
        var repetition: [Int] = []
        /// Slots of the leaf's array, counted over all chunks' arrays from their own start.
        var slots: [Int] = []
    }

    private func check(_ type: DataType, _ chunks: [ArrayData]) throws {
        let paths = LeafPath.leaves(of: Schema([Field("x", type)]))
        let found = try shredded(type, chunks)
        for (path, levels) in zip(paths, found) {
            var expected = Levels()
            for chunk in chunks {
                for slot in 0..<chunk.count { walk(path.steps[...], chunk, slot, 0, 0, 0, &expected) }
            }
            #expect(levels.definition == expected.definition)
            #expect(levels.repetition == expected.repetition)
            #expect(levels.slots == expected.slots)
        }
    }

    private func shredded(_ type: DataType, _ chunks: [ArrayData]) throws -> [Levels] {
        let schema = Schema([Field("x", type)])
        let leaves = try ParquetSchema(arrow: schema).leaves
        var all: [Levels] = []
        for (path, leaf) in zip(LeafPath.leaves(of: schema), leaves) {
            var shredder = try Shredder(
                path, maxDefinitionLevel: leaf.maxDefinitionLevel, maxRepetitionLevel: leaf.maxRepetitionLevel)
            for (i, chunk) in chunks.enumerated() { try shredder.append(chunk, chunk: i) }
            var slots = shredder.finish()
            var levels = Levels()
            let definition = slots.definition.take()?.finish()
            let repetition = slots.repetition.take()?.finish()
            levels.definition = try definition.map { try array(of: $0).map { Int($0) } } ?? []
            levels.repetition =
                try repetition.map { try array(of: $0).map { Int($0) } } ?? levels.definition.map { _ in 0 }
            levels.slots = slots.ranges.flatMap { Array($0.start..<$0.start + $0.count) }
            #expect(levels.definition.count == slots.entryCount)
            all.append(levels)
        }
        return all
    }

    private func walk(
        _ steps: ArraySlice<LeafPath.Step>, _ array: ArrayData, _ slot: Int, _ first: Int, _ definition: Int,
        _ repetition: Int, _ levels: inout Levels
    ) {
        func add(_ level: Int) {
            levels.definition.append(level)
            levels.repetition.append(first)
        }
        switch steps.first! {
        case .leaf(let isNullable):
            levels.slots.append(slot)
            add(definition + (isNullable && array.isValid(slot) ? 1 : 0))
        case .group(let child, let isNullable):
            if isNullable && !array.isValid(slot) { return add(definition) }
            walk(
                steps.dropFirst(), array.child(child), slot, first, definition + (isNullable ? 1 : 0), repetition, &levels)
        case .list(let isNullable), .fixedSizeList(_, let isNullable):
            if !array.isValid(slot) { return add(definition) }
            let inner = definition + (isNullable ? 1 : 0)
            var items = 0..<0
            if case .fixedSizeList(let count, _) = steps.first! {
                items = slot * count..<(slot + 1) * count
            } else if let list = try? ListArray<Int32>(array) {
                items = list.range(slot)
            } else if let list = try? ListArray<Int64>(array) {
                items = list.range(slot)
            }
            if items.isEmpty { return add(inner) }
            for item in items {
                walk(
                    steps.dropFirst(), array.child(0), item, item == items.lowerBound ? first : repetition + 1, inner + 1,
                    repetition + 1, &levels)
            }
        }
    }
}
