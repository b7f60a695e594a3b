public import MartletArrow
public import MartletBase
public import MartletIO

/// Writes record batches of one schema to a sink, as a stream or as a file (Columnar format, "IPC Streaming Format" and
/// "IPC File Format").
///
/// Bodies go out from the arrays' own memory, with one vectored write for each batch. The sink is shared: `close()` ends
/// the stream or writes the file's footer, and leaves closing the sink to its owner. One thread at a time.
public final class IPCWriter {
    public enum Container: Sendable, CaseIterable { case stream, file }

    public let schema: Schema
    public private(set) var statistics = IPCStatistics()

    private let sink: any ByteSink
    private let container: Container
    private let options: IPCWriteOptions
    private let footerMetadata: Metadata
    private let alignment: Int
    private let zeros: Buffer
    /// Positions in files count from here.
    private let base: Int
    private var dictionaries: WrittenDictionaries
    private var dictionaryBlocks: [Int64] = []
    /// Offset, bytes of metadata and bytes of body of each record batch of a file.
    private(set) var recordBatchBlocks: [Int64] = []
    private var lastHead: MessageHead?
    /// The schema of the last batch, known to be the writer's but for metadata.
    private var lastFields: [Field] = []
    /// The memory of the last body's numbers, for the next.
    private var idleBody: Body?
    private var headPlaces: MessageHead.Places?
    private var isOpen = true
    private var failure: MartletError?

    /// Writes the schema at once. `footerMetadata` is the custom metadata of a file's footer.
    ///
    /// Throws `notImplemented` for types that the format cannot carry, and what the sink throws.
    public init(
        _ sink: any ByteSink, schema: Schema, container: Container, options: IPCWriteOptions = IPCWriteOptions(),
        footerMetadata: Metadata = Metadata()
    ) throws(MartletError) {
        try options.validate()
        self.sink = sink
        self.schema = schema
        self.container = container
        self.options = options
        self.footerMetadata = footerMetadata
        alignment = max(options.alignment, schema.fields.map(\.type.widestAlignment).max() ?? 8)
        zeros = try Buffer(zeroed: alignment)
        base = sink.position
        let isFile = container == .file
        dictionaries = WrittenDictionaries(schema, isFile: isFile, emitsDeltas: options.emitsDictionaryDeltas)

        var builder = FlatBuilder()
        let header = try SchemaEncoder.schema(schema, in: &builder)
        let message = SchemaMessage.message(
            builder, header: header, type: SchemaFormat.Header.schema, bodyLength: 0,
            version: options.metadataVersion.rawValue)
        var pieces = [try SchemaMessage.encapsulate(message, alignment: alignment, isLegacy: options.usesLegacyFormat)]
        if isFile {
            let magic = try Buffer(IPCFormat.magic)
            let padding = magic.count.roundedUp(to: alignment) - magic.count
            pieces = [magic, try zeros.slice(at: 0, count: padding)] + pieces
        }
        try sink.write(pieces)
        statistics.messageCount = 1
    }

    /// Writes a batch, after the dictionaries that it needs. `metadata` is the message's custom metadata.
    ///
    /// Throws `invalid` when the batch's schema is not the writer's but for metadata. What cannot be written is found
    /// before the first byte goes out; after an error of the sink the writer takes no more.
    public func write(_ batch: RecordBatch, metadata: Metadata = Metadata()) throws(MartletError) {
        try checkOpen()
        try check(batch.schema)
        var body = try encode(batch.columns) { "column \(self.schema.fields[$0].name)" }
        for update in try dictionaries.updates(for: batch.columns) { try write(update) }
        if metadata.isEmpty, let head = lastHead?.filled(body, rowCount: batch.rowCount) {
            try send(head, &body, block: &recordBatchBlocks)
        } else {
            var builder = FlatBuilder()
            let header = recordBatch(body, rowCount: batch.rowCount, in: &builder)
            try send(builder, header, SchemaFormat.Header.recordBatch, &body, metadata, block: &recordBatchBlocks)
        }
        statistics.recordBatchCount += 1
        body.clear()
        idleBody = body
    }

    /// Batches mostly come with the fields of the one before, in the same memory.
    private func check(_ other: Schema) throws(MartletError) {
        if other.fields.isSameMemory(as: lastFields) { return }
        guard other.isSame(as: schema) else { throw differentSchema(other) }
        lastFields = other.fields
    }

    /// Ends the stream, or writes the file's footer. A second call does nothing.
    ///
    /// After an error of the sink this throws that error: the output is not whole.
    public func close() throws(MartletError) {
        guard isOpen else { return }
        isOpen = false
        if let failure { throw failure }
        var pieces = [try Buffer(options.usesLegacyFormat ? IPCFormat.legacyEndOfStream : IPCFormat.endOfStream)]
        if container == .file {
            let footer = try footer()
            pieces.append(try unsafe Buffer(copying: footer.span.bytes))
            pieces.append(try Buffer([Int32(truncatingIfNeeded: footer.count)]))
            pieces.append(try Buffer(IPCFormat.magic))
        }
        try sink.write(pieces)
    }

    /// Takes no more batches and writes no end.
    public func abandon() { isOpen = false }

    private func checkOpen() throws(MartletError) {
        if let failure { throw failure }
        guard isOpen else { throw .invalid("Cannot write to closed IPC writer for '\(sink.name)'") }
    }

    private func differentSchema(_ other: Schema) -> MartletError {
        var detail = "expected \(schema.fields.count) fields, got \(other.fields.count)"
        for (i, pair) in zip(schema.fields, other.fields).enumerated() where !pair.0.isSame(as: pair.1) {
            detail = "field \(i): expected \(pair.0.summary), got \(pair.1.summary)"
            break
        }
        return .invalid("Tried to write record batch with different schema (\(detail)); cast it to the writer's schema first")
    }

    private func write(_ update: WrittenDictionaries.Update) throws(MartletError) {
        var body = try encode([update.values]) { _ in "dictionary \(update.id)" }
        var builder = FlatBuilder()
        let data = recordBatch(body, rowCount: update.values.count, in: &builder)
        let header = builder.table([0: .int64(update.id), 1: .reference(data), 2: .bool(update.isDelta)])
        try send(
            builder, header, SchemaFormat.Header.dictionaryBatch, &body, Metadata(), block: &dictionaryBlocks)
        dictionaries.note(update)
        statistics.dictionaryBatchCount += 1
        if update.isDelta { statistics.dictionaryDeltaCount += 1 }
        if update.isReplacement { statistics.replacedDictionaryCount += 1 }
    }

    /// What goes out behind a message, and the numbers in the message that tell of it.
    struct Body {
        var parts: BodyBuilder
        var encoded = EncodedBody()
        var rawByteCount = 0

        /// Lets go of the arrays, not of the room for the next ones.
        mutating func clear() {
            parts.clear()
            encoded.clear()
        }
    }

    private func encode(_ arrays: [ArrayData], name: (Int) -> String) throws(MartletError) -> Body {
        var body = idleBody.take()
            ?? Body(parts: BodyBuilder(allowsLongColumns: options.allowsLongColumns, version: options.metadataVersion))
        for (i, array) in arrays.enumerated() {
            do throws(MartletError) { try body.parts.append(array) } catch { throw error.within(name(i)) }
        }
        try body.encoded.fill(body.parts.buffers, options: options, alignment: alignment, zeros: zeros)
        body.rawByteCount = body.parts.buffers.reduce(0) { $0 + $1.count.roundedUp(to: alignment) }
        return body
    }

    /// Writes a `RecordBatch` table.
    private func recordBatch(_ body: Body, rowCount: Int, in builder: inout FlatBuilder) -> Int {
        let nodes = builder.vector(structsOf: body.parts.nodes, perStruct: 2)
        let buffers = builder.vector(structsOf: body.encoded.ranges, perStruct: 2)
        var slots: FlatBuilder.Slots = [
            0: .int64(Int64(rowCount)), 1: .reference(nodes), 2: .reference(buffers),
        ]
        if let compression = options.compression {
            slots[3] = .reference(builder.table([0: .uint8(compression.number), 1: .uint8(0)]))
        }
        if !body.parts.variadicCounts.isEmpty {
            slots[4] = .reference(builder.vector(structsOf: body.parts.variadicCounts, perStruct: 1))
        }
        let table = builder.table(slots)
        // The numbers of a vector begin behind its length.
        headPlaces = MessageHead.Places(rowCount: builder.places[0], nodes: nodes - 4, ranges: buffers - 4)
        return table
    }

    /// Writes a message with its body, and notes its block for a file's footer (File.fbs `Block`).
    private func send(
        _ builder: consuming FlatBuilder, _ header: Int, _ type: UInt8, _ body: inout Body, _ metadata: Metadata,
        block: inout [Int64]
    ) throws(MartletError) {
        var metadata = metadata
        if let compression = options.compression, options.metadataVersion == .v4 {
            metadata.append(BodyCompression.experimentalKey, compression.name)
        }
        let message = SchemaMessage.located(
            builder, header: header, type: type, bodyLength: body.encoded.byteCount, metadata: metadata,
            version: options.metadataVersion.rawValue)
        let head = try SchemaMessage.encapsulate(message.bytes, alignment: alignment, isLegacy: options.usesLegacyFormat)
        if type == SchemaFormat.Header.recordBatch, body.parts.variadicCounts.isEmpty, let places = headPlaces {
            let end = message.bytes.count + (options.usesLegacyFormat ? 4 : 8)
            lastHead = MessageHead(
                bytes: head, end: end, places: places, bodyLength: message.bodyLength, nodeCount: body.parts.nodes.count,
                rangeCount: body.encoded.ranges.count, hasMetadata: !metadata.isEmpty)
        }
        try send(head, &body, block: &block)
    }

    private func send(_ head: Buffer, _ body: inout Body, block: inout [Int64]) throws(MartletError) {
        let byteCount = body.encoded.byteCount
        let start = sink.position - base
        do throws(MartletError) { try sink.write(body.encoded.message(head)) } catch {
            failure = error
            throw error
        }
        statistics.messageCount += 1
        statistics.rawBodyByteCount += body.rawByteCount
        statistics.serializedBodyByteCount += byteCount
        // A block's metadata length is a 32-bit number in a struct of 64-bit ones.
        if container == .file { block += [Int64(start), Int64(head.count), Int64(byteCount)] }
    }

    /// The `Footer` table (File.fbs).
    private func footer() throws(MartletError) -> [UInt8] {
        var builder = FlatBuilder()
        var slots: FlatBuilder.Slots = [
            0: .int16(options.metadataVersion.rawValue), 1: .reference(try SchemaEncoder.schema(schema, in: &builder)),
        ]
        slots[2] = .reference(builder.vector(structsOf: dictionaryBlocks, perStruct: 3))
        slots[3] = .reference(builder.vector(structsOf: recordBatchBlocks, perStruct: 3))
        if !footerMetadata.isEmpty { slots[4] = .reference(SchemaEncoder.metadata(footerMetadata, in: &builder)) }
        let root = builder.table(slots)
        return builder.finish(root: root)
    }
}

extension DataType {
    /// The widest alignment that a buffer of this type or of one below it needs; at least 8.
    fileprivate var widestAlignment: Int {
        let own = layout.buffers.map(\.alignment).max() ?? 1
        if case .dictionary(_, let value, _) = storage { return max(own, value.widestAlignment) }
        return childFields.reduce(max(own, 8)) { max($0, $1.type.widestAlignment) }
    }
}
