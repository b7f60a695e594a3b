package import MartletBase

/// Where and how a column chunk lies in the file (parquet.thrift `ColumnMetaData`).
public struct ColumnMetaData: Sendable, Hashable {
    public var physicalType: PhysicalType
    /// Those that are known here; numbers of the future are left out.
    public var encodings: [Encoding]
    public var path: [String]
    public var codec: CompressionCodec
    /// Values of the chunk, nulls included.
    public var valueCount: Int64
    /// Bytes of all pages with their headers.
    public var totalUncompressedSize: Int64
    public var totalCompressedSize: Int64
    public var keyValueMetadata: [KeyValue]?
    /// Byte positions in the file.
    public var dataPageOffset: Int64
    public var indexPageOffset: Int64?
    public var dictionaryPageOffset: Int64?
    public var statistics: Statistics?
    public var encodingStatistics: [PageEncodingStatistics]?
    public var bloomFilterOffset: Int64?
    public var bloomFilterLength: Int32?
    public var sizeStatistics: SizeStatistics?
    public var geospatialStatistics: GeospatialStatistics?

    public init(
        physicalType: PhysicalType, encodings: [Encoding], path: [String], codec: CompressionCodec, valueCount: Int64,
        totalUncompressedSize: Int64, totalCompressedSize: Int64, dataPageOffset: Int64
    ) {
        self.physicalType = physicalType
        self.encodings = encodings
        self.path = path
        self.codec = codec
        self.valueCount = valueCount
        self.totalUncompressedSize = totalUncompressedSize
        self.totalCompressedSize = totalCompressedSize
        self.dataPageOffset = dataPageOffset
    }
}

extension ColumnMetaData: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var type: PhysicalType?
        var sizes: (values: Int64?, uncompressed: Int64?, compressed: Int64?, dataPage: Int64?)
        var codec: Int32?
        path = []
        encodings = []
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1:
                let number = try reader.int32(field)
                type = PhysicalType(rawValue: number)
                if type == nil { throw reader.corrupt("unknown physical type \(number)") }
            case 2: encodings = try reader.int32s(field).compactMap { Encoding(rawValue: $0) }
            case 3: path = try reader.strings(field)
            case 4: codec = try reader.int32(field)
            case 5: sizes.values = try reader.int64(field)
            case 6: sizes.uncompressed = try reader.int64(field)
            case 7: sizes.compressed = try reader.int64(field)
            case 8: keyValueMetadata = try reader.structs(field)
            case 9: sizes.dataPage = try reader.int64(field)
            case 10: indexPageOffset = try reader.int64(field)
            case 11: dictionaryPageOffset = try reader.int64(field)
            case 12: statistics = try reader.value(field)
            case 13: encodingStatistics = try reader.structs(field)
            case 14 where field.type == .int64: bloomFilterOffset = try reader.int64(field)
            // Drafts of the format had other things under these numbers.
            case 15 where field.type == .int32: bloomFilterLength = try reader.int32(field)
            case 16 where field.type == .struct: sizeStatistics = try reader.value(field)
            case 17 where field.type == .struct: geospatialStatistics = try reader.value(field)
            default: try reader.skip(field)
            }
        }
        physicalType = try reader.require(type, "ColumnMetaData.type")
        self.codec = CompressionCodec(rawValue: try reader.require(codec, "ColumnMetaData.codec"))
        valueCount = try reader.require(sizes.values, "ColumnMetaData.num_values")
        totalUncompressedSize = try reader.require(sizes.uncompressed, "ColumnMetaData.total_uncompressed_size")
        totalCompressedSize = try reader.require(sizes.compressed, "ColumnMetaData.total_compressed_size")
        dataPageOffset = try reader.require(sizes.dataPage, "ColumnMetaData.data_page_offset")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, physicalType.rawValue)
        try writer.int32s(2, encodings.map(\.rawValue))
        try writer.strings(3, path)
        try writer.int32(4, codec.rawValue)
        try writer.int64(5, valueCount)
        try writer.int64(6, totalUncompressedSize)
        try writer.int64(7, totalCompressedSize)
        try writer.structs(8, keyValueMetadata)
        try writer.int64(9, dataPageOffset)
        try writer.int64(10, indexPageOffset)
        try writer.int64(11, dictionaryPageOffset)
        try writer.value(12, statistics)
        try writer.structs(13, encodingStatistics)
        try writer.int64(14, bloomFilterOffset)
        try writer.int32(15, bloomFilterLength)
        try writer.value(16, sizeStatistics)
        try writer.value(17, geospatialStatistics)
    }
}

/// How many pages of a type have an encoding (parquet.thrift `PageEncodingStats`).
public struct PageEncodingStatistics: Sendable, Hashable {
    /// The number of a `PageType`, and of an `Encoding`; those of the future are kept.
    public var pageType: Int32
    public var encoding: Int32
    public var count: Int32

    public init(pageType: PageType, encoding: Encoding, count: Int32) {
        self.pageType = pageType.rawValue
        self.encoding = encoding.rawValue
        self.count = count
    }
}

extension PageEncodingStatistics: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (type: Int32?, encoding: Int32?, count: Int32?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.type = try reader.int32(field)
            case 2: found.encoding = try reader.int32(field)
            case 3: found.count = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
        pageType = try reader.require(found.type, "PageEncodingStats.page_type")
        encoding = try reader.require(found.encoding, "PageEncodingStats.encoding")
        count = try reader.require(found.count, "PageEncodingStats.count")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, pageType)
        try writer.int32(2, encoding)
        try writer.int32(3, count)
    }
}

/// A pair of key-value metadata (parquet.thrift `KeyValue`).
public struct KeyValue: Sendable, Hashable {
    public var key: [UInt8]
    public var value: [UInt8]?

    public init(key: [UInt8], value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}

extension KeyValue: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var foundKey: [UInt8]?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: foundKey = try reader.bytes(field)
            case 2: value = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }
        key = try reader.require(foundKey, "KeyValue.key")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.bytes(1, key)
        try writer.bytes(2, value)
    }
}
