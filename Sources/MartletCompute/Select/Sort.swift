import Glibc
public import MartletArrow
public import MartletBase

/// One key of a sort.
public struct SortKey: Sendable {
    public var values: ArrayData
    public var isDescending: Bool
    /// Nulls come before all values instead of after them, in either direction; NaNs stand beside them.
    public var nullsFirst: Bool

    public init(_ values: ArrayData, isDescending: Bool = false, nullsFirst: Bool = false) {
        self.values = values
        self.isDescending = isDescending
        self.nullsFirst = nullsFirst
    }
}

/// The order of rows that sorts by the keys, the first key first; equal rows keep their order. Row numbers as uint64.
public func sortIndices(_ keys: [SortKey]) throws(MartletError) -> ArrayData {
    guard let first = keys.first else { throw .invalid("Must specify one or more sort keys") }
    let count = first.values.count
    guard keys.allSatisfy({ $0.values.count == count }) else {
        throw .invalid("sort keys must all have the same length: \(keys.map(\.values.count))")
    }
    guard count <= Int(UInt32.max) else { throw .capacity("more than 2^32 - 1 rows to sort: sort slices of them") }
    var order = try unsafe makeValues(UInt32.self, count: count) { target in
        for i in 0..<count { unsafe target[i] = UInt32(truncatingIfNeeded: i) }
    }
    // The last key first: each pass is stable, so earlier keys decide and later ones break ties.
    for key in keys.reversed() {
        for word in try SortWords.make(key) { order = try radixSorted(order, by: word, count: count) }
    }
    let buffer = try unsafe makeValues(UInt64.self, count: count) { target in
        let rows = unsafe order.pointer(to: UInt32.self)
        for i in 0..<count { unsafe target[i] = UInt64(rows[i]) }
    }
    return ArrayData(type: .uint64, count: count, buffers: [buffer])
}

/// A row and its word, moved together so that memory is read from front to back.
private struct SortEntry: BitwiseCopyable {
    var word: UInt64
    var row: UInt32
}

/// `order` sorted by the words of the rows it names, stably, a byte at a time; bytes that are all alike cost nothing.
private func radixSorted(_ order: Buffer, by words: Buffer, count: Int) throws(MartletError) -> Buffer {
    var counts = [Int](repeating: 0, count: 8 * 256)
    let (keys, rows) = unsafe (words.pointer(to: UInt64.self), order.pointer(to: UInt32.self))
    let width = try count.multiplied(checked: MemoryLayout<SortEntry>.stride)
    let first = try BufferBuilder(uninitializedCount: width)
    let second = try BufferBuilder(uninitializedCount: width)
    var (from, to) = unsafe (first.pointer(to: SortEntry.self), second.pointer(to: SortEntry.self))
    // Safety: rows are below the count, and the starts lead through `count` slots.
    unsafe counts.withUnsafeMutableBufferPointer { counts in
        for i in 0..<count {
            let row = unsafe rows[i]
            let word = unsafe keys[Int(row)]
            unsafe from[i] = SortEntry(word: word, row: row)
            for byte in 0..<8 {
                unsafe counts[
                    byte &* 256 &+ Int(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: byte &* 8) & 255)] &+= 1
            }
        }
    }
    for byte in 0..<8 where count > 0 && !counts[byte * 256..<byte * 256 + 256].contains(count) {
        var starts = [Int](repeating: 0, count: 256)
        var next = 0
        for value in 0..<256 {
            starts[value] = next
            next += counts[byte * 256 + value]
        }
        let shift = UInt64(byte * 8)
        unsafe starts.withUnsafeMutableBufferPointer { starts in
            for i in 0..<count {
                let entry = unsafe from[i]
                let value = Int(truncatingIfNeeded: entry.word &>> shift & 255)
                unsafe to[starts[value]] = entry
                unsafe starts[value] &+= 1
            }
        }
        unsafe swap(&from, &to)
    }
    let sorted = try unsafe makeValues(UInt32.self, count: count) { target in
        for i in 0..<count { unsafe target[i] = from[i].row }
    }
    // The entries live until here.
    _ = first.finish()
    _ = second.finish()
    return sorted
}

/// A key as 64-bit words whose unsigned order is the order wanted: the least significant word first, the place of
/// nulls and NaNs last.
private enum SortWords {
    static func make(_ key: SortKey) throws(MartletError) -> [Buffer] {
        let array = key.values
        switch array.type {
        case .null: return []
        case .boolean:
            return try make(
                SortKey(try cast(array, to: .uint8), isDescending: key.isDescending, nullsFirst: key.nullsFirst))
        case .dictionary(_, let value, _):
            return try make(
                SortKey(try cast(array, to: value), isDescending: key.isDescending, nullsFirst: key.nullsFirst))
        case .string, .binary: return try ranks(key, Int32.self)
        case .largeString, .largeBinary: return try ranks(key, Int64.self)
        case .fixedSizeBinary:
            return try make(
                SortKey(try cast(array, to: .binary), isDescending: key.isDescending, nullsFirst: key.nullsFirst))
        case .decimal128:
            let values = try PrimitiveArray<Int128>(array)
            let low = try words(key) { UInt64(truncatingIfNeeded: values[$0]) }
            let high = try words(key) { UInt64(truncatingIfNeeded: values[$0] >> 64) ^ (1 << 63) }
            return [low, high] + (try places(key) { _ in false })
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .decimal32, .decimal64:
            let order = try orderWords(array)
            let values = unsafe order.pointer(to: UInt64.self)
            // Safety: a word for each slot, alive as long as `order`. NaNs are all alike, their place is decided below.
            let isFloat = array.type.nativeKind?.isFloat ?? false
            let words = try words(key) {
                unsafe isFloat && values[$0] == .max ? (key.isDescending ? .max : 0) : values[$0]
            }
            return [words] + (try places(key) { unsafe isFloat && values[$0] == .max })
        case .decimal256:
            let values = try WideDecimals(array)
            var all: [Buffer] = []
            for (half, shift) in [(0, 0), (0, 64), (1, 0), (1, 64)] {
                // The sign is in the highest word.
                let flip: UInt64 = half == 1 && shift == 64 ? 1 << 63 : 0
                all.append(try words(key) { UInt64(truncatingIfNeeded: values.half($0, half) >> Int128(shift)) ^ flip })
            }
            return all + (try places(key) { _ in false })
        case .stringView, .binaryView, .runEndEncoded, .extension:
            return try make(
                SortKey(
                    try array.contiguousStrings().storage, isDescending: key.isDescending, nullsFirst: key.nullsFirst))
        case .list, .largeList, .fixedSizeList, .struct, .map, .listView, .largeListView, .union, .interval:
            throw .notImplemented("Sorting by values of type \(array.type) is not supported; sort by flat columns")
        }
    }

    static func words(_ key: SortKey, _ word: (Int) -> UInt64) throws(MartletError) -> Buffer {
        let validity = key.values.usedValidityBitmap
        return try unsafe makeValues(UInt64.self, count: key.values.count) { target in
            for i in 0..<key.values.count {
                let value = validity?[i] ?? true ? word(i) : 0
                unsafe target[i] = key.isDescending ? ~value : value
            }
        }
    }

    /// Values, then NaNs, then nulls, or the other way round.
    static func places(_ key: SortKey, isNaN: (Int) -> Bool) throws(MartletError) -> [Buffer] {
        let validity = key.values.usedValidityBitmap
        var needed = validity != nil
        let buffer = try unsafe makeValues(UInt64.self, count: key.values.count) { target in
            for i in 0..<key.values.count {
                var place: UInt64 = 0
                if !(validity?[i] ?? true) { place = 2 } else if isNaN(i) { place = 1 }
                if place != 0 { needed = true }
                unsafe target[i] = key.nullsFirst ? 2 - place : place
            }
        }
        return needed ? [buffer] : []
    }

    /// Strings by their rank: sorted once by their first eight bytes and then by the rest.
    private static func ranks<Offset: OffsetValue>(
        _ key: SortKey, _ type: Offset.Type
    ) throws(MartletError) -> [Buffer] {
        let distinct = try HashedRows(key: key.values)
        let view = try BytesArray<Offset>(key.values)
        let bytes = unsafe key.values.buffers[1].pointer(to: UInt8.self)
        var entries: [(prefix: UInt64, row: Int, id: Int)] = []
        entries.reserveCapacity(distinct.firstRows.count)
        for (id, row) in distinct.firstRows.enumerated() {
            let range = view.range(row)
            var prefix: UInt64 = 0
            for i in 0..<min(8, range.count) {
                unsafe prefix |= UInt64(bytes[range.lowerBound + i]) << UInt64(56 - i * 8)
            }
            entries.append((prefix, row, id))
        }
        entries.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            let (x, y) = (view.range(a.row), view.range(b.row))
            // Safety: ranges lie inside the bytes.
            return unsafe byteOrder(bytes + x.lowerBound, x.count, bytes + y.lowerBound, y.count) < 0
        }
        var ranks = [UInt64](repeating: 0, count: entries.count)
        for (rank, entry) in entries.enumerated() { ranks[entry.id] = UInt64(rank) }
        let ids = unsafe distinct.ids.pointer(to: UInt32.self)
        return [try words(key) { unsafe ranks[Int(ids[$0])] }] + (try places(key) { _ in false })
    }
}
