import Glibc
import MartletArrow
import MartletBase
import MartletIO

/// A row group that has been written: what the footer says of it, and its page index, which follows all row groups.
struct WrittenRowGroup: Sendable {
    var metadata: RowGroup
    var columnIndexes: [ColumnIndex?]
    var offsetIndexes: [OffsetIndex?]
}

/// Encodes a row group on all threads and writes it in order.
///
/// First every leaf is planned, then every page encoded; a page is the unit of work, so that one large column keeps
/// all threads busy. The calling thread alone writes, between its own pages: sinks need not know of threads.
final class RowGroupEncoder: @unchecked Sendable {
    private let plans: [ChunkPlan]
    private let options: ParquetWriterOptions
    private let rowCount: Int
    private let ciphers: [ModuleCipher?]
    private let sink: any ByteSink
    /// Where each leaf's first page is among all pages; its dictionary page counts.
    private var tasks: [Task] = []
    private let state = Guarded(State())
    private let ownThread = pthread_self()
    // The calling thread's own.
    private var chunks: [ChunkRecord]
    private var writtenCount = 0
    private var failure: MartletError?

    private struct Task: Sendable {
        var leaf: Int
        /// Nil for the dictionary page.
        var page: Int?
    }

    private struct State: Sendable {
        var finished: [EncodedPage?] = []
        var idle: [PageScratch] = []
    }

    init(
        storages: [LeafStorage], settings: [LeafSettings], columns: [[ArrayData]], names: [String], rowCount: Int,
        options: ParquetWriterOptions, encryption: FileEncryption?, ordinal: Int, sink: any ByteSink
    ) throws(MartletError) {
        self.options = options
        var ciphers: [ModuleCipher?] = []
        for leaf in storages.indices { ciphers.append(try encryption?.cipher(rowGroup: ordinal, leaf: leaf)) }
        self.ciphers = ciphers
        self.rowCount = rowCount
        self.sink = sink
        plans = try WorkerPool.map(storages.count, threads: options.threadCount) { leaf throws(MartletError) in
            let column = storages[leaf].path.column
            do throws(MartletError) {
                return try ChunkPlan(
                    storages[leaf], settings[leaf], chunks: columns[column], rowCount: rowCount, options: options)
            } catch {
                throw error.within("Column '\(names[column])'")
            }
        }
        chunks = plans.map { _ in ChunkRecord() }
        for (leaf, plan) in plans.enumerated() {
            if plan.dictionary != nil { tasks.append(Task(leaf: leaf, page: nil)) }
            for page in plan.pages.indices { tasks.append(Task(leaf: leaf, page: page)) }
        }
        let count = tasks.count
        state.withLock { $0.finished = Array(repeating: nil, count: count) }
    }

    /// Writes all pages; `operation` is told of the row group's values as they go.
    func write(_ operation: Operation, done: Int, total: Int) throws(MartletError) {
        try WorkerPool.forEach(tasks.count, threads: options.threadCount) { index throws(MartletError) in
            let page = try self.encode(self.tasks[index])
            self.state.withLock { $0.finished[index] = page }
            if pthread_equal(self.ownThread, pthread_self()) != 0 { try self.drain() }
        }
        try drain()
        try operation.advance(to: done, of: total)
    }

    private func encode(_ task: Task) throws(MartletError) -> EncodedPage {
        let plan = plans[task.leaf]
        let encoder = PageEncoder(
            plan: plan, cipher: ciphers[task.leaf], version: options.dataPageVersion, writesChecksums: options.writesPageChecksums,
            writesHeaderStatistics: !options.writesPageIndex)
        do throws(MartletError) {
            guard let index = task.page else {
                // A task without page is there only for a plan with dictionary.
                return try encoder.dictionaryPage(plan.dictionary!)
            }
            let idle = state.withLock { $0.idle.popLast() }
            let scratch: PageScratch
            if let idle { scratch = idle } else { scratch = try PageScratch() }
            let page = try encoder.dataPage(plan.pages[index], number: index, scratch: scratch)
            state.withLock { $0.idle.append(scratch) }
            return page
        } catch {
            throw error.within("Column '\(plan.column.dottedPath)'")
        }
    }

    /// Writes the pages that are next in order and ready.
    private func drain() throws(MartletError) {
        while true {
            let start = writtenCount
            let ready = state.withLock { state -> [EncodedPage] in
                var ready: [EncodedPage] = []
                while start + ready.count < state.finished.count, let page = state.finished[start + ready.count] {
                    state.finished[start + ready.count] = nil
                    ready.append(page)
                }
                return ready
            }
            if ready.isEmpty { return }
            var buffers: [Buffer] = []
            buffers.reserveCapacity(ready.count * 2)
            var position = sink.position
            for (i, page) in ready.enumerated() {
                chunks[tasks[start + i].leaf].add(page, at: position)
                position += page.byteCount
                buffers.append(page.header)
                buffers.append(page.body)
            }
            try sink.write(buffers)
            writtenCount += ready.count
        }
    }

    /// What the footer says of the row group. After `write`.
    func finish(ordinal: Int) throws(MartletError) -> WrittenRowGroup {
        var columns: [ColumnChunk] = []
        var columnIndexes: [ColumnIndex?] = []
        var offsetIndexes: [OffsetIndex?] = []
        var uncompressed = 0
        var compressed = 0
        for (leaf, (plan, chunk)) in zip(plans, chunks).enumerated() {
            var metadata = chunk.metadata(plan, options)
            if let bits = plan.bloomFilter {
                var bits = bits
                var header = try BloomFilterHeader(byteCount: Int32(clamping: bits.count)).encoded()
                if let cipher = ciphers[leaf] {
                    header = try cipher.seal(.bloomFilterHeader, header)
                    bits = try cipher.seal(.bloomFilterBitset, bits)
                }
                metadata.bloomFilterOffset = Int64(sink.position)
                metadata.bloomFilterLength = Int32(clamping: header.count + bits.count)
                try sink.write([header, bits])
            }
            columns.append(ColumnChunk(metadata: metadata, fileOffset: 0))
            uncompressed += chunk.uncompressedByteCount
            compressed += chunk.byteCount
            guard options.writesPageIndex else {
                columnIndexes.append(nil)
                offsetIndexes.append(nil)
                continue
            }
            columnIndexes.append(plan.settings.writesStatistics ? chunk.columnIndex(plan) : nil)
            offsetIndexes.append(chunk.offsetIndex())
        }
        var group = RowGroup(columns: columns, totalByteSize: Int64(uncompressed), rowCount: Int64(rowCount))
        group.totalCompressedSize = Int64(compressed)
        group.fileOffset = chunks.first.map { Int64($0.start ?? 0) }
        group.ordinal = Int16(exactly: ordinal)
        if !options.sortingColumns.isEmpty { group.sortingColumns = options.sortingColumns }
        return WrittenRowGroup(metadata: group, columnIndexes: columnIndexes, offsetIndexes: offsetIndexes)
    }
}
