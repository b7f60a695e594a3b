package import MartletBase

/// The footer (parquet.thrift `FileMetaData`).
public struct FileMetaData: Sendable, Hashable {
    public var version: Int32
    /// The schema's nodes, depth first; the first is the root.
    public var schema: [SchemaElement]
    public var rowCount: Int64
    public var rowGroups: [RowGroup]
    public var keyValueMetadata: [KeyValue]?
    public var createdBy: String?
    /// One for each leaf; nil means that `minValue` and `maxValue` have no defined order.
    public var columnOrders: [ColumnOrder]?
    /// How columns are encrypted where the footer is in the clear and signed.
    public var encryptionAlgorithm: EncryptionAlgorithm?
    /// What the writer noted of the key that signs the footer.
    public var footerSigningKeyMetadata: [UInt8]?
    /// What stood before the footer where that was encrypted; not part of the footer.
    var sealing: FileCryptoMetaData?
    /// Whether the footer is plain but columns are encrypted.
    public var isEncrypted: Bool { encryptionAlgorithm != nil }

    public init(
        version: Int32 = 2, schema: [SchemaElement], rowCount: Int64, rowGroups: [RowGroup],
        keyValueMetadata: [KeyValue]? = nil, createdBy: String? = nil, columnOrders: [ColumnOrder]? = nil
    ) {
        self.version = version
        self.schema = schema
        self.rowCount = rowCount
        self.rowGroups = rowGroups
        self.keyValueMetadata = keyValueMetadata
        self.createdBy = createdBy
        self.columnOrders = columnOrders
    }
}

extension FileMetaData: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (version: Int32?, schema: [SchemaElement]?, rows: Int64?, groups: [RowGroup]?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.version = try reader.int32(field)
            case 2: found.schema = try reader.structs(field)
            case 3: found.rows = try reader.int64(field)
            case 4: found.groups = try reader.structs(field)
            case 5: keyValueMetadata = try reader.structs(field)
            case 6: createdBy = try reader.string(field)
            case 7: columnOrders = try reader.structs(field)
            case 8: encryptionAlgorithm = try reader.value(field)
            case 9: footerSigningKeyMetadata = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }
        version = try reader.require(found.version, "FileMetaData.version")
        schema = try reader.require(found.schema, "FileMetaData.schema")
        rowCount = try reader.require(found.rows, "FileMetaData.num_rows")
        rowGroups = try reader.require(found.groups, "FileMetaData.row_groups")
        guard rowCount >= 0 else { throw reader.corrupt("a file of \(rowCount) rows") }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, version)
        try writer.structs(2, schema)
        try writer.int64(3, rowCount)
        try writer.structs(4, rowGroups)
        try writer.structs(5, keyValueMetadata)
        try writer.string(6, createdBy)
        try writer.structs(7, columnOrders)
        try writer.value(8, encryptionAlgorithm)
        try writer.bytes(9, footerSigningKeyMetadata)
    }
}

/// By which order bounds were found (parquet.thrift `ColumnOrder`).
public enum ColumnOrder: Sendable, Hashable {
    /// The order of the logical or physical type.
    case typeDefined
    /// IEEE 754 total order, for floating point.
    case ieee754Total
    /// INT96 by time.
    case int96Timestamp
    /// An order of the future: bounds mean nothing here.
    case unrecognized
}

extension ColumnOrder: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        self = .unrecognized
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: self = .typeDefined
            case 2: self = .ieee754Total
            case 3: self = .int96Timestamp
            default: break
            }
            try reader.skip(field)
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        switch self {
        case .typeDefined: try writer.value(1, ThriftEmpty())
        case .ieee754Total: try writer.value(2, ThriftEmpty())
        case .int96Timestamp: try writer.value(3, ThriftEmpty())
        case .unrecognized: break
        }
    }
}
