public import MartletBase

/// The slots of a list view array, already sliced; `values` is the whole child (Columnar.rst, "ListView Layout").
@safe
public struct ListViewArray<Offset: OffsetValue>: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let count: Int
    public let values: ArrayData
    // Safety: `count` starts and sizes, in memory that `data` keeps alive.
    @usableFromInline package let starts: UnsafePointer<Offset>
    @usableFromInline package let sizes: UnsafePointer<Offset>

    public init(_ data: ArrayData, as type: Offset.Type = Offset.self) throws(MartletError) {
        guard data.type.layout.children == .ranges,
            data.type.layout.buffers[0].byteWidth == MemoryLayout<Offset>.size
        else { throw .type("array of \(data.type) has no \(MemoryLayout<Offset>.size * 8)-bit list views") }
        let width = MemoryLayout<Offset>.stride
        let end = try data.offset.adding(checked: data.count).multiplied(checked: width)
        for buffer in data.buffers {
            guard buffer.count >= end, buffer.isAligned(to: width) || data.count == 0 else {
                throw .invalid(
                    "offsets or sizes buffer of \(data.type) is too short or misaligned: \(buffer.count) bytes for \(end)")
            }
        }
        self.data = data
        validity = data.usedValidityBitmap
        count = data.count
        values = data.children[0]
        unsafe starts = data.buffers[0].pointer(to: Offset.self) + data.offset
        unsafe sizes = data.buffers[1].pointer(to: Offset.self) + data.offset
    }

    /// The slots of `values` that make up slot `index`; nil when they are not all there.
    @inlinable public func checkedRange(_ index: Int) -> Range<Int>? {
        assert(index >= 0 && index < count)
        let start = unsafe Int(truncatingIfNeeded: starts[index])
        let size = unsafe Int(truncatingIfNeeded: sizes[index])
        guard start >= 0, size >= 0, start <= values.count, size <= values.count &- start else { return nil }
        return unsafe Range(uncheckedBounds: (start, start &+ size))
    }

    /// The slots of `values` that make up slot `index`; empty when they are not all there.
    @inlinable public func range(_ index: Int) -> Range<Int> { checkedRange(index) ?? 0..<0 }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}
