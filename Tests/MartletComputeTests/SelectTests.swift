import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

/// The slots of an array as texts.
func texts(_ array: ArrayData) throws -> [String] {
    try (0..<array.count).map { try array.isValid($0) ? array.text(at: $0) : "null" }
}

func booleans(_ array: ArrayData) throws -> [Bool?] {
    let view = try BooleanArray(array)
    return (0..<array.count).map { array.isValid($0) ? view[$0] : nil }
}

@Suite struct SelectTests {
    @Test(arguments: sampleTypes, LayoutCase.allCases)
    func takeAndFilter(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        let slots = try texts(array)
        var random = SeededRandom(3)
        let indices = (0..<150).map { _ in
            array.count == 0 || random.chance(0.2) ? nil : Int32.random(in: 0..<Int32(array.count), using: &random)
        }
        let taken = try take(array, .of(indices))
        try taken.validate()
        #expect(try texts(taken) == indices.map { $0.map { slots[Int($0)] } ?? "null" })

        for share in [0.02, 0.5, 0.98, 1.0] {
            let mask = (0..<array.count).map { _ in random.chance(0.1) && share < 1 ? nil : random.chance(share) }
            let kept = try filter(array, .of(mask))
            try kept.validate()
            #expect(try texts(kept) == mask.indices.filter { mask[$0] == true }.map { slots[$0] })
            let withNulls = try filter(array, .of(mask), keepNulls: true)
            #expect(
                try texts(withNulls)
                    == mask.indices.filter { mask[$0] != false }.map { mask[$0] == nil ? "null" : slots[$0] })
        }
    }

    @Test func indicesOutOfRangeAreRefused() throws {
        let array = try ArrayData.of([1, 2, 3] as [Int64])
        for index in [3, -1, Int64.max, Int64.min] {
            let error = #expect(throws: MartletError.self) { try take(array, .of([0, index] as [Int64])) }
            #expect(error?.code == .indexError)
            #expect(error?.message.hasPrefix("Index \(index) out of bounds") == true)
        }
        #expect(throws: MartletError.self) { try filter(array, .of([true])) }
        #expect(throws: MartletError.self) { try filter(array, array) }
    }

    @Test(arguments: [false, true], [false, true])
    func sortIsStableAndPlacesNulls(isDescending: Bool, nullsFirst: Bool) throws {
        var random = SeededRandom(9)
        let numbers = (0..<500).map { _ in
            random.chance(0.1) ? nil : random.chance(0.1) ? Double.nan : Double(Int.random(in: -5...5, using: &random))
        }
        let words = (0..<500).map { _ in ["b", "a", "abcdefghij", "abcdefghik", "", nil].randomElement(using: &random)!
        }
        func place(_ isNull: Bool, _ isNaN: Bool) -> Int { (isNull ? 2 : isNaN ? 1 : 0) * (nullsFirst ? -1 : 1) }
        let expected = (0..<500).sorted { a, b in
            let (x, y) = (numbers[a], numbers[b])
            let (p, q) = (place(x == nil, x?.isNaN == true), place(y == nil, y?.isNaN == true))
            if p != q { return p < q }
            if let x, let y, !x.isNaN, x != y { return isDescending ? x > y : x < y }
            let (v, w) = (words[a], words[b])
            if (v == nil) != (w == nil) { return (v == nil) == nullsFirst }
            if let v, let w, v != w { return isDescending ? v > w : v < w }
            return a < b
        }
        let order = try sortIndices([
            SortKey(.of(numbers), isDescending: isDescending, nullsFirst: nullsFirst),
            SortKey(.of(words), isDescending: isDescending, nullsFirst: nullsFirst),
        ])
        #expect(try texts(order) == expected.map(String.init))
    }
}
