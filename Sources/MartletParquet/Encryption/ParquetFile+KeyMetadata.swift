public import MartletBase
public import MartletIO

/// What a file's writer noted of a key.
public struct KeyMetadata: Sendable, Hashable {
    /// Dotted path of the column whose key it is; nil for the footer's.
    public let path: String?
    public let bytes: [UInt8]
}

extension ParquetFile {
    /// What the writer noted of the file's keys, for those who have to find them: the footer's, and each column's as far as the
    /// footer can be read with the key in `options`.
    public static func keyMetadata(_ source: any ByteSource, options: ReadOptions = ReadOptions()) throws(MartletError)
        -> [KeyMetadata]
    {
        let (bytes, isSealed, _) = try Footer.bytes(from: source, options)
        var found: [KeyMetadata] = []
        let metadata: FileMetaData
        if isSealed {
            let (crypto, _) = try FileCryptoMetaData.read(from: bytes.bytes)
            if let key = crypto.keyMetadata { found.append(KeyMetadata(path: nil, bytes: key)) }
            guard options.decryption?.footerKey != nil else { return found }
            metadata = try Footer.sealed(bytes, options).metadata
        } else {
            metadata = try FileMetaData.read(from: bytes).0
            if let key = metadata.footerSigningKeyMetadata { found.append(KeyMetadata(path: nil, bytes: key)) }
        }
        var known: Set<KeyMetadata> = []
        for group in metadata.rowGroups {
            for chunk in group.columns {
                guard case .columnKey(let path, let key?) = chunk.cryptoMetadata else { continue }
                let one = KeyMetadata(path: path.joined(separator: "."), bytes: key)
                if known.insert(one).inserted { found.append(one) }
            }
        }
        return found
    }
}
