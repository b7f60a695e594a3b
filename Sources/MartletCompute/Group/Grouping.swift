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

    /// Groups the rows of `keys`, arrays of equal length. Without keys all rows are one group.
    public init(keys: [ArrayData]) throws(MartletError) {
        let count = keys.first?.count ?? 0
        guard keys.allSatisfy({ $0.count == count }) else { throw .invalid("keys to group by differ in length") }
        guard count < Int(UInt32.max) else { throw .capacity("\(count) rows are too many to group at once; use batches") }
        var codes = try KeyCodes(constant: count)
        for (i, key) in keys.enumerated() {
            let column = try keyCodes(key)
            codes = i == 0 ? column : try codes.combined(with: column)
        }
        rowCount = count
        groupCount = codes.firstRows.count
        ids = codes.codes
        firstRows = codes.firstRows
    }

    /// The rows group by group, in their order within each group: `rows` holds row numbers as 32-bit integers, group
    /// `g` those from `starts[g]` to `starts[g + 1]`.
    public func partition() throws(MartletError) -> (rows: Buffer, starts: [Int]) {
        guard rowCount <= Int(Int32.max) else { throw .capacity("\(rowCount) rows are too many to partition at once") }
        var starts = [Int](repeating: 0, count: groupCount + 1)
        let ids = unsafe ids.pointer(to: UInt32.self)
        // Safety: ids are below groupCount and one a row; `next` points into the rowCount slots of the result.
        unsafe starts.withUnsafeMutableBufferPointer { starts in
            for row in 0..<rowCount { unsafe starts[Int(ids[row]) + 1] &+= 1 }
        }
        for group in 0..<groupCount { starts[group + 1] += starts[group] }
        let builder = try BufferBuilder(uninitializedCount: rowCount * 4)
        let rows = unsafe builder.pointer(to: Int32.self)
        var next = starts
        unsafe next.withUnsafeMutableBufferPointer { next in
            for row in 0..<rowCount {
                let group = unsafe Int(ids[row])
                unsafe rows[next[group]] = Int32(truncatingIfNeeded: row)
                unsafe next[group] &+= 1
            }
        }
        return (builder.finish(), starts)
    }
}

/// One column of keys as dense numbers, in the order of first appearance.
struct KeyCodes {
    /// One unsigned 32-bit number a row.
    var codes: Buffer
    var firstRows: [Int]

    init(codes: Buffer, firstRows: [Int]) {
        self.codes = codes
        self.firstRows = firstRows
    }

    /// All rows alike.
    init(constant count: Int) throws(MartletError) {
        codes = try Buffer(zeroed: count * 4)
        firstRows = count > 0 ? [0] : []
    }

    /// The codes of pairs of keys.
    func combined(with other: KeyCodes) throws(MartletError) -> KeyCodes {
        let count = codes.count / 4
        let (a, b) = unsafe (codes.pointer(to: UInt32.self), other.codes.pointer(to: UInt32.self))
        let width = UInt64(max(other.firstRows.count, 1))
        let pairs = try BufferBuilder(uninitializedCount: count * 8)
        let target = unsafe pairs.pointer(to: UInt64.self)
        // Safety: both have `count` codes; the product of two 32-bit numbers fits.
        for row in 0..<count { unsafe target[row] = UInt64(a[row]) &* width &+ UInt64(b[row]) }
        let buffer = pairs.finish()
        return try codeWords(count: count) { row in unsafe buffer.pointer(to: UInt64.self)[row] }
    }
}
