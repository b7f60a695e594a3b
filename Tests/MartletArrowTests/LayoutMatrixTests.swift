import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

/// Laws that hold for every type in every layout.
@Suite struct LayoutMatrixTests {
    @Test(arguments: everySampleType, LayoutCase.allCases)
    func arraysAreValidAndEqualToThemselves(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        try array.validate(full: true)
        #expect(array.isEqual(to: array))
        #expect(try array.isEqual(to: sampleArray(type, layout)))
        _ = try array.text()
    }

    /// A slice is what its slots say, however it was cut.
    @Test(arguments: everySampleType, LayoutCase.allCases)
    func slicesOfSlices(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        let (start, length) = (array.count / 3, array.count / 2)
        let direct = try array.slice(at: start, count: length)
        try direct.validate(full: true)
        let twice = try array.slice(at: start / 2, count: array.count - start / 2).slice(at: start - start / 2, count: length)
        #expect(direct.isEqual(to: twice))
        #expect(direct.nullCount == (0..<length).filter { !direct.isValid($0) }.count)
        #expect(throws: MartletError.self) { try array.slice(at: 1, count: array.count) }
    }

    /// Cutting an array and joining the pieces gives the array.
    @Test(arguments: everySampleType, LayoutCase.allCases)
    func concatenationUndoesSlicing(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        let cut = array.count / 3
        let pieces = [
            try array.slice(at: 0, count: cut), try array.slice(at: cut, count: 0),
            try array.slice(at: cut, count: array.count - cut),
        ]
        let joined = try concatenate(pieces, type: type)
        try joined.validate(full: true)
        #expect(joined.isEqual(to: array))
        let twice = try concatenate([array, array], type: type)
        try twice.validate(full: true)
        #expect(twice.count == 2 * array.count)
        #expect(try twice.slice(at: array.count, count: array.count).isEqual(to: array))
    }

    @Test(arguments: everySampleType)
    func nullsAreNull(type: DataType) throws {
        let nulls = try ArrayData.nulls(type, count: 5)
        try nulls.validate(full: true)
        // Unions and runs have no validity of their own: their nulls are in their children.
        #expect(nulls.nullCount == (type.layout.hasValidity || type == .null ? 5 : 0))
        try ArrayData.empty(type).validate(full: true)
    }

    /// Different values, nulls or types are told apart.
    @Test(arguments: everySampleType)
    func differencesShow(type: DataType) throws {
        let array = try sampleArray(type, .someNulls)
        guard type != .null else { return }
        #expect(try !array.isEqual(to: sampleArray(type, .someNulls, seed: 2)))
        #expect(try !array.isEqual(to: array.slice(at: 0, count: 99)))
        #expect(try !array.isEqual(to: ArrayData.nulls(.null, count: 100)))
    }

    @Test func differentDictionariesAreJoined() throws {
        let type = DataType.dictionary(index: .int8, value: .string, isOrdered: false)
        let a = try sampleArray(type, .someNulls, seed: 1)
        let b = try sampleArray(type, .someNulls, seed: 2)
        let joined = try concatenate([a, b], type: type)
        try joined.validate(full: true)
        #expect(try joined.slice(at: 100, count: 100).isEqual(to: b))
        #expect(throws: MartletError.self) {
            try concatenate((0..<40).map { try sampleArray(type, .noNulls, seed: $0) }, type: type)
        }
    }
}
