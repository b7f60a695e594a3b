import MartletBase

// Layouts whose slots say where their values lie: children and buffers are shared or joined, and the places moved.

extension Concatenation {
    /// Views, with each buffer behind them once, however many of the arrays share it.
    func views() throws(MartletError) -> ArrayData {
        struct Place: Hashable {
            let address: Int
            let count: Int
        }
        let width = BinaryViewArray.viewWidth
        var buffers: [Buffer] = []
        var known: [Place: Int32] = [:]
        var builder = try BufferBuilder(byteCapacity: try count.multiplied(checked: width))
        for array in arrays {
            var moved: [Int32] = []
            for buffer in array.variadicBuffers {
                let place = Place(address: buffer.addressBits, count: buffer.count)
                let index = known[place] ?? Int32(truncatingIfNeeded: buffers.count)
                if known.updateValue(index, forKey: place) == nil { buffers.append(buffer) }
                moved.append(index)
            }
            guard Int32(exactly: buffers.count) != nil else {
                throw .capacity("the joined views of \(type) have \(buffers.count) buffers; keep the chunks apart")
            }
            let part = try array.buffers[0].slice(at: array.offset * width, count: array.count * width)
            let source = unsafe UnsafeRawPointer(part.pointer(to: UInt8.self))
            let target = try unsafe builder.extend(by: part.count)
            // Safety: `extend` made room for the slice. Places of views that point nowhere stay as they are.
            unsafe target.copyMemory(from: source, byteCount: part.count)
            if moved.enumerated().allSatisfy({ $0.offset == Int($0.element) }) { continue }
            for i in 0..<array.count where unsafe source.loadUnaligned(fromByteOffset: i * width, as: Int32.self) > 12 {
                let index = unsafe Int(source.loadUnaligned(fromByteOffset: i * width + 8, as: Int32.self))
                guard index >= 0, index < moved.count else { continue }
                unsafe target.storeBytes(of: moved[index], toByteOffset: i * width + 8, as: Int32.self)
            }
        }
        let (validity, nullCount) = try validityBits()
        return ArrayData(
            type: type, count: count, validity: validity, nullCount: nullCount, buffers: [builder.finish()] + buffers)
    }

    func listViews<Offset: OffsetValue>(_ kind: Offset.Type) throws(MartletError) -> ArrayData {
        var lists: [ListViewArray<Offset>] = []
        for array in arrays { lists.append(try ListViewArray<Offset>(array)) }
        var join = ChildJoin()
        for list in lists {
            var used = 0..<0
            for i in 0..<list.count where list.isValid(i) { used = used.spanning(list.range(i)) }
            try join.add(list.values, used)
        }
        let starts = try BufferBuilder(uninitializedCount: try count.multiplied(checked: MemoryLayout<Offset>.stride))
        let sizes = try BufferBuilder(uninitializedCount: try count.multiplied(checked: MemoryLayout<Offset>.stride))
        let (start, size) = unsafe (starts.pointer(to: Offset.self), sizes.pointer(to: Offset.self))
        guard Offset(exactly: join.count) != nil else {
            throw .capacity("offset overflow while concatenating arrays: \(join.count) elements do not fit \(type); "
                + "cast to large_list_view, or keep the chunks apart")
        }
        let shifts = join.shifts
        var slot = 0
        for (k, list) in lists.enumerated() {
            for i in 0..<list.count {
                let range = list.isValid(i) ? list.range(i) : 0..<0
                // Safety: both builders have room for `count` slots; what the join holds fits an offset.
                unsafe start[slot] = Offset(truncatingIfNeeded: range.isEmpty ? 0 : range.lowerBound + shifts[k])
                unsafe size[slot] = Offset(truncatingIfNeeded: range.count)
                slot += 1
            }
        }
        let (validity, nullCount) = try validityBits()
        return ArrayData(
            type: type, count: count, validity: validity, nullCount: nullCount,
            buffers: [starts.finish(), sizes.finish()], children: [try join.joined(type.childFields[0].type)])
    }

    func denseUnion() throws(MartletError) -> ArrayData {
        var unions: [UnionArray] = []
        for array in arrays { unions.append(try UnionArray(array)) }
        let fields = type.childFields
        var joins = [ChildJoin](repeating: ChildJoin(), count: fields.count)
        for union in unions {
            var used = [Range<Int>](repeating: 0..<0, count: fields.count)
            for i in 0..<union.count {
                guard let (child, slot) = union.place(i) else {
                    throw .invalid("slot \(i) of \(type) has type id \(union.typeID(i)), which names no value")
                }
                used[child] = used[child].spanning(slot..<slot + 1)
            }
            for k in fields.indices { try joins[k].add(union.children[k], used[k], inOrder: true) }
        }
        for (field, join) in zip(fields, joins) where Int32(exactly: join.count) == nil {
            throw .capacity("offset overflow while concatenating arrays: \(join.count) values of child \(field.name) of "
                + "\(type); keep the chunks apart")
        }
        let starts = try BufferBuilder(uninitializedCount: try count.multiplied(checked: 4))
        let start = unsafe starts.pointer(to: Int32.self)
        let shifts = joins.map(\.shifts)
        var slot = 0
        for (k, union) in unions.enumerated() {
            for i in 0..<union.count {
                let place = union.place(i) ?? (0, 0)
                // Safety: the builder has room for `count` starts.
                unsafe start[slot] = Int32(truncatingIfNeeded: place.slot + shifts[place.child][k])
                slot += 1
            }
        }
        var children: [ArrayData] = []
        for (field, join) in zip(fields, joins) { children.append(try join.joined(field.type)) }
        return ArrayData(
            type: type, count: count, buffers: [try fixedWidth(0, 1), starts.finish()], children: children)
    }

    func runs() throws(MartletError) -> ArrayData {
        let fields = type.childFields
        var ends: [Int] = []
        var values: [ArrayData] = []
        var total = 0
        for array in arrays where array.count > 0 {
            let runs = try RunEndArray(array)
            let range = runs.runRange
            for run in range { ends.append(total + runs.slots(ofRun: run).upperBound) }
            guard !range.isEmpty, ends.last == total + array.count else {
                throw .invalid("the runs of \(type) do not reach slot \(array.count)")
            }
            values.append(runs.values.window(range.lowerBound, range.count))
            total += array.count
        }
        return ArrayData(
            type: type, count: count,
            children: [try .runEnds(ends, fields[0].type), try concatenate(values, type: fields[1].type)])
    }
}

/// The parts of one child that arrays use, joined; a child that all of them share stays as it is.
struct ChildJoin {
    private var parts: [ArrayData] = []
    private var used: [Range<Int>] = []
    private var isShared = true
    private var apart = 0
    private var end = 0

    /// With `inOrder`, a shared child stays only if each part begins where the parts before it have ended, or later.
    mutating func add(_ child: ArrayData, _ range: Range<Int>, inOrder: Bool = false) throws(MartletError) {
        isShared = isShared && (parts.first.map { $0 === child } ?? true)
        if inOrder && !range.isEmpty {
            isShared = isShared && range.lowerBound >= end
            end = range.upperBound
        }
        apart = try apart.adding(checked: range.count)
        parts.append(child)
        used.append(range)
    }

    /// How many slots `joined` has.
    var count: Int { isShared ? parts.first?.count ?? 0 : apart }

    /// How far the slots of each part move.
    var shifts: [Int] {
        if isShared { return [Int](repeating: 0, count: parts.count) }
        var end = 0
        return used.map { range in
            defer { end += range.count }
            return end - range.lowerBound
        }
    }

    func joined(_ type: DataType) throws(MartletError) -> ArrayData {
        if isShared, let first = parts.first { return first }
        return try concatenate(zip(parts, used).map { $0.window($1.lowerBound, $1.count) }, type: type)
    }
}

extension Range<Int> {
    /// The smallest range that has both; empty ranges do not count.
    func spanning(_ other: Range<Int>) -> Range<Int> {
        if other.isEmpty { return self }
        return isEmpty ? other : Swift.min(lowerBound, other.lowerBound)..<Swift.max(upperBound, other.upperBound)
    }
}
