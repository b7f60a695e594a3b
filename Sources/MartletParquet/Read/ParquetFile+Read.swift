public import MartletArrow
public import MartletBase
import MartletIO

extension ParquetFile {
    /// Reads row groups as a table. Columns of fixed width and of dictionaries are one chunk each; strings and nested values
    /// of large row groups are a chunk for each, of small ones a chunk for all, unless 32-bit offsets cannot reach so far.
    ///
    /// - Parameters:
    ///   - columns: names of top-level columns or dotted paths into them, nil for all. The table has them in the
    ///     order in which they are first named.
    ///   - rowGroups: in the order in which their rows are wanted, nil for all.
    public func read(
        columns: [String]? = nil, rowGroups: [Int]? = nil, operation: Operation = .unwatched
    ) throws(MartletError) -> Table {
        let groups = try checkedRowGroups(rowGroups).map { RowSelection(rowGroup: $0) }
        return try read(columns: columns, selections: groups, operation: operation)
    }

    /// Reads the selected rows. Pages that hold none of them are not unpacked, and, where the file has an offset
    /// index, not even read.
    public func read(
        columns: [String]? = nil, selections: [RowSelection], operation: Operation = .unwatched
    ) throws(MartletError) -> Table {
        let (nodes, schema) = try projection(columns)
        _ = try checkedRowGroups(selections.map(\.rowGroup))
        let read = try TableRead(file: self, nodes: nodes, selections: selections)
        try operation.advance(to: 0, of: read.rowCount)
        var columns = try read.run()
        for (i, field) in schema.fields.enumerated() where columns[i].type != field.type {
            columns[i] = try columns[i].viewed(as: field.type)
        }
        try operation.advance(to: read.rowCount, of: read.rowCount)
        return try Table(schema: schema, columns: columns, rowCount: read.rowCount)
    }
}

/// The reading of a table: column chunks are decoded on all threads, the largest first, straight into the memory
/// of the final columns wherever a value's place is known beforehand.
private struct TableRead {
    let file: ParquetFile
    let nodes: [ArrowNode]
    let parts: [Part]
    let rowCount: Int

    /// Chunks of so many bytes are large.
    private static let largeChunk = 1 << 20

    /// The wanted rows of a row group.
    struct Part: Sendable {
        let rowGroup: Int
        let ranges: [Range<Int>]
        let isWhole: Bool
        let rows: Int
        /// The first of them in the table.
        let start: Int
    }

    /// The reading of one leaf in one row group.
    struct Task: Sendable {
        let part: Int
        let plan: LeafPlan
        let keepsLevels: Bool
        /// Position of the column that the leaf belongs to.
        let column: Int
        let byteCount: Int64
    }

    init(file: ParquetFile, nodes: [ArrowNode], selections: [RowSelection]) throws(MartletError) {
        self.file = file
        self.nodes = nodes
        var parts: [Part] = []
        var start = 0
        for selection in selections {
            let count = file.rowCount(ofRowGroup: selection.rowGroup)
            let ranges = try selection.ranges(in: count)
            let rows = ranges.reduce(0) { $0 + $1.count }
            parts.append(
                Part(
                    rowGroup: selection.rowGroup, ranges: ranges, isWhole: rows == count, rows: rows, start: start))
            start = try start.adding(checked: rows)
        }
        self.parts = parts
        rowCount = start
    }

    func run() throws(MartletError) -> [ChunkedArray] {
        var windows: [ColumnWindow?] = []
        var tasks: [Task] = []
        for node in nodes { try check(node) }
        for (column, node) in nodes.enumerated() {
            var window: ColumnWindow?
            if case .leaf(let leaf) = node.shape, leaf.maxRepetitionLevel == 0, node.field.type != .null,
                let width = try LeafPlan(leaf, node.field.type).fixedWidth
            {
                window = try ColumnWindow(byteCount: try rowCount.multiplied(checked: width), width: width)
            }
            windows.append(window)
            try node.collectLeaves { leaf, type, keepsLevels throws(MartletError) in
                if type == .null && leaf.maxRepetitionLevel == 0 && !keepsLevels { return }
                let plan = try LeafPlan(leaf, type)
                for (i, part) in parts.enumerated() where part.rows > 0 {
                    let chunk = file.metadata.rowGroups[part.rowGroup].columns[leaf.index]
                    tasks.append(
                        Task(
                            part: i, plan: plan, keepsLevels: keepsLevels, column: column,
                            byteCount: chunk.metadata?.totalUncompressedSize ?? 0))
                }
            }
        }
        tasks.sort { $0.byteCount > $1.byteCount }
        let outputs = try decode(tasks, windows)
        try file.source.checkUnchanged()
        return try assemble(outputs, windows)
    }

    /// Whether what the column's chunks say of themselves can be true: their rows decide how much memory is taken.
    private func check(_ node: ArrowNode) throws(MartletError) {
        try node.collectLeaves { leaf, type, keepsLevels throws(MartletError) in
            if type == .null && leaf.maxRepetitionLevel == 0 && !keepsLevels { return }
            for part in parts where part.rows > 0 {
                // A key that is missing is the first to be told.
                let cipher = try file.cipher(rowGroup: part.rowGroup, leaf: leaf.index)
                let rowCount = file.rowCount(ofRowGroup: part.rowGroup)
                let metadata = try LeafReader.checked(
                    file.metadata.rowGroups[part.rowGroup].columns[leaf.index], of: leaf, rowGroup: part.rowGroup,
                    rowCount: rowCount, source: file.source)
                if leaf.maxRepetitionLevel > 0 { continue }
                try LeafReader.checkPages(
                    metadata, of: leaf, rowGroup: part.rowGroup, rowCount: rowCount, source: file.source, cipher: cipher)
            }
        }
    }

    /// Leaf outputs by part and by position of the leaf in the schema.
    private func decode(_ tasks: [Task], _ windows: [ColumnWindow?]) throws(MartletError) -> [[Int: LeafOutput]] {
        let source = try threadSafeSource(tasks)
        let threads = file.options.usesThreads ? nil : 1
        let results = try WorkerPool.map(tasks.count, threads: threads) { index throws(MartletError) -> TaskResult in
            let task = tasks[index]
            do throws(MartletError) {
                return TaskResult(output: try decode(task, windows[task.column], source))
            } catch {
                // Too much for one array: the column is read in pieces.
                guard error.code == .capacityError, task.plan.fixedWidth == nil else { throw error }
                return TaskResult(output: nil)
            }
        }
        var outputs = [[Int: LeafOutput]](repeating: [:], count: parts.count)
        for (task, result) in zip(tasks, results) { outputs[task.part][task.plan.leaf.index] = result.output }
        return outputs
    }

    /// Outputs pass from the thread that filled them to the one that assembles them, and are never shared.
    private struct TaskResult: @unchecked Sendable {
        /// nil when the values do not fit one array.
        let output: LeafOutput?
    }

    private func decode(_ task: Task, _ window: ColumnWindow?, _ source: any ByteSource) throws(MartletError)
        -> LeafOutput
    {
        let part = parts[task.part]
        let leaf = task.plan.leaf
        let group = file.metadata.rowGroups[part.rowGroup]
        let reader = try LeafReader(
            task.plan, group.columns[leaf.index], rowGroup: part.rowGroup, rowCount: Int(clamping: group.rowCount),
            source: source, options: file.options, cipher: try file.cipher(rowGroup: part.rowGroup, leaf: leaf.index),
            offsetIndex: part.isWhole ? nil : try file.offsetIndex(rowGroup: part.rowGroup, leaf: leaf.index, source),
            windowByteCount: part.isWhole ? nil : ParquetFile.pageWindowByteCount)
        let output = try unsafe LeafOutput(
            task.plan, rows: leaf.maxRepetitionLevel == 0 ? part.rows : nil,
            window: unsafe window?.address(row: part.start, count: part.rows), keepsLevels: task.keepsLevels)
        var row = 0
        for range in part.ranges {
            try reader.skip(range.lowerBound - row)
            try reader.read(range.count, into: output)
            row = range.upperBound
        }
        return output
    }

    /// A source that all threads can read: where the file's own is a caller's object, the chunks are read first.
    private func threadSafeSource(_ tasks: [Task]) throws(MartletError) -> any ByteSource {
        if file.source.isThreadSafe { return file.source }
        var ranges: [Range<Int>] = []
        for task in tasks {
            let part = parts[task.part]
            ranges += try file.byteRanges(rowGroup: part.rowGroup, leaf: task.plan.leaf.index, rows: part.ranges)
        }
        return try PreloadedSource(file.source, ranges: ranges, known: file.knownParts)
    }

    private func assemble(_ outputs: [[Int: LeafOutput]], _ windows: [ColumnWindow?]) throws(MartletError)
        -> [ChunkedArray]
    {
        let shared = Outputs(byPart: outputs)
        return try WorkerPool.map(nodes.count, threads: file.options.usesThreads ? nil : 1) {
            index throws(MartletError) -> ChunkedArray in
            let node = nodes[index]
            return try adding(context: "column '\(node.field.name)'") { () throws(MartletError) in
                if let window = windows[index], case .leaf(let leaf) = node.shape {
                    return try column(node, leaf, window, shared.byPart)
                }
                do throws(MartletError) {
                    return try column(node, shared.byPart)
                } catch {
                    guard error.code == .capacityError else { throw error }
                    return try pieces(node)
                }
            }
        }
    }

    /// A column that does not fit one array for each row group, in the largest batches that fit.
    private func pieces(_ node: ArrowNode) throws(MartletError) -> ChunkedArray {
        let selections = try parts.map { part throws(MartletError) in
            try part.isWhole
                ? RowSelection(rowGroup: part.rowGroup) : RowSelection(rowGroup: part.rowGroup, ranges: part.ranges)
        }
        var batchRowCount = max(1, rowCount / 2)
        while true {
            do throws(MartletError) {
                let reader = try ParquetBatchReader(
                    file: file, nodes: [node], schema: Schema([node.field]), selections: selections,
                    batchRowCount: batchRowCount)
                var arrays: [ArrayData] = []
                while let batch = try reader.next() { arrays.append(batch.columns[0]) }
                return try ChunkedArray(type: node.field.type, chunks: arrays)
            } catch {
                guard error.code == .capacityError, batchRowCount > 1 else { throw error }
                batchRowCount = max(1, batchRowCount / 4)
            }
        }
    }

    /// Each output belongs to one column, and each column is assembled by one thread.
    private struct Outputs: @unchecked Sendable {
        let byPart: [[Int: LeafOutput]]
    }

    /// A column whose values are in place already.
    private func column(
        _ node: ArrowNode, _ leaf: LeafColumn, _ window: ColumnWindow, _ outputs: [[Int: LeafOutput]]
    ) throws(MartletError) -> ChunkedArray {
        let pieces = outputs.compactMap { $0[leaf.index] }
        let (validity, nulls) = try joinedValidity(pieces)
        let dictionary = try joinedDictionary(pieces, window)
        let array = try fixedArray(
            node.field.type, window.finish(), count: rowCount, validity: validity, nullCount: nulls,
            dictionary: dictionary)
        return try ChunkedArray(type: node.field.type, chunks: [array])
    }

    private func joinedValidity(_ pieces: [LeafOutput]) throws(MartletError) -> (Buffer?, Int) {
        if pieces.count == 1 { return pieces[0].takeValidity() }
        guard pieces.contains(where: { $0.validity.nullCount > 0 }) else { return (nil, 0) }
        var builder = try BitmapBuilder(capacity: rowCount)
        for piece in pieces {
            let count = piece.slots
            let (bits, _) = piece.takeValidity()
            if let bits {
                try builder.append(try Bitmap(bits, count: count))
            } else {
                try builder.append(repeating: true, count: count)
            }
        }
        let nulls = builder.falseCount
        return (builder.finish(), nulls)
    }

    /// One dictionary for all row groups; the indices of the others are brought to it.
    private func joinedDictionary(_ pieces: [LeafOutput], _ window: ColumnWindow) throws(MartletError)
        -> BytesDictionary?
    {
        guard let first = pieces.first?.dictionary else {
            if case .indices = pieces.first?.plan.family { return try BytesDictionary(try BytesValues(capacity: 0)) }
            return nil
        }
        if pieces.count == 1 || pieces.allSatisfy({ $0.dictionary?.hasSameValues(as: first) == true }) { return first }
        let interner = try BytesInterner(first)
        var start = pieces[0].slots
        for piece in pieces.dropFirst() {
            if let dictionary = piece.dictionary {
                var places: [UInt32] = []
                for i in 0..<dictionary.count {
                    let index = try interner.index(of: dictionary.value(i))
                    places.append(UInt32(truncatingIfNeeded: index))
                }
                try unsafe remap(window.address(row: start, count: piece.slots), piece.slots, places)
            }
            start += piece.slots
        }
        return try interner.dictionary()
    }

    private func remap(_ address: UnsafeMutableRawPointer, _ count: Int, _ places: [UInt32]) {
        let indices = unsafe address.assumingMemoryBound(to: UInt32.self)
        let limit = UInt32(truncatingIfNeeded: places.count)
        unsafe places.withUnsafeBufferPointer { places in
            for i in 0..<count {
                // Slots of nulls hold 0, which an empty dictionary does not have.
                let index = unsafe indices[i]
                unsafe indices[i] = index < limit ? places[Int(index)] : 0
            }
        }
    }

    /// Any other column: an array for each row group, joined where that is possible and costs little.
    private func column(_ node: ArrowNode, _ outputs: [[Int: LeafOutput]]) throws(MartletError) -> ChunkedArray {
        var arrays: [ArrayData] = []
        for (i, part) in parts.enumerated() where part.rows > 0 {
            try node.collectLeaves { leaf, type, keepsLevels throws(MartletError) in
                let isVoid = type == .null && leaf.maxRepetitionLevel == 0 && !keepsLevels
                if !isVoid, outputs[i][leaf.index] == nil { throw BytesValues.tooLong(Int(Int32.max)) }
            }
            let array = try Assembly(outputs: outputs[i], rows: part.rows).array(node)
            guard array.count == part.rows else {
                throw .corrupt("row group \(part.rowGroup) has \(part.rows) rows, the column has \(array.count)")
            }
            arrays.append(array)
        }
        // Joining is a copy, and for a while all values are there twice.
        let isLarge = arrays.reduce(0) { $0 + $1.byteCount } > arrays.count * Self.largeChunk
        if isLarge, !node.field.type.containsDictionary {
            return try ChunkedArray(type: node.field.type, chunks: arrays)
        }
        do throws(MartletError) {
            return try ChunkedArray(
                type: node.field.type, chunks: [try concatenate(arrays, type: node.field.type)])
        } catch {
            guard error.code == .capacityError else { throw error }
            return try ChunkedArray(type: node.field.type, chunks: arrays)
        }
    }
}

/// The memory of a column's values, filled row group by row group by several threads, each its own rows.
@safe
private final class ColumnWindow: @unchecked Sendable {
    private let memory: HeapMemory
    private let byteCount: Int
    private let width: Int

    init(byteCount: Int, width: Int) throws(MartletError) {
        memory = try HeapMemory(byteCount: byteCount + 64)
        self.byteCount = byteCount
        self.width = width
    }

    func address(row: Int, count: Int) throws(MartletError) -> UnsafeMutableRawPointer {
        try checkWindow(offset: row * width, length: count * width, count: byteCount, "rows of a column")
        return unsafe memory.address + row * width
    }

    /// The values, once all threads are done.
    func finish() -> Buffer {
        let end = min(byteCount.roundedUp(to: 64), memory.capacity)
        for i in byteCount..<end { unsafe memory.address.storeBytes(of: 0, toByteOffset: i, as: UInt8.self) }
        return unsafe Buffer(unsafeAddress: UnsafeRawPointer(memory.address), count: byteCount, owner: memory)
    }
}

extension BytesDictionary {
    func hasSameValues(as other: BytesDictionary) -> Bool {
        self === other
            || count == other.count && entries.hasSameBytes(as: other.entries) && bytes.hasSameBytes(as: other.bytes)
    }
}

extension BytesInterner {
    func index(of bytes: RawSpan) throws(MartletError) -> Int32 {
        try unsafe bytes.withUnsafeBytes { source throws(MartletError) in try unsafe index(of: source) }
    }
}
