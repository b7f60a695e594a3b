import Glibc
import MartletArrow
import MartletBase

/// Makes the array of a schema node out of what its leaves gave for one range of rows.
struct Assembly {
    /// By the leaf's position in the schema.
    let outputs: [Int: LeafOutput]
    let rows: Int

    /// The array of a node whose slots are the rows, or the items of a list.
    func array(_ node: ArrowNode) throws(MartletError) -> ArrayData {
        switch node.shape {
        case .leaf(let leaf): return try leafArray(node, leaf)
        case .group(let children):
            var arrays: [ArrayData] = []
            for child in children { arrays.append(try array(child)) }
            let count = arrays.first?.count ?? rows
            guard arrays.allSatisfy({ $0.count == count }) else {
                throw .corrupt("fields of '\(node.field.name)' have different numbers of values")
            }
            let (validity, nulls) = try groupValidity(node, count)
            let type = node.isUnshredded ? .struct(children.map(\.field)) : node.field.type
            let group = ArrayData(type: type, count: count, validity: validity, nullCount: nulls, children: arrays)
            return node.isUnshredded ? try VariantUnshredder.unshredded(group, as: node.field.type) : group
        case .list(let items, let levels): return try listArray(node, items[0], levels)
        }
    }

    /// The levels of the first leaf below `node`.
    private func levels(of node: ArrowNode) throws(MartletError) -> LeafOutput {
        guard let leaf = node.firstLeaf, let output = outputs[leaf.index], output.keepsLevels else {
            throw .invalid("the levels of '\(node.field.name)' were not kept")
        }
        return output
    }

    // MARK: Leaves

    private func leafArray(_ node: ArrowNode, _ leaf: LeafColumn) throws(MartletError) -> ArrayData {
        if leaf.maxRepetitionLevel == 0, node.field.type == .null {
            return ArrayData(type: .null, count: rows)
        }
        guard let output = outputs[leaf.index] else { throw .invalid("column '\(leaf.dottedPath)' was not read") }
        if leaf.maxRepetitionLevel > 0 { try placeSlots(output, node) }
        return try output.array(node.field.type)
    }

    /// Finds the slots of a repeated leaf in its levels, and moves its values there.
    private func placeSlots(_ output: LeafOutput, _ node: ArrowNode) throws(MartletError) {
        let entries = output.definitions.byteCount
        let levels = unsafe output.definitions.pointer(to: UInt8.self)
        let room = try BufferBuilder(uninitializedCount: entries)
        let kept = unsafe room.pointer(to: UInt8.self)
        let least = UInt8(node.slotDefinitionLevel)
        var slots = 0
        for i in 0..<entries {
            // Safety: `slots` is at most `i`, and both buffers have `entries` bytes.
            let level = unsafe levels[i]
            unsafe kept[slots] = level
            slots &+= level >= least ? 1 : 0
        }
        output.validity = SlotValidity(capacity: slots)
        try unsafe output.validity.append(
            levels: kept, count: slots, maximum: UInt8(output.plan.leaf.maxDefinitionLevel))
        output.slots = slots
        if let width = output.plan.fixedWidth {
            let base = try unsafe output.fixedRoom(at: 0, slots)
            if let bits = unsafe output.validity.pointer {
                unsafe spaceValues(base, width: width, count: slots, valid: output.denseCount, bits: bits, at: 0)
            }
        }
    }

    // MARK: Groups

    private func groupValidity(_ node: ArrowNode, _ count: Int) throws(MartletError) -> (Buffer?, Int) {
        guard node.isNullable else { return (nil, 0) }
        let output = try levels(of: node)
        let entries = output.definitions.byteCount
        var validity = SlotValidity(capacity: entries)
        let definitions = unsafe output.definitions.pointer(to: UInt8.self)
        let least = UInt8(node.definitionLevel)
        if output.plan.leaf.maxRepetitionLevel == 0 {
            try unsafe append(definitions, entries, atLeast: least, to: &validity)
        } else {
            let repetitions = unsafe output.repetitions.pointer(to: UInt8.self)
            let room = try BufferBuilder(uninitializedCount: entries)
            let kept = unsafe room.pointer(to: UInt8.self)
            var slots = 0
            for i in 0..<entries {
                // Safety: both lists have `entries` levels.
                unsafe kept[slots] = definitions[i]
                let reached = unsafe definitions[i] >= UInt8(node.slotDefinitionLevel)
                let starts = unsafe repetitions[i] <= UInt8(node.slotRepetitionLevel)
                slots &+= reached && starts ? 1 : 0
            }
            try unsafe append(kept, slots, atLeast: least, to: &validity)
        }
        guard validity.count == count else {
            throw .corrupt("'\(node.field.name)' has \(validity.count) slots, its fields have \(count)")
        }
        let nulls = validity.nullCount
        return (validity.finish(), nulls)
    }

    /// A bit for each level: 1 from `least` on.
    private func append(
        _ levels: UnsafeMutablePointer<UInt8>, _ count: Int, atLeast least: UInt8, to validity: inout SlotValidity
    ) throws(MartletError) {
        try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { room throws(MartletError) in
            var done = 0
            while done < count {
                let length = min(count - done, 1_024)
                for i in 0..<length { unsafe room[i] = levels[done &+ i] >= least ? 1 : 0 }
                try unsafe validity.append(levels: room.baseAddress!, count: length, maximum: 1)
                done += length
            }
        }
    }

    // MARK: Lists

    private func listArray(_ node: ArrowNode, _ item: ArrowNode, _ items: ArrowNode.ItemLevels)
        throws(MartletError) -> ArrayData
    {
        let child = try array(item)
        if case .map = node.field.type, let keys = child.children.first, keys.nullCount > 0 {
            throw .corrupt("the map '\(node.field.name)' has \(keys.nullCount) entries without key")
        }
        let output = try levels(of: node)
        switch node.field.type {
        case .largeList: return try list(node, child, output, items, Int64.self)
        case .listView: return try listView(node, list(node, child, output, items, Int32.self), Int32.self)
        case .largeListView: return try listView(node, list(node, child, output, items, Int64.self), Int64.self)
        case .fixedSizeList(_, let width): return try fixedList(node, child, output, items, width)
        default: return try list(node, child, output, items, Int32.self)
        }
    }

    private func list<Offset: OffsetValue>(
        _ node: ArrowNode, _ child: ArrayData, _ output: LeafOutput, _ items: ArrowNode.ItemLevels,
        _ type: Offset.Type
    ) throws(MartletError) -> ArrayData {
        guard Offset(exactly: child.count) != nil else {
            throw .capacity("\(child.count) items of '\(node.field.name)' in one array: read smaller batches")
        }
        let entries = output.definitions.byteCount
        let offsets = try BufferBuilder(uninitializedCount: (entries + 1) * MemoryLayout<Offset>.stride)
        let starts = unsafe offsets.pointer(to: Offset.self)
        let scan = try unsafe scanLists(node, output, items, starts: starts)
        guard scan.items == child.count else {
            throw .corrupt("the lists of '\(node.field.name)' have \(scan.items) items, there are \(child.count)")
        }
        unsafe starts[scan.slots] = Offset(truncatingIfNeeded: scan.items)
        var finished = consume offsets
        finished.truncate(to: (scan.slots + 1) * MemoryLayout<Offset>.stride)
        return ArrayData(
            type: node.field.type, count: scan.slots, validity: scan.validity, nullCount: scan.nullCount,
            buffers: [finished.finish()], children: [child])
    }

    /// A list of offsets with sizes beside them.
    private func listView<Offset: OffsetValue>(_ node: ArrowNode, _ list: ArrayData, _ type: Offset.Type)
        throws(MartletError) -> ArrayData
    {
        let sizes = try BufferBuilder(uninitializedCount: list.count * MemoryLayout<Offset>.stride)
        let offsets = list.buffers[0]
        // Safety: `list` made one offset more than slots.
        let (ends, size) = unsafe (offsets.pointer(to: Offset.self), sizes.pointer(to: Offset.self))
        for i in 0..<list.count { unsafe size[i] = ends[i + 1] - ends[i] }
        let starts = try offsets.slice(at: 0, count: list.count * MemoryLayout<Offset>.stride)
        return ArrayData(
            type: node.field.type, count: list.count, validity: list.validity, nullCount: list.nullCount,
            buffers: [starts, sizes.finish()], children: list.children)
    }

    private struct ListScan {
        var slots = 0
        var items = 0
        var validity: Buffer?
        var nullCount = 0
    }

    /// Walks through the levels of a list: where each slot's items start, and which slots are null.
    private func scanLists<Offset: OffsetValue>(
        _ node: ArrowNode, _ output: LeafOutput, _ items: ArrowNode.ItemLevels, starts: UnsafeMutablePointer<Offset>
    ) throws(MartletError) -> ListScan {
        let entries = output.definitions.byteCount
        let definitions = unsafe output.definitions.pointer(to: UInt8.self)
        let repetitions = unsafe output.repetitions.pointer(to: UInt8.self)
        let room = try BufferBuilder(uninitializedCount: entries)
        let valid = unsafe room.pointer(to: UInt8.self)
        let slotDefinition = UInt8(node.slotDefinitionLevel)
        let present = UInt8(node.definitionLevel)
        let itemDefinition = UInt8(items.definitionLevel)
        let itemRepetition = UInt8(items.repetitionLevel)
        var (slots, counted) = (0, 0)
        for i in 0..<entries {
            // Safety: both lists have `entries` levels; there are at most as many slots, and `starts` has one more.
            let (definition, repetition) = unsafe (definitions[i], repetitions[i])
            // No branches: which entry starts a list cannot be foreseen.
            let isWithin = repetition <= itemRepetition && definition >= slotDefinition
            unsafe starts[slots] = Offset(truncatingIfNeeded: counted)
            unsafe valid[slots] = definition >= present ? 1 : 0
            slots &+= isWithin && repetition < itemRepetition ? 1 : 0
            // Before the first list there are no items.
            counted &+= isWithin && definition >= itemDefinition && slots > 0 ? 1 : 0
        }
        var scan = ListScan(slots: slots, items: counted)
        var validity = SlotValidity(capacity: scan.slots)
        if node.isNullable { try unsafe validity.append(levels: valid, count: scan.slots, maximum: 1) }
        scan.nullCount = validity.nullCount
        scan.validity = validity.finish()
        return scan
    }

    /// Lists of one length: nulls take that many slots of the child as well.
    private func fixedList(
        _ node: ArrowNode, _ child: ArrayData, _ output: LeafOutput, _ items: ArrowNode.ItemLevels, _ width: Int
    ) throws(MartletError) -> ArrayData {
        let entries = output.definitions.byteCount
        let offsets = try BufferBuilder(uninitializedCount: (entries + 1) * 8)
        let starts = unsafe offsets.pointer(to: Int64.self)
        let scan = try unsafe scanLists(node, output, items, starts: starts)
        unsafe starts[scan.slots] = Int64(scan.items)
        guard scan.items == child.count else {
            throw .corrupt("the lists of '\(node.field.name)' have \(scan.items) items, there are \(child.count)")
        }
        let bitmap = try scan.validity.map { bits throws(MartletError) in try Bitmap(bits, count: scan.slots) }
        for i in 0..<scan.slots {
            let length = unsafe Int(starts[i + 1] - starts[i])
            guard length == width || bitmap?[i] == false && length == 0 else {
                throw .invalid("Expected all lists to be of size=\(width) but index \(i) had size=\(length)")
            }
        }
        var content = child
        if scan.nullCount > 0 {
            let gap = try ArrayData.nulls(child.type, count: width)
            var parts: [ArrayData] = []
            var i = 0
            while i < scan.slots {
                var end = i
                while end < scan.slots, bitmap?[end] != false { end += 1 }
                if end > i {
                    let start = unsafe Int(starts[i])
                    parts.append(try child.slice(at: start, count: (end - i) * width))
                }
                while end < scan.slots, bitmap?[end] == false {
                    parts.append(gap)
                    end += 1
                }
                i = end
            }
            content = try concatenate(parts, type: child.type)
        }
        return ArrayData(
            type: node.field.type, count: scan.slots, validity: scan.validity, nullCount: scan.nullCount,
            children: [content])
    }
}

extension ArrowNode {
    var firstLeaf: LeafColumn? {
        if case .leaf(let leaf) = shape { return leaf }
        return children.first?.firstLeaf
    }

    /// All leaves below, with their Arrow types and whether their levels are needed above them.
    func collectLeaves(_ body: (LeafColumn, DataType, _ keepsLevels: Bool) throws(MartletError) -> Void)
        throws(MartletError)
    {
        try collectLeaves(isNeeded: false, body)
    }

    private func collectLeaves(
        isNeeded: Bool, _ body: (LeafColumn, DataType, _ keepsLevels: Bool) throws(MartletError) -> Void
    ) throws(MartletError) {
        switch shape {
        case .leaf(let leaf): try body(leaf, field.type, isNeeded || leaf.maxRepetitionLevel > 0)
        case .group(let children), .list(let children, _):
            // The first leaf speaks for the nodes above it.
            for (i, child) in children.enumerated() {
                try child.collectLeaves(isNeeded: i == 0 && (isNeeded || isNullable), body)
            }
        }
    }
}

extension LeafOutput {
    /// The array of all slots; takes the memory of this output.
    func array(_ type: DataType) throws(MartletError) -> ArrayData {
        if type == .null { return ArrayData(type: .null, count: slots) }
        switch plan.family {
        case .bytes where type.isBinaryView: return try viewArray(type)
        case .bytes:
            return plan.type.layout.buffers[0] == .offsets32
                ? try bytesArray(type, Int32.self) : try bytesArray(type, Int64.self)
        case .fixed, .indices:
            let values = try takeFixed()
            let (validity, nulls) = takeValidity()
            return try fixedArray(
                type, values, count: slots, validity: validity, nullCount: nulls, dictionary: dictionary)
        }
    }

    /// Views into the bytes as they were decoded.
    private func viewArray(_ type: DataType) throws(MartletError) -> ArrayData {
        let values = try takeBytes()
        let builder = try BufferBuilder(uninitializedCount: try slots.multiplied(checked: 16))
        let (validity, nulls) = takeValidity()
        // Safety: there is a length for each slot that is not null, and the lengths together are those of the bytes.
        let windows = unsafe placeViews(
            values.lengths.pointer(to: Int32.self), UnsafeRawPointer(values.bytes.address), slots: slots,
            bits: validity?.pointer(to: UInt8.self), into: builder.address)
        let contents = values.takeBytes().finish()
        var buffers = [builder.finish()]
        for window in windows { buffers.append(try contents.slice(at: window.lowerBound, count: window.count)) }
        return ArrayData(type: type, count: slots, validity: validity, nullCount: nulls, buffers: buffers)
    }

    private func bytesArray<Offset: OffsetValue>(_ type: DataType, _ offset: Offset.Type) throws(MartletError)
        -> ArrayData
    {
        let values = try takeBytes()
        let builder = try BufferBuilder(uninitializedCount: (slots + 1) * MemoryLayout<Offset>.stride)
        // Safety: there are `slots + 1` offsets, and a length for each slot that is not null.
        let total = unsafe placeOffsets(
            values.lengths.pointer(to: Int32.self), count: values.count, slots: slots, bits: validity.pointer, from: 0,
            into: builder.pointer(to: Offset.self))
        unsafe builder.pointer(to: Offset.self)[slots] = total
        let (validity, nulls) = takeValidity()
        let bytes = values.takeBytes()
        return ArrayData(
            type: type, count: slots, validity: validity, nullCount: nulls,
            buffers: [builder.finish(), bytes.finish()])
    }
}

/// The start of each slot's bytes; lengths are those of the slots that are not null. Returns the end of the last.
func placeOffsets<Offset: OffsetValue>(
    _ lengths: UnsafePointer<Int32>, count: Int, slots: Int, bits: UnsafePointer<UInt8>?, from start: Offset,
    into target: UnsafeMutablePointer<Offset>
) -> Offset {
    var end = start
    if let bits = unsafe bits {
        // No branch: which slots are null cannot be foreseen. Behind the last value its length is read again and masked.
        var next = 0
        let last = max(count - 1, 0)
        for i in 0..<slots {
            unsafe target[i] = end
            let bit = unsafe Int(bits[i &>> 3] &>> UInt8(truncatingIfNeeded: i & 7) & 1)
            let length = unsafe count == 0 ? 0 : lengths[min(next, last)]
            end &+= Offset(truncatingIfNeeded: Int(length) & (0 &- bit))
            next &+= bit
        }
    } else {
        for i in 0..<slots {
            unsafe target[i] = end
            unsafe end &+= Offset(truncatingIfNeeded: lengths[i])
        }
    }
    return end
}

/// The view of each slot (Columnar format, "Variable-size Binary View Layout"); lengths are those of the slots that are
/// not null. Returns the windows of `bytes` that the views count as buffers, each short enough for 32-bit offsets.
private func placeViews(
    _ lengths: UnsafePointer<Int32>, _ bytes: UnsafeRawPointer, slots: Int, bits: UnsafePointer<UInt8>?,
    into target: UnsafeMutableRawPointer
) -> [Range<Int>] {
    let inline = 12
    var windows: [Range<Int>] = []
    var (windowStart, place, next) = (0, 0, 0)
    var hasLong = false
    for i in 0..<slots {
        let view = unsafe target + i * 16
        unsafe view.storeBytes(of: 0, as: UInt128.self)
        if let bits = unsafe bits, unsafe bits[i &>> 3] &>> UInt8(truncatingIfNeeded: i & 7) & 1 == 0 { continue }
        let length = unsafe Int(lengths[next])
        next &+= 1
        unsafe view.storeBytes(of: Int32(truncatingIfNeeded: length), as: Int32.self)
        if length <= inline {
            unsafe memcpy(view + 4, bytes + place, length)
        } else {
            if place &+ length &- windowStart > Int(Int32.max) {
                if hasLong { windows.append(windowStart..<place) }
                windowStart = place
            }
            hasLong = true
            unsafe memcpy(view + 4, bytes + place, 4)
            unsafe view.storeBytes(of: Int32(truncatingIfNeeded: windows.count), toByteOffset: 8, as: Int32.self)
            unsafe view.storeBytes(of: Int32(truncatingIfNeeded: place &- windowStart), toByteOffset: 12, as: Int32.self)
        }
        place &+= length
    }
    if hasLong { windows.append(windowStart..<place) }
    return windows
}

/// The array of values of fixed width, which become bits and indices here where the type wants them.
func fixedArray(
    _ type: DataType, _ values: Buffer, count: Int, validity: Buffer?, nullCount: Int, dictionary: BytesDictionary?
) throws(MartletError) -> ArrayData {
    var buffer = values
    var dictionaryArray: ArrayData?
    if type == .boolean {
        let bits = try BufferBuilder(uninitializedCount: (count + 7) / 8)
        // Safety: `values` has a byte for each of `count` slots.
        unsafe packBooleans(
            values.pointer(to: UInt8.self), count: count, into: bits.pointer(to: UInt8.self))
        buffer = bits.finish()
    } else if case .dictionary(let index, let value, _) = type, let dictionary {
        buffer = try narrowedIndices(values, count, index, dictionary.count)
        dictionaryArray = try dictionary.array(value)
    }
    return ArrayData(
        type: type, count: count, validity: validity, nullCount: nullCount, buffers: [buffer],
        dictionary: dictionaryArray)
}

/// Indices of 4 bytes as the index type of a dictionary array has them.
private func narrowedIndices(_ values: Buffer, _ count: Int, _ type: DataType, _ dictionaryCount: Int)
    throws(MartletError) -> Buffer
{
    func converted<Index: FixedWidthInteger & BitwiseCopyable>(_ index: Index.Type) throws(MartletError) -> Buffer {
        guard dictionaryCount == 0 || Index(exactly: dictionaryCount - 1) != nil else {
            throw .capacity(
                "a dictionary of \(dictionaryCount) values is too large for indices of type \(type); "
                    + "read the column with its value type")
        }
        let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: MemoryLayout<Index>.stride))
        let source = unsafe values.pointer(to: UInt32.self)
        let target = unsafe builder.pointer(to: Index.self)
        // Safety: both have room for `count` indices.
        for i in 0..<count { unsafe target[i] = Index(truncatingIfNeeded: source[i]) }
        return builder.finish()
    }
    switch type.nativeKind {
    case .int8: return try converted(Int8.self)
    case .int16: return try converted(Int16.self)
    case .int64: return try converted(Int64.self)
    case .uint8: return try converted(UInt8.self)
    case .uint16: return try converted(UInt16.self)
    case .uint64: return try converted(UInt64.self)
    case .int32, .uint32, .int128, .float16, .float32, .float64, nil: return values
    }
}

extension BytesDictionary {
    /// The values as an array of a string or binary type.
    func array(_ type: DataType) throws(MartletError) -> ArrayData {
        func build<Offset: OffsetValue>(_ offset: Offset.Type) throws(MartletError) -> ArrayData {
            guard Offset(exactly: bytes.count) != nil else {
                throw .capacity("a dictionary of \(bytes.count) bytes does not fit \(type)")
            }
            let builder = try BufferBuilder(uninitializedCount: (count + 1) * MemoryLayout<Offset>.stride)
            let offsets = unsafe builder.pointer(to: Offset.self)
            // Safety: there are `count + 1` offsets.
            for i in 0..<count { unsafe offsets[i] = Offset(truncatingIfNeeded: entry(i).start) }
            unsafe offsets[count] = Offset(truncatingIfNeeded: bytes.count)
            return ArrayData(type: type, count: count, buffers: [builder.finish(), bytes])
        }
        return type.layout.buffers[0] == .offsets32 ? try build(Int32.self) : try build(Int64.self)
    }
}
