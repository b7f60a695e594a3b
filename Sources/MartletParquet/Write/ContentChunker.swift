import MartletArrow
import MartletBase

/// Cuts a leaf into chunks where its content says so, for stores that keep equal bytes once: rows that come or go change
/// the pages around them, and the pages after them are cut as before.
///
/// A gear hash rolls over levels and values. From `minimum` bytes on a chunk ends with the row in which the hash shows a
/// pattern, and at `maximum` bytes in any case.
struct ContentChunker {
    private let minimum: Int
    private let maximum: Int
    private let mask: UInt64

    init(_ options: ParquetWriterOptions.ContentChunking) {
        minimum = options.minimumByteCount
        maximum = options.maximumByteCount
        // The pattern shows up once in as many bytes as there are between the least size and the middle of both.
        let distance = max(1, (maximum - minimum) / 2)
        let bits = Int.bitWidth - 1 - distance.leadingZeroBitCount - options.normalization
        // The hash's upper bits have seen the most bytes.
        mask = ~(UInt64.max >> UInt64(min(max(bits, 1), 48)))
    }

    /// A word for each byte, with bits as good as random and always the same.
    private static let gears: [UInt64] = (0..<256).map { byte in
        var word = UInt64(byte) &+ 1
        word = (word &* 0x9E37_79B9_7F4A_7C15) ^ 0x4D61_7274_6C65_7421
        word = (word ^ (word &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word &>> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word &>> 31)
    }

    @safe
    private struct Roll {
        let gears: UnsafePointer<UInt64>
        let minimum: Int
        let mask: UInt64
        var hash: UInt64 = 0
        var byteCount = 0
        var isPattern = false

        @inline(__always)
        mutating func add(_ byte: UInt8) {
            hash = unsafe (hash &<< 1) &+ gears[Int(byte)]
            byteCount &+= 1
            if hash & mask == 0, byteCount >= minimum { isPattern = true }
        }

        @inline(__always)
        mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
            for i in 0..<count { unsafe add(bytes[i]) }
        }
    }

    /// The rows at which chunks begin, the first one left out.
    ///
    /// Safety: the level arrays hold `entryCount` levels; without them the slots of `values` are the rows.
    func starts(
        _ values: LeafValues, definition: UnsafePointer<UInt8>?, repetition: UnsafePointer<UInt8>?, entryCount: Int,
        maxDefinitionLevel: Int, slotDefinitionLevel: Int
    ) throws(MartletError) -> [Int] {
        try unsafe Self.gears.withUnsafeBufferPointer { gears throws(MartletError) in
            // Safety: there are 256 words.
            var roll = unsafe Roll(gears: gears.baseAddress!, minimum: minimum, mask: mask)
            var starts: [Int] = []
            var entry = 0
            var row = 0
            @inline(__always) func begin() {
                if let repetition = unsafe repetition {
                    let level = unsafe repetition[entry]
                    roll.add(level)
                    if level != 0 { return }
                }
                if roll.isPattern || roll.byteCount >= maximum {
                    starts.append(row)
                    roll.byteCount = 0
                    roll.isPattern = false
                }
                row &+= 1
            }
            let slotLevel = UInt8(truncatingIfNeeded: slotDefinitionLevel)
            for (i, range) in values.ranges.enumerated() {
                try values.forEachPiece(SlotSpan(first: i, skip: 0, count: range.count)) {
                    chunk, start, count throws(MartletError) in
                    for slot in start..<start &+ count {
                        // Entries without a slot come before the next one with a slot.
                        while let definition = unsafe definition,
                            unsafe entry < entryCount && definition[entry] < slotLevel
                        {
                            begin()
                            unsafe roll.add(definition[entry])
                            entry &+= 1
                        }
                        begin()
                        let isValid = chunk.validity?.isValid(slot) ?? true
                        if maxDefinitionLevel > 0 { roll.add(isValid ? slotLevel &+ 1 : slotLevel) }
                        if isValid { unsafe values.roll(chunk, slot) { byte, count in unsafe roll.add(byte, count) } }
                        entry &+= 1
                    }
                }
            }
            return starts
        }
    }
}

extension LeafValues {
    /// The bytes of the value in a valid slot.
    @inline(__always)
    fileprivate func roll(_ chunk: LeafChunk, _ slot: Int, _ body: (UnsafePointer<UInt8>, Int) -> Void) {
        switch form {
        case .nothing: break
        case .bits:
            var bit = unsafe UInt8(truncatingIfNeeded: loadBits(chunk.values, at: chunk.bitOffset &+ slot, length: 1))
            unsafe body(&bit, 1)
        case .lanes32(let kind), .lanes64(let kind):
            unsafe body(chunk.values + slot &* kind.byteWidth, kind.byteWidth)
        case .fixedBytes(let width): unsafe body(chunk.values + slot &* width, width)
        case .bytes32:
            let start = unsafe Int(chunk.offsets32[slot])
            unsafe body(chunk.values + start, Int(chunk.offsets32[slot &+ 1]) &- start)
        case .bytes64:
            let start = unsafe Int(chunk.offsets64[slot])
            unsafe body(chunk.values + start, Int(chunk.offsets64[slot &+ 1]) &- start)
        }
    }
}
