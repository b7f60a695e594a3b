package import MartletBase

/// Where the geometries of a column chunk lie and of which kinds they are (Geospatial.md, "Statistics").
public struct GeospatialStatistics: Sendable, Hashable {
    /// Nil where no geometry has both an x and a y.
    public var boundingBox: BoundingBox?
    /// Codes of ISO WKB, each once; nil or empty where they are not known.
    public var types: [Int32]?

    public init() {}
}

/// The ranges of the coordinates (parquet.thrift `BoundingBox`). Where `xmin` is more than `xmax`, the box goes over the antimeridian.
public struct BoundingBox: Sendable, Hashable {
    public var xmin, xmax, ymin, ymax: Double
    public var zmin, zmax, mmin, mmax: Double?
}

extension GeospatialStatistics: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: boundingBox = try reader.value(field)
            case 2: types = try reader.int32s(field)
            default: try reader.skip(field)
            }
        }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.value(1, boundingBox)
        try writer.int32s(2, types)
    }
}

extension BoundingBox: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var found = [Double?](repeating: nil, count: 8)
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1...8: found[Int(field.id) - 1] = try reader.double(field)
            default: try reader.skip(field)
            }
        }
        xmin = try reader.require(found[0], "BoundingBox.xmin")
        xmax = try reader.require(found[1], "BoundingBox.xmax")
        ymin = try reader.require(found[2], "BoundingBox.ymin")
        ymax = try reader.require(found[3], "BoundingBox.ymax")
        (zmin, zmax, mmin, mmax) = (found[4], found[5], found[6], found[7])
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        for (i, value) in [xmin, xmax, ymin, ymax, zmin, zmax, mmin, mmax].enumerated() {
            try writer.double(Int16(i + 1), value)
        }
    }
}
