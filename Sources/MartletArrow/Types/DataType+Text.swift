extension DataType: CustomStringConvertible {
    /// pyarrow's text for the type: `timestamp[ms, tz=UTC]`, `list<item: int64>`, ...
    public var description: String {
        switch self {
        case .null: "null"
        case .boolean: "bool"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .uint8: "uint8"
        case .uint16: "uint16"
        case .uint32: "uint32"
        case .uint64: "uint64"
        case .float16: "halffloat"
        case .float32: "float"
        case .float64: "double"
        case .string: "string"
        case .largeString: "large_string"
        case .binary: "binary"
        case .largeBinary: "large_binary"
        case .stringView: "string_view"
        case .binaryView: "binary_view"
        case .fixedSizeBinary(let width): "fixed_size_binary[\(width)]"
        case .date32: "date32[day]"
        case .date64: "date64[ms]"
        case .time32(let unit): "time32[\(unit.abbreviation)]"
        case .time64(let unit): "time64[\(unit.abbreviation)]"
        case .timestamp(let unit, nil): "timestamp[\(unit.abbreviation)]"
        case .timestamp(let unit, let zone?): "timestamp[\(unit.abbreviation), tz=\(zone)]"
        case .duration(let unit): "duration[\(unit.abbreviation)]"
        case .interval(.months): "month_interval"
        case .interval(.dayTime): "day_time_interval"
        case .interval(.monthDayNano): "month_day_nano_interval"
        case .decimal32(let precision, let scale): "decimal32(\(precision), \(scale))"
        case .decimal64(let precision, let scale): "decimal64(\(precision), \(scale))"
        case .decimal128(let precision, let scale): "decimal128(\(precision), \(scale))"
        case .decimal256(let precision, let scale): "decimal256(\(precision), \(scale))"
        case .list(let field): "list<\(field.summary)>"
        case .largeList(let field): "large_list<\(field.summary)>"
        case .listView(let field): "list_view<\(field.summary)>"
        case .largeListView(let field): "large_list_view<\(field.summary)>"
        case .fixedSizeList(let field, let count): "fixed_size_list<\(field.summary)>[\(count)]"
        case .struct(let fields): "struct<\(fields.map(\.summary).joined(separator: ", "))>"
        case .map(let entries, let sorted):
            "map<\(entries.type.childFields.map(\.type.description).joined(separator: ", "))\(sorted ? ", keys_sorted" : "")>"
        case .dictionary(let index, let value, let ordered):
            "dictionary<values=\(value), indices=\(index), ordered=\(ordered ? 1 : 0)>"
        case .union(let mode, let fields, let typeIds):
            (mode == .sparse ? "sparse" : "dense") + "_union<"
                + zip(fields, typeIds).map { "\($0.summary)=\($1)" }.joined(separator: ", ") + ">"
        case .runEndEncoded(let runEnds, let values):
            "run_end_encoded<run_ends: \(runEnds.type), values: \(values.type)>"
        case .extension(let type): type.description
        }
    }
}

extension Field {
    /// `name: type`, with `not null` where no nulls may be.
    public var summary: String { "\(name): \(type)\(isNullable ? "" : " not null")" }
}
