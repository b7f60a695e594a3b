import MartletArrow
import MartletBase
import MartletCompute

/// Columns as lists of arrays whose boundaries need not agree.
struct ColumnChunks: Sendable {
    var columns: [[ArrayData]]
    var rowCount: Int

    init(columns: [[ArrayData]], rowCount: Int) {
        self.columns = columns
        self.rowCount = rowCount
    }

    init(_ table: Table) {
        columns = table.columns.map(\.chunks)
        rowCount = table.rowCount
    }

    /// Batches under `schema`, cut wherever some column's chunk ends: one where every column is one chunk.
    func batches(_ schema: Schema) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var places = [(chunk: Int, offset: Int)](repeating: (0, 0), count: columns.count)
        var row = 0
        while row < rowCount {
            var length = rowCount - row
            for (i, chunks) in columns.enumerated() {
                while places[i].chunk < chunks.count, places[i].offset == chunks[places[i].chunk].count {
                    places[i] = (places[i].chunk + 1, 0)
                }
                length = min(length, chunks[places[i].chunk].count - places[i].offset)
            }
            let pieces = columns.indices.map { i in
                defer { places[i].offset += length }
                return columns[i][places[i].chunk].window(places[i].offset, length)
            }
            batches.append(RecordBatch(unchecked: schema, columns: pieces, rowCount: length))
            row += length
        }
        return batches
    }

    /// The rows where `mask`, a boolean array over all rows, is true; columns are filtered on all cores.
    func filtered(_ mask: ArrayData, trueCount: Int) throws(MartletError) -> ColumnChunks {
        if trueCount == rowCount { return self }
        let all = columns
        let kept = try WorkerPool.map(all.count) { column throws(MartletError) -> [ArrayData] in
            var row = 0
            var result: [ArrayData] = []
            for chunk in all[column] {
                result.append(try filter(chunk, mask.window(row, chunk.count)))
                row += chunk.count
            }
            return result
        }
        return ColumnChunks(columns: kept, rowCount: trueCount)
    }
}
