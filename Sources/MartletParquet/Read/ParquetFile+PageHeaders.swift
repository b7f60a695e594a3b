import MartletArrow
import MartletBase
import MartletIO

extension ParquetFile {
    /// What the headers of a flat column's pages tell of their rows and bounds, for files without page index; nil when
    /// they tell nothing, or nothing that fits. Reads the headers alone.
    func headerStatistics(rowGroup: Int, leaf: Int) throws(MartletError) -> PageStatistics? {
        let column = parquetSchema.leaves[leaf]
        // A caller's file object answers few large reads better than many small ones.
        guard column.maxRepetitionLevel == 0, source.isThreadSafe,
            let chunk = metadata.rowGroups[rowGroup].columns[leaf].metadata,
            !metadata.rowGroups[rowGroup].columns[leaf].isEncrypted,
            let pages = try? PageStream(chunk, source: source, cipher: nil, windowByteCount: 0, verifiesChecksums: false)
        else { return nil }
        let order = columnOrder(leaf)
        let rowCount = rowCount(ofRowGroup: rowGroup)
        var builder = StatisticsBuilder(column, try leafType(leaf))
        var rows: [Range<Int>] = []
        var start = 0
        while start < rowCount, let head = try? pages.next() {
            let (count, found): (Int32, Statistics?)
            switch head.header.kind {
            case .data(let header): (count, found) = (header.valueCount, header.statistics)
            case .dataV2(let header): (count, found) = (header.valueCount, header.statistics)
            case .dictionary, .index, .unrecognized: continue
            }
            guard let statistics = found, count >= 0, Int(count) <= rowCount - start else { return nil }
            if count == 0 { continue }
            builder.add(statistics, order, valueCount: Int(count))
            rows.append(start..<start + Int(count))
            start += Int(count)
        }
        guard start == rowCount, !rows.isEmpty else { return nil }
        return PageStatistics(rows: rows, statistics: try builder.finish())
    }
}

extension StatisticsBuilder {
    /// Adds what a column chunk or a page says of itself; without an order only the deprecated bounds mean anything.
    mutating func add(_ statistics: Statistics, _ order: ColumnOrder?, valueCount: Int?) {
        switch order {
        case nil: add(statistics.min, statistics.max, valueCount: valueCount, statistics, isLegacy: true)
        case .unrecognized?: add(nil, nil, valueCount: valueCount, statistics, isLegacy: false)
        case _?: add(statistics.minValue, statistics.maxValue, valueCount: valueCount, statistics, isLegacy: false)
        }
    }
}
