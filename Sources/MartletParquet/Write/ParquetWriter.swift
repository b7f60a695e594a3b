public import MartletArrow
public import MartletBase
public import MartletIO

/// Writes record batches to a Parquet file.
///
/// Batches are gathered, without a copy, until they make up a row group; then its columns are encoded and compressed
/// on all threads and written in order. `close()` writes the footer and commits the sink; `abort()`, and letting go of
/// a writer that was not closed, give the file up. The same batches and options always give the same bytes, whatever
/// the number of threads. One thread at a time.
public final class ParquetWriter {
    public let schema: Schema
    /// What the file keeps of the schema that was given: views stay, since readers find them again.
    private let storedSchema: Schema
    /// Rows of a row group, at most. Counts for batches that are written from now on.
    public var rowGroupRowCount: Int
    /// Rows written so far, gathered ones included.
    public private(set) var rowCount = 0

    private let sink: GatheringSink
    private let options: ParquetWriterOptions
    private let parquetSchema: ParquetSchema
    private let storages: [LeafStorage]
    private let settings: [LeafSettings]
    private var metadata: Metadata
    private var gathered: [RecordBatch] = []
    private var gatheredRowCount = 0
    private var gatheredByteCount = 0
    private var groups: [WrittenRowGroup] = []
    /// The file that is being appended to.
    private let existing: FileMetaData?
    private let existingPaths: [[String]]
    private let encryption: FileEncryption?
    private var isOpen = true
    private var failure: MartletError?

    static let magic: [UInt8] = Array("PAR1".utf8)

    /// Throws for types that Parquet cannot hold and for options that do not fit the schema; the sink is then aborted.
    ///
    /// `existing`: the footer of the file behind whose bytes the sink stands. Its row groups stay, new ones follow, and
    /// the columns must be the same as they are stored.
    public init(
        _ sink: any ByteSink, schema: Schema, options: ParquetWriterOptions = ParquetWriterOptions(),
        appendingTo existing: FileMetaData? = nil
    ) throws(MartletError) {
        // Parquet has neither views nor runs, and stores extension types as their storage.
        storedSchema = schema.readable.withoutNestedDictionaries.withExtensionsAsMetadata
        let schema = schema.contiguous.withoutNestedDictionaries.withExtensionsAsMetadata
        self.sink = GatheringSink(sink)
        self.schema = schema
        self.options = options
        self.existing = existing
        metadata = options.keyValueMetadata
        groups = existing?.rowGroups.map { WrittenRowGroup(metadata: $0, columnIndexes: [], offsetIndexes: []) } ?? []
        rowGroupRowCount = max(1, options.rowGroupRowCount)
        do throws(MartletError) {
            parquetSchema = try ParquetSchema(arrow: schema, options: options.schema)
            existingPaths = try existing?.paths(appending: parquetSchema) ?? []
            let paths = LeafPath.leaves(of: schema)
            guard paths.count == parquetSchema.leaves.count else {
                throw .notImplemented("Writing DictionaryArray with nested dictionary type not yet supported")
            }
            var storages: [LeafStorage] = []
            var settings: [LeafSettings] = []
            for (index, (path, leaf)) in zip(paths, parquetSchema.leaves).enumerated() {
                storages.append(
                    try LeafStorage(
                        path, leaf, version: options.schema.version,
                        allowsTruncatedTimestamps: options.allowsTruncatedTimestamps,
                        ordersRealsTotally: existing?.ordersTotally(index) ?? options.ordersRealsTotally))
                settings.append(try LeafSettings(options, leaf))
            }
            self.storages = storages
            self.settings = settings
            for sorting in options.sortingColumns where !parquetSchema.leaves.indices.contains(Int(sorting.columnIndex))
            {
                throw .index(
                    "sorting column \(sorting.columnIndex) is out of range for \(parquetSchema.leaves.count) leaf columns"
                )
            }
            let schema = parquetSchema
            if let existing, (existing.sealing != nil || existing.isEncrypted) != (options.encryption != nil) {
                throw .invalid(
                    options.encryption == nil
                        ? "the file is encrypted: what follows must be too; append with the keys of the file"
                        : "the file is not encrypted, so that nothing encrypted can follow; append without keys")
            }
            encryption = try options.encryption.map { keys throws(MartletError) in
                try FileEncryption(keys, schema, appendingTo: existing)
            }
            if existing == nil {
                try self.sink.write([try Buffer(encryption?.magic ?? Self.magic)])
                // By the number in it recovery knows the footers of this file.
                if options.isRecoverable, let encryption { try self.sink.write(try encryption.footer(try fileMetadata())) }
            }
        } catch {
            sink.abort()
            throw error
        }
    }

    deinit { if isOpen { sink.abort() } }

    // MARK: Writing

    /// Appends the rows of `batch`; it is held until its row group is written.
    public func write(_ batch: RecordBatch, operation: Operation = .unwatched) throws(MartletError) {
        try ready()
        let batch = try plain(batch)
        try check(batch)
        let total = rowCount + batch.rowCount
        var start = 0
        while start < batch.rowCount {
            let room = max(rowGroupRowCount - gatheredRowCount, 1)
            let count = min(room, batch.rowCount - start)
            let part = try start == 0 && count == batch.rowCount ? batch : batch.slice(at: start, count: count)
            gathered.append(part)
            gatheredRowCount += count
            gatheredByteCount += part.columns.reduce(0) { $0 + $1.byteCount }
            rowCount += count
            start += count
            if gatheredRowCount >= rowGroupRowCount || gatheredByteCount >= options.rowGroupByteCount {
                try flush(operation, total: total)
            }
        }
    }

    /// Appends all rows of `table`.
    public func write(_ table: Table, operation: Operation = .unwatched) throws(MartletError) {
        for batch in try table.alignedBatches() { try write(batch, operation: operation) }
    }

    /// Ends the row group that is being gathered, if there is anything in it.
    public func flushRowGroup(operation: Operation = .unwatched) throws(MartletError) {
        try ready()
        if gatheredRowCount > 0 { try flush(operation, total: rowCount) }
        do throws(MartletError) { try sink.flush() } catch { throw broken(error) }
    }

    /// Adds to the footer's key-value metadata, up to `close()`.
    public func addMetadata(_ more: Metadata) throws(MartletError) {
        try ready()
        for pair in more.pairs {
            metadata.pairs.removeAll { $0.key == pair.key }
            metadata.pairs.append(pair)
        }
    }

    /// Gives the file's descriptor back until the next write, where the sink can do that.
    public func suspend() { (sink.base as? AtomicFileSink)?.suspend() }

    // MARK: The end

    /// Writes what is gathered and the footer, commits the sink and returns what the footer says.
    @discardableResult
    public func close(operation: Operation = .unwatched) throws(MartletError) -> FileMetaData {
        let file = try finish(operation: operation)
        try sink.close()
        return file
    }

    /// `close()` but for the commit, which is then the caller's: for files that are committed together.
    public func finish(operation: Operation = .unwatched) throws(MartletError) -> FileMetaData {
        try ready()
        if gatheredRowCount > 0 { try flush(operation, total: rowCount) }
        do throws(MartletError) {
            let file = try writeFooter()
            try sink.flush()
            isOpen = false
            return file
        } catch {
            throw broken(error)
        }
    }

    /// Gives the file up.
    public func abort() {
        guard isOpen else { return }
        isOpen = false
        gathered = []
        sink.abort()
    }

    private func ready() throws(MartletError) {
        if let failure { throw failure }
        guard isOpen else { throw .invalid("Cannot write to a closed ParquetWriter: open a new one") }
    }

    /// After an error the file cannot be completed.
    private func broken(_ error: MartletError) -> MartletError {
        failure = error
        abort()
        return error
    }

    /// The batch as Parquet's storage has it.
    private func plain(_ batch: RecordBatch) throws(MartletError) -> RecordBatch {
        let plain = try batch.contiguousStrings().withoutNestedDictionaries()
        return try plain.viewed(as: plain.schema.withExtensionsAsMetadata)
    }

    private func check(_ batch: RecordBatch) throws(MartletError) {
        let fields = batch.schema.fields
        func mismatch(_ detail: String) -> MartletError {
            .invalid("Table schema does not match schema used to create file: " + detail)
        }
        guard fields.count == schema.fields.count else {
            throw mismatch(
                "the file has \(schema.fields.count) columns (\(schema.names.prefix(20).joined(separator: ", "))), got "
                    + "\(fields.count) (\(batch.schema.names.prefix(20).joined(separator: ", ")))")
        }
        for (i, (expected, got)) in zip(schema.fields, fields).enumerated() {
            guard expected.name == got.name else {
                throw mismatch("column \(i) expected name '\(expected.name)' but got '\(got.name)'")
            }
            guard batch.columns[i].type.holdsSameValues(as: expected.type) else {
                throw mismatch(
                    "column '\(expected.name)' expected type \(expected.type) but got \(batch.columns[i].type); cast it "
                        + "first")
            }
            if !expected.isNullable && batch.columns[i].nullCount > 0 {
                throw .invalid("Column '\(expected.name)' declared non-nullable contains nulls")
            }
        }
    }

    private func flush(_ operation: Operation, total: Int) throws(MartletError) {
        let batches = gathered
        let rows = gatheredRowCount
        gathered = []
        gatheredRowCount = 0
        gatheredByteCount = 0
        do throws(MartletError) {
            let columns = schema.fields.indices.map { index in batches.map { $0.columns[index] } }
            let encoder = try RowGroupEncoder(
                storages: storages, settings: settings, columns: columns, names: schema.names, rowCount: rows,
                options: options, encryption: encryption, ordinal: groups.count, sink: sink)
            try encoder.write(operation, done: rowCount, total: total)
            var group = try encoder.finish(ordinal: groups.count)
            for (leaf, path) in existingPaths.enumerated() { group.metadata.columns[leaf].metadata?.path = path }
            groups.append(group)
            if options.isRecoverable {
                // The file could end here. The next row group follows the footer, which readers then never look at.
                try sink.write(try footer(try fileMetadata()))
                try sink.flush()
            }
        } catch {
            throw broken(error)
        }
    }

    private func writeFooter() throws(MartletError) -> FileMetaData {
        // Everything behind the data goes out at once: small files are made of few system calls.
        let indexes = try pageIndexes()
        let file = try fileMetadata()
        try sink.write(indexes + (try footer(file)))
        return file
    }

    private func footer(_ file: FileMetaData) throws(MartletError) -> [Buffer] {
        if let encryption { return try encryption.footer(file) }
        return try file.footer()
    }

    /// What the footer says of the row groups that are written.
    private func fileMetadata() throws(MartletError) -> FileMetaData {
        var pairs = metadata.pairs.map { KeyValue(key: $0.key, value: $0.value) }
        for pair in existing?.keyValueMetadata ?? [] where !pairs.contains(where: { $0.key == pair.key }) {
            pairs.append(pair)
        }
        for pair in schema.metadata.pairs where !pairs.contains(where: { $0.key == pair.key }) {
            pairs.append(KeyValue(key: pair.key, value: pair.value))
        }
        if options.storesArrowSchema, existing == nil {
            let message = try SchemaMessage.encode(storedSchema)
            let text = unsafe message.bytes.withUnsafeBytes { unsafe Base64.encode([UInt8]($0)) }
            pairs.removeAll { $0.key.elementsEqual("ARROW:schema".utf8) }
            pairs.append(KeyValue(key: Array("ARROW:schema".utf8), value: text))
        }
        return FileMetaData(
            version: max(existing?.version ?? 1, options.schema.version == .v1_0 ? 1 : 2),
            schema: existing?.schema ?? parquetSchema.elements,
            rowCount: groups.reduce(0) { $0 &+ $1.metadata.rowCount }, rowGroups: groups.map(\.metadata),
            keyValueMetadata: pairs.isEmpty ? nil : pairs,
            // Readers trust bounds by who wrote them, and those of the old row groups are still there.
            createdBy: existing.map(\.createdBy) ?? options.createdBy,
            columnOrders: existing.map(\.columnOrders)
                ?? storages.map { $0.order == .total ? .ieee754Total : .typeDefined })
    }

    /// The indexes of all chunks, column indexes first, as readers expect them near the footer; the chunks' metadata then
    /// says where they will be.
    private func pageIndexes() throws(MartletError) -> [Buffer] {
        guard options.writesPageIndex else { return [] }
        var indexes: [Buffer] = []
        var position = sink.position
        for g in groups.indices {
            for c in groups[g].columnIndexes.indices {
                guard let index = groups[g].columnIndexes[c] else { continue }
                let bytes = try sealed(.columnIndex, try index.encoded(), g, c)
                groups[g].metadata.columns[c].columnIndexOffset = Int64(position)
                groups[g].metadata.columns[c].columnIndexLength = Int32(clamping: bytes.count)
                indexes.append(bytes)
                position += bytes.count
            }
        }
        for g in groups.indices {
            for c in groups[g].offsetIndexes.indices {
                guard let index = groups[g].offsetIndexes[c] else { continue }
                let bytes = try sealed(.offsetIndex, try index.encoded(), g, c)
                groups[g].metadata.columns[c].offsetIndexOffset = Int64(position)
                groups[g].metadata.columns[c].offsetIndexLength = Int32(clamping: bytes.count)
                indexes.append(bytes)
                position += bytes.count
            }
        }
        return indexes
    }

    private func sealed(_ module: ModuleType, _ bytes: Buffer, _ group: Int, _ leaf: Int) throws(MartletError) -> Buffer {
        guard let cipher = try encryption?.cipher(rowGroup: group, leaf: leaf) else { return bytes }
        return try cipher.seal(module, bytes)
    }
}

extension Schema {
    /// The schema with all types that readers can restore: not runs, and not dictionaries of views, which other readers
    /// of stored schemas stumble over.
    fileprivate var readable: Schema { Schema(fields.map(\.readable), metadata: metadata) }
}

extension Field {
    fileprivate var readable: Field { Field(name, type.readable, isNullable: isNullable, metadata: metadata) }
}

extension DataType {
    fileprivate var readable: DataType {
        switch self {
        case .dictionary: contiguous
        case .runEndEncoded(_, let values): values.type.readable
        case let other: other.mapChildren(\.readable)
        }
    }
}

extension Table {
    /// The rows as batches whose columns have one chunk each: cut wherever any column's chunk ends.
    func alignedBatches() throws(MartletError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var places = columns.map { _ in (chunk: 0, start: 0) }
        var row = 0
        while row < rowCount {
            var count = rowCount - row
            for (i, column) in columns.enumerated() {
                while places[i].start == column.chunks[places[i].chunk].count {
                    places[i] = (places[i].chunk + 1, 0)
                }
                count = min(count, column.chunks[places[i].chunk].count - places[i].start)
            }
            var parts: [ArrayData] = []
            for (i, column) in columns.enumerated() {
                parts.append(try column.chunks[places[i].chunk].slice(at: places[i].start, count: count))
                places[i].start += count
            }
            batches.append(try RecordBatch(schema: schema, columns: parts, rowCount: count))
            row += count
        }
        return batches
    }
}
