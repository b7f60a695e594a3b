import Foundation
import MartletArrow
import MartletBase
import MartletIO
import MartletParquet
import MartletTestSupport
import Testing

/// Files of the Parquet and Arrow projects' testing repositories; none where the environment does not name them.
private let givenFiles: [String] = {
    let environment = ProcessInfo.processInfo.environment
    var folders: [String] = []
    if let root = environment["PARQUET_TEST_DATA"] { folders += [root, root + "/geospatial", root + "/../bad_data"] }
    if let root = environment["ARROW_TEST_DATA"] { folders += [root + "/parquet", root + "/parquet/fuzzing"] }
    return folders.flatMap { folder in
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { folder + "/" + $0 }
    }.filter { path in
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular, let size = attributes?[.size] as? Int else {
            return false
        }
        return size > 0 && size < 400_000 && !path.contains("large_string_map")
    }
}()

/// Reads all that a file has in every way there is. Throws what the reader throws.
private func readAll(_ bytes: Buffer) throws(MartletError) {
    var options = ReadOptions()
    options.verifiesChecksums = false
    options.usesThreads = false
    let file = try ParquetFile(MemorySource(bytes), options: options)
    let table = try file.read()
    for column in table.columns {
        for chunk in column.chunks { try chunk.validate(full: false) }
    }
    let batches = try file.batches(batchRowCount: 37)
    while try batches.next() != nil {}
    for leaf in file.parquetSchema.leaves.indices {
        _ = try file.statistics(leaf: leaf)
        for group in 0..<min(file.rowGroupCount, 2) { _ = try file.pageStatistics(rowGroup: group, leaf: leaf) }
    }
    for group in 0..<min(file.rowGroupCount, 2) {
        let rows = file.rowCount(ofRowGroup: group)
        guard rows > 3 else { continue }
        let selection = try RowSelection(rowGroup: group, ranges: [rows / 3..<rows / 3 + 1, rows - 1..<rows])
        _ = try file.read(selections: [selection])
    }
}

/// A file of nested and flat columns with small pages and an index of them.
private func sampleFile() throws -> Buffer {
    var fields: [Field] = []
    var columns: [ArrayData] = []
    let types: [DataType] = [
        .int64, .string, .boolean, .list(Field("item", .int32)), .float64, .decimal128(precision: 20, scale: 2),
        .dictionary(index: .int32, value: .string, isOrdered: false), .struct([Field("a", .int32), Field("b", .string)]),
    ]
    for (i, type) in types.enumerated() {
        fields.append(Field("c\(i)", type))
        columns.append(try sampleArray(type, i % 2 == 0 ? .someNulls : .noNulls, count: 200, seed: UInt64(i)))
    }
    let schema = Schema(fields)
    var options = ParquetWriterOptions()
    options.maximumRowsPerPage = 50
    let sink = try MemorySink()
    let writer = try ParquetWriter(sink, schema: schema, options: options)
    try writer.write(try RecordBatch(schema: schema, columns: columns))
    try writer.close()
    return try sink.finish()
}

@Suite struct DamagedFileTests {
    @Test(arguments: givenFiles)
    func givenFilesReadOrThrow(_ path: String) throws {
        let bytes = try FileSource(path: path).readAll()
        try? readAll(bytes)
        // Flipped bits, half of them in the footer.
        let whole: [UInt8] = unsafe bytes.bytes.withUnsafeBytes { unsafe Array($0) }
        var random = SeededRandom(UInt64(whole.count))
        for round in 0..<12 {
            var damaged = whole
            let low = round % 2 == 0 ? 0 : max(0, whole.count - 600)
            let place = Int.random(in: low..<whole.count, using: &random)
            damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try? readAll(try Buffer(damaged))
        }
    }

    @Test func cutFilesThrow() throws {
        let whole = try sampleFile()
        try readAll(whole)
        for length in stride(from: 0, to: whole.count, by: 7) {
            let cut = try whole.slice(at: 0, count: length)
            #expect(throws: MartletError.self) { try readAll(cut) }
        }
    }

    @Test func flippedBytesReadOrThrow() throws {
        let file = try sampleFile()
        let whole: [UInt8] = unsafe file.bytes.withUnsafeBytes { unsafe Array($0) }
        for place in stride(from: 0, to: whole.count, by: 5) {
            var damaged = whole
            damaged[place] ^= UInt8(truncatingIfNeeded: 1 << (place % 8))
            try? readAll(try Buffer(damaged))
        }
    }

    @Test func selectionsAreSlicesOfTheWhole() throws {
        let file = try ParquetFile(MemorySource(try sampleFile()))
        let table = try file.read()
        let ranges = [0..<1, 17..<60, 99..<101, 150..<151, 199..<200]
        let selected = try file.read(selections: [try RowSelection(rowGroup: 0, ranges: ranges)])
        for (column, part) in zip(table.columns, selected.columns) {
            let all = try column.combined()
            let expected = try concatenate(
                ranges.map { range throws(MartletError) in try all.slice(at: range.lowerBound, count: range.count) },
                type: all.type)
            #expect(try part.combined().isEqual(to: expected))
        }
        #expect(throws: MartletError.self) {
            try file.read(selections: [try RowSelection(rowGroup: 0, ranges: [100..<201])])
        }
        #expect(throws: MartletError.self) { try RowSelection(rowGroup: 0, ranges: [5..<9, 8..<10]) }
    }

    @Test func pagesTellTheirRows() throws {
        let file = try ParquetFile(MemorySource(try sampleFile()))
        let pages = try #require(try file.pageStatistics(rowGroup: 0, leaf: 0))
        #expect(pages.rows.first?.lowerBound == 0 && pages.rows.last?.upperBound == 200)
        #expect(pages.statistics?.count == pages.rows.count)
    }
}
