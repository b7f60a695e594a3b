import MartletArrow
import MartletBase
import MartletCodecs

/// Gathers the buffers of arrays in the order of the format (Columnar format, "RecordBatch message"), trimmed to the
/// slots that the arrays see. Memory is shared wherever the bytes can go out as they lie.
struct BodyBuilder {
    /// Length and null count of each node.
    private(set) var nodes: [Int64] = []
    private(set) var buffers: [Buffer] = []
    private let allowsLongColumns: Bool

    init(allowsLongColumns: Bool) { self.allowsLongColumns = allowsLongColumns }

    mutating func append(_ array: ArrayData) throws(MartletError) {
        guard allowsLongColumns || array.count <= Int(Int32.max) else {
            throw .capacity("Cannot write arrays larger than 2^31 - 1 in length (\(array.count)); "
                + "write smaller batches, or set allow_64bit")
        }
        let layout = array.type.layout
        let (start, count) = (array.offset, array.count)
        let nullCount = array.nullCount
        nodes.append(Int64(count))
        nodes.append(Int64(nullCount))
        if layout.hasValidity {
            buffers.append(nullCount == 0 ? .empty : try array.validityBitmap?.rebased() ?? .empty)
        }
        var span = 0..<0
        for (i, role) in layout.buffers.enumerated() {
            let buffer = array.buffers[i]
            switch role {
            case .values, .fixedBytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                let width = role.byteWidth!
                buffers.append(try buffer.slice(at: start.multiplied(checked: width), count: count.multiplied(checked: width)))
            case .bits: buffers.append(try Bitmap(buffer, offset: start, count: count).rebased())
            case .offsets32: buffers.append(try offsets(Int32.self, of: array, &span))
            case .offsets64: buffers.append(try offsets(Int64.self, of: array, &span))
            case .bytes: buffers.append(try buffer.slice(at: span.lowerBound, count: span.count))
            }
        }
        switch layout.children {
        case .none: break
        case .ranges, .picked, .runs: for child in array.children { try append(child) }
        case .offsets: try append(array.children[0].slice(at: span.lowerBound, count: span.count))
        case .parallel, .fixed: for i in array.children.indices { try append(array.child(i)) }
        }
    }

    /// The offsets of the array's slots from 0 on, and what they span.
    private func offsets<Offset: OffsetValue>(_ type: Offset.Type, of array: ArrayData, _ span: inout Range<Int>)
        throws(MartletError) -> Buffer
    {
        let width = MemoryLayout<Offset>.stride
        // An array of no slots has one offset all the same.
        if array.count == 0 { return try Buffer(zeroed: width) }
        let reach = array.children.first?.count ?? array.buffers[1].count
        let source: UnsafePointer<Offset> = unsafe try checkedOffsets(array, end: reach)
        let first = unsafe source[0]
        span = unsafe Int(first)..<Int(source[array.count])
        if first == 0 { return try array.buffers[0].slice(at: array.offset * width, count: (array.count + 1) * width) }
        let builder = try BufferBuilder(uninitializedCount: (array.count + 1) * width)
        // Safety: `checkedOffsets` vouches for `count + 1` offsets, and the builder holds as many.
        let target = unsafe builder.pointer(to: Offset.self)
        for i in 0...array.count { unsafe target[i] = source[i] &- first }
        return builder.finish()
    }
}
