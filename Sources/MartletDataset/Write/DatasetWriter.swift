public import MartletArrow
public import MartletBase
import MartletCompute
import MartletIO
import MartletParquet

/// Writes batches below a directory, one hive directory for each key and one file in it.
///
/// Any number of keys with few descriptors, in bounded memory. Files appear together in `close()`; after an error, an
/// `abort()` or without a `close()` none appears and nothing is left behind.
public final class DatasetWriter {
    private let root: String
    private let schema: Schema
    private let keyColumns: [Int]
    private let dataColumns: [Int]
    private let fileSchema: Schema
    private let options: DatasetWriterOptions
    private var partitions: [[PartitionSegment]: PartitionWriter] = [:]
    /// In the order in which the keys came.
    private var order: [PartitionWriter] = []
    private var isOpen = true

    /// `partitionColumns` name the keys, outer directories first.
    public init(root: String, schema: Schema, partitionColumns: [String], options: DatasetWriterOptions)
        throws(MartletError)
    {
        self.root = Path.withoutTrailingSlashes(root)
        self.schema = schema
        var keys: [Int] = []
        for name in partitionColumns {
            guard let index = try? schema.index(of: name) else {
                throw .key(
                    "partition column \"\(name)\" is not in the schema; it has \(schema.names.joined(separator: ", "))")
            }
            guard !keys.contains(index) else { throw .invalid("partition column \"\(name)\" is named twice") }
            guard isKeyType(schema.fields[index].type) else {
                throw .notImplemented("partition column \"\(name)\" is of type \(schema.fields[index].type); keys are flat values that can be read from their text again")
            }
            keys.append(index)
        }
        keyColumns = keys
        dataColumns = schema.fields.indices.filter { !keys.contains($0) }
        fileSchema = Schema(dataColumns.map { schema.fields[$0] }, metadata: schema.metadata)
        var options = try options.checked()
        if !keys.isEmpty { options.parquet.keyValueMetadata.append(DatasetSchema.key, try DatasetSchema.encode(schema)) }
        self.options = options
        if options.existingData == .error, try FileSystem.status(of: self.root)?.kind == .directory,
            try Discovery().firstFile(below: self.root) != nil
        {
            throw .invalid(
                "Could not write to \(self.root) as the directory is not empty and existing_data_behavior is to error")
        }
    }

    deinit { abort() }

    /// Adds the rows of `batch` to their partitions.
    public func write(_ batch: RecordBatch) throws(MartletError) {
        guard isOpen else { throw .invalid("the dataset writer is closed") }
        do throws(MartletError) {
            guard batch.schema.isSame(as: schema) else {
                throw .invalid("batch schema \(batch.schema.names) differs from the dataset's \(schema.names)")
            }
            if keyColumns.isEmpty {
                try partition([]).append(batch)
            } else if batch.rowCount > 0 {
                try distribute(batch)
            }
            try holdMemoryLimit()
        } catch {
            abort()
            throw error
        }
    }

    /// Groups the rows once, then takes each group's rows, column by column, on all cores.
    private func distribute(_ batch: RecordBatch) throws(MartletError) {
        let keys = keyColumns.map { batch.columns[$0] }
        let grouping = try Grouping(keys: keys)
        let data = RecordBatch(
            unchecked: fileSchema, columns: dataColumns.map { batch.columns[$0] }, rowCount: batch.rowCount)
        var targets: [PartitionWriter] = []
        for row in grouping.firstRows {
            var segments: [PartitionSegment] = []
            for (key, column) in zip(keys, keyColumns) {
                let name = schema.fields[column].name
                let text = try adding(context: "partition key \"\(name)\"") { () throws(MartletError) in try keyText(key, at: row) }
                segments.append(PartitionSegment(key: name, value: text))
            }
            targets.append(try partition(segments))
        }
        if grouping.groupCount == 1 { return targets[0].append(data) }
        let (rows, starts) = try grouping.partition()
        // One gather for each column in the groups' order; each partition then holds a slice of it.
        let order = ArrayData(type: .int32, count: batch.rowCount, nullCount: 0, buffers: [rows])
        let sorted = try take(data, rows: try Rows(indices: order, rowCount: batch.rowCount))
        for (group, target) in targets.enumerated() {
            target.append(try sorted.slice(at: starts[group], count: starts[group + 1] - starts[group]))
        }
    }

    private func partition(_ segments: [PartitionSegment]) throws(MartletError) -> PartitionWriter {
        if let known = partitions[segments] { return known }
        if let limit = options.maximumPartitionCount, partitions.count >= limit {
            throw .invalid(
                "Fragment would be written into \(partitions.count + 1) partitions. This exceeds the maximum of \(limit); raise max_partitions")
        }
        let directory = segments.reduce(root) { Path.join($0, HivePath.encode($1)) }
        let writer = PartitionWriter(directory: directory, schema: fileSchema, options: options)
        partitions[segments] = writer
        order.append(writer)
        return writer
    }

    /// Writes out the partitions that hold most, until half of the limit is free.
    private func holdMemoryLimit() throws(MartletError) {
        var held = order.reduce(0) { $0 + $1.waitingByteCount }
        guard held > options.memoryLimit else { return }
        var largest: [PartitionWriter] = []
        for writer in order.sorted(by: { $0.waitingByteCount > $1.waitingByteCount }) {
            if held <= options.memoryLimit / 2 { break }
            held -= writer.waitingByteCount
            largest.append(writer)
        }
        let flushed = largest
        try WorkerPool.forEach(flushed.count) { i throws(MartletError) in try flushed[i].flush() }
    }

    /// Ends all files and commits them together; the paths, in the order in which the keys came.
    public func close() throws(MartletError) -> [String] {
        guard isOpen else { return [] }
        defer { abort() }
        let writers = order.sorted { $0.waitingByteCount > $1.waitingByteCount }
        try WorkerPool.forEach(writers.count) { i throws(MartletError) in
            try writers[i].close()
        }
        let files = order.flatMap(\.files)
        let paths = files.map(\.name)
        let replaced = options.existingData == .deleteMatching ? try existingFiles(besides: paths) : []
        try AtomicFileSink.commitAll(files)
        for path in replaced { try FileSystem.removeFile(path) }
        isOpen = false
        return paths
    }

    /// What the partitions that were written to held before.
    private func existingFiles(besides paths: [String]) throws(MartletError) -> [String] {
        let new = Set(paths)
        var found: [String] = []
        for writer in order {
            for file in try Discovery().files(below: writer.directory) where !new.contains(file.path) {
                found.append(file.path)
            }
        }
        return found
    }

    /// Gives up what was not committed.
    public func abort() {
        isOpen = false
        for writer in order { writer.abort() }
        order = []
        partitions = [:]
    }
}
