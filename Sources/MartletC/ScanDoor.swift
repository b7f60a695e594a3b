public import CMartlet
import MartletArrow
import MartletBase
import MartletPython
import MartletCompute
import MartletDataset
import MartletParquet

// martlet.h, "Parquet" and "datasets": scans, and partitioned writes.

final class DatasetHandle {
    let dataset: Dataset
    init(_ dataset: Dataset) { self.dataset = dataset }
}

/// The expression behind a handle that may be NULL.
private func optionalExpression(_ expression: OpaquePointer?) throws(MartletError) -> Expression? {
    guard let expression else { return nil }
    return try object(expression, ExpressionHandle.self).expression
}

/// The rows of a batch: nil, where it is 0 or not given, for batches as large as they can be.
private func batchRowCount(_ options: inout Options) throws(MartletError) -> Int? {
    guard let size = try options.integer("batch_size"), size != 0 else { return nil }
    guard size > 0 else { throw .invalid("batch_size must be positive, not \(size)") }
    return size
}

/// "10:20,500:600": ranges of rows, the second number of each being the first that is not wanted.
private func rowRanges(_ options: inout Options) throws(MartletError) -> [Range<Int>]? {
    guard let text = options.text("row_ranges") else { return nil }
    var ranges: [Range<Int>] = []
    for part in text.split(separator: ",") {
        let ends = part.split(separator: ":").map { Int($0) }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start >= 0, end >= start else {
            throw .invalid("row_ranges are start:stop pairs of rows, such as 10:20,500:600, not '\(part)'")
        }
        ranges.append(start..<end)
    }
    return ranges
}

@_cdecl("martlet_parquet_file_scan")
public func parquetFileScan(
    _ file: OpaquePointer?, _ columns: UnsafePointer<UnsafePointer<CChar>?>?, _ columnCount: Int64,
    _ rowGroups: UnsafePointer<Int32>?, _ rowGroupCount: Int64, _ filter: OpaquePointer?,
    _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ progress: UnsafePointer<martlet_progress>?,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let file = try object(file, ParquetFileHandle.self).readable()
        var options = try Options(options, optionCount)
        let size = try batchRowCount(&options)
        let usesThreads = try options.flag("use_threads") ?? true
        var selections = try rowRanges(&options).map { (ranges) throws(MartletError) in try file.selections(ofRows: ranges) }
        var columns = try texts(columns, columnCount, "columns")
        if try options.flag("ignore_missing_columns") == true { columns = columns.map(file.known) }
        try options.finish()
        if let rowGroups {
            guard selections == nil else { throw .invalid("row_groups and row_ranges exclude each other") }
            let count = try Int(size: rowGroupCount, "row_group_count")
            selections = (0..<count).map { RowSelection(rowGroup: Int(rowGroups[$0])) }
        }
        let reader = try file.scan(
            columns: columns, selections: selections, filter: try optionalExpression(filter), batchRowCount: size, readsAhead: usesThreads,
            operation: Operation(progress))
        try give(StreamHandle(reader), to: out)
    }
}

@_cdecl("martlet_dataset_open")
public func datasetOpen(
    _ paths: UnsafePointer<UnsafePointer<CChar>?>?, _ pathCount: Int64, _ schema: OpaquePointer?,
    _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let paths = try texts(paths, pathCount, "paths") else { throw .invalid("paths is NULL") }
        var given = try Options(options, optionCount)
        var options = Dataset.Options()
        switch given.text("partitioning") {
        case nil, "hive": break
        case "none": options.isHive = false
        case let other?: throw .notImplemented("partitioning \"\(other)\"; \"hive\" and \"none\" are supported")
        }
        if let format = given.text("format"), format != "parquet" {
            throw .notImplemented("dataset format \"\(format)\"; \"parquet\" is supported")
        }
        if let prefixes = given.text("ignore_prefixes") {
            options.ignoredPrefixes = prefixes.split(separator: ",").map(String.init)
        }
        options.memoryMap = try given.flag("memory_map") ?? false
        options.parquet = try ReadOptions(&given)
        try given.finish()
        var wanted: Schema?
        if let schema { wanted = try object(schema, SchemaHandle.self).schema() }
        try give(DatasetHandle(try Dataset(paths: paths, schema: wanted, options: options)), to: out)
    }
}

@_cdecl("martlet_dataset_schema")
public func datasetSchema(_ dataset: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(try object(dataset, DatasetHandle.self).dataset.schema), to: out)
    }
}

@_cdecl("martlet_dataset_files")
public func datasetFiles(_ dataset: OpaquePointer?, _ filter: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let files = try object(dataset, DatasetHandle.self).dataset.files(matching: try optionalExpression(filter))
        try give(ArrayHandle(try .of(files.map { $0.path })), to: out)
    }
}

@_cdecl("martlet_dataset_scan")
public func datasetScan(
    _ dataset: OpaquePointer?, _ columns: UnsafePointer<UnsafePointer<CChar>?>?, _ columnCount: Int64,
    _ filter: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ progress: UnsafePointer<martlet_progress>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        let size = try batchRowCount(&options)
        let usesThreads = try options.flag("use_threads") ?? true
        try options.finish()
        let reader = try object(dataset, DatasetHandle.self).dataset.scan(
            columns: try texts(columns, columnCount, "columns"), filter: try optionalExpression(filter),
            batchRowCount: size, readsAhead: usesThreads,
            operation: Operation(progress))
        try give(StreamHandle(reader), to: out)
    }
}

@_cdecl("martlet_dataset_release")
public func datasetRelease(_ dataset: OpaquePointer?) { release(dataset, DatasetHandle.self) }

@_cdecl("martlet_dataset_write")
public func datasetWrite(
    _ stream: OpaquePointer?, _ root: UnsafePointer<CChar>?, _ partitionColumns: UnsafePointer<UnsafePointer<CChar>?>?,
    _ partitionColumnCount: Int64, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ progress: UnsafePointer<martlet_progress>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let reader = try ArrayStreamReader(try object(stream, StreamHandle.self).stream)
        var given = try Options(options, optionCount)
        let options = try DatasetWriterOptions(&given, schema: reader.schema)
        try given.finish()
        let operation = Operation(progress)
        let writer = try DatasetWriter(
            root: try requiredText(root, "root"), schema: reader.schema,
            partitionColumns: try texts(partitionColumns, partitionColumnCount, "partition_columns") ?? [],
            options: options)
        var rows = 0
        while let batch = try reader.next() {
            try writer.write(batch)
            rows += batch.rowCount
            try operation.advance(to: rows, of: -1)
        }
        let paths = try writer.close()
        try operation.advance(to: rows, of: rows)
        if out != nil { try give(ArrayHandle(try .of(paths.map { $0 })), to: out) }
    }
}

extension DatasetWriterOptions {
    /// Takes the dataset writer's keys from the caller's options.
    init(_ options: inout Options, schema: Schema) throws(MartletError) {
        self.init()
        basenameTemplate = options.text("basename_template") ?? basenameTemplate
        if let text = options.text("existing_data_behavior") {
            guard let behavior = ExistingData(rawValue: text) else {
                let known = ExistingData.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                throw .invalid("existing_data_behavior must be one of [\(known)], not '\(text)'")
            }
            existingData = behavior
        }
        if let flavor = options.text("partitioning_flavor"), flavor != "hive" {
            throw .notImplemented("partitioning flavor \"\(flavor)\"; \"hive\" is supported")
        }
        if let format = options.text("format"), format != "parquet" {
            throw .notImplemented("dataset format \"\(format)\"; \"parquet\" is supported")
        }
        maximumPartitionCount = try options.integer("max_partitions")
        maximumRowsPerFile = try options.integer("max_rows_per_file")
        parquet = try ParquetWriterOptions(&options, schema: schema)
    }
}
