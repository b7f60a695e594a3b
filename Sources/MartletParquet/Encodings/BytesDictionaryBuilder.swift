import Glibc
import MartletBase

/// The dictionary of a column chunk of byte strings, in the order of their first appearance.
@safe
struct BytesDictionaryBuilder: ~Copyable {
    /// The PLAIN form of the dictionary page: lengths and bytes, or bytes alone when all are of one length.
    private(set) var entries: BufferBuilder
    private(set) var entryCount = 0
    /// Where the bytes of each entry start in `entries`, and their length.
    private var places: BufferBuilder
    private var table: BufferBuilder
    private var slotCount = 1_024
    private let hasLengths: Bool
    private let maximumByteCount: Int

    struct Place {
        var start: UInt32
        var count: UInt32
        var hash: UInt32
    }
    private struct Slot {
        /// Index + 1, 0 for none.
        var code: UInt32
        var hash: UInt32
    }

    init(hasLengths: Bool, maximumByteCount: Int) throws(MartletError) {
        self.hasLengths = hasLengths
        self.maximumByteCount = min(maximumByteCount, Int(Int32.max))
        let entries = try BufferBuilder()
        let places = try BufferBuilder()
        var table = try BufferBuilder()
        try table.appendZeros(slotCount * MemoryLayout<Slot>.stride)
        self.entries = entries
        self.places = places
        self.table = table
    }

    /// The page's bytes and the place of each entry in them.
    consuming func finish() -> (entries: Buffer, places: Buffer) { (entries.finish(), places.finish()) }

    /// The code of a byte string; nil when it is new and the dictionary is full.
    ///
    /// Safety: `bytes` has `count` bytes.
    @inline(__always)
    mutating func code(_ bytes: UnsafePointer<UInt8>, _ count: Int) throws(MartletError) -> UInt32? {
        let wide = unsafe hashBytes(bytes, count, seed: HashSeed.value)
        let hash = UInt32(truncatingIfNeeded: wide &>> 32)
        let mask = slotCount &- 1
        var position = Int(truncatingIfNeeded: wide) & mask
        let slots = unsafe table.pointer(to: Slot.self)
        while true {
            let slot = unsafe slots[position]
            if slot.code == 0 { return try unsafe insert(bytes, count, hash, wide) }
            if slot.hash == hash {
                let place = unsafe places.pointer(to: Place.self)[Int(slot.code &- 1)]
                if Int(place.count) == count,
                    unsafe memcmp(entries.pointer(to: UInt8.self) + Int(place.start), bytes, count) == 0
                {
                    return slot.code &- 1
                }
            }
            position = (position &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func insert(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt32, _ wide: UInt64
    ) throws(MartletError) -> UInt32? {
        let size = count + (hasLengths ? 4 : 0)
        guard size <= maximumByteCount - entries.byteCount else { return nil }
        if (entryCount + 1) * 2 > slotCount { try grow() }
        if hasLengths { try entries.append(UInt32(count)) }
        try places.append(Place(start: UInt32(entries.byteCount), count: UInt32(count), hash: hash))
        let target = try unsafe entries.extend(by: count)
        unsafe memcpy(target, bytes, count)
        place(UInt32(entryCount + 1), hash, wide)
        entryCount += 1
        return UInt32(entryCount - 1)
    }

    private func place(_ code: UInt32, _ hash: UInt32, _ wide: UInt64) {
        let slots = unsafe table.pointer(to: Slot.self)
        let mask = slotCount &- 1
        var position = Int(truncatingIfNeeded: wide) & mask
        while unsafe slots[position].code != 0 { position = (position &+ 1) & mask }
        unsafe slots[position] = Slot(code: code, hash: hash)
    }

    private mutating func grow() throws(MartletError) {
        slotCount *= 4
        table = try BufferBuilder()
        try table.appendZeros(slotCount * MemoryLayout<Slot>.stride)
        for i in 0..<entryCount {
            let entry = unsafe places.pointer(to: Place.self)[i]
            let wide = unsafe hashBytes(
                entries.pointer(to: UInt8.self) + Int(entry.start), Int(entry.count), seed: HashSeed.value)
            place(UInt32(i + 1), entry.hash, wide)
        }
    }
}
