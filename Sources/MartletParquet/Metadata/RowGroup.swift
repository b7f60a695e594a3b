package import MartletBase

/// The column chunks of a range of rows (parquet.thrift `RowGroup`).
public struct RowGroup: Sendable, Hashable {
    /// One for each leaf of the schema, in its order.
    public var columns: ColumnChunkList
    /// Bytes of the uncompressed pages of all columns.
    public var totalByteSize: Int64
    public var rowCount: Int64
    public var sortingColumns: [SortingColumn]?
    public var fileOffset: Int64?
    public var totalCompressedSize: Int64?
    public var ordinal: Int16?

    public init(columns: [ColumnChunk], totalByteSize: Int64, rowCount: Int64) {
        self.columns = ColumnChunkList(columns)
        self.totalByteSize = totalByteSize
        self.rowCount = rowCount
    }
}

extension RowGroup: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (columns: ColumnChunkList?, bytes: Int64?, rows: Int64?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.columns = try reader.columnChunks(field)
            case 2: found.bytes = try reader.int64(field)
            case 3: found.rows = try reader.int64(field)
            case 4: sortingColumns = try reader.structs(field)
            case 5: fileOffset = try reader.int64(field)
            case 6: totalCompressedSize = try reader.int64(field)
            case 7: ordinal = try reader.int16(field)
            default: try reader.skip(field)
            }
        }
        columns = try reader.require(found.columns, "RowGroup.columns")
        totalByteSize = try reader.require(found.bytes, "RowGroup.total_byte_size")
        rowCount = try reader.require(found.rows, "RowGroup.num_rows")
        guard rowCount >= 0 else { throw reader.corrupt("a row group of \(rowCount) rows") }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.structs(1, Array(columns))
        try writer.int64(2, totalByteSize)
        try writer.int64(3, rowCount)
        try writer.structs(4, sortingColumns)
        try writer.int64(5, fileOffset)
        try writer.int64(6, totalCompressedSize)
        try writer.int16(7, ordinal)
    }
}

/// A column by which the rows of a row group are sorted (parquet.thrift `SortingColumn`).
public struct SortingColumn: Sendable, Hashable {
    /// The leaf's position in the schema.
    public var columnIndex: Int32
    public var isDescending: Bool
    public var nullsFirst: Bool

    public init(columnIndex: Int32, isDescending: Bool = false, nullsFirst: Bool = false) {
        self.columnIndex = columnIndex
        self.isDescending = isDescending
        self.nullsFirst = nullsFirst
    }
}

extension SortingColumn: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (index: Int32?, descending: Bool?, first: Bool?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.index = try reader.int32(field)
            case 2: found.descending = try reader.bool(field)
            case 3: found.first = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        columnIndex = try reader.require(found.index, "SortingColumn.column_idx")
        isDescending = try reader.require(found.descending, "SortingColumn.descending")
        nullsFirst = try reader.require(found.first, "SortingColumn.nulls_first")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, columnIndex)
        try writer.bool(2, isDescending)
        try writer.bool(3, nullsFirst)
    }
}

/// The part of a column in a row group (parquet.thrift `ColumnChunk`).
public struct ColumnChunk: Sendable, Hashable {
    public var filePath: String?
    public var fileOffset: Int64
    public var metadata: ColumnMetaData?
    /// Where the offset index and the column index lie in the file.
    public var offsetIndexOffset: Int64?
    public var offsetIndexLength: Int32?
    public var columnIndexOffset: Int64?
    public var columnIndexLength: Int32?
    /// By which key pages and indexes are encrypted; nil: in the clear.
    public var cryptoMetadata: ColumnCryptoMetaData?
    /// The chunk's metadata as an encrypted module.
    public var encryptedMetadata: [UInt8]?
    public var isEncrypted: Bool { cryptoMetadata != nil }
    /// Why the chunk could not be decoded.
    var failure: String?

    init(failure: String) {
        fileOffset = 0
        self.failure = failure
    }

    public init(metadata: ColumnMetaData, fileOffset: Int64 = 0) {
        self.metadata = metadata
        self.fileOffset = fileOffset
    }
}

extension ColumnChunk: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        fileOffset = 0
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: filePath = try reader.string(field)
            case 2: fileOffset = try reader.int64(field)
            case 3: metadata = try reader.value(field)
            case 4: offsetIndexOffset = try reader.int64(field)
            case 5: offsetIndexLength = try reader.int32(field)
            case 6: columnIndexOffset = try reader.int64(field)
            case 7: columnIndexLength = try reader.int32(field)
            case 8: cryptoMetadata = try reader.value(field)
            case 9: encryptedMetadata = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.string(1, filePath)
        try writer.int64(2, fileOffset)
        try writer.value(3, metadata)
        try writer.int64(4, offsetIndexOffset)
        try writer.int32(5, offsetIndexLength)
        try writer.int64(6, columnIndexOffset)
        try writer.int32(7, columnIndexLength)
        try writer.value(8, cryptoMetadata)
        try writer.bytes(9, encryptedMetadata)
    }
}
