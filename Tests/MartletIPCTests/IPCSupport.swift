import MartletArrow
import MartletBase
import MartletIO
import MartletIPC

func schema(_ type: DataType) -> Schema {
    var metadata = Metadata()
    metadata.append("key", "väl=ue")
    return Schema([Field("a", type, metadata: metadata), Field("rows", .int32)], metadata: metadata)
}

/// A batch with `column`, and a column that numbers the rows.
func batch(_ column: ArrayData) throws -> RecordBatch {
    let rows = ArrayData(
        type: .int32, count: column.count, nullCount: 0, buffers: [try Buffer((0..<column.count).map { Int32($0) })])
    return try RecordBatch(schema: schema(column.type), columns: [column, rows])
}

func written(
    _ batches: [RecordBatch], as container: IPCWriter.Container, options: IPCWriteOptions = IPCWriteOptions(),
    schema: Schema? = nil, footerMetadata: Metadata = Metadata()
) throws -> Buffer {
    let sink = try MemorySink()
    let writer = try IPCWriter(
        sink, schema: schema ?? batches[0].schema, container: container, options: options, footerMetadata: footerMetadata)
    for batch in batches { try writer.write(batch) }
    try writer.close()
    return try sink.finish()
}

func read(_ bytes: Buffer, as container: IPCWriter.Container, options: IPCReadOptions = IPCReadOptions()) throws
    -> [RecordBatch]
{
    switch container {
    case .stream: try IPCStreamReader(BufferStreamSource(bytes), options: options).readAll()
    case .file: try IPCFileReader(MemorySource(bytes), options: options).readAll()
    }
}

/// Where buffers look: to tell slices from copies.
func addresses(_ array: ArrayData) -> [Int] { array.buffers.map(\.addressBits) + array.children.flatMap { addresses($0) } }

enum Packing: CaseIterable, Sendable {
    case plain, aligned, lz4, zstd, zstdSerial

    var options: IPCWriteOptions {
        var options = IPCWriteOptions()
        switch self {
        case .plain: break
        case .aligned: options.alignment = 64
        case .lz4: options.compression = .lz4Frame
        case .zstd: (options.compression, options.compressionLevel) = (.zstd, 3)
        case .zstdSerial: (options.compression, options.usesThreads) = (.zstd, false)
        }
        return options
    }
}

func bytes(of buffer: Buffer) -> [UInt8] { unsafe buffer.bytes.withUnsafeBytes { unsafe Array($0) } }
