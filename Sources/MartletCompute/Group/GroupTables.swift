import Glibc
import MartletArrow
import MartletBase

/// A few words of 64 bits for each group, as an aggregate keeps them.
///
/// Pieces of the rows fill tables of their own in parallel; the tables are then folded into one.
struct GroupTables {
    let groupCount: Int
    /// Words of a group, which lie together: rows of a group touch one cache line.
    let width: Int
    private let words: Buffer

    /// One block of rows, which all lie in one piece.
    @safe
    struct Rows {
        let block: LaneBlock
        /// The group of each row of the block.
        let groups: UnsafePointer<UInt32>
        let table: UnsafeMutablePointer<Int64>
    }

    /// - Parameters:
    ///   - initial: the words of a group without rows.
    ///   - fill: counts the rows of a block into a table.
    ///   - fold: adds the words of a group of a later piece to those of an earlier one.
    init(
        _ grouping: Grouping, initial: [Int64], fill: @Sendable (Rows) -> Void,
        fold: (_ into: UnsafeMutablePointer<Int64>, _ from: UnsafePointer<Int64>) -> Void
    ) throws(MartletError) {
        let (rowCount, groupCount, width) = (grouping.rowCount, grouping.groupCount, initial.count)
        self.groupCount = groupCount
        self.width = width
        // Tables stay small beside the rows that fill them.
        let most = WorkerPool.threadCount * 4
        let pieceCount = max(1, min(most, rowCount / max(groupCount * 4, 1 << 16)))
        let pieceSize = ((rowCount + pieceCount - 1) / pieceCount).roundedUp(to: LaneBlock.capacity)
        let tableSize = try groupCount.multiplied(checked: width)
        let builder = try BufferBuilder(
            uninitializedCount: try tableSize.multiplied(checked: 8).multiplied(checked: pieceCount))
        // Safety: each piece has a table, and there is an id below the group count for each row.
        let tables = unsafe Shared(builder.pointer(to: Int64.self))
        try WorkerPool.forEach(pieceCount) { piece throws(MartletError) in
            let table = unsafe tables.value + piece * tableSize
            for group in 0..<groupCount {
                for k in 0..<width { unsafe table[group &* width &+ k] = initial[k] }
            }
            let size = LaneBlock.capacity * LaneBlock.scratchRows * 8
            guard let scratch = unsafe malloc(size) else { throw .outOfMemory(size) }
            defer { unsafe free(scratch) }
            var start = piece * pieceSize
            let end = min(rowCount, start + pieceSize)
            while start < end {
                let block = unsafe LaneBlock(
                    start: start, count: min(LaneBlock.capacity, end - start), scratch: scratch)
                let groups = unsafe grouping.ids.pointer(to: UInt32.self) + start
                unsafe fill(Rows(block: block, groups: groups, table: table))
                start += block.count
            }
        }
        for piece in 1..<max(1, pieceCount) {
            for group in 0..<groupCount {
                let place = group * width
                unsafe fold(tables.value + place, tables.value + piece * tableSize + place)
            }
        }
        words = builder.finish()
    }

    /// Word `k` of each group.
    func column(_ k: Int) throws(MartletError) -> Buffer {
        let source = unsafe words.pointer(to: Int64.self)
        return try unsafe makeValues(Int64.self, count: groupCount) { target in
            for group in 0..<groupCount { unsafe target[group] = source[group &* width &+ k] }
        }
    }

    subscript(group: Int, k: Int) -> Int64 { unsafe words.pointer(to: Int64.self)[group &* width &+ k] }
}

extension GroupTables {
    /// How many rows each group has: all, or those whose validity is `counted`.
    static func counts(_ grouping: Grouping, _ validity: Bitmap?, counted: Bool?) throws(MartletError) -> GroupTables {
        try unsafe GroupTables(grouping, initial: [0]) { rows in
            let (groups, table) = unsafe (rows.groups, rows.table)
            if let counted {
                for i in 0..<rows.block.count where (validity?[rows.block.start &+ i] ?? true) == counted {
                    unsafe table[Int(groups[i])] &+= 1
                }
            } else {
                for i in 0..<rows.block.count { unsafe table[Int(groups[i])] &+= 1 }
            }
        } fold: {
            unsafe $0[0] &+= $1[0]
        }
    }

    /// The sum and the count of the valid values of each group: integers that wrap, or the bits of doubles.
    static func sums(
        _ grouping: Grouping, _ reader: LaneReader, _ validity: Bitmap?, asFloat isFloat: Bool
    ) throws(MartletError) -> GroupTables {
        return try unsafe GroupTables(grouping, initial: [0, 0]) { rows in
            if isFloat { addFloats(rows, reader, validity) } else { addWholes(rows, reader, validity) }
        } fold: { into, from in
            if isFloat {
                let sum = unsafe Double(bitPattern: UInt64(bitPattern: into[0]))
                let more = unsafe Double(bitPattern: UInt64(bitPattern: from[0]))
                unsafe into[0] = Int64(bitPattern: (sum + more).bitPattern)
            } else {
                unsafe into[0] &+= from[0]
            }
            unsafe into[1] &+= from[1]
        }
    }

    private static func addWholes(_ rows: Rows, _ reader: LaneReader, _ validity: Bitmap?) {
        let (groups, table, lanes) = unsafe (rows.groups, rows.table, reader.integers(rows.block, 0))
        func add(_ i: Int) {
            let place = unsafe table + Int(groups[i]) &* 2
            unsafe place[0] &+= lanes[i]
            unsafe place[1] &+= 1
        }
        if let validity {
            for i in 0..<rows.block.count where validity[rows.block.start &+ i] { add(i) }
        } else {
            for i in 0..<rows.block.count { add(i) }
        }
    }

    private static func addFloats(_ rows: Rows, _ reader: LaneReader, _ validity: Bitmap?) {
        let (groups, table, lanes) = unsafe (rows.groups, rows.table, reader.doubles(rows.block, 0))
        func add(_ i: Int) {
            let place = unsafe table + Int(groups[i]) &* 2
            let sum = unsafe Double(bitPattern: UInt64(bitPattern: place[0]))
            unsafe place[0] = Int64(bitPattern: (sum + lanes[i]).bitPattern)
            unsafe place[1] &+= 1
        }
        if let validity {
            for i in 0..<rows.block.count where validity[rows.block.start &+ i] { add(i) }
        } else {
            for i in 0..<rows.block.count { add(i) }
        }
    }

    /// The row of the smallest or largest valid value of each group, -1 without; NaN only where there is nothing else.
    static func extremes(
        _ grouping: Grouping, _ reader: LaneReader, _ validity: Bitmap?, isMax: Bool
    ) throws(MartletError) -> GroupTables {
        try unsafe GroupTables(grouping, initial: [.max, -1]) { rows in
            let block = rows.block
            let (groups, table, words) = unsafe (rows.groups, rows.table, block.lanes(1, Int64.self))
            unsafe order(block, reader, into: words, isMax: isMax)
            func look(_ i: Int) {
                let place = unsafe table + Int(groups[i]) &* 2
                if unsafe words[i] < place[0] || place[1] < 0 {
                    unsafe place[0] = words[i]
                    unsafe place[1] = Int64(block.start &+ i)
                }
            }
            if let validity {
                for i in 0..<block.count where validity[block.start &+ i] { look(i) }
            } else {
                for i in 0..<block.count { look(i) }
            }
        } fold: { into, from in
            if unsafe from[1] >= 0 && (from[0] < into[0] || into[1] < 0) {
                unsafe into[0] = from[0]
                unsafe into[1] = from[1]
            }
        }
    }

    /// Words that sort like the values, or the other way round; NaN last.
    private static func order(
        _ block: LaneBlock, _ reader: LaneReader, into words: UnsafeMutablePointer<Int64>, isMax: Bool
    ) {
        let turn: Int64 = isMax ? -1 : 0
        if reader.isFloat {
            unsafe mapLanes(reader.doubles(block, 0), words, block.count) { value in
                let bits = Int64(bitPattern: value.bitPattern)
                return value != value ? .max : (bits ^ (bits &>> 63 & .max)) ^ turn
            }
        } else {
            let flip = turn ^ (reader.isUnsigned ? .min : 0)
            unsafe mapLanes(reader.integers(block, 0), words, block.count) { $0 ^ flip }
        }
    }
}
