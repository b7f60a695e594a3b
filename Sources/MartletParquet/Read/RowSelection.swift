public import MartletBase

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
}
