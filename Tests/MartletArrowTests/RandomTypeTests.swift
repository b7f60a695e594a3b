import CMartlet
import Glibc
import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

@Suite struct RandomTypeTests {
    /// All layouts inside all others, six levels deep, through the C structures: no difference, and the laws hold.
    @Test func roundTrips() throws {
        let rounds = unsafe getenv("MARTLET_RANDOM_ROUNDS").flatMap { Int(unsafe String(cString: $0)) } ?? 300
        for round in 0..<rounds {
            var random = SeededRandom(UInt64(round))
            let type = randomType(depth: 6, &random)
            let field = Field("f", type)
            let layout = LayoutCase.allCases.randomElement(using: &random) ?? .someNulls
            let array = try sampleArray(type, layout, count: 12, seed: UInt64(round))
            try array.validate(full: true)

            var schema = unsafe ArrowSchema()
            try unsafe field.export(to: &schema)
            #expect(try unsafe Field(importing: &schema) == field, "round \(round)")
            var raw = unsafe ArrowArray()
            unsafe array.export(to: &raw)
            let back = try unsafe ArrayData.importing(&raw, type: type)
            try back.validate(full: true)
            #expect(back.isEqual(to: array), "round \(round): \(type)")

            let message = try SchemaMessage.encode(Schema([field]))
            #expect(try SchemaMessage.decode(message.bytes).fields[0] == field, "round \(round)")
            let cut = array.count / 2
            let joined = try concatenate([array.window(cut, array.count - cut), array.window(0, cut)], type: type)
            try joined.validate(full: true)
            #expect(joined.window(array.count - cut, cut).isEqual(to: array.window(0, cut)), "round \(round): \(type)")
            let plain = try array.contiguousStrings()
            try plain.validate(full: true)
            #expect(plain.type == type.contiguous && plain.count == array.count, "round \(round): \(type)")
            _ = try array.text()
            _ = array.byteCount
        }
    }
}
