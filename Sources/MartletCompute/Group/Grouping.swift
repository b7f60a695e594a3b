public import MartletArrow
public import MartletBase

/// Rows that share their keys, told by a number each: 0, 1, 2, ... in the order in which keys first appear.
///
/// Nulls equal each other, and so do NaNs; -0.0 equals 0.0.
public struct Grouping: Sendable {
    public let rowCount: Int
    public let groupCount: Int
    /// The group of each row: `rowCount` unsigned 32-bit numbers.
    public let ids: Buffer
    /// The first row of each group.
    public let firstRows: [Int]

    /// Groups the rows of `keys`, arrays of equal length. Without keys all `rowCount` rows are one group.
    public init(keys: [ArrayData], rowCount known: Int? = nil) throws(MartletError) {
        let count = keys.first?.count ?? known ?? 0
        guard keys.allSatisfy({ $0.count == count }) else { throw .invalid("keys to group by differ in length") }
        guard count < Int(Int32.max) else {
            throw .capacity("\(count) rows are too many to group at once; use batches")
        }
        var merged: HashedRows?
        for key in keys {
            let next = try HashedRows(key: key, zerosAreEqual: true)
            if let both = merged { merged = try HashedRows(both, next) } else { merged = next }
        }
        let rows: HashedRows
        if let merged { rows = merged } else { rows = try HashedRows(key: ArrayData(type: .null, count: count)) }
        rowCount = count
        groupCount = rows.firstRows.count
        ids = rows.ids
        firstRows = rows.firstRows
    }

    /// The rows group by group, in their order within each group: `rows` holds row numbers as 32-bit integers, group
    /// `g` those from `starts[g]` to `starts[g + 1]`.
    public func partition() throws(MartletError) -> (rows: Buffer, starts: [Int]) {
        let (groupCount, rowCount, ids) = (groupCount, rowCount, ids)
        // Workers count and place pieces of the rows on their own, where tables stay small beside the rows.
        let pieceCount = max(1, min(WorkerPool.threadCount, rowCount / max(groupCount * 4, 1 << 16)))
        let pieceSize = (rowCount + pieceCount - 1) / pieceCount
        let tableSize = try pieceCount.multiplied(checked: groupCount)
        let tables = try BufferBuilder(uninitializedCount: try tableSize.multiplied(checked: 8))
        // Safety: the tables have a slot for each piece and group; ids are below the group count, one a row.
        let places = unsafe Shared(tables.pointer(to: Int.self))
        unsafe places.value.update(repeating: 0, count: tableSize)
        try WorkerPool.forEach(pieceCount) { piece throws(MartletError) in
            let (table, ids) = unsafe (places.value + piece * groupCount, ids.pointer(to: UInt32.self))
            for row in piece * pieceSize..<max(piece * pieceSize, min(rowCount, (piece + 1) * pieceSize)) {
                unsafe table[Int(ids[row])] &+= 1
            }
        }
        var starts: [Int] = []
        starts.reserveCapacity(groupCount + 1)
        var next = 0
        for group in 0..<groupCount {
            starts.append(next)
            for piece in 0..<pieceCount {
                let count = unsafe places.value[piece * groupCount + group]
                unsafe places.value[piece * groupCount + group] = next
                next += count
            }
        }
        starts.append(next)
        let rows = try unsafe makeValues(Int32.self, count: rowCount) { target throws(MartletError) in
            let output = unsafe Shared(target)
            // Safety: the places lead each piece through slots of its own.
            try WorkerPool.forEach(pieceCount) { piece throws(MartletError) in
                let (table, ids) = unsafe (places.value + piece * groupCount, ids.pointer(to: UInt32.self))
                let output = unsafe output.value
                for row in piece * pieceSize..<max(piece * pieceSize, min(rowCount, (piece + 1) * pieceSize)) {
                    let group = unsafe Int(ids[row])
                    unsafe output[table[group]] = Int32(truncatingIfNeeded: row)
                    unsafe table[group] &+= 1
                }
            }
        }
        _ = tables.finish()
        return (rows, starts)
    }
}
