public import MartletArrow

/// One sample of every type that the engine has, nested ones included.
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
