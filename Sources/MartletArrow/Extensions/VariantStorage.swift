import MartletBase

/// The rules for the storage of `arrow.parquet.variant` (CanonicalExtensions.rst, "Parquet Variant").
enum VariantStorage {
    static func check(_ storage: DataType) throws(MartletError) {
        guard case .struct(let fields) = storage else {
            throw .invalid("Invalid storage type \(storage), expected a struct of metadata, and value or typed_value")
        }
        guard let metadata = fields.first(where: { $0.name == "metadata" }), !metadata.isNullable,
            isBinary(metadata.type.valuesAlone)
        else { throw .invalid("the storage \(storage) must have a field metadata of binary that is not nullable") }
        for field in fields where !["metadata", "value", "typed_value"].contains(field.name) {
            throw .invalid("the storage of a variant has no field \(field.name)")
        }
        try checkValues(fields, storage)
    }

    /// `value`, `typed_value`, or both.
    private static func checkValues(_ fields: [Field], _ parent: DataType) throws(MartletError) {
        let value = fields.first { $0.name == "value" }
        let typed = fields.first { $0.name == "typed_value" }
        guard value != nil || typed != nil else { throw .invalid("\(parent) must have a field value or typed_value") }
        if let value, !isBinary(value.type) {
            throw .invalid("the field value of a variant must be binary, large_binary or binary_view, not \(value.type)")
        }
        if let typed { try checkTyped(typed.type) }
    }

    private static func checkTyped(_ type: DataType) throws(MartletError) {
        switch type {
        case .list(let item), .largeList(let item), .listView(let item): try checkShredded(item)
        case .struct(let fields): for field in fields { try checkShredded(field) }
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .float32, .float64, .decimal32,
            .decimal64, .decimal128, .date32, .time64, .binary, .largeBinary, .binaryView, .string, .largeString,
            .stringView, .timestamp(.microsecond, _), .timestamp(.nanosecond, _):
            break
        case .extension(let outer) where outer.name == "arrow.uuid": break
        case _: throw .invalid("\(type) is no typed_value of a variant")
        }
    }

    private static func checkShredded(_ field: Field) throws(MartletError) {
        guard !field.isNullable, case .struct(let fields) = field.type else {
            throw .invalid("a shredded field of a variant is a struct that is not nullable, not \(field.summary)")
        }
        try checkValues(fields, field.type)
    }

    private static func isBinary(_ type: DataType) -> Bool { [.binary, .largeBinary, .binaryView].contains(type) }
}
