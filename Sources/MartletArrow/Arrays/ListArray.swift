public import MartletBase

/// The slots of a list, large list or map array, already sliced; `values` is the whole child.
@safe
public struct ListArray<Offset: OffsetValue>: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let count: Int
    public let values: ArrayData
    // Safety: `count + 1` offsets, in memory that `data` keeps alive.
    @usableFromInline package let offsets: UnsafePointer<Offset>

    public init(_ data: ArrayData, as type: Offset.Type = Offset.self) throws(MartletError) {
        guard data.type.layout.children == .offsets,
            data.type.layout.buffers[0].byteWidth == MemoryLayout<Offset>.size
        else { throw .type("array of \(data.type) has no \(MemoryLayout<Offset>.size * 8)-bit list offsets") }
        self.data = data
        validity = data.usedValidityBitmap
        count = data.count
        values = data.children[0]
        unsafe offsets = try checkedOffsets(data, end: values.count)
    }

    /// The slots of `values` that make up slot `index`.
    @inlinable public func range(_ index: Int) -> Range<Int> {
        assert(index >= 0 && index < count)
        let start = unsafe Int(truncatingIfNeeded: offsets[index])
        let end = unsafe Int(truncatingIfNeeded: offsets[index &+ 1])
        return start >= 0 && start <= end && end <= values.count ? unsafe Range(uncheckedBounds: (start, end)) : 0..<0
    }

    /// From the first slot's start to the last slot's end in `values`.
    public var valueRange: Range<Int> { unsafe Int(offsets[0])..<Int(offsets[count]) }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}
