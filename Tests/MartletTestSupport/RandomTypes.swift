public import MartletArrow

/// A random type, nested at most `depth` levels: any layout among any others.
public func randomType(depth: Int, _ random: inout SeededRandom) -> DataType {
    let flat = flatSampleTypes + layoutSampleTypes.filter { !$0.isNested && $0.depth < 3 }
    guard depth > 1, random.chance(0.7) else { return flat.randomElement(using: &random) ?? .null }
    func field(_ name: String) -> Field {
        Field(name, randomType(depth: depth - 1, &random), isNullable: random.chance(0.8))
    }
    func fields() -> [Field] { (0..<Int.random(in: 1...4, using: &random)).map { field("f\($0)") } }
    switch Int.random(in: 0...11, using: &random) {
    case 0: return .list(field("item"))
    case 1: return .largeList(field("item"))
    case 2: return .listView(field("item"))
    case 3: return .largeListView(field("item"))
    case 4: return .fixedSizeList(field("item"), count: Int.random(in: 1...3, using: &random))
    case 5, 6: return .struct(fields())
    case 7:
        let entries = DataType.struct([Field("key", .string, isNullable: false), field("value")])
        return .map(entries: Field("entries", entries, isNullable: false), keysSorted: false)
    case 8:
        let children = fields()
        return .union(
            random.chance(0.5) ? .sparse : .dense, fields: children, typeIds: children.indices.map { Int8(7 * $0 + 1) })
    case 9:
        let ends = [DataType.int16, .int32, .int64].randomElement(using: &random) ?? .int32
        return .runEndEncoded(runEnds: Field("run_ends", ends, isNullable: false), values: field("values"))
    case 10:
        let value = randomType(depth: depth - 1, &random)
        // The values of dictionaries are dictionaries or of extension types only in C Data.
        if case .dictionary = value.storage { return value }
        if case .extension = value { return value }
        let indices: [DataType] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]
        return .dictionary(index: indices.randomElement(using: &random) ?? .int32, value: value, isOrdered: random.chance(0.2))
    case _:
        // Field metadata names one extension: one around another has no place there.
        let storage = randomType(depth: depth - 1, &random).storage
        return .extension(ExtensionType(name: "martlet.random", metadata: [UInt8.random(in: 0...255, using: &random)], storage: storage))
    }
}
