package import MartletBase

extension SchemaMessage {
    /// Reads an encapsulated schema message, with or without the continuation marker (before format 0.15 there was none).
    package static func decode(_ bytes: RawSpan) throws(MartletError) -> Schema {
        var cursor = ByteCursor(bytes)
        var length = try cursor.read(UInt32.self)
        if length == SchemaFormat.continuation { length = try cursor.read(UInt32.self) }
        // A copy: FlatTable keeps what it reads.
        let metadata = try Buffer(copying: try cursor.readSpan(Int(length)))
        let message = try FlatTable(rootOf: metadata)
        try checkVersion(try message.scalar(0, default: 0 as Int16))
        guard try message.scalar(1, default: 0 as UInt8) == SchemaFormat.Header.schema, let table = try message.table(2) else {
            throw .corrupt("Expected a schema message")
        }
        return try SchemaDecoder.schema(table).schema
    }

    /// Refuses metadata of versions that are too old (before V4) or not yet known (after V5).
    package static func checkVersion(_ version: Int16) throws(MartletError) {
        guard version >= 3 else { throw .invalid("Old metadata version not supported: V\(Int(version) + 1); V4 and V5 are") }
        guard version <= SchemaFormat.metadataVersion else {
            throw .invalid("Unsupported future MetadataVersion: V\(Int(version) + 1); V4 and V5 are supported")
        }
    }
}

package enum SchemaDecoder {
    /// A schema and the ids of its dictionary-encoded fields, in the order in which they are met, outer before inner.
    package struct Decoded: Sendable {
        package var schema: Schema
        package var dictionaryIDs: [Int64] = []
        /// Whether the values of bodies have their highest byte first. Metadata never has.
        package var isBigEndian = false

        package init(schema: Schema, dictionaryIDs: [Int64], isBigEndian: Bool) {
            self.schema = schema
            self.dictionaryIDs = dictionaryIDs
            self.isBigEndian = isBigEndian
        }

        /// As `SchemaEncoder` numbers the dictionaries of `schema`.
        package init(numbering schema: Schema) {
            func count(_ type: DataType) -> Int {
                if case .dictionary(_, let value, _) = type { return 1 + count(value) }
                return type.childFields.reduce(0) { $0 + count($1.type) }
            }
            let total = schema.fields.reduce(0) { $0 + count($1.type) }
            self.init(schema: schema, dictionaryIDs: (0..<Int64(total)).map { $0 }, isBigEndian: false)
        }
    }

    package static func schema(_ table: FlatTable) throws(MartletError) -> Decoded {
        let endianness = try table.scalar(0, default: 0 as Int16)
        guard endianness == 0 || endianness == 1 else { throw .corrupt("unknown endianness \(endianness) of the schema") }
        var ids: [Int64] = []
        var fields: [Field] = []
        if let vector = try table.vector(1, elementSize: 4) {
            for i in 0..<vector.count { fields.append(try field(try vector.table(i), &ids, depth: 1)) }
        }
        return Decoded(
            schema: Schema(fields, metadata: try metadata(table, slot: 2)), dictionaryIDs: ids,
            isBigEndian: endianness == 1)
    }

    package static func metadata(_ table: FlatTable, slot: Int) throws(MartletError) -> Metadata {
        var metadata = Metadata()
        guard let vector = try table.vector(slot, elementSize: 4) else { return metadata }
        for i in 0..<vector.count {
            let pair = try vector.table(i)
            metadata.pairs.append(.init(key: try pair.bytes(0) ?? [], value: try pair.bytes(1) ?? []))
        }
        return metadata
    }

    private static func field(_ table: FlatTable, _ ids: inout [Int64], depth: Int) throws(MartletError) -> Field {
        guard depth <= DataType.maximumDepth else {
            throw .invalid("the schema is nested deeper than \(DataType.maximumDepth) levels")
        }
        let name = try table.string(0) ?? ""
        let encoding = try table.table(4)
        if let encoding { ids.append(try encoding.scalar(0, default: 0 as Int64)) }
        var children: [Field] = []
        if let vector = try table.vector(5, elementSize: 4) {
            for i in 0..<vector.count { children.append(try field(try vector.table(i), &ids, depth: depth + 1)) }
        }
        let code = try table.scalar(2, default: 0 as UInt8)
        guard let typeTable = try table.table(3) else { throw .corrupt("Type-pointer in custom metadata of field \(name) is null") }
        var type = try adding(context: "field \(name)") { () throws(MartletError) in
            try self.type(code, typeTable, children)
        }
        if let encoding {
            let index = try encoding.table(1).map { table throws(MartletError) in try integer(table) } ?? .int32
            type = .dictionary(index: index, value: type, isOrdered: try encoding.flag(2))
        }
        return Field(name, type, isNullable: try table.flag(1), metadata: try metadata(table, slot: 6))
            .withExtensionFromMetadata
    }

    /// The type that a member of the `Type` union stands for.
    package static func type(_ code: UInt8, _ table: FlatTable, _ children: [Field]) throws(MartletError) -> DataType {
        func child() throws(MartletError) -> Field {
            guard children.count == 1 else { throw .corrupt("a list has \(children.count) children, expected 1") }
            return children[0]
        }
        func unit(default value: Int16) throws(MartletError) -> TimeUnit {
            let raw = try table.scalar(0, default: value)
            guard let unit = TimeUnit(rawValue: raw) else { throw .corrupt("unknown time unit \(raw)") }
            return unit
        }
        func size() throws(MartletError) -> Int { try Int(size: try table.scalar(0, default: 0 as Int32), "width") }
        switch code {
        case 1: return .null
        case 2: return try integer(table)
        case 3:
            let precision = try table.scalar(0, default: 0 as Int16)
            guard (0...2).contains(precision) else { throw .corrupt("unknown floating-point precision \(precision)") }
            return [.float16, .float32, .float64][Int(precision)]
        case 4: return .binary
        case 5: return .string
        case 6: return .boolean
        case 7:
            let bits = try table.scalar(2, default: 128 as Int32)
            let precision = Int(try table.scalar(0, default: 0 as Int32))
            return try .checkedDecimal(
                bits: Int(bits), precision: precision, scale: Int(try table.scalar(1, default: 0 as Int32)))
        case 8: return try table.scalar(0, default: 1 as Int16) == 0 ? .date32 : .date64
        case 9:
            let unit = try unit(default: 1)
            let bits = try table.scalar(1, default: 32 as Int32)
            switch (unit, bits) {
            case (.second, 32), (.millisecond, 32): return .time32(unit)
            case (.microsecond, 64), (.nanosecond, 64): return .time64(unit)
            case (_, _): throw .corrupt("time of \(unit) in \(bits) bits")
            }
        case 10:
            let zone = try table.string(1)
            return .timestamp(try unit(default: 0), timeZone: zone == "" ? nil : zone)
        case 11:
            let raw = try table.scalar(0, default: 0 as Int16)
            guard let unit = IntervalUnit(rawValue: raw) else { throw .corrupt("unknown interval unit \(raw)") }
            return .interval(unit)
        case 12: return .list(try child())
        case 13: return .struct(children)
        case 14:
            let raw = try table.scalar(0, default: 0 as Int16)
            guard let mode = UnionMode(rawValue: raw) else { throw .corrupt("unknown union mode \(raw)") }
            let ids = try table.vector(1, elementSize: 4)?.all(Int32.self).map { Int($0) }
            return try .checkedUnion(mode, fields: children, typeIds: ids)
        case 15: return .fixedSizeBinary(byteWidth: try size())
        case 16: return .fixedSizeList(try child(), count: try size())
        case 17:
            return try .checkedMap(entries: try child(), keysSorted: try table.flag(0))
        case 18: return .duration(try unit(default: 1))
        case 19: return .largeBinary
        case 20: return .largeString
        case 21: return .largeList(try child())
        case 22:
            guard children.count == 2 else {
                throw .corrupt("a run-end encoded field has \(children.count) children, expected 2")
            }
            return try .checkedRunEndEncoded(runEnds: children[0], values: children[1])
        case 23: return .binaryView
        case 24: return .stringView
        case 25: return .listView(try child())
        case 26: return .largeListView(try child())
        case let code: throw .corrupt("unknown type code \(code)")
        }
    }

    package static func integer(_ table: FlatTable) throws(MartletError) -> DataType {
        let bits = try table.scalar(0, default: 0 as Int32)
        switch (bits, try table.flag(1)) {
        case (8, true): return .int8
        case (16, true): return .int16
        case (32, true): return .int32
        case (64, true): return .int64
        case (8, false): return .uint8
        case (16, false): return .uint16
        case (32, false): return .uint32
        case (64, false): return .uint64
        case (_, _): throw .corrupt("integers of \(bits) bits")
        }
    }
}
