public import MartletBase
import MartletIO

/// The keys for reading an encrypted file.
public struct DecryptionOptions: Sendable {
    public var footerKey: [UInt8]?
    /// By dotted path of a leaf.
    public var columnKeys: [String: [UInt8]] = [:]
    /// Why a column's key could not be had, by its dotted path: told when the column is read.
    public var columnFailures: [String: String] = [:]
    /// Needed where it is not stored; compared where it is.
    public var aadPrefix: [UInt8]?
    /// Whether the signature of a footer in the clear must be right.
    public var checksFooterSignature = true
    /// Whether a file that is not encrypted may be read: who holds keys may not expect one.
    public var allowsPlaintextFiles = true
    /// Finds a key by what the writer noted of it, where it is not given above. Called on the thread that opens the file.
    public var keyRetriever: (@Sendable (_ keyMetadata: [UInt8]) throws(MartletError) -> [UInt8])?

    public init() {}
}

/// What is known of an encrypted file's keys.
struct FileDecryption: Sendable {
    let algorithm: EncryptionAlgorithm
    /// What begins the AAD of every module.
    let aad: [UInt8]
    let footerKey: AESKey?
    private let options: DecryptionOptions

    init(_ algorithm: EncryptionAlgorithm, keyMetadata: [UInt8]?, _ options: DecryptionOptions) throws(MartletError) {
        guard algorithm.isKnown else { throw .notImplemented("the file is encrypted by an unknown algorithm") }
        self.algorithm = algorithm
        self.options = options
        if let stored = algorithm.aadPrefix, let given = options.aadPrefix, stored != given {
            throw MartletError(.ioError, "AAD Prefix in file and in properties is not the same")
        }
        if algorithm.needsAADPrefix, options.aadPrefix == nil {
            throw MartletError(
                .ioError,
                "AAD prefix used for file encryption, but not stored in file and not supplied in decryption properties")
        }
        if !algorithm.needsAADPrefix, algorithm.aadPrefix == nil, options.aadPrefix != nil {
            throw MartletError(.ioError, "AAD Prefix set in decryption properties, but was not used for file encryption")
        }
        guard let unique = algorithm.aadFileUnique else {
            throw .corrupt("an encrypted file without its unique number")
        }
        aad = (algorithm.aadPrefix ?? options.aadPrefix ?? []) + unique
        if let key = options.footerKey {
            footerKey = try AESKey(key)
        } else if let retriever = options.keyRetriever, let keyMetadata {
            footerKey = try AESKey(try retriever(keyMetadata))
        } else {
            footerKey = nil
        }
    }

    private func key(_ crypto: ColumnCryptoMetaData) throws(MartletError) -> AESKey {
        switch crypto {
        case .footerKey:
            guard let footerKey else { throw Self.noFooterKey }
            return footerKey
        case .columnKey(let path, let keyMetadata):
            let name = path.joined(separator: ".")
            if let key = options.columnKeys[name] ?? options.columnKeys[path.first ?? ""] { return try AESKey(key) }
            if let retriever = options.keyRetriever, let keyMetadata { return try AESKey(try retriever(keyMetadata)) }
            if let reason = options.columnFailures[name] { throw .invalid("HiddenColumnException, path=\(name): \(reason)") }
            throw MartletError(
                .ioError, "HiddenColumnException, path=\(name): the column is encrypted and its key was not given")
        }
    }

    static var noFooterKey: MartletError {
        MartletError(
            .ioError,
            "Could not read encrypted metadata, no decryption found in reader's properties: the file is encrypted and its "
                + "footer key was not given")
    }

    func cipher(_ crypto: ColumnCryptoMetaData, rowGroup: Int, column: Int) throws(MartletError) -> ModuleCipher {
        guard let rowGroup = Int16(exactly: rowGroup), let column = Int16(exactly: column) else {
            throw .corrupt("Encrypted Parquet files can't have more than 32767 row groups or columns")
        }
        return ModuleCipher(
            key: try key(crypto), usesCounterForPages: algorithm.usesCounterForPages, aad: aad, rowGroup: rowGroup,
            column: column)
    }

    /// The ciphers of all encrypted chunks, by row group and column, and the metadata that was hidden, put in its place. Chunks
    /// without a key stay as they are and say so when they are read.
    func open(_ metadata: inout FileMetaData) -> ChunkCiphers {
        var ciphers = ChunkCiphers()
        for group in metadata.rowGroups.indices {
            var chunks = Array(metadata.rowGroups[group].columns)
            let ordinal = metadata.rowGroups[group].ordinal.map { Int($0) } ?? group
            for column in chunks.indices {
                guard let crypto = chunks[column].cryptoMetadata else { continue }
                do throws(MartletError) {
                    let cipher = try cipher(crypto, rowGroup: ordinal, column: column)
                    if let hidden = chunks[column].encryptedMetadata {
                        let bytes = try Buffer(hidden)
                        let (text, _) = try cipher.open(.columnMetaData, bytes)
                        chunks[column].metadata = try ColumnMetaData.read(from: text.bytes).0
                    }
                    ciphers.chunks[ChunkPlace(rowGroup: group, column: column)] = cipher
                } catch {
                    ciphers.failures[ChunkPlace(rowGroup: group, column: column)] = error
                    if chunks[column].encryptedMetadata != nil { chunks[column].metadata = nil }
                }
            }
            metadata.rowGroups[group].columns = ColumnChunkList(chunks)
        }
        return ciphers
    }
}

struct ChunkPlace: Sendable, Hashable {
    let rowGroup: Int
    let column: Int
}

/// The ciphers of a file's encrypted chunks, and why others have none.
struct ChunkCiphers: Sendable {
    var chunks: [ChunkPlace: ModuleCipher] = [:]
    var failures: [ChunkPlace: MartletError] = [:]
}

extension ParquetFile {
    /// The cipher of a column chunk; nil where it is in the clear. Throws where its key is not known.
    func cipher(rowGroup: Int, leaf: Int) throws(MartletError) -> ModuleCipher? {
        guard isEncrypted else { return nil }
        let place = ChunkPlace(rowGroup: rowGroup, column: leaf)
        if let cipher = ciphers.chunks[place] { return cipher }
        let name = parquetSchema.leaves.indices.contains(leaf) ? parquetSchema.leaves[leaf].dottedPath : "\(leaf)"
        if let failure = ciphers.failures[place] {
            throw failure.within("Column '\(name)' of row group \(rowGroup) in '\(source.name)'")
        }
        guard metadata.rowGroups[rowGroup].columns[leaf].isEncrypted else { return nil }
        throw MartletError(
            .ioError,
            "Column '\(name)' in '\(source.name)' is encrypted and no keys were given: pass decryption properties")
    }
}
