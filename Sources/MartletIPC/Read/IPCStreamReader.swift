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
    private let options: IPCReadOptions
    private let plan: SchemaPlan
    private var dictionaries: DictionaryStore
    private var isAtEnd = false
    private var failure: MartletError?

    /// Reads the schema. Throws `invalid` where the source does not begin with one, and `notImplemented` for types that
    /// Martlet lacks.
    public init(_ source: any ByteStreamSource, options: IPCReadOptions = IPCReadOptions()) throws(MartletError) {
        self.source = source
        self.options = options
        let start = source.position
        do throws(MartletError) {
            guard let message = try Self.nextMessage(source) else {
                throw .invalid("Tried reading schema message, was null or length 0")
            }
            try message.expect(SchemaFormat.Header.schema)
            plan = try SchemaPlan(SchemaDecoder.schema(message.header), options: options)
        } catch {
            throw error.placed("message at byte \(start) of '\(source.name)'")
        }
        schema = plan.schema
        dictionaries = DictionaryStore(plan)
        statistics.messageCount = 1
    }

    /// The next batch; nil at the end, which is the end-of-stream mark or the end of the source between messages.
    ///
    /// Throws `invalid` with the byte position where the stream is damaged or cut off. An error stays: there is no way to
    /// find the next message behind it.
    public func next() throws(MartletError) -> RecordBatch? { try nextWithMetadata()?.batch }

    /// The next batch with the custom metadata of its message.
    public func nextWithMetadata() throws(MartletError) -> (batch: RecordBatch, metadata: Metadata)? {
        if let failure { throw failure }
        var start = source.position
        do throws(MartletError) {
            while !isAtEnd {
                start = source.position
                guard let message = try Self.nextMessage(source) else {
                    isAtEnd = true
                    break
                }
                statistics.messageCount += 1
                let body = try Self.body(of: message, source)
                switch message.headerType {
                case SchemaFormat.Header.dictionaryBatch: try readDictionary(message, body)
                case SchemaFormat.Header.recordBatch:
                    let batch = try readBatch(message, body)
                    statistics.recordBatchCount += 1
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
        let values = try dictionary.values(plan, bodyByteCount: body.count, usesThreads: options.usesThreads) {
            (offset, count) throws(MartletError) in try body.slice(at: offset, count: count)
        }
        guard let values else {
            statistics.dictionaryBatchCount += 1
            return
        }
        statistics.note(try dictionaries.update(dictionary.id, values, isDelta: dictionary.isDelta))
    }

    private func readBatch(_ message: IPCMessage, _ body: Buffer) throws(MartletError) -> RecordBatch {
        let header = try BatchHeader(message.header, bodyByteCount: body.count)
        let columns = try BatchDecoder.columns(
            plan.fields, plan.isIncluded, header, isBigEndian: plan.isBigEndian, usesThreads: options.usesThreads
        ) { (offset, count) throws(MartletError) in try body.slice(at: offset, count: count) }
        return try dictionaries.batch(columns, rowCount: header.rowCount)
    }

    /// The metadata of the next message; nil at the end.
    private static func nextMessage(_ source: any ByteStreamSource) throws(MartletError) -> IPCMessage? {
        func number() throws(MartletError) -> UInt32? {
            let bytes = try source.read(4)
            if bytes.isEmpty { return nil }
            guard bytes.count == 4 else {
                throw .invalid("Corrupted message, only \(bytes.count) bytes available")
            }
            return unsafe bytes.bytes.unsafeLoadUnaligned(as: UInt32.self)
        }
        guard var length = try number() else { return nil }
        // Before format 0.15 the length stood first.
        if length == SchemaFormat.continuation {
            guard let next = try number() else {
                throw .invalid("Corrupted message, no length after the continuation mark")
            }
            length = next
        }
        if length == 0 { return nil }
        guard length <= Int32.max else {
            throw .invalid("Corrupted message, negative length of metadata")
        }
        let metadata = try source.read(Int(length))
        guard metadata.count == Int(length) else {
            throw .invalid("Expected to read \(length) metadata bytes, but only read \(metadata.count)")
        }
        return try IPCMessage(metadata: metadata)
    }

    private static func body(of message: IPCMessage, _ source: any ByteStreamSource) throws(MartletError) -> Buffer {
        let body = try source.read(message.bodyByteCount)
        guard body.count == message.bodyByteCount else {
            throw .invalid("Expected to be able to read \(message.bodyByteCount) bytes for message body, got \(body.count)")
        }
        return body
    }
}
