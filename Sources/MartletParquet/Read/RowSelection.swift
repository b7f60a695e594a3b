public import MartletBase
import MartletIO

/// Rows of one row group that are wanted.
public struct RowSelection: Sendable, Hashable {
    public let rowGroup: Int
    /// Ascending, without overlap, not empty; counted from the row group's first row. nil stands for all rows.
    public let ranges: [Range<Int>]?

    /// All rows of a row group.
    public init(rowGroup: Int) {
        self.rowGroup = rowGroup
        ranges = nil
    }

    /// Ranges in ascending order; neighbours are joined and empty ones left out.
    public init(rowGroup: Int, ranges: [Range<Int>]) throws(MartletError) {
        self.rowGroup = rowGroup
        var joined: [Range<Int>] = []
        for range in ranges where !range.isEmpty {
            guard range.lowerBound >= (joined.last?.upperBound ?? 0) else {
                throw .invalid("row ranges must be in order and not overlap: \(range) comes after \(joined.last ?? 0..<0)")
            }
            if let last = joined.last, last.upperBound == range.lowerBound {
                joined[joined.count - 1] = last.lowerBound..<range.upperBound
            } else {
                joined.append(range)
            }
        }
        self.ranges = joined
    }

    /// The ranges in a row group of `rowCount` rows. Throws `indexError` when one leaves it.
    func ranges(in rowCount: Int) throws(MartletError) -> [Range<Int>] {
        guard let ranges else { return rowCount == 0 ? [] : [0..<rowCount] }
        if let last = ranges.last, last.upperBound > rowCount {
            throw .index("rows \(last) are wanted, row group \(rowGroup) has \(rowCount)")
        }
        return ranges
    }

    /// The rows that both want, of the same row group.
    package func intersection(_ other: RowSelection) throws(MartletError) -> RowSelection {
        guard let ranges else { return other }
        guard let others = other.ranges else { return self }
        var common: [Range<Int>] = []
        var (i, j) = (0, 0)
        while i < ranges.count, j < others.count {
            let both = ranges[i].clamped(to: others[j])
            if !both.isEmpty { common.append(both) }
            if ranges[i].upperBound < others[j].upperBound { i += 1 } else { j += 1 }
        }
        return try RowSelection(rowGroup: rowGroup, ranges: common)
    }
}

extension ParquetFile {
    /// Where rows of the file, counted from 0 over all row groups, lie. The ranges are in ascending order and do not overlap.
    ///
    /// Throws `indexError` for rows that the file does not have, and `invalid` for another order.
    public func selections(ofRows ranges: [Range<Int>]) throws(MartletError) -> [RowSelection] {
        var inGroup: [[Range<Int>]] = Array(repeating: [], count: rowGroupCount)
        var (group, start, end) = (0, 0, 0)
        for range in ranges where !range.isEmpty {
            guard range.lowerBound >= end else {
                throw .invalid("row ranges must be in order and not overlap: \(range) comes after row \(end)")
            }
            guard range.upperBound <= rowCount else { throw .index("rows \(range) are wanted, '\(source.name)' has \(rowCount)") }
            end = range.upperBound
            while group < rowGroupCount {
                let rows = rowCount(ofRowGroup: group)
                let part = range.clamped(to: start..<start + rows)
                if !part.isEmpty { inGroup[group].append(part.lowerBound - start..<part.upperBound - start) }
                if end <= start + rows { break }
                start += rows
                group += 1
            }
        }
        var selections: [RowSelection] = []
        for (group, ranges) in inGroup.enumerated() where !ranges.isEmpty {
            let isWhole = ranges == [0..<rowCount(ofRowGroup: group)]
            selections.append(isWhole ? RowSelection(rowGroup: group) : try RowSelection(rowGroup: group, ranges: ranges))
        }
        return selections
    }
}
