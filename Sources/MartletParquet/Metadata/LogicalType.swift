public import MartletArrow
package import MartletBase

/// What the values of a column mean (LogicalTypes.md; parquet.thrift `LogicalType`).
public enum LogicalType: Sendable, Hashable {
    case string
    case map
    case list
    case `enum`
    case decimal(precision: Int, scale: Int)
    case date
    case time(TimeUnit, isAdjustedToUTC: Bool)
    case timestamp(TimeUnit, isAdjustedToUTC: Bool)
    case integer(bitWidth: Int, isSigned: Bool)
    /// Every value is null (the union's UNKNOWN).
    case null
    case json
    case bson
    case uuid
    case float16
    case variant(version: Int8?)
    case geometry(crs: String?)
    case geography(crs: String?, algorithm: Int32?)
    case file
    /// A member of the union that came after this was written; the column reads as its physical type.
    case unrecognized(Int16)
}

extension LogicalType: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found: LogicalType?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: found = try Self.plain(.string, field, &reader)
            case 2: found = try Self.plain(.map, field, &reader)
            case 3: found = try Self.plain(.list, field, &reader)
            case 4: found = try Self.plain(.enum, field, &reader)
            case 5: found = (try reader.value(field) as DecimalAnnotation).logicalType
            case 6: found = try Self.plain(.date, field, &reader)
            case 7:
                let time: TimeAnnotation = try reader.value(field)
                found = time.unit.map { .time($0, isAdjustedToUTC: time.isAdjustedToUTC) } ?? .unrecognized(field.id)
            case 8:
                let time: TimeAnnotation = try reader.value(field)
                found =
                    time.unit.map { .timestamp($0, isAdjustedToUTC: time.isAdjustedToUTC) } ?? .unrecognized(field.id)
            case 10: found = (try reader.value(field) as IntegerAnnotation).logicalType
            case 11: found = try Self.plain(.null, field, &reader)
            case 12: found = try Self.plain(.json, field, &reader)
            case 13: found = try Self.plain(.bson, field, &reader)
            case 14: found = try Self.plain(.uuid, field, &reader)
            case 15: found = try Self.plain(.float16, field, &reader)
            case 16: found = .variant(version: (try reader.value(field) as VariantAnnotation).version)
            case 17: found = .geometry(crs: (try reader.value(field) as GeospatialAnnotation).crs)
            case 18:
                let geography: GeospatialAnnotation = try reader.value(field)
                found = .geography(crs: geography.crs, algorithm: geography.algorithm)
            case 19: found = try Self.plain(.file, field, &reader)
            default:
                try reader.skip(field)
                found = .unrecognized(field.id)
            }
        }
        self = found ?? .unrecognized(0)
    }

    private static func plain(_ type: LogicalType, _ field: ThriftField, _ reader: inout ThriftReader)
        throws(MartletError) -> LogicalType
    {
        _ = try reader.value(field) as ThriftEmpty
        return type
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        switch self {
        case .string: try writer.value(1, ThriftEmpty())
        case .map: try writer.value(2, ThriftEmpty())
        case .list: try writer.value(3, ThriftEmpty())
        case .enum: try writer.value(4, ThriftEmpty())
        case .decimal(let precision, let scale):
            try writer.value(5, DecimalAnnotation(scale: Int32(clamping: scale), precision: Int32(clamping: precision)))
        case .date: try writer.value(6, ThriftEmpty())
        case .time(let unit, let adjusted):
            try writer.value(7, TimeAnnotation(isAdjustedToUTC: adjusted, unit: unit))
        case .timestamp(let unit, let adjusted):
            try writer.value(8, TimeAnnotation(isAdjustedToUTC: adjusted, unit: unit))
        case .integer(let bitWidth, let isSigned):
            try writer.value(10, IntegerAnnotation(bitWidth: Int8(clamping: bitWidth), isSigned: isSigned))
        case .null: try writer.value(11, ThriftEmpty())
        case .json: try writer.value(12, ThriftEmpty())
        case .bson: try writer.value(13, ThriftEmpty())
        case .uuid: try writer.value(14, ThriftEmpty())
        case .float16: try writer.value(15, ThriftEmpty())
        case .variant(let version): try writer.value(16, VariantAnnotation(version: version))
        case .geometry(let crs): try writer.value(17, GeospatialAnnotation(crs: crs, algorithm: nil))
        case .geography(let crs, let algorithm):
            try writer.value(18, GeospatialAnnotation(crs: crs, algorithm: algorithm))
        case .file: try writer.value(19, ThriftEmpty())
        case .unrecognized: break
        }
    }
}

private struct DecimalAnnotation: ThriftStruct {
    var scale: Int32
    var precision: Int32

    init(scale: Int32, precision: Int32) {
        self.scale = scale
        self.precision = precision
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var scale: Int32?
        var precision: Int32?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: scale = try reader.int32(field)
            case 2: precision = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
        self.scale = try reader.require(scale, "DecimalType.scale")
        self.precision = try reader.require(precision, "DecimalType.precision")
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, scale)
        try writer.int32(2, precision)
    }

    var logicalType: LogicalType { .decimal(precision: Int(precision), scale: Int(scale)) }
}

/// The parameters of TIME and of TIMESTAMP.
private struct TimeAnnotation: ThriftStruct {
    var isAdjustedToUTC: Bool
    /// nil for a unit of the future.
    var unit: TimeUnit?

    init(isAdjustedToUTC: Bool, unit: TimeUnit) {
        self.isAdjustedToUTC = isAdjustedToUTC
        self.unit = unit
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var adjusted: Bool?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: adjusted = try reader.bool(field)
            case 2: unit = (try reader.value(field) as UnitAnnotation).unit
            default: try reader.skip(field)
            }
        }
        isAdjustedToUTC = try reader.require(adjusted, "isAdjustedToUTC")
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.bool(1, isAdjustedToUTC)
        try writer.value(2, UnitAnnotation(unit: unit))
    }
}

private struct UnitAnnotation: ThriftStruct {
    var unit: TimeUnit?

    init(unit: TimeUnit?) { self.unit = unit }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: unit = .millisecond
            case 2: unit = .microsecond
            case 3: unit = .nanosecond
            default: break
            }
            try reader.skip(field)
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        switch unit {
        case .millisecond: try writer.value(1, ThriftEmpty())
        case .microsecond: try writer.value(2, ThriftEmpty())
        case .nanosecond: try writer.value(3, ThriftEmpty())
        case .second, nil: throw .invalid("Parquet has no times in seconds; use milliseconds")
        }
    }
}

private struct IntegerAnnotation: ThriftStruct {
    var bitWidth: Int8
    var isSigned: Bool

    init(bitWidth: Int8, isSigned: Bool) {
        self.bitWidth = bitWidth
        self.isSigned = isSigned
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var width: Int8?
        var signed: Bool?
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: width = try reader.int8(field)
            case 2: signed = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        bitWidth = try reader.require(width, "IntType.bitWidth")
        isSigned = try reader.require(signed, "IntType.isSigned")
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int8(1, bitWidth)
        try writer.bool(2, isSigned)
    }

    var logicalType: LogicalType { .integer(bitWidth: Int(bitWidth), isSigned: isSigned) }
}

private struct VariantAnnotation: ThriftStruct {
    var version: Int8?

    init(version: Int8?) { self.version = version }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            if field.id == 1 { version = try reader.int8(field) } else { try reader.skip(field) }
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) { try writer.int8(1, version) }
}

/// The parameters of GEOMETRY and of GEOGRAPHY.
private struct GeospatialAnnotation: ThriftStruct {
    var crs: String?
    var algorithm: Int32?

    init(crs: String?, algorithm: Int32?) {
        self.crs = crs
        self.algorithm = algorithm
    }

    init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: crs = try reader.string(field)
            case 2: algorithm = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
    }

    func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.string(1, crs)
        try writer.int32(2, algorithm)
    }
}
