package import MartletBase

/// Bounds and counts of a column chunk or page as the file holds them (parquet.thrift `Statistics`).
///
/// Bounds are PLAIN-encoded, byte arrays without their length. `ColumnStatistics` is what can be trusted of them.
public struct Statistics: Sendable, Hashable {
    /// Deprecated bounds by signed comparison.
    public var max: [UInt8]?
    public var min: [UInt8]?
    public var nullCount: Int64?
    public var distinctCount: Int64?
    /// Bounds by the column's order.
    public var maxValue: [UInt8]?
    public var minValue: [UInt8]?
    public var isMaxValueExact: Bool?
    public var isMinValueExact: Bool?
    public var nanCount: Int64?

    public init() {}
}

extension Statistics: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: max = try reader.bytes(field)
            case 2: min = try reader.bytes(field)
            case 3: nullCount = try reader.int64(field)
            case 4: distinctCount = try reader.int64(field)
            case 5: maxValue = try reader.bytes(field)
            case 6: minValue = try reader.bytes(field)
            case 7: isMaxValueExact = try reader.bool(field)
            case 8: isMinValueExact = try reader.bool(field)
            case 9: nanCount = try reader.int64(field)
            default: try reader.skip(field)
            }
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.bytes(1, max)
        try writer.bytes(2, min)
        try writer.int64(3, nullCount)
        try writer.int64(4, distinctCount)
        try writer.bytes(5, maxValue)
        try writer.bytes(6, minValue)
        try writer.bool(7, isMaxValueExact)
        try writer.bool(8, isMinValueExact)
        try writer.int64(9, nanCount)
    }
}

/// How large values are before they are encoded, and how often each level occurs (parquet.thrift `SizeStatistics`).
public struct SizeStatistics: Sendable, Hashable {
    /// Bytes of all values of a BYTE_ARRAY column, without their lengths.
    public var unencodedByteArrayByteCount: Int64?
    /// `[i]` counts repetition level i.
    public var repetitionLevelHistogram: [Int64]?
    /// `[i]` counts definition level i.
    public var definitionLevelHistogram: [Int64]?

    public init() {}
}

extension SizeStatistics: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: unencodedByteArrayByteCount = try reader.int64(field)
            case 2: repetitionLevelHistogram = try reader.int64s(field)
            case 3: definitionLevelHistogram = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int64(1, unencodedByteArrayByteCount)
        try writer.int64s(2, repetitionLevelHistogram)
        try writer.int64s(3, definitionLevelHistogram)
    }
}
