import MartletBase
import MartletIO
import Synchronization

/// Parts of a source that have been read, for threads that may not read it themselves.
final class PreloadedSource: ByteSource {
    let byteCount: Int
    let name: String
    private let parts: [(start: Int, bytes: Buffer)]

    /// A read costs its caller more than so many bytes do: a request over a network, a call into Python.
    private static let smallestGap = 64 << 10

    /// Reads `ranges`, those that touch or lie close together as one.
    ///
    /// - Parameter known: what needs no read any more.
    init(_ source: any ByteSource, ranges: [Range<Int>], known: [FilePart]) throws(MartletError) {
        byteCount = source.byteCount
        name = source.name
        var joined: [Range<Int>] = []
        var parts: [(start: Int, bytes: Buffer)] = known.map { ($0.start, $0.bytes) }
        let unknown = ranges.filter { range in !known.contains { $0.holds(range) } }
        for range in unknown.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound - last.upperBound <= Self.smallestGap {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        for range in joined {
            parts.append((range.lowerBound, try source.read(at: range.lowerBound, count: range.count)))
        }
        self.parts = parts
    }

    func read(at offset: Int, count: Int) throws(MartletError) -> Buffer {
        let part = parts.first { $0.start <= offset && count <= $0.bytes.count - (offset - $0.start) }
        guard let part else { throw .invalid("bytes \(offset) and on of '\(name)' were not read") }
        return try part.bytes.slice(at: offset - part.start, count: count)
    }

    func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        let part = try read(at: offset, count: destination.count)
        unsafe part.bytes.withUnsafeBytes { unsafe destination.copyMemory(from: $0) }
    }
}

extension ColumnChunk {
    /// Where the pages lie, clamped to the file; nil when the footer says nothing that can be.
    func byteRange(fileByteCount: Int) -> Range<Int>? {
        guard let metadata else { return nil }
        var start = metadata.dataPageOffset
        if let dictionary = metadata.dictionaryPageOffset, dictionary > 0, dictionary < start { start = dictionary }
        guard start >= 0, start <= fileByteCount, metadata.totalCompressedSize >= 0 else { return nil }
        // Old writers left the dictionary page's header out of the size.
        let length = min(metadata.totalCompressedSize, Int64(fileByteCount)) + 100
        return Int(start)..<min(Int(start) + Int(length), fileByteCount)
    }

    /// Where the offset index lies; nil when there is none.
    func offsetIndexRange(_ fileByteCount: Int) -> Range<Int>? {
        Self.range(offsetIndexOffset, offsetIndexLength, fileByteCount)
    }

    /// Where the column index lies; nil when there is none.
    func columnIndexRange(_ fileByteCount: Int) -> Range<Int>? {
        Self.range(columnIndexOffset, columnIndexLength, fileByteCount)
    }

    private static func range(_ offset: Int64?, _ length: Int32?, _ fileByteCount: Int) -> Range<Int>? {
        guard let offset, let length, offset > 0, length > 0, offset <= fileByteCount,
            Int(length) <= fileByteCount - Int(offset)
        else { return nil }
        return Int(offset)..<Int(offset) + Int(length)
    }
}

extension ParquetFile {
    /// The places of a column chunk's pages, nil when the file does not have them or they are damaged.
    func offsetIndex(rowGroup: Int, leaf: Int, _ source: any ByteSource) throws(MartletError) -> OffsetIndex? {
        let chunk = metadata.rowGroups[rowGroup].columns[leaf]
        guard let range = chunk.offsetIndexRange(source.byteCount) else { return nil }
        guard let bytes = try indexBytes(.offsetIndex, range, rowGroup: rowGroup, leaf: leaf, source) else { return nil }
        return try? OffsetIndex.read(from: bytes.bytes).0
    }

    /// How much is read at once from chunks of which some pages are wanted.
    static var pageWindowByteCount: Int { 64 << 10 }

    /// The bytes that the wanted rows of a column chunk need: its dictionary and their pages, where the offset index says which
    /// these are; else the whole chunk. Each range goes on as far as a reader looks ahead.
    func byteRanges(rowGroup: Int, leaf: Int, rows: [Range<Int>]) throws(MartletError) -> [Range<Int>] {
        let byteCount = source.byteCount
        let chunk = metadata.rowGroups[rowGroup].columns[leaf]
        guard let whole = chunk.byteRange(fileByteCount: byteCount) else { return [] }
        let rowCount = rowCount(ofRowGroup: rowGroup)
        if rows == [0..<rowCount] { return [whole] }
        let index = [chunk.offsetIndexRange(byteCount)].compactMap { $0 }
        guard let pages = try offsetIndex(rowGroup: rowGroup, leaf: leaf, source)?.pageLocations, let first = pages.first,
            whole.contains(Int(clamping: first.offset))
        else { return [whole] + index }
        var ranges = [whole.lowerBound..<Int(first.offset)]
        var wanted = rows[...]
        for (i, page) in pages.enumerated() {
            let end = i + 1 < pages.count ? Int(clamping: pages[i + 1].firstRowIndex) : rowCount
            while let next = wanted.first, next.upperBound <= Int(clamping: page.firstRowIndex) { wanted.removeFirst() }
            guard let next = wanted.first, next.lowerBound < end else { continue }
            let start = Int(clamping: page.offset)
            guard whole.contains(start), page.compressedPageSize >= 0 else { return [whole] + index }
            ranges.append(start..<min(start + Int(page.compressedPageSize), whole.upperBound))
        }
        return index + ranges.map { $0.lowerBound..<min($0.upperBound + Self.pageWindowByteCount, whole.upperBound) }
    }

    /// What was read with the footer and for the indexes.
    var knownParts: [FilePart] { [tail, indexes.withLock { $0 }].compactMap { $0 } }

    /// The bytes of an index. Where reads are dear, those of all indexes are read at once, or were read with the footer.
    private func indexRead(_ range: Range<Int>, _ source: any ByteSource) throws(MartletError) -> Buffer {
        // What was read for other threads holds the offset indexes that they need.
        guard !source.isThreadSafe else { return try source.read(at: range.lowerBound, count: range.count) }
        for part in knownParts { if let bytes = try part.slice(range) { return bytes } }
        var all = range
        for group in metadata.rowGroups {
            for chunk in group.columns {
                for one in [chunk.columnIndexRange(source.byteCount), chunk.offsetIndexRange(source.byteCount)] {
                    guard let one else { continue }
                    all = min(all.lowerBound, one.lowerBound)..<max(all.upperBound, one.upperBound)
                }
            }
        }
        if all.count > Self.mostIndexBytes { all = range }
        let part = FilePart(start: all.lowerBound, bytes: try source.read(at: all.lowerBound, count: all.count))
        indexes.withLock { $0 = part }
        return try part.slice(range) ?? .empty
    }

    /// Indexes of more bytes are read one by one.
    private static var mostIndexBytes: Int { 16 << 20 }

    /// An index as it was written; nil where its key is not known. Throws where an encrypted one was changed.
    func indexBytes(
        _ module: ModuleType, _ range: Range<Int>, rowGroup: Int, leaf: Int, _ source: any ByteSource
    ) throws(MartletError) -> Buffer? {
        let bytes = try indexRead(range, source)
        guard metadata.rowGroups[rowGroup].columns[leaf].isEncrypted else { return bytes }
        guard let cipher = try? cipher(rowGroup: rowGroup, leaf: leaf) else { return nil }
        return try cipher.open(module, bytes).0
    }
}

/// Bytes of a file that have been read.
struct FilePart: Sendable {
    let start: Int
    let bytes: Buffer

    func holds(_ range: Range<Int>) -> Bool { range.lowerBound >= start && range.upperBound - start <= bytes.count }

    /// The bytes of `range`; nil where it is not part of these.
    func slice(_ range: Range<Int>) throws(MartletError) -> Buffer? {
        guard holds(range) else { return nil }
        return try bytes.slice(at: range.lowerBound - start, count: range.count)
    }
}
