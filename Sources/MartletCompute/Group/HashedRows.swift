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

    init(key: ArrayData) throws(MartletError) {
        switch key.type {
        case .null:
            self.init(
                ids: try Buffer(zeroed: key.count * 4), firstRows: key.count > 0 ? [0] : [], count: key.count,
                nullID: key.count > 0 ? 0 : nil)
        case .boolean:
            let bits = try key.bits()
            self = try Self.run(key) { BitSlots(bits: bits) }
        case .string, .binary:
            let view = try BytesArray<Int32>(key)
            self = try Self.run(key) { ByteSlots(view: view) }
        case .largeString, .largeBinary:
            let view = try BytesArray<Int64>(key)
            self = try Self.run(key) { ByteSlots(view: view) }
        case .fixedSizeBinary:
            let view = try FixedBytesArray(key)
            self = try Self.run(key) { FixedByteSlots(view: view) }
        case .dictionary:
            // Distinct entries may hold the same value: number the entries by value, then the rows by entry.
            guard let values = key.dictionary else { throw .invalid("dictionary array without a dictionary") }
            let entries = try HashedRows(key: values)
            let numbers = ArrayData(
                type: .uint32, count: entries.count, validity: try values.rebasedValidity(), buffers: [entries.ids])
            guard case .dictionary(let index, _, _) = key.type else { throw .invalid("not a dictionary") }
            self = try HashedRows(key: try take(numbers, key.reinterpreted(as: index)))
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .decimal128:
            guard let kind = key.type.nativeKind else { throw .type("no native values in \(key.type)") }
            self = try kind.accept(NativeHashing(key: key))
        case .struct:
            var rows: HashedRows?
            for i in key.children.indices {
                let next = try HashedRows(key: key.child(i))
                if let known = rows { rows = try HashedRows(known, next) } else { rows = next }
            }
            // Without fields all rows are alike.
            let fields: HashedRows
            if let rows { fields = rows } else { fields = try HashedRows(key: ArrayData(type: .null, count: key.count)) }
            let numbers = ArrayData(
                type: .uint32, count: key.count, validity: try key.rebasedValidity(), buffers: [fields.ids])
            self = try HashedRows(key: numbers)
        case .list, .largeList, .fixedSizeList, .map:
            throw .notImplemented("grouping and unique values of \(key.type) are not supported; use flat columns")
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

    /// Numbers pieces of the rows in parallel, each in a table of its own, then joins the tables in the order of the
    /// pieces and renumbers.
    fileprivate static func run<Slots: HashableSlots>(
        _ key: ArrayData, _ makeSlots: @Sendable () -> Slots
    ) throws(MartletError) -> HashedRows {
        let count = key.count
        let validity = key.usedValidityBitmap
        let pieceSize = max(1 << 16, (count + WorkerPool.threadCount * 2 - 1) / (WorkerPool.threadCount * 2)).roundedUp(to: 64)
        let pieceCount = max(1, (count + pieceSize - 1) / pieceSize)
        let slots = makeSlots()
        let builder = try BufferBuilder(uninitializedCount: count * 4)
        let ids = unsafe Shared(builder.pointer(to: UInt32.self))
        // Safety: pieces write the ids of their own rows.
        let parts = try WorkerPool.map(pieceCount) { piece throws(MartletError) in
            let rows = piece * pieceSize..<min(count, (piece + 1) * pieceSize)
            var table = try SlotTable(slots: slots, hasNulls: validity != nil, expected: min(rows.count, 1024))
            try unsafe table.number(rows, validity: validity, into: ids.value)
            return table.finish()
        }
        if pieceCount == 1 {
            return HashedRows(ids: builder.finish(), firstRows: parts[0].rows, count: count, nullID: parts[0].nullID)
        }
        // The tables of all pieces as one: their first rows are numbered again, in order.
        var joined = try SlotTable(slots: slots, hasNulls: validity != nil, expected: parts.reduce(0) { $0 + $1.rows.count })
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
                for row in piece * pieceSize..<min(count, (piece + 1) * pieceSize) { unsafe ids[row] = map[Int(ids[row])] }
            }
        }
        let result = joined.finish()
        return HashedRows(ids: builder.finish(), firstRows: result.rows, count: count, nullID: result.nullID)
    }
}

private struct NativeHashing: NativeVisitor {
    let key: ArrayData
    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> HashedRows {
        let values = try PrimitiveArray<Value>(key)
        return try HashedRows.run(key) { NativeSlots<Value>(values: values) }
    }
}

/// Values by row, as a hash table sees them.
private protocol HashableSlots: Sendable {
    /// What the table keeps of a value: enough to tell most others apart.
    associatedtype Key: BitwiseCopyable, Equatable
    func key(_ row: Int) -> Key
    static func hash(_ key: Key) -> UInt64
    /// Whether two rows of equal keys hold the same value.
    func areEqual(_ a: Int, _ b: Int) -> Bool
}

@inline(__always)
private func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
}

private struct NativeSlots<Value: NativeValue>: HashableSlots {
    let values: PrimitiveArray<Value>
    @inline(__always) func key(_ row: Int) -> UInt128 {
        // NaN is NaN whatever its bits.
        var value = values[row]
        if value != value { return UInt128.max - 1 }
        var bits: UInt128 = 0
        unsafe withUnsafeMutableBytes(of: &bits) { target in
            unsafe withUnsafeBytes(of: &value) { unsafe target.copyMemory(from: $0) }
        }
        return bits
    }
    @inline(__always) static func hash(_ key: UInt128) -> UInt64 {
        MemoryLayout<Value>.size <= 8
            ? mix(UInt64(truncatingIfNeeded: key))
            : mix(UInt64(truncatingIfNeeded: key) ^ mix(UInt64(truncatingIfNeeded: key &>> 64) &+ 1))
    }
    @inline(__always) func areEqual(_ a: Int, _ b: Int) -> Bool { true }
}

private struct BitSlots: HashableSlots {
    let bits: Bitmap
    @inline(__always) func key(_ row: Int) -> UInt64 { bits[row] ? 1 : 0 }
    @inline(__always) static func hash(_ key: UInt64) -> UInt64 { key }
    @inline(__always) func areEqual(_ a: Int, _ b: Int) -> Bool { true }
}

/// The first and the last bytes of a value, and how many there are, mixed into one word.
@inline(__always)
private func fingerprint(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let raw = unsafe UnsafeRawPointer(bytes)
    var state = UInt64(truncatingIfNeeded: count) &* 0xA076_1D64_78BD_642F
    if count >= 8 {
        var index = 0
        while index &+ 8 <= count {
            unsafe state = mix(state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        return unsafe mix(state ^ raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
    }
    if count >= 4 {
        let low = unsafe UInt64(raw.loadUnaligned(as: UInt32.self))
        let high = unsafe UInt64(raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
        return state ^ (low | high &<< 32)
    }
    if count > 0 {
        let word = unsafe UInt64(bytes[0]) | UInt64(bytes[count &>> 1]) &<< 8 | UInt64(bytes[count &- 1]) &<< 16
        return state ^ word
    }
    return state
}

private struct ByteSlots<Offset: OffsetValue>: HashableSlots {
    let view: BytesArray<Offset>
    @inline(__always) func key(_ row: Int) -> UInt64 {
        let range = view.range(row)
        // Safety: `range` lies inside the bytes.
        return unsafe fingerprint(view.data.buffers[1].pointer(to: UInt8.self) + range.lowerBound, range.count)
    }
    @inline(__always) static func hash(_ key: UInt64) -> UInt64 { mix(key) }
    @inline(__always) func areEqual(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (view.range(a), view.range(b))
        guard x.count == y.count else { return false }
        // Up to 7 bytes the fingerprint of a length is the value itself.
        if x.count <= 7 { return true }
        let bytes = unsafe view.data.buffers[1].pointer(to: UInt8.self)
        return unsafe memcmp(bytes + x.lowerBound, bytes + y.lowerBound, x.count) == 0
    }
}

private struct FixedByteSlots: HashableSlots {
    let view: FixedBytesArray
    @inline(__always) func key(_ row: Int) -> UInt64 {
        unsafe fingerprint(view.base + row &* view.byteWidth, view.byteWidth)
    }
    @inline(__always) static func hash(_ key: UInt64) -> UInt64 { mix(key) }
    @inline(__always) func areEqual(_ a: Int, _ b: Int) -> Bool {
        unsafe memcmp(view.base + a &* view.byteWidth, view.base + b &* view.byteWidth, view.byteWidth) == 0
    }
}

/// An open hash table from values to numbers in the order of first appearance.
@safe
private struct SlotTable<Slots: HashableSlots>: ~Copyable {
    private let slots: Slots
    /// Number plus one for each place; 0 is free.
    private var places: UnsafeMutablePointer<UInt32>
    private var keys: UnsafeMutablePointer<Slots.Key>
    private var mask: Int
    private var firstRows: [Int] = []
    private var nullID: UInt32?

    init(slots: Slots, hasNulls: Bool, expected: Int) throws(MartletError) {
        self.slots = slots
        var capacity = 64
        while capacity < expected * 2 { capacity *= 2 }
        mask = capacity - 1
        unsafe (places, keys) = Self.allocate(capacity)
    }

    private static func allocate(_ capacity: Int) -> (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Slots.Key>) {
        let places = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        unsafe places.initialize(repeating: 0, count: capacity)
        return unsafe (places, .allocate(capacity: capacity))
    }

    deinit {
        unsafe places.deallocate()
        unsafe keys.deallocate()
    }

    /// Writes the numbers of `rows` to the same places of `ids`.
    mutating func number(
        _ rows: Range<Int>, validity: Bitmap?, into ids: UnsafeMutablePointer<UInt32>
    ) throws(MartletError) {
        guard let validity else {
            for row in rows { unsafe ids[row] = number(valid: row) }
            return
        }
        for row in rows { unsafe ids[row] = validity[row] ? number(valid: row) : numberOfNull(row) }
    }

    mutating func number(_ row: Int, isValid: Bool) throws(MartletError) -> UInt32 {
        isValid ? number(valid: row) : numberOfNull(row)
    }

    private mutating func numberOfNull(_ row: Int) -> UInt32 {
        if let nullID { return nullID }
        let id = UInt32(truncatingIfNeeded: firstRows.count)
        nullID = id
        firstRows.append(row)
        return id
    }

    @inline(__always)
    private mutating func number(valid row: Int) -> UInt32 {
        let key = slots.key(row)
        var place = Int(truncatingIfNeeded: Slots.hash(key)) & mask
        // Safety: places and keys have `mask + 1` slots, at least half of them free.
        while true {
            let found = unsafe places[place]
            if found == 0 { return insert(key, row, place) }
            if unsafe keys[place] == key, slots.areEqual(firstRows[Int(found &- 1)], row) { return found &- 1 }
            place = (place &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func insert(_ key: Slots.Key, _ row: Int, _ place: Int) -> UInt32 {
        let id = UInt32(truncatingIfNeeded: firstRows.count)
        firstRows.append(row)
        unsafe places[place] = id &+ 1
        unsafe keys[place] = key
        if firstRows.count &* 2 > mask { grow() }
        return id
    }

    private mutating func grow() {
        let (oldPlaces, oldKeys, oldMask) = unsafe (places, keys, mask)
        mask = mask &* 2 &+ 1
        unsafe (places, keys) = Self.allocate(mask &+ 1)
        for old in 0...oldMask where unsafe oldPlaces[old] != 0 {
            var place = unsafe Int(truncatingIfNeeded: Slots.hash(oldKeys[old])) & mask
            while unsafe places[place] != 0 { place = (place &+ 1) & mask }
            unsafe places[place] = oldPlaces[old]
            unsafe keys[place] = oldKeys[old]
        }
        unsafe oldPlaces.deallocate()
        unsafe oldKeys.deallocate()
    }

    consuming func finish() -> (rows: [Int], nullID: Int?) { (firstRows, nullID.map { Int($0) }) }
}
