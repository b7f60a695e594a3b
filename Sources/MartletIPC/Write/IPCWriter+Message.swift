public import MartletArrow
public import MartletBase
import MartletIO

extension IPCWriter {
    /// The encapsulated message of a batch alone: neither its schema nor its dictionaries are part of it.
    public static func message(of batch: RecordBatch, options: IPCWriteOptions = IPCWriteOptions())
        throws(MartletError) -> Buffer
    {
        let sink = try MemorySink()
        let (start, count) = try place(of: batch, options, in: sink)
        return try sink.finish().slice(at: start, count: count)
    }

    /// The bytes of `message(of:)`.
    public static func messageByteCount(of batch: RecordBatch, options: IPCWriteOptions = IPCWriteOptions())
        throws(MartletError) -> Int
    {
        try place(of: batch, options, in: CountingSink()).count
    }

    /// Where the batch lies in a file of its own.
    private static func place(of batch: RecordBatch, _ options: IPCWriteOptions, in sink: any ByteSink)
        throws(MartletError) -> (start: Int, count: Int)
    {
        let writer = try IPCWriter(sink, schema: batch.schema, container: .file, options: options)
        try writer.write(batch)
        let block = writer.recordBatchBlocks
        writer.abandon()
        return (Int(block[0]), Int(block[1] + block[2]))
    }
}

/// Counts what is written.
private final class CountingSink: ByteSink, @unchecked Sendable {
    let name = "<nothing>"
    private(set) var position = 0

    func write(_ bytes: RawSpan) { position += bytes.byteCount }
    func write(_ buffers: [Buffer]) { position += buffers.reduce(0) { $0 + $1.count } }
    func close() {}
    func abort() {}
}
