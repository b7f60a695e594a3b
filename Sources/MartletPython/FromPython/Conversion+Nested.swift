import MartletArrow
import MartletBase

extension Conversion {
    // MARK: - Lists

    func lists<Offset: OffsetValue>(_ items: Items, _ type: DataType, _ field: Field, _: Offset.Type)
        throws(ItemFailure) -> ArrayData
    {
        try at { () throws(MartletError) in try items.pin() }
        if let arrays = try arrayLists(items, field, width: nil) {
            return try at { () throws(MartletError) in
                ArrayData(
                    type: type, count: items.count, validity: arrays.validity.buffer,
                    nullCount: arrays.validity.nullCount,
                    buffers: [try arrays.offsets(Offset.self)],
                    children: [try arrays.take(field.type, field.type.nativeKind?.byteWidth ?? 1)])
            }
        }
        let gathered = try at { () throws(MartletError) in try ItemsBuilder(capacity: items.count, python) }
        let (offsets, validity) = try offsets(items, Offset.self) { (object, _) throws(MartletError) in
            try gather(object, of: type, into: gathered)
            return gathered.count
        }
        let child = try descend(offsets, Offset.self, items.count) { () throws(ItemFailure) in
            try array(Items(owning: gathered, python), field.type)
        }
        var actual = field
        actual.type = child.type
        return ArrayData(
            type: Offset.self == Int32.self ? .list(actual) : .largeList(actual), count: items.count,
            validity: validity.buffer, nullCount: validity.nullCount, buffers: [offsets], children: [child])
    }

    /// One offset per item and one more. `gather` takes in an item that is not null and says how many there are now.
    private func offsets<Offset: OffsetValue>(
        _ items: Items, _: Offset.Type, gather: (Object, Int) throws(MartletError) -> Int
    ) throws(ItemFailure) -> (Buffer, ValidityBits) {
        let count = items.count
        let builder = try at { () throws(MartletError) in
            try items.pin()
            return try BufferBuilder(
                uninitializedCount: try (count + 1).multiplied(checked: MemoryLayout<Offset>.stride))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        let offsets = builder.pointer(to: Offset.self)
        var end: Offset = 0
        offsets[0] = 0
        for i in 0..<count {
            let object = items[i]
            try at(i) { () throws(MartletError) in
                try countSlowItem()
                if try isNull(object) { return validity.setNull(i) }
                let total = try gather(object, i)
                guard let fitting = Offset(exactly: total) else {
                    throw .capacity(
                        "List array cannot contain more than \(Offset.max) elements, have \(total); use large_list")
                }
                end = fitting
            }
            offsets[i + 1] = end
        }
        return (builder.finish(), validity)
    }

    /// Runs the conversion of the items of lists; a failure tells which list.
    private func descend<Offset: OffsetValue>(
        _ offsets: Buffer, _: Offset.Type, _ count: Int, _ convert: () throws(ItemFailure) -> ArrayData
    ) throws(ItemFailure) -> ArrayData {
        do throws(ItemFailure) { return try convert() } catch {
            let starts = offsets.pointer(to: Offset.self)
            // The last list that starts at or before the item, and is not empty.
            var (low, high) = (0, count)
            while low + 1 < high {
                let middle = (low + high) / 2
                if Int(starts[middle]) <= error.index { low = middle } else { high = middle }
            }
            throw error.inside(low, "[\(error.index - Int(starts[low]))]")
        }
    }

    /// Takes references to the items of one list.
    func gather(_ object: Object, of listType: DataType, into builder: ItemsBuilder) throws(MartletError) {
        let type = python.type(of: object)
        let layout = python.layout
        if type == python.listType && layout.hasLists {
            let count = object.load(fromByteOffset: 16, as: Int.self)
            guard count > 0, let items = object.load(fromByteOffset: 24, as: UnsafePointer<Object?>?.self) else {
                return
            }
            return try builder.append(items, count: count)
        }
        if type == python.tupleType && layout.hasTuples {
            let items = UnsafeRawPointer(object + 24).assumingMemoryBound(to: Object?.self)
            return try builder.append(items, count: object.load(fromByteOffset: 16, as: Int.self))
        }
        if python.isSubtype(type, of: foreign.numpyArray) {
            if try python.integerAttribute(object, "ndim") != 1 {
                let flat = try Owned(try oneDimension(object, listType), python)
                return try gather(flat.object, of: listType, into: builder)
            }
            // Plain Python objects are faster to read than NumPy's scalars, but do not tell units of time.
            let kind = numpyTypes.type(of: object)?.kind
            let list =
                kind == "M" || kind == "m"
                ? try Owned(python.listFrom(object), python)
                : try Owned(try python.callMethod(object, "tolist"), python)
            return try gather(list.object, of: listType, into: builder)
        }
        if case .map = listType, python.isKind(type, .dict) {
            let pairs = try Owned(python.dictItems(object), python)
            return try gather(pairs.object, of: listType, into: builder)
        }
        guard
            python.isSequence(object) != 0 || python.isSubtype(type, of: python.setType)
                || type == python.dictValuesType
        else { throw invalidType(object, "was not a sequence or recognized null for conversion to list type") }
        let tuple = try Owned(python.tupleFrom(object), python)
        let count = python.tupleSize(tuple.object)
        try builder.reserve(count)
        for i in 0..<count { try builder.append(python.tupleItem(tuple.object, i) ?? python.none) }
    }

    /// The values of an array of more (or less) than one dimension: its rows for lists of lists, all of them for lists of
    /// fixed size.
    private func oneDimension(_ array: Object, _ listType: DataType) throws(MartletError) -> Object {
        switch listType {
        case .fixedSizeList: return try python.callMethod(array, "ravel")
        case .list(let field), .largeList(let field), .listView(let field), .largeListView(let field):
            guard try python.integerAttribute(array, "ndim") > 1, field.type.isNested else { break }
            return try Owned(python.listFrom(array), python).give()
        default: break
        }
        throw .invalid("Can only convert 1-dimensional array values of \(listType) to a variable-sized list")
    }

    func fixedSizeLists(_ items: Items, _ type: DataType, _ field: Field, _ width: Int) throws(ItemFailure) -> ArrayData
    {
        let count = items.count
        let validity = try at { () throws(MartletError) in
            try items.pin()
            return try ValidityBits(count: count)
        }
        if let arrays = try arrayLists(items, field, width: width) {
            return try at { () throws(MartletError) in
                ArrayData(
                    type: type, count: count, validity: arrays.validity.buffer, nullCount: arrays.validity.nullCount,
                    children: [try arrays.take(field.type, field.type.nativeKind?.byteWidth ?? 1)])
            }
        }
        let gathered = try at { () throws(MartletError) in
            try ItemsBuilder(capacity: try count.multiplied(checked: width), python)
        }
        for i in 0..<count {
            try at(i) { () throws(MartletError) in
                try countSlowItem()
                let before = gathered.count
                if try isNull(items[i]) {
                    validity.setNull(i)
                    return try gathered.append(python.none, repeated: width)
                }
                try gather(items[i], of: type, into: gathered)
                guard gathered.count - before == width else {
                    throw .invalid(
                        "Length of item not correct: expected \(width) but got array of size \(gathered.count - before)"
                    )
                }
            }
        }
        let child: ArrayData
        do throws(ItemFailure) { child = try array(Items(owning: gathered, python), field.type) } catch {
            throw error.inside(error.index / max(width, 1), "[\(error.index % max(width, 1))]")
        }
        var actual = field
        actual.type = child.type
        return ArrayData(
            type: .fixedSizeList(actual, count: width), count: count, validity: validity.buffer,
            nullCount: validity.nullCount, children: [child])
    }

    // MARK: - Structs

    func structs(_ items: Items, _ type: DataType, _ fields: [Field]) throws(ItemFailure) -> ArrayData {
        let count = items.count
        let validity = try at { () throws(MartletError) in
            try items.pin()
            return try ValidityBits(count: count)
        }
        let reader = try at { () throws(MartletError) in try StructReader(fields.map(\.name), rows: count, self) }
        for i in 0..<count {
            try at(i) { () throws(MartletError) in
                try countSlowItem()
                if try isNull(items[i]) {
                    validity.setNull(i)
                    try reader.appendNulls()
                } else {
                    try reader.append(items[i])
                }
            }
        }
        var children: [ArrayData] = []
        var actual = fields
        for (i, field) in fields.enumerated() {
            do throws(ItemFailure) {
                let child = try array(Items(owning: reader.columns[i], python), field.type)
                children.append(child)
                actual[i].type = child.type
            } catch { throw error.inside(error.index, ".\(field.name)") }
        }
        return ArrayData(
            type: .struct(actual), count: count, validity: validity.buffer, nullCount: validity.nullCount,
            children: children)
    }

    // MARK: - Maps

    func maps(_ items: Items, _ type: DataType, _ entries: Field) throws(ItemFailure) -> ArrayData {
        let gathered = try at { () throws(MartletError) in try ItemsBuilder(capacity: items.count, python) }
        let (offsets, validity) = try offsets(items, Int32.self) { (object, _) throws(MartletError) in
            try gather(object, of: type, into: gathered)
            return gathered.count
        }
        let child = try descend(offsets, Int32.self, items.count) { () throws(ItemFailure) in
            let pairs = Items(owning: gathered, python)
            let child = try structs(pairs, entries.type, entries.type.childFields)
            guard child.nullCount == 0, child.children[0].nullCount == 0 else {
                let bad = (0..<pairs.count).first { !child.isValid($0) || !child.children[0].isValid($0) } ?? 0
                throw ItemFailure(bad, .invalid("Invalid Map: key field cannot contain null values"))
            }
            return child
        }
        var actual = entries
        actual.type = child.type
        guard case .map(_, let sorted) = type else { return child }
        return ArrayData(
            type: .map(entries: actual, keysSorted: sorted), count: items.count, validity: validity.buffer,
            nullCount: validity.nullCount, buffers: [offsets], children: [child])
    }
}
