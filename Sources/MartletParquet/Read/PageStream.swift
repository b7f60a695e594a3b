import MartletBase
import MartletCodecs
import MartletIO

/// The pages of a column chunk, one after the other.
///
/// Bytes are read through a window, so that a chunk of any size takes little memory. Nothing is allocated that the
/// bytes of the file cannot hold.
final class PageStream {
    /// A page whose header has been read and whose body has not.
    struct Head {
        let header: PageHeader
        /// Byte position of the header in the file.
        let start: Int
        let bodyStart: Int
        /// The number of a data page in its chunk.
        let page: Int?
        var bodyEnd: Int { bodyStart + Int(header.compressedPageSize) }
    }

    let source: any ByteSource
    private let codec: Codec
    var isCompressed: Bool { codec != .uncompressed }
    private let cipher: ModuleCipher?
    private let dictionaryStart: Int?
    /// The number of the next data page.
    private var nextPage = 0
    private let verifiesChecksums: Bool
    /// The bytes of the file that pages may lie in.
    private(set) var range: Range<Int>
    private let windowByteCount: Int
    private var window = Buffer.empty
    private var windowStart = 0
    /// Where the next header is.
    private(set) var position: Int
    /// Memory for unpacked pages, used again for each.
    private var scratch: HeapMemory?

    /// Old writers left the dictionary page's header out of a chunk's size.
    private static let sizeTolerance = 100

    /// - Parameter windowByteCount: how much is read at once; nil reads the whole chunk.
    init(
        _ metadata: ColumnMetaData, source: any ByteSource, cipher: ModuleCipher?, windowByteCount: Int?,
        verifiesChecksums: Bool
    ) throws(MartletError) {
        self.source = source
        self.cipher = cipher
        self.verifiesChecksums = verifiesChecksums
        codec = try metadata.codec.codec()
        var start = metadata.dataPageOffset
        var dictionaryStart: Int?
        if let dictionary = metadata.dictionaryPageOffset, dictionary > 0, dictionary < start {
            start = dictionary
            dictionaryStart = Int(dictionary)
        }
        self.dictionaryStart = dictionaryStart
        let size = metadata.totalCompressedSize
        guard start >= 0, size >= 0, start <= source.byteCount, size <= Int64(source.byteCount) - start else {
            throw .corrupt(
                "Column chunk of \(size) bytes at byte \(start) leaves the file of \(source.byteCount) bytes")
        }
        range = Int(start)..<min(Int(start) + Int(size) + Self.sizeTolerance, source.byteCount)
        position = Int(start)
        self.windowByteCount = windowByteCount ?? Int(size)
    }

    /// Takes no page that starts at byte `end` of the file or behind it.
    func limit(to end: Int) { range = range.lowerBound..<min(max(end, range.lowerBound), range.upperBound) }

    /// Goes on at byte `offset` of the file, where data page `page` of the chunk is.
    func seek(to offset: Int, page: Int) {
        position = min(max(offset, range.lowerBound), range.upperBound)
        nextPage = page
    }

    /// The next page's header, nil where no bytes are left. The page counts as read.
    func next() throws(MartletError) -> Head? {
        let start = position
        if start >= range.upperBound { return nil }
        if let cipher { return try nextSealed(cipher, start) }
        var wanted = 1 << 12
        while true {
            let left = range.upperBound - start
            let bytes = try view(at: start, atLeast: min(wanted, left))
            let (found, byteCount) = try parse(bytes, isAll: bytes.count >= left)
            guard let header = found else {
                wanted *= 8
                continue
            }
            let head = Head(header: header, start: start, bodyStart: start + byteCount, page: nil)
            try checkBody(head)
            position = head.bodyEnd
            return head
        }
    }

    /// A header that is an encrypted module, as the body behind it is.
    private func nextSealed(_ cipher: ModuleCipher, _ start: Int) throws(MartletError) -> Head? {
        let isDictionary = start == dictionaryStart
        let page = isDictionary ? nil : nextPage
        let left = range.upperBound - start
        guard left >= AESKey.lengthByteCount else { return nil }
        let first = try view(at: start, atLeast: AESKey.lengthByteCount)
        var cursor = ByteCursor(first.bytes)
        let length = Int(try cursor.read(UInt32.self))
        guard length <= left - AESKey.lengthByteCount else {
            throw .corrupt("an encrypted page header of \(length) bytes at byte \(start), the column chunk has \(left) left")
        }
        let module = try view(at: start, atLeast: AESKey.lengthByteCount + length)
        let (text, byteCount) = try cipher.open(
            isDictionary ? .dictionaryPageHeader : .dataPageHeader, module, page: page)
        let (header, _) = try PageHeader.read(from: text.bytes)
        let head = Head(header: header, start: start, bodyStart: start + byteCount, page: page)
        try checkBody(head)
        if !isDictionary { nextPage += 1 }
        position = head.bodyEnd
        return head
    }

    private func checkBody(_ head: Head) throws(MartletError) {
        guard Int(head.header.compressedPageSize) <= range.upperBound - head.bodyStart else {
            throw .corrupt(
                "page at byte \(head.start) has \(head.header.compressedPageSize) bytes, the column chunk has "
                    + "\(range.upperBound - head.bodyStart) left")
        }
    }

    /// The header at the start of `bytes`; nil when it may go on behind them.
    private func parse(_ bytes: Buffer, isAll: Bool) throws(MartletError) -> (PageHeader?, Int) {
        do throws(MartletError) {
            let (header, byteCount) = try PageHeader.read(from: bytes.bytes)
            return (header, byteCount)
        } catch {
            // Statistics can make a header long.
            if isAll || error.code == .notImplemented { throw error }
            return (nil, 0)
        }
    }

    /// The bytes from `offset` on: `count` of them or more.
    private func view(at offset: Int, atLeast count: Int) throws(MartletError) -> Buffer {
        if offset >= windowStart, offset - windowStart + count <= window.count {
            return try window.slice(at: offset - windowStart, count: window.count - (offset - windowStart))
        }
        let length = min(max(count, windowByteCount), range.upperBound - offset)
        window = .empty
        window = try source.read(at: offset, count: length)
        windowStart = offset
        return window
    }

    /// The body as it lies in the file, its checksum verified.
    private func body(of head: Head) throws(MartletError) -> Buffer {
        let size = Int(head.header.compressedPageSize)
        let bytes = try view(at: head.bodyStart, atLeast: size).slice(at: 0, count: size)
        if verifiesChecksums, let expected = head.header.crc {
            let found = Checksums.crc32(bytes.bytes)
            guard found == UInt32(bitPattern: expected) else {
                throw .corrupt(
                    "could not verify page integrity, CRC checksum verification failed: expected "
                        + "\(UInt32(bitPattern: expected)), got \(found)")
            }
        }
        guard let cipher else { return bytes }
        return try cipher.open(head.page == nil ? .dictionaryPage : .dataPage, bytes, page: head.page).0
    }

    /// A page in the three parts that it has, unpacked.
    struct Parts {
        /// With its length in front in pages of the first version.
        var levels: Buffer
        var repetitionByteCount = 0
        var definitionByteCount = 0
        var values: Buffer
    }

    /// The unpacked body of a page without levels of its own: a dictionary page, or a data page of version 1 with
    /// the levels in front.
    ///
    /// Valid until the next page is unpacked, or for good where it `isKept`.
    func unpack(_ head: Head, isKept: Bool = false) throws(MartletError) -> Buffer {
        let page = try unpack(try body(of: head), to: Int(head.header.uncompressedPageSize))
        if isKept, isCompressed { scratch = nil }
        return page
    }

    /// The levels and the unpacked values of a data page of version 2.
    func unpack(_ head: Head, _ header: DataPageHeaderV2) throws(MartletError) -> Parts {
        let bytes = try body(of: head)
        let levels = Int(header.repetitionLevelsByteCount) + Int(header.definitionLevelsByteCount)
        let uncompressed = Int(head.header.uncompressedPageSize)
        guard levels <= bytes.count, levels <= uncompressed else {
            throw .corrupt("levels of \(levels) bytes in a page of \(bytes.count) bytes, \(uncompressed) unpacked")
        }
        var values = try bytes.slice(at: levels, count: bytes.count - levels)
        // Early versions of parquet-cpp said that pages were not compressed when they were.
        if header.isCompressed != false || values.count != uncompressed - levels {
            values = try unpack(values, to: uncompressed - levels)
        }
        return Parts(
            levels: try bytes.slice(at: 0, count: levels),
            repetitionByteCount: Int(header.repetitionLevelsByteCount),
            definitionByteCount: Int(header.definitionLevelsByteCount), values: values)
    }

    /// Unpacks the body of a page without levels of its own straight to where it belongs; `target` is as long as what
    /// the header promises.
    func unpack(_ head: Head, into target: UnsafeMutableRawBufferPointer) throws(MartletError) {
        let bytes = try body(of: head)
        try unsafe codec.decompress(bytes.bytes, into: target)
    }

    /// What `bytes` unpack to; valid until the next page is unpacked.
    private func unpack(_ bytes: Buffer, to size: Int) throws(MartletError) -> Buffer {
        if codec == .uncompressed { return bytes }
        // Some writers leave an empty page uncompressed.
        if size == 0 { return .empty }
        try codec.checkPlausible(size, compressedCount: bytes.count)
        let memory = try room(for: size)
        // Safety: the memory holds `size` bytes and more.
        try unsafe codec.decompress(
            bytes.bytes, into: UnsafeMutableRawBufferPointer(start: memory.address, count: size))
        return unsafe Buffer(unsafeAddress: UnsafeRawPointer(memory.address), count: size, owner: memory)
    }

    private func room(for size: Int) throws(MartletError) -> HeapMemory {
        let slack = 16
        if let scratch, scratch.capacity >= size + slack { return scratch }
        scratch = nil
        let memory = try HeapMemory(byteCount: size + slack)
        scratch = memory
        return memory
    }
}
