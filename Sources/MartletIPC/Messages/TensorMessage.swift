public import MartletArrow
public import MartletBase

/// What the metadata of a tensor's message say (Tensor.fbs, SparseTensor.fbs). The body holds the numbers: those that
/// find values first, then the values.
public struct TensorMessage: Sendable {
    /// How values are found.
    public enum Index: Sendable {
        /// By the bytes between neighbours along each dimension.
        case dense(strides: [Int])
        /// By a matrix of coordinates, one row a value; the bytes between its rows and its columns.
        case coordinates(strides: [Int], isCanonical: Bool)
        /// By where the values of each row, or each column, begin, and their places in it.
        case compressedRows, compressedColumns
        /// By a tree, one level for each dimension in this order.
        case compressedFibers(axisOrder: [Int])
    }

    public var type: DataType
    public var shape: [Int]
    /// One name for each dimension, "" for none.
    public var dimensionNames: [String]
    public var index: Index
    /// How many values there are, those that are not stored left out.
    public var valueCount: Int
    /// The integers of coordinates, and of what says where they begin.
    public var indicesType = DataType.int64
    public var pointersType = DataType.int64
    /// Where each buffer lies in the body: pointers, indices, values.
    public var ranges: [Range<Int>]

    public init(
        type: DataType, shape: [Int], dimensionNames: [String], index: Index, valueCount: Int, ranges: [Range<Int>]
    ) {
        self.type = type
        self.shape = shape
        self.dimensionNames = dimensionNames
        self.index = index
        self.valueCount = valueCount
        self.ranges = ranges
    }

    /// Reads the metadata of a message, and holds what they say against each other and against the body's length.
    ///
    /// Values of indices are not looked at. Throws `invalid` for messages that are no tensors and for damaged ones.
    public init(metadata: Buffer) throws(MartletError) {
        let message = try IPCMessage(metadata: metadata)
        let header = message.header
        let isSparse = message.headerType == Self.sparseHeader
        if !isSparse { try message.expect(Self.denseHeader) }
        guard let typeTable = try header.table(1) else { throw .corrupt("Type-pointer of the tensor is null") }
        type = try SchemaDecoder.type(header.scalar(0, default: 0 as UInt8), typeTable, [])
        (shape, dimensionNames) = try Self.dimensions(header)
        ranges = []
        valueCount = 0
        index = .compressedRows
        if isSparse {
            valueCount = try Int(size: header.scalar(3, default: 0 as Int64), "number of values of the tensor")
            try readIndex(header)
        } else {
            valueCount = 1
            for size in shape { valueCount = try valueCount.multiplied(checked: size) }
            let rows = try rowMajorStrides()
            index = .dense(strides: try header.int64s(3) ?? rows)
        }
        ranges.append(try Self.range(header.pair(isSparse ? 6 : 4)))
        for range in ranges where range.upperBound > message.bodyByteCount {
            throw .corrupt("a buffer of the tensor ends at byte \(range.upperBound) of \(message.bodyByteCount)")
        }
        try check()
    }

    /// The message's metadata behind their length, padded so that the body begins at a multiple of 64.
    public func encapsulated() throws(MartletError) -> Buffer {
        try check()
        var builder = FlatBuilder()
        let (code, typeTable) = SchemaEncoder.type(type, in: &builder)
        var dimensions: [Int] = []
        for (size, name) in zip(shape, dimensionNames) {
            let name = builder.string(name.utf8)
            dimensions.append(builder.table([0: .int64(Int64(size)), 1: .reference(name)]))
        }
        var slots: FlatBuilder.Slots = [
            0: .uint8(code), 1: .reference(typeTable), 2: .reference(builder.vector(dimensions)),
        ]
        let data = ranges[ranges.count - 1].pair
        if case .dense(let strides) = index {
            slots[3] = .reference(builder.vector(structsOf: strides.map { Int64($0) }, perStruct: 1))
            slots[4] = data
        } else {
            let (code, table) = writeIndex(&builder)
            slots[3] = .int64(Int64(valueCount))
            slots[4] = .uint8(code)
            slots[5] = .reference(table)
            slots[6] = data
        }
        let header = builder.table(slots)
        let message = SchemaMessage.message(
            builder, header: header, type: isDense ? Self.denseHeader : Self.sparseHeader,
            bodyLength: ranges.last?.upperBound ?? 0)
        return try SchemaMessage.encapsulate(message, alignment: 64)
    }

    private static let denseHeader: UInt8 = 4
    private static let sparseHeader: UInt8 = 5

    private var isDense: Bool {
        if case .dense = index { return true }
        return false
    }

    private func rowMajorStrides() throws(MartletError) -> [Int] {
        var strides = shape
        var step = type.layout.buffers.first?.byteWidth ?? 0
        for i in shape.indices.reversed() {
            strides[i] = step
            step = try step.multiplied(checked: shape[i])
        }
        return strides
    }

    private static func dimensions(_ header: FlatTable) throws(MartletError) -> ([Int], [String]) {
        var (shape, names): ([Int], [String]) = ([], [])
        if let vector = try header.vector(2, elementSize: 4) {
            for i in 0..<vector.count {
                let dimension = try vector.table(i)
                shape.append(try Int(size: dimension.scalar(0, default: 0 as Int64), "size of dimension \(i)"))
                names.append(try dimension.string(1) ?? "")
            }
        }
        return (shape, names)
    }

    private static func range(_ pair: (Int64, Int64)?) throws(MartletError) -> Range<Int> {
        guard let pair else { throw .corrupt("a buffer of the tensor is missing") }
        let start = try Int(size: pair.0, "offset of a buffer of the tensor")
        return try start..<start.adding(checked: Int(size: pair.1, "length of a buffer of the tensor"))
    }

    private static func integer(_ table: FlatTable?) throws(MartletError) -> DataType {
        guard let table else { throw .corrupt("the type of the tensor's indices is missing") }
        return try SchemaDecoder.integer(table)
    }

    private mutating func readIndex(_ header: FlatTable) throws(MartletError) {
        guard let table = try header.table(5) else { throw .corrupt("the index of the sparse tensor is missing") }
        switch try header.scalar(4, default: 0 as UInt8) {
        case 1:
            indicesType = try Self.integer(table.table(0))
            let width = indicesType.layout.buffers[0].byteWidth ?? 8
            let rows = [try shape.count.multiplied(checked: width), width]
            let strides = try table.int64s(1) ?? rows
            index = .coordinates(strides: strides, isCanonical: try table.flag(3))
            ranges.append(try Self.range(table.pair(2)))
        case 2:
            index = try table.scalar(0, default: 0 as Int16) == 0 ? .compressedRows : .compressedColumns
            pointersType = try Self.integer(table.table(1))
            indicesType = try Self.integer(table.table(3))
            ranges = [try Self.range(table.pair(2)), try Self.range(table.pair(4))]
        case 3:
            pointersType = try Self.integer(table.table(0))
            indicesType = try Self.integer(table.table(2))
            for slot in [1, 3] {
                let pairs = try table.vector(slot, elementSize: 16)?.all(Int64.self) ?? []
                for i in 0..<pairs.count / 2 { ranges.append(try Self.range((pairs[2 * i], pairs[2 * i + 1]))) }
            }
            let order = try table.vector(4, elementSize: 4)?.all(Int32.self) ?? []
            index = .compressedFibers(axisOrder: order.map { Int($0) })
        case let other: throw .corrupt("unknown index \(other) of a sparse tensor")
        }
    }

    /// The member of the `SparseTensorIndex` union and its table.
    private func writeIndex(_ builder: inout FlatBuilder) -> (code: UInt8, table: Int) {
        func integer(_ type: DataType) -> FlatBuilder.Value { .reference(SchemaEncoder.type(type, in: &builder).table) }
        switch index {
        case .dense: return (0, builder.table([:]))
        case .coordinates(let strides, let isCanonical):
            let indices = integer(indicesType)
            let steps = builder.vector(structsOf: strides.map { Int64($0) }, perStruct: 1)
            return (1, builder.table([0: indices, 1: .reference(steps), 2: ranges[0].pair, 3: .bool(isCanonical)]))
        case .compressedRows, .compressedColumns:
            var axis: Int16 = 0
            if case .compressedColumns = index { axis = 1 }
            let (pointers, indices) = (integer(pointersType), integer(indicesType))
            return (2, builder.table([0: .int16(axis), 1: pointers, 2: ranges[0].pair, 3: indices, 4: ranges[1].pair]))
        case .compressedFibers(let order):
            let (pointers, indices) = (integer(pointersType), integer(indicesType))
            func places(_ ranges: ArraySlice<Range<Int>>) -> FlatBuilder.Value {
                let numbers = ranges.flatMap { [Int64($0.lowerBound), Int64($0.count)] }
                return .reference(builder.vector(structsOf: numbers, perStruct: 2))
            }
            let split = max(shape.count - 1, 0)
            let (first, second) = (places(ranges[..<split]), places(ranges[split..<(ranges.count - 1)]))
            let axes = builder.vector(order.map { Int32(truncatingIfNeeded: $0) })
            return (3, builder.table([0: pointers, 1: first, 2: indices, 3: second, 4: .reference(axes)]))
        }
    }

    /// Whether the buffers are as many and as long as shape and index want them.
    private func check() throws(MartletError) {
        guard type.isNumeric, let width = type.layout.buffers[0].byteWidth else {
            throw .type("tensors hold numbers, not \(type)")
        }
        guard dimensionNames.count == shape.count, shape.allSatisfy({ $0 >= 0 }), valueCount >= 0 else {
            throw .invalid("tensor of \(shape.count) dimensions has \(dimensionNames.count) names")
        }
        guard indicesType.isInteger, pointersType.isInteger, let indexWidth = indicesType.layout.buffers[0].byteWidth,
            let pointerWidth = pointersType.layout.buffers[0].byteWidth
        else { throw .type("indices of sparse tensors are integers, not \(indicesType) and \(pointersType)") }
        var least: [Int]
        switch index {
        case .dense(let strides): least = [try reach(shape, strides, width)]
        case .coordinates(let strides, _):
            least = [try reach([valueCount, shape.count], strides, indexWidth), try valueCount.multiplied(checked: width)]
        case .compressedRows, .compressedColumns:
            guard shape.count == 2 else { throw .invalid("a compressed matrix has 2 dimensions, not \(shape.count)") }
            var lines = shape[0]
            if case .compressedColumns = index { lines = shape[1] }
            least = [
                try lines.adding(checked: 1).multiplied(checked: pointerWidth),
                try valueCount.multiplied(checked: indexWidth), try valueCount.multiplied(checked: width),
            ]
        case .compressedFibers(let order):
            guard !shape.isEmpty, order.sorted() == Array(shape.indices) else {
                throw .invalid("axis_order \(order) is no order of \(shape.count) dimensions")
            }
            guard ranges.count == 2 * shape.count else {
                throw .invalid("tensor of \(shape.count) dimensions has \(ranges.count) buffers")
            }
            least = Array(repeating: 0, count: 2 * shape.count - 2)
            least.append(try valueCount.multiplied(checked: indexWidth))
            least.append(try valueCount.multiplied(checked: width))
            for level in 0..<shape.count - 1 {
                // Each node of a level has a pointer to its first child, and one more ends the last.
                least[level] = ranges[shape.count - 1 + level].count / indexWidth * pointerWidth + pointerWidth
            }
        }
        guard ranges.count == least.count else {
            throw .invalid("tensor has \(ranges.count) buffers, expected \(least.count)")
        }
        for (range, least) in zip(ranges, least) where range.count < least {
            throw .invalid("a buffer of the tensor has \(range.count) bytes, expected \(least)")
        }
    }

    /// The bytes up to the end of the last value.
    private func reach(_ shape: [Int], _ strides: [Int], _ width: Int) throws(MartletError) -> Int {
        guard strides.count == shape.count, strides.allSatisfy({ $0 >= 0 }) else {
            throw .invalid("strides \(strides) do not fit a shape of \(shape.count) dimensions")
        }
        if shape.contains(0) { return 0 }
        var last = width
        for (size, stride) in zip(shape, strides) {
            last = try last.adding(checked: (size - 1).multiplied(checked: stride))
        }
        return last
    }
}

extension Range<Int> {
    /// A `Buffer` struct.
    fileprivate var pair: FlatBuilder.Value { .pair(Int64(lowerBound), Int64(count)) }
}

extension FlatTable {
    /// A vector of 64-bit numbers as sizes; nil when it is absent.
    fileprivate func int64s(_ slot: Int) throws(MartletError) -> [Int]? {
        guard let numbers = try vector(slot, elementSize: 8)?.all(Int64.self) else { return nil }
        return try numbers.map { number throws(MartletError) in try Int(size: number, "stride of the tensor") }
    }
}
