import MartletArrow
import MartletBase
import Testing

@Suite struct BuilderTests {
    @Test func swiftValuesComeBack() throws {
        let numbers: [Int64?] = [1, nil, -3, .max]
        let array = try ArrayData.of(numbers)
        try array.validate(full: true)
        #expect(array.nullCount == 1)
        #expect(try array.values(as: Int64.self) == numbers)
        let texts: [String?] = ["a", nil, "", "aé€😀"]
        #expect(try ArrayData.of(texts).strings() == texts)
        #expect(try ArrayData.of([1.5, 2.5]).validity == nil)
        #expect(try ArrayData.of([true, nil, false]).text() == "[\n  true,\n  null,\n  false\n]")
        #expect(throws: MartletError.self) { try ArrayData.of([1, 2] as [Int32], as: .int64) }
        #expect(try ArrayData.of([1, 2] as [Int64], as: .timestamp(.millisecond, timeZone: nil)).count == 2)
    }

    /// pyarrow's texts of values.
    @Test func texts() throws {
        func text(_ array: ArrayData) throws -> String { try array.text(at: 0) }
        for (value, expected) in [
            (1.0, "1"), (2.5, "2.5"), (1e20, "1e+20"), (1e-7, "1e-7"), (.nan, "nan"), (-.infinity, "-inf"), (-0.0, "-0"),
            (123456789.123, "123456789.123"), (0.1, "0.1"), (1e15, "1e+15"), (1e14, "100000000000000"),
        ] { #expect(try text(ArrayData.of([value])) == expected) }
        func timestamp(_ value: Int64, _ unit: TimeUnit, _ zone: String?) throws -> String {
            try text(ArrayData.of([value], as: .timestamp(unit, timeZone: zone)))
        }
        #expect(try timestamp(1_708_000_000_123, .millisecond, nil) == "2024-02-15 12:26:40.123")
        #expect(try timestamp(-1, .millisecond, "UTC") == "1969-12-31 23:59:59.999Z")
        #expect(try timestamp(1_708_000_000, .second, nil) == "2024-02-15 12:26:40")
        #expect(try text(ArrayData.of([-1 as Int32], as: .date32)) == "1969-12-31")
        #expect(try text(ArrayData.of([3_661_001 as Int32], as: .time32(.millisecond))) == "01:01:01.001")
        #expect(try text(ArrayData.of([-1 as Int128], as: .decimal128(precision: 5, scale: 2))) == "-0.01")
        #expect(try text(ArrayData.of([100 as Int128], as: .decimal128(precision: 5, scale: -2))) == "1.00E+4")
    }
}
