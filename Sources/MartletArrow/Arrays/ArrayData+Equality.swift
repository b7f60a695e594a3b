import MartletBase

extension ArrayData {
    /// Whether both hold the same type and the same values, nulls in the same slots. NaN is not equal to NaN,
    /// as in pyarrow; values under nulls do not count.
    public func isEqual(to other: ArrayData) -> Bool {
        type.holdsSameValues(as: other.type) && hasSameStorage(as: other)
    }

    /// Whether the stored values are the same: the type of children stands in the field of their parent too, which alone may
    /// say that it is an extension type.
    private func hasSameStorage(as other: ArrayData) -> Bool {
        guard type.storage.holdsSameValues(as: other.type.storage), count == other.count else { return false }
        if self === other && !type.containsFloats { return true }
        guard nullCount == other.nullCount else { return false }
        if count == 0 || type.isNullType { return true }
        if nullCount > 0, !validityMatches(other) { return false }
        return valuesMatch(other)
    }

    private func validityMatches(_ other: ArrayData) -> Bool {
        guard let a = validityBitmap, let b = other.validityBitmap else { return nullCount == other.nullCount }
        var index = 0
        while index < count {
            let length = Swift.min(64, count - index)
            if a.word(at: index, length: length) != b.word(at: index, length: length) { return false }
            index += length
        }
        return true
    }

    /// Compares run by run of valid slots, so that each layout has one comparison of windows.
    private func valuesMatch(_ other: ArrayData) -> Bool {
        guard let bitmap = usedValidityBitmap else { return windowsMatch(0, other, count) }
        var index = 0
        while index < count {
            if !bitmap[index] {
                index += 1
                continue
            }
            var end = index + 1
            while end < count && bitmap[end] { end += 1 }
            if !windowsMatch(index, other, end - index) { return false }
            index = end
        }
        return true
    }

    private func windowsMatch(_ start: Int, _ other: ArrayData, _ length: Int) -> Bool {
        let (a, b) = (offset + start, other.offset + start)
        let layout = type.layout
        if layout.hasDictionary { return dictionaryMatch(start, other, length) }
        switch layout.children {
        case .ranges:
            return layout.buffers[0] == .starts32
                ? rangesMatch(Int32.self, start, other, length) : rangesMatch(Int64.self, start, other, length)
        case .picked: return unionsMatch(start, other, length)
        case .parallel where layout.buffers == [.typeIds]: return unionsMatch(start, other, length)
        case .runs: return runsMatch(start, other, length)
        case .none, .parallel, .fixed, .offsets: break
        }
        for (i, role) in layout.buffers.enumerated() {
            switch role {
            case .values(.float16): if !floatsMatch(Float16.self, a, other, b, length) { return false }
            case .values(.float32): if !floatsMatch(Float.self, a, other, b, length) { return false }
            case .values(.float64): if !floatsMatch(Double.self, a, other, b, length) { return false }
            case .values, .fixedBytes:
                let width = role.byteWidth!
                guard let x = try? buffers[i].slice(at: a * width, count: length * width),
                    let y = try? other.buffers[i].slice(at: b * width, count: length * width), x.hasSameBytes(as: y)
                else { return false }
            case .bits:
                let x = Bitmap(unchecked: buffers[i], offset: a, count: length)
                let y = Bitmap(unchecked: other.buffers[i], offset: b, count: length)
                for k in 0..<length where x[k] != y[k] { return false }
            case .offsets32: if !offsetsMatch(Int32.self, start, other, length) { return false }
            case .offsets64: if !offsetsMatch(Int64.self, start, other, length) { return false }
            case .views: if !viewsMatch(start, other, length) { return false }
            case .bytes, .typeIds, .starts32, .starts64, .sizes32, .sizes64: break
            }
        }
        switch layout.children {
        case .none, .offsets, .ranges, .picked, .runs: return true
        case .parallel:
            return children.indices.allSatisfy {
                children[$0].window(a, length).hasSameStorage(as: other.children[$0].window(b, length))
            }
        case .fixed(let width):
            return children[0].window(a * width, length * width)
                .hasSameStorage(as: other.children[0].window(b * width, length * width))
        }
    }

    private func floatsMatch<Value: NativeValue>(
        _ type: Value.Type, _ a: Int, _ other: ArrayData, _ b: Int, _ length: Int
    ) -> Bool {
        let (mine, theirs) = (buffers[0], other.buffers[0])
        let width = MemoryLayout<Value>.stride
        guard (a + length) * width <= mine.count, (b + length) * width <= theirs.count else { return false }
        // Safety: the guard keeps both windows inside their buffers.
        let (x, y) = unsafe (mine.pointer(to: Value.self) + a, theirs.pointer(to: Value.self) + b)
        for i in 0..<length where unsafe x[i] != y[i] { return false }
        return true
    }

    private func offsetsMatch<Offset: OffsetValue>(
        _ type: Offset.Type, _ start: Int, _ other: ArrayData, _ length: Int
    ) -> Bool {
        let (mine, theirs) = (window(start, length), other.window(start, length))
        guard let end = mine.buffers.count > 1 ? mine.buffers[1].count : mine.children.first?.count,
            let otherEnd = theirs.buffers.count > 1 ? theirs.buffers[1].count : theirs.children.first?.count,
            let x: UnsafePointer<Offset> = unsafe try? checkedOffsets(mine, end: end),
            let y: UnsafePointer<Offset> = unsafe try? checkedOffsets(theirs, end: otherEnd)
        else { return false }
        let shift = unsafe y[0] &- x[0]
        for i in 0...length where unsafe x[i] &+ shift != y[i] { return false }
        let (from, to) = (mine.offsetRange, theirs.offsetRange)
        if mine.buffers.count > 1 {
            guard let p = try? mine.buffers[1].slice(at: from.lowerBound, count: from.count),
                let q = try? theirs.buffers[1].slice(at: to.lowerBound, count: to.count)
            else { return false }
            return p.hasSameBytes(as: q)
        }
        return mine.children[0].window(from.lowerBound, from.count)
            .hasSameStorage(as: theirs.children[0].window(to.lowerBound, to.count))
    }

    /// Dictionaries may differ in order: what counts is the values that the indices reach.
    private func dictionaryMatch(_ start: Int, _ other: ArrayData, _ length: Int) -> Bool {
        guard let mine = dictionary, let theirs = other.dictionary else { return false }
        let same = mine === theirs || mine.isEqual(to: theirs)
        for i in start..<start + length {
            guard let x = dictionaryIndex(i), let y = other.dictionaryIndex(i), x >= 0, y >= 0, x < mine.count,
                y < theirs.count
            else { return false }
            if same ? x != y : !mine.window(x, 1).isEqual(to: theirs.window(y, 1)) { return false }
        }
        return true
    }

    /// The index that slot `index` of a dictionary array holds, whatever its width; nil for other types.
    public func dictionaryIndex(_ index: Int) -> Int? {
        let slot = offset + index
        guard case .dictionary(let indexType, _, _) = type.storage, let width = indexType.nativeKind?.byteWidth, slot >= 0,
            (slot + 1) * width <= buffers[0].count
        else { return nil }
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Int {
            // Safety: the guard keeps the slot inside the buffer.
            unsafe Int(truncatingIfNeeded: buffers[0].pointer(to: Value.self)[slot])
        }
        switch indexType.nativeKind {
        case .int8: return load(Int8.self)
        case .int16: return load(Int16.self)
        case .int32: return load(Int32.self)
        case .int64: return load(Int64.self)
        case .uint8: return load(UInt8.self)
        case .uint16: return load(UInt16.self)
        case .uint32: return load(UInt32.self)
        case .uint64: return load(UInt64.self)
        case .int128, .float16, .float32, .float64, nil: return nil
        }
    }
}

extension DataType {
    /// Whether a NaN may be among the values, here or in children.
    var containsFloats: Bool {
        if case .dictionary(_, let value, _) = storage { return value.containsFloats }
        return storage.isFloatingPoint || childFields.contains { $0.type.containsFloats }
    }
}

extension RecordBatch {
    /// Whether schemas (but for metadata) and all columns are equal.
    public func isEqual(to other: RecordBatch) -> Bool {
        rowCount == other.rowCount && schema.isSame(as: other.schema)
            && zip(columns, other.columns).allSatisfy { $0.isEqual(to: $1) }
    }
}
