import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

@Suite struct GroupingTests {
    /// Against texts of the keys in a Swift dictionary.
    @Test(
        arguments: flatSampleTypes + [.dictionary(index: .int8, value: .string, isOrdered: false)], LayoutCase.allCases)
    func groupsAreThoseOfEqualKeys(type: DataType, layout: LayoutCase) throws {
        let base = try sampleArray(type, layout, count: 40)
        let key = try concatenate([base, base.slice(at: base.count / 2, count: base.count / 4), base], type: type)
        let grouping = try Grouping(keys: [key])
        var expected: [String: Int] = [:]
        var ids: [Int] = []
        var firstRows: [Int] = []
        for row in 0..<key.count {
            let text = try key.isValid(row) ? "v" + key.text(at: row) : "null"
            if expected[text] == nil {
                expected[text] = expected.count
                firstRows.append(row)
            }
            ids.append(expected[text]!)
        }
        #expect((0..<key.count).map { Int(grouping.ids.span(of: UInt32.self)[$0]) } == ids)
        #expect(grouping.firstRows == firstRows)
        #expect(grouping.groupCount == expected.count)

        let (rows, starts) = try grouping.partition()
        #expect(starts.last == key.count)
        for group in 0..<grouping.groupCount {
            let members = (starts[group]..<starts[group + 1]).map { Int(rows.span(of: Int32.self)[$0]) }
            #expect(members == ids.indices.filter { ids[$0] == group })
        }
    }

    @Test func severalKeysAndManyRows() throws {
        var random = SeededRandom(5)
        let count = 700_000
        let a = (0..<count).map { _ in Int64.random(in: 0..<50, using: &random) }
        let b = (0..<count).map { _ in ["x", "yy", "zzzzzzzzz", nil].randomElement(using: &random)! }
        let grouping = try Grouping(keys: [ArrayData.of(a), ArrayData.of(b)])
        #expect(grouping.groupCount == 200)
        var seen: [String: UInt32] = [:]
        var wrong = 0
        for row in 0..<count {
            let text = "\(a[row])/\(b[row] ?? "null")"
            let id = grouping.ids.span(of: UInt32.self)[row]
            if seen[text, default: id] != id { wrong += 1 }
            seen[text] = id
        }
        #expect(wrong == 0)
        #expect(Set(seen.values).count == 200)
    }

    @Test func floatsThatAreEqual() throws {
        let keys = try ArrayData.of([0.0, -0.0, .nan, -.nan, 1, nil])
        #expect(try Grouping(keys: [keys]).groupCount == 4)
        #expect(try Grouping(keys: []).groupCount == 0)
    }
}
