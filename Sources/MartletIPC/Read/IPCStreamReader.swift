public import MartletArrow
public import MartletBase
public import MartletIO

/// Reads a stream of record batches (Columnar format, "IPC Streaming Format"), message by message: nothing beyond the
/// message that was asked for is taken from the source, so that what follows the stream stays there.
///
/// Batches of a source in memory are slices of it. One thread at a time.
public final class IPCStreamReader: RecordBatchReader {
    /// The schema of the included fields.
    public let schema: Schema
    public private(set) var statistics = IPCStatistics()

    private let source: any ByteStreamSource
    private let plan: SchemaPlan
    private var dictionaries: DictionaryStore
    private var framing = MessageFraming()
    private var isAtEnd = false
    private var failure: MartletError?

    /// Reads the schema. Throws `invalid` where the source does not begin with one, and `notImplemented` for types that
    /// Martlet lacks.
    public init(_ source: any ByteStreamSource, options: IPCReadOptions = IPCReadOptions()) throws(MartletError) {
        self.source = source
        let start = source.position
        var framing = MessageFraming()
        do throws(MartletError) {
            guard let message = try framing.next(source)?.message else {
                throw .invalid("Tried reading schema message, was null or length 0")
            }
            try message.expect(SchemaFormat.Header.schema)
            plan = try SchemaPlan(SchemaDecoder.schema(message.header), options: options)
        } catch {
            throw error.placed("message at byte \(start) of '\(source.name)'")
        }
        schema = plan.schema
        dictionaries = DictionaryStore(plan)
        self.framing = framing
        statistics.messageCount = 1
    }

    /// Reads the messages that follow a schema message, `schema` being what that said. Its dictionaries have the ids that
    /// Martlet and Arrow's own implementations give: 0, 1, 2, ... in the order of the fields, outer before inner.
    public init(_ source: any ByteStreamSource, schema: Schema, options: IPCReadOptions = IPCReadOptions())
        throws(MartletError)
    {
        self.source = source
        plan = try SchemaPlan(SchemaDecoder.Decoded(numbering: schema), options: options)
        self.schema = plan.schema
        dictionaries = DictionaryStore(plan)
    }

    /// The next batch; nil at the end, which is the end-of-stream mark or the end of the source between messages.
    ///
    /// Throws `invalid` with the byte position where the stream is damaged or cut off. An error stays: there is no way to
    /// find the next message behind it.
    public func next() throws(MartletError) -> RecordBatch? { try nextWithMetadata()?.batch }

    /// The custom metadata of the message of the batch that was read last.
    public private(set) var lastMetadata = Metadata()

    /// The next batch with the custom metadata of its message.
    public func nextWithMetadata() throws(MartletError) -> (batch: RecordBatch, metadata: Metadata)? {
        if let failure { throw failure }
        var start = source.position
        do throws(MartletError) {
            while !isAtEnd {
                start = source.position
                guard let message = try framing.next(source)?.message else {
                    isAtEnd = true
                    break
                }
                statistics.messageCount += 1
                let body = try MessageFraming.body(of: message, source)
                switch message.headerType {
                case SchemaFormat.Header.dictionaryBatch: try readDictionary(message, body)
                case SchemaFormat.Header.recordBatch:
                    let batch = try readBatch(message, body)
                    statistics.recordBatchCount += 1
                    lastMetadata = message.metadata
                    return (batch, message.metadata)
                case let other:
                    throw .invalid("Message not expected type: record batch, was: \(IPCMessage.name(ofHeader: other))")
                }
            }
            return nil
        } catch {
            let placed = error.placed("message at byte \(start) of '\(source.name)'")
            failure = placed
            throw placed
        }
    }

    private func readDictionary(_ message: IPCMessage, _ body: Buffer) throws(MartletError) {
        let dictionary = try DictionaryBatch(message)
        let values = try dictionary.values(plan) { (offset, count) throws(MartletError) in
            try body.slice(at: offset, count: count)
        }
        guard let values else {
            statistics.dictionaryBatchCount += 1
            return
        }
        statistics.note(try dictionaries.update(dictionary.id, values, isDelta: dictionary.isDelta))
    }

    private func readBatch(_ message: IPCMessage, _ body: Buffer) throws(MartletError) -> RecordBatch {
        let header = try BatchHeader(message.header, message)
        let columns = try BatchDecoder.columns(plan.fields, plan.isIncluded, header, plan.bodyOptions) {
            (offset, count) throws(MartletError) in try body.slice(at: offset, count: count)
        }
        return try dictionaries.batch(columns, rowCount: header.rowCount)
    }
}
