import Glibc
import MartletBase

/// The dictionary of a column chunk whose values are lanes, in the order of their first appearance.
///
/// Values in a narrow range are found in a table by their distance from the least; others by hashing.
@safe
struct LaneDictionaryBuilder<L: Lane>: ~Copyable {
    /// The values themselves: the PLAIN form of the dictionary page.
    private(set) var entries: BufferBuilder
    private(set) var entryCount = 0
    private let maximumCount: Int
    /// Index + 1 of the value that is at home in a slot, 0 for none.
    private var table: BufferBuilder
    private var slotCount: Int
    private let least: L
    private let isDirect: Bool

    /// A table over all values from `least` on, `spread + 1` of them.
    init(least: L, spread: Int, maximumCount: Int) throws(MartletError) {
        self.least = least
        self.maximumCount = maximumCount
        isDirect = true
        slotCount = spread + 1
        var table = try BufferBuilder()
        try table.appendZeros(slotCount * 4)
        let entries = try BufferBuilder()
        self.table = table
        self.entries = entries
    }

    /// A hash table.
    init(maximumCount: Int) throws(MartletError) {
        least = 0
        self.maximumCount = maximumCount
        isDirect = false
        slotCount = 1_024
        var table = try BufferBuilder()
        try table.appendZeros(slotCount * 4)
        let entries = try BufferBuilder()
        self.table = table
        self.entries = entries
    }

    consuming func finishEntries() -> Buffer { entries.finish() }

    /// Writes the codes of `values` to `codes` and returns how many it did: fewer than there are when the
    /// dictionary is full.
    ///
    /// Safety: `codes` has room for all of them.
    mutating func encode(
        _ values: UnsafeBufferPointer<L>, into codes: UnsafeMutablePointer<UInt32>
    ) throws(MartletError) -> Int {
        guard let base = values.baseAddress else { return 0 }
        let count = values.count
        try entries.reserve(min(count, maximumCount &- entryCount) * MemoryLayout<L>.size)
        return isDirect ? unsafe encodeDirect(base, count, codes) : try unsafe encodeHashed(base, count, codes)
    }

    private mutating func encodeDirect(
        _ values: UnsafePointer<L>, _ count: Int, _ codes: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let table = unsafe table.pointer(to: UInt32.self)
        let stored = unsafe entries.pointer(to: L.self)
        var known = entryCount
        var done = 0
        while done < count {
            let value = unsafe values[done]
            // Safety: the range was measured over these very values; the distance is below `slotCount`.
            let slot = Int(truncatingIfNeeded: value &- least)
            var code = unsafe table[slot]
            if code == 0 {
                if known == maximumCount { break }
                unsafe stored[known] = value
                known &+= 1
                code = UInt32(truncatingIfNeeded: known)
                unsafe table[slot] = code
            }
            unsafe codes[done] = code &- 1
            done &+= 1
        }
        note(known)
        return done
    }

    private mutating func encodeHashed(
        _ values: UnsafePointer<L>, _ count: Int, _ codes: UnsafeMutablePointer<UInt32>
    ) throws(MartletError) -> Int {
        var done = 0
        while done < count {
            // Half full at most, whatever the next values are.
            let room = slotCount / 2 &- entryCount
            if room < 256 { try grow() }
            let block = min(count &- done, max(slotCount / 2 &- entryCount, 1))
            let finished = unsafe encodeBlock(values + done, block, codes + done)
            done &+= finished
            if finished < block { break }
        }
        return done
    }

    private mutating func encodeBlock(
        _ values: UnsafePointer<L>, _ count: Int, _ codes: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let table = unsafe table.pointer(to: UInt32.self)
        let stored = unsafe entries.pointer(to: L.self)
        let mask = slotCount &- 1
        let seed = HashSeed.value
        var known = entryCount
        var done = 0
        while done < count {
            let value = unsafe values[done]
            var slot = Int(truncatingIfNeeded: mix(UInt64(truncatingIfNeeded: value) ^ seed)) & mask
            var code: UInt32
            while true {
                code = unsafe table[slot]
                if code == 0 {
                    if known == maximumCount {
                        note(known)
                        return done
                    }
                    unsafe stored[known] = value
                    known &+= 1
                    code = UInt32(truncatingIfNeeded: known)
                    unsafe table[slot] = code
                    break
                }
                if unsafe stored[Int(code &- 1)] == value { break }
                slot = (slot &+ 1) & mask
            }
            unsafe codes[done] = code &- 1
            done &+= 1
        }
        note(known)
        return done
    }

    private mutating func grow() throws(MartletError) {
        slotCount *= 4
        table = try BufferBuilder()
        try table.appendZeros(slotCount * 4)
        let slots = unsafe table.pointer(to: UInt32.self)
        let stored = unsafe entries.pointer(to: L.self)
        let mask = slotCount &- 1
        let seed = HashSeed.value
        for i in 0..<entryCount {
            var slot = unsafe Int(truncatingIfNeeded: mix(UInt64(truncatingIfNeeded: stored[i]) ^ seed)) & mask
            while unsafe slots[slot] != 0 { slot = (slot &+ 1) & mask }
            unsafe slots[slot] = UInt32(i &+ 1)
        }
    }

    private mutating func note(_ known: Int) {
        let width = MemoryLayout<L>.size
        if known * width > entries.byteCount {
            entries.count = known * width
        }
        entryCount = known
    }
}

/// Differs from process to process, so that nobody can prepare values that all collide. It never shows in a file.
enum HashSeed {
    static let value: UInt64 = {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }()
}

/// Both halves of a product of 64-bit numbers, folded: a hash of good quality in few cycles.
@inline(__always)
func mix(_ a: UInt64, _ b: UInt64 = 0x9E37_79B9_7F4A_7C15) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}

/// A hash of `count` bytes.
///
/// Safety: reads these bytes only.
@inline(__always)
func hashBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
    let p1: UInt64 = 0xA076_1D64_78BD_642F
    let p2: UInt64 = 0xE703_7ED1_A0B4_28DB
    let raw = unsafe UnsafeRawPointer(bytes)
    var a: UInt64
    var b: UInt64
    var state = seed
    if count > 16 {
        var position = 0
        while position &+ 16 < count {
            let low = unsafe raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let high = unsafe raw.loadUnaligned(fromByteOffset: position &+ 8, as: UInt64.self)
            state = mix(low ^ p1, high ^ state)
            position &+= 16
        }
        a = unsafe raw.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
        b = unsafe raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 8 {
        a = unsafe raw.loadUnaligned(as: UInt64.self)
        b = unsafe raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
        a = unsafe UInt64(raw.loadUnaligned(as: UInt32.self))
        b = unsafe UInt64(raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
    } else if count > 0 {
        a = unsafe UInt64(bytes[0]) &<< 16 | UInt64(bytes[count &>> 1]) &<< 8 | UInt64(bytes[count &- 1])
        b = 0
    } else {
        (a, b) = (0, 0)
    }
    return mix(p2 ^ UInt64(truncatingIfNeeded: count), mix(a ^ p1, b ^ state))
}
