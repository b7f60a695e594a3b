public import MartletBase

// For readers that need offsets and plain values: parts of formats that have neither views nor runs.

extension DataType {
    /// The type with offsets for views (large ones for text and bytes), and without runs, all the way down. It is the type
    /// itself where there is nothing to change.
    public var contiguous: DataType {
        let type = mapChildren {
            Field($0.name, $0.type.contiguous, isNullable: $0.isNullable, metadata: $0.metadata)
        }
        switch type {
        case .stringView: return .largeString
        case .binaryView: return .largeBinary
        case .listView(let field): return .list(field)
        case .largeListView(let field): return .largeList(field)
        case .runEndEncoded(_, let values): return values.type
        case let other: return other
        }
    }
}

extension Schema {
    /// The schema with every type contiguous.
    public var contiguous: Schema {
        Schema(
            fields.map { Field($0.name, $0.type.contiguous, isNullable: $0.isNullable, metadata: $0.metadata) },
            metadata: metadata)
    }
}

extension RecordBatch {
    /// The batch with every column contiguous; itself where all of them are.
    public func contiguousStrings() throws(MartletError) -> RecordBatch {
        var plain: [ArrayData] = []
        for column in columns { plain.append(try column.contiguousStrings()) }
        return RecordBatch(unchecked: schema.contiguous, columns: plain, rowCount: rowCount)
    }
}

extension ArrayData {
    /// The array as one of `type.contiguous`: views copied into bytes or items with offsets, runs written out. The array
    /// itself when there is nothing to do. Throws for views that are damaged, and when the result is too large.
    public func contiguousStrings() throws(MartletError) -> ArrayData {
        let target = type.contiguous
        if target == type { return self }
        // The storage of an extension type may become another type; the extension goes around that.
        if case .extension = type { return try storage.contiguousStrings().reinterpreted(as: target) }
        return try contiguous(as: target)
    }

    private func contiguous(as target: DataType) throws(MartletError) -> ArrayData {
        let layout = type.layout
        if layout.hasVariadicBuffers { return try copiedViews(as: target) }
        switch layout.children {
        case .ranges: return try layout.buffers[0] == .starts32 ? lists(Int32.self, target) : lists(Int64.self, target)
        case .runs: return try writtenOut(as: target)
        case .none, .parallel, .fixed, .offsets, .picked:
            var plain: [ArrayData] = []
            for child in children { plain.append(try child.contiguousStrings()) }
            return ArrayData(
                type: target, count: count, offset: offset, validity: validity, nullCount: knownNullCount,
                buffers: buffers, children: plain, dictionary: try dictionary?.contiguousStrings())
        }
    }

    private func copiedViews(as target: DataType) throws(MartletError) -> ArrayData {
        let views = try BinaryViewArray(self)
        var total = 0
        for i in 0..<count where views.isValid(i) {
            guard let location = unsafe views.location(i) else {
                throw .invalid("slot \(i) of a view array of \(type) points outside of its buffers")
            }
            total = try total.adding(checked: location.count)
        }
        let offsets = try BufferBuilder(uninitializedCount: try count.adding(checked: 1).multiplied(checked: 8))
        let bytes = try BufferBuilder(uninitializedCount: total)
        let ends = unsafe offsets.pointer(to: Int64.self)
        var end = 0
        for i in 0..<count {
            // Safety: the first pass found every value and summed up their lengths.
            unsafe ends[i] = Int64(end)
            guard views.isValid(i), let location = unsafe views.location(i), let base = location.baseAddress else {
                continue
            }
            unsafe (bytes.address + end).copyMemory(from: base, byteCount: location.count)
            end += location.count
        }
        unsafe ends[count] = Int64(end)
        let (bits, nulls) = try rebasedValidityBits()
        return ArrayData(
            type: target, count: count, validity: bits, nullCount: nulls, buffers: [offsets.finish(), bytes.finish()])
    }

    private func lists<Offset: OffsetValue>(_ kind: Offset.Type, _ target: DataType) throws(MartletError) -> ArrayData {
        let lists = try ListViewArray<Offset>(self)
        // Windows of the child, neighbours that lie one behind the other as one.
        var windows: [Range<Int>] = []
        let offsets = try BufferBuilder(
            uninitializedCount: try count.adding(checked: 1).multiplied(checked: MemoryLayout<Offset>.stride))
        let ends = unsafe offsets.pointer(to: Offset.self)
        var total = 0
        for i in 0..<count {
            unsafe ends[i] = Offset(truncatingIfNeeded: total)
            guard lists.isValid(i) else { continue }
            guard let range = lists.checkedRange(i) else {
                throw .invalid("slot \(i) of \(type) points outside of its \(lists.values.count) values")
            }
            if range.isEmpty { continue }
            total = try total.adding(checked: range.count)
            if let last = windows.last, last.upperBound == range.lowerBound {
                windows[windows.count - 1] = last.lowerBound..<range.upperBound
            } else {
                windows.append(range)
            }
        }
        guard let end = Offset(exactly: total) else {
            throw .capacity("the lists of \(type) have \(total) items together, too many for \(target); use large_list_view")
        }
        unsafe ends[count] = end
        let values = lists.values
        let items = try concatenate(
            windows.map { values.window($0.lowerBound, $0.count) }, type: values.type).contiguousStrings()
        let (bits, nulls) = try rebasedValidityBits()
        return ArrayData(
            type: target, count: count, validity: bits, nullCount: nulls, buffers: [offsets.finish()], children: [items])
    }

    private func writtenOut(as target: DataType) throws(MartletError) -> ArrayData {
        let runs = try RunEndArray(self)
        let values = try runs.values.contiguousStrings()
        var parts: [ArrayData] = []
        var end = 0
        for run in runs.runRange {
            let slots = runs.slots(ofRun: run)
            // Ends that run backwards would write the same slots again and again.
            guard slots.lowerBound == end, !slots.isEmpty else {
                throw .invalid("run ends of \(type) are not increasing at run \(run)")
            }
            end = slots.upperBound
            parts.append(try values.window(run, 1).repeated(slots.count))
        }
        guard end == count else { throw .invalid("the runs of \(type) do not reach slot \(count)") }
        return try concatenate(parts, type: target)
    }

    /// This array so many times, one behind the other.
    package func repeated(_ times: Int) throws(MartletError) -> ArrayData {
        if times <= 0 { return window(0, 0) }
        var result = self
        let wanted = try count.multiplied(checked: times)
        while result.count < wanted {
            let missing = min(result.count, wanted - result.count)
            result = try concatenate([result, result.window(0, missing)], type: type)
        }
        return result
    }

    /// Validity that starts at bit 0, and the null count.
    private func rebasedValidityBits() throws(MartletError) -> (Buffer?, Int) {
        guard let bitmap = usedValidityBitmap else { return (nil, 0) }
        return (try bitmap.rebased(), nullCount)
    }
}
