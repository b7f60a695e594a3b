import MartletArrow
import MartletBase
import MartletIO
import MartletParquet

/// The files of one partition: one, unless a limit of rows begins another.
///
/// Rows wait in memory until the dataset writer wants them out; between row groups the file's descriptor is given back, so
/// that any number of partitions can be open.
final class PartitionWriter: @unchecked Sendable {
    let directory: String
    private let schema: Schema
    private let options: DatasetWriterOptions
    private var current: (writer: ParquetWriter, rowCount: Int)?
    private(set) var files: [AtomicFileSink] = []
    /// Rows that wait, and the Arrow memory they take.
    private var waiting: [RecordBatch] = []
    private(set) var waitingByteCount = 0

    init(directory: String, schema: Schema, options: DatasetWriterOptions) {
        self.directory = directory
        self.schema = schema
        self.options = options
    }

    func append(_ batch: RecordBatch) {
        waiting.append(batch)
        waitingByteCount += batch.columns.reduce(0) { $0 + $1.byteCount }
    }

    /// Writes what waits as a row group of its own, and gives the descriptor back.
    func flush() throws(MartletError) {
        try writeWaiting()
        try current?.writer.flushRowGroup()
        current?.writer.suspend()
    }

    private func writeWaiting() throws(MartletError) {
        let batches = waiting
        waiting = []
        waitingByteCount = 0
        for batch in batches {
            var start = 0
            while start < batch.rowCount {
                if current == nil { current = try begin() }
                guard var file = current else { return }
                let room = options.maximumRowsPerFile.map { $0 - file.rowCount } ?? batch.rowCount
                let length = min(room, batch.rowCount - start)
                try file.writer.write(try batch.slice(at: start, count: length))
                file.rowCount += length
                start += length
                current = file
                if file.rowCount == options.maximumRowsPerFile { try finish() }
            }
        }
    }

    private func begin() throws(MartletError) -> (writer: ParquetWriter, rowCount: Int) {
        if files.isEmpty { try FileSystem.createDirectories(directory) }
        let name = options.fileName(files.count) ?? options.basenameTemplate
        let file = try AtomicFileSink(path: Path.join(directory, name))
        files.append(file)
        return (try ParquetWriter(file, schema: schema, options: options.parquet), 0)
    }

    /// Writes what waits and ends the last file.
    func close() throws(MartletError) {
        try writeWaiting()
        try finish()
    }

    /// Ends the file that is being written; it waits to be committed.
    private func finish() throws(MartletError) {
        guard let writer = current?.writer else { return }
        current = nil
        _ = try writer.finish()
        writer.suspend()
    }

    func abort() {
        current?.writer.abort()
        current = nil
        waiting = []
        for file in files { file.abort() }
    }
}
