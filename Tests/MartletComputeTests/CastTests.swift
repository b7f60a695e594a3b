import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

@Suite struct CastTests {
    /// A way there and back that loses nothing.
    @Test(arguments: LayoutCase.allCases)
    func roundTrips(layout: LayoutCase) throws {
        let pairs: [(DataType, DataType)] = [
            (.int8, .int64), (.uint16, .uint32), (.int32, .float64), (.float32, .float64), (.int16, .string),
            (.uint64, .largeString), (.float64, .string), (.boolean, .string), (.boolean, .int8), (.date32, .date64),
            (.string, .largeBinary),
            (.string, .largeString), (.binary, .largeBinary), (.fixedSizeBinary(byteWidth: 5), .binary),
            (.int32, .dictionary(index: .int16, value: .int32, isOrdered: false)),
            (.string, .dictionary(index: .int8, value: .string, isOrdered: false)),
            (.list(Field("item", .int32)), .largeList(Field("item", .int64))),
            (.fixedSizeList(Field("item", .int16), count: 3), .list(Field("item", .int64))),
            (
                .struct([Field("a", .int8), Field("b", .string)]),
                .struct([Field("a", .int64), Field("b", .largeString)])
            ),
            (.decimal128(precision: 10, scale: 2), .decimal128(precision: 20, scale: 5)),
            (.decimal128(precision: 10, scale: 2), .string), (.duration(.second), .int64),
        ]
        for (from, to) in pairs {
            let array = try sampleArray(from, layout)
            let there = try cast(array, to: to)
            try there.validate()
            #expect(there.type == to)
            #expect(try texts(try cast(there, to: from)) == texts(array), "\(from) -> \(to)")
        }
    }

    /// Times of this millennium, between units and through text.
    @Test func timesRoundTrip() throws {
        var random = SeededRandom(4)
        for unit in TimeUnit.allCases {
            let values = (0..<200).map { _ in
                random.chance(0.1)
                    ? nil
                    : Int64.random(in: -2_000_000_000...4_000_000_000, using: &random) * unit.perSecond
                        + Int64.random(in: 0..<unit.perSecond, using: &random)
            }
            for zone in [nil, "UTC", "+05:30", "-03:00"] {
                let stamps = try ArrayData.of(values, as: .timestamp(unit, timeZone: zone))
                #expect(try texts(cast(cast(stamps, to: .string), to: stamps.type)) == texts(stamps))
                let finer = try cast(stamps, to: .timestamp(.nanosecond, timeZone: zone))
                #expect(try texts(cast(finer, to: stamps.type)) == texts(stamps))
            }
            let plain = try ArrayData.of(values, as: .timestamp(unit, timeZone: nil))
            let days = try cast(plain, to: .date32)
            #expect(try texts(days) == texts(plain).map { $0 == "null" ? $0 : String($0.prefix(10)) })
            #expect(try texts(cast(cast(days, to: .string), to: .date32)) == texts(days))
            let clock = try cast(plain, to: .time64(.nanosecond))
            #expect(try texts(cast(cast(clock, to: .string), to: clock.type)) == texts(clock))
        }
    }

    @Test(arguments: sampleTypes)
    func nullsBecomeAnything(type: DataType) throws {
        let cast = try cast(.nulls(.null, count: 3), to: type)
        #expect(cast.type == type)
        #expect(type == .null || cast.nullCount == 3)
    }

    /// The text of pyarrow first, then the row.
    @Test func errorsSayWhatAndWhere() throws {
        func message(_ array: ArrayData, _ type: DataType) -> String? {
            do throws(MartletError) { _ = try cast(array, to: type) } catch { return error.message }
            return nil
        }
        let cases: [(ArrayData, DataType, String, String)] = [
            (try .of([1, 300] as [Int64]), .int8, "Integer value 300 not in range: -128 to 127", "row 1"),
            (try .of([-1] as [Int64]), .uint64, "Integer value -1 not in range: 0 to 9223372036854775807", "row 0"),
            (try .of([0, 1.5]), .int8, "Float value 1.500000 was truncated converting to int8", "row 1"),
            (try .of([Double.nan]), .int32, "Float value nan was truncated converting to int32", "row 0"),
            (try .of([1 << 53 + 1] as [Int64]), .float64, "Integer value 9007199254740993 not in range", "row 0"),
            (try .of(["1", "xx"]), .int64, "Failed to parse string: 'xx' as a scalar of type int64", "row 1"),
            (try .of(["yes"]), .boolean, "Failed to parse value: yes", "row 0"),
            (
                try ArrayData.of([1_708_000_000_000_000_001] as [Int64], as: .timestamp(.nanosecond, timeZone: nil)),
                .timestamp(.millisecond, timeZone: nil),
                "Casting from timestamp[ns] to timestamp[ms] would lose data: 1708000000000000001", "row 0"
            ),
            (
                try ArrayData.of([1 << 62] as [Int64], as: .timestamp(.second, timeZone: nil)),
                .timestamp(.nanosecond, timeZone: nil),
                "Casting from timestamp[s] to timestamp[ns] would result in out of bounds timestamp", "row 0"
            ),
            (
                try .of(["1.234"]), .decimal128(precision: 5, scale: 2),
                "Rescaling Decimal value would cause data loss", "row 0"
            ),
            (
                try sampleArray(.list(Field("item", .int64)), .noNulls), .int64,
                "Unsupported cast from list<item: int64> to int64 using function cast_int64", ""
            ),
        ]
        for (array, type, prefix, place) in cases {
            let text = message(array, type)
            #expect(text?.hasPrefix(prefix) == true, "\(text ?? "no error")")
            #expect(text?.contains(place) == true || place.isEmpty, "\(text ?? "no error")")
        }
    }

    @Test func unsafeCastsKeepGoing() throws {
        #expect(try texts(cast(.of([300, -1] as [Int64]), to: .uint8, options: .unsafe)) == ["44", "255"])
        #expect(try texts(cast(.of([1.9, -1.9, .nan, 1e300]), to: .int32, options: .unsafe)) == ["1", "-1", "0", "0"])
    }

    /// Every double reads back as itself, and text of any length reads as Swift reads it.
    @Test func floatsReadBack() throws {
        var random = SeededRandom(7)
        var values: [Double] = [
            0, -0.0, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 5e-324, 1e22, 1e23,
        ]
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            values.append(value.isNaN ? 0 : value)
            values.append(Double.random(in: -1000...1000, using: &random))
        }
        let printed = try cast(.of(values), to: .string)
        let back = try PrimitiveArray<Double>(cast(printed, to: .float64))
        #expect(values.indices.allSatisfy { back[$0].bitPattern == values[$0].bitPattern })
        let long = (0..<20_000).map { _ in
            "\(Int.random(in: 0...9, using: &random)).\(UInt64.random(in: 0...UInt64.max, using: &random))e\(Int.random(in: -12...12, using: &random))"
        }
        let parsed = try PrimitiveArray<Double>(cast(.of(long), to: .float64))
        #expect(long.indices.allSatisfy { parsed[$0] == Double(long[$0]) })
    }

    @Test func badTextIsBinary() throws {
        let bytes = ArrayData(
            type: .binary, count: 1, buffers: [try Buffer([0, 1] as [Int32]), try Buffer([0xFF] as [UInt8])])
        #expect(throws: MartletError.self) { try cast(bytes, to: .string) }
        #expect(try cast(bytes, to: .string, options: .unsafe).count == 1)
    }
}
