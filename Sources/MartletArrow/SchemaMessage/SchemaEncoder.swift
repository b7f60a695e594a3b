package import MartletBase

/// Numbers of Schema.fbs and Message.fbs.
package enum SchemaFormat {
    /// `MetadataVersion.V5`.
    package static let metadataVersion: Int16 = 4
    package static let continuation: UInt32 = 0xFFFF_FFFF
    package enum Header {
        package static let schema: UInt8 = 1
        package static let dictionaryBatch: UInt8 = 2
        package static let recordBatch: UInt8 = 3
    }
}

/// A schema as IPC and `ARROW:schema` carry it (Schema.fbs; Columnar format, "Schema message").
///
/// Dictionary-encoded fields get ids in the order in which they are met, outer before inner: 0, 1, 2, ...
package enum SchemaMessage {
    /// The schema as a whole encapsulated message: continuation, length, metadata, padding.
    package static func encode(_ schema: Schema) throws(MartletError) -> Buffer {
        var builder = FlatBuilder()
        let header = try SchemaEncoder.schema(schema, in: &builder)
        return try encapsulate(message(builder, header: header, type: SchemaFormat.Header.schema, bodyLength: 0))
    }

    /// The `Message` table around a header that `builder` has written.
    package static func message(
        _ builder: consuming FlatBuilder, header: Int, type: UInt8, bodyLength: Int, metadata: Metadata = Metadata(),
        version: Int16 = SchemaFormat.metadataVersion
    ) -> [UInt8] {
        located(builder, header: header, type: type, bodyLength: bodyLength, metadata: metadata, version: version).bytes
    }

    /// The message, and where its body's length lies, from the end.
    package static func located(
        _ builder: consuming FlatBuilder, header: Int, type: UInt8, bodyLength: Int, metadata: Metadata, version: Int16
    ) -> (bytes: [UInt8], bodyLength: Int) {
        var builder = builder
        var fields: FlatBuilder.Slots = [
            0: .int16(version), 1: .uint8(type), 2: .reference(header), 3: .int64(Int64(bodyLength)),
        ]
        if !metadata.isEmpty { fields[4] = .reference(SchemaEncoder.metadata(metadata, in: &builder)) }
        let root = builder.table(fields)
        let place = builder.places[3]
        return (builder.finish(root: root), place)
    }

    /// Metadata bytes behind the continuation marker and their length, padded so that the body starts aligned. Before
    /// format 0.15 there was no marker: that is the legacy form.
    package static func encapsulate(_ metadata: [UInt8], alignment: Int = 8, isLegacy: Bool = false)
        throws(MartletError) -> Buffer
    {
        let prefix = isLegacy ? 4 : 8
        let padded = (metadata.count + prefix).roundedUp(to: alignment) - prefix
        var builder = try BufferBuilder(byteCapacity: padded + prefix)
        if !isLegacy { try builder.append(SchemaFormat.continuation) }
        try builder.append(UInt32(padded))
        try unsafe builder.append(metadata.span.bytes)
        try builder.appendZeros(padded - metadata.count)
        return builder.finish()
    }
}

package enum SchemaEncoder {
    /// Writes the `Schema` table and returns its place. Throws `notImplemented` for dictionaries of dictionaries: the
    /// format has one encoding a field.
    package static func schema(_ schema: Schema, in builder: inout FlatBuilder) throws(MartletError) -> Int {
        var nextID: Int64 = 0
        var fields: [Int] = []
        for field in schema.fields { fields.append(try self.field(field, &nextID, in: &builder)) }
        var slots: FlatBuilder.Slots = [1: .reference(builder.vector(fields))]
        if !schema.metadata.isEmpty { slots[2] = .reference(metadata(schema.metadata, in: &builder)) }
        return builder.table(slots)
    }

    package static func metadata(_ metadata: Metadata, in builder: inout FlatBuilder) -> Int {
        let pairs = metadata.pairs.map { pair in
            let key = builder.string(pair.key)
            let value = builder.string(pair.value)
            return builder.table([0: .reference(key), 1: .reference(value)])
        }
        return builder.vector(pairs)
    }

    private static func field(_ field: Field, _ nextID: inout Int64, in builder: inout FlatBuilder)
        throws(MartletError) -> Int
    {
        if case .extension = field.type { return try self.field(field.withExtensionAsMetadata, &nextID, in: &builder) }
        var slots: FlatBuilder.Slots = [1: .bool(field.isNullable)]
        var valueType = field.type
        if case .dictionary(let index, let value, let isOrdered) = field.type {
            if case .dictionary = value.storage {
                throw .notImplemented(
                    "field \(field.name): \(field.type) cannot be serialized; decode the inner dictionary first")
            }
            if case .extension(let type) = value {
                // The field's metadata names an extension around the dictionary, not one of its values.
                throw .notImplemented(
                    "field \(field.name): dictionaries of \(value) cannot be serialized; cast the values to \(type.storage)")
            }
            valueType = value
            let indexType = type(index, in: &builder).table
            slots[4] = .reference(
                builder.table([0: .int64(nextID), 1: .reference(indexType), 2: .bool(isOrdered)]))
            nextID += 1
        }
        var children: [Int] = []
        for child in valueType.childFields { children.append(try self.field(child, &nextID, in: &builder)) }
        slots[5] = .reference(builder.vector(children))
        if !field.metadata.isEmpty { slots[6] = .reference(metadata(field.metadata, in: &builder)) }
        slots[0] = .reference(builder.string(field.name.utf8))
        let (code, table) = type(valueType, in: &builder)
        slots[2] = .uint8(code)
        slots[3] = .reference(table)
        return builder.table(slots)
    }

    /// The member of the `Type` union and its table.
    package static func type(_ type: DataType, in builder: inout FlatBuilder) -> (code: UInt8, table: Int) {
        func integer(_ bits: Int32, signed: Bool) -> (UInt8, Int) {
            (2, builder.table([0: .int32(bits), 1: .bool(signed)]))
        }
        func decimal(_ bits: Int32, _ precision: Int, _ scale: Int) -> (UInt8, Int) {
            (7, builder.table([0: .int32(Int32(precision)), 1: .int32(Int32(scale)), 2: .int32(bits)]))
        }
        switch type {
        case .null: return (1, builder.table([:]))
        case .int8: return integer(8, signed: true)
        case .int16: return integer(16, signed: true)
        case .int32: return integer(32, signed: true)
        case .int64: return integer(64, signed: true)
        case .uint8: return integer(8, signed: false)
        case .uint16: return integer(16, signed: false)
        case .uint32: return integer(32, signed: false)
        case .uint64: return integer(64, signed: false)
        case .float16: return (3, builder.table([0: .int16(0)]))
        case .float32: return (3, builder.table([0: .int16(1)]))
        case .float64: return (3, builder.table([0: .int16(2)]))
        case .binary: return (4, builder.table([:]))
        case .string: return (5, builder.table([:]))
        case .boolean: return (6, builder.table([:]))
        case .decimal32(let precision, let scale): return decimal(32, precision, scale)
        case .decimal64(let precision, let scale): return decimal(64, precision, scale)
        case .decimal128(let precision, let scale): return decimal(128, precision, scale)
        case .decimal256(let precision, let scale): return decimal(256, precision, scale)
        case .interval(let unit): return (11, builder.table([0: .int16(unit.rawValue)]))
        case .date32: return (8, builder.table([0: .int16(0)]))
        case .date64: return (8, builder.table([0: .int16(1)]))
        case .time32(let unit): return (9, builder.table([0: .int16(unit.rawValue), 1: .int32(32)]))
        case .time64(let unit): return (9, builder.table([0: .int16(unit.rawValue), 1: .int32(64)]))
        case .timestamp(let unit, let zone):
            var slots: FlatBuilder.Slots = [0: .int16(unit.rawValue)]
            if let zone { slots[1] = .reference(builder.string(zone.utf8)) }
            return (10, builder.table(slots))
        case .list: return (12, builder.table([:]))
        case .struct: return (13, builder.table([:]))
        case .fixedSizeBinary(let width): return (15, builder.table([0: .int32(Int32(width))]))
        case .fixedSizeList(_, let count): return (16, builder.table([0: .int32(Int32(count))]))
        case .map(_, let keysSorted): return (17, builder.table([0: .bool(keysSorted)]))
        case .duration(let unit): return (18, builder.table([0: .int16(unit.rawValue)]))
        case .largeBinary: return (19, builder.table([:]))
        case .largeString: return (20, builder.table([:]))
        case .largeList: return (21, builder.table([:]))
        case .union(let mode, _, let typeIds):
            let ids = builder.vector(typeIds.map { Int32($0) })
            return (14, builder.table([0: .int16(mode.rawValue), 1: .reference(ids)]))
        case .runEndEncoded: return (22, builder.table([:]))
        case .binaryView: return (23, builder.table([:]))
        case .stringView: return (24, builder.table([:]))
        case .listView: return (25, builder.table([:]))
        case .largeListView: return (26, builder.table([:]))
        // `field` writes the encoding, and the extension as metadata.
        case .dictionary(_, let value, _): return self.type(value, in: &builder)
        case .extension(let type): return self.type(type.storage, in: &builder)
        }
    }
}
