public import MartletArrow
public import MartletBase
import MartletIO

/// Bounds and counts of parts of a column, one entry for each row group or page, and only those that can be trusted.
///
/// A bound is null where the file has none or where it cannot be relied upon: with only one of the two, with NaN,
/// with a minimum above the maximum, in an order that is not that of the Arrow type, or outside the type.
public struct ColumnStatistics: Sendable {
    /// The Arrow type of the bounds; for dictionary columns that of the values.
    public let type: DataType
    /// No value of the part is below; NaN counts as no value.
    public let minimum: ArrayData
    /// No value of the part is above; NaN counts as no value.
    public let maximum: ArrayData
    /// Whether the bound is known to be a value of the part.
    public let isMinimumExact: [Bool]
    public let isMaximumExact: [Bool]
    /// nil where the file does not say.
    public let nullCounts: [Int?]
    /// nil where the file does not say: there may be NaN.
    public let nanCounts: [Int?]
    public let distinctCounts: [Int?]
    /// Values with nulls; nil where the file does not say.
    public let valueCounts: [Int?]

    public var count: Int { minimum.count }
}

/// What a file tells of a column chunk's pages (PageIndex.md).
public struct PageStatistics: Sendable {
    /// The rows of each page, counted from the start of the row group.
    public let rows: [Range<Int>]
    /// An entry for each page; nil when the file has only the offset index.
    public let statistics: ColumnStatistics?
}

extension ParquetFile {
    /// The leaf that `name` stands for: the name of a flat column, or a dotted path. nil when there is none.
    public func leafIndex(of name: String) -> Int? {
        if let leaf = parquetSchema.leaves.first(where: { $0.path.count == 1 && $0.path[0] == name }) {
            return leaf.index
        }
        if let leaf = parquetSchema.leaves.first(where: { $0.dottedPath == name }) { return leaf.index }
        guard let nodes = try? mapping.projected([name]), nodes.count == 1 else { return nil }
        var found: [Int] = []
        try? nodes[0].collectLeaves { leaf, _, _ in found.append(leaf.index) }
        return found.count == 1 ? found[0] : nil
    }

    /// The Arrow type of a leaf's values; for dictionaries that of what they hold.
    public func leafType(_ leaf: Int) throws(MartletError) -> DataType {
        try checkLeaf(leaf)
        var found: DataType?
        for node in mapping.nodes where node.leaves.contains(leaf) {
            try node.collectLeaves { column, type, _ throws(MartletError) in
                if column.index == leaf { found = type }
            }
        }
        if case .dictionary(_, let value, _) = found { return value }
        guard let found else { throw .index("leaf \(leaf) belongs to no column") }
        return found
    }

    /// The statistics of all row groups for a leaf, an entry for each.
    public func statistics(leaf: Int) throws(MartletError) -> ColumnStatistics {
        try statistics(rowGroups: Array(0..<rowGroupCount), leaf: leaf)
    }

    /// The statistics of one column chunk, one entry.
    public func statistics(rowGroup: Int, leaf: Int) throws(MartletError) -> ColumnStatistics {
        try statistics(rowGroups: try checkedRowGroups([rowGroup]), leaf: leaf)
    }

    private func statistics(rowGroups: [Int], leaf: Int) throws(MartletError) -> ColumnStatistics {
        var builder = StatisticsBuilder(parquetSchema.leaves[try checkLeaf(leaf)], try leafType(leaf))
        let order = columnOrder(leaf)
        for group in rowGroups {
            guard let chunk = metadata.rowGroups[group].columns[leaf].metadata else {
                builder.add(nil, nil, valueCount: nil, Statistics(), isLegacy: false)
                continue
            }
            builder.add(chunk.statistics ?? Statistics(), order, valueCount: Int(exactly: chunk.valueCount))
        }
        return try builder.finish()
    }

    /// What the page index of a column chunk tells, or else its page headers; nil when both are missing or damaged. Reads
    /// them from the file.
    public func pageStatistics(rowGroup: Int, leaf: Int) throws(MartletError) -> PageStatistics? {
        let group = try checkedRowGroups([rowGroup])[0]
        let column = parquetSchema.leaves[try checkLeaf(leaf)]
        let count = rowCount(ofRowGroup: group)
        guard let locations = try offsetIndex(rowGroup: group, leaf: leaf, source)?.pageLocations,
            let rows = Self.rows(of: locations, rowCount: count)
        else { return try headerStatistics(rowGroup: group, leaf: leaf) }
        guard let range = metadata.rowGroups[group].columns[leaf].columnIndexRange(source.byteCount) else {
            return PageStatistics(rows: rows, statistics: nil)
        }
        guard let bytes = try indexBytes(.columnIndex, range, rowGroup: group, leaf: leaf, source),
            let (index, _) = try? ColumnIndex.read(from: bytes.bytes), index.nullPages.count == rows.count,
            index.minValues.count == rows.count, index.maxValues.count == rows.count
        else { return PageStatistics(rows: rows, statistics: nil) }
        let order = columnOrder(leaf)
        let hasOrder = order != nil && order != .unrecognized
        var builder = StatisticsBuilder(column, try leafType(leaf))
        for i in rows.indices {
            var statistics = Statistics()
            if let counts = index.nullCounts, counts.count == rows.count { statistics.nullCount = counts[i] }
            if let counts = index.nanCounts, counts.count == rows.count { statistics.nanCount = counts[i] }
            let isFlat = column.maxRepetitionLevel == 0
            if index.nullPages[i], isFlat, statistics.nullCount == nil {
                statistics.nullCount = Int64(rows[i].count)
            }
            let hasBounds = hasOrder && !index.nullPages[i]
            builder.add(
                hasBounds ? index.minValues[i] : nil, hasBounds ? index.maxValues[i] : nil,
                valueCount: isFlat ? rows[i].count : nil, statistics, isLegacy: false)
        }
        return PageStatistics(rows: rows, statistics: try builder.finish())
    }

    /// The rows of each page; nil when the locations cannot be.
    private static func rows(of locations: [PageLocation], rowCount: Int) -> [Range<Int>]? {
        guard let first = locations.first, first.firstRowIndex == 0 else { return nil }
        var rows: [Range<Int>] = []
        for (i, location) in locations.enumerated() {
            let end = i + 1 < locations.count ? locations[i + 1].firstRowIndex : Int64(rowCount)
            guard location.firstRowIndex < end, end <= rowCount else { return nil }
            rows.append(Int(location.firstRowIndex)..<Int(end))
        }
        return rows
    }

    /// nil without a defined order: then only the deprecated bounds mean anything.
    func columnOrder(_ leaf: Int) -> ColumnOrder? {
        guard let orders = metadata.columnOrders, orders.indices.contains(leaf) else { return nil }
        return orders[leaf]
    }

    @discardableResult
    private func checkLeaf(_ leaf: Int) throws(MartletError) -> Int {
        guard parquetSchema.leaves.indices.contains(leaf) else {
            throw .index("column \(leaf) is out of range, the file has \(parquetSchema.leaves.count)")
        }
        return leaf
    }
}
