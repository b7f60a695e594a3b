import Glibc
import MartletArrow
import MartletBase

/// The rows of one key with a dense number for each distinct value, in the order of first appearance.
struct HashedRows: Sendable {
    /// UInt32 for each row.
    let ids: Buffer
    let firstRows: [Int]
    let count: Int
    /// The number of the null group, if there is one.
    let nullID: Int?

    /// With `zerosAreEqual`, -0.0 is 0.0; otherwise the two are told apart, as pyarrow's sets do.
    init(key: ArrayData, zerosAreEqual: Bool = false) throws(MartletError) {
        switch key.type {
        case .null:
            self.init(
                ids: try Buffer(zeroed: key.count * 4), firstRows: key.count > 0 ? [0] : [], count: key.count,
                nullID: key.count > 0 ? 0 : nil)
        case .string, .binary:
            let view = try BytesArray<Int32>(key)
            self = try Self.run(key) { ByteSlots(view: view) }
        case .largeString, .largeBinary:
            let view = try BytesArray<Int64>(key)
            self = try Self.run(key) { ByteSlots(view: view) }
        case .fixedSizeBinary, .decimal256, .interval(.dayTime), .interval(.monthDayNano):
            let view = try FixedBytesArray(key)
            self = try Self.run(key) { FixedByteSlots(view: view) }
        case .dictionary:
            // Distinct entries may hold the same value: number the entries by value, then the rows by entry.
            guard let values = key.dictionary else { throw .invalid("dictionary array without a dictionary") }
            let entries = try HashedRows(key: values, zerosAreEqual: zerosAreEqual)
            let numbers = ArrayData(
                type: .uint32, count: entries.count, validity: try values.rebasedValidity(), buffers: [entries.ids])
            guard case .dictionary(let index, _, _) = key.type else { throw .invalid("not a dictionary") }
            self = try HashedRows(key: try take(numbers, key.reinterpreted(as: index)))
        case .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
            .date32,
            .date64, .time32, .time64, .timestamp, .duration, .decimal32, .decimal64, .decimal128, .interval(.months):
            self = try Self.numbers(key, zerosAreEqual: zerosAreEqual)
        case .struct:
            var rows: HashedRows?
            for i in key.children.indices {
                let next = try HashedRows(key: key.child(i), zerosAreEqual: zerosAreEqual)
                if let known = rows { rows = try HashedRows(known, next) } else { rows = next }
            }
            // Without fields all rows are alike.
            let fields: HashedRows
            if let rows {
                fields = rows
            } else {
                fields = try HashedRows(key: ArrayData(type: .null, count: key.count))
            }
            let numbers = ArrayData(
                type: .uint32, count: key.count, validity: try key.rebasedValidity(), buffers: [fields.ids])
            self = try HashedRows(key: numbers)
        case .stringView, .binaryView, .runEndEncoded, .extension:
            self = try HashedRows(key: try key.contiguousStrings().storage, zerosAreEqual: zerosAreEqual)
        case .listView, .largeListView:
            self = try HashedRows(key: try key.contiguousStrings(), zerosAreEqual: zerosAreEqual)
        case .list, .largeList, .fixedSizeList, .map:
            // The numbers of a list's items, as bytes.
            let items = try HashedRows(key: key.child(0), zerosAreEqual: zerosAreEqual)
            let ranges = try ListRanges(key)
            let offsets = try makeLanes(.int64, count: key.count + 1) { block, writer in
                let out = unsafe writer.integers(block, 0)
                for i in 0..<block.count {
                    let row = block.start &+ i
                    let place = row < key.count ? ranges[row].lowerBound : row == 0 ? 0 : ranges[row &- 1].upperBound
                    unsafe out[i] = Int64(place) &* 4
                }
                return true
            }
            self = try HashedRows(
                key: ArrayData(
                    type: .largeBinary, count: key.count, validity: try key.rebasedValidity(),
                    buffers: [offsets, items.ids]))
        case .union:
            // The child, and the number of the value in it. A null is a null of its child.
            let view = try UnionArray(key)
            var numbers: [Buffer] = []
            for child in view.children { numbers.append(try HashedRows(key: child, zerosAreEqual: zerosAreEqual).ids) }
            let pairs = try BufferBuilder(uninitializedCount: try key.count.multiplied(checked: 8))
            let target = unsafe pairs.pointer(to: UInt64.self)
            for row in 0..<key.count {
                guard let (child, slot) = view.place(row) else {
                    throw .invalid("slot \(row) of \(key.type) has type id \(view.typeID(row)), which names no value")
                }
                // Safety: `place` gives slots of the child, and there is a number for each.
                unsafe target[row] = UInt64(child) &<< 32 | UInt64(numbers[child].pointer(to: UInt32.self)[slot])
            }
            self = try HashedRows(key: ArrayData(type: .uint64, count: key.count, buffers: [pairs.finish()]))
        }
    }

    init(ids: Buffer, firstRows: [Int], count: Int, nullID: Int?) {
        self.ids = ids
        self.firstRows = firstRows
        self.count = count
        self.nullID = nullID
    }

    /// The rows of two keys together.
    init(_ a: HashedRows, _ b: HashedRows) throws(MartletError) {
        if a.firstRows.count == 1 && a.count > 0 {
            self.init(ids: b.ids, firstRows: b.firstRows, count: b.count, nullID: nil)
            return
        }
        if b.firstRows.count == 1 && b.count > 0 {
            self.init(ids: a.ids, firstRows: a.firstRows, count: a.count, nullID: nil)
            return
        }
        let (x, y) = unsafe (a.ids.pointer(to: UInt32.self), b.ids.pointer(to: UInt32.self))
        let pairs = try unsafe makeValues(UInt64.self, count: a.count) { target in
            for i in 0..<a.count { unsafe target[i] = UInt64(x[i]) &<< 32 | UInt64(y[i]) }
        }
        self = try HashedRows(key: ArrayData(type: .uint64, count: a.count, buffers: [pairs]))
    }

    /// Numbers the rows in parallel. Where values repeat, pieces of the rows have a table each, which are joined in the
    /// order of the pieces; where most are new, tables have parts of the values, told by their hashes, over all rows.
    fileprivate static func run<Slots: HashableSlots>(
        _ key: ArrayData, _ makeSlots: @Sendable () -> Slots
    ) throws(MartletError) -> HashedRows {
        let (count, validity, slots) = (key.count, key.usedValidityBitmap, makeSlots())
        let builder = try BufferBuilder(uninitializedCount: count * 4)
        let ids = unsafe Shared(builder.pointer(to: UInt32.self))
        let sampled = min(count, 1 << 14)
        var table = try SlotTable(slots: slots, expected: 1024)
        // Safety: pieces and parts write the ids of their own rows.
        try unsafe table.number(0..<sampled, validity: validity, into: ids.value)
        let sample = table.finish()
        if sampled == count {
            return HashedRows(ids: builder.finish(), firstRows: sample.rows, count: count, nullID: sample.nullID)
        }
        if sample.rows.count > sampled / 4, count < 1 << 29 {
            let (rows, nullID) = try unsafe split(count, validity, slots, ids)
            return HashedRows(ids: builder.finish(), firstRows: rows, count: count, nullID: nullID)
        }
        let pieceSize = max(1 << 16, (count + WorkerPool.threadCount * 2 - 1) / (WorkerPool.threadCount * 2)).roundedUp(
            to: 64)
        let pieceCount = (count + pieceSize - 1) / pieceSize
        let parts = try WorkerPool.map(pieceCount) { piece throws(MartletError) in
            let rows = piece * pieceSize..<min(count, (piece + 1) * pieceSize)
            var table = try SlotTable(slots: slots, expected: min(rows.count, 1024))
            try unsafe table.number(rows, validity: validity, into: ids.value)
            return table.finish()
        }
        if pieceCount == 1 {
            return HashedRows(ids: builder.finish(), firstRows: parts[0].rows, count: count, nullID: parts[0].nullID)
        }
        // The tables of all pieces as one: their first rows are numbered again, in order.
        var joined = try SlotTable(slots: slots, expected: parts.reduce(0) { $0 + $1.rows.count })
        var maps: [[UInt32]] = []
        for part in parts {
            var map: [UInt32] = []
            map.reserveCapacity(part.rows.count)
            for row in part.rows { map.append(try joined.number(row, isValid: validity?[row] ?? true)) }
            maps.append(map)
        }
        let renumbering = maps
        try WorkerPool.forEach(pieceCount) { piece throws(MartletError) in
            let map = renumbering[piece]
            if map.indices.allSatisfy({ map[$0] == UInt32($0) }) { return }
            unsafe map.withUnsafeBufferPointer { map in
                let ids = unsafe ids.value
                // Safety: ids of this piece are below the count of its table, which is that of the map.
                for row in piece * pieceSize..<min(count, (piece + 1) * pieceSize) {
                    unsafe ids[row] = map[Int(ids[row])]
                }
            }
        }
        let result = joined.finish()
        return HashedRows(ids: builder.finish(), firstRows: result.rows, count: count, nullID: result.nullID)
    }

    /// One table for each part of the hashes. Ids are `number * parts + part` until the numbers of all are known.
    private static func split<Slots: HashableSlots>(
        _ count: Int, _ validity: Bitmap?, _ slots: Slots, _ ids: Shared<UnsafeMutablePointer<UInt32>>
    ) throws(MartletError) -> (rows: [Int], nullID: Int?) {
        let bits = WorkerPool.threadCount > 2 ? 2 : WorkerPool.threadCount > 1 ? 1 : 0
        let parts = 1 << bits
        let tables = try WorkerPool.map(parts) { part throws(MartletError) in
            var table = try SlotTable(slots: slots, expected: 1 << 14)
            try unsafe table.number(count, validity: validity, part: part, bits: UInt64(bits), into: ids.value)
            return table.finish()
        }
        // First rows rise within each part; merged they give the order of first appearance.
        var rows: [Int] = []
        rows.reserveCapacity(tables.reduce(0) { $0 + $1.rows.count })
        var maps = tables.map { [UInt32](repeating: 0, count: $0.rows.count) }
        var next = [Int](repeating: 0, count: parts)
        var nullID: Int?
        while true {
            var best = -1
            for part in 0..<parts where next[part] < tables[part].rows.count {
                if best < 0 || tables[part].rows[next[part]] < tables[best].rows[next[best]] { best = part }
            }
            if best < 0 { break }
            if tables[best].nullID == next[best] { nullID = rows.count }
            maps[best][next[best]] = UInt32(truncatingIfNeeded: rows.count)
            rows.append(tables[best].rows[next[best]])
            next[best] += 1
        }
        let renumbering = maps
        try forEachPiece(of: count) { start, length throws(MartletError) in
            let ids = unsafe ids.value
            // Safety: the part of an id is below the count of parts, its number below that of the part's map.
            for row in start..<start + length {
                let id = unsafe Int(ids[row])
                unsafe ids[row] = renumbering[id & (parts &- 1)][id &>> bits]
            }
        }
        return (rows, nullID)
    }
}

extension HashedRows {
    /// Integers that lie close together: a table with a place for each of them, without hashes. nil for others.
    private static func closeNumbers(_ key: ArrayData, _ reader: LaneReader) throws(MartletError) -> HashedRows? {
        guard let kind = reader.kind, !kind.isFloat, kind != .int128, kind != .uint64, key.count > 1 << 12,
            let bounds = try extremes(key.reinterpreted(as: kind.type))
        else { return nil }
        let (low, high) = (try LaneReader(bounds.min).integer(at: 0), try LaneReader(bounds.max).integer(at: 0))
        let (span, overflow) = high.subtractingReportingOverflow(low)
        guard !overflow, span < Int64(min(key.count, 1 << 22)) else { return nil }
        let validity = key.usedValidityBitmap
        let builder = try BufferBuilder(uninitializedCount: key.count * 4)
        let scratch = try BufferBuilder(uninitializedCount: LaneBlock.capacity * LaneBlock.scratchRows * 8)
        let ids = unsafe builder.pointer(to: UInt32.self)
        // Numbers plus one; 0 is not met yet. The last place is that of null.
        var numbers = [UInt32](repeating: 0, count: Int(span) + 2)
        var rows: [Int] = []
        unsafe numbers.withUnsafeMutableBufferPointer { numbers in
            var start = 0
            while start < key.count {
                let block = unsafe LaneBlock(
                    start: start, count: min(LaneBlock.capacity, key.count - start), scratch: scratch.address)
                let lanes = unsafe reader.integers(block, 0)
                // Safety: valid values lie within the bounds, and the table has a place for each.
                for i in 0..<block.count {
                    let isNull = validity.map { !$0[start &+ i] } ?? false
                    let place = unsafe isNull ? Int(span) &+ 1 : Int(lanes[i] &- low)
                    var number = unsafe numbers[place]
                    if number == 0 {
                        rows.append(start &+ i)
                        number = UInt32(truncatingIfNeeded: rows.count)
                        unsafe numbers[place] = number
                    }
                    unsafe ids[start &+ i] = number &- 1
                }
                start += block.count
            }
        }
        _ = scratch.finish()
        let null = numbers[Int(span) + 1]
        return HashedRows(
            ids: builder.finish(), firstRows: rows, count: key.count, nullID: null == 0 ? nil : Int(null) - 1)
    }

    /// Numbers by their bits: 32, 64 or 128 of them. Narrow integers are widened; floats become 64 bits in which all
    /// NaNs are one, and the zeros too where they are equal.
    private static func numbers(_ key: ArrayData, zerosAreEqual: Bool) throws(MartletError) -> HashedRows {
        let reader = try LaneReader(key)
        if let close = try closeNumbers(key, reader) { return close }
        switch reader.kind {
        case .int128:
            let values = try unsafe Shared(key.values(of: Int128.self))
            return try run(key) { unsafe WideSlots(values: UnsafeRawPointer(values.value)) }
        case .int32:
            let values = try unsafe Shared(key.values(of: Int32.self))
            return try run(key) { unsafe NumberSlots(values: values.value) }
        case .int64:
            let values = try unsafe Shared(key.values(of: Int64.self))
            return try run(key) { unsafe NumberSlots(values: values.value) }
        case .uint64:
            let values = try unsafe Shared(key.values(of: UInt64.self))
            return try run(key) {
                unsafe NumberSlots(values: UnsafeRawPointer(values.value).assumingMemoryBound(to: Int64.self))
            }
        case .int8, .int16, .uint8, .uint16, .uint32, .float16, .float32, .float64, nil:
            let zero: Int64 = zerosAreEqual ? 0 : .min
            let wide = try makeLanes(.int64, count: key.count) { block, writer in
                let out = unsafe writer.integers(block, 1)
                if reader.isFloat {
                    unsafe mapLanes(reader.doubles(block, 0), out, block.count) { value in
                        let bits = Int64(bitPattern: value.bitPattern)
                        return value != value ? -1 : bits == .min ? zero : bits
                    }
                } else {
                    unsafe out.update(from: reader.integers(block, 0), count: block.count)
                }
                return true
            }
            return try numbers(
                ArrayData(type: .int64, count: key.count, validity: try key.rebasedValidity(), buffers: [wide]),
                zerosAreEqual: false)
        }
    }
}

/// Values by row, as a hash table sees them.
protocol HashableSlots: Sendable {
    /// What the table keeps of a value: all of it, or enough to tell most others apart.
    associatedtype Key: BitwiseCopyable, Equatable
    func key(_ row: Int) -> Key
    static func hash(_ key: Key) -> UInt64
    /// Whether two rows whose keys are both `key` hold the same value.
    func areEqual(_ a: Int, _ b: Int, _ key: Key) -> Bool
}

@inline(__always)
func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
}

/// Integers of 32 or 64 bits.
@safe
private struct NumberSlots<Value: FixedWidthInteger & BitwiseCopyable>: HashableSlots, @unchecked Sendable {
    // Safety: one value for each row, kept alive by the array that is hashed.
    let values: UnsafePointer<Value>

    @inline(__always) func key(_ row: Int) -> UInt64 { unsafe UInt64(truncatingIfNeeded: values[row]) }
    @inline(__always) static func hash(_ key: UInt64) -> UInt64 { mix(key) }
    @inline(__always) func areEqual(_ a: Int, _ b: Int, _ key: UInt64) -> Bool { true }
}

@safe
private struct WideSlots: HashableSlots, @unchecked Sendable {
    struct Key: BitwiseCopyable, Equatable {
        let low: UInt64
        let high: UInt64
    }
    // Safety: 16 bytes for each row, kept alive by the array that is hashed.
    let values: UnsafeRawPointer

    @inline(__always) func key(_ row: Int) -> Key {
        unsafe Key(
            low: values.loadUnaligned(fromByteOffset: row &* 16, as: UInt64.self),
            high: values.loadUnaligned(fromByteOffset: row &* 16 &+ 8, as: UInt64.self))
    }
    @inline(__always) static func hash(_ key: Key) -> UInt64 { mix(key.low ^ mix(key.high &+ 1)) }
    @inline(__always) func areEqual(_ a: Int, _ b: Int, _ key: Key) -> Bool { true }
}

@safe
private struct ByteSlots<Offset: OffsetValue>: HashableSlots, @unchecked Sendable {
    private let view: BytesArray<Offset>
    // Safety: the bytes of `view`, which keeps them alive; ranges lie inside them.
    private let bytes: UnsafePointer<UInt8>
    private let end: Int

    init(view: BytesArray<Offset>) {
        self.view = view
        unsafe bytes = view.data.buffers[1].pointer(to: UInt8.self)
        end = view.data.buffers[1].count
    }

    @inline(__always) func key(_ row: Int) -> BytesKey {
        let range = view.range(row)
        return unsafe BytesKey(bytes + range.lowerBound, range.count, limit: end &- range.lowerBound)
    }
    @inline(__always) static func hash(_ key: BytesKey) -> UInt64 { key.hash }
    @inline(__always) func areEqual(_ a: Int, _ b: Int, _ key: BytesKey) -> Bool {
        if key.length <= 8 { return true }
        let (x, y) = (view.range(a), view.range(b))
        return unsafe x.count == y.count && memcmp(bytes + x.lowerBound, bytes + y.lowerBound, x.count) == 0
    }
}

private struct FixedByteSlots: HashableSlots {
    let view: FixedBytesArray
    @inline(__always) func key(_ row: Int) -> BytesKey {
        let start = row &* view.byteWidth
        return unsafe BytesKey(view.base + start, view.byteWidth, limit: view.count &* view.byteWidth &- start)
    }
    @inline(__always) static func hash(_ key: BytesKey) -> UInt64 { key.hash }
    @inline(__always) func areEqual(_ a: Int, _ b: Int, _ key: BytesKey) -> Bool {
        if key.length <= 8 { return true }
        return unsafe memcmp(view.base + a &* view.byteWidth, view.base + b &* view.byteWidth, view.byteWidth) == 0
    }
}
