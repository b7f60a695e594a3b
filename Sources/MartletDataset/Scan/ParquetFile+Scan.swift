public import MartletArrow
public import MartletBase
public import MartletCompute
import MartletIO
public import MartletParquet

extension ParquetFile {
    /// Reads the rows for which `filter` is true, from row groups and pages that can have such rows only.
    ///
    /// - Parameters:
    ///   - columns: names of top-level columns or dotted paths; nil for all.
    ///   - selections: the rows to look at, in the order in which they are wanted; nil for all.
    ///   - readsAhead: whether the pool makes the next batch of `batchRowCount` rows while the caller is at work on one.
    ///   - batchRowCount: rows of a batch, at most, in flat memory; nil for one batch, unless 32-bit offsets cannot reach so far.
    public func scan(
        columns: [String]? = nil, selections: [RowSelection]? = nil, filter: Expression? = nil, batchRowCount: Int? = nil,
        readsAhead: Bool = true, operation: Operation = .unwatched
    ) throws(MartletError) -> any RecordBatchReader {
        let wanted = selections ?? (0..<rowGroupCount).map { RowSelection(rowGroup: $0) }
        guard let filter else {
            if let batchRowCount {
                let reader = try batches(columns: columns, selections: wanted, batchRowCount: batchRowCount)
                return readsAhead && source.isThreadSafe ? ReadAheadReader(reader) : reader
            }
            let table = try read(columns: columns, selections: wanted, operation: operation)
            return BatchesReader(schema: table.schema, ColumnChunks(table).batches(table.schema))
        }
        let scan = FileScan(
            file: self, output: try schema(columns: columns), fields: schema, constants: [:],
            filter: try filter.bound(to: schema))
        guard let batchRowCount else {
            return BatchesReader(schema: scan.output, try scan.batches(wanted, operation: operation))
        }
        let tasks = wanted.map { selection in
            ScanTask(byteCount: .max / 2, rowCount: rowCount(ofRowGroup: selection.rowGroup)) { () throws(MartletError) in
                try scan.batches([selection])
            }
        }
        let reader = ScanReader(schema: scan.output, tasks: tasks, batchRowCount: batchRowCount, operation: operation)
        return readsAhead && source.isThreadSafe && !operation.isWatched ? ReadAheadReader(reader) : reader
    }
}
