import MartletArrow
import MartletBase
import MartletCompute
import MartletTestSupport
import Testing

@Suite struct ExpressionTests {
    static let schema = Schema([
        Field("i", .int32), Field("u", .uint64), Field("f", .float64), Field("s", .string), Field("b", .boolean),
        Field("t", .timestamp(.millisecond, timeZone: nil)),
    ])

    static func batch(_ count: Int, _ random: inout SeededRandom) throws -> RecordBatch {
        func maybe<Value>(_ value: Value) -> Value? { random.chance(0.15) ? nil : value }
        var i: [Int32?] = [], u: [UInt64?] = [], f: [Double?] = [], s: [String?] = [], b: [Bool?] = [], t: [Int64?] = []
        let center = Int32.random(in: -3...3, using: &random)
        for _ in 0..<count {
            i.append(maybe(center + Int32.random(in: 0...2, using: &random)))
            u.append(maybe(random.chance(0.2) ? .max : UInt64.random(in: 0...3, using: &random)))
            f.append(maybe([.nan, -0.0, 0.0, 1.5, -2, .infinity, Double(center)].randomElement(using: &random)!))
            s.append(maybe(["", "a", "b", "bb", "zz"].randomElement(using: &random)!))
            b.append(maybe(random.chance(0.5)))
            t.append(maybe(Int64.random(in: 0...3, using: &random) * 86_400_000))
        }
        return try RecordBatch(
            schema: schema, columns: [.of(i), .of(u), .of(f), .of(s), .of(b), .of(t, as: schema.fields[5].type)])
    }

    static func leaf(_ random: inout SeededRandom) throws -> Expression {
        let literals: [(String, [ArrayData])] = [
            ("i", [try .of([2] as [Int64]), try .of([-1.5]), try .of([-2] as [Int8]), try .nulls(.int32, count: 1)]),
            ("u", [try .of([-1] as [Int64]), try .of([UInt64.max]), try .of([2] as [Int32])]),
            ("f", [try .of([0.0]), try .of([Double.nan]), try .of([1] as [Int64]), try .of([-0.0])]),
            ("s", [try .of(["b"]), try .of([""]), try .nulls(.string, count: 1)]),
            ("t", [try .of(["1970-01-02"]), try .of([1] as [Int32], as: .date32)]),
        ]
        let (name, values) = literals.randomElement(using: &random)!
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            return try .call(
                "is_null", arguments: [.field(name)], options: ["nan_is_null": random.chance(0.5) ? "true" : "false"])
        case 1: return try .call("is_valid", arguments: [.field(name)])
        case 2:
            if name == "t" { return .field("b") }
            return try .call(
                "is_in", arguments: [.field(name)], options: ["skip_nulls": random.chance(0.5) ? "true" : "false"],
                valueSet: values.randomElement(using: &random)!)
        case 3: return try .call("is_nan", arguments: [.field("f")])
        case _:
            let comparison = Comparison.allCases.randomElement(using: &random)!
            let literal = Expression.literal(values.randomElement(using: &random)!)
            return random.chance(0.5)
                ? .compare(.field(name), comparison, literal) : .compare(literal, comparison, .field(name))
        }
    }

    static func tree(_ depth: Int, _ random: inout SeededRandom) throws -> Expression {
        if depth == 0 { return try leaf(&random) }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return .not(try tree(depth - 1, &random))
        case 1: return .or(try tree(depth - 1, &random), try tree(depth - 1, &random))
        case 2:
            return try .call("xor", arguments: [try tree(depth - 1, &random), try tree(depth - 1, &random)])
        case _: return .and(try tree(depth - 1, &random), try tree(depth - 1, &random))
        }
    }

    /// What statistics say never contradicts the rows: with exact bounds, with wider ones, with none.
    @Test func pruningIsNeverWrong() throws {
        var random = SeededRandom(11)
        var pruned = 0
        for round in 0..<3_000 {
            let batch = try Self.batch(Int.random(in: 1...6, using: &random), &random)
            let expression = try Self.tree(round % 4, &random).bound(to: batch.schema)
            let outcome = try booleans(expression.evaluate(batch))
            let seed = random.next()
            func bounds(_ path: [String]) -> ColumnBounds? {
                guard let column = try? batch.column(path[0]), seed % 7 != 0 else { return nil }
                let limits = try? Compute.call("min_max", [Datum(column)]).array
                let nans = column.type == .float64 ? (try? booleans(isNaN(column)))?.filter { $0 == true }.count : nil
                return ColumnBounds(
                    minimum: seed % 5 == 0 ? nil : limits?.child(0), maximum: seed % 5 == 1 ? nil : limits?.child(1),
                    nullCount: seed % 3 == 0 ? nil : column.nullCount, nanCount: seed % 2 == 0 ? nil : nans,
                    rowCount: batch.rowCount)
            }
            if !expression.mayMatch(bounds) {
                pruned += 1
                #expect(!outcome.contains(true), "\(expression)")
            }
            if expression.mustMatch(bounds) { #expect(outcome.allSatisfy { $0 == true }, "\(expression)") }
        }
        #expect(pruned > 300)
    }

    @Test func simplificationKeepsTheOutcome() throws {
        var random = SeededRandom(12)
        for round in 0..<500 {
            let batch = try Self.batch(1, &random)
            let expression = try Self.tree(round % 4, &random).bound(to: batch.schema)
            let some = expression.simplified(knowing: ["i": batch.columns[0], "s": batch.columns[3]])
            #expect(try booleans(some.evaluate(batch)) == booleans(expression.evaluate(batch)), "\(expression)")
            var all: [String: ArrayData] = [:]
            for (i, field) in batch.schema.fields.enumerated() { all[field.name] = batch.columns[i] }
            guard case .literal(let value) = expression.simplified(knowing: all) else {
                Issue.record("not simplified: \(expression)")
                continue
            }
            #expect(try booleans(value) == booleans(expression.evaluate(batch)))
        }
    }

    @Test func textIsThatOfPyarrow() throws {
        let condition = Expression.or(
            .and(
                .compare(.field("a"), .greater, .literal(try .of([3] as [Int64]))),
                try .call("is_in", arguments: [.field("b")], valueSet: .of(["x", "y"]))),
            .not(try .call("is_null", arguments: [.field("c")], options: ["nan_is_null": "false"])))
        #expect(
            condition.description
                == "(((a > 3) and is_in(b, {value_set=string:[\n  \"x\",\n  \"y\"\n], null_matching_behavior=MATCH})) "
                + "or invert(is_null(c, {nan_is_null=false})))")
        #expect(condition.referencedFields == [["a"], ["b"], ["c"]])
    }

    @Test func positionsLeadToFields() throws {
        let inner = ArrayData(
            type: .struct([Field("c", .int64)]), count: 2, children: [try .of([5, 6] as [Int64])])
        let batch = try RecordBatch(
            schema: Schema([Field("a", .int64), Field("b", inner.type), Field("a", .int64)]),
            columns: [.of([1, 2] as [Int64]), inner, .of([3, 4] as [Int64])])
        let found =
            [[.position(1), .position(0)], [.name("b"), .position(0)], [.position(1), .name("c")]]
            as [[FieldStep]]
        for steps in found {
            #expect(try Expression.field(steps).evaluate(batch).isEqual(to: inner.child(0)))
            #expect(try Expression.field(steps).bound(to: batch.schema).referencedFields == [["b", "c"]])
        }
        // Fields that share a name are told apart by their positions.
        #expect(try Expression.field([.position(2)]).evaluate(batch).isEqual(to: batch.columns[2]))
        let lost =
            [[.position(3)], [.position(-1)], [.position(1), .position(1)], [.position(0), .name("x")], []]
            as [[FieldStep]]
        for steps in lost {
            #expect(throws: MartletError.self) { try Expression.reference(steps).evaluate(batch) }
        }
        #expect(Expression.field([.position(0), .position(2)]).description == "FieldPath(0 2)")
        #expect(
            Expression.field([.name("a"), .position(1)]).description
                == "FieldRef.Nested(FieldRef.Name(a) FieldRef.FieldPath(1))")
        #expect(Expression.field([.name("a")]).description == "a")
    }

    @Test func mistakesAreNamed() throws {
        func message(_ body: () throws(MartletError) -> Void) -> String {
            do throws(MartletError) { try body() } catch { return error.message }
            return ""
        }
        #expect(
            message { () throws(MartletError) in _ = try Expression.call("equl", arguments: []) }.contains("'equal'"))
        #expect(
            message { () throws(MartletError) in _ = try Expression.field("nope").bound(to: Self.schema) }
                .hasPrefix("No match for FieldRef.Name(nope) in "))
        #expect(
            message { () throws(MartletError) in
                _ = try Compute.call("cast", [Datum(.of([1] as [Int8]))], options: ["sfe": "1"])
            }
            .contains("'sfe'"))
        #expect(
            message { () throws(MartletError) in
                _ = try Expression.compare(.field("i"), .equal, .literal(.of(["a"]))).bound(to: Self.schema)
            }.hasPrefix("Function 'equal' has no kernel matching input types (int32, string)"))
    }
}
