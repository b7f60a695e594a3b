import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

/// Kernels on lanes: every kind of number, across the borders of blocks and pieces, with garbage under nulls.
private let allNumbers: [DataType] = [
    .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
]

@Suite struct LaneTests {

    /// Values 0 ... 99 over more rows than a block and a piece have.
    private func numbers(_ type: DataType, count: Int = 140_003) throws -> ArrayData {
        try cast(.of((0..<count).map { $0 % 7 == 3 ? nil : Int64($0 % 100) }), to: type)
    }

    @Test(arguments: allNumbers) func sumsAndExtremes(type: DataType) throws {
        for (start, count) in [(0, 140_003), (1, 1_025), (5, 64), (9, 0)] {
            let part = try numbers(type).slice(at: start, count: count)
            let values = (start..<start + count).filter { $0 % 7 != 3 }.map { $0 % 100 }
            let sum = try cast(Compute.call("sum", [Datum(part)]).array, to: .int64)
            #expect(try texts(sum) == [values.isEmpty ? "null" : "\(values.reduce(0, +))"])
            let largest = try cast(Compute.call("max", [Datum(part)]).array, to: .int64)
            #expect(try texts(largest) == [values.max().map { "\($0)" } ?? "null"])
        }
    }

    @Test(arguments: allNumbers) func arithmeticAndComparison(type: DataType) throws {
        let array = try numbers(type, count: 3_001)
        let one = try Datum(scalar: cast(.of([1] as [Int64]), to: type))
        let more = try compute(.add, Datum(array), one).array
        let larger = try compare(.greater, Datum(more), Datum(array)).array
        #expect(try texts(Compute.call("all", [Datum(larger)]).array) == ["true"])
        let back = try compute(.subtract, Datum(more), one, isChecked: true).array
        #expect(back.isEqual(to: array))
        let same = try compare(.equal, Datum(back), Datum(array)).array
        #expect(same.nullCount == array.nullCount)
    }

    @Test func overflowNamesTheFirstValidRow() throws {
        let hundred = try Datum(scalar: cast(.of([100] as [Int64]), to: .int8))
        // 28 and more with 100 pass 127; row 31 is null.
        let error = #expect(throws: MartletError.self) {
            try compute(.add, Datum(numbers(.int8, count: 5_000)), hundred, isChecked: true)
        }
        #expect(error?.message.hasPrefix("overflow (row 28: 28 and 100)") == true)
    }

    @Test(arguments: allNumbers, allNumbers) func castsThere(from: DataType, to: DataType) throws {
        let array = try numbers(from, count: 2_050).slice(at: 3, count: 2_040)
        let made = try cast(array, to: to)
        #expect(try cast(made, to: from).isEqual(to: array))
        #expect(made.nullCount == array.nullCount)
    }

    @Test func setsAndDistinctValues() throws {
        // Close together, far apart, and mostly different: three ways to number them.
        for (modulus, shift) in [(900, 0), (900, 40), (70_000, 33)] as [(Int64, Int64)] {
            let values = (0..<70_000 as Range<Int64>).map { ($0 % modulus) << shift }
            let array = try ArrayData.of(values.map { $0 == values[5] ? nil : $0 })
            let distinct = try unique(array)
            #expect(distinct.count == Int(modulus))
            #expect(!distinct.isValid(5))
            let set = try distinct.slice(at: 0, count: 100)
            let places = try cast(indexIn(array, set: set), to: .int64)
            #expect(try texts(places.slice(at: 0, count: 101)) == (0..<100).map { "\($0)" } + ["null"])
            let members = Set(values.prefix(100))
            let inside = try Compute.call("sum", [Datum(isIn(array, set: set))]).array
            #expect(try texts(inside) == ["\(values.filter { members.contains($0) }.count)"])
        }
    }

    @Test func zonesFollowTheirRules() throws {
        // Two winters, a summer, and the far future by the rule at the end of the file.
        let seconds: [Int64] = [0, 1_583_650_799, 1_583_650_800, 1_604_210_399, 1_604_210_400, 32_503_680_000]
        let stamps = try ArrayData.of(seconds, as: .timestamp(.second, timeZone: "America/New_York"))
        guard let hours = try? Compute.call("hour", [Datum(stamps)]).array else { return }
        #expect(try texts(hours) == ["19", "1", "3", "1", "1", "19"])
        #expect(throws: MartletError.self) {
            try Compute.call("hour", [Datum(.of([0 as Int64], as: .timestamp(.second, timeZone: "../../etc/passwd")))])
        }
    }

    @Test func quantilesSelectWithoutSorting() throws {
        let array = try ArrayData.of((0..<10_001).map { Int64(($0 * 7_919) % 10_001) - 5_000 })
        let found = try Compute.call("quantile", [Datum(array)], options: ["q": "[0, 0.25, 0.5, 1]"]).array
        #expect(try texts(found) == ["-5000", "-2500", "0", "5000"])
    }

    @Test(arguments: everySampleType, LayoutCase.allCases) func takenThereAndBack(type: DataType, layout: LayoutCase)
        throws
    {
        let array = try sampleArray(type, layout)
        let turned = try ArrayData.of((0..<array.count).reversed().map { Int64($0) })
        let back = try take(take(array, turned), turned)
        #expect(back.isEqual(to: array))
        try back.validate(full: true)
        let kept = try filter(array, .of((0..<array.count).map { $0 % 3 != 0 }))
        let rows = try ArrayData.of((0..<array.count).filter { $0 % 3 != 0 }.map { Int64($0) })
        #expect(try kept.isEqual(to: take(array, rows)))
        try kept.validate(full: true)
    }
}
