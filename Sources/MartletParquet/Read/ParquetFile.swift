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
    let ciphers: ChunkCiphers
    /// Whether columns of the file, or its footer, are encrypted.
    public let isEncrypted: Bool
    /// What was read with the footer, and later for the indexes, from sources whose reads are dear.
    let tail: FilePart?
    let indexes = Guarded<FilePart?>(nil)

    /// Reads the footer. Throws `invalid` when this is no Parquet file or a damaged one, `notImplemented` when it is
    /// encrypted by means that are not there.
    public convenience init(
        _ source: any ByteSource, options: ReadOptions = ReadOptions()
    ) throws(MartletError) {
        let footer = try Footer.read(from: source, options)
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
        ciphers = footer.ciphers
        isEncrypted = footer.isEncrypted
        tail = footer.tail
        do throws(MartletError) {
            parquetSchema = try ParquetSchema(elements: footer.metadata.schema)
            if let limit = options.maximumSchemaDepth, parquetSchema.root.depth > limit {
                throw .corrupt("Parquet schema too deeply nested: \(parquetSchema.root.depth) levels, schema_depth_limit=\(limit)")
            }
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
        return (nodes, Schema(nodes.map(\.field), metadata: schema.metadata).withExtensionsFromMetadata)
    }

    /// Those of `columns` (names or dotted paths) that the file has, each once, in the order of the file.
    public func known(columns: [String]) -> [String] { mapping.known(columns, parquetSchema.leaves) }

    /// The schema of a read with these columns.
    public func schema(columns: [String]?) throws(MartletError) -> Schema { try projection(columns).1 }
}

/// The end of a file: metadata, its length in four bytes, and the magic `PAR1`.
struct Footer {
    let metadata: FileMetaData
    let byteCount: Int
    var ciphers = ChunkCiphers()
    var isEncrypted = false
    var tail: FilePart?

    private static let tail = 8
    /// Read at once from the end, so that most footers need one read.
    private static let firstRead = 64 << 10

    static func read(from source: any ByteSource, _ options: ReadOptions) throws(MartletError) -> Footer {
        let (bytes, isSealed, tail) = try bytes(from: source, options)
        var footer = try read(bytes, isSealed: isSealed, source, options)
        if !source.isThreadSafe { footer.tail = tail }
        return footer
    }

    private static func read(_ bytes: Buffer, isSealed: Bool, _ source: any ByteSource, _ options: ReadOptions)
        throws(MartletError) -> Footer
    {
        do throws(MartletError) {
            if isSealed {
                try checkStart(source, FileEncryption.sealedMagic)
                return try sealed(bytes, options)
            }
            let (metadata, used) = try FileMetaData.read(from: bytes, limits: options.footerLimits)
            guard metadata.isEncrypted else {
                if let given = options.decryption, !given.allowsPlaintextFiles {
                    throw MartletError(
                        .ioError, "Applying decryption properties on plaintext file: the file is not encrypted; allow it with "
                            + "allow_plaintext_files=True")
                }
                return Footer(metadata: metadata, byteCount: bytes.count)
            }
            if options.decryption != nil { try checkStart(source, ParquetWriter.magic) }
            return try signed(metadata, bytes, used, options)
        } catch { throw error.within("footer of '\(source.name)'") }
    }

    /// No byte of an encrypted file may be changed, not even these.
    private static func checkStart(_ source: any ByteSource, _ magic: [UInt8]) throws(MartletError) {
        let start = try source.read(at: 0, count: magic.count)
        guard unsafe start.bytes.withUnsafeBytes({ unsafe $0.elementsEqual(magic) }) else {
            throw .corrupt("the file does not begin with the magic bytes with which it ends")
        }
    }

    /// The footer as it lies in the file, and whether it is encrypted.
    static func bytes(from source: any ByteSource, _ options: ReadOptions)
        throws(MartletError) -> (Buffer, isSealed: Bool, tail: FilePart)
    {
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
        let isSealed = magic == 0x4552_4150
        guard isSealed || magic == 0x3152_4150 else {
            throw .invalid(
                "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file: "
                    + "'\(source.name)'")
        }
        guard metadataLength <= size - tail, metadataLength <= options.maximumFooterByteCount else {
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
        return (bytes, isSealed, FilePart(start: size - length, bytes: end))
    }

    /// An encrypted footer: in front of it stands in the clear how it is encrypted.
    static func sealed(_ bytes: Buffer, _ options: ReadOptions) throws(MartletError) -> Footer {
        let (crypto, used) = try FileCryptoMetaData.read(from: bytes.bytes)
        let decryption = try FileDecryption(
            crypto.algorithm, keyMetadata: crypto.keyMetadata, options.decryption ?? DecryptionOptions())
        guard let key = decryption.footerKey else { throw FileDecryption.noFooterKey }
        var cursor = ByteCursor(bytes.bytes)
        try cursor.skip(used)
        let length = Int(try cursor.read(UInt32.self))
        guard length == cursor.remaining else {
            throw .corrupt("an encrypted footer of \(length) bytes, \(cursor.remaining) are there")
        }
        guard let text = try key.open(try cursor.readSpan(length), aad: decryption.aad + [ModuleType.footer.rawValue]) else {
            throw ModuleCipher.wrong(.footer)
        }
        var (metadata, _) = try FileMetaData.read(from: text, limits: options.footerLimits)
        metadata.sealing = crypto
        let ciphers = decryption.open(&metadata)
        return Footer(metadata: metadata, byteCount: bytes.count, ciphers: ciphers, isEncrypted: true)
    }

    /// A footer in the clear, with nonce and tag behind it.
    private static func signed(_ metadata: FileMetaData, _ bytes: Buffer, _ used: Int, _ options: ReadOptions)
        throws(MartletError) -> Footer
    {
        // Without keys the columns in the clear can be read.
        guard let algorithm = metadata.encryptionAlgorithm, let given = options.decryption else {
            return Footer(metadata: metadata, byteCount: bytes.count, isEncrypted: true)
        }
        let decryption = try FileDecryption(algorithm, keyMetadata: metadata.footerSigningKeyMetadata, given)
        if given.checksFooterSignature, let key = decryption.footerKey {
            guard bytes.count == used + AESKey.gcmOverhead else {
                throw .corrupt("Footer signature verification failed: \(bytes.count - used) bytes behind the metadata, not 28")
            }
            let text = try bytes.slice(at: 0, count: used)
            let end = try bytes.slice(at: used, count: AESKey.gcmOverhead)
            let signature = unsafe end.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
            let tag = try key.tag(
                of: text.bytes, nonce: Array(signature[..<AESKey.nonceByteCount]),
                aad: decryption.aad + [ModuleType.footer.rawValue])
            guard tag.elementsEqual(signature[AESKey.nonceByteCount...]) else {
                throw .corrupt(
                    "Footer signature verification failed; the footer key or the AAD prefix is wrong, or the file was changed")
            }
        }
        var metadata = metadata
        let ciphers = decryption.open(&metadata)
        return Footer(metadata: metadata, byteCount: bytes.count, ciphers: ciphers, isEncrypted: true)
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
