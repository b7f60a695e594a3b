import MartletBase
import MartletCodecs

/// What is noted of a column chunk while its pages are written.
struct ChunkRecord {
    private(set) var start: Int?
    private(set) var byteCount = 0
    private(set) var uncompressedByteCount = 0
    private(set) var locations: [PageLocation] = []
    private var dictionaryStart: Int?
    private var firstDataPage: Int?
    private var rowCount = 0
    private var entryCount = 0
    private var nullCount = 0
    private var nanCount = 0
    private var countsNaN = false
    private var unencodedByteCounts: [Int64] = []
    private var definitionLevels: [[Int64]] = []
    private var repetitionLevels: [[Int64]] = []
    private var bounds: [ValueBounds] = []
    private var geometryBounds = GeometryBounds()
    private var pageNulls: [(nulls: Int, nans: Int, isAllNull: Bool)] = []
    private var pageEncodings: [(encoding: Encoding, count: Int32)] = []

    mutating func add(_ page: EncodedPage, at position: Int) {
        if start == nil { start = position }
        byteCount += page.byteCount
        uncompressedByteCount += page.uncompressedByteCount + page.header.count
        if page.isDictionary {
            dictionaryStart = position
            return
        }
        if firstDataPage == nil { firstDataPage = position }
        locations.append(
            PageLocation(
                offset: Int64(position), compressedPageSize: Int32(clamping: page.byteCount),
                firstRowIndex: Int64(rowCount)))
        rowCount += page.rowCount
        entryCount += page.entryCount
        nullCount += page.nullCount
        nanCount += page.nanCount ?? 0
        countsNaN = countsNaN || page.nanCount != nil
        if let count = page.unencodedByteCount { unencodedByteCounts.append(Int64(count)) }
        definitionLevels.append(page.definitionLevels)
        repetitionLevels.append(page.repetitionLevels)
        bounds.append(page.bounds)
        if let found = page.geometryBounds { geometryBounds.merge(found) }
        pageNulls.append((page.nullCount, page.nanCount ?? 0, page.nullCount == page.entryCount))
        if let known = pageEncodings.firstIndex(where: { $0.encoding == page.encoding }) {
            pageEncodings[known].count += 1
        } else {
            pageEncodings.append((page.encoding, 1))
        }
    }

    func metadata(_ plan: ChunkPlan, _ options: ParquetWriterOptions) -> ColumnMetaData {
        let column = plan.column
        var encodings: [Encoding] = []
        func note(_ encoding: Encoding) { if !encodings.contains(encoding) { encodings.append(encoding) } }
        if dictionaryStart != nil { note(.plain) }
        note(.rle)
        pageEncodings.forEach { note($0.encoding) }
        var metadata = ColumnMetaData(
            physicalType: column.physicalType, encodings: encodings, path: column.path,
            codec: CompressionCodec(plan.settings.codec), valueCount: Int64(entryCount),
            totalUncompressedSize: Int64(uncompressedByteCount), totalCompressedSize: Int64(byteCount),
            dataPageOffset: Int64(firstDataPage ?? 0))
        metadata.dictionaryPageOffset = dictionaryStart.map { Int64($0) }
        if plan.settings.writesStatistics {
            var statistics = Statistics()
            statistics.nullCount = Int64(nullCount)
            if countsNaN { statistics.nanCount = Int64(nanCount) }
            var all = ValueBounds.empty
            for page in bounds { all.merge(page, plan.storage.order) }
            statistics.set(all, plan.storage)
            // Reals are counted by their bits, of which some are equal as values.
            if let dictionary = plan.dictionary, dictionary.codeCount == entryCount - nullCount, !plan.storage.isReal {
                statistics.distinctCount = Int64(dictionary.usedCount)
            }
            metadata.statistics = statistics
            metadata.sizeStatistics = sizeStatistics(plan)
            metadata.geospatialStatistics = geometryBounds.statistics(isGeography: plan.storage.space == .geography)
        }
        let pageType: PageType = options.dataPageVersion == .v1 ? .data : .dataV2
        var counts: [PageEncodingStatistics] = []
        if dictionaryStart != nil {
            counts.append(PageEncodingStatistics(pageType: .dictionary, encoding: .plain, count: 1))
        }
        for (encoding, count) in pageEncodings {
            counts.append(PageEncodingStatistics(pageType: pageType, encoding: encoding, count: count))
        }
        metadata.encodingStatistics = counts
        return metadata
    }

    /// Nil when there is nothing to say that the counts of values and nulls do not.
    private func sizeStatistics(_ plan: ChunkPlan) -> SizeStatistics? {
        var sizes = SizeStatistics()
        func sum(_ histograms: [[Int64]]) -> [Int64]? {
            guard var all = histograms.first, !all.isEmpty else { return nil }
            for histogram in histograms.dropFirst() { for i in all.indices { all[i] += histogram[i] } }
            return all
        }
        if !unencodedByteCounts.isEmpty { sizes.unencodedByteArrayByteCount = unencodedByteCounts.reduce(0, +) }
        sizes.definitionLevelHistogram = sum(definitionLevels)
        sizes.repetitionLevelHistogram = sum(repetitionLevels)
        return sizes == SizeStatistics() ? nil : sizes
    }

    func offsetIndex() -> OffsetIndex {
        // One count for each page, or none.
        let counts = unencodedByteCounts.count == locations.count && !locations.isEmpty ? unencodedByteCounts : nil
        return OffsetIndex(pageLocations: locations, unencodedByteArrayByteCounts: counts)
    }

    /// Nil when a page has values whose bounds cannot be told (PageIndex.md).
    func columnIndex(_ plan: ChunkPlan) -> ColumnIndex? {
        if bounds.isEmpty { return nil }
        var minValues: [[UInt8]] = []
        var maxValues: [[UInt8]] = []
        var nullPages: [Bool] = []
        var isAscending = true
        var isDescending = true
        var last: (min: Bound, max: Bound)?
        let order = plan.storage.order
        for page in bounds {
            switch page {
            case .empty:
                nullPages.append(true)
                minValues.append([])
                maxValues.append([])
            case .onlyNaN, .unknown: return nil
            case .known, .totalNaN:
                let short =
                    plan.storage.form.isBytes
                    ? page.truncated(to: BoundTruncation.indexLength, isText: plan.storage.isText) : page
                let min: Bound
                let max: Bound
                switch short {
                case .known(let low, let high), .totalNaN(let low, let high): (min, max) = (low, high)
                case .empty, .onlyNaN, .unknown: return nil
                }
                nullPages.append(false)
                minValues.append(min.encoded(plan.column))
                maxValues.append(max.encoded(plan.column))
                if let last {
                    if min.isLess(than: last.min, order) || max.isLess(than: last.max, order) { isAscending = false }
                    if last.min.isLess(than: min, order) || last.max.isLess(than: max, order) { isDescending = false }
                }
                last = (min, max)
            }
        }
        var index = ColumnIndex(
            nullPages: nullPages, minValues: minValues, maxValues: maxValues,
            boundaryOrder: isAscending ? .ascending : isDescending ? .descending : .unordered,
            nullCounts: pageNulls.map { Int64($0.nulls) })
        if countsNaN { index.nanCounts = pageNulls.map { Int64($0.nans) } }
        let definition = definitionLevels.flatMap { $0 }
        if !definition.isEmpty { index.definitionLevelHistograms = definition }
        let repetition = repetitionLevels.flatMap { $0 }
        if !repetition.isEmpty { index.repetitionLevelHistograms = repetition }
        return index
    }
}
