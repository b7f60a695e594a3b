public import MartletBase

/// A stream of record batches of one schema, read once from front to back.
public protocol RecordBatchReader: AnyObject {
    var schema: Schema { get }
    /// The next batch, nil at the end.
    func next() throws(MartletError) -> RecordBatch?
}

extension RecordBatchReader {
    public func readAll() throws(MartletError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        while let batch = try next() { batches.append(batch) }
        return batches
    }
}

/// Batches in memory as a stream.
public final class BatchesReader: RecordBatchReader {
    public let schema: Schema
    private var batches: ArraySlice<RecordBatch>

    public init(schema: Schema, _ batches: [RecordBatch]) {
        self.schema = schema
        self.batches = batches[...]
    }

    public func next() throws(MartletError) -> RecordBatch? { batches.popFirst() }
}
