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
///
/// Rows are read in pieces, which end where batches and row groups do. Each column is a line of work that threads of the
/// pool do ahead of the batch in hand: no column waits for another, and no thread for the end of a batch.
public final class ParquetBatchReader: RecordBatchReader {
    public let schema: Schema
    private let file: ParquetFile
    private let nodes: [ArrowNode]
    private let batchRowCount: Int
    private let leaves: [Leaf]
    private let lines: [WorkerPool.Line<LeafPiece, LeafResult>]
    private var selections: ArraySlice<RowSelection>
    private var part: OpenPart?
    /// How many rows the batch that pieces are planned for still wants.
    private var wantedRows: Int
    /// The pieces that threads may be at work on.
    private var planned: ArraySlice<Piece> = []
    /// The most bytes of values that a piece had: what the file says of itself may be little for much.
    private var largestByteCount = 0
    private var failure: MartletError?

    private struct Leaf: Sendable {
        let plan: LeafPlan
        let keepsLevels: Bool
        /// Whether there is nothing in the file to be read: nulls only.
        let isVoid: Bool
    }

    /// A row group that is being read.
    private struct OpenPart {
        /// A reader passes between threads, and is used by one at a time.
        let readers: [Handover?]
        /// Positions of the leaves, those with the most bytes first: threads that take them in turn end together.
        let order: [Int]
        /// Ranges that no piece has yet.
        var ranges: ArraySlice<Range<Int>>
        /// Where the readers stand when all pieces so far are read.
        var row = 0
        /// Whether threads of the pool work on the pieces: not where those are too small, or threads not wanted.
        let isShared: Bool
    }
    private struct Handover: @unchecked Sendable { let reader: LeafReader }
    private struct LeafResult: @unchecked Sendable { let output: LeafOutput? }
    private struct Gathered: @unchecked Sendable { let assembly: Assembly }

    /// Rows of one row group, not more than a batch.
    private struct Piece {
        let rowCount: Int
        let order: [Int]
        let isShared: Bool
    }
    /// A leaf's part of a piece.
    private struct LeafPiece: Sendable {
        let reader: Handover?
        /// Where the reader stands before it.
        let start: Int
        let ranges: [Range<Int>]
        let rowCount: Int
    }

    /// How much of a column chunk is read from a file at once, unless a page is longer.
    private static let windowByteCount = 64 << 10
    /// How many bytes of values are made ahead.
    private static let byteCountAhead = 16 << 20
    /// Batches with fewer bytes of values are not worth a word to other threads.
    private static let byteCountToShare = 128 << 10

    init(
        file: ParquetFile, nodes: [ArrowNode], schema: Schema, selections: [RowSelection], batchRowCount: Int
    ) throws(MartletError) {
        self.file = file
        self.nodes = nodes
        self.schema = schema
        self.batchRowCount = batchRowCount
        wantedRows = batchRowCount
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
        lines = leaves.map { leaf in WorkerPool.Line { piece throws(MartletError) in try Self.read(piece, leaf) } }
    }

    public func next() throws(MartletError) -> RecordBatch? {
        do throws(MartletError) { return try nextBatch() } catch {
            (failure, planned) = (error, [])
            throw error
        }
    }

    private func nextBatch() throws(MartletError) -> RecordBatch? {
        var pieces: [RecordBatch] = []
        var rows = 0
        while rows < batchRowCount {
            guard let piece = try nextPiece() else { break }
            let batch = try read(piece)
            rows += batch.rowCount
            pieces.append(batch)
        }
        if pieces.count <= 1 { return pieces.first }
        var columns: [ArrayData] = []
        for (i, field) in schema.fields.enumerated() {
            columns.append(try concatenate(pieces.map { $0.columns[i] }, type: field.type))
        }
        return RecordBatch(unchecked: schema, columns: columns, rowCount: rows)
    }

    private func nextPiece() throws(MartletError) -> Piece? {
        if planned.isEmpty {
            if let failure { throw failure }
            guard let piece = try plan(opensParts: true) else { return nil }
            planned.append(piece)
        }
        let piece = planned.removeFirst()
        // One ahead until it is known how large they are.
        var limit = piece.isShared ? 1 : 0
        if piece.isShared, largestByteCount > 0 { limit = max(1, min(8, Self.byteCountAhead / largestByteCount)) }
        // Where opening a row group takes its bytes, that waits until they are needed. What fails is told when it is asked for.
        while failure == nil, planned.count < limit {
            do throws(MartletError) {
                guard let next = try plan(opensParts: file.source.isThreadSafe) else { break }
                planned.append(next)
            } catch { failure = error }
        }
        return piece
    }

    /// Puts the next piece into the lines; nil at the end, and where it begins another row group that is not to be opened yet.
    private func plan(opensParts: Bool) throws(MartletError) -> Piece? {
        while true {
            if var open = part, !open.ranges.isEmpty {
                let ranges = Self.take(&open.ranges, upTo: wantedRows)
                let rowCount = ranges.reduce(0) { $0 + $1.count }
                for index in open.order {
                    lines[index].add(
                        LeafPiece(reader: open.readers[index], start: open.row, ranges: ranges, rowCount: rowCount),
                        runsAhead: open.isShared)
                }
                open.row = ranges.last?.upperBound ?? open.row
                part = open
                wantedRows -= rowCount
                if wantedRows <= 0 { wantedRows = batchRowCount }
                return Piece(rowCount: rowCount, order: open.order, isShared: open.isShared)
            }
            guard opensParts else { return nil }
            part = nil
            guard let selection = selections.popFirst() else { return nil }
            part = try open(selection)
        }
    }

    private func open(_ selection: RowSelection) throws(MartletError) -> OpenPart {
        let group = file.metadata.rowGroups[selection.rowGroup]
        let count = file.rowCount(ofRowGroup: selection.rowGroup)
        let ranges = try selection.ranges(in: count)
        if ranges.isEmpty { return OpenPart(readers: [], order: [], ranges: [], isShared: false) }
        let isWhole = ranges == [0..<count]
        var source = file.source
        if !source.isThreadSafe {
            var wanted: [Range<Int>] = []
            for leaf in leaves where !leaf.isVoid {
                wanted += try file.byteRanges(rowGroup: selection.rowGroup, leaf: leaf.plan.leaf.index, rows: ranges)
            }
            source = try PreloadedSource(source, ranges: wanted, known: file.knownParts)
        }
        var readers: [Handover?] = []
        for leaf in leaves {
            if leaf.isVoid {
                readers.append(nil)
                continue
            }
            let index = leaf.plan.leaf.index
            let reader = try LeafReader(
                leaf.plan, group.columns[index], rowGroup: selection.rowGroup, rowCount: count, source: source,
                options: file.options, cipher: try file.cipher(rowGroup: selection.rowGroup, leaf: index),
                offsetIndex: isWhole ? nil : try file.offsetIndex(rowGroup: selection.rowGroup, leaf: index, source),
                windowByteCount: isWhole ? Self.windowByteCount : ParquetFile.pageWindowByteCount)
            readers.append(Handover(reader: reader))
        }
        let sizes = leaves.map { group.columns[$0.plan.leaf.index].metadata?.totalUncompressedSize ?? 0 }
        let order = leaves.indices.sorted { sizes[$0] > sizes[$1] }
        var bytesPerRow = 1
        for (leaf, size) in zip(leaves, sizes) {
            // The size is the file's word: more than matters here does not count.
            let told = Int(max(0, min(size, 1 << 40))) / max(count, 1)
            bytesPerRow += max(leaf.plan.fixedWidth ?? 4, told)
        }
        let (byteCount, isMuch) = bytesPerRow.multipliedReportingOverflow(by: min(batchRowCount, count))
        let isShared = file.options.usesThreads && (isMuch || byteCount >= Self.byteCountToShare)
        return OpenPart(readers: readers, order: order, ranges: ranges[...], isShared: isShared)
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

    /// Reads a leaf's part of a piece; its reader stands where the piece before ended.
    private static func read(_ piece: LeafPiece, _ leaf: Leaf) throws(MartletError) -> LeafResult {
        guard let reader = piece.reader?.reader else { return LeafResult(output: nil) }
        let output = try unsafe LeafOutput(
            leaf.plan, rows: leaf.plan.leaf.maxRepetitionLevel == 0 ? piece.rowCount : nil, keepsLevels: leaf.keepsLevels)
        var row = piece.start
        for range in piece.ranges {
            try reader.skip(range.lowerBound - row)
            try reader.read(range.count, into: output)
            row = range.upperBound
        }
        return LeafResult(output: output)
    }

    private func read(_ piece: Piece) throws(MartletError) -> RecordBatch {
        var outputs: [Int: LeafOutput] = [:]
        for index in piece.order { outputs[leaves[index].plan.leaf.index] = try lines[index].take().output }
        try file.source.checkUnchanged()
        let rows = piece.rowCount
        let gathered = Gathered(assembly: Assembly(outputs: outputs, rows: rows))
        let (nodes, schema, threads) = (nodes, schema, piece.isShared ? nil : 1)
        let columns = try WorkerPool.map(nodes.count, threads: threads) { index throws(MartletError) -> ArrayData in
            let node = nodes[index]
            let array = try adding(context: "column '\(node.field.name)'") { () throws(MartletError) in
                try gathered.assembly.array(node)
            }
            guard array.count == rows else {
                throw .corrupt("column '\(node.field.name)' has \(array.count) rows, \(rows) are expected")
            }
            return try array.viewed(as: schema.fields[index].type)
        }
        if piece.isShared { largestByteCount = max(largestByteCount, columns.reduce(0) { $0 + $1.byteCount }) }
        return RecordBatch(unchecked: schema, columns: columns, rowCount: rows)
    }
}
