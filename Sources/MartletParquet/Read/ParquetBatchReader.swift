public import MartletArrow
public import MartletBase
import MartletIO

extension ParquetFile {
    /// Reads row groups batch by batch; only what the next batch needs is unpacked.
    ///
    /// Batches have `batchRowCount` rows, the last one fewer; they run across the ends of row groups.
    public func batches(
        columns: [String]? = nil, rowGroups: [Int]? = nil, batchRowCount: Int = 65_536
    ) throws(MartletError) -> ParquetBatchReader {
        let groups = try checkedRowGroups(rowGroups).map { RowSelection(rowGroup: $0) }
        return try batches(columns: columns, selections: groups, batchRowCount: batchRowCount)
    }

    /// Reads the selected rows batch by batch.
    public func batches(
        columns: [String]? = nil, selections: [RowSelection], batchRowCount: Int = 65_536
    ) throws(MartletError) -> ParquetBatchReader {
        let (nodes, schema) = try projection(columns)
        _ = try checkedRowGroups(selections.map(\.rowGroup))
        guard batchRowCount > 0 else { throw .invalid("batch size must be greater than 0, got \(batchRowCount)") }
        return try ParquetBatchReader(
            file: self, nodes: nodes, schema: schema, selections: selections, batchRowCount: batchRowCount)
    }
}

/// The rows of a Parquet file as a stream of record batches. One thread at a time.
public final class ParquetBatchReader: RecordBatchReader {
    public let schema: Schema
    private let file: ParquetFile
    private let nodes: [ArrowNode]
    private let batchRowCount: Int
    private let leaves: [Leaf]
    private var selections: ArraySlice<RowSelection>
    private var part: OpenPart?

    private struct Leaf: Sendable {
        let plan: LeafPlan
        let keepsLevels: Bool
        /// Whether there is nothing in the file to be read: nulls only.
        let isVoid: Bool
    }

    /// A row group that is being read.
    private struct OpenPart {
        let readers: [LeafReader?]
        /// Positions of the leaves, those with the most bytes first: threads that take them in turn end together.
        let order: [Int]
        /// Ranges that are not read yet.
        var ranges: ArraySlice<Range<Int>>
        /// Where the readers stand.
        var row = 0
    }

    /// How much of a column chunk is read from a file at once.
    private static let windowByteCount = 4 << 20

    init(
        file: ParquetFile, nodes: [ArrowNode], schema: Schema, selections: [RowSelection], batchRowCount: Int
    ) throws(MartletError) {
        self.file = file
        self.nodes = nodes
        self.schema = schema
        self.batchRowCount = batchRowCount
        self.selections = selections[...]
        var leaves: [Leaf] = []
        for node in nodes {
            try node.collectLeaves { leaf, type, keepsLevels throws(MartletError) in
                leaves.append(
                    Leaf(
                        plan: try LeafPlan(leaf, type), keepsLevels: keepsLevels,
                        isVoid: type == .null && leaf.maxRepetitionLevel == 0 && !keepsLevels))
            }
        }
        self.leaves = leaves
    }

    public func next() throws(MartletError) -> RecordBatch? {
        var pieces: [RecordBatch] = []
        var rows = 0
        while rows < batchRowCount {
            guard var open = try currentPart() else { break }
            let ranges = Self.take(&open.ranges, upTo: batchRowCount - rows)
            let piece = try read(ranges, from: open)
            open.row = ranges.last?.upperBound ?? open.row
            part = open
            rows += piece.rowCount
            pieces.append(piece)
        }
        if pieces.count <= 1 { return pieces.first }
        var columns: [ArrayData] = []
        for (i, field) in schema.fields.enumerated() {
            columns.append(try concatenate(pieces.map { $0.columns[i] }, type: field.type))
        }
        return RecordBatch(unchecked: schema, columns: columns, rowCount: rows)
    }

    /// The row group to read from, nil at the end.
    private func currentPart() throws(MartletError) -> OpenPart? {
        while true {
            if let part, !part.ranges.isEmpty { return part }
            part = nil
            guard let selection = selections.popFirst() else { return nil }
            part = try open(selection)
        }
    }

    private func open(_ selection: RowSelection) throws(MartletError) -> OpenPart {
        let group = file.metadata.rowGroups[selection.rowGroup]
        let count = file.rowCount(ofRowGroup: selection.rowGroup)
        let ranges = try selection.ranges(in: count)
        if ranges.isEmpty { return OpenPart(readers: [], order: [], ranges: []) }
        let isWhole = ranges == [0..<count]
        var source = file.source
        if !source.isThreadSafe {
            var wanted: [Range<Int>] = []
            for leaf in leaves where !leaf.isVoid {
                wanted += try file.byteRanges(rowGroup: selection.rowGroup, leaf: leaf.plan.leaf.index, rows: ranges)
            }
            source = try PreloadedSource(source, ranges: wanted, known: file.knownParts)
        }
        var readers: [LeafReader?] = []
        for leaf in leaves {
            if leaf.isVoid {
                readers.append(nil)
                continue
            }
            let index = leaf.plan.leaf.index
            readers.append(
                try LeafReader(
                    leaf.plan, group.columns[index], rowGroup: selection.rowGroup, rowCount: count, source: source,
                    options: file.options, cipher: try file.cipher(rowGroup: selection.rowGroup, leaf: index),
                    offsetIndex: isWhole
                        ? nil : try file.offsetIndex(rowGroup: selection.rowGroup, leaf: index, source),
                    windowByteCount: isWhole ? Self.windowByteCount : ParquetFile.pageWindowByteCount))
        }
        let sizes = leaves.map { group.columns[$0.plan.leaf.index].metadata?.totalUncompressedSize ?? 0 }
        let order = leaves.indices.sorted { sizes[$0] > sizes[$1] }
        return OpenPart(readers: readers, order: order, ranges: ranges[...])
    }

    /// Takes the first `limit` rows off `ranges`.
    private static func take(_ ranges: inout ArraySlice<Range<Int>>, upTo limit: Int) -> [Range<Int>] {
        var taken: [Range<Int>] = []
        var left = limit
        while left > 0, let first = ranges.first {
            if first.count <= left {
                taken.append(first)
                ranges.removeFirst()
                left -= first.count
            } else {
                let cut = first.lowerBound + left
                taken.append(first.lowerBound..<cut)
                ranges[ranges.startIndex] = cut..<first.upperBound
                left = 0
            }
        }
        return taken
    }

    /// Readers and what they give pass between threads, each used by one at a time.
    private struct Handover: @unchecked Sendable {
        let readers: [LeafReader?]
    }
    private struct LeafResult: @unchecked Sendable {
        let output: LeafOutput?
    }
    private struct Gathered: @unchecked Sendable {
        let assembly: Assembly
    }

    private func read(_ ranges: [Range<Int>], from open: OpenPart) throws(MartletError) -> RecordBatch {
        let rows = ranges.reduce(0) { $0 + $1.count }
        let threads = file.options.usesThreads ? nil : 1
        let handover = Handover(readers: open.readers)
        let leaves = self.leaves
        let start = open.row
        let order = open.order
        let results = try WorkerPool.map(order.count, threads: threads) { task throws(MartletError) -> LeafResult in
            let index = order[task]
            guard let reader = handover.readers[index] else { return LeafResult(output: nil) }
            let leaf = leaves[index]
            let output = try unsafe LeafOutput(
                leaf.plan, rows: leaf.plan.leaf.maxRepetitionLevel == 0 ? rows : nil, keepsLevels: leaf.keepsLevels)
            var row = start
            for range in ranges {
                try reader.skip(range.lowerBound - row)
                try reader.read(range.count, into: output)
                row = range.upperBound
            }
            return LeafResult(output: output)
        }
        try file.source.checkUnchanged()
        var outputs: [Int: LeafOutput] = [:]
        for (index, result) in zip(order, results) { outputs[leaves[index].plan.leaf.index] = result.output }
        let gathered = Gathered(assembly: Assembly(outputs: outputs, rows: rows))
        let nodes = nodes
        let columns = try WorkerPool.map(nodes.count, threads: threads) { index throws(MartletError) -> ArrayData in
            let node = nodes[index]
            let array = try adding(context: "column '\(node.field.name)'") { () throws(MartletError) in
                try gathered.assembly.array(node)
            }
            guard array.count == rows else {
                throw .corrupt("column '\(node.field.name)' has \(array.count) rows, \(rows) are expected")
            }
            return array
        }
        return RecordBatch(unchecked: schema, columns: columns, rowCount: rows)
    }
}
