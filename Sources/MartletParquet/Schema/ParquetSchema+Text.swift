import MartletArrow

// The schema in words, as pyarrow prints it.

extension ParquetSchema: CustomStringConvertible {
    public var description: String {
        var text = "required group field_id=-1 \(root.name) {\n"
        for child in root.children { child.print(indent: 2, into: &text) }
        return text + "}\n"
    }
}

extension SchemaNode {
    fileprivate func print(indent: Int, into text: inout String) {
        let pad = String(repeating: " ", count: indent)
        let note = element.logicalType.map { " (\($0.text))" } ?? element.convertedType.map { " (\($0.name))" } ?? ""
        let id = "field_id=\(element.fieldID ?? -1)"
        if let physical = element.physicalType {
            let length = physical == .fixedLengthByteArray ? "(\(element.typeLength ?? 0))" : ""
            text += "\(pad)\(repetition.name) \(physical.shortName)\(length) \(id) \(name)\(note);\n"
        } else {
            text += "\(pad)\(repetition.name) group \(id) \(name)\(note) {\n"
            for child in children { child.print(indent: indent + 2, into: &text) }
            text += "\(pad)}\n"
        }
    }
}

extension PhysicalType {
    fileprivate var shortName: String {
        switch self {
        case .byteArray: "binary"
        case .fixedLengthByteArray: "fixed_len_byte_array"
        case .boolean, .int32, .int64, .int96, .float, .double: name.lowercased()
        }
    }
}

extension LeafColumn {
    /// pyarrow's `logical_type`: `String`, `Timestamp(isAdjustedToUTC=false, ...)`, `None`.
    public var logicalTypeText: String { element.logicalType?.text ?? "None" }

    /// pyarrow's `converted_type`: `UTF8`, `NONE`.
    public var convertedTypeText: String { element.convertedType?.name ?? "NONE" }
}

extension LogicalType {
    var text: String {
        func unitName(_ unit: TimeUnit) -> String {
            switch unit {
            case .second: "seconds"
            case .millisecond: "milliseconds"
            case .microsecond: "microseconds"
            case .nanosecond: "nanoseconds"
            }
        }
        switch self {
        case .string: return "String"
        case .map: return "Map"
        case .list: return "List"
        case .enum: return "Enum"
        case .decimal(let precision, let scale): return "Decimal(precision=\(precision), scale=\(scale))"
        case .date: return "Date"
        case .time(let unit, let isUTC): return "Time(isAdjustedToUTC=\(isUTC), timeUnit=\(unitName(unit)))"
        case .timestamp(let unit, let isUTC):
            return "Timestamp(isAdjustedToUTC=\(isUTC), timeUnit=\(unitName(unit)), "
                + "is_from_converted_type=false, force_set_converted_type=false)"
        case .integer(let width, let isSigned): return "Int(bitWidth=\(width), isSigned=\(isSigned))"
        case .null: return "Null"
        case .json: return "JSON"
        case .bson: return "BSON"
        case .uuid: return "UUID"
        case .float16: return "Float16"
        case .variant(let version): return "Variant(\(version ?? 1))"
        case .geometry(let crs): return "Geometry(crs=\(crs ?? ""))"
        case .geography(let crs, let algorithm):
            let names = ["spherical", "vincenty", "thomas", "andoyer", "karney"]
            let index = Int(algorithm ?? 0)
            return "Geography(crs=\(crs ?? ""), algorithm=\(names.indices.contains(index) ? names[index] : "unknown"))"
        case .file: return "File"
        case .unrecognized(let id): return "Unrecognized(\(id))"
        }
    }
}
