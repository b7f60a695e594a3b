import Glibc
import MartletBase

/// An open hash table from values to numbers in the order of first appearance.
@safe
struct SlotTable<Slots: HashableSlots>: ~Copyable {
    private struct Entry: BitwiseCopyable {
        var key: Slots.Key
        /// The number plus one; 0 is free.
        var mark: UInt32
    }
    private let slots: Slots
    private var entries: UnsafeMutablePointer<Entry>
    private var mask: Int
    private var firstRows: [Int] = []
    private var nullID: UInt32?

    init(slots: Slots, expected: Int) throws(MartletError) {
        self.slots = slots
        var capacity = 64
        while capacity < expected * 2 { capacity *= 2 }
        mask = capacity - 1
        unsafe entries = try Self.allocate(capacity)
    }

    private static func allocate(_ capacity: Int) throws(MartletError) -> UnsafeMutablePointer<Entry> {
        // All zeros is free, whatever the key.
        guard let block = unsafe calloc(capacity, MemoryLayout<Entry>.stride) else {
            throw .outOfMemory(capacity * MemoryLayout<Entry>.stride)
        }
        return unsafe block.assumingMemoryBound(to: Entry.self)
    }

    deinit { unsafe free(entries) }

    /// Writes the numbers of `rows` to the same places of `ids`.
    mutating func number(
        _ rows: Range<Int>, validity: Bitmap?, into ids: UnsafeMutablePointer<UInt32>
    ) throws(MartletError) {
        guard let validity else {
            for row in rows { unsafe ids[row] = try number(valid: row) }
            return
        }
        for row in rows { unsafe ids[row] = validity[row] ? try number(valid: row) : numberOfNull(row) }
    }

    /// Numbers those of `count` rows whose hashes belong to `part`; nulls belong to part 0.
    mutating func number(
        _ count: Int, validity: Bitmap?, part: Int, bits: UInt64, into ids: UnsafeMutablePointer<UInt32>
    ) throws(MartletError) {
        let mark = UInt32(truncatingIfNeeded: part)
        for row in 0..<count {
            if let validity, !validity[row] {
                if part == 0 { unsafe ids[row] = numberOfNull(row) &<< UInt32(bits) }
                continue
            }
            let key = slots.key(row)
            let hash = Slots.hash(key)
            // The lowest bits choose the place in the table.
            if bits != 0 && Int(truncatingIfNeeded: hash &>> (64 &- bits)) != part { continue }
            unsafe ids[row] = try number(key, hash, row) &<< UInt32(bits) | mark
        }
    }

    mutating func number(_ row: Int, isValid: Bool) throws(MartletError) -> UInt32 {
        isValid ? try number(valid: row) : numberOfNull(row)
    }

    private mutating func numberOfNull(_ row: Int) -> UInt32 {
        if let nullID { return nullID }
        let id = UInt32(truncatingIfNeeded: firstRows.count)
        nullID = id
        firstRows.append(row)
        return id
    }

    @inline(__always)
    private mutating func number(valid row: Int) throws(MartletError) -> UInt32 {
        let key = slots.key(row)
        return try number(key, Slots.hash(key), row)
    }

    @inline(__always)
    private mutating func number(_ key: Slots.Key, _ hash: UInt64, _ row: Int) throws(MartletError) -> UInt32 {
        var place = Int(truncatingIfNeeded: hash) & mask
        // Safety: there are `mask + 1` entries, at least half of them free.
        while true {
            let entry = unsafe entries[place]
            if entry.mark == 0 { return try insert(key, row, place) }
            if entry.key == key, slots.areEqual(firstRows[Int(entry.mark &- 1)], row, key) { return entry.mark &- 1 }
            place = (place &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func insert(_ key: Slots.Key, _ row: Int, _ place: Int) throws(MartletError) -> UInt32 {
        let id = UInt32(truncatingIfNeeded: firstRows.count)
        firstRows.append(row)
        unsafe entries[place] = Entry(key: key, mark: id &+ 1)
        if firstRows.count &* 2 > mask { try grow() }
        return id
    }

    private mutating func grow() throws(MartletError) {
        let (old, oldMask) = unsafe (entries, mask)
        unsafe entries = try Self.allocate((oldMask &+ 1) &* 4)
        mask = oldMask &* 4 &+ 3
        for index in 0...oldMask {
            let entry = unsafe old[index]
            if entry.mark == 0 { continue }
            var place = Int(truncatingIfNeeded: Slots.hash(entry.key)) & mask
            while unsafe entries[place].mark != 0 { place = (place &+ 1) & mask }
            unsafe entries[place] = entry
        }
        unsafe free(old)
    }

    consuming func finish() -> (rows: [Int], nullID: Int?) { (firstRows, nullID.map { Int($0) }) }
}
