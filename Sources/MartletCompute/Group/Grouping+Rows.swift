import MartletArrow
package import MartletBase

extension Grouping {
    /// The group of row `row`. The caller keeps `row` below `rowCount`.
    subscript(row: Int) -> Int { unsafe Int(ids.pointer(to: UInt32.self)[row]) }

    /// The first row of each group, to take the keys.
    package func firstRowIndices() throws(MartletError) -> Rows { try Rows(numbers: firstRows) }

    /// `partition` with its rows ready to be taken.
    package func partitionedRows() throws(MartletError) -> (rows: Rows, starts: [Int]) {
        let (rows, starts) = try partition()
        return (Rows(buffer: rows, isWide: false, count: rowCount), starts)
    }
}

extension Rows {
    /// Row numbers that the caller knows to be in range.
    init(numbers: [Int]) throws(MartletError) {
        let isWide = numbers.contains { $0 > Int(Int32.max) }
        self.init(
            buffer: isWide
                ? try Buffer(numbers.map { Int64($0) }) : try Buffer(numbers.map { Int32(truncatingIfNeeded: $0) }),
            isWide: isWide, count: numbers.count)
    }
}
