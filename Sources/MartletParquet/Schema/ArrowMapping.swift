package import MartletArrow
package import MartletBase

/// A node of the Arrow schema of a file, with the levels by which its slots are found in the pages.
///
/// A slot of the node exists where the definition level reaches `slotDefinitionLevel` and the repetition level is at
/// most `slotRepetitionLevel`: those of the nearest repeated node above it.
package struct ArrowNode: Sendable {
    package enum Shape: Sendable {
        case leaf(LeafColumn)
        case group([ArrowNode])
        /// A list, large list, fixed-size list or map, and what it repeats.
        case list(item: [ArrowNode], ItemLevels)
    }

    /// The levels of a list's repeated node: from `definitionLevel` on there is an item, and at `repetitionLevel`
    /// another one of the same list.
    package struct ItemLevels: Sendable {
        package let definitionLevel: Int
        package let repetitionLevel: Int
    }

    package var field: Field
    package var shape: Shape
    /// Whether this is a shredded variant that is put together, of which `shape` has the columns and `field` the result.
    package var isUnshredded = false
    /// The definition level from which on a slot is not null.
    package let definitionLevel: Int
    package let slotDefinitionLevel: Int
    package let slotRepetitionLevel: Int
    /// Positions of the leaves below in the file's schema.
    package let leaves: Range<Int>

    /// Whether any slot can be null.
    package var isNullable: Bool { definitionLevel > slotDefinitionLevel }

    package var children: [ArrowNode] {
        switch shape {
        case .leaf: []
        case .group(let children): children
        case .list(let items, _): items
        }
    }
}

/// The Arrow schema of a Parquet schema, as pyarrow finds it.
package struct ArrowMapping: Sendable {
    /// One for each field of `schema`. They know extension types by their storage and by metadata.
    package let nodes: [ArrowNode]
    package let schema: Schema

    /// - Parameters:
    ///   - original: the schema that was written, when the file tells; it brings back what Parquet cannot say.
    ///   - options: columns that are read as dictionaries, units, forms of strings and lists, extension types.
    package init(
        _ parquet: ParquetSchema, original: Schema? = nil, metadata: Metadata = Metadata(),
        options: ReadOptions = ReadOptions()
    ) throws(MartletError) {
        let converter = MappingBuilder(schema: parquet, options: options, hasOriginal: original != nil)
        var nodes: [ArrowNode] = []
        let fits = original?.fields.count == parquet.root.children.count
        for (i, child) in parquet.root.children.enumerated() {
            let node = try adding(context: "column '\(child.name)'") { () throws(MartletError) in
                try converter.node(child, Slots(definitionLevel: 0, repetitionLevel: 0), depth: 1)
            }
            if fits, let field = original?.fields[i], field.name == child.name {
                nodes.append(converter.restored(node, field))
            } else {
                nodes.append(node)
            }
        }
        self.nodes = nodes
        schema = Schema(nodes.map(\.field), metadata: metadata).withExtensionsFromMetadata
    }

    /// Those of `columns` that name something, each once, in the order of the file.
    func known(_ columns: [String], _ leaves: [LeafColumn]) -> [String] {
        var seen: Set<String> = []
        var found: [(name: String, place: Int, turn: Int)] = []
        for (turn, name) in columns.enumerated() where seen.insert(name).inserted {
            var place = nodes.firstIndex { $0.field.name == name }
            if place == nil, let leaf = leaves.first(where: { "\($0.dottedPath).".hasPrefix("\(name).") }) {
                place = nodes.firstIndex { $0.leaves.contains(leaf.index) }
            }
            if let place { found.append((name, place, turn)) }
        }
        return found.sorted { ($0.place, $0.turn) < ($1.place, $1.turn) }.map(\.name)
    }

    /// The nodes that `columns` name, by the name of a top-level field or by a dotted path into it, in the order
    /// in which they are first named; what is below them keeps the file's. A path may leave out the nodes that lists and maps put between.
    package func projected(_ columns: [String]) throws(MartletError) -> [ArrowNode] {
        var wanted: [Int: [[Substring]]] = [:]
        var order: [Int] = []
        // A few names are looked for, many looked up: files may have thousands of columns.
        var places: [String: [Int]] = [:]
        if columns.count > 4 {
            for (index, node) in nodes.enumerated() { places[node.field.name, default: []].append(index) }
        }
        for name in columns {
            let named =
                columns.count > 4 ? places[name] ?? [] : nodes.indices.filter { nodes[$0].field.name == name }
            for index in named {
                if wanted.updateValue([[]], forKey: index) == nil { order.append(index) }
            }
            if !named.isEmpty { continue }
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard let index = nodes.firstIndex(where: { $0.field.name == parts[0] }), parts.count > 1,
                nodes[index].selecting([parts.dropFirst()]) != nil
            else {
                throw .key(
                    "Field \"\(name)\" does not exist in the file; it has "
                        + schema.names.prefix(20).joined(separator: ", "))
            }
            if wanted[index] == nil { order.append(index) }
            if wanted[index]?.contains([]) != true { wanted[index, default: []].append(Array(parts.dropFirst())) }
        }
        return order.compactMap { index in
            nodes[index].selecting((wanted[index] ?? []).map { $0[...] })
        }
    }
}

extension ArrowNode {
    /// This node with only those parts that a path leads to; nil when none leads anywhere.
    fileprivate func selecting(_ paths: [ArraySlice<Substring>]) -> ArrowNode? {
        if paths.contains(where: \.isEmpty) { return self }
        switch shape {
        case .leaf: return nil
        case .group(let children):
            let kept = children.compactMap { child in
                child.selecting(paths.filter { $0[$0.startIndex] == child.field.name }.map { $0.dropFirst() })
            }
            if kept.isEmpty { return nil }
            var copy = self
            copy.shape = .group(kept)
            copy.field.type = .struct(kept.map(\.field))
            copy.isUnshredded = false
            if kept.count < children.count {
                // Part of an extension type's storage is no longer of that type.
                copy.field.metadata.remove(ExtensionType.nameKey)
                copy.field.metadata.remove(ExtensionType.metadataKey)
            }
            return copy
        case .list(let items, let levels):
            // Parquet's own names of the repeated nodes may be part of the path.
            let inner = paths.map { path in
                var rest = path
                while let first = rest.first, ["list", "element", "key_value", "item", "array", "bag"].contains(first),
                    !items.contains(where: { node in node.children.contains { $0.field.name == first } })
                {
                    rest = rest.dropFirst()
                }
                return rest
            }
            if inner.contains(where: \.isEmpty) { return self }
            // A map needs both its keys and its items.
            if case .map = field.type { return nil }
            guard let item = items[0].selecting(inner) else { return nil }
            var copy = self
            copy.shape = .list(item: [item], levels)
            switch field.type {
            case .largeList: copy.field.type = .largeList(item.field)
            case .listView: copy.field.type = .listView(item.field)
            case .largeListView: copy.field.type = .largeListView(item.field)
            case .fixedSizeList(_, let count): copy.field.type = .fixedSizeList(item.field, count: count)
            default: copy.field.type = .list(item.field)
            }
            return copy
        }
    }
}

/// The levels of the nearest repeated node above.
struct Slots {
    var definitionLevel: Int
    var repetitionLevel: Int
}

private struct MappingBuilder {
    let schema: ParquetSchema
    private(set) var dictionaryColumns: Set<String>
    let int96Unit: TimeUnit
    private(set) var bytesForm: ReadOptions.BytesForm
    private(set) var listForm: ReadOptions.ListForm
    private(set) var usesExtensionTypes: Bool
    let unshredsVariants: Bool

    init(schema: ParquetSchema, options: ReadOptions, hasOriginal: Bool) {
        self.schema = schema
        dictionaryColumns = Set(options.dictionaryColumns)
        int96Unit = options.int96Unit
        // A stored schema says what was written.
        bytesForm = hasOriginal ? .offsets32 : options.bytesForm
        listForm = hasOriginal ? .offsets32 : options.listForm
        usesExtensionTypes = options.usesExtensionTypes
        unshredsVariants = options.unshredsVariants
    }

    func node(_ node: SchemaNode, _ slots: Slots, depth: Int) throws(MartletError) -> ArrowNode {
        guard depth <= DataType.maximumDepth else {
            throw .notImplemented("columns nested deeper than \(DataType.maximumDepth) levels cannot be read")
        }
        if node.repetition == .repeated {
            // A repeated node that no list annotation surrounds is a list of itself, neither it nor its items null.
            let inner = Slots(definitionLevel: node.definitionLevel, repetitionLevel: node.repetitionLevel)
            let item = try present(node, inner, depth: depth + 1)
            return list(node, item, slots, definitionLevel: slots.definitionLevel, outer: node)
        }
        return try present(node, slots, depth: depth)
    }

    /// `node` as a value that is there, its own repetition being taken care of.
    private func present(_ node: SchemaNode, _ slots: Slots, depth: Int) throws(MartletError) -> ArrowNode {
        if node.isLeaf { return try leaf(node, slots) }
        switch (node.element.logicalType, node.element.convertedType) {
        case (.list, _), (nil, .list): return try annotatedList(node, slots, depth: depth)
        case (.map, _), (nil, .map), (nil, .mapKeyValue): return try map(node, slots, depth: depth)
        case (_, _): return try group(node, slots, depth: depth)
        }
    }

    private func group(_ node: SchemaNode, _ slots: Slots, depth: Int) throws(MartletError) -> ArrowNode {
        guard !node.leaves.isEmpty else {
            throw .notImplemented("group '\(node.name)' without columns cannot be read")
        }
        var converter = self
        let isShredded = isShreddedVariant(node)
        if isShredded {
            // What puts variants together reads one form of strings and lists, and knows UUIDs by their name.
            converter.dictionaryColumns = []
            (converter.bytesForm, converter.listForm, converter.usesExtensionTypes) = (.offsets32, .offsets32, true)
        }
        var children: [ArrowNode] = []
        for child in node.children { children.append(try converter.node(child, slots, depth: depth + 1)) }
        var made = make(node, .struct(children.map(\.field)), .group(children), slots)
        if isShredded {
            made.isUnshredded = true
            made.field.type = .struct([Field("metadata", .binary, isNullable: false), Field("value", .binary)])
        }
        if usesExtensionTypes, case .variant = node.element.logicalType {
            // A group that breaks the rules of variants is read as what it is.
            let type = ExtensionType(name: "arrow.parquet.variant", storage: made.field.withExtensionsFromMetadata.type)
            if (try? CanonicalExtension(type)) != nil { made.field.name(extension: type.name) }
        }
        return made
    }

    private func isShreddedVariant(_ node: SchemaNode) -> Bool {
        guard unshredsVariants, case .variant = node.element.logicalType else { return false }
        let names = node.children.map(\.name)
        return names.contains("metadata") && names.contains("typed_value")
    }

    /// LogicalTypes.md, "Lists", with the rules for files of older writers.
    private func annotatedList(_ node: SchemaNode, _ slots: Slots, depth: Int) throws(MartletError) -> ArrowNode {
        guard node.children.count == 1, let repeated = node.children.first, repeated.repetition == .repeated else {
            throw .corrupt("LIST-annotated group '\(node.name)' must have one repeated child")
        }
        let inner = Slots(definitionLevel: repeated.definitionLevel, repetitionLevel: repeated.repetitionLevel)
        let isItem =
            repeated.isLeaf || repeated.children.count != 1 || repeated.name == "array"
            || repeated.name == node.name + "_tuple" || repeated.children[0].repetition == .repeated
        let item =
            isItem
            ? try present(repeated, inner, depth: depth + 1)
            : try self.node(repeated.children[0], inner, depth: depth + 1)
        return list(repeated, item, slots, definitionLevel: node.definitionLevel, outer: node)
    }

    private func list(
        _ repeated: SchemaNode, _ item: ArrowNode, _ slots: Slots, definitionLevel: Int, outer: SchemaNode
    ) -> ArrowNode {
        let type: DataType =
            switch listForm {
            case .offsets32: .list(item.field)
            case .offsets64: .largeList(item.field)
            case .views32: .listView(item.field)
            case .views64: .largeListView(item.field)
            }
        return ArrowNode(
            field: Field(
                outer.name, type, isNullable: outer.repetition == .optional, metadata: fieldMetadata(outer)),
            shape: .list(
                item: [item],
                ArrowNode.ItemLevels(
                    definitionLevel: repeated.definitionLevel, repetitionLevel: repeated.repetitionLevel)),
            definitionLevel: definitionLevel, slotDefinitionLevel: slots.definitionLevel,
            slotRepetitionLevel: slots.repetitionLevel, leaves: outer.leaves)
    }

    /// LogicalTypes.md, "Maps".
    private func map(_ node: SchemaNode, _ slots: Slots, depth: Int) throws(MartletError) -> ArrowNode {
        guard node.children.count == 1, let repeated = node.children.first, repeated.repetition == .repeated,
            !repeated.isLeaf, repeated.children.count == 1 || repeated.children.count == 2
        else {
            throw .corrupt("MAP-annotated group '\(node.name)' must have one repeated child of a key and a value")
        }
        // Keys without values are a set, which Arrow has as a list.
        if repeated.children.count == 1 { return try annotatedList(node, slots, depth: depth) }
        let inner = Slots(definitionLevel: repeated.definitionLevel, repetitionLevel: repeated.repetitionLevel)
        var key = try self.node(repeated.children[0], inner, depth: depth + 1)
        // Some writers mark keys as optional; there are none without.
        key.field.isNullable = false
        let value = try self.node(repeated.children[1], inner, depth: depth + 1)
        let entries = ArrowNode(
            field: Field("entries", .struct([key.field, value.field]), isNullable: false), shape: .group([key, value]),
            definitionLevel: inner.definitionLevel, slotDefinitionLevel: inner.definitionLevel,
            slotRepetitionLevel: inner.repetitionLevel, leaves: repeated.leaves)
        var map = list(repeated, entries, slots, definitionLevel: node.definitionLevel, outer: node)
        map.field.type = .map(entries: entries.field, keysSorted: false)
        return map
    }

    private func leaf(_ node: SchemaNode, _ slots: Slots) throws(MartletError) -> ArrowNode {
        let column = schema.leaves[node.leaves.lowerBound]
        var type = try column.arrowType()
        if type.isVariableBinary, dictionaryColumns.contains(column.dottedPath) {
            type = .dictionary(index: .int32, value: type, isOrdered: false)
        }
        if column.physicalType == .int96, case .timestamp(_, let zone) = type {
            type = .timestamp(int96Unit, timeZone: zone)
        }
        switch (type, bytesForm) {
        case (.string, .offsets64): type = .largeString
        case (.binary, .offsets64): type = .largeBinary
        case (.string, .views): type = .stringView
        case (.binary, .views): type = .binaryView
        case (_, _): break
        }
        var made = make(node, type, .leaf(column), slots)
        if usesExtensionTypes {
            switch column.meaning {
            case .uuid where type == .fixedSizeBinary(byteWidth: 16): made.field.name(extension: "arrow.uuid")
            case .json where [.string, .largeString, .stringView].contains(type): made.field.name(extension: "arrow.json")
            case _: break
            }
        }
        return made
    }

    private func make(_ node: SchemaNode, _ type: DataType, _ shape: ArrowNode.Shape, _ slots: Slots) -> ArrowNode {
        ArrowNode(
            field: Field(
                node.name, type, isNullable: node.repetition == .optional, metadata: fieldMetadata(node)),
            shape: shape, definitionLevel: node.definitionLevel, slotDefinitionLevel: slots.definitionLevel,
            slotRepetitionLevel: slots.repetitionLevel, leaves: node.leaves)
    }

    private func fieldMetadata(_ node: SchemaNode) -> Metadata {
        var metadata = Metadata()
        if let id = node.element.fieldID, id >= 0 { metadata.append(fieldIDKey, "\(id)") }
        // Nothing else in Arrow says so, and files that are written again shall be what they were.
        if !node.isLeaf, node.element.logicalType == .file { metadata.append(logicalTypeKey, "FILE") }
        return metadata
    }

    /// `node` with what `original` knows and Parquet cannot say. Where the two do not fit, `node` stays as it is.
    func restored(_ node: ArrowNode, _ original: Field) -> ArrowNode {
        var node = node
        for pair in original.metadata.pairs
        where !node.field.metadata.pairs.contains(where: { $0.key == pair.key }) && !isFieldID(pair) {
            node.field.metadata.pairs.append(pair)
        }
        if node.isUnshredded { return node }
        switch node.shape {
        case .leaf:
            node.field.type = restoredType(node.field.type, original.type)
        case .group(let children):
            guard case .struct(let fields) = original.type, fields.count == children.count else { return node }
            let pairs = zip(children, fields)
            guard pairs.allSatisfy({ $0.field.name == $1.name }) else { return node }
            let restored = pairs.map { self.restored($0, $1) }
            node.shape = .group(restored)
            node.field.type = .struct(restored.map(\.field))
        case .list(let items, let levels):
            let item = items[0]
            switch (node.field.type, original.type) {
            case (.map, .map(let entries, let sorted)):
                let parts = entries.type.childFields
                guard parts.count == 2, case .group(let children) = item.shape, children.count == 2 else { return node }
                let restored = zip(children, parts).map { self.restored($0, $1) }
                var entriesNode = item
                entriesNode.shape = .group(restored)
                entriesNode.field.type = .struct(restored.map(\.field))
                node.shape = .list(item: [entriesNode], levels)
                node.field.type = .map(entries: entriesNode.field, keysSorted: sorted)
            case (.list, .list(let field)):
                let restored = self.restored(item, field)
                node.shape = .list(item: [restored], levels)
                node.field.type = .list(restored.field)
            case (.list, .largeList(let field)):
                let restored = self.restored(item, field)
                node.shape = .list(item: [restored], levels)
                node.field.type = .largeList(restored.field)
            case (.list, .listView(let field)):
                let restored = self.restored(item, field)
                node.shape = .list(item: [restored], levels)
                node.field.type = .listView(restored.field)
            case (.list, .largeListView(let field)):
                let restored = self.restored(item, field)
                node.shape = .list(item: [restored], levels)
                node.field.type = .largeListView(restored.field)
            case (.list, .fixedSizeList(let field, let count)):
                let restored = self.restored(item, field)
                node.shape = .list(item: [restored], levels)
                node.field.type = .fixedSizeList(restored.field, count: count)
            case (_, _): break
            }
        }
        return node
    }

    /// Whether the file would say so itself, if it were so.
    private func isFieldID(_ pair: Metadata.Pair) -> Bool {
        guard pair.key == Array(fieldIDKey.utf8) else { return false }
        return Int32(String(decoding: pair.value, as: UTF8.self)).map { $0 >= 0 } ?? false
    }

    private func restoredType(_ type: DataType, _ original: DataType) -> DataType {
        switch (type, original) {
        case (.timestamp(let unit, let zone), .timestamp(_, let wanted)):
            // The file says UTC or not; which zone to show is only in the original.
            return zone != nil && wanted != nil ? .timestamp(unit, timeZone: wanted) : type
        case (.int64, .duration(let unit)): return .duration(unit)
        // Parquet has no such units: some writers store the plain integer, and only the original says what it counts.
        case (.int64, .timestamp(.second, _)), (.int64, .date64), (.int32, .time32(.second)): return original
        case (.interval, .interval): return original
        case (.string, .largeString): return .largeString
        case (.binary, .largeBinary): return .largeBinary
        case (.string, .stringView): return .stringView
        case (.binary, .binaryView): return .binaryView
        case (.decimal128(let precision, let scale), _), (.decimal256(let precision, let scale), _):
            // The width is the writer's; digits and scale are the file's.
            return original.decimalDigits.map { $0 == (precision, scale) } == true ? original : type
        case (.binary, .dictionary(let index, _, let ordered)), (.string, .dictionary(let index, _, let ordered)):
            return .dictionary(index: index, value: type, isOrdered: ordered)
        case (_, _): return type
        }
    }
}

extension Field {
    /// Names an extension type as files and doors do it: in the metadata of a field of its storage type.
    fileprivate mutating func name(extension name: String) {
        metadata.append(ExtensionType.nameKey, name)
        metadata.append(ExtensionType.metadataKey, "")
    }
}

extension LeafColumn {
    /// The Arrow type of the column by its logical or converted and its physical type, as in pyarrow, which has only the
    /// bytes of intervals.
    package func arrowType() throws(MartletError) -> DataType {
        if isInterval { return .interval(.monthDayNano) }
        switch meaning {
        case .null: return .null
        case .decimal(let precision, let scale):
            guard precision >= 1, scale >= 0 || precision <= 38 else { break }
            guard precision <= 76 else {
                throw .notImplemented(
                    "decimals of \(precision) digits cannot be read; at most 76 digits fit decimal256. "
                        + "Select the other columns")
            }
            if physicalType != .boolean, physicalType != .float, physicalType != .double, physicalType != .int96 {
                if physicalType == .fixedLengthByteArray, typeLength > 32 || typeLength == 0 { break }
                return precision <= 38
                    ? .decimal128(precision: precision, scale: scale) : .decimal256(precision: precision, scale: scale)
            }
        case .integer(let bitWidth, let isSigned) where physicalType == .int32 || physicalType == .int64:
            switch (bitWidth, isSigned, physicalType) {
            case (8, true, .int32): return .int8
            case (16, true, .int32): return .int16
            case (8, false, .int32): return .uint8
            case (16, false, .int32): return .uint16
            case (32, false, .int32): return .uint32
            case (64, false, .int64): return .uint64
            case (_, _, _): break
            }
        case .date where physicalType == .int32: return .date32
        case .time(.millisecond, _) where physicalType == .int32: return .time32(.millisecond)
        case .time(let unit, _) where physicalType == .int64 && unit != .millisecond: return .time64(unit)
        case .timestamp(let unit, let adjusted) where physicalType == .int64:
            return .timestamp(unit, timeZone: adjusted ? "UTC" : nil)
        case .string where physicalType == .byteArray, .json where physicalType == .byteArray: return .string
        case .float16 where physicalType == .fixedLengthByteArray && typeLength == 2: return .float16
        case .string, .map, .list, .enum, .date, .time, .timestamp, .integer, .json, .bson, .uuid, .float16, .variant,
            .geometry, .geography, .file, .unrecognized, nil:
            break
        }
        switch physicalType {
        case .boolean: return .boolean
        case .int32: return .int32
        case .int64: return .int64
        case .int96: return .timestamp(.nanosecond, timeZone: nil)
        case .float: return .float32
        case .double: return .float64
        case .byteArray: return .binary
        case .fixedLengthByteArray: return .fixedSizeBinary(byteWidth: typeLength)
        }
    }

    /// LogicalTypes.md, "INTERVAL", which is a converted type only.
    var isInterval: Bool {
        element.logicalType == nil && element.convertedType == .interval && physicalType == .fixedLengthByteArray
            && typeLength == 12
    }

    /// The logical type, or what the converted type stands for.
    package var meaning: LogicalType? {
        if let logical = element.logicalType { return logical }
        guard let converted = element.convertedType else { return nil }
        switch converted {
        case .utf8: return .string
        case .map, .mapKeyValue: return .map
        case .list: return .list
        case .enum: return .enum
        case .decimal: return .decimal(precision: Int(element.precision ?? 0), scale: Int(element.scale ?? 0))
        case .date: return .date
        case .timeMillis: return .time(.millisecond, isAdjustedToUTC: true)
        case .timeMicros: return .time(.microsecond, isAdjustedToUTC: true)
        case .timestampMillis: return .timestamp(.millisecond, isAdjustedToUTC: true)
        case .timestampMicros: return .timestamp(.microsecond, isAdjustedToUTC: true)
        case .uint8: return .integer(bitWidth: 8, isSigned: false)
        case .uint16: return .integer(bitWidth: 16, isSigned: false)
        case .uint32: return .integer(bitWidth: 32, isSigned: false)
        case .uint64: return .integer(bitWidth: 64, isSigned: false)
        case .int8: return .integer(bitWidth: 8, isSigned: true)
        case .int16: return .integer(bitWidth: 16, isSigned: true)
        case .int32: return .integer(bitWidth: 32, isSigned: true)
        case .int64: return .integer(bitWidth: 64, isSigned: true)
        case .json: return .json
        case .bson: return .bson
        case .interval: return nil
        }
    }
}
