public import MartletArrow
public import MartletBase
public import MartletCompute
import MartletIO
public import MartletParquet

/// Parquet files that are read as one table: a file, a directory tree with hive partitions, or a list of files.
public final class Dataset: Sendable {
    public struct Options: Sendable {
        /// Whether `key=value` directories are columns.
        public var isHive = true
        /// Files and directories whose names begin with these are passed over.
        public var ignoredPrefixes = [".", "_"]
        public var memoryMap = false
        public var parquet = ReadOptions()
        public init() {}
    }

    /// What batches have: the columns of the files and the keys.
    public let schema: Schema
    private let keys: [Field]
    private let origin: Origin
    private let options: Options
    private let discovery: Discovery

    private enum Origin: Sendable {
        case directory(String)
        case files([DatasetFile])
    }

    /// Opens a directory or files. `schema` (nil: that of the first file, with the keys) is what batches will have: missing columns
    /// are null, others are cast.
    public init(paths: [String], schema: Schema? = nil, options: Options = Options()) throws(MartletError) {
        self.options = options
        var discovery = Discovery()
        discovery.isHive = options.isHive
        discovery.ignoredPrefixes = options.ignoredPrefixes
        self.discovery = discovery

        let first: DatasetFile?
        if paths.count == 1, try FileSystem.status(of: paths[0])?.kind == .directory {
            let root = Path.withoutTrailingSlashes(paths[0])
            origin = .directory(root)
            first = try discovery.firstFile(below: root)
        } else {
            // A single file is read as it is; of several, the directories count.
            let files = paths.map {
                DatasetFile(path: $0, segments: paths.count > 1 ? discovery.segments(of: $0) : [])
            }
            origin = .files(files)
            first = files.first
        }
        guard let first else {
            guard let schema else {
                throw .invalid("no files found in '\(paths.joined(separator: ", "))'; give a schema to read it as an empty table")
            }
            self.schema = schema
            keys = []
            return
        }
        let names = first.segments.map(\.key)
        if let schema {
            // No file needs to be opened for that.
            keys = try Self.keyFields(names, schema, origin, discovery)
            self.schema = schema
            return
        }
        let file = try Self.open(first.path, options)
        let known = file.schema.metadata[DatasetSchema.key].flatMap { DatasetSchema.decode($0) }
        var fileSchema = file.schema
        fileSchema.metadata.remove(DatasetSchema.key)
        if let known, names.allSatisfy({ (try? known.index(of: $0)) != nil }) {
            keys = try names.map { name throws(MartletError) in known.fields[try known.index(of: name)] }
            self.schema = Self.restored(known, fileSchema, keys)
        } else {
            let inferred = try Self.keyFields(names, nil, origin, discovery)
            // As in pyarrow, keys come last. Files that have a key as a column tell its type and place.
            keys = inferred.map { key in fileSchema.fields.first { $0.name == key.name } ?? key }
            let added = inferred.filter { key in !fileSchema.fields.contains { $0.name == key.name } }
            self.schema = Schema(fileSchema.fields + added, metadata: fileSchema.metadata)
        }
    }

    /// The columns in the order in which they were written, keys among them, then what the file has besides.
    private static func restored(_ known: Schema, _ file: Schema, _ keys: [Field]) -> Schema {
        var fields: [Field] = []
        for field in known.fields {
            if let own = file.fields.first(where: { $0.name == field.name }) {
                fields.append(own)
            } else if keys.contains(where: { $0.name == field.name }) {
                fields.append(field)
            }
        }
        fields += file.fields.filter { own in !fields.contains { $0.name == own.name } }
        return Schema(fields, metadata: file.metadata)
    }

    /// The keys with the types that `schema` gives them, or that the texts of all directories suggest.
    private static func keyFields(_ names: [String], _ schema: Schema?, _ origin: Origin, _ discovery: Discovery)
        throws(MartletError) -> [Field]
    {
        if names.isEmpty { return [] }
        let files: [DatasetFile]
        switch origin {
        case .directory(let root): files = schema == nil ? try discovery.files(below: root) : []
        case .files(let list): files = list
        }
        return names.map { name in
            if let field = schema?.fields.first(where: { $0.name == name }) { return field }
            let texts = files.lazy.compactMap { file in file.segments.first { $0.key == name } }.map(\.value)
            return Field(name, DatasetSchema.inferredKeyType(texts))
        }
    }

    private static func open(_ path: String, _ options: Options) throws(MartletError) -> ParquetFile {
        try ParquetFile(path: path, memoryMap: options.memoryMap, options: options.parquet)
    }

    /// The files that may hold rows for which `filter` is true. Directories that cannot are not listed.
    public func files(matching filter: Expression? = nil) throws(MartletError) -> [DatasetFile] {
        func mayMatch(_ segments: [PartitionSegment]) throws(MartletError) -> Bool {
            guard let filter else { return true }
            let constants = try constants(segments)
            return filter.mayMatch { path in
                path.count == 1 ? constants[path[0]].map { ColumnBounds(constant: $0, rowCount: 1) } : nil
            }
        }
        switch origin {
        case .directory(let root):
            return try discovery.files(below: root) { (segments) throws(MartletError) in try mayMatch(segments) }
        case .files(let files):
            var kept: [DatasetFile] = []
            for file in files where try mayMatch(file.segments) { kept.append(file) }
            return kept
        }
    }

    /// The keys that directories tell, as values of their types.
    private func constants(_ segments: [PartitionSegment]) throws(MartletError) -> [String: ArrayData] {
        var values: [String: ArrayData] = [:]
        for segment in segments {
            guard let key = keys.first(where: { $0.name == segment.key }) else { continue }
            values[key.name] = try adding(context: "partition key \"\(key.name)\"") { () throws(MartletError) in
                try keyValue(segment.value, as: key.type)
            }
        }
        return values
    }

    /// Reads the rows for which `filter` is true.
    ///
    /// - Parameters:
    ///   - columns: names, in the order in which they are wanted; nil for all.
    ///   - batchRowCount: rows of a batch, at most; nil for batches as large as their files.
    ///   - readsAhead: whether the pool makes the next batch of `batchRowCount` rows while the caller is at work on one.
    public func scan(
        columns: [String]? = nil, filter: Expression? = nil, batchRowCount: Int? = nil, readsAhead: Bool = true,
        operation: Operation = .unwatched
    ) throws(MartletError) -> any RecordBatchReader {
        var output = schema
        if let columns {
            output.fields = try columns.map { name throws(MartletError) in
                // A name with dots may be a column's own.
                if schema.names.contains(name) { return schema.fields[try schema.index(of: name)] }
                return schema.fields[try schema.index(of: String(name.split(separator: ".").first ?? ""))]
            }
        }
        let bound = try filter.map { filter throws(MartletError) in try filter.bound(to: schema) }
        var tasks: [ScanTask] = []
        let (fields, options, result) = (schema, options, output)
        for file in try files(matching: filter) {
            let size = try FileSystem.status(of: file.path)?.byteCount ?? 0
            let constants = try constants(file.segments)
            let scan = { @Sendable (parquet: ParquetFile) in
                FileScan(file: parquet, output: result, fields: fields, constants: constants, filter: bound)
            }
            if batchRowCount != nil {
                // Streamed a row group at a time, so that memory stays flat.
                let parquet = try Self.open(file.path, options)
                for group in 0..<parquet.rowGroupCount {
                    tasks.append(
                        ScanTask(
                            byteCount: size / max(parquet.rowGroupCount, 1), rowCount: parquet.rowCount(ofRowGroup: group),
                            run: { () throws(MartletError) in try scan(parquet).batches([RowSelection(rowGroup: group)]) }))
                }
            } else {
                tasks.append(
                    ScanTask(
                        byteCount: size, rowCount: 0,
                        run: { () throws(MartletError) in try scan(try Self.open(file.path, options)).batches() }))
            }
        }
        let reader = ScanReader(schema: result, tasks: tasks, batchRowCount: batchRowCount, operation: operation)
        return readsAhead && batchRowCount != nil && !operation.isWatched ? ReadAheadReader(reader) : reader
    }
}
