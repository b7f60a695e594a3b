import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

@Suite struct SchemaMessageTests {
    @Test(arguments: everySampleType.filter { !$0.hasNestedDictionary })
    func roundTrip(type: DataType) throws {
        var metadata = Metadata()
        metadata.append("key", "välue")
        let schema = Schema(
            [Field("a", type, metadata: metadata), Field("", type, isNullable: false)], metadata: metadata)
        let bytes = try SchemaMessage.encode(schema)
        #expect(bytes.count % 8 == 0)
        #expect(try SchemaMessage.decode(bytes.bytes) == schema)
    }

    /// Whatever is cut off or changed: an error or a schema, never a trap.
    @Test func damagedMessages() throws {
        let schema = Schema(everySampleType.filter { !$0.hasNestedDictionary }.enumerated().map { Field("f\($0.offset)", $0.element) })
        let bytes = try SchemaMessage.encode(schema)
        let good = unsafe bytes.bytes.withUnsafeBytes { unsafe Array($0) }
        for end in stride(from: 0, to: good.count, by: 7) {
            let part = try bytes.slice(at: 0, count: end)
            #expect(throws: MartletError.self) { try SchemaMessage.decode(part.bytes) }
        }
        var random = SeededRandom(3)
        for _ in 0..<20_000 {
            var bad = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? unsafe SchemaMessage.decode(bad.span.bytes)
        }
    }
}

extension DataType {
    /// Dictionaries of dictionaries, which IPC has no encoding for.
    fileprivate var hasNestedDictionary: Bool {
        if case .dictionary(_, .dictionary, _) = self { return true }
        return false
    }
}
