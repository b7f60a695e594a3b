public import MartletArrow
public import MartletBase

/// How Arrow types become Parquet types.
public struct SchemaOptions: Sendable, Hashable {
    /// pyarrow's `version`: which logical types readers of the file know.
    public enum Version: String, Sendable, Hashable, CaseIterable {
        case v1_0 = "1.0"
        case v2_4 = "2.4"
        case v2_6 = "2.6"
    }

    public var version = Version.v2_6
    /// The unit for all timestamps: milliseconds, microseconds or, from version 2.6 on, nanoseconds.
    public var coerceTimestamps: TimeUnit?
    /// Decimals of up to 18 digits as INT32 or INT64.
    public var storesDecimalAsInteger = false
    /// Whether times of day are marked as UTC, as pyarrow's `write_time_adjusted_to_utc` has it.
    public var marksTimesAsUTC = false
    /// Timestamps as INT96, for readers that know nothing else.
    public var usesDeprecatedInt96 = false

    /// Whether the items of lists are called "element", as the format wants it, or as their Arrow field is.
    public var usesCompliantNestedType = true

    public init() {}
}

extension ParquetSchema {
    /// The schema that pyarrow gives to a file of `schema`.
    ///
    /// Leaves come in the order of a depth-first walk through the Arrow types, dictionaries counting as their values.
    public init(arrow schema: Schema, options: SchemaOptions = SchemaOptions()) throws(MartletError) {
        var builder = ElementBuilder(options: options)
        builder.elements.append(SchemaElement("schema", childCount: Int32(clamping: schema.fields.count)))
        for field in schema.fields {
            try adding(context: "column '\(field.name)'") { () throws(MartletError) in
                try builder.add(field, depth: 1)
            }
        }
        try self.init(elements: builder.elements)
    }
}

private struct ElementBuilder {
    let options: SchemaOptions
    var elements: [SchemaElement] = []

    init(options: SchemaOptions) { self.options = options }

    mutating func add(_ field: Field, named name: String? = nil, depth: Int) throws(MartletError) {
        guard depth <= DataType.maximumDepth else {
            throw .invalid("types nested deeper than \(DataType.maximumDepth) levels cannot be written")
        }
        let name = name ?? field.name
        let repetition: Repetition = field.isNullable ? .optional : .required
        var type = field.type
        while case .dictionary(_, let value, _) = type { type = value }
        let start = elements.count
        switch type {
        case .struct(let children):
            guard !children.isEmpty else {
                throw .notImplemented(
                    "Cannot write struct type '\(name)' with no child field to Parquet. Consider adding a dummy child "
                        + "field.")
            }
            var group = SchemaElement(name, repetition: repetition, childCount: Int32(clamping: children.count))
            if field.metadata[ExtensionType.nameKey] == "arrow.parquet.variant" {
                group.logicalType = .variant(version: 1)
            } else if field.metadata[logicalTypeKey] == "FILE" {
                try check(file: children, name)
                group.logicalType = .file
            }
            elements.append(group)
            for child in children { try add(child, depth: depth + 1) }
        case .list(let item), .largeList(let item), .listView(let item), .largeListView(let item),
            .fixedSizeList(let item, _):
            elements.append(
                SchemaElement(
                    name, repetition: repetition, childCount: 1, logicalType: .list, convertedType: .list))
            elements.append(SchemaElement("list", repetition: .repeated, childCount: 1))
            try add(item, named: options.usesCompliantNestedType ? "element" : nil, depth: depth + 1)
        case .map(let entries, _):
            let parts = entries.type.childFields
            guard parts.count == 2 else { throw .invalid("a map has keys and items, not \(parts.count) fields") }
            elements.append(
                SchemaElement(name, repetition: repetition, childCount: 1, logicalType: .map, convertedType: .map))
            elements.append(SchemaElement("key_value", repetition: .repeated, childCount: 2))
            var key = parts[0]
            key.isNullable = false
            try add(key, named: "key", depth: depth + 1)
            try add(parts[1], named: "value", depth: depth + 1)
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32,
            .time64, .timestamp, .duration, .decimal128, .dictionary, .stringView, .binaryView, .interval, .decimal32,
            .decimal64, .decimal256, .union, .runEndEncoded, .extension:
            var leaf = try leafElement(type)
            try annotate(&leaf, with: field.metadata)
            leaf.name = name
            leaf.repetition = repetition
            elements.append(leaf)
        }
        if let text = field.metadata[fieldIDKey], let id = Int32(text), id >= 0 { elements[start].fieldID = id }
    }

    /// What extension types mean in Parquet, on leaves of their storage type.
    private func annotate(_ leaf: inout SchemaElement, with metadata: Metadata) throws(MartletError) {
        switch (metadata[ExtensionType.nameKey], leaf.physicalType) {
        case ("arrow.uuid", .fixedLengthByteArray) where leaf.typeLength == 16:
            leaf.logicalType = .uuid
            leaf.convertedType = nil
        case ("arrow.json", .byteArray):
            leaf.logicalType = .json
            leaf.convertedType = .json
        case ("geoarrow.wkb", .byteArray) where leaf.logicalType == nil:
            let geometry = try GeoArrowMetadata(metadata.bytes(of: ExtensionType.metadataKey) ?? [])
            leaf.logicalType =
                switch geometry.edges {
                case .planar: .geometry(crs: geometry.crs)
                // The first is what readers take where nothing is said.
                case .spherical: .geography(crs: geometry.crs, algorithm: nil)
                case .vincenty: .geography(crs: geometry.crs, algorithm: 1)
                case .thomas: .geography(crs: geometry.crs, algorithm: 2)
                case .andoyer: .geography(crs: geometry.crs, algorithm: 3)
                case .karney: .geography(crs: geometry.crs, algorithm: 4)
                }
        case (_, _): break
        }
        switch (metadata[logicalTypeKey], leaf.physicalType, leaf.logicalType) {
        case ("BSON", .byteArray, nil):
            leaf.logicalType = .bson
            leaf.convertedType = .bson
        case ("ENUM", .byteArray, nil):
            leaf.logicalType = .enum
            leaf.convertedType = .enum
        case (_, _, _): break
        }
    }

    /// LogicalTypes.md, "FILE": which fields the group may have.
    private func check(file fields: [Field], _ name: String) throws(MartletError) {
        for field in fields {
            let types: [DataType] =
                switch field.name {
                case "uri", "content_type", "checksum": [.string, .largeString, .stringView]
                case "offset", "size": [.int64]
                case "inline": [.binary, .largeBinary, .binaryView]
                case _: []
                }
            guard types.contains(field.type), field.isNullable else {
                throw .invalid(
                    "group '\(name)' cannot be a FILE with the field '\(field.name)' of \(field.type)"
                        + "\(field.isNullable ? "" : " not null"): there are uri, content_type and checksum (string), offset "
                        + "and size (int64), and inline (binary), all nullable")
            }
        }
    }

    private func leafElement(_ type: DataType) throws(MartletError) -> SchemaElement {
        func leaf(
            _ physical: PhysicalType, _ logical: LogicalType? = nil, _ converted: ConvertedType? = nil,
            length: Int? = nil
        ) -> SchemaElement {
            SchemaElement(
                "", physical, typeLength: length.map { Int32(clamping: $0) }, logicalType: logical,
                convertedType: converted)
        }
        switch type {
        case .null: return leaf(.int32, .null)
        case .boolean: return leaf(.boolean)
        case .int8: return leaf(.int32, .integer(bitWidth: 8, isSigned: true), .int8)
        case .int16: return leaf(.int32, .integer(bitWidth: 16, isSigned: true), .int16)
        case .int32: return leaf(.int32)
        case .int64, .duration: return leaf(.int64)
        case .uint8: return leaf(.int32, .integer(bitWidth: 8, isSigned: false), .uint8)
        case .uint16: return leaf(.int32, .integer(bitWidth: 16, isSigned: false), .uint16)
        case .uint32:
            // Readers of version 1.0 know no unsigned types; 64 bits hold all values.
            return options.version == .v1_0
                ? leaf(.int64) : leaf(.int32, .integer(bitWidth: 32, isSigned: false), .uint32)
        case .uint64: return leaf(.int64, .integer(bitWidth: 64, isSigned: false), .uint64)
        case .float16: return leaf(.fixedLengthByteArray, .float16, length: 2)
        case .float32: return leaf(.float)
        case .float64: return leaf(.double)
        case .string, .largeString, .stringView: return leaf(.byteArray, .string, .utf8)
        case .binary, .largeBinary, .binaryView: return leaf(.byteArray)
        case .fixedSizeBinary(let width):
            guard width > 0 else {
                throw .invalid("Invalid FIXED_LEN_BYTE_ARRAY length: 0; cast the column to binary, which can be empty")
            }
            return leaf(.fixedLengthByteArray, length: width)
        case .date32, .date64: return leaf(.int32, .date, .date)
        case .time32:
            return leaf(
                .int32, .time(.millisecond, isAdjustedToUTC: options.marksTimesAsUTC),
                options.marksTimesAsUTC ? .timeMillis : nil)
        case .time64(let unit):
            return leaf(
                .int64, .time(unit, isAdjustedToUTC: options.marksTimesAsUTC),
                options.marksTimesAsUTC && unit == .microsecond ? .timeMicros : nil)
        case .timestamp(let unit, let zone): return try timestamp(unit, zone)
        case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
            .decimal128(let precision, let scale), .decimal256(let precision, let scale):
            return try decimal(precision, scale, type)
        case .union:
            throw .notImplemented(
                "Unhandled type for Arrow to Parquet schema conversion: \(type); write its fields as columns of their own"
            )
        // LogicalTypes.md, "INTERVAL": months, days and milliseconds.
        case .interval: return leaf(.fixedLengthByteArray, nil, .interval, length: 12)
        case .runEndEncoded, .extension:
            throw .notImplemented("Unhandled type for Arrow to Parquet schema conversion: \(type); cast it first")
        case .struct, .list, .largeList, .listView, .largeListView, .fixedSizeList, .map, .dictionary:
            throw .type("\(type) is not the type of a leaf")
        }
    }

    private func timestamp(_ unit: TimeUnit, _ zone: String?) throws(MartletError) -> SchemaElement {
        if options.usesDeprecatedInt96 { return SchemaElement("", .int96) }
        var target = options.coerceTimestamps ?? (unit == .second ? .millisecond : unit)
        if target == .nanosecond && options.version != .v2_6 {
            guard options.coerceTimestamps == nil else {
                throw .notImplemented(
                    "For Parquet version \(options.version.rawValue), can only coerce Arrow timestamps to milliseconds "
                        + "or microseconds")
            }
            target = .microsecond
        }
        if target == .second {
            throw .notImplemented("Can only coerce Arrow timestamps to milliseconds, microseconds, or nanoseconds")
        }
        // The converted type stands for local times too: older readers have no other sign that these are timestamps.
        let converted: ConvertedType? =
            switch target {
            case .millisecond: .timestampMillis
            case .microsecond: .timestampMicros
            case .second, .nanosecond: nil
            }
        return SchemaElement(
            "", .int64, logicalType: .timestamp(target, isAdjustedToUTC: !(zone ?? "").isEmpty),
            convertedType: converted)
    }

    private func decimal(_ precision: Int, _ scale: Int, _ type: DataType) throws(MartletError) -> SchemaElement {
        guard precision >= 1, precision <= 76 else {
            throw .invalid("decimal precision \(precision) is not in 1 ... 76")
        }
        guard scale >= 0, scale <= precision else {
            throw .invalid(
                "Parquet has decimals with a scale from 0 to the precision, not \(type); cast to another scale first")
        }
        let logical = LogicalType.decimal(precision: precision, scale: scale)
        if options.storesDecimalAsInteger && precision <= 18 {
            return SchemaElement(
                "", precision <= 9 ? .int32 : .int64, logicalType: logical, convertedType: .decimal)
        }
        return SchemaElement(
            "", .fixedLengthByteArray, typeLength: Int32(decimalByteWidth(precision: precision)),
            logicalType: logical, convertedType: .decimal)
    }
}

/// The fewest bytes whose two's complement holds every number of `precision` (1 ... 76) digits.
package func decimalByteWidth(precision: Int) -> Int {
    // A digit takes log2(10) bits, and the sign one more; no power of ten up to 10^76 is near enough to a power of two
    // for the rounding to matter.
    Int((Double(precision) * 3.321_928_094_887_362 + 1) / 8) + 1
}

/// The key of field metadata that asks for a logical type that no Arrow type stands for: FILE on structs, BSON and ENUM on
/// binary columns.
let logicalTypeKey = "PARQUET:logical_type"

/// The key of field metadata under which Parquet's field ids are kept.
let fieldIDKey = "PARQUET:field_id"
