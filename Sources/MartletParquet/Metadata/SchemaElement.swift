package import MartletBase

/// One node of the schema as the footer lists them, depth first (parquet.thrift `SchemaElement`).
public struct SchemaElement: Sendable, Hashable {
    /// nil for groups.
    public var physicalType: PhysicalType?
    /// The length of FIXED_LEN_BYTE_ARRAY values in bytes.
    public var typeLength: Int32?
    /// nil for the root.
    public var repetition: Repetition?
    public var name: String
    /// nil for leaves.
    public var childCount: Int32?
    public var convertedType: ConvertedType?
    public var scale: Int32?
    public var precision: Int32?
    public var fieldID: Int32?
    public var logicalType: LogicalType?

    public init(
        _ name: String, _ physicalType: PhysicalType? = nil, repetition: Repetition? = nil, childCount: Int32? = nil,
        typeLength: Int32? = nil, logicalType: LogicalType? = nil, convertedType: ConvertedType? = nil
    ) {
        self.name = name
        self.physicalType = physicalType
        self.repetition = repetition
        self.childCount = childCount
        self.typeLength = typeLength
        self.logicalType = logicalType
        self.convertedType = convertedType
        if case .decimal(let precision, let scale) = logicalType {
            self.precision = Int32(clamping: precision)
            self.scale = Int32(clamping: scale)
        }
    }
}

extension SchemaElement: ThriftStruct {
    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        var foundName: String?
        self.init("")
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1:
                let number = try reader.int32(field)
                guard let type = PhysicalType(rawValue: number) else {
                    throw reader.corrupt("unknown physical type \(number)")
                }
                physicalType = type
            case 2: typeLength = try reader.int32(field)
            case 3:
                let number = try reader.int32(field)
                guard let value = Repetition(rawValue: number) else {
                    throw reader.corrupt("unknown repetition type \(number)")
                }
                repetition = value
            case 4: foundName = try reader.string(field)
            case 5: childCount = try reader.int32(field)
            // A converted type that nobody knows means as little as none.
            case 6: convertedType = ConvertedType(rawValue: try reader.int32(field))
            case 7: scale = try reader.int32(field)
            case 8: precision = try reader.int32(field)
            case 9: fieldID = try reader.int32(field)
            case 10: logicalType = try reader.value(field)
            default: try reader.skip(field)
            }
        }
        name = try reader.require(foundName, "SchemaElement.name")
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {
        try writer.int32(1, physicalType?.rawValue)
        try writer.int32(2, typeLength)
        try writer.int32(3, repetition?.rawValue)
        try writer.string(4, name)
        try writer.int32(5, childCount)
        try writer.int32(6, convertedType?.rawValue)
        try writer.int32(7, scale)
        try writer.int32(8, precision)
        try writer.int32(9, fieldID)
        try writer.value(10, logicalType)
    }
}
