package import MartletBase

/// What stands before each page (parquet.thrift `PageHeader`).
public struct PageHeader: Sendable, Hashable {
    /// What the page holds, with the header of that kind.
    public enum Kind: Sendable, Hashable {
        case data(DataPageHeader)
        case dataV2(DataPageHeaderV2)
        case dictionary(DictionaryPageHeader)
        case index
        /// A page type of the future, to be passed over.
        case unrecognized(Int32)
    }

    public var kind: Kind
    /// Bytes of the page without this header, before and after compression.
    public var uncompressedPageSize: Int32
    public var compressedPageSize: Int32
    /// CRC-32 of the bytes that follow the header, as they lie in the file.
    public var crc: Int32?

    public init(_ kind: Kind, uncompressedPageSize: Int32, compressedPageSize: Int32, crc: Int32? = nil) {
        self.kind = kind
        self.uncompressedPageSize = uncompressedPageSize
        self.compressedPageSize = compressedPageSize
        self.crc = crc
    }
}

/// The numbers of page types (parquet.thrift `PageType`).
public enum PageType: Int32, Sendable, Hashable {
    case data = 0
    case index = 1
    case dictionary = 2
    case dataV2 = 3
}

extension PageHeader: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var type: Int32?
        var uncompressed: Int32?
        var compressed: Int32?
        var crc: Int32?
        var data: DataPageHeader?
        var dataV2: DataPageHeaderV2?
        var dictionary: DictionaryPageHeader?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: type = try reader.int32(field)
            case 2: uncompressed = try reader.int32(field)
            case 3: compressed = try reader.int32(field)
            case 4: crc = try reader.int32(field)
            case 5: data = try reader.value(field)
            case 7: dictionary = try reader.value(field)
            case 8: dataV2 = try reader.value(field)
            default: try reader.skip(field)
            }
        }
        let number = try reader.require(type, "PageHeader.type")
        switch PageType(rawValue: number) {
        case .data: kind = .data(try reader.require(data, "PageHeader.data_page_header"))
        case .dataV2: kind = .dataV2(try reader.require(dataV2, "PageHeader.data_page_header_v2"))
        case .dictionary: kind = .dictionary(try reader.require(dictionary, "PageHeader.dictionary_page_header"))
        case .index: kind = .index
        case nil: kind = .unrecognized(number)
        }
        uncompressedPageSize = try reader.require(uncompressed, "PageHeader.uncompressed_page_size")
        compressedPageSize = try reader.require(compressed, "PageHeader.compressed_page_size")
        guard uncompressedPageSize >= 0, compressedPageSize >= 0 else {
            throw reader.corrupt("page sizes \(uncompressedPageSize) and \(compressedPageSize) below 0")
        }
        self.crc = crc
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        let type: Int32 =
            switch kind {
            case .data: PageType.data.rawValue
            case .dataV2: PageType.dataV2.rawValue
            case .dictionary: PageType.dictionary.rawValue
            case .index: PageType.index.rawValue
            case .unrecognized(let number): number
            }
        try writer.int32(1, type)
        try writer.int32(2, uncompressedPageSize)
        try writer.int32(3, compressedPageSize)
        try writer.int32(4, crc)
        switch kind {
        case .data(let header): try writer.value(5, header)
        case .dataV2(let header): try writer.value(8, header)
        case .dictionary(let header): try writer.value(7, header)
        case .index: try writer.value(6, ThriftEmpty())
        case .unrecognized: break
        }
    }
}

/// The header of a data page whose levels are compressed with the values.
public struct DataPageHeader: Sendable, Hashable {
    /// Values of the page, nulls included.
    public var valueCount: Int32
    public var encoding: Encoding
    public var definitionLevelEncoding: Encoding
    public var repetitionLevelEncoding: Encoding
    public var statistics: Statistics?

    public init(valueCount: Int32, encoding: Encoding, statistics: Statistics? = nil) {
        self.valueCount = valueCount
        self.encoding = encoding
        definitionLevelEncoding = .rle
        repetitionLevelEncoding = .rle
        self.statistics = statistics
    }
}

extension DataPageHeader: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var count: Int32?
        var encoding: Encoding?
        var definition: Encoding?
        var repetition: Encoding?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.int32(field)
            case 2: encoding = try reader.encoding(field)
            case 3: definition = try reader.encoding(field)
            case 4: repetition = try reader.encoding(field)
            case 5: statistics = try reader.value(field)
            default: try reader.skip(field)
            }
        }
        valueCount = try reader.requireCount(count, "DataPageHeader.num_values")
        self.encoding = try reader.require(encoding, "DataPageHeader.encoding")
        definitionLevelEncoding = try reader.require(definition, "DataPageHeader.definition_level_encoding")
        repetitionLevelEncoding = try reader.require(repetition, "DataPageHeader.repetition_level_encoding")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, valueCount)
        try writer.int32(2, encoding.rawValue)
        try writer.int32(3, definitionLevelEncoding.rawValue)
        try writer.int32(4, repetitionLevelEncoding.rawValue)
        try writer.value(5, statistics)
    }
}

/// The header of a data page whose levels lie uncompressed before the values.
public struct DataPageHeaderV2: Sendable, Hashable {
    /// Values of the page, nulls included.
    public var valueCount: Int32
    public var nullCount: Int32
    public var rowCount: Int32
    public var encoding: Encoding
    public var definitionLevelsByteCount: Int32
    public var repetitionLevelsByteCount: Int32
    /// nil means true.
    public var isCompressed: Bool?
    public var statistics: Statistics?

    public init(
        valueCount: Int32, nullCount: Int32, rowCount: Int32, encoding: Encoding, definitionLevelsByteCount: Int32,
        repetitionLevelsByteCount: Int32, isCompressed: Bool? = nil, statistics: Statistics? = nil
    ) {
        self.valueCount = valueCount
        self.nullCount = nullCount
        self.rowCount = rowCount
        self.encoding = encoding
        self.definitionLevelsByteCount = definitionLevelsByteCount
        self.repetitionLevelsByteCount = repetitionLevelsByteCount
        self.isCompressed = isCompressed
        self.statistics = statistics
    }
}

extension DataPageHeaderV2: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var counts: (values: Int32?, nulls: Int32?, rows: Int32?)
        var encoding: Encoding?
        var definition: Int32?
        var repetition: Int32?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: counts.values = try reader.int32(field)
            case 2: counts.nulls = try reader.int32(field)
            case 3: counts.rows = try reader.int32(field)
            case 4: encoding = try reader.encoding(field)
            case 5: definition = try reader.int32(field)
            case 6: repetition = try reader.int32(field)
            case 7: isCompressed = try reader.bool(field)
            case 8: statistics = try reader.value(field)
            default: try reader.skip(field)
            }
        }
        valueCount = try reader.requireCount(counts.values, "DataPageHeaderV2.num_values")
        nullCount = try reader.requireCount(counts.nulls, "DataPageHeaderV2.num_nulls")
        rowCount = try reader.requireCount(counts.rows, "DataPageHeaderV2.num_rows")
        self.encoding = try reader.require(encoding, "DataPageHeaderV2.encoding")
        definitionLevelsByteCount = try reader.requireCount(definition, "definition_levels_byte_length")
        repetitionLevelsByteCount = try reader.requireCount(repetition, "repetition_levels_byte_length")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, valueCount)
        try writer.int32(2, nullCount)
        try writer.int32(3, rowCount)
        try writer.int32(4, encoding.rawValue)
        try writer.int32(5, definitionLevelsByteCount)
        try writer.int32(6, repetitionLevelsByteCount)
        try writer.bool(7, isCompressed)
        try writer.value(8, statistics)
    }
}

/// The header of the page that holds the dictionary of a column chunk.
public struct DictionaryPageHeader: Sendable, Hashable {
    public var valueCount: Int32
    public var encoding: Encoding
    public var isSorted: Bool?

    public init(valueCount: Int32, encoding: Encoding = .plain, isSorted: Bool? = nil) {
        self.valueCount = valueCount
        self.encoding = encoding
        self.isSorted = isSorted
    }
}

extension DictionaryPageHeader: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var count: Int32?
        var encoding: Encoding?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.int32(field)
            case 2: encoding = try reader.encoding(field)
            case 3: isSorted = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        valueCount = try reader.requireCount(count, "DictionaryPageHeader.num_values")
        self.encoding = try reader.require(encoding, "DictionaryPageHeader.encoding")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, valueCount)
        try writer.int32(2, encoding.rawValue)
        try writer.bool(3, isSorted)
    }
}

extension ThriftReader {
    fileprivate mutating func encoding(_ field: ThriftField) throws(MartletError) -> Encoding {
        let number = try int32(field)
        guard let encoding = Encoding(rawValue: number) else {
            throw .notImplemented("Unknown encoding type \(number); a newer version may know it")
        }
        return encoding
    }

    fileprivate func requireCount(_ value: Int32?, _ name: String) throws(MartletError) -> Int32 {
        let count = try require(value, name)
        guard count >= 0 else { throw corrupt("\(name) is \(count)") }
        return count
    }
}
