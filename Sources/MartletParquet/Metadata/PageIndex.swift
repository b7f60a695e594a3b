package import MartletBase

/// Where the data pages of a column chunk lie and which rows they hold (PageIndex.md; parquet.thrift `OffsetIndex`).
public struct OffsetIndex: Sendable, Hashable {
    public var pageLocations: [PageLocation]
    /// Bytes of each page's BYTE_ARRAY values, without their lengths.
    public var unencodedByteArrayByteCounts: [Int64]?

    public init(pageLocations: [PageLocation], unencodedByteArrayByteCounts: [Int64]? = nil) {
        self.pageLocations = pageLocations
        self.unencodedByteArrayByteCounts = unencodedByteArrayByteCounts
    }
}

extension OffsetIndex: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: [PageLocation]?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found = try reader.structs(field)
            case 2: unencodedByteArrayByteCounts = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
        pageLocations = try reader.require(found, "OffsetIndex.page_locations")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.structs(1, pageLocations)
        try writer.int64s(2, unencodedByteArrayByteCounts)
    }
}

/// A data page's place (parquet.thrift `PageLocation`).
public struct PageLocation: Sendable, Hashable {
    /// Byte position in the file.
    public var offset: Int64
    /// Bytes of the page with its header.
    public var compressedPageSize: Int32
    /// The page's first row, counted from the start of the row group.
    public var firstRowIndex: Int64

    public init(offset: Int64, compressedPageSize: Int32, firstRowIndex: Int64) {
        self.offset = offset
        self.compressedPageSize = compressedPageSize
        self.firstRowIndex = firstRowIndex
    }
}

extension PageLocation: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (offset: Int64?, size: Int32?, row: Int64?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.offset = try reader.int64(field)
            case 2: found.size = try reader.int32(field)
            case 3: found.row = try reader.int64(field)
            default: try reader.skip(field)
            }
        }
        offset = try reader.require(found.offset, "PageLocation.offset")
        compressedPageSize = try reader.require(found.size, "PageLocation.compressed_page_size")
        firstRowIndex = try reader.require(found.row, "PageLocation.first_row_index")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int64(1, offset)
        try writer.int32(2, compressedPageSize)
        try writer.int64(3, firstRowIndex)
    }
}

/// Whether the bounds of a chunk's pages are in order (parquet.thrift `BoundaryOrder`).
public enum BoundaryOrder: Int32, Sendable, Hashable {
    case unordered = 0
    case ascending = 1
    case descending = 2
}

/// Bounds and counts of the data pages of a column chunk (PageIndex.md; parquet.thrift `ColumnIndex`).
///
/// `[i]` of each list is about page `i` of the offset index.
public struct ColumnIndex: Sendable, Hashable {
    /// Whether the page holds nulls only; its bounds are then empty.
    public var nullPages: [Bool]
    public var minValues: [[UInt8]]
    public var maxValues: [[UInt8]]
    public var boundaryOrder: BoundaryOrder
    public var nullCounts: [Int64]?
    public var repetitionLevelHistograms: [Int64]?
    public var definitionLevelHistograms: [Int64]?
    public var nanCounts: [Int64]?

    public init(
        nullPages: [Bool], minValues: [[UInt8]], maxValues: [[UInt8]], boundaryOrder: BoundaryOrder,
        nullCounts: [Int64]? = nil
    ) {
        self.nullPages = nullPages
        self.minValues = minValues
        self.maxValues = maxValues
        self.boundaryOrder = boundaryOrder
        self.nullCounts = nullCounts
    }
}

extension ColumnIndex: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: (nulls: [Bool]?, min: [[UInt8]]?, max: [[UInt8]]?, order: Int32?)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found.nulls = try reader.bools(field)
            case 2: found.min = try reader.byteStrings(field)
            case 3: found.max = try reader.byteStrings(field)
            case 4: found.order = try reader.int32(field)
            case 5: nullCounts = try reader.int64s(field)
            case 6: repetitionLevelHistograms = try reader.int64s(field)
            case 7: definitionLevelHistograms = try reader.int64s(field)
            case 8: nanCounts = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
        nullPages = try reader.require(found.nulls, "ColumnIndex.null_pages")
        minValues = try reader.require(found.min, "ColumnIndex.min_values")
        maxValues = try reader.require(found.max, "ColumnIndex.max_values")
        let order = try reader.require(found.order, "ColumnIndex.boundary_order")
        boundaryOrder = BoundaryOrder(rawValue: order) ?? .unordered
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.bools(1, nullPages)
        try writer.byteStrings(2, minValues)
        try writer.byteStrings(3, maxValues)
        try writer.int32(4, boundaryOrder.rawValue)
        try writer.int64s(5, nullCounts)
        try writer.int64s(6, repetitionLevelHistograms)
        try writer.int64s(7, definitionLevelHistograms)
        try writer.int64s(8, nanCounts)
    }
}
