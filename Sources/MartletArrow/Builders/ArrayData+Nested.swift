public import MartletBase

// Nested arrays of their parts. Each checks what it is given (`validate()`), and copies nothing but Swift arrays.

extension ArrayData {
    /// Lists of `values`: slot i is `offsets[i] ..< offsets[i + 1]`. `isLarge`: with 64-bit offsets.
    public static func list(
        offsets: [Int], of values: ArrayData, isLarge: Bool = false, validity: [Bool]? = nil, itemName: String = "item"
    ) throws(MartletError) -> ArrayData {
        let item = Field(itemName, values.type)
        return try made(
            isLarge ? .largeList(item) : .list(item), max(0, offsets.count - 1), validity,
            [isLarge ? try integers(offsets, Int64.self) : try integers(offsets, Int32.self)], [values])
    }

    /// List views of `values`: slot i is the `sizes[i]` values from `starts[i]` on.
    public static func listView(
        starts: [Int], sizes: [Int], of values: ArrayData, isLarge: Bool = false, validity: [Bool]? = nil
    ) throws(MartletError) -> ArrayData {
        guard starts.count == sizes.count else {
            throw .invalid("List offsets and sizes must be of the same length: \(starts.count) and \(sizes.count)")
        }
        let item = Field("item", values.type)
        let buffers =
            isLarge
            ? [try integers(starts, Int64.self), try integers(sizes, Int64.self)]
            : [try integers(starts, Int32.self), try integers(sizes, Int32.self)]
        return try made(isLarge ? .largeListView(item) : .listView(item), starts.count, validity, buffers, [values], isFull: true)
    }

    public static func fixedSizeList(
        of values: ArrayData, size: Int, validity: [Bool]? = nil
    ) throws(MartletError) -> ArrayData {
        guard size > 0 else { throw .invalid("list_size needs to be a strict positive value") }
        return try made(
            .fixedSizeList(Field("item", values.type), count: size), values.count / size, validity, [], [values])
    }

    public static func structure(
        _ columns: [(name: String, values: ArrayData)], validity: [Bool]? = nil
    ) throws(MartletError) -> ArrayData {
        let count = columns.first?.values.count ?? validity?.count ?? 0
        for column in columns where column.values.count != count {
            throw .invalid("Mismatching child array lengths: \(column.name) has \(column.values.count), expected \(count)")
        }
        return try made(
            .struct(columns.map { Field($0.name, $0.values.type) }), count, validity, [], columns.map(\.values))
    }

    /// Maps of `keys` to `items`: slot i is the entries `offsets[i] ..< offsets[i + 1]`.
    public static func map(
        offsets: [Int], keys: ArrayData, items: ArrayData, validity: [Bool]? = nil
    ) throws(MartletError) -> ArrayData {
        guard keys.count == items.count else {
            throw .invalid("Map key and item arrays must be equal length: \(keys.count) and \(items.count)")
        }
        guard keys.nullCount == 0 else { throw .invalid("Map keys cannot be null, but \(keys.nullCount) are") }
        let entries = DataType.struct([Field("key", keys.type, isNullable: false), Field("value", items.type)])
        let pairs = ArrayData(type: entries, count: keys.count, children: [keys, items])
        return try made(
            .map(entries: Field("entries", entries, isNullable: false), keysSorted: false), max(0, offsets.count - 1),
            validity, [try integers(offsets, Int32.self)], [pairs])
    }

    /// A sparse union: all children are as long as `typeIDs`. Without `ids` the children's are 0, 1, 2, ...
    public static func sparseUnion(
        typeIDs: [Int8], _ children: [(name: String, values: ArrayData)], ids: [Int8]? = nil
    ) throws(MartletError) -> ArrayData {
        try made(
            try .checkedUnion(
                .sparse, fields: children.map { Field($0.name, $0.values.type) }, typeIds: ids?.map { Int($0) }),
            typeIDs.count, nil, [try Buffer(typeIDs)], children.map(\.values), isFull: true)
    }

    /// A dense union: slot i is slot `offsets[i]` of the child of id `typeIDs[i]`.
    public static func denseUnion(
        typeIDs: [Int8], offsets: [Int32], _ children: [(name: String, values: ArrayData)], ids: [Int8]? = nil
    ) throws(MartletError) -> ArrayData {
        guard typeIDs.count == offsets.count else {
            throw .invalid("Union type ids and offsets must be of the same length: \(typeIDs.count) and \(offsets.count)")
        }
        return try made(
            try .checkedUnion(
                .dense, fields: children.map { Field($0.name, $0.values.type) }, typeIds: ids?.map { Int($0) }),
            typeIDs.count, nil, [try Buffer(typeIDs), try Buffer(offsets)], children.map(\.values), isFull: true)
    }

    /// Run i has value i and ends before slot `runEnds[i]`. `type`: int16, int32 or int64.
    public static func runEndEncoded(
        runEnds: [Int], values: ArrayData, as type: DataType = .int32
    ) throws(MartletError) -> ArrayData {
        try made(
            try .checkedRunEndEncoded(runEnds: Field("run_ends", type, isNullable: false), values: Field("values", values.type)),
            runEnds.last ?? 0, nil, [], [try ArrayData.runEnds(runEnds, type), values], isFull: true)
    }

    /// Values by their indices into `dictionary`; `indices` is an integer array, whose nulls are the nulls of the result.
    public static func dictionary(
        indices: ArrayData, values dictionary: ArrayData, isOrdered: Bool = false
    ) throws(MartletError) -> ArrayData {
        guard indices.type.isInteger else { throw .type("Dictionary type's index type should be integer, got \(indices.type)") }
        let result = ArrayData(
            type: .dictionary(index: indices.type, value: dictionary.type, isOrdered: isOrdered), count: indices.count,
            offset: indices.offset, validity: indices.validity, nullCount: indices.knownNullCount,
            buffers: indices.buffers, dictionary: dictionary)
        try result.validate(full: true)
        return result
    }

    /// The same slots as values of an extension type; a canonical one is checked.
    public func asExtension(named name: String, metadata: [UInt8] = []) throws(MartletError) -> ArrayData {
        let outer = ExtensionType(name: name, metadata: metadata, storage: type)
        _ = try CanonicalExtension(outer)
        return reinterpreted(as: .extension(outer))
    }

    private static func made(
        _ type: DataType, _ count: Int, _ valid: [Bool]?, _ buffers: [Buffer], _ children: [ArrayData], isFull: Bool = false
    ) throws(MartletError) -> ArrayData {
        var validity = try ValidityBuilder()
        if let valid, valid.count != count { throw .invalid("validity has \(valid.count) slots, expected \(count)") }
        for flag in valid ?? [] { try validity.append(flag) }
        let (bits, nullCount) = validity.finish()
        let result = ArrayData(
            type: type, count: count, validity: bits, nullCount: nullCount, buffers: buffers, children: children)
        try result.validate(full: isFull)
        return result
    }

    private static func integers<Value: FixedWidthInteger & BitwiseCopyable>(
        _ numbers: [Int], _ type: Value.Type
    ) throws(MartletError) -> Buffer {
        if let wide = numbers.first(where: { Value(exactly: $0) == nil }) {
            throw .capacity("\(wide) does not fit \(Value.bitWidth) bits; use the large type")
        }
        return try Buffer(numbers.map { Value(truncatingIfNeeded: $0) })
    }
}
