import MartletBase

extension ArrayData {
    /// Bytes that the slots of this array take in its buffers, children and dictionary: pyarrow's `nbytes`.
    /// Slices count what they see; the offset behind the last slot is not counted.
    public var byteCount: Int {
        var total = validity == nil ? 0 : Self.bitSpan(offset, count)
        for (role, buffer) in zip(type.layout.buffers, buffers) {
            switch role {
            case .bits: total += Self.bitSpan(offset, count)
            case .values, .fixedBytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                total += count * role.byteWidth!
            case .offsets32, .offsets64: total += buffer.isEmpty ? 0 : count * role.byteWidth!
            case .bytes: total += offsetRange.count
            }
        }
        for buffer in variadicBuffers { total += buffer.count }
        let pickedRanges = type.layout.children == .picked ? (try? UnionArray(self))?.usedRanges ?? [] : []
        for (i, child) in children.enumerated() {
            switch type.layout.children {
            case .offsets: total += child.window(offsetRange.lowerBound, offsetRange.count).byteCount
            case .runs:
                let runs = (try? RunEndArray(self))?.runRange ?? 0..<0
                total += child.window(runs.lowerBound, runs.count).byteCount
            case .picked:
                let used = pickedRanges[i]
                total += child.window(used.lowerBound, used.count).byteCount
            case .ranges: total += child.byteCount
            case .none, .parallel, .fixed: total += self.child(i).byteCount
            }
        }
        return total + (dictionary?.byteCount ?? 0)
    }

    /// What the offsets of the slots span; empty without offsets, or when they are not in order.
    package var offsetRange: Range<Int> {
        func span<Offset: OffsetValue>(_ type: Offset.Type, end: Int) -> Range<Int> {
            guard let offsets: UnsafePointer<Offset> = unsafe try? checkedOffsets(self, end: end) else { return 0..<0 }
            return unsafe Int(offsets[0])..<Int(offsets[count])
        }
        guard let role = type.layout.buffers.first else { return 0..<0 }
        let end = children.first?.count ?? buffers.last?.count ?? 0
        switch role {
        case .offsets32: return span(Int32.self, end: end)
        case .offsets64: return span(Int64.self, end: end)
        case .values, .fixedBytes, .bits, .bytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64: return 0..<0
        }
    }

    /// The bytes that bits `offset ..< offset + count` touch.
    private static func bitSpan(_ offset: Int, _ count: Int) -> Int {
        count == 0 ? 0 : (offset + count + 7) / 8 - offset / 8
    }
}
