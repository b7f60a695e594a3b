package import MartletBase

/// How the modules of a file are encrypted (parquet.thrift `EncryptionAlgorithm`).
public struct EncryptionAlgorithm: Sendable, Hashable {
    /// Whether pages are under CTR, which is not authenticated (AES_GCM_CTR_V1); else everything is under GCM.
    public var usesCounterForPages: Bool
    public var aadPrefix: [UInt8]?
    public var aadFileUnique: [UInt8]?
    /// Whether there is a prefix that readers must know.
    public var needsAADPrefix = false
    /// Whether the algorithm is one of the two that are known here.
    var isKnown = true

    public init(usesCounterForPages: Bool) { self.usesCounterForPages = usesCounterForPages }
}

extension EncryptionAlgorithm: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        self.init(usesCounterForPages: false)
        isKnown = false
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1, 2:
                let body: AlgorithmBody = try reader.value(field)
                self = body.algorithm
                usesCounterForPages = field.id == 2
            default: try reader.skip(field)
            }
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.value(usesCounterForPages ? 2 : 1, AlgorithmBody(algorithm: self))
    }
}

/// `AesGcmV1` and `AesGcmCtrV1`, which have the same fields.
private struct AlgorithmBody: ThriftStruct {
    var algorithm = EncryptionAlgorithm(usesCounterForPages: false)

    init(algorithm: EncryptionAlgorithm) { self.algorithm = algorithm }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: algorithm.aadPrefix = try reader.bytes(field)
            case 2: algorithm.aadFileUnique = try reader.bytes(field)
            case 3: algorithm.needsAADPrefix = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.bytes(1, algorithm.aadPrefix)
        try writer.bytes(2, algorithm.aadFileUnique)
        try writer.bool(3, algorithm.needsAADPrefix ? true : nil)
    }
}

/// What stands before an encrypted footer (parquet.thrift `FileCryptoMetaData`).
struct FileCryptoMetaData: ThriftStruct, Sendable, Hashable {
    var algorithm: EncryptionAlgorithm
    var keyMetadata: [UInt8]?

    init(algorithm: EncryptionAlgorithm, keyMetadata: [UInt8]?) {
        self.algorithm = algorithm
        self.keyMetadata = keyMetadata
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: EncryptionAlgorithm?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found = try reader.value(field)
            case 2: keyMetadata = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }
        algorithm = try reader.require(found, "FileCryptoMetaData.encryption_algorithm")
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.value(1, algorithm)
        try writer.bytes(2, keyMetadata)
    }
}

/// By which key a column is encrypted (parquet.thrift `ColumnCryptoMetaData`).
public enum ColumnCryptoMetaData: Sendable, Hashable {
    case footerKey
    case columnKey(path: [String], keyMetadata: [UInt8]?)
}

extension ColumnCryptoMetaData: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var found: ColumnCryptoMetaData?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1:
                found = .footerKey
                try reader.skip(field)
            case 2:
                let key: ColumnKeyBody = try reader.value(field)
                found = .columnKey(path: key.path, keyMetadata: key.keyMetadata)
            default: try reader.skip(field)
            }
        }
        self = try reader.require(found, "ColumnCryptoMetaData")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        switch self {
        case .footerKey: try writer.value(1, ThriftEmpty())
        case .columnKey(let path, let keyMetadata):
            try writer.value(2, ColumnKeyBody(path: path, keyMetadata: keyMetadata))
        }
    }
}

/// `EncryptionWithColumnKey`.
private struct ColumnKeyBody: ThriftStruct {
    var path: [String] = []
    var keyMetadata: [UInt8]?

    init(path: [String], keyMetadata: [UInt8]?) {
        self.path = path
        self.keyMetadata = keyMetadata
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: path = try reader.strings(field)
            case 2: keyMetadata = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.strings(1, path)
        try writer.bytes(2, keyMetadata)
    }
}
