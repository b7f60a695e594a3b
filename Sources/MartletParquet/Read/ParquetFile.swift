public import MartletArrow
public import MartletBase
public import MartletIO

/// A Parquet file that is open for reading. Any thread may read from it at any time.
public final class ParquetFile: Sendable {
    public let source: any ByteSource
    public let options: ReadOptions
    /// The footer.
    public let metadata: FileMetaData
    /// Bytes of the footer's metadata in the file.
    public let metadataByteCount: Int
    public let parquetSchema: ParquetSchema
    /// The columns as Arrow types, with the file's key-value metadata.
    public let schema: Schema
    let mapping: ArrowMapping

    /// Reads the footer. Throws `invalid` when this is no Parquet file or a damaged one, `notImplemented` when its
    /// footer is encrypted.
    public convenience init(
        _ source: any ByteSource, options: ReadOptions = ReadOptions()
    ) throws(MartletError) {
        let footer = try Footer.read(from: source, maximumByteCount: options.maximumFooterByteCount)
        try self.init(source, footer, options)
    }

    /// A file of which only the footer is there: it tells of its columns and their bounds and has no row to read.
    public convenience init(metadata: FileMetaData) throws(MartletError) {
        let footer = Footer(metadata: metadata, byteCount: try metadata.encoded().count)
        try self.init(MemorySource(.empty, name: "<metadata>"), footer, ReadOptions())
    }

    private init(_ source: any ByteSource, _ footer: Footer, _ options: ReadOptions) throws(MartletError) {
        self.source = source
        self.options = options
        metadata = footer.metadata
        metadataByteCount = footer.byteCount
        do throws(MartletError) {
            parquetSchema = try ParquetSchema(elements: footer.metadata.schema)
            rowCount = try Self.checkedRowCount(footer.metadata, leafCount: parquetSchema.leaves.count)
            let stored = StoredSchema(footer.metadata, isUsed: options.usesStoredSchema)
            mapping = try ArrowMapping(
                parquetSchema, original: stored.schema, metadata: stored.metadata, options: options)
            schema = mapping.schema
        } catch { throw error.within("'\(source.name)'") }
    }

    /// Opens the file at `path`, mapped into memory or read at positions.
    public convenience init(path: String, memoryMap: Bool = true, options: ReadOptions = ReadOptions())
        throws(MartletError)
    {
        let source: any ByteSource = memoryMap ? try MappedFileSource(path: path) : try FileSource(path: path)
        try self.init(source, options: options)
    }

    /// Rows of the whole file: those of its row groups, whatever its footer says beside.
    public let rowCount: Int
    public var rowGroupCount: Int { metadata.rowGroups.count }

    /// Rows of a row group, which the caller keeps below `rowGroupCount`.
    public func rowCount(ofRowGroup index: Int) -> Int { Int(clamping: metadata.rowGroups[index].rowCount) }

    private static func checkedRowCount(_ metadata: FileMetaData, leafCount: Int) throws(MartletError) -> Int {
        var rows = 0
        for (i, group) in metadata.rowGroups.enumerated() {
            guard group.columns.count == leafCount else {
                throw .corrupt("row group \(i) has \(group.columns.count) columns, the schema has \(leafCount)")
            }
            rows = try rows.adding(checked: Int(clamping: group.rowCount))
        }
        return rows
    }

    /// Row groups to be read: all of them, or those at `indices`.
    func checkedRowGroups(_ indices: [Int]?) throws(MartletError) -> [Int] {
        guard let indices else { return Array(0..<rowGroupCount) }
        for index in indices where index < 0 || index >= rowGroupCount {
            throw .index(
                "Trying to read row group \(index) but file only has \(rowGroupCount) row groups")
        }
        return indices
    }

    /// The columns to be read, with their schema.
    func projection(_ columns: [String]?) throws(MartletError) -> ([ArrowNode], Schema) {
        guard let columns else { return (mapping.nodes, schema) }
        let nodes = try mapping.projected(columns)
        return (nodes, Schema(nodes.map(\.field), metadata: schema.metadata))
    }

    /// The schema of a read with these columns.
    public func schema(columns: [String]?) throws(MartletError) -> Schema { try projection(columns).1 }
}

/// The end of a file: metadata, its length in four bytes, and the magic `PAR1`.
struct Footer {
    let metadata: FileMetaData
    let byteCount: Int

    private static let tail = 8
    /// Read at once from the end, so that most footers need one read.
    private static let firstRead = 64 << 10

    static func read(from source: any ByteSource, maximumByteCount: Int) throws(MartletError) -> Footer {
        let size = source.byteCount
        guard size > 0 else { throw .invalid("Parquet file size is 0 bytes: '\(source.name)'") }
        guard size >= tail else {
            throw .invalid(
                "Parquet file size is \(size) bytes, smaller than the minimum file footer (8 bytes): '\(source.name)'")
        }
        let length = min(size, firstRead)
        let end = try source.read(at: size - length, count: length)
        var cursor = ByteCursor(end.bytes)
        try cursor.skip(length - tail)
        let metadataLength = Int(try cursor.read(UInt32.self))
        let magic = try cursor.read(UInt32.self)
        // "PARE" stands for a footer that is encrypted.
        if magic == 0x4552_4150 {
            throw .notImplemented(
                "'\(source.name)' has an encrypted footer; encrypted Parquet files cannot be read. "
                    + "Write it again without encryption")
        }
        guard magic == 0x3152_4150 else {
            throw .invalid(
                "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file: "
                    + "'\(source.name)'")
        }
        guard metadataLength <= size - tail, metadataLength <= maximumByteCount else {
            throw .invalid(
                "Parquet file size is \(size) bytes, smaller than the size reported by footer's "
                    + "(\(metadataLength) bytes): '\(source.name)'")
        }
        var bytes = end
        if metadataLength + tail <= length {
            bytes = try end.slice(at: length - tail - metadataLength, count: metadataLength)
        } else {
            bytes = try source.read(at: size - tail - metadataLength, count: metadataLength)
        }
        do throws(MartletError) {
            let (metadata, _) = try FileMetaData.read(from: bytes.bytes)
            return Footer(metadata: metadata, byteCount: metadataLength)
        } catch { throw error.within("footer of '\(source.name)'") }
    }
}

/// The Arrow schema that writers store beside Parquet's own, and the other key-value metadata.
struct StoredSchema {
    static let key = "ARROW:schema"

    var schema: Schema?
    var metadata = Metadata()

    init(_ file: FileMetaData, isUsed: Bool) {
        for pair in file.keyValueMetadata ?? [] {
            if pair.key.elementsEqual(Self.key.utf8) {
                if isUsed { schema = pair.value.flatMap { Self.decode($0) } }
            } else {
                metadata.pairs.append(Metadata.Pair(key: pair.key, value: pair.value ?? []))
            }
        }
        for pair in schema?.metadata.pairs ?? [] where !metadata.pairs.contains(where: { $0.key == pair.key }) {
            metadata.pairs.append(pair)
        }
    }

    /// nil when it is damaged, or of types that Martlet does not have: what Parquet itself says is then enough.
    private static func decode(_ text: [UInt8]) -> Schema? {
        guard let bytes = Base64.decode(text), let buffer = try? Buffer(bytes) else { return nil }
        // The file holds storage; names of extension types stay with the fields' metadata.
        return (try? SchemaMessage.decode(buffer.bytes))?.withExtensionsAsMetadata
    }
}
