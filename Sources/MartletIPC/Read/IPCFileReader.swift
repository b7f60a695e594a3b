public import MartletArrow
public import MartletBase
public import MartletIO

/// Reads the record batches of a file in any order (Columnar format, "IPC File Format").
///
/// Opening reads the footer, a batch reads its metadata. Batches of memory and of mapped files are slices of it: no byte
/// of a body is touched but the ends of offsets. Any thread may read when the source allows it.
public final class IPCFileReader: Sendable {
    /// The schema of the included fields.
    public let schema: Schema
    /// The custom metadata of the footer.
    public let metadata: Metadata

    private let source: any ByteSource
    private let options: IPCReadOptions
    private let footer: IPCFooter
    private let plan: SchemaPlan
    private let dictionaries = Guarded<DictionaryStore?>(nil)
    /// As a stream would, with the schema for a message.
    private let counts = Guarded(IPCStatistics(messageCount: 1))

    /// Throws `invalid` where the source is no file of the format or damaged, and `notImplemented` for types that Martlet
    /// lacks.
    public init(_ source: any ByteSource, options: IPCReadOptions = IPCReadOptions()) throws(MartletError) {
        self.source = source
        self.options = options
        do throws(MartletError) {
            footer = try IPCFooter(source)
            plan = try SchemaPlan(footer.schema, options: options)
        } catch {
            throw error.placed("'\(source.name)'")
        }
        schema = plan.schema
        metadata = footer.metadata
    }

    /// How many record batches the file has.
    public var batchCount: Int { footer.recordBatches.count }

    /// What has been read so far.
    public var statistics: IPCStatistics { counts.withLock { $0 } }

    /// Record batch `index`. Throws `indexError` where there is none.
    public func batch(at index: Int) throws(MartletError) -> RecordBatch { try batchWithMetadata(at: index).batch }

    /// Record batch `index` with the custom metadata of its message.
    public func batchWithMetadata(at index: Int) throws(MartletError) -> (batch: RecordBatch, metadata: Metadata) {
        guard index >= 0, index < batchCount else {
            throw .index("record batch index \(index) is out of bounds: '\(source.name)' has \(batchCount) record batches")
        }
        let block = try footer.recordBatches.block(index)
        return try placing("record batch \(index)", block) { () throws(MartletError) in
            var dictionaries = try loadedDictionaries()
            let (message, body) = try read(block)
            try message.expect(SchemaFormat.Header.recordBatch)
            let header = try BatchHeader(message.header, message)
            let columns = try BatchDecoder.columns(plan.fields, plan.isIncluded, header, plan.bodyOptions, body: body)
            let batch = try dictionaries.batch(columns, rowCount: header.rowCount)
            counts.withLock {
                $0.messageCount += 1
                $0.recordBatchCount += 1
            }
            return (batch, message.metadata)
        }
    }

    /// All batches, in order.
    public func readAll() throws(MartletError) -> [RecordBatch] {
        // Compressed batches are decoded side by side, and so is the metadata of very many; a few others are not worth a
        // thread.
        let isLong = batchCount >= Self.manyBatches
        guard options.usesThreads, source.isThreadSafe, batchCount > 1, isLong ? true : try isCompressed(0) else {
            return try batches(0..<batchCount)
        }
        _ = try loadedDictionaries()
        let size = isLong ? Self.manyBatches / 4 : 1
        let parts = try WorkerPool.map((batchCount + size - 1) / size) { part throws(MartletError) in
            try self.batches(part * size..<min(self.batchCount, (part + 1) * size))
        }
        return Array(parts.joined())
    }

    private static let manyBatches = 512

    private func batches(_ range: Range<Int>) throws(MartletError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        batches.reserveCapacity(range.count)
        for i in range { batches.append(try batch(at: i)) }
        return batches
    }

    /// How many rows the file has; reads metadata only.
    public func rowCount() throws(MartletError) -> Int {
        var total = 0
        for i in 0..<batchCount {
            let block = try footer.recordBatches.block(i)
            total = try placing("record batch \(i)", block) { () throws(MartletError) in
                try total.adding(checked: header(of: block).rowCount)
            }
        }
        return total
    }

    /// All batches as a stream.
    public func reader() -> IPCFileBatches { IPCFileBatches(self) }

    private func isCompressed(_ index: Int) throws(MartletError) -> Bool {
        let block = try footer.recordBatches.block(index)
        return try placing("record batch \(index)", block) { () throws(MartletError) in
            try header(of: block).compression != nil
        }
    }

    private func header(of block: IPCBlock) throws(MartletError) -> BatchHeader {
        let message = try message(of: block)
        try message.expect(SchemaFormat.Header.recordBatch)
        return try BatchHeader(message.header, message)
    }

    private func message(of block: IPCBlock) throws(MartletError) -> IPCMessage {
        try message(of: block, source.read(at: block.offset, count: block.metadataByteCount))
    }

    private func message(of block: IPCBlock, _ head: Buffer) throws(MartletError) -> IPCMessage {
        guard let message = try IPCMessage(encapsulated: head) else {
            throw .corrupt("Unexpected end of stream where the footer promises a message")
        }
        guard message.bodyByteCount <= block.bodyByteCount else {
            throw .corrupt("Mismatching body length for IPC message (Block.bodyLength: \(block.bodyByteCount) vs. "
                + "Message.bodyLength: \(message.bodyByteCount))")
        }
        return message
    }

    /// A message, and how its body is read: at once when all of it is wanted, otherwise buffer by buffer.
    private func read(_ block: IPCBlock) throws(MartletError) -> (IPCMessage, BodyBytes) {
        let start = block.offset + block.metadataByteCount
        // A small message is read in one go. In a larger one it matters more that its body begins at an aligned place.
        if plan.includesAll, block.bodyByteCount < 1 << 15 {
            let whole = try source.read(at: block.offset, count: block.metadataByteCount + block.bodyByteCount)
            let message = try message(of: block, whole.slice(at: 0, count: block.metadataByteCount))
            let first = block.metadataByteCount
            return (message, { offset, count throws(MartletError) in try whole.slice(at: first + offset, count: count) })
        }
        let message = try message(of: block)
        guard plan.includesAll else {
            let source = self.source
            return (message, { offset, count throws(MartletError) in try source.read(at: start + offset, count: count) })
        }
        let body = try source.read(at: start, count: message.bodyByteCount)
        return (message, { offset, count throws(MartletError) in try body.slice(at: offset, count: count) })
    }

    /// The file's dictionaries. No lock is held while they are read; two threads that come at once both read them.
    private func loadedDictionaries() throws(MartletError) -> DictionaryStore {
        if let known = dictionaries.withLock({ $0 }) { return known }
        var store = DictionaryStore(plan)
        var statistics = IPCStatistics()
        for i in 0..<(plan.dictionaries.isEmpty ? 0 : footer.dictionaries.count) {
            let block = try footer.dictionaries.block(i)
            try placing("dictionary batch \(i)", block) { () throws(MartletError) in
                let (message, body) = try read(block)
                let batch = try DictionaryBatch(message)
                let values = try batch.values(plan, body: body)
                statistics.messageCount += 1
                guard let values else {
                    statistics.dictionaryBatchCount += 1
                    return
                }
                let change = try store.update(batch.id, values, isDelta: batch.isDelta)
                guard change != .replaced else {
                    throw .invalid("Unsupported dictionary replacement in IPC file: dictionary \(batch.id) comes twice")
                }
                statistics.note(change)
            }
        }
        let isFirst = dictionaries.withLock { known in
            defer { known = known ?? store }
            return known == nil
        }
        if isFirst {
            counts.withLock {
                $0.messageCount += statistics.messageCount
                $0.dictionaryBatchCount += statistics.dictionaryBatchCount
                $0.dictionaryDeltaCount += statistics.dictionaryDeltaCount
            }
        }
        return store
    }

    /// Adds the place to errors.
    private func placing<Result>(_ what: @autoclosure () -> String, _ block: IPCBlock, _ body: () throws(MartletError) -> Result)
        throws(MartletError) -> Result
    {
        do throws(MartletError) { return try body() } catch {
            throw error.placed("\(what()) at byte \(block.offset) of '\(source.name)'")
        }
    }
}

/// The batches of a file, from front to back.
public final class IPCFileBatches: RecordBatchReader {
    public let file: IPCFileReader
    private var nextIndex = 0

    init(_ file: IPCFileReader) { self.file = file }

    public var schema: Schema { file.schema }

    public func next() throws(MartletError) -> RecordBatch? {
        guard nextIndex < file.batchCount else { return nil }
        defer { nextIndex += 1 }
        return try file.batch(at: nextIndex)
    }
}
