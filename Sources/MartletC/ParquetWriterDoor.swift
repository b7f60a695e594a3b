public import CMartlet
import MartletArrow
import MartletBase
import MartletPython
import MartletCodecs
import MartletIO
import MartletParquet

// martlet.h, "Parquet": the writer.

final class ParquetWriterHandle {
    let writer: ParquetWriter
    init(_ writer: ParquetWriter) { self.writer = writer }
}

extension ParquetWriterOptions {
    /// Takes the writer's keys from the caller's options.
    init(_ options: inout Options, schema: Schema) throws(MartletError) {
        self.init()
        try setFile(&options)
        try setColumns(&options)
        encryption = try EncryptionOptions.taken(from: &options)
        if let text = options.text("sorting_columns") { sortingColumns = try Self.sortingColumns(text, schema) }
    }

    private mutating func setFile(_ options: inout Options) throws(MartletError) {
        if let name = options.text("compression") { compression = try Codec(named: name) }
        compressionLevel = try options.integer("compression_level")
        usesDictionary = try options.flag("use_dictionary") ?? usesDictionary
        if let name = options.text("column_encoding") { encoding = try Encoding(named: name) }
        usesByteStreamSplit = try options.flag("use_byte_stream_split") ?? usesByteStreamSplit
        writesStatistics = try options.flag("write_statistics") ?? writesStatistics
        if let text = options.text("version") {
            guard let version = SchemaOptions.Version(rawValue: text) else {
                throw .invalid(
                    "Unsupported Parquet format version: \(text); \"1.0\", \"2.4\" and \"2.6\" are supported")
            }
            self.schema.version = version
        }
        if let text = options.text("data_page_version") {
            guard let version = DataPageVersion(rawValue: text) else {
                throw .invalid("Unsupported Parquet data page version: \(text); \"1.0\" and \"2.0\" are supported")
            }
            dataPageVersion = version
        }
        dataPageByteCount = try options.integer("data_page_size") ?? dataPageByteCount
        maximumRowsPerPage = try options.integer("max_rows_per_page") ?? maximumRowsPerPage
        dictionaryPageByteCount = try options.integer("dictionary_pagesize_limit") ?? dictionaryPageByteCount
        rowGroupRowCount = try options.integer("row_group_size") ?? rowGroupRowCount
        rowGroupByteCount = try options.integer("row_group_bytes") ?? rowGroupByteCount
        contentChunking = try Self.contentChunking(&options)
        isRecoverable = try options.flag("recoverable") ?? isRecoverable
        ordersRealsTotally = try options.flag("ieee754_total_order") ?? ordersRealsTotally
        writesPageIndex = try options.flag("write_page_index") ?? writesPageIndex
        writesPageChecksums = try options.flag("write_page_checksum") ?? writesPageChecksums
        storesArrowSchema = try options.flag("store_schema") ?? storesArrowSchema
        switch options.text("coerce_timestamps") {
        case nil: break
        case "ms": self.schema.coerceTimestamps = .millisecond
        case "us": self.schema.coerceTimestamps = .microsecond
        case let other?:
            throw .invalid("Invalid value for coerce_timestamps: \(other); \"ms\" and \"us\" are supported")
        }
        allowsTruncatedTimestamps = try options.flag("allow_truncated_timestamps") ?? allowsTruncatedTimestamps
        self.schema.usesDeprecatedInt96 =
            try options.flag("use_deprecated_int96_timestamps") ?? self.schema.usesDeprecatedInt96
        self.schema.storesDecimalAsInteger =
            try options.flag("store_decimal_as_integer") ?? self.schema.storesDecimalAsInteger
        self.schema.marksTimesAsUTC = try options.flag("write_time_adjusted_to_utc") ?? self.schema.marksTimesAsUTC
        self.schema.usesCompliantNestedType =
            try options.flag("use_compliant_nested_type") ?? self.schema.usesCompliantNestedType
        if try options.flag("use_threads") == false { threadCount = 1 }
        createdBy = options.text("created_by") ?? createdBy
        for (name, number) in [
            ("data_page_size", dataPageByteCount), ("max_rows_per_page", maximumRowsPerPage),
            ("row_group_size", rowGroupRowCount), ("row_group_bytes", rowGroupByteCount),
        ] where number < 1 { throw .invalid("\(name) must be positive, not \(number)") }
    }

    private static func contentChunking(_ options: inout Options) throws(MartletError) -> ContentChunking? {
        let isOn = try options.flag("use_content_defined_chunking") ?? false
        var chunking = ContentChunking()
        chunking.minimumByteCount = try options.integer("min_chunk_size") ?? chunking.minimumByteCount
        chunking.maximumByteCount = try options.integer("max_chunk_size") ?? chunking.maximumByteCount
        chunking.normalization = try options.integer("norm_level") ?? chunking.normalization
        guard chunking.minimumByteCount > 0 else { throw .invalid("min_chunk_size must be positive") }
        guard chunking.maximumByteCount > chunking.minimumByteCount else {
            throw .invalid(
                "max_chunk_size must be greater than min_chunk_size, not \(chunking.maximumByteCount) and "
                    + "\(chunking.minimumByteCount)")
        }
        guard (-16...16).contains(chunking.normalization) else {
            throw .invalid("norm_level must be between -16 and 16, not \(chunking.normalization)")
        }
        return isOn ? chunking : nil
    }

    /// Keys of the form "compression:column.path".
    private mutating func setColumns(_ options: inout Options) throws(MartletError) {
        for pair in options.pairs {
            guard let colon = pair.key.firstIndex(of: ":") else { continue }
            let path = String(pair.key[pair.key.index(after: colon)...])
            var column = columns[path] ?? Column()
            switch pair.key[..<colon] {
            case "compression":
                column.compression = try options.text(pair.key).map { name throws(MartletError) in
                    try Codec(named: name)
                }
            case "compression_level": column.compressionLevel = try options.integer(pair.key)
            case "use_dictionary": column.usesDictionary = try options.flag(pair.key)
            case "column_encoding":
                column.encoding = try options.text(pair.key).map { name throws(MartletError) in
                    try Encoding(named: name)
                }
            case "write_statistics": column.writesStatistics = try options.flag(pair.key)
            case "bloom_filter":
                if try options.flag(pair.key) == true { column.bloomFilter = column.bloomFilter ?? BloomFilterOptions() }
            case "bloom_filter_ndv":
                var bloom = column.bloomFilter ?? BloomFilterOptions()
                bloom.distinctCount = try options.integer(pair.key)
                column.bloomFilter = bloom
            case "bloom_filter_fpp":
                var bloom = column.bloomFilter ?? BloomFilterOptions()
                guard let text = options.text(pair.key), let rate = Double(text) else {
                    throw .invalid("option \(pair.key) is a number between 0 and 1")
                }
                bloom.falsePositiveRate = rate
                column.bloomFilter = bloom
            case "use_byte_stream_split": column.usesByteStreamSplit = try options.flag(pair.key)
            default: continue
            }
            columns[path] = column
        }
    }

    /// "name:ascending:nulls_first,..." by the position of the column among the leaves.
    private static func sortingColumns(_ text: String, _ schema: Schema) throws(MartletError) -> [SortingColumn] {
        let leaves = try ParquetSchema(arrow: schema).leaves
        var result: [SortingColumn] = []
        for item in text.split(separator: ",") {
            let parts = item.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3 else {
                throw .invalid("a sorting column is name:ascending:nulls_first, not \"\(item)\"")
            }
            guard let index = leaves.firstIndex(where: { $0.dottedPath == parts[0] }) else {
                throw .key("sorting column \"\(parts[0])\" is not in the schema")
            }
            result.append(
                SortingColumn(
                    columnIndex: Int32(index), isDescending: parts[1] != "ascending",
                    nullsFirst: parts[2] == "nulls_first"))
        }
        return result
    }
}

@_cdecl("martlet_parquet_writer_open")
public func parquetWriterOpen(
    _ sink: OpaquePointer?, _ schema: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let schema = try object(schema, SchemaHandle.self).schema()
        var options = try Options(options, optionCount)
        let parsed = try ParquetWriterOptions(&options, schema: schema)
        try options.finish()
        let writer = try ParquetWriter(try object(sink, SinkHandle.self).sink, schema: schema, options: parsed)
        try give(ParquetWriterHandle(writer), to: out)
    }
}

@_cdecl("martlet_parquet_writer_append")
public func parquetWriterAppend(
    _ path: UnsafePointer<CChar>?, _ schema: OpaquePointer?, _ options: UnsafePointer<martlet_option>?,
    _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let path = try requiredText(path, "path")
        // First of all, because it completes an append that was cut off.
        let sink = try AppendingSink(path: path)
        do throws(MartletError) {
            var options = try Options(options, optionCount)
            var reading = ReadOptions()
            var keys = options
            reading.decryption = try EncryptionOptions.taken(from: &keys)?.decryption
            let file = try ParquetFile(path: path, memoryMap: false, options: reading)
            let schema = try schema == nil ? file.schema : object(schema, SchemaHandle.self).schema()
            let parsed = try ParquetWriterOptions(&options, schema: schema)
            try options.finish()
            let writer = try ParquetWriter(sink, schema: schema, options: parsed, appendingTo: file.metadata)
            try give(ParquetWriterHandle(writer), to: out)
        } catch {
            sink.abort()
            throw error
        }
    }
}

@_cdecl("martlet_parquet_recover")
public func parquetRecover(_ path: UnsafePointer<CChar>?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let metadata = try ParquetRecovery.recover(path: try requiredText(path, "path"))
        guard let out else { return }
        // An encrypted footer says nothing without its key.
        out.pointee = nil
        if let metadata { try give(try ParquetFileHandle(metadata), to: out) }
    }
}

@_cdecl("martlet_parquet_writer_write")
public func parquetWriterWrite(
    _ writer: OpaquePointer?, _ batch: OpaquePointer?, _ progress: UnsafePointer<martlet_progress>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let batch = try object(batch, ArrayHandle.self).batch()
        try object(writer, ParquetWriterHandle.self).writer.write(batch, operation: Operation(progress))
    }
}

@_cdecl("martlet_parquet_writer_flush")
public func parquetWriterFlush(_ writer: OpaquePointer?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in try object(writer, ParquetWriterHandle.self).writer.flushRowGroup() }
}

@_cdecl("martlet_parquet_writer_add_metadata")
public func parquetWriterAddMetadata(
    _ writer: OpaquePointer?, _ key: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var metadata = Metadata()
        metadata.append(try requiredText(key, "key"), try requiredText(value, "value"))
        try object(writer, ParquetWriterHandle.self).writer.addMetadata(metadata)
    }
}

@_cdecl("martlet_parquet_writer_close")
public func parquetWriterClose(_ writer: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let metadata = try object(writer, ParquetWriterHandle.self).writer.close()
        if out != nil { try give(try ParquetFileHandle(metadata), to: out) }
    }
}

@_cdecl("martlet_parquet_writer_abort")
public func parquetWriterAbort(_ writer: OpaquePointer?) {
    (try? object(writer, ParquetWriterHandle.self))?.writer.abort()
}

@_cdecl("martlet_parquet_writer_release")
public func parquetWriterRelease(_ writer: OpaquePointer?) { release(writer, ParquetWriterHandle.self) }
