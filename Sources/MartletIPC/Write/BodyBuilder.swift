import MartletArrow
import MartletBase
import MartletCodecs

/// Gathers the buffers of arrays in the order of the format (Columnar format, "RecordBatch message"), trimmed to the
/// slots that the arrays see. Memory is shared wherever the bytes can go out as they lie.
struct BodyBuilder {
    /// Length and null count of each node.
    private(set) var nodes: [Int64] = []
    var buffers: [Buffer] = []
    /// How many buffers of bytes each column of views has.
    private(set) var variadicCounts: [Int64] = []
    private let allowsLongColumns: Bool
    /// Before format 1.0 all types but null had a validity buffer.
    private let allHaveValidity: Bool

    init(allowsLongColumns: Bool, version: IPCMetadataVersion = .v5) {
        self.allowsLongColumns = allowsLongColumns
        allHaveValidity = version == .v4
    }

    /// Forgets the arrays and keeps the room for others.
    mutating func clear() {
        nodes.removeAll(keepingCapacity: true)
        buffers.removeAll(keepingCapacity: true)
        variadicCounts.removeAll(keepingCapacity: true)
    }

    mutating func append(_ array: ArrayData) throws(MartletError) {
        guard allowsLongColumns || array.count <= Int(Int32.max) else {
            throw .capacity("Cannot write arrays larger than 2^31 - 1 in length (\(array.count)); "
                + "write smaller batches, or set allow_64bit")
        }
        let layout = array.type.layout
        let isNull = array.type.storage == .null
        let nullCount = layout.hasValidity ? array.nullCount : isNull ? array.count : 0
        nodes.append(Int64(array.count))
        nodes.append(Int64(nullCount))
        if layout.hasValidity {
            buffers.append(nullCount == 0 ? .empty : try array.validityBitmap?.rebased() ?? .empty)
        } else if allHaveValidity && !isNull {
            buffers.append(.empty)
        }
        switch layout.children {
        case .none, .offsets: try appendPlain(array, layout)
        case .parallel, .fixed:
            try appendPlain(array, layout)
            for i in array.children.indices { try append(array.child(i)) }
        case .ranges: try layout.buffers[0] == .starts32 ? appendRanges(array, Int32.self) : appendRanges(array, Int64.self)
        case .picked: try appendPicked(array)
        case .runs: try appendRuns(array)
        }
        if layout.hasVariadicBuffers {
            variadicCounts.append(Int64(array.variadicBuffers.count))
            buffers.append(contentsOf: array.variadicBuffers)
        }
    }

    /// The buffers of one slot after the other, and of offsets with what they span.
    private mutating func appendPlain(_ array: ArrayData, _ layout: Layout) throws(MartletError) {
        var span = 0..<0
        for (i, role) in layout.buffers.enumerated() {
            switch role {
            case .values, .fixedBytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                buffers.append(try slots(of: array, buffer: i, width: role.byteWidth!))
            case .bits: buffers.append(try Bitmap(array.buffers[i], offset: array.offset, count: array.count).rebased())
            case .offsets32: buffers.append(try offsets(Int32.self, of: array, &span))
            case .offsets64: buffers.append(try offsets(Int64.self, of: array, &span))
            case .bytes: buffers.append(try array.buffers[i].slice(at: span.lowerBound, count: span.count))
            }
        }
        if layout.children == .offsets { try append(array.children[0].slice(at: span.lowerBound, count: span.count)) }
    }

    func slots(of array: ArrayData, buffer: Int, width: Int) throws(MartletError) -> Buffer {
        try array.buffers[buffer].slice(
            at: array.offset.multiplied(checked: width), count: array.count.multiplied(checked: width))
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
