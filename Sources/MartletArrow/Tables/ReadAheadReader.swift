public import MartletBase

/// Reads one batch ahead: while the caller is at work on a batch, the pool makes the next. One thread at a time.
public final class ReadAheadReader: RecordBatchReader {
    public let schema: Schema
    private let source: Source
    private var pending: WorkerPool.Ahead<RecordBatch?>?

    /// The reader passes between threads, one of which uses it at a time.
    private struct Source: @unchecked Sendable {
        let reader: any RecordBatchReader
    }

    /// Takes over `reader`, whose source any thread may read.
    public init(_ reader: any RecordBatchReader) {
        schema = reader.schema
        source = Source(reader: reader)
    }

    public func next() throws(MartletError) -> RecordBatch? {
        let batch: RecordBatch?
        if let pending = pending.take() { batch = try pending.take() } else { batch = try source.reader.next() }
        if batch != nil {
            let source = source
            pending = WorkerPool.Ahead { () throws(MartletError) in try source.reader.next() }
        }
        return batch
    }
}
