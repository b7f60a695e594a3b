import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

@Suite struct FunctionTests {
    private func result(_ name: String, _ arrays: [ArrayData], _ options: [String: String] = [:]) throws -> [String] {
        try texts(Compute.call(name, arrays.map { Datum($0) }, options: options).array)
    }

    @Test func aggregates() throws {
        let numbers = try ArrayData.of([1, 2, nil, 4] as [Int8?])
        #expect(try result("sum", [numbers]) == ["7"])
        #expect(try result("mean", [numbers]) == ["2.3333333333333335"])
        #expect(try result("min", [numbers]) == ["1"])
        #expect(try result("count", [numbers], ["mode": "only_null"]) == ["1"])
        #expect(try result("sum", [numbers], ["skip_nulls": "false"]) == ["null"])
        #expect(try result("sum", [numbers], ["min_count": "4"]) == ["null"])
        #expect(try result("max", [.of([.nan, 1, nil])]) == ["1"])
        #expect(try result("max", [.of([Double.nan])]) == ["nan"])
        #expect(try result("stddev", [.of([1.0, 3.0])]) == ["1"])
        #expect(try result("count_distinct", [.of(["a", nil, "a", "b"])]) == ["2"])
        #expect(try result("any", [.of([false, nil])], ["skip_nulls": "false"]) == ["null"])
        #expect(try result("all", [.of([true, nil])]) == ["true"])
        #expect(try result("unique", [.of([0.0, -0.0, .nan, -.nan, nil, 0.0])]) == ["0", "-0", "nan", "null"])
    }

    @Test func manyRows() throws {
        let count = 300_001
        let numbers = try ArrayData.of((0..<count).map { $0 % 3 == 0 ? nil : Int64($0) })
        let expected = (0..<count).reduce(0) { $1 % 3 == 0 ? $0 : $0 + $1 }
        #expect(try result("sum", [numbers]) == ["\(expected)"])
        #expect(try result("sum", [cast(numbers, to: .float64)]) == ["\(expected)"])
        let tenths = try Compute.call("sum", [Datum(.of((0..<count).map { _ in 0.1 }))]).array
        #expect(try abs(PrimitiveArray<Double>(tenths)[0] - 30_000.1) < 1e-8)
        let small = try compare(.less, Datum(numbers), Datum(scalar: .of([1000] as [Int64]))).array
        #expect(try filter(numbers, small).count == 666)
    }

    @Test func comparisonsAcrossTypes() throws {
        #expect(try result("less", [.of([UInt64.max, 1]), .of([-1, 2] as [Int64])]) == ["false", "true"])
        #expect(try result("equal", [.of([1, nil] as [Int8?]), .of([1.0, 1.0])]) == ["true", "null"])
        let seconds = try ArrayData.of([Int64.max / 2], as: .timestamp(.second, timeZone: nil))
        let nanoseconds = try ArrayData.of([5] as [Int64], as: .timestamp(.nanosecond, timeZone: nil))
        #expect(try result("greater", [seconds, nanoseconds]) == ["true"])
        #expect(try result("equal", [.of([.nan, 0.0]), .of([.nan, -0.0])]) == ["false", "true"])
        let decimals = try cast(.of(["1.50", "2"]), to: .decimal128(precision: 5, scale: 2))
        #expect(
            try result(
                "greater_equal", [decimals, cast(.of(["1.5", "2.1"]), to: .decimal128(precision: 5, scale: 1))]) == [
                    "true", "false",
                ])
    }

    @Test(arguments: Logic.allCases)
    func truthTables(logic: Logic) throws {
        let values: [Bool?] = [true, false, nil]
        let pairs = values.flatMap { a in values.map { (a, $0) } }
        let outcome = try booleans(combine(logic, Datum(.of(pairs.map(\.0))), Datum(.of(pairs.map(\.1)))).array)
        for (i, (a, b)) in pairs.enumerated() {
            // Kleene: what holds whatever the unknown is.
            let possible = Set(
                (a.map { [$0] } ?? [true, false]).flatMap { x in
                    (b.map { [$0] } ?? [true, false]).map { y in
                        switch logic {
                        case .and, .andKleene: x && y
                        case .or, .orKleene: x || y
                        case .xor: x != y
                        case .andNot, .andNotKleene: x && !y
                        }
                    }
                })
            let isKleene = [.andKleene, .orKleene, .andNotKleene].contains(logic)
            let known = isKleene || (a != nil && b != nil)
            #expect(outcome[i] == (known && possible.count == 1 ? possible.first : nil), "\(logic) \(pairs[i])")
        }
    }

    @Test func arithmetic() throws {
        #expect(try result("add", [.of([127] as [Int8]), .of([1] as [Int8])]) == ["-128"])
        #expect(throws: MartletError.self) { try result("add_checked", [.of([127] as [Int8]), .of([1] as [Int8])]) }
        #expect(throws: MartletError.self) { try result("divide", [.of([1] as [Int8]), .of([0] as [Int8])]) }
        #expect(try result("divide", [.of([1.0]), .of([0.0])]) == ["inf"])
        #expect(try result("divide", [.of([Int64.min]), .of([-1] as [Int64])]) == ["0"])
        #expect(try result("abs", [.of([-3, nil] as [Int16?])]) == ["3", "null"])
    }

    @Test func sets() throws {
        let values = try ArrayData.of([1, 2, nil] as [Int64?])
        #expect(try result("is_in", [values, .of([2, nil] as [Int64?])]) == ["false", "true", "true"])
        #expect(
            try result("is_in", [values, .of([2, nil] as [Int64?])], ["skip_nulls": "true"]) == [
                "false", "true", "false",
            ])
        #expect(try result("is_in", [values, .of([2.0, 1.5])]) == ["false", "true", "false"])
        // What the values' type cannot hold is in no set of them.
        #expect(try result("is_in", [.of([UInt64.max, 1]), .of([-1, 1] as [Int64])]) == ["false", "true"])
        #expect(try result("index_in", [.of([UInt64.max, 1]), .of([-1, 1] as [Int64])]) == ["null", "1"])
        #expect(try result("index_in", [values, .of([nil, 2] as [Int64?])]) == ["null", "1", "0"])
        #expect(
            try result(
                "fill_null",
                [values, .of([7] as [Int64])].map { $0.count == 1 ? try take($0, .of([0, 0, 0] as [Int32])) : $0 }) == [
                    "1", "2", "7",
                ])
        #expect(try result("coalesce", [values, .of([nil, nil, 9] as [Int8?])]) == ["1", "2", "9"])
        #expect(
            try result("if_else", [.of([true, nil, false]), values, .of([0.5, 0.5, 0.5])]) == ["1", "null", "0.5"])
    }

    @Test func groups() throws {
        let keys = ArrayData(
            type: .struct([Field("k", .string)]), count: 4, children: [try .of(["a", nil, "a", "b"])])
        let values = ArrayData(
            type: .struct([Field("x", .int32), Field("x", .int32), Field("x", .int32), Field("x", .int32)]), count: 4,
            children: try (0..<4).map { _ in try .of([1, 2, 3, nil] as [Int32?]) })
        let table = try Compute.group(keys: keys, values: values, functions: ["sum", "mean", "count", "max"])
        #expect(table.type.childFields.map(\.name) == ["k", "x_sum", "x_mean", "x_count", "x_max"])
        #expect(try texts(table.child(0)) == ["a", "null", "b"])
        #expect(try texts(table.child(1)) == ["4", "2", "null"])
        #expect(try texts(table.child(2)) == ["2", "2", "null"])
        #expect(try texts(table.child(3)) == ["2", "1", "0"])
        #expect(try texts(table.child(4)) == ["3", "2", "null"])
    }

    @Test func dictionaries() throws {
        let encoded = try dictionaryEncode(.of(["b", nil, "a", "b"]))
        #expect(try texts(encoded) == ["b", "null", "a", "b"])
        #expect(encoded.dictionary?.count == 2)
        #expect(throws: MartletError.self) {
            try cast(.of((0..<200).map { "\($0)" }), to: .dictionary(index: .int8, value: .string, isOrdered: false))
        }
    }
}
