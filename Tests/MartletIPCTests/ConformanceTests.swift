import Foundation
import MartletArrow
import MartletBase
import MartletCodecs
import MartletIO
import MartletIPC
import Testing

@Suite(.enabled(if: GoldenFiles.root != nil, "ARROW_TEST_DATA is not set"))
struct ConformanceTests {
    /// Every golden file and stream is what its JSON twin says. Some types the twin here does not know; the Python tests
    /// have one that does.
    @Test(arguments: GoldenFiles.integration)
    func goldenFiles(name: String) throws {
        let missing = ["union", "interval", "view", "run_end", "decimal256", "decimal32", "decimal64"]
        let isMissing = missing.contains { name.contains("generated_\($0)") || name.hasSuffix($0) }
        let path = GoldenFiles.path(name)
        if isMissing {
            let file = try IPCFileReader(MappedFileSource(path: path + ".arrow_file")).readAll()
            let stream = try IPCStreamReader(BufferStreamSource(contents(path + ".stream"))).readAll()
            try same(file, stream)
            for container in IPCWriter.Container.allCases where !file.isEmpty {
                for packing in Packing.allCases {
                    try same(file, read(try written(file, as: container, options: packing.options), as: container))
                }
            }
            return
        }
        let twin = try IntegrationJSON(unzipped(path + ".json.gz"))
        let file = try IPCFileReader(MappedFileSource(path: path + ".arrow_file"))
        try check(file.schema, file.readAll(), twin)
        let stream = try IPCStreamReader(BufferStreamSource(contents(path + ".stream")))
        try check(stream.schema, stream.readAll(), twin)
        // And what Martlet makes of it is read the same.
        for container in IPCWriter.Container.allCases {
            for packing in Packing.allCases {
                let bytes = try written(twin.batches, as: container, options: packing.options, schema: twin.schema)
                try check(twin.schema, read(bytes, as: container), twin)
            }
        }
    }

    private func same(_ batches: [RecordBatch], _ others: [RecordBatch]) throws {
        #expect(batches.count == others.count)
        for (batch, other) in zip(batches, others) {
            for column in batch.columns { try column.validate() }
            #expect(zip(batch.columns, other.columns).allSatisfy { $0.isEqual(to: $1) })
        }
    }

    private func check(_ schema: Schema, _ batches: [RecordBatch], _ twin: IntegrationJSON) throws {
        // Maps with other names inside were renamed when the files were made.
        let isRenamed = schema.fields.contains { $0.name == "map_other_names" }
        #expect(schema == twin.schema || isRenamed)
        #expect(batches.count == twin.batches.count)
        for (batch, expected) in zip(batches, twin.batches) {
            for column in batch.columns { try column.validate(full: !hasWideDecimals(column.type)) }
            #expect(batch.rowCount == expected.rowCount)
            #expect(zip(batch.columns, expected.columns).allSatisfy { $0.isEqual(to: $1) } || isRenamed)
        }
    }

    /// Some of the decimals have more digits than their type says.
    private func hasWideDecimals(_ type: DataType) -> Bool {
        if case .decimal128 = type { return true }
        return false
    }

    @Test func futureVersionsAreRefused() throws {
        let bytes = try contents(GoldenFiles.path("forward-compatibility/schema_v6.arrow"))
        let error = #expect(throws: MartletError.self) { try IPCStreamReader(BufferStreamSource(bytes)) }
        #expect(error?.message.hasPrefix("Unsupported future MetadataVersion") == true)
    }

    /// Inputs that broke other readers: an error or a valid batch.
    @Test(arguments: GoldenFiles.files(in: "arrow-ipc-file") + GoldenFiles.files(in: "arrow-ipc-stream"))
    func damagedFiles(name: String) throws {
        let bytes = try contents(GoldenFiles.path(name))
        readEverything(bytes, writing: true)
    }

    private func contents(_ path: String) throws -> Buffer { try MappedFileSource(path: path).readAll() }

    private func unzipped(_ path: String) throws -> Data {
        let packed = try contents(path)
        // The last four bytes of gzip are the length of the content.
        let tail = try packed.slice(at: packed.count - 4, count: 4)
        let length = unsafe tail.bytes.unsafeLoadUnaligned(as: UInt32.self)
        let buffer = try Codec.gzip.decompress(packed.bytes, expectedCount: Int(length))
        return Data(MartletIPCTests.bytes(of: buffer))
    }
}

/// Reads `bytes` as a stream and as a file, and looks at every value; errors are fine.
func readEverything(_ bytes: Buffer, writing: Bool = false) {
    if let reader = try? IPCStreamReader(BufferStreamSource(bytes)) {
        while let batch = try? reader.next() { look(at: batch, writing: writing) }
    }
    if let file = try? IPCFileReader(MemorySource(bytes)) {
        for i in 0..<min(file.batchCount, 100) {
            if let batch = try? file.batch(at: i) { look(at: batch, writing: writing) }
        }
    }
}

private func look(at batch: RecordBatch, writing: Bool) {
    for column in batch.columns {
        // Text, equality, slices and a second writing go through whatever an O(1) check lets pass.
        let isValid = (try? column.validate(full: true)) != nil
        let some = column.window(column.count / 2, min(column.count - column.count / 2, 1_000))
        _ = some.isEqual(to: some)
        _ = try? some.text()
        if writing, isValid, let data = try? RecordBatch(schema: Schema([Field("c", column.type)]), columns: [some]) {
            _ = try? written([data], as: .stream)
        }
    }
}
