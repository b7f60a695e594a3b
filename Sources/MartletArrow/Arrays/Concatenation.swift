public import MartletBase

/// The slots of `arrays`, one array after the other, in new memory; the array itself when there is one.
///
/// All arrays hold `type`. Dictionaries that differ are joined one behind the other and the indices moved; when the
/// index type cannot reach that far, or 32-bit offsets would pass 2^31 - 1, the error says which wider type does.
public func concatenate(_ arrays: [ArrayData], type: DataType) throws(MartletError) -> ArrayData {
    for array in arrays where !(array.type == type || array.type.holdsSameValues(as: type)) {
        throw .invalid(
            "arrays to be concatenated must be identically typed, but \(type) and \(array.type) were encountered.")
    }
    if arrays.count == 1 { return arrays[0] }
    if arrays.isEmpty { return try .empty(type) }
    return try Concatenation(arrays: arrays, type: type).run()
}

struct Concatenation {
    let arrays: [ArrayData]
    let type: DataType
    let count: Int

    init(arrays: [ArrayData], type: DataType) throws(MartletError) {
        self.arrays = arrays
        self.type = type
        var total = 0
        for array in arrays { total = try total.adding(checked: array.count) }
        count = total
    }

    func run() throws(MartletError) -> ArrayData {
        let layout = type.layout
        switch layout.children {
        case .ranges: return try layout.buffers[0] == .starts32 ? listViews(Int32.self) : listViews(Int64.self)
        case .picked: return try denseUnion()
        case .runs: return try runs()
        case .none, .parallel, .fixed, .offsets: break
        }
        if layout.hasVariadicBuffers { return try views() }
        let (dictionary, indexShifts) = layout.hasDictionary ? try joinedDictionary() : (nil, [])
        var buffers: [Buffer] = []
        for (i, role) in layout.buffers.enumerated() {
            switch role {
            case .values(let kind) where !indexShifts.allSatisfy({ $0 == 0 }):
                buffers.append(try kind.accept(IndexShift(arrays: arrays, shifts: indexShifts, count: count)))
            case .values, .fixedBytes, .typeIds: buffers.append(try fixedWidth(i, role.byteWidth!))
            case .bits: buffers.append(try bits(i))
            case .offsets32: buffers.append(try offsets(Int32.self))
            case .offsets64: buffers.append(try offsets(Int64.self))
            case .bytes: buffers.append(try bytes(i))
            // Types with these are joined above.
            case .views, .starts32, .starts64, .sizes32, .sizes64: break
            }
        }
        var children: [ArrayData] = []
        for (i, field) in type.childFields.enumerated() {
            let parts = arrays.map { array in
                layout.children == .offsets
                    ? array.children[i].window(array.offsetRange.lowerBound, array.offsetRange.count) : array.child(i)
            }
            children.append(try concatenate(parts, type: field.type))
        }
        let (validity, nullCount) = layout.hasValidity ? try validityBits() : (nil, count)
        return ArrayData(
            type: type, count: count, validity: validity, nullCount: nullCount, buffers: buffers, children: children,
            dictionary: dictionary)
    }

    func validityBits() throws(MartletError) -> (Buffer?, Int) {
        if arrays.allSatisfy({ $0.nullCount == 0 }) { return (nil, 0) }
        var builder = try BitmapBuilder(capacity: count)
        for array in arrays {
            if let bitmap = array.usedValidityBitmap {
                try builder.append(bitmap)
            } else {
                try builder.append(repeating: true, count: array.count)
            }
        }
        let nulls = builder.falseCount
        return (builder.finish(), nulls)
    }

    func fixedWidth(_ index: Int, _ width: Int) throws(MartletError) -> Buffer {
        var builder = try BufferBuilder(byteCapacity: try count.multiplied(checked: width))
        for array in arrays {
            let part = try array.buffers[index].slice(at: array.offset * width, count: array.count * width)
            try builder.append(part.bytes)
        }
        return builder.finish()
    }

    private func bits(_ index: Int) throws(MartletError) -> Buffer {
        var builder = try BitmapBuilder(capacity: count)
        for array in arrays {
            try builder.append(try Bitmap(array.buffers[index], offset: array.offset, count: array.count))
        }
        return builder.finish()
    }

    private func bytes(_ index: Int) throws(MartletError) -> Buffer {
        var builder = try BufferBuilder(byteCapacity: arrays.reduce(0) { $0 + $1.offsetRange.count })
        for array in arrays {
            let range = array.offsetRange
            let part = try array.buffers[index].slice(at: range.lowerBound, count: range.count)
            try builder.append(part.bytes)
        }
        return builder.finish()
    }

    private func offsets<Offset: OffsetValue>(_ offsetType: Offset.Type) throws(MartletError) -> Buffer {
        let total = arrays.reduce(0) { $0 + $1.offsetRange.count }
        guard Offset(exactly: total) != nil else {
            throw .capacity(
                "offset overflow while concatenating arrays: \(total) elements do not fit \(type); "
                    + "cast to the type with 64-bit offsets, or keep the chunks apart")
        }
        let builder = try BufferBuilder(uninitializedCount: (count + 1) * MemoryLayout<Offset>.stride)
        var target = unsafe builder.pointer(to: Offset.self)
        var start: Offset = 0
        for array in arrays where array.count > 0 {
            let end = array.children.isEmpty ? array.buffers[1].count : array.children[0].count
            let source: UnsafePointer<Offset> = try unsafe checkedOffsets(array, end: end)
            let shift = unsafe start &- source[0]
            // Safety: the builder has room for an offset per slot and one more; `checkedOffsets` vouches for `source`.
            for i in 0..<array.count { unsafe target[i] = source[i] &+ shift }
            unsafe start = source[array.count] &+ shift
            unsafe target += array.count
        }
        unsafe target[0] = start
        return builder.finish()
    }

    /// One dictionary for all, and how far the indices of each array move.
    private func joinedDictionary() throws(MartletError) -> (ArrayData?, [Int]) {
        let dictionaries = arrays.compactMap(\.dictionary)
        guard let first = dictionaries.first, case .dictionary(let index, let value, _) = type.storage else { return (nil, []) }
        if dictionaries.allSatisfy({ $0 === first || $0.isEqual(to: first) }) {
            return (first, Array(repeating: 0, count: arrays.count))
        }
        var shifts: [Int] = []
        var total = 0
        for dictionary in dictionaries {
            shifts.append(total)
            total = try total.adding(checked: dictionary.count)
        }
        let largest = try (index.nativeKind ?? .int32).accept(LargestIndex())
        guard total - 1 <= largest else {
            throw .capacity(
                "the joined dictionary has \(total) values, too many for \(index) indices; cast to a wider index type")
        }
        return (try concatenate(dictionaries, type: value), shifts)
    }
}

/// The largest index that a native kind can hold.
private struct LargestIndex: NativeVisitor {
    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> Int {
        func largest<Index: FixedWidthInteger>(_ type: Index.Type) -> Int { Int(clamping: Index.max) }
        guard let integer = type as? any FixedWidthInteger.Type else {
            throw .type("dictionary indices are integers, not \(type)")
        }
        return largest(integer)
    }
}

private struct IndexShift: NativeVisitor {
    let arrays: [ArrayData]
    let shifts: [Int]
    let count: Int

    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> Buffer {
        guard let integer = type as? any (FixedWidthInteger & BitwiseCopyable).Type else {
            throw .type("dictionary indices are integers, not \(type)")
        }
        return try shifted(integer)
    }

    private func shifted<Index: FixedWidthInteger & BitwiseCopyable>(_ type: Index.Type) throws(MartletError) -> Buffer {
        let width = MemoryLayout<Index>.stride
        var builder = try BufferBuilder(byteCapacity: count * width)
        for (array, shift) in zip(arrays, shifts) {
            let part = try array.buffers[0].slice(at: array.offset * width, count: array.count * width)
            let source = unsafe part.pointer(to: Index.self)
            let target = try unsafe builder.extend(by: part.count).assumingMemoryBound(to: Index.self)
            // Safety: `extend` made room for the slice; indices under nulls may be anything and wrap.
            for i in 0..<array.count { unsafe target[i] = source[i] &+ Index(truncatingIfNeeded: shift) }
        }
        return builder.finish()
    }
}
