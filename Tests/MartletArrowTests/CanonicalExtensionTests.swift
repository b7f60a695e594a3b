import MartletArrow
import MartletBase
import Testing

@Suite struct CanonicalExtensionTests {
    private static func type(_ name: String, _ storage: DataType, _ metadata: String = "") -> ExtensionType {
        ExtensionType(name: name, metadata: Array(metadata.utf8), storage: storage)
    }

    private static let tensor = DataType.fixedSizeList(Field("item", .int32), count: 6)
    private static let variable = DataType.struct([
        Field("data", .list(Field("item", .float32))), Field("shape", .fixedSizeList(Field("item", .int32), count: 3)),
    ])
    private static func variant(_ fields: [Field]) -> DataType {
        .struct([Field("metadata", .binary, isNullable: false)] + fields)
    }

    /// What pyarrow prints for each.
    @Test(arguments: [
        (type("arrow.uuid", .fixedSizeBinary(byteWidth: 16)), "extension<arrow.uuid>"),
        (type("arrow.bool8", .int8), "extension<arrow.bool8>"), (type("arrow.json", .stringView), "extension<arrow.json>"),
        (type("arrow.json", .string, "{}"), "extension<arrow.json>"),
        (type("arrow.opaque", .int8, #"{"type_name": "a", "vendor_name": "\u0062"}"#),
            "extension<arrow.opaque[storage_type=int8, type_name=a, vendor_name=b]>"),
        (type("arrow.fixed_shape_tensor", tensor, #"{ "shape": [2, 3] }"#),
            "extension<arrow.fixed_shape_tensor[value_type=int32, shape=[2,3]]>"),
        (type("arrow.fixed_shape_tensor", tensor, #"{"shape":[2,3],"dim_names":["a","b"],"permutation":[1,0]}"#),
            "extension<arrow.fixed_shape_tensor[value_type=int32, shape=[2,3], permutation=[1,0], dim_names=[a,b]]>"),
        (type("arrow.variable_shape_tensor", variable, #"{"uniform_shape":[400,null,3]}"#),
            "extension<arrow.variable_shape_tensor[value_type=float, ndim=3, uniform_shape=[400,null,3]]>"),
        (type("arrow.variable_shape_tensor", variable), "extension<arrow.variable_shape_tensor[value_type=float, ndim=3]>"),
        (type("arrow.parquet.variant", variant([Field("value", .binaryView)])), "extension<arrow.parquet.variant>"),
        (type("arrow.timestamp_with_offset", .struct([
            Field("timestamp", .timestamp(.second, timeZone: "UTC"), isNullable: false),
            Field("offset_minutes", .dictionary(index: .int8, value: .int16, isOrdered: false), isNullable: false),
        ])), "extension<arrow.timestamp_with_offset>"),
    ])
    func known(type: ExtensionType, text: String) throws {
        #expect(try CanonicalExtension(type) != nil)
        #expect(DataType.extension(type).description == text)
        try ArrayData.empty(.extension(type)).validate(full: true)
    }

    @Test(arguments: [
        type("arrow.uuid", .fixedSizeBinary(byteWidth: 15)), type("arrow.bool8", .uint8), type("arrow.json", .binary),
        type("arrow.opaque", .int8, ""), type("arrow.opaque", .int8, #"{"type_name": 1, "vendor_name": "b"}"#),
        type("arrow.fixed_shape_tensor", tensor, #"{"shape":[2,2]}"#), type("arrow.fixed_shape_tensor", tensor, "{}"),
        type("arrow.fixed_shape_tensor", tensor, #"{"shape":[2,3]"#), type("arrow.fixed_shape_tensor", .int8, "{}"),
        type("arrow.fixed_shape_tensor", tensor, #"{"shape":[9223372036854775807,9223372036854775807]}"#),
        type("arrow.fixed_shape_tensor", tensor, #"{"shape":[2,3],"permutation":[1,1]}"#),
        type("arrow.fixed_shape_tensor", tensor, #"{"shape":[2,3],"dim_names":["a"]}"#),
        type("arrow.fixed_shape_tensor", tensor, String(repeating: "[", count: 1_000)),
        type("arrow.variable_shape_tensor", .int8), type("arrow.variable_shape_tensor", variable, #"{"uniform_shape":[1]}"#),
        type("arrow.parquet.variant", variant([])), type("arrow.parquet.variant", variant([Field("value", .int8)])),
        type("arrow.parquet.variant", .struct([Field("metadata", .binary), Field("value", .binary)])),
        type("arrow.parquet.variant", variant([Field("typed_value", .list(Field("element", .int32)))])),
        type("arrow.timestamp_with_offset", .timestamp(.second, timeZone: "UTC")),
    ])
    func refused(type: ExtensionType) throws {
        #expect(throws: MartletError.self) { try CanonicalExtension(type) }
        // Such arrays travel on, but are not valid.
        let array = try ArrayData.empty(.extension(type))
        let error = #expect(throws: MartletError.self) { try array.validate() }
        #expect(error?.message.hasPrefix(type.name) == true)
    }

    @Test func othersAreKept() throws {
        let type = Self.type("geoarrow.point", .struct([Field("x", .float64)]), #"{"crs": "EPSG:4326"}"#)
        #expect(try CanonicalExtension(type) == nil)
        let message = try SchemaMessage.encode(Schema([Field("p", .extension(type))]))
        #expect(try SchemaMessage.decode(message.bytes).fields[0].type == .extension(type))
        #expect(try ArrayData.of([1] as [Int8]).asExtension(named: "arrow.bool8").storage.type == .int8)
        #expect(throws: MartletError.self) { try ArrayData.of([1] as [Int16]).asExtension(named: "arrow.bool8") }
    }
}
