public import MartletArrow
public import MartletBase
import MartletIO
import MartletParquet

/// Work that yields batches in order: one file, or some row groups of it.
struct ScanTask: Sendable {
    /// Bytes that are read for it, at most; small tasks run side by side.
    var byteCount: Int
    var rowCount: Int
    var run: @Sendable () throws(MartletError) -> [RecordBatch]
}

/// Batches of many files, in the files' order. Small tasks run together on all cores, large ones use all cores inside;
/// never more than a bounded number of bytes ahead of the caller.
public final class ScanReader: RecordBatchReader {
    public let schema: Schema
    private var tasks: ArraySlice<ScanTask>
    private var ready: ArraySlice<RecordBatch> = []
    /// Rows of a batch, at most; nil: as they come.
    private let batchRowCount: Int?
    private let operation: Operation
    private let totalRows: Int
    private var doneRows = 0

    private static let bytesAhead = 64 << 20

    init(schema: Schema, tasks: [ScanTask], batchRowCount: Int?, operation: Operation) {
        self.schema = schema
        self.tasks = tasks[...]
        self.batchRowCount = batchRowCount
        self.operation = operation
        totalRows = tasks.reduce(0) { $0 + $1.rowCount }
    }

    public func next() throws(MartletError) -> RecordBatch? {
        while ready.isEmpty {
            guard !tasks.isEmpty else { return nil }
            try operation.advance(to: doneRows, of: totalRows)
            var group: [ScanTask] = []
            var bytes = 0
            while let task = tasks.first, group.isEmpty || bytes + task.byteCount <= Self.bytesAhead {
                group.append(task)
                bytes += task.byteCount
                tasks.removeFirst()
            }
            let running = group
            let results = try WorkerPool.map(running.count) { i throws(MartletError) in try running[i].run() }
            doneRows += group.reduce(0) { $0 + $1.rowCount }
            ready = results.joined().filter { $0.rowCount > 0 }[...]
        }
        guard let first = ready.popFirst() else { return nil }
        if tasks.isEmpty && ready.isEmpty { try operation.advance(to: totalRows, of: totalRows) }
        guard let batchRowCount, first.rowCount > batchRowCount else { return first }
        ready.insert(try first.slice(at: batchRowCount, count: first.rowCount - batchRowCount), at: ready.startIndex)
        return try first.slice(at: 0, count: batchRowCount)
    }
}
