public import MartletArrow
public import MartletBase
public import MartletCompute
public import MartletParquet

extension ParquetFile {
    /// Reads the rows for which `filter` is true, from row groups and pages that can have such rows only.
    ///
    /// - Parameters:
    ///   - columns: names of top-level columns or dotted paths; nil for all.
    ///   - rowGroups: in the order in which their rows are wanted; nil for all.
    ///   - batchRowCount: rows of a batch, at most, in flat memory; nil for one batch, unless 32-bit offsets cannot reach so far.
    public func scan(
        columns: [String]? = nil, rowGroups: [Int]? = nil, filter: Expression? = nil, batchRowCount: Int? = nil,
        operation: Operation = .unwatched
    ) throws(MartletError) -> any RecordBatchReader {
        guard let filter else {
            if let batchRowCount { return try batches(columns: columns, rowGroups: rowGroups, batchRowCount: batchRowCount) }
            let table = try read(columns: columns, rowGroups: rowGroups, operation: operation)
            return BatchesReader(schema: table.schema, ColumnChunks(table).batches(table.schema))
        }
        let scan = FileScan(
            file: self, output: try schema(columns: columns), fields: schema, constants: [:],
            filter: try filter.bound(to: schema))
        guard let batchRowCount else {
            return BatchesReader(schema: scan.output, try scan.batches(rowGroups: rowGroups, operation: operation))
        }
        let tasks = (rowGroups ?? Array(0..<rowGroupCount)).map { group in
            ScanTask(byteCount: .max / 2, rowCount: rowCount(ofRowGroup: group)) { () throws(MartletError) in
                try scan.batches(rowGroups: [group])
            }
        }
        return ScanReader(schema: scan.output, tasks: tasks, batchRowCount: batchRowCount, operation: operation)
    }
}
