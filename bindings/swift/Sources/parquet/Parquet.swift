import Martlet

/// The whole of Parquet by its public interface: every option of the writer, Bloom filters, encryption, appending, recovery,
/// metadata with statistics and indexes, filters and projections.
@main
struct Parquet {
    static let rows = 2_000
    static let schema = Schema([
        Field("id", .int64), Field("price", .float64), Field("name", .string), Field("time", .timestamp(.nanosecond, timeZone: nil)),
        Field("flag", .boolean), Field("money", .decimal128(precision: 9, scale: 2)), Field("clock", .time32(.millisecond)),
        Field("items", .list(Field("item", .int32))),
    ])

    nonisolated(unsafe) static var failures = 0

    static func expect(_ isTrue: Bool, _ what: String, line: Int = #line) {
        if isTrue { return }
        failures += 1
        print("line \(line): not so: \(what)")
    }

    static func expectError(_ what: String, line: Int = #line, _ body: () throws(MartletError) -> Void) {
        do throws(MartletError) {
            try body()
            expect(false, "an error: \(what)", line: line)
        } catch {
            expect(!error.message.isEmpty, "a message", line: line)
        }
    }

    static func main() {
        let path = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "parquet.parquet"
        do throws(MartletError) {
            try writerOptions(path)
            try metadata(path)
            try filtersAndProjections(path)
            try appendAndRecover(path)
            try encryption(path)
        } catch {
            expect(false, "no error: \(error)")
        }
        print(failures == 0 ? "the whole of Parquet works from Swift" : "\(failures) failures")
    }

    // MARK: Rows

    static func batch(from first: Int) throws(MartletError) -> RecordBatch {
        let numbers = first..<first + rows
        let prices: [Double?] = numbers.map { $0 % 10 == 0 ? nil : Double($0 % 97) / 4 }
        let flags: [Bool?] = numbers.map { $0 / 500 % 2 == 0 }
        let names: [String?] = numbers.map { "name \($0 % 300)" }
        var money: [UInt8] = []
        for number in numbers {
            for shift in 0..<16 { money.append(shift < 8 ? UInt8(truncatingIfNeeded: number >> (8 * shift)) : 0) }
        }
        let offsets = (0...rows).map { Int32(2 * $0) }
        let items = (0..<2 * rows).map { Int32($0 % 50) }
        return try RecordBatch(
            schema: schema,
            columns: [
                ArrayData.of(numbers.map { Int64($0) }), ArrayData.of(prices), ArrayData.of(names),
                ArrayData.of(numbers.map { Int64($0) * 1_000_000 }, as: schema.fields[3].type), ArrayData.of(flags),
                ArrayData(type: schema.fields[5].type, count: rows, nullCount: 0, buffers: [Buffer(money)]),
                ArrayData.of(numbers.map { Int32($0 % 86_400) }, as: schema.fields[6].type),
                ArrayData(
                    type: schema.fields[7].type, count: rows, nullCount: 0, buffers: [Buffer(offsets)],
                    children: [ArrayData.of(items)]),
            ])
    }

    @discardableResult
    static func write(_ path: String, _ options: ParquetWriterOptions, batches: Int = 2) throws(MartletError) -> FileMetaData {
        let writer = try ParquetWriter(AtomicFileSink(path: path), schema: schema, options: options)
        for index in 0..<batches {
            try writer.write(batch(from: index * rows))
            try writer.flushRowGroup()
        }
        var made = Metadata()
        made.append("made by", "Swift")
        try writer.addMetadata(made)
        return try writer.close()
    }

    static func sum(below count: Int) -> Int64 { Int64(count * (count - 1) / 2) }

    static func expectAll(_ file: ParquetFile, _ count: Int, line: Int = #line) throws(MartletError) {
        let table = try file.read()
        expect(table.rowCount == count && table.columns.count == schema.fields.count, "\(count) rows", line: line)
        let ids = try table.columns[0].combined().values(as: Int64.self)
        expect(ids.reduce(0) { $0 + ($1 ?? 0) } == sum(below: count), "ids of \(count) rows", line: line)
    }

    static func open(_ path: String, _ keys: DecryptionOptions? = nil) throws(MartletError) -> ParquetFile {
        var options = ReadOptions()
        options.decryption = keys
        return try ParquetFile(path: path, options: options)
    }

    // MARK: Tests

    static func writerOptions(_ path: String) throws(MartletError) {
        func check(_ line: Int = #line, _ change: (inout ParquetWriterOptions) -> Void) throws(MartletError) {
            var options = ParquetWriterOptions()
            change(&options)
            try write(path, options)
            try expectAll(open(path), 2 * rows, line: line)
        }
        for codec in [Codec.uncompressed, .snappy, .gzip, .brotli, .zstd, .lz4Raw] { try check { $0.compression = codec } }
        try check {
            $0.compression = .zstd
            $0.compressionLevel = 3
        }
        for version in SchemaOptions.Version.allCases { try check { $0.schema.version = version } }
        try check {
            $0.schema.coerceTimestamps = .millisecond
            $0.allowsTruncatedTimestamps = true
        }
        try check { $0.schema.storesDecimalAsInteger = true }
        try check { $0.schema.marksTimesAsUTC = true }
        try check { $0.schema.usesDeprecatedInt96 = true }
        try check { $0.schema.usesCompliantNestedType = false }
        try check { $0.usesDictionary = false }
        try check {
            $0.usesDictionary = false
            $0.encoding = .plain
        }
        try check { $0.usesByteStreamSplit = true }
        try check { $0.writesStatistics = false }
        try check { $0.ordersRealsTotally = true }
        try check {
            $0.dataPageVersion = .v2
            $0.dataPageByteCount = 1_000
        }
        try check {
            $0.maximumRowsPerPage = 100
            $0.dictionaryPageByteCount = 500
        }
        try check {
            var chunking = ParquetWriterOptions.ContentChunking()
            chunking.minimumByteCount = 1_000
            chunking.maximumByteCount = 4_000
            chunking.normalization = 1
            $0.contentChunking = chunking
        }
        try check { $0.rowGroupRowCount = 333 }
        try check { $0.rowGroupByteCount = 10_000 }
        try check {
            $0.writesPageIndex = false
            $0.writesPageChecksums = false
            $0.storesArrowSchema = false
        }
        try check { $0.keyValueMetadata.append("key", "value") }
        try check { $0.sortingColumns = [SortingColumn(columnIndex: 0, isDescending: false, nullsFirst: true)] }
        try check {
            $0.createdBy = "a test"
            $0.threadCount = 1
            $0.isRecoverable = true
        }
        try check {
            var ids = ParquetWriterOptions.Column()
            ids.compression = .lz4Raw
            ids.usesDictionary = false
            ids.encoding = .deltaBinaryPacked
            ids.writesStatistics = true
            ids.bloomFilter = BloomFilterOptions()
            var prices = ParquetWriterOptions.Column()
            prices.compression = .gzip
            prices.compressionLevel = 3
            prices.usesDictionary = false
            prices.usesByteStreamSplit = true
            $0.columns = ["id": ids, "price": prices]
        }
        expectError("an encoding that the column cannot have") { () throws(MartletError) in
            try check {
                var ids = ParquetWriterOptions.Column()
                ids.encoding = .rle
                $0.columns = ["id": ids]
            }
        }
    }

    static func metadata(_ path: String) throws(MartletError) {
        var options = ParquetWriterOptions()
        options.maximumRowsPerPage = 500
        var ids = ParquetWriterOptions.Column()
        ids.bloomFilter = BloomFilterOptions()
        ids.bloomFilter?.distinctCount = rows
        ids.bloomFilter?.falsePositiveRate = 0.01
        options.columns = ["id": ids]
        options.sortingColumns = [SortingColumn(columnIndex: 0, isDescending: false, nullsFirst: true)]
        let written = try write(path, options)
        let file = try open(path)
        expect(file.metadata.rowCount == written.rowCount && file.rowCount == 2 * rows && file.rowGroupCount == 2, "counts")
        expect(file.metadata.keyValueMetadata?.contains { $0.key.elementsEqual("made by".utf8) } == true, "key-value metadata")
        expect(file.metadata.rowGroups[1].sortingColumns?.count == 1, "sorting columns")
        let chunk = file.metadata.rowGroups[1].columns[1]
        expect(chunk.metadata?.valueCount == Int64(rows) && chunk.offsetIndexOffset != nil, "a chunk's metadata")
        let statistics = try file.statistics(rowGroup: 1, leaf: 0)
        expect(try statistics.minimum.values(as: Int64.self) == [Int64(rows)], "the minimum")
        expect(try statistics.maximum.values(as: Int64.self) == [Int64(2 * rows - 1)], "the maximum")
        expect(try file.statistics(leaf: 1).nullCounts == [200, 200], "counts of nulls")
        let pages = try file.pageStatistics(rowGroup: 1, leaf: 0)
        expect(pages?.rows == [0..<500, 500..<1_000, 1_000..<1_500, 1_500..<2_000], "the rows of pages")
        expect(try pages?.statistics?.minimum.values(as: Int64.self) == [2_000, 2_500, 3_000, 3_500], "the pages' minima")
        let filter = try file.bloomFilter(rowGroup: 1, leaf: 0)
        expect(filter != nil, "a Bloom filter")
        var wrong = 0
        for number in 0..<100 {
            for (value, isIn) in [(rows + number, true), (-1 - number, false)] {
                let one = try ArrayData.of([Int64(value)])
                let hashes = try file.bloomHashes(of: one, leaf: 0, distinguishesZeros: true) ?? []
                let mayBe = hashes.contains { filter?.mayContain(hash: $0) == true }
                if isIn { expect(mayBe, "\(value) in the Bloom filter") } else if mayBe { wrong += 1 }
            }
        }
        expect(wrong < 20, "few false answers, not \(wrong)")

        // A summary of two files.
        var summary = file.metadata
        summary.set(filePath: "part.parquet")
        try summary.append(rowGroupsOf: summary)
        try summary.writeFile(to: AtomicFileSink(path: path + ".summary"))
        expect(try open(path + ".summary").metadata.rowGroups.count == 4, "the summary's row groups")
    }

    static func filtersAndProjections(_ path: String) throws(MartletError) {
        var options = ParquetWriterOptions()
        options.maximumRowsPerPage = 100
        try write(path, options, batches: 3)
        let file = try open(path)
        let one = try file.read(columns: ["flag", "id"], rowGroups: [1])
        expect(one.schema.names == ["flag", "id"] && one.rowCount == rows, "a projection of one row group")
        expect(try file.read(columns: ["items.list.element"]).rowCount == 3 * rows, "a projection by path")
        let some = try file.read(columns: ["id"], selections: [RowSelection(rowGroup: 2, ranges: [5..<10])])
        expect(try some.columns[0].combined().values(as: Int64.self) == [4_005, 4_006, 4_007, 4_008, 4_009], "a selection")
        let filter = try Expression.call("less", arguments: [.field("id"), .literal(ArrayData.of([Int64(4_500)]))])
        for batchRowCount in [nil, 700] {
            let reader = try file.scan(columns: ["id"], filter: filter, batchRowCount: batchRowCount)
            var total: Int64 = 0
            while let batch = try reader.next() {
                total += try batch.columns[0].values(as: Int64.self).reduce(0) { $0 + ($1 ?? 0) }
            }
            expect(total == sum(below: 4_500), "the filtered ids")
        }
        expectError("a column that is not there") { () throws(MartletError) in _ = try file.read(columns: ["zz"]) }
    }

    static func append(_ path: String, _ options: ParquetWriterOptions, _ keys: DecryptionOptions? = nil) throws(MartletError) {
        let sink = try AppendingSink(path: path)
        let existing = try open(path, keys)
        let writer = try ParquetWriter(sink, schema: schema, options: options, appendingTo: existing.metadata)
        try writer.write(batch(from: 2 * rows))
        try writer.close()
    }

    /// Cuts the file off where half of it is gone, and recovers it.
    static func cutAndRecover(_ path: String) throws(MartletError) -> FileMetaData? {
        let source = try FileSource(path: path)
        let half = try source.read(at: 0, count: source.byteCount / 2)
        let sink = try FileSink(path: path)
        try sink.write(half.bytes)
        try sink.close()
        return try ParquetRecovery.recover(path: path)
    }

    static func appendAndRecover(_ path: String) throws(MartletError) {
        var options = ParquetWriterOptions()
        options.isRecoverable = true
        try write(path, options)
        try append(path, ParquetWriterOptions())
        try expectAll(open(path), 3 * rows)
        try write(path, options, batches: 4)
        let saved = Int(try cutAndRecover(path)?.rowCount ?? 0)
        expect(saved > 0 && saved < 4 * rows, "some rows recovered")
        try expectAll(open(path), saved)
    }

    static func encryption(_ path: String) throws(MartletError) {
        for leavesFooterPlain in [false, true] {
            var keys = EncryptionOptions(footerKey: Array("0123456789012345".utf8))
            keys.footerKeyMetadata = Array("footer".utf8)
            keys.columnKeys = ["id": .init(key: Array("1234567890123450".utf8), keyMetadata: Array("id".utf8))]
            keys.usesCounterForPages = true
            keys.leavesFooterPlain = leavesFooterPlain
            keys.aadPrefix = Array("name".utf8)
            keys.storesAADPrefix = false
            var options = ParquetWriterOptions()
            options.encryption = keys
            options.isRecoverable = true
            try write(path, options)
            try expectAll(open(path, keys.decryption), 2 * rows)
            try append(path, options, keys.decryption)
            try expectAll(open(path, keys.decryption), 3 * rows)

            var asked = DecryptionOptions()
            asked.aadPrefix = keys.aadPrefix
            asked.keyRetriever = { note throws(MartletError) in
                Array((note.elementsEqual("footer".utf8) ? "0123456789012345" : "1234567890123450").utf8)
            }
            try expectAll(open(path, asked), 3 * rows)
            expectError("no keys") { () throws(MartletError) in _ = try open(path).read(columns: ["id"]) }
            expectError("an append without keys") { () throws(MartletError) in
                try append(path, ParquetWriterOptions(), keys.decryption)
            }

            try write(path, options, batches: 4)
            expect((try cutAndRecover(path) == nil) == !leavesFooterPlain, "metadata where the footer is in the clear")
            let saved = try open(path, keys.decryption)
            expect(saved.rowCount > 0 && saved.rowCount < 4 * rows, "some encrypted rows recovered")
            try expectAll(saved, saved.rowCount)
        }
    }
}
