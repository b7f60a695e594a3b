public import MartletArrow

/// Samples of the types that all rooms have known from the start, nested ones included.
public let sampleTypes: [DataType] =
    flatSampleTypes + [
        .list(Field("item", .int64)), .largeList(Field("item", .string)), .fixedSizeList(Field("item", .int16), count: 3),
        .struct([Field("a", .int32), Field("b", .string)]), .list(Field("item", .list(Field("item", .float64)))),
        .struct([Field("s", .struct([Field("x", .boolean)])), Field("l", .list(Field("item", .date32)))]),
        .map(
            entries: Field(
                "entries", .struct([Field("key", .string, isNullable: false), Field("value", .int32)]),
                isNullable: false), keysSorted: false),
        .dictionary(index: .int32, value: .string, isOrdered: false),
        .dictionary(index: .int8, value: .int64, isOrdered: false),
        .dictionary(index: .uint16, value: .largeString, isOrdered: true),
        .list(Field("item", .dictionary(index: .int16, value: .string, isOrdered: false))),
    ]

public let flatSampleTypes: [DataType] =
    [
        .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
        .string, .largeString, .binary, .largeBinary, .fixedSizeBinary(byteWidth: 5), .date32, .date64,
        .time32(.second), .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond),
        .decimal128(precision: 9, scale: 2), .decimal128(precision: 38, scale: 10),
        .timestamp(.millisecond, timeZone: "UTC"), .timestamp(.nanosecond, timeZone: "Europe/Paris"),
    ] + TimeUnit.allCases.map { .timestamp($0, timeZone: nil) } + TimeUnit.allCases.map { .duration($0) }

/// Every type of the format: `sampleTypes`, and those whose slots say where their values lie.
public let everySampleType: [DataType] = sampleTypes + layoutSampleTypes

public let layoutSampleTypes: [DataType] = [
    .stringView, .binaryView, .interval(.months), .interval(.dayTime), .interval(.monthDayNano),
    .decimal32(precision: 9, scale: 2), .decimal64(precision: 18, scale: -3), .decimal256(precision: 76, scale: 10),
    .listView(Field("item", .int64)), .largeListView(Field("item", .string)),
    .listView(Field("item", .largeListView(Field("item", .stringView)))),
    .union(.sparse, fields: [Field("a", .int32), Field("b", .string)], typeIds: [0, 1]),
    .union(.dense, fields: [Field("a", .int32), Field("b", .stringView), Field("c", .boolean)], typeIds: [5, 0, 127]),
    .runEndEncoded(runEnds: Field("run_ends", .int16, isNullable: false), values: Field("values", .string)),
    .runEndEncoded(runEnds: Field("run_ends", .int64, isNullable: false), values: Field("values", .float64)),
    .extension(ExtensionType(name: "martlet.test", metadata: [1, 0, 255], storage: .int64)),
    .extension(ExtensionType(name: "martlet.list", storage: .list(Field("item", .binaryView)))),
    .struct([
        Field("u", .union(.dense, fields: [Field("x", .int8), Field("y", .list(Field("item", .int8)))], typeIds: [1, 0])),
        Field("r", .runEndEncoded(runEnds: Field("run_ends", .int32, isNullable: false), values: Field("values", .stringView))),
        Field("e", .extension(ExtensionType(name: "martlet.inner", storage: .fixedSizeBinary(byteWidth: 3)))),
    ]),
    .list(Field("item", .runEndEncoded(runEnds: Field("run_ends", .int32, isNullable: false), values: Field("values", .int8)))),
    .dictionary(index: .uint64, value: .stringView, isOrdered: false),
    .dictionary(index: .int64, value: .list(Field("item", .int16)), isOrdered: false),
    .dictionary(index: .uint8, value: .dictionary(index: .uint32, value: .string, isOrdered: true), isOrdered: false),
    .list(Field("item", .union(.sparse, fields: [Field("a", .null), Field("b", .float32)], typeIds: [3, 4]))),
]
