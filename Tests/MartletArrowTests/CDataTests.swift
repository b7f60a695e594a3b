import CMartlet
import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

@Suite struct CDataTests {
    /// Out through the C structures and back in: equal, and the same memory.
    @Test(arguments: everySampleType, LayoutCase.allCases)
    func roundTrip(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        var metadata = Metadata()
        metadata.append("key", "value")
        let field = Field("name", type, isNullable: layout != .noNulls, metadata: metadata)

        var schema = unsafe ArrowSchema()
        try unsafe field.export(to: &schema)
        let back = try unsafe Field(importing: &schema)
        #expect(back == field)
        #expect(unsafe schema.release == nil)

        var raw = unsafe ArrowArray()
        unsafe array.export(to: &raw)
        let imported = try unsafe ArrayData.importing(&raw, type: back.type)
        #expect(unsafe raw.release == nil)
        try imported.validate(full: true)
        #expect(imported.isEqual(to: array))
        for (a, b) in zip(array.buffers, imported.buffers) where b.count > 0 { #expect(a.addressBits == b.addressBits) }
    }

    @Test func streamRoundTrip() throws {
        let schema = Schema([Field("a", .int64), Field("b", .string)])
        var batches: [RecordBatch] = []
        for seed in 1...3 as ClosedRange<UInt64> {
            batches.append(
                try RecordBatch(
                    schema: schema,
                    columns: [try sampleArray(.int64, .someNulls, seed: seed), try sampleArray(.string, .sliced, seed: seed)]))
        }
        var raw = unsafe ArrowArrayStream()
        unsafe export(BatchArrayStream(BatchesReader(schema: schema, batches)), to: &raw)
        let reader = try unsafe ArrayStreamReader(ImportedStream(moving: &raw))
        #expect(reader.schema.isSame(as: schema))
        let back = try reader.readAll()
        #expect(back.count == 3)
        #expect(zip(back, batches).allSatisfy { $0.isEqual(to: $1) })
        #expect(try reader.next() == nil)
    }

    /// The producer's text arrives at the consumer.
    @Test func streamErrors() throws {
        final class Failing: ArrayStream {
            let field = Field("", .int8)
            func next() throws(MartletError) -> ArrayData? { throw .invalid("no more of this") }
        }
        var raw = unsafe ArrowArrayStream()
        unsafe export(Failing(), to: &raw)
        let stream = try unsafe ImportedStream(moving: &raw)
        #expect(throws: MartletError.invalid("no more of this")) { try stream.next() }
    }

    /// Structures that lie about themselves are refused, and released all the same.
    @Test(arguments: ["n_buffers", "length", "null_count", "n_children", "offset", "offsets", "missing buffer"])
    func damagedStructures(what: String) throws {
        let array = try sampleArray(.list(Field("item", .int64)), .noNulls)
        var raw = unsafe ArrowArray()
        unsafe array.export(to: &raw)
        switch what {
        case "n_buffers": unsafe raw.n_buffers = 3
        case "length": unsafe raw.length = -1
        case "null_count": unsafe raw.null_count = 101
        case "n_children": unsafe raw.n_children = 0
        case "offset": unsafe raw.offset = .max
        case "offsets": unsafe raw.children[0]!.pointee.length = 3
        default: unsafe raw.buffers[1] = nil
        }
        let children = unsafe raw.n_children
        #expect(throws: MartletError.self) { try unsafe ArrayData.importing(&raw, type: array.type) }
        #expect(unsafe raw.release == nil)
        _ = children
    }

    @Test func unknownFormats() throws {
        for format in ["", "x", "+z", "w:", "w:-1", "d:0,1", "d:39,1", "d:5,1,512", "ts", "tsx:", "+w:x", "tdX", "+us:0"] {
            #expect(throws: MartletError.self) {
                try format.withCString { text in
                    var schema = unsafe ArrowSchema()
                    unsafe schema.format = text
                    unsafe schema.release = { unsafe $0!.pointee.release = nil }
                    _ = try unsafe Field(importing: &schema)
                }
            }
        }
    }
}
