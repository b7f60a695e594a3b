import MartletBase

/// By which keys a file is encrypted while it is written.
public struct EncryptionOptions: Sendable {
    /// A column's own key.
    public struct ColumnKey: Sendable {
        public var key: [UInt8]
        /// What readers are told of the key, to find it.
        public var keyMetadata: [UInt8]?

        public init(key: [UInt8], keyMetadata: [UInt8]? = nil) {
            self.key = key
            self.keyMetadata = keyMetadata
        }
    }

    /// Encrypts the footer, or signs it.
    public var footerKey: [UInt8]
    public var footerKeyMetadata: [UInt8]?
    /// By dotted path of a leaf, or of a column for all leaves below. Empty: the footer's key is for all columns; else columns
    /// that are not named stay in the clear.
    public var columnKeys: [String: ColumnKey] = [:]
    /// Whether pages are encrypted by AES-CTR, which is faster on machines without AES and notices no change of pages.
    public var usesCounterForPages = false
    /// Whether the footer stays in the clear, signed: readers without keys see the schema and the columns in the clear.
    public var leavesFooterPlain = false
    /// Names the file, so that no other can stand in for it.
    public var aadPrefix: [UInt8]?
    /// Whether the prefix is kept in the file; else readers must know it.
    public var storesAADPrefix = true

    public init(footerKey: [UInt8]) { self.footerKey = footerKey }
}

/// A file's keys and its number while it is written.
struct FileEncryption: Sendable {
    private struct Leaf: Sendable {
        let key: AESKey
        let crypto: ColumnCryptoMetaData
    }
    private let options: EncryptionOptions
    private let algorithm: EncryptionAlgorithm
    private let aad: [UInt8]
    private let footerKey: AESKey
    private let leaves: [Leaf?]

    static let sealedMagic: [UInt8] = Array("PARE".utf8)
    var magic: [UInt8] { options.leavesFooterPlain ? ParquetWriter.magic : Self.sealedMagic }

    /// Throws for keys that are none, for columns that are not there, and where libcrypto is missing.
    ///
    /// `existing`: the footer of an encrypted file that is appended to, opened with these keys. A file has one number, one
    /// algorithm and one footer key, and readers look for one key of a column: all must be those of the file.
    init(
        _ options: EncryptionOptions, _ schema: ParquetSchema, appendingTo existing: FileMetaData? = nil
    ) throws(MartletError) {
        var options = options
        _ = try LibCrypto.shared()
        footerKey = try AESKey(options.footerKey)
        if let existing {
            algorithm = try existing.algorithm(appendingWith: options)
            options.footerKeyMetadata =
                options.footerKeyMetadata ?? existing.sealing?.keyMetadata ?? existing.footerSigningKeyMetadata
            aad = (algorithm.aadPrefix ?? options.aadPrefix ?? []) + (algorithm.aadFileUnique ?? [])
            leaves = try Self.leaves(options, schema, footerKey)
            self.options = options
            try check(existing, schema)
            return
        }
        self.options = options
        var algorithm = EncryptionAlgorithm(usesCounterForPages: options.usesCounterForPages)
        let unique = try AESKey.randomBytes(8)
        algorithm.aadFileUnique = unique
        if let prefix = options.aadPrefix, !prefix.isEmpty {
            algorithm.aadPrefix = options.storesAADPrefix ? prefix : nil
            algorithm.needsAADPrefix = !options.storesAADPrefix
        }
        self.algorithm = algorithm
        aad = (options.aadPrefix ?? []) + unique
        leaves = try Self.leaves(options, schema, footerKey)
    }

    private static func leaves(
        _ options: EncryptionOptions, _ schema: ParquetSchema, _ footerKey: AESKey
    ) throws(MartletError) -> [Leaf?] {
        var leaves: [Leaf?] = []
        var used: Set<String> = []
        for leaf in schema.leaves {
            guard !options.columnKeys.isEmpty else {
                leaves.append(Leaf(key: footerKey, crypto: .footerKey))
                continue
            }
            var found: Leaf?
            var path = ""
            for name in leaf.path {
                path += path.isEmpty ? name : "." + name
                guard let own = options.columnKeys[path] else { continue }
                used.insert(path)
                found = Leaf(
                    key: try AESKey(own.key), crypto: .columnKey(path: leaf.path, keyMetadata: own.keyMetadata))
            }
            leaves.append(found)
        }
        if let missing = options.columnKeys.keys.sorted().first(where: { !used.contains($0) }) {
            throw .invalid("Encrypted column \(missing) not in file schema")
        }
        return leaves
    }

    /// Whether the row groups that are there are encrypted as those will be that follow.
    private func check(_ existing: FileMetaData, _ schema: ParquetSchema) throws(MartletError) {
        for (index, group) in existing.rowGroups.enumerated() {
            guard group.ordinal.map({ Int($0) == index }) ?? true else {
                throw .notImplemented(
                    "row group \(index) of the encrypted file has the number \(group.ordinal ?? 0), which is bound into its "
                        + "pages; it cannot be appended to: write a new file")
            }
            for (leaf, chunk) in group.columns.enumerated() where leaf < leaves.count {
                let isSame: Bool =
                    switch (chunk.cryptoMetadata, leaves[leaf]?.crypto) {
                    case (nil, nil), (.footerKey?, .footerKey?): true
                    // Its metadata could be opened with the key.
                    case (.columnKey?, .columnKey?): chunk.encryptedMetadata == nil || chunk.metadata != nil
                    case (_, _): false
                    }
                guard isSame else {
                    throw .invalid(
                        "column '\(schema.leaves[leaf].dottedPath)' of row group \(index) is encrypted with another key, or only "
                            + "one of it and what follows is encrypted; readers look for one key of a column: append with the "
                            + "keys of the file")
                }
            }
        }
    }

    /// The cipher of a column chunk; nil where it stays in the clear.
    func cipher(rowGroup: Int, leaf: Int) throws(MartletError) -> ModuleCipher? {
        guard let own = leaves[leaf] else { return nil }
        guard let group = Int16(exactly: rowGroup), let column = Int16(exactly: leaf) else {
            throw .capacity(
                "Encrypted Parquet files can't have more than 32767 row groups or columns: row group \(rowGroup), column \(leaf)"
            )
        }
        return ModuleCipher(
            key: own.key, usesCounterForPages: options.usesCounterForPages, aad: aad, rowGroup: group, column: column)
    }

    /// The end of the file: the footer, sealed or signed, its length and the magic.
    func footer(_ file: FileMetaData) throws(MartletError) -> [Buffer] {
        var file = file
        for group in file.rowGroups.indices {
            var chunks = Array(file.rowGroups[group].columns)
            for leaf in chunks.indices { try hide(&chunks[leaf], rowGroup: group, leaf: leaf) }
            file.rowGroups[group].columns = ColumnChunkList(chunks)
        }
        let module = aad + [ModuleType.footer.rawValue]
        var parts: [Buffer]
        if options.leavesFooterPlain {
            file.encryptionAlgorithm = algorithm
            file.footerSigningKeyMetadata = options.footerKeyMetadata
            let text = try file.encoded()
            let nonce = try AESKey.nonce()
            let tag = try footerKey.tag(of: text.bytes, nonce: nonce, aad: module)
            parts = [text, try Buffer(nonce + tag)]
        } else {
            let crypto = FileCryptoMetaData(algorithm: algorithm, keyMetadata: options.footerKeyMetadata)
            let text = try file.encoded()
            parts = [try crypto.encoded(), try footerKey.seal(text.bytes, aad: module)]
        }
        let count = parts.reduce(0) { $0 + $1.count }
        guard let length = UInt32(exactly: count), length < UInt32(Int32.max) else {
            throw .capacity("a footer of \(count) bytes is longer than Parquet's limit of 2 GiB: use fewer row groups")
        }
        parts += [try Buffer([length.littleEndian]), try Buffer(magic)]
        return parts
    }

    /// Seals a chunk's metadata, unless the footer does that with the same key.
    private func hide(_ chunk: inout ColumnChunk, rowGroup: Int, leaf: Int) throws(MartletError) {
        if chunk.encryptedMetadata != nil {
            // Of a file that is appended to: sealed as it was, and opened beside.
            chunk.metadata = options.leavesFooterPlain ? chunk.metadata.map(Self.seen) : nil
            return
        }
        guard let own = leaves[leaf], let cipher = try cipher(rowGroup: rowGroup, leaf: leaf),
            let metadata = chunk.metadata
        else { return }
        chunk.cryptoMetadata = own.crypto
        if own.crypto == .footerKey && !options.leavesFooterPlain { return }
        let sealed = try cipher.seal(.columnMetaData, try metadata.encoded())
        chunk.encryptedMetadata = unsafe sealed.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        if options.leavesFooterPlain {
            chunk.metadata = Self.seen(metadata)
        } else {
            chunk.metadata = nil
        }
    }

    /// Old readers want to see something, and are told nothing of the values.
    private static func seen(_ metadata: ColumnMetaData) -> ColumnMetaData {
        var seen = metadata
        seen.statistics = nil
        seen.encodingStatistics = nil
        seen.sizeStatistics = nil
        return seen
    }
}

extension FileMetaData {
    /// How the file is encrypted, if row groups encrypted with `options` can follow.
    fileprivate func algorithm(appendingWith options: EncryptionOptions) throws(MartletError) -> EncryptionAlgorithm {
        guard let algorithm = sealing?.algorithm ?? encryptionAlgorithm else {
            throw .invalid("the file is not encrypted, so that nothing encrypted can follow")
        }
        guard options.leavesFooterPlain == (sealing == nil) else {
            throw .invalid(
                "the file's footer is \(sealing == nil ? "plain and signed" : "encrypted"): append with plaintext_footer="
                    + (sealing == nil ? "True" : "False"))
        }
        guard options.usesCounterForPages == algorithm.usesCounterForPages else {
            throw .invalid(
                "the file is encrypted by AES_GCM\(algorithm.usesCounterForPages ? "_CTR" : "")_V1, which holds for all of it: "
                    + "append with this encryption_algorithm")
        }
        return algorithm
    }
}

extension EncryptionOptions {
    /// The same keys for reading.
    public var decryption: DecryptionOptions {
        var result = DecryptionOptions()
        result.footerKey = footerKey
        result.columnKeys = columnKeys.mapValues(\.key)
        result.aadPrefix = aadPrefix
        return result
    }
}
