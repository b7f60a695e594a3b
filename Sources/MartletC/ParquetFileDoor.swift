public import CMartlet
import Glibc
import MartletArrow
import MartletBase
import MartletPython
import MartletCodecs
import MartletIO
import MartletParquet

// martlet.h, "Parquet": the file and its metadata.

/// A Parquet file, or only the metadata of one that was just written. Texts that callers see live as long as it does.
final class ParquetFileHandle: Sendable {
    private let file: ParquetFile?
    /// The file without rows that metadata alone makes, when somebody asks.
    private let described = Guarded<ParquetFile?>(nil)
    let metadata: FileMetaData
    let parquetSchema: ParquetSchema
    let metadataByteCount: Int
    private let texts = Guarded<[String: TextAddress]>([:])

    private struct TextAddress: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<CChar>
    }

    init(_ file: ParquetFile) {
        self.file = file
        metadata = file.metadata
        parquetSchema = file.parquetSchema
        metadataByteCount = file.metadataByteCount
    }

    init(_ metadata: FileMetaData) throws(MartletError) {
        file = nil
        self.metadata = metadata
        parquetSchema = try ParquetSchema(elements: metadata.schema)
        metadataByteCount = try metadata.encoded().count
    }

    deinit { texts.withLock { for text in $0.values { free(text.pointer) } } }

    func readable() throws(MartletError) -> ParquetFile {
        guard let file else {
            throw .invalid("this is the metadata of a file that was written; open the file to read it")
        }
        return file
    }

    /// The file, or one without rows.
    func describing() throws(MartletError) -> ParquetFile {
        if let file { return file }
        return try described.withLock { known throws(MartletError) in
            if let known { return known }
            let made = try ParquetFile(metadata: metadata)
            known = made
            return made
        }
    }

    /// The text as C text that lives as long as this handle.
    func text(_ text: String) -> UnsafePointer<CChar>? {
        texts.withLock { known in
            if let address = known[text] { return UnsafePointer(address.pointer) }
            guard let copy = strdup(text) else { return nil }
            known[text] = TextAddress(pointer: copy)
            return UnsafePointer(copy)
        }
    }

    func rowGroup(_ index: Int64) throws(MartletError) -> RowGroup {
        guard index >= 0, index < metadata.rowGroups.count else {
            throw .index("row group \(index) is out of range: the file has \(metadata.rowGroups.count)")
        }
        return metadata.rowGroups[Int(index)]
    }

    func leaf(_ index: Int64) throws(MartletError) -> LeafColumn {
        guard index >= 0, index < parquetSchema.leaves.count else {
            throw .index("column \(index) is out of range: the file has \(parquetSchema.leaves.count)")
        }
        return parquetSchema.leaves[Int(index)]
    }
}

@_cdecl("martlet_parquet_file_open")
public func parquetFileOpen(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let (source, parsed) = try openable(source, options, optionCount)
        try give(ParquetFileHandle(try ParquetFile(source, options: parsed)), to: out)
    }
}

/// What opening a Parquet file takes.
func openable(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64
) throws(MartletError) -> (any ByteSource, ReadOptions) {
    var options = try Options(options, optionCount)
    let parsed = try ReadOptions(&options)
    try options.finish()
    return (try object(source, SourceHandle.self).positional(), parsed)
}

extension ReadOptions {
    /// Takes the reader's keys from the caller's options.
    init(_ options: inout Options) throws(MartletError) {
        self.init()
        verifiesChecksums = try options.flag("page_checksum_verification") ?? verifiesChecksums
        usesStoredSchema = try options.flag("arrow_schema") ?? usesStoredSchema
        usesExtensionTypes = try options.flag("arrow_extensions_enabled") ?? usesExtensionTypes
        unshredsVariants = try options.flag("unshred_variants") ?? unshredsVariants
        usesThreads = try options.flag("use_threads") ?? usesThreads
        maximumFooterStringByteCount = try options.integer("thrift_string_size_limit") ?? .max
        maximumFooterListCount = try options.integer("thrift_container_size_limit") ?? .max
        maximumSchemaDepth = try options.integer("schema_depth_limit")
        switch options.text("binary_type") {
        case nil, "binary", "string": break
        case "large_binary", "large_string": bytesForm = .offsets64
        case "binary_view", "string_view": bytesForm = .views
        case let other?: throw .invalid("binary_type: '\(other)' is none of binary, large_binary and binary_view")
        }
        switch options.text("list_type") {
        case nil, "list": break
        case "large_list": listForm = .offsets64
        case "list_view": listForm = .views32
        case "large_list_view": listForm = .views64
        case let other?:
            throw .invalid("list_type: '\(other)' is none of list, large_list, list_view and large_list_view")
        }
        decryption = try DecryptionOptions.taken(from: &options)
        if let names = options.text("read_dictionary") {
            dictionaryColumns = names.split(separator: ",").map(String.init)
        }
        if let name = options.text("coerce_int96_timestamp_unit") {
            guard let unit = TimeUnit.allCases.first(where: { $0.abbreviation == name }) else {
                throw .invalid("coerce_int96_timestamp_unit: '\(name)' is no unit; there are 's', 'ms', 'us' and 'ns'")
            }
            int96Unit = unit
        }
    }
}

@_cdecl("martlet_parquet_file_schema")
public func parquetFileSchema(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(try object(file, ParquetFileHandle.self).describing().schema), to: out)
    }
}

@_cdecl("martlet_parquet_file_info_get")
public func parquetFileInfoGet(_ file: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_parquet_file_info>?) {
    guard let out, let handle = try? object(file, ParquetFileHandle.self) else { return }
    out.pointee = martlet_parquet_file_info(
        row_count: handle.metadata.rowCount, row_group_count: Int64(handle.metadata.rowGroups.count),
        column_count: Int64(handle.parquetSchema.leaves.count), serialized_size: Int64(handle.metadataByteCount),
        created_by: handle.text(handle.metadata.createdBy ?? ""),
        version: handle.text(handle.metadata.version == 1 ? "1.0" : "2.6"))
}

@_cdecl("martlet_parquet_file_metadata")
public func parquetFileMetadata(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var metadata = Metadata()
        for pair in try object(file, ParquetFileHandle.self).metadata.keyValueMetadata ?? [] {
            metadata.pairs.append(.init(key: pair.key, value: pair.value ?? []))
        }
        try give(SchemaHandle(Schema([], metadata: metadata)), to: out)
    }
}

@_cdecl("martlet_parquet_row_group_info_get")
public func parquetRowGroupInfoGet(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ out: UnsafeMutablePointer<martlet_parquet_row_group_info>?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(file, ParquetFileHandle.self)
        let group = try handle.rowGroup(rowGroup)
        try required(out, "out").pointee = martlet_parquet_row_group_info(
            row_count: group.rowCount, column_count: Int64(group.columns.count), total_byte_size: group.totalByteSize,
            total_compressed_size: group.totalCompressedSize
                ?? group.columns.reduce(0) { sum, chunk in
                    sum.addingReportingOverflow(chunk.metadata?.totalCompressedSize ?? 0).partialValue
                },
            sorting_columns: handle.text(
                (group.sortingColumns ?? []).map { column in
                    "\(column.columnIndex):\(column.isDescending ? "descending" : "ascending"):"
                        + (column.nullsFirst ? "nulls_first" : "nulls_last")
                }.joined(separator: ",")))
    }
}

@_cdecl("martlet_parquet_column_info_get")
public func parquetColumnInfoGet(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ column: Int64,
    _ out: UnsafeMutablePointer<martlet_parquet_column_info>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(file, ParquetFileHandle.self)
        let leaf = try handle.leaf(column)
        var info = martlet_parquet_column_info()
        info.path = handle.text(leaf.dottedPath)
        info.physical_type = handle.text(leaf.physicalType.name)
        info.logical_type = handle.text(leaf.logicalTypeText)
        info.converted_type = handle.text(leaf.convertedTypeText)
        info.max_definition_level = Int64(leaf.maxDefinitionLevel)
        info.max_repetition_level = Int64(leaf.maxRepetitionLevel)
        info.type_length = Int64(leaf.typeLength)
        info.compression = handle.text("")
        info.encodings = handle.text("")
        info.file_path = handle.text("")
        info.geospatial_types = handle.text("")
        for bound in [
            \martlet_parquet_column_info.xmin, \.xmax, \.ymin, \.ymax, \.zmin, \.zmax, \.mmin, \.mmax,
        ] { info[keyPath: bound] = .nan }
        for number in [
            \martlet_parquet_column_info.value_count, \.file_offset, \.dictionary_page_offset, \.data_page_offset,
            \.index_page_offset, \.total_compressed_size, \.total_uncompressed_size, \.null_count, \.distinct_count,
            \.nan_count, \.bloom_filter_offset, \.bloom_filter_length,
        ] { info[keyPath: number] = -1 }
        if rowGroup >= 0 { try handle.fill(&info, try handle.rowGroup(rowGroup), Int(column), leaf, Int(rowGroup)) }
        try required(out, "out").pointee = info
    }
}

extension ParquetFileHandle {
    fileprivate func fill(
        _ info: inout martlet_parquet_column_info, _ group: RowGroup, _ column: Int, _ leaf: LeafColumn, _ index: Int
    ) throws(MartletError) {
        guard column < group.columns.count, let chunk = group.columns[column].metadata else {
            throw .invalid("row group \(index) has no metadata for column \(leaf.dottedPath)")
        }
        info.compression = text(chunk.codec.name)
        info.encodings = text(chunk.encodings.map(\.name).joined(separator: ","))
        info.file_path = text(group.columns[column].filePath ?? "")
        info.value_count = chunk.valueCount
        info.file_offset = group.columns[column].fileOffset
        info.dictionary_page_offset = chunk.dictionaryPageOffset ?? -1
        info.data_page_offset = chunk.dataPageOffset
        info.index_page_offset = chunk.indexPageOffset ?? -1
        info.total_compressed_size = chunk.totalCompressedSize
        info.total_uncompressed_size = chunk.totalUncompressedSize
        info.bloom_filter_offset = chunk.bloomFilterOffset ?? -1
        info.bloom_filter_length = chunk.bloomFilterLength.map { Int64($0) } ?? -1
        info.has_column_index = group.columns[column].columnIndexOffset != nil
        info.has_offset_index = group.columns[column].offsetIndexOffset != nil
        if let geospatial = chunk.geospatialStatistics {
            info.has_geospatial_statistics = true
            info.geospatial_types = text((geospatial.types ?? []).map(\.description).joined(separator: ","))
            if let box = geospatial.boundingBox {
                (info.xmin, info.xmax, info.ymin, info.ymax) = (box.xmin, box.xmax, box.ymin, box.ymax)
                (info.zmin, info.zmax) = (box.zmin ?? .nan, box.zmax ?? .nan)
                (info.mmin, info.mmax) = (box.mmin ?? .nan, box.mmax ?? .nan)
            }
        }
        guard let statistics = chunk.statistics else { return }
        info.has_statistics = true
        info.null_count = statistics.nullCount ?? -1
        info.distinct_count = statistics.distinctCount ?? -1
        info.nan_count = statistics.nanCount ?? -1
        let known = try describing().statistics(rowGroup: index, leaf: column)
        info.has_min_max = known.minimum.isValid(0) && known.maximum.isValid(0)
        info.is_min_exact = known.isMinimumExact[0]
        info.is_max_exact = known.isMaximumExact[0]
    }
}

@_cdecl("martlet_parquet_column_min_max")
public func parquetColumnMinMax(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ column: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(file, ParquetFileHandle.self)
        _ = try handle.rowGroup(rowGroup)
        _ = try handle.leaf(column)
        let known = try handle.describing().statistics(rowGroup: Int(rowGroup), leaf: Int(column))
        guard known.minimum.isValid(0), known.maximum.isValid(0) else { return try giveNothing(to: out) }
        try give(ArrayHandle(try concatenate([known.minimum, known.maximum], type: known.type)), to: out)
    }
}

@_cdecl("martlet_parquet_column_stored")
public func parquetColumnStored(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ column: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(file, ParquetFileHandle.self)
        _ = try handle.leaf(column)
        let columns = try handle.rowGroup(rowGroup).columns
        let chunk = Int(column) < columns.count ? columns[Int(column)].metadata : nil
        var metadata = Metadata()
        metadata.pairs.append(.init(key: Array("min".utf8), value: chunk?.statistics?.minValue ?? chunk?.statistics?.min ?? []))
        metadata.pairs.append(.init(key: Array("max".utf8), value: chunk?.statistics?.maxValue ?? chunk?.statistics?.max ?? []))
        for pair in chunk?.keyValueMetadata ?? [] {
            metadata.pairs.append(.init(key: Array("key:".utf8) + pair.key, value: pair.value ?? []))
        }
        try give(SchemaHandle(Schema([], metadata: metadata)), to: out)
    }
}

@_cdecl("martlet_parquet_file_schema_text")
public func parquetFileSchemaText(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(try object(file, ParquetFileHandle.self).parquetSchema.description, to: out)
    }
}

@_cdecl("martlet_parquet_metadata_concatenate")
public func parquetMetadataConcatenate(
    _ first: OpaquePointer?, _ second: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var metadata = try object(first, ParquetFileHandle.self).metadata
        try metadata.append(rowGroupsOf: try object(second, ParquetFileHandle.self).metadata)
        try give(try ParquetFileHandle(metadata), to: out)
    }
}

@_cdecl("martlet_parquet_metadata_with_path")
public func parquetMetadataWithPath(
    _ file: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var metadata = try object(file, ParquetFileHandle.self).metadata
        metadata.set(filePath: try requiredText(path, "path"))
        try give(try ParquetFileHandle(metadata), to: out)
    }
}

@_cdecl("martlet_parquet_metadata_write")
public func parquetMetadataWrite(_ file: OpaquePointer?, _ sink: OpaquePointer?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let metadata = try object(file, ParquetFileHandle.self).metadata
        try metadata.writeFile(to: try object(sink, SinkHandle.self).sink)
    }
}

@_cdecl("martlet_parquet_file_release")
public func parquetFileRelease(_ file: OpaquePointer?) { release(file, ParquetFileHandle.self) }
