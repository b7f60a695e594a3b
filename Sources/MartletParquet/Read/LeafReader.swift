import Glibc
import MartletArrow
import MartletBase
import MartletIO

/// Reads the rows of one leaf in one row group from front to back, skipping where asked.
///
/// Levels, values and slots are three stages: levels say which slots there are and which of them are null, a decoder
/// gives the values that are not null, and spacing brings them to their slots.
final class LeafReader {
    let plan: LeafPlan
    private let leaf: LeafColumn
    private let pages: PageStream
    private let context: String
    private let maxDefinition: Int
    private let maxRepetition: Int
    /// Values with nulls, of all pages; unknown after a jump in a repeated column.
    private var entriesLeft: Int
    private let entryCount: Int
    private let rowCount: Int
    private let expected: ExpectedSize
    /// The next row.
    private var row = 0
    private var locations: [PageLocation]

    // The current page.
    private var head: PageStream.Head?
    private var pageLeft = 0
    private var isLoaded = false
    private var isPastDictionary = false
    private var definition: LevelDecoder?
    private var fixed: FixedDecoder?
    private var strings: BytesDecoder?
    /// Levels of the current page of a repeated leaf, and the next of them.
    private var pageDefinitions = Buffer.empty
    private var pageRepetitions = Buffer.empty
    private var pagePosition = 0

    // The dictionary of the chunk, in the form that the family needs.
    private var fixedDictionary: Buffer?
    private var bytesDictionary: BytesDictionary?
    private var interner: BytesInterner?

    init(
        _ plan: LeafPlan, _ chunk: ColumnChunk, rowGroup: Int, rowCount: Int, source: any ByteSource,
        options: ReadOptions, cipher: ModuleCipher?, offsetIndex: OffsetIndex? = nil, windowByteCount: Int?
    ) throws(MartletError) {
        self.plan = plan
        leaf = plan.leaf
        maxDefinition = leaf.maxDefinitionLevel
        maxRepetition = leaf.maxRepetitionLevel
        context = Self.context(leaf, rowGroup, source)
        let metadata = try Self.checked(chunk, of: leaf, rowGroup: rowGroup, rowCount: rowCount, source: source)
        let count = Int(metadata.valueCount)
        entryCount = count
        entriesLeft = count
        self.rowCount = rowCount
        pages = try adding(context: context) { [context] () throws(MartletError) in
            _ = context
            return try PageStream(
                metadata, source: source, cipher: cipher, windowByteCount: windowByteCount,
                verifiesChecksums: options.verifiesChecksums)
        }
        expected = ExpectedSize(metadata, rowCount: rowCount, chunkByteCount: pages.range.count)
        locations = offsetIndex?.pageLocations ?? []
        checkLocations()
    }

    /// An offset index that does not fit the chunk is worth nothing.
    private func checkLocations() {
        var last: PageLocation?
        for location in locations {
            let fits =
                location.offset >= pages.range.lowerBound && location.offset < pages.range.upperBound
                && location.compressedPageSize > 0 && location.firstRowIndex >= 0
                && location.firstRowIndex < max(rowCount, 1)
                && (last.map { $0.firstRowIndex < location.firstRowIndex && $0.offset < location.offset }
                    ?? (location.firstRowIndex == 0))
            guard fits else {
                locations = []
                return
            }
            last = location
        }
        // After a jump the values that are left are not known: only this tells where the last page ends.
        if let last, maxRepetition > 0 { pages.limit(to: Int(last.offset) + Int(last.compressedPageSize)) }
    }

    /// Reads `rows` rows into `output`.
    func read(_ rows: Int, into output: LeafOutput) throws(MartletError) {
        guard rows >= 0, rows <= rowCount - row else {
            throw .index("\(context): \(rows) rows are wanted, \(rowCount - row) are left")
        }
        do throws(MartletError) {
            try expected.reserve(rows, in: output)
            if maxRepetition == 0 {
                try readFlat(rows, into: output)
            } else {
                try readRepeated(rows, into: output)
            }
        } catch { throw placed(error) }
        row += rows
        output.dictionary = try currentDictionary()
    }

    /// Passes over `rows` rows; pages that hold nothing else are neither read nor unpacked.
    func skip(_ rows: Int) throws(MartletError) {
        guard rows >= 0, rows <= rowCount - row else {
            throw .index("\(context): \(rows) rows are to be skipped, \(rowCount - row) are left")
        }
        if rows == 0 { return }
        do throws(MartletError) {
            let rest = try jump(to: row + rows)
            if maxRepetition == 0 { try skipFlat(rest) } else { try skipRepeated(rest) }
        } catch { throw placed(error) }
        row += rows
    }

    private func placed(_ error: MartletError) -> MartletError {
        let place = head.map { ", page at byte \($0.start)" } ?? ""
        return error.within("\(context)\(place)")
    }

    // MARK: Pages

    /// Makes `pageLeft` positive; false when the chunk has no more values.
    private func nextPage() throws(MartletError) -> Bool {
        while pageLeft == 0 {
            release()
            if entriesLeft == 0 { return false }
            guard let next = try pages.next() else { return false }
            head = next
            let count: Int
            switch next.header.kind {
            case .data(let header): count = Int(header.valueCount)
            case .dataV2(let header):
                guard header.nullCount <= header.valueCount, header.rowCount <= header.valueCount else {
                    throw .corrupt(
                        "a page of \(header.valueCount) values with \(header.nullCount) nulls, \(header.rowCount) rows")
                }
                count = Int(header.valueCount)
            case .dictionary(let header):
                guard !isPastDictionary else { throw .corrupt("Column cannot have more than one dictionary.") }
                isPastDictionary = true
                try loadDictionary(next, header)
                continue
            case .index, .unrecognized: continue
            }
            isPastDictionary = true
            guard count <= entriesLeft else {
                throw .corrupt("a page of \(count) values, the column chunk has \(entriesLeft) left")
            }
            pageLeft = count
        }
        return true
    }

    private func release() {
        isLoaded = false
        definition = nil
        fixed = nil
        strings = nil
        pagePosition = 0
    }

    private func pageDone(_ count: Int) {
        pageLeft -= count
        if entriesLeft != .max { entriesLeft -= count }
    }

    /// Goes to the last page that starts at or before `target`, when the offset index knows a later one than the
    /// current. Returns how many rows are still to be skipped.
    private func jump(to target: Int) throws(MartletError) -> Int {
        guard !locations.isEmpty else { return target - row }
        // The last location whose first row is at most `target`.
        var low = 0
        var high = locations.count
        while low < high {
            let middle = (low + high) / 2
            if locations[middle].firstRowIndex <= target { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return target - row }
        let location = locations[low - 1]
        guard location.firstRowIndex > row else { return target - row }
        if !isPastDictionary, pages.position < locations[0].offset {
            // Whatever stands before the first data page may be needed by all.
            while pages.position < locations[0].offset, try nextPage() {
                if pageLeft > 0 { break }
            }
            isPastDictionary = true
        }
        pageLeft = 0
        release()
        pages.seek(to: Int(location.offset), page: low - 1)
        let first = Int(location.firstRowIndex)
        entriesLeft = maxRepetition == 0 ? entryCount - first : .max
        return target - first
    }

    /// Unpacks the current page and makes its decoders.
    private func load() throws(MartletError) {
        guard !isLoaded, let head else { return }
        release()
        switch head.header.kind {
        case .data(let header): try load(head, header)
        case .dataV2(let header): try load(head, header)
        case .dictionary, .index, .unrecognized: return
        }
        isLoaded = true
    }

    private func load(_ head: PageStream.Head, _ header: DataPageHeader) throws(MartletError) {
        let page = try pages.unpack(head)
        var position = 0
        if maxRepetition > 0 {
            let levels = try levels(
                page, &position, header.repetitionLevelEncoding, maxRepetition, Int(header.valueCount))
            pageRepetitions = try expanded(levels)
        }
        if maxDefinition > 0 {
            let levels = try levels(
                page, &position, header.definitionLevelEncoding, maxDefinition, Int(header.valueCount))
            if maxRepetition > 0 { pageDefinitions = try expanded(levels) } else { definition = levels }
        }
        let values = try page.slice(at: position, count: page.count - position)
        try makeDecoder(header.encoding, values)
    }

    private func load(_ head: PageStream.Head, _ header: DataPageHeaderV2) throws(MartletError) {
        let parts = try pages.unpack(head, header)
        if maxRepetition > 0 {
            let bytes = try parts.levels.slice(at: 0, count: parts.repetitionByteCount)
            pageRepetitions = try expanded(try LevelDecoder(bytes, maximum: maxRepetition))
        }
        if maxDefinition > 0 {
            let bytes = try parts.levels.slice(at: parts.repetitionByteCount, count: parts.definitionByteCount)
            let levels = try LevelDecoder(bytes, maximum: maxDefinition)
            if maxRepetition > 0 { pageDefinitions = try expanded(levels) } else { definition = levels }
        }
        try makeDecoder(header.encoding, parts.values)
    }

    /// The levels at `position` of a page of version 1.
    private func levels(
        _ page: Buffer, _ position: inout Int, _ encoding: Encoding, _ maximum: Int, _ count: Int
    ) throws(MartletError) -> LevelDecoder {
        switch encoding {
        case .bitPacked:
            let length = LevelDecoder.bitPackedByteCount(count, maximum: maximum)
            let bytes = try page.slice(at: position, count: length)
            position += length
            return try LevelDecoder(bitPacked: bytes, maximum: maximum)
        case .rle:
            var cursor = ByteCursor(page.bytes)
            try cursor.skip(position)
            let length = try cursor.read(UInt32.self)
            guard Int(length) <= cursor.remaining else {
                throw .corrupt("Received invalid number of bytes (corrupt data page?): levels of \(length) bytes")
            }
            let bytes = try page.slice(at: cursor.position, count: Int(length))
            position = cursor.position + Int(length)
            return try LevelDecoder(bytes, maximum: maximum)
        case .plain, .plainDictionary, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .rleDictionary,
            .byteStreamSplit, .alp:
            throw .corrupt("levels cannot be encoded as \(encoding.name)")
        }
    }

    /// All levels of the current page, a byte each.
    private func expanded(_ levels: consuming LevelDecoder) throws(MartletError) -> Buffer {
        let builder = try BufferBuilder(uninitializedCount: pageLeft)
        try unsafe levels.decode(pageLeft, into: builder.pointer(to: UInt8.self))
        return builder.finish()
    }

    // MARK: Decoders

    private func loadDictionary(_ head: PageStream.Head, _ header: DictionaryPageHeader) throws(MartletError) {
        guard header.encoding == .plain || header.encoding == .plainDictionary else {
            throw .corrupt("a dictionary cannot be encoded as \(header.encoding.name)")
        }
        if plan.type == .null { return }
        var isKept = false
        if case .fixed = plan.family { isKept = pages.isCompressed }
        let page = try pages.unpack(head, isKept: isKept)
        let count = Int(header.valueCount)
        switch plan.family {
        case .bytes, .indices:
            guard count <= page.count / 4 else { throw pageEnded(count, page.count / 4) }
            var values = try BytesValues(capacity: count)
            try PlainBytesDecoder(page).decode(count, into: &values)
            bytesDictionary = try BytesDictionary(values)
        case .fixed(let width):
            let decoder = try plainDecoder(page)
            // A value takes at least a bit of the page.
            guard count <= page.count * 8 else { throw pageEnded(count, page.count * 8) }
            if isKept, decoder is PlainFixedDecoder, decoder.width == width, width > 0 {
                // The page is the dictionary.
                guard count <= page.count / width else { throw pageEnded(count, page.count / width) }
                fixedDictionary = try page.slice(at: 0, count: count * width)
                return
            }
            let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
            try unsafe decoder.decode(count, into: builder.address)
            fixedDictionary = builder.finish()
        }
    }

    private func plainDecoder(_ page: Buffer) throws(MartletError) -> FixedDecoder {
        switch leaf.physicalType {
        case .boolean: return PlainBooleanDecoder(page)
        case .byteArray: return DecimalFromBytesDecoder(PlainBytesDecoder(page), width: plan.fixedWidth ?? 16)
        case .int32, .int64, .int96, .float, .double, .fixedLengthByteArray:
            return try converted(PlainFixedDecoder(page, width: leaf.byteWidth ?? 0))
        }
    }

    private func converted(_ decoder: FixedDecoder) throws(MartletError) -> FixedDecoder {
        guard let conversion = plan.conversion, let width = plan.fixedWidth else { return decoder }
        return try ConvertingDecoder(decoder, conversion, width: width)
    }

    private func makeDecoder(_ encoding: Encoding, _ values: Buffer) throws(MartletError) {
        // A column of nulls has no values, whatever its physical type.
        if plan.type == .null { return }
        try makeFamilyDecoder(encoding, values)
        guard fixed == nil || fixed?.width == plan.fixedWidth else {
            throw .type("values of \(fixed?.width ?? 0) bytes, \(plan.fixedWidth ?? 0) are expected")
        }
    }

    private func makeFamilyDecoder(_ encoding: Encoding, _ values: Buffer) throws(MartletError) {
        switch plan.family {
        case .bytes: strings = try bytesDecoder(encoding, values)
        case .indices:
            if encoding.isDictionary {
                let dictionary = try need(bytesDictionary)
                fixed = try DictionaryIndexDecoder(values, dictionaryCount: dictionary.count)
            } else {
                let interner: BytesInterner
                if let known = self.interner { interner = known } else { interner = try BytesInterner(bytesDictionary) }
                self.interner = interner
                fixed = InterningDecoder(try bytesDecoder(encoding, values), interner)
            }
        case .fixed(let width): fixed = try fixedDecoder(encoding, values, width)
        }
    }

    private func fixedDecoder(_ encoding: Encoding, _ values: Buffer, _ width: Int) throws(MartletError)
        -> FixedDecoder
    {
        let physical = leaf.physicalType
        switch encoding {
        case .plain: return try plainDecoder(values)
        case .plainDictionary, .rleDictionary:
            return try DictionaryFixedDecoder(values, dictionary: try need(fixedDictionary), width: width)
        case .rle where physical == .boolean: return try RunLengthBooleanDecoder(values)
        case .deltaBinaryPacked where physical == .int32 || physical == .int64:
            return try converted(try DeltaFixedDecoder(values, width: leaf.byteWidth ?? 0))
        case .byteStreamSplit where physical != .boolean && physical != .byteArray && physical != .int96:
            return try converted(try SplitFixedDecoder(values, width: leaf.byteWidth ?? 0))
        case .alp where physical == .float: return try AlpDecoder<Float>(values, limit: pageLeft)
        case .alp where physical == .double: return try AlpDecoder<Double>(values, limit: pageLeft)
        case .deltaByteArray where physical == .fixedLengthByteArray:
            let inner = try DeltaBytesDecoder(values, limit: pageLeft)
            return try converted(FixedFromBytesDecoder(inner, width: leaf.typeLength))
        case .deltaLengthByteArray where physical == .byteArray, .deltaByteArray where physical == .byteArray:
            return DecimalFromBytesDecoder(try bytesDecoder(encoding, values), width: width)
        case .rle, .bitPacked, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .byteStreamSplit, .alp:
            throw unsupported(encoding)
        }
    }

    private func bytesDecoder(_ encoding: Encoding, _ values: Buffer) throws(MartletError) -> BytesDecoder {
        switch encoding {
        case .plain: return PlainBytesDecoder(values)
        case .plainDictionary, .rleDictionary:
            return try DictionaryBytesDecoder(values, dictionary: try need(bytesDictionary))
        case .deltaLengthByteArray: return try DeltaLengthBytesDecoder(values, limit: pageLeft)
        case .deltaByteArray: return try DeltaBytesDecoder(values, limit: pageLeft)
        case .rle, .bitPacked, .deltaBinaryPacked, .byteStreamSplit, .alp: throw unsupported(encoding)
        }
    }

    private func need<Dictionary>(_ dictionary: Dictionary?) throws(MartletError) -> Dictionary {
        guard let dictionary else { throw .corrupt("a dictionary-encoded page, but no dictionary before it") }
        return dictionary
    }

    private func unsupported(_ encoding: Encoding) -> MartletError {
        .notImplemented("\(encoding.name) is not supported for \(leaf.physicalType.name) columns")
    }

    private func currentDictionary() throws(MartletError) -> BytesDictionary? {
        guard case .indices = plan.family else { return nil }
        if let interner { return try interner.dictionary() }
        if let bytesDictionary { return bytesDictionary }
        return try BytesDictionary(try BytesValues(capacity: 0))
    }

    // MARK: Flat leaves

    private func readFlat(_ rows: Int, into output: LeafOutput) throws(MartletError) {
        var left = rows
        while left > 0 {
            guard try nextPage() else { throw ended(left) }
            if pageLeft <= left, try readWholePage(into: output) {
                left -= pageLeft
                pageDone(pageLeft)
                continue
            }
            try load()
            let count = min(left, pageLeft)
            let valid = try readFlatLevels(count, into: output)
            try decode(valid, slots: count, into: output)
            output.slots += count
            pageDone(count)
            left -= count
        }
    }

    /// Unpacks a page of PLAIN values without nulls straight into the column, which saves a copy of every value.
    ///
    /// Definition levels, of which such a page has one run, lie before the values: for a moment they take the place
    /// of the column's last values before the page, which are put back. False when the page is not of this kind.
    private func readWholePage(into output: LeafOutput) throws(MartletError) -> Bool {
        guard !isLoaded, plan.conversion == nil, case .fixed(let width) = plan.family, leaf.byteWidth == width,
            let head, case .data(let header) = head.header.kind, header.encoding == .plain, !output.keepsLevels
        else { return false }
        let count = pageLeft
        let size = Int(head.header.uncompressedPageSize)
        return try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { room throws(MartletError) in
            let (levels, saved) = unsafe (room.baseAddress!, room.baseAddress! + 16)
            let prefix = unsafe maxDefinition == 0 ? 0 : Self.allValidLevels(count, maxDefinition, into: levels)
            guard size == prefix + count * width, output.slots * width >= prefix else { return false }
            // Safety: the output has room for the page from its next slot on, and `prefix` bytes before that.
            let target = try unsafe output.fixedRoom(at: output.slots, count) - prefix
            unsafe memcpy(saved, target, prefix)
            defer { unsafe memcpy(target, saved, prefix) }
            try unsafe pages.unpack(head, into: UnsafeMutableRawBufferPointer(start: target, count: size))
            guard unsafe memcmp(target, levels, prefix) == 0 else { return false }
            output.validity.appendValid(count)
            output.slots += count
            return true
        }
    }

    /// The bytes of `count` levels that are all the maximum: their length, a run's head and the level. At most 10.
    private static func allValidLevels(_ count: Int, _ maximum: Int, into target: UnsafeMutablePointer<UInt8>) -> Int {
        var length = 4
        var rest = UInt64(count) << 1
        while rest >= 0x80 {
            unsafe target[length] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            length += 1
        }
        unsafe target[length] = UInt8(rest)
        unsafe target[length + 1] = UInt8(maximum)
        length += 2
        unsafe UnsafeMutableRawPointer(target).storeBytes(of: UInt32(length - 4), as: UInt32.self)
        return length
    }

    /// Returns how many of the `count` slots are not null.
    private func readFlatLevels(_ count: Int, into output: LeafOutput) throws(MartletError) -> Int {
        guard maxDefinition > 0 else {
            output.validity.appendValid(count)
            return count
        }
        if output.keepsLevels {
            let room = try unsafe output.definitions.extend(by: count).assumingMemoryBound(to: UInt8.self)
            try unsafe definition?.decode(count, into: room)
            let before = output.validity.nullCount
            try unsafe output.validity.append(levels: room, count: count, maximum: UInt8(maxDefinition))
            return count - (output.validity.nullCount - before)
        }
        return try definition?.appendValidity(count, to: &output.validity) ?? count
    }

    private func decode(_ valid: Int, slots count: Int, into output: LeafOutput) throws(MartletError) {
        if let fixed {
            let room = try unsafe output.fixedRoom(at: output.slots, count)
            if valid > 0 { try unsafe fixed.decode(valid, into: room) }
            if valid < count, let bits = unsafe output.validity.pointer {
                // Safety: `fixedRoom` has `count` slots, and the bitmap has their bits.
                unsafe spaceValues(
                    room, width: fixed.width, count: count, valid: valid, bits: bits, at: output.slots)
            }
        } else if let strings, valid > 0 {
            try strings.decode(valid, into: &output.bytes)
        }
    }

    private func skipFlat(_ rows: Int) throws(MartletError) {
        var left = rows
        while left > 0 {
            guard try nextPage() else { throw ended(left) }
            let count = min(left, pageLeft)
            if isLoaded || count < pageLeft {
                try load()
                try skipValues(maxDefinition == 0 ? count : try definition?.skip(count) ?? count)
            }
            pageDone(count)
            left -= count
        }
    }

    private func skipValues(_ count: Int) throws(MartletError) {
        if count == 0 { return }
        try fixed?.skip(count)
        try strings?.skip(count)
    }

    private func ended(_ left: Int) -> MartletError {
        .corrupt("Unexpected end of the column chunk: \(left) more rows are expected")
    }

    // MARK: Repeated leaves

    private func readRepeated(_ rows: Int, into output: LeafOutput) throws(MartletError) {
        try forEachPart(of: rows) { first, count, valid throws(MartletError) in
            let definitions = try pageDefinitions.slice(at: first, count: count)
            let repetitions = try pageRepetitions.slice(at: first, count: count)
            try output.definitions.append(definitions.bytes)
            try output.repetitions.append(repetitions.bytes)
            if valid == 0 { return }
            if let fixed {
                let room = try unsafe output.fixedRoom(at: output.denseCount, valid)
                try unsafe fixed.decode(valid, into: room)
                output.denseCount += valid
            } else if let strings {
                try strings.decode(valid, into: &output.bytes)
            }
        }
    }

    private func skipRepeated(_ rows: Int) throws(MartletError) {
        var left = rows
        // Pages of version 2 tell their rows, which never go on in the next page.
        while left > 0, try nextPage() {
            guard !isLoaded, case .dataV2(let header) = head?.header.kind, header.rowCount > 0,
                Int(header.rowCount) <= left
            else { break }
            left -= Int(header.rowCount)
            pageDone(pageLeft)
        }
        if left > 0 { try forEachPart(of: left) { _, _, valid throws(MartletError) in try skipValues(valid) } }
    }

    /// Hands the entries of the next `rows` rows to `body`, page by page: the first entry, how many there are, and
    /// how many of them are values.
    private func forEachPart(
        of rows: Int, _ body: (_ first: Int, _ count: Int, _ valid: Int) throws(MartletError) -> Void
    ) throws(MartletError) {
        var started = 0
        while true {
            guard try nextPage() else { break }
            // Rows of pages of version 2 end with the page.
            if started == rows, !isLoaded, case .dataV2 = head?.header.kind { break }
            try load()
            let first = pagePosition
            let end = first + pageLeft
            // Safety: `expanded` made a level for each entry of the page.
            let repetitions = unsafe pageRepetitions.pointer(to: UInt8.self)
            if started == 0, first < end, unsafe repetitions[first] != 0 {
                throw .corrupt("a row group starts in the middle of a row")
            }
            var stop = first
            let rowsOfPage = unsafe countLevels(repetitions + first, end - first, equalTo: 0)
            if rowsOfPage <= rows - started {
                started += rowsOfPage
                stop = end
            }
            while stop < end {
                if unsafe repetitions[stop] == 0 {
                    if started == rows { break }
                    started += 1
                }
                stop += 1
            }
            if stop > first {
                let definitions = unsafe pageDefinitions.pointer(to: UInt8.self)
                let valid = unsafe countLevels(definitions + first, stop - first, equalTo: UInt8(maxDefinition))
                try body(first, stop - first, valid)
                pagePosition = stop
                pageDone(stop - first)
            }
            if stop < end { return }
        }
        guard started == rows else { throw ended(rows - started) }
    }
}
