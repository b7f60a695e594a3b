import Glibc
import MartletArrow
import MartletBase
import MartletCodecs

/// A page as it goes into the file, and what the footer has to know of it.
struct EncodedPage: Sendable {
    var header: Buffer
    var body: Buffer
    /// Of the page without header, before compression.
    var uncompressedByteCount: Int
    var isDictionary = false
    var encoding: Encoding
    var rowCount = 0
    var entryCount = 0
    var nullCount = 0
    var nanCount: Int?
    var bounds = ValueBounds.empty
    /// Of geometries and geographies.
    var geometryBounds: GeometryBounds?
    /// Bytes of the valid byte strings, without their lengths; nil for other types.
    var unencodedByteCount: Int?
    /// How many entries have each level; empty where the format can do without.
    var definitionLevels: [Int64] = []
    var repetitionLevels: [Int64] = []

    var byteCount: Int { header.count + body.count }
}

/// Working memory of one page at a time, used again for the next.
final class PageScratch: @unchecked Sendable {
    // One thread at a time: a scratch is taken from its pool for one page.
    var body: BufferBuilder
    var values: BufferBuilder
    var levels: BufferBuilder

    init() throws(MartletError) {
        body = try BufferBuilder()
        values = try BufferBuilder()
        levels = try BufferBuilder()
    }
}

/// Encodes and compresses the pages of a leaf.
struct PageEncoder {
    let plan: ChunkPlan
    /// nil: nothing is encrypted.
    var cipher: ModuleCipher?
    let version: ParquetWriterOptions.DataPageVersion
    let writesChecksums: Bool
    /// Whether bounds go into page headers: only where there is no page index.
    let writesHeaderStatistics: Bool

    // MARK: Dictionary pages

    func dictionaryPage(_ dictionary: LeafDictionary) throws(MartletError) -> EncodedPage {
        var body =
            plan.settings.codec == .uncompressed
            ? dictionary.entries
            : try plan.settings.codec.compress(dictionary.entries.bytes, level: plan.settings.level)
        let header = try self.header(
            .dictionary(DictionaryPageHeader(valueCount: Int32(clamping: dictionary.entryCount), encoding: .plain)),
            uncompressed: dictionary.entries.count, body: &body, page: nil)
        return EncodedPage(
            header: header, body: body, uncompressedByteCount: dictionary.entries.count, isDictionary: true,
            encoding: .plain)
    }

    /// Seals `body` where that is wanted, and makes the header that goes before it.
    private func header(
        _ kind: PageHeader.Kind, uncompressed: Int, body: inout Buffer, page: Int?
    ) throws(MartletError) -> Buffer {
        if let cipher { body = try cipher.seal(page == nil ? .dictionaryPage : .dataPage, body, page: page) }
        guard let uncompressedSize = Int32(exactly: uncompressed), let compressedSize = Int32(exactly: body.count)
        else {
            throw .capacity(
                "a page of \(uncompressed) bytes is longer than Parquet's limit of 2 GiB; one row holds too much")
        }
        var header = PageHeader(
            kind, uncompressedPageSize: uncompressedSize, compressedPageSize: compressedSize)
        if writesChecksums { header.crc = Int32(bitPattern: Checksums.crc32(body.bytes)) }
        let bytes = try header.encoded()
        guard let cipher else { return bytes }
        return try cipher.seal(page == nil ? .dictionaryPageHeader : .dataPageHeader, bytes, page: page)
    }

    // MARK: Data pages

    func dataPage(_ page: PagePlan, number: Int, scratch: PageScratch) throws(MartletError) -> EncodedPage {
        scratch.body.truncate(to: 0)
        let hasLengths = version == .v1
        try appendRepetitionLevels(page, hasLength: hasLengths, &scratch.body)
        let repetitionByteCount = scratch.body.byteCount
        try appendDefinitionLevels(page, hasLength: hasLengths, scratch)
        let levelByteCount = scratch.body.byteCount
        let isCoded = plan.usesDictionary(page)
        let encoding = isCoded ? Encoding.rleDictionary : plan.encoding
        var result = EncodedPage(
            header: .empty, body: .empty, uncompressedByteCount: 0, encoding: encoding, rowCount: page.rowCount,
            entryCount: page.entryCount, nullCount: page.nullCount)
        try appendValues(page, scratch, &result)
        if plan.settings.writesStatistics {
            countLevels(page, &result)
            if plan.storage.space != nil { result.geometryBounds = try geometryBounds(page) }
        }
        result.uncompressedByteCount = scratch.body.byteCount

        guard let entryCount = Int32(exactly: page.entryCount) else {
            throw .capacity(
                "a page of \(page.entryCount) values is longer than Parquet's limit; one row holds too much")
        }
        let statistics = writesHeaderStatistics && plan.settings.writesStatistics ? self.statistics(result) : nil
        let kind: PageHeader.Kind
        switch version {
        case .v1:
            result.body = try packed(scratch, from: 0)
            kind = .data(DataPageHeader(valueCount: entryCount, encoding: encoding, statistics: statistics))
        case .v2:
            let values = scratch.body.byteCount - levelByteCount
            var isCompressed = plan.settings.codec != .uncompressed && values > 0
            result.body = isCompressed ? try packed(scratch, from: levelByteCount) : try copied(scratch)
            if isCompressed && result.body.count >= scratch.body.byteCount {
                isCompressed = false
                result.body = try copied(scratch)
            }
            kind = .dataV2(
                DataPageHeaderV2(
                    valueCount: entryCount, nullCount: Int32(clamping: page.nullCount),
                    rowCount: Int32(clamping: page.rowCount), encoding: encoding,
                    definitionLevelsByteCount: Int32(clamping: levelByteCount - repetitionByteCount),
                    repetitionLevelsByteCount: Int32(clamping: repetitionByteCount), isCompressed: isCompressed,
                    statistics: statistics))
        }
        result.header = try header(kind, uncompressed: result.uncompressedByteCount, body: &result.body, page: number)
        return result
    }

    /// The page's body: the first `start` bytes as they are, the rest compressed.
    private func packed(_ scratch: PageScratch, from start: Int) throws(MartletError) -> Buffer {
        let codec = plan.settings.codec
        if codec == .uncompressed { return try copied(scratch) }
        let count = scratch.body.byteCount - start
        var output = try BufferBuilder(
            byteCapacity: try codec.maximumCompressedByteCount(count).adding(checked: start))
        // Safety: both spans lie in what is written of the body, which does not change meanwhile.
        let base = unsafe UnsafeRawPointer(scratch.body.address)
        try unsafe output.append(RawSpan(_unsafeStart: base, byteCount: start))
        let rest = unsafe RawSpan(_unsafeStart: base + start, byteCount: count)
        try codec.compress(rest, level: plan.settings.level, into: &output)
        return output.finish()
    }

    private func copied(_ scratch: PageScratch) throws(MartletError) -> Buffer {
        let base = unsafe UnsafeRawPointer(scratch.body.address)
        return try unsafe Buffer(copying: RawSpan(_unsafeStart: base, byteCount: scratch.body.byteCount))
    }

    private func statistics(_ page: EncodedPage) -> Statistics {
        var statistics = Statistics()
        statistics.nullCount = Int64(page.nullCount)
        statistics.nanCount = page.nanCount.map { Int64($0) }
        statistics.set(page.bounds, plan.storage)
        return statistics
    }

    private func geometryBounds(_ page: PagePlan) throws(MartletError) -> GeometryBounds {
        var bounds = GeometryBounds()
        try unsafe plan.values.forEachBytes(page.slots) { start, count in
            // Safety: these are the bytes of a slot.
            bounds.add(unsafe RawSpan(_unsafeStart: start, byteCount: count))
        }
        return bounds
    }

    // MARK: Levels

    private func appendRepetitionLevels(
        _ page: PagePlan, hasLength: Bool, _ body: inout BufferBuilder
    ) throws(MartletError) {
        guard plan.column.maxRepetitionLevel > 0, let levels = plan.repetition else { return }
        let start = body.byteCount
        if hasLength { try body.append(0 as UInt32) }
        // Safety: the plan's pages lie within the levels.
        try unsafe HybridEncoder.append(
            levels.pointer(to: UInt8.self) + page.firstEntry, count: page.entryCount,
            width: BitPacking.width(of: plan.column.maxRepetitionLevel), to: &body)
        if hasLength { setLength(at: start, &body) }
    }

    private func appendDefinitionLevels(
        _ page: PagePlan, hasLength: Bool, _ scratch: PageScratch
    ) throws(MartletError) {
        guard plan.column.maxDefinitionLevel > 0 else { return }
        let start = scratch.body.byteCount
        if hasLength { try scratch.body.append(0 as UInt32) }
        if let levels = plan.definition {
            // Safety: the plan's pages lie within the levels.
            try unsafe HybridEncoder.append(
                levels.pointer(to: UInt8.self) + page.firstEntry, count: page.entryCount,
                width: BitPacking.width(of: plan.column.maxDefinitionLevel), to: &scratch.body)
        } else if page.valueCount == page.entryCount || page.valueCount == 0 {
            let level: UInt32 = page.valueCount == 0 ? 0 : 1
            try HybridEncoder.appendRun(of: level, count: page.entryCount, width: 1, to: &scratch.body)
        } else if let bits = unsafe try plan.values.validity(page.slots, scratch: &scratch.levels) {
            try unsafe HybridEncoder.append(bits: bits, count: page.entryCount, to: &scratch.body)
        }
        if hasLength { setLength(at: start, &scratch.body) }
    }

    /// Counts levels where the number of nulls does not say it all.
    private func countLevels(_ page: PagePlan, _ result: inout EncodedPage) {
        // Safety: the plan's pages lie within the levels.
        if let levels = plan.definition, plan.column.maxDefinitionLevel > 1 {
            result.definitionLevels = unsafe Self.histogram(
                levels.pointer(to: UInt8.self) + page.firstEntry, page.entryCount, plan.column.maxDefinitionLevel,
                ofLast: page.valueCount)
        }
        if let levels = plan.repetition, plan.column.maxRepetitionLevel > 0 {
            result.repetitionLevels = unsafe Self.histogram(
                levels.pointer(to: UInt8.self) + page.firstEntry, page.entryCount, plan.column.maxRepetitionLevel,
                ofFirst: page.rowCount)
        }
    }

    /// How often each level up to `most` occurs. The count of the first or the last one is known, and what is left over is
    /// the other's.
    private static func histogram(
        _ levels: UnsafePointer<UInt8>, _ count: Int, _ most: Int, ofFirst first: Int? = nil, ofLast last: Int? = nil
    ) -> [Int64] {
        var counts = Array(repeating: Int64(0), count: most + 1)
        for level in 1..<max(1, most) {
            counts[level] = unsafe occurrences(of: UInt8(truncatingIfNeeded: level), levels, count)
        }
        let rest = Int64(count) - counts.reduce(0, +)
        counts[0] = first.map { Int64($0) } ?? rest - Int64(last ?? 0)
        counts[most] = rest - counts[0]
        return counts
    }

    /// Sixteen at a time: counts of up to 255 fit a byte.
    private static func occurrences(of level: UInt8, _ levels: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
        let wanted = SIMD16<UInt8>(repeating: level)
        let bytes = unsafe UnsafeRawPointer(levels)
        var total: Int64 = 0
        var i = 0
        while i &+ 16 <= count {
            var found = SIMD16<UInt8>()
            let end = min(count &- 15, i &+ 16 &* 255)
            while i < end {
                let here = unsafe bytes.loadUnaligned(fromByteOffset: i, as: SIMD16<UInt8>.self)
                found.replace(with: found &+ 1, where: here .== wanted)
                i &+= 16
            }
            total &+= Int64(SIMD16<UInt16>(truncatingIfNeeded: found).wrappedSum())
        }
        while i < count {
            unsafe total &+= levels[i] == level ? 1 : 0
            i &+= 1
        }
        return total
    }

    /// Writes the number of bytes that follow the 4 bytes at `start`.
    private func setLength(at start: Int, _ body: inout BufferBuilder) {
        let length = UInt32(truncatingIfNeeded: body.byteCount - start - 4)
        // Safety: these 4 bytes were appended before.
        unsafe (body.address + start).storeBytes(of: length, as: UInt32.self)
    }

    // MARK: Values

    private func appendValues(
        _ page: PagePlan, _ scratch: PageScratch, _ result: inout EncodedPage
    ) throws(MartletError) {
        if let dictionary = plan.dictionary, result.encoding == .rleDictionary {
            let width = dictionary.bitWidth
            try scratch.body.append(UInt8(width))
            // Safety: `usesDictionary` saw to it that these values have codes.
            let codes = unsafe dictionary.codes.pointer(to: UInt32.self) + page.firstValue
            try unsafe HybridEncoder.append(codes, count: page.valueCount, width: width, to: &scratch.body)
            if plan.settings.writesStatistics, plan.storage.form == .fixedBytes(2), plan.storage.isReal {
                let halves = try unsafe plan.values.fixedBytes(page.slots, width: 2, scratch: &scratch.values)
                unsafe setHalfBounds(halves, &result)
                return
            }
            if plan.settings.writesStatistics, let places = dictionary.places {
                try unsafe setCodedBounds(dictionary, places, codes, page.valueCount, &result)
                return
            }
            if !plan.settings.writesStatistics { return }
        }
        let isCoded = result.encoding == .rleDictionary
        switch plan.storage.form {
        case .nothing: break
        case .bits: try appendBits(page, scratch, &result)
        case .lanes32: try appendLanes(UInt32.self, page, scratch, &result, isCoded: isCoded)
        case .lanes64: try appendLanes(UInt64.self, page, scratch, &result, isCoded: isCoded)
        case .fixedBytes(let width): try appendFixedBytes(page, width, scratch, &result)
        case .bytes32, .bytes64: try appendBytes(page, scratch, &result)
        }
    }

    private func appendBits(
        _ page: PagePlan, _ scratch: PageScratch, _ result: inout EncodedPage
    ) throws(MartletError) {
        let (bits, count) = try unsafe plan.values.bits(page.slots, scratch: &scratch.values)
        if result.encoding == .rle {
            let start = scratch.body.byteCount
            try scratch.body.append(0 as UInt32)
            try unsafe HybridEncoder.append(bits: bits, count: count, to: &scratch.body)
            setLength(at: start, &scratch.body)
        } else {
            try unsafe scratch.body.append(RawSpan(_unsafeStart: bits, byteCount: (count + 7) / 8))
        }
        guard plan.settings.writesStatistics, count > 0 else { return }
        var trues = 0
        var i = 0
        while i < count {
            let length = min(64, count &- i)
            trues &+= unsafe loadBits(bits, at: i, length: length).nonzeroBitCount
            i &+= length
        }
        result.bounds = .known(min: .signed(trues == count ? 1 : 0), max: .signed(trues == 0 ? 0 : 1))
    }

    private func appendLanes<L: Lane>(
        _ type: L.Type, _ page: PagePlan, _ scratch: PageScratch, _ result: inout EncodedPage, isCoded: Bool
    ) throws(MartletError) {
        let lanes = try unsafe plan.values.lanes(page.slots, as: L.self, scratch: &scratch.values)
        let count = lanes.count
        let base = unsafe UnsafeRawPointer(lanes.baseAddress ?? UnsafePointer(scratch.body.pointer(to: L.self)))
        if plan.settings.writesStatistics {
            let order = plan.storage.order
            if order == .float {
                // Safety: a lane of a real column holds the bits of a real.
                let (bounds, nans) = unsafe BoundsScan.reals(base.assumingMemoryBound(to: L.Real.self), count)
                result.bounds = bounds
                result.nanCount = nans
            } else if order == .total {
                let (bounds, nans) =
                    MemoryLayout<L>.size == 4
                    ? unsafe TotalOrder.bounds(base, count, infinity: 0x7F80_0000 as Int32)
                    : unsafe TotalOrder.bounds(base, count, infinity: 0x7FF0_0000_0000_0000 as Int64)
                result.bounds = bounds
                result.nanCount = nans
            } else if count > 0, order == .unsigned {
                let (low, high) = unsafe BoundsScan.extremes(base.assumingMemoryBound(to: L.self), count)
                result.bounds = .known(min: .unsigned(UInt64(low)), max: .unsigned(UInt64(high)))
            } else if count > 0 {
                let (low, high) = unsafe BoundsScan.extremes(base.assumingMemoryBound(to: L.Signed.self), count)
                result.bounds = .known(min: .signed(Int64(low)), max: .signed(Int64(high)))
            }
        }
        if isCoded { return }
        switch result.encoding {
        case .deltaBinaryPacked:
            try unsafe DeltaEncoder.append(base.assumingMemoryBound(to: L.Signed.self), count: count, to: &scratch.body)
        case .byteStreamSplit:
            try unsafe ByteStreamSplitEncoder.append(
                base.assumingMemoryBound(to: UInt8.self), count: count, width: MemoryLayout<L>.size, to: &scratch.body)
        case .alp:
            // Only columns of reals are written so, and their lanes hold the bits of reals.
            if MemoryLayout<L>.size == 4 {
                try unsafe AlpEncoder.append(base.assumingMemoryBound(to: Float.self), count: count, to: &scratch.body)
            } else {
                try unsafe AlpEncoder.append(base.assumingMemoryBound(to: Double.self), count: count, to: &scratch.body)
            }
        case .plain, .plainDictionary, .rle, .bitPacked, .deltaLengthByteArray, .deltaByteArray, .rleDictionary:
            try unsafe scratch.body.append(RawSpan(_unsafeStart: base, byteCount: count &* MemoryLayout<L>.size))
        }
    }

    private func appendFixedBytes(
        _ page: PagePlan, _ width: Int, _ scratch: PageScratch, _ result: inout EncodedPage
    ) throws(MartletError) {
        if result.encoding == .deltaByteArray {
            let items = try unsafe plan.values.items(page.slots, scratch: &scratch.values)
            try unsafe BytesEncoder.appendDeltaBytes(items, to: &scratch.body)
        }
        if result.encoding == .deltaByteArray, !plan.storage.isReal {
            try setBytesBounds(page, &result)
            return
        }
        let bytes = try unsafe plan.values.fixedBytes(page.slots, width: width, scratch: &scratch.values)
        if let base = bytes.baseAddress, bytes.count > 0 {
            if result.encoding == .byteStreamSplit {
                try unsafe ByteStreamSplitEncoder.append(
                    base, count: page.valueCount, width: width, to: &scratch.body)
            } else if result.encoding != .deltaByteArray {
                try unsafe scratch.body.append(RawSpan(_unsafeStart: base, byteCount: bytes.count))
            }
        }
        guard plan.settings.writesStatistics else { return }
        if plan.storage.isReal {
            unsafe setHalfBounds(bytes, &result)
        } else {
            try setBytesBounds(page, &result)
        }
    }

    private func setHalfBounds(_ halves: UnsafeBufferPointer<UInt8>, _ result: inout EncodedPage) {
        guard let base = halves.baseAddress else {
            result.nanCount = 0
            return
        }
        let (bounds, nans) =
            plan.storage.order == .total
            ? unsafe TotalOrder.bounds(base, halves.count / 2, infinity: 0x7C00 as Int16)
            : unsafe BoundsScan.halves(base, halves.count / 2)
        result.bounds = bounds
        result.nanCount = nans
    }

    private func appendBytes(
        _ page: PagePlan, _ scratch: PageScratch, _ result: inout EncodedPage
    ) throws(MartletError) {
        switch result.encoding {
        case .deltaLengthByteArray:
            let items = try unsafe plan.values.items(page.slots, scratch: &scratch.values)
            try unsafe BytesEncoder.appendDeltaLength(items, to: &scratch.body)
        case .deltaByteArray:
            let items = try unsafe plan.values.items(page.slots, scratch: &scratch.values)
            try unsafe BytesEncoder.appendDeltaBytes(items, to: &scratch.body)
        case .plain, .plainDictionary, .rle, .bitPacked, .deltaBinaryPacked, .rleDictionary, .byteStreamSplit, .alp:
            try plan.values.appendPlainBytes(page.slots, count: page.valueCount, to: &scratch.body)
        }
        try setBytesBounds(page, &result)
    }

    private func setBytesBounds(_ page: PagePlan, _ result: inout EncodedPage) throws(MartletError) {
        guard plan.settings.writesStatistics else { return }
        let order = plan.storage.order
        guard order == .bytes || order == .signedBytes else {
            if page.valueCount > 0 { result.bounds = .unknown }
            return
        }
        var extremes = BytesExtremes(order)
        var total = 0
        try unsafe plan.values.forEachBytes(page.slots) { start, count in
            unsafe extremes.add(start, count)
            total &+= count
        }
        if plan.storage.form.isBytes { result.unencodedByteCount = total }
        result.bounds = extremes.bounds(isText: plan.storage.isText, isFixed: !plan.storage.form.isBytes)
    }

    /// The bounds of the entries that `codes` name, and how long those are.
    private func setCodedBounds(
        _ dictionary: LeafDictionary, _ places: Buffer, _ codes: UnsafePointer<UInt32>, _ count: Int,
        _ result: inout EncodedPage
    ) throws(MartletError) {
        let order = plan.storage.order
        if plan.storage.form.isBytes { result.unencodedByteCount = 0 }
        if count == 0 { return }
        guard order == .bytes || order == .signedBytes else {
            result.bounds = .unknown
            result.unencodedByteCount = nil
            return
        }
        var extremes = BytesExtremes(order)
        let place = unsafe places.pointer(to: BytesDictionaryBuilder.Place.self)
        let bytes = unsafe dictionary.entries.pointer(to: UInt8.self)
        if dictionary.entryCount <= count {
            // Each entry is looked at once, however often the page has it.
            let used = try Buffer(zeroed: dictionary.entryCount)
            let flags = unsafe UnsafeMutablePointer(mutating: used.pointer(to: UInt8.self))
            var total = 0
            for i in 0..<count {
                let code = unsafe Int(codes[i])
                unsafe flags[code] = 1
                unsafe total &+= Int(place[code].count)
            }
            if plan.storage.form.isBytes { result.unencodedByteCount = total }
            for i in 0..<dictionary.entryCount where unsafe flags[i] != 0 {
                unsafe extremes.add(bytes + Int(place[i].start), Int(place[i].count))
            }
        } else {
            for i in 0..<count {
                let entry = unsafe place[Int(codes[i])]
                unsafe extremes.add(bytes + Int(entry.start), Int(entry.count))
                if plan.storage.form.isBytes { result.unencodedByteCount? &+= Int(entry.count) }
            }
        }
        result.bounds = extremes.bounds(isText: plan.storage.isText, isFixed: !plan.storage.form.isBytes)
    }
}

extension Statistics {
    /// Enters bounds that can be written.
    mutating func set(_ bounds: ValueBounds, _ storage: LeafStorage) {
        let min: Bound
        let max: Bound
        switch bounds {
        case .known(let low, let high), .totalNaN(let low, let high): (min, max) = (low, high)
        case .empty, .onlyNaN, .unknown: return
        }
        minValue = min.encoded(storage.column)
        maxValue = max.encoded(storage.column)
        isMinValueExact = min.isExact
        isMaxValueExact = max.isExact
        // Older readers look here; it means the same where values compare as signed numbers.
        if storage.order == .signed || storage.order == .float {
            self.min = minValue
            self.max = maxValue
        }
    }
}
