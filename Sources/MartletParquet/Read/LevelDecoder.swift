import MartletBase

/// The definition or repetition levels of a page.
@safe
struct LevelDecoder {
    private var runs: HybridDecoder
    private let maximum: Int
    /// For the deprecated packing from the highest bit down: the next bit.
    private var packedBit: Int?
    private let packed: Buffer

    /// Levels 0 ... `maximum` (not 0) in runs.
    init(_ bytes: Buffer, maximum: Int) throws(MartletError) {
        // Safety: `packed` holds the bytes for as long as the decoder is used.
        runs = try unsafe HybridDecoder(
            bytes.pointer(to: UInt8.self), byteCount: bytes.count, width: Self.bitWidth(of: maximum))
        self.maximum = maximum
        packed = bytes
    }

    /// Levels in the deprecated BIT_PACKED encoding.
    init(bitPacked bytes: Buffer, maximum: Int) throws(MartletError) {
        try self.init(bytes, maximum: maximum)
        packedBit = 0
    }

    static func bitWidth(of maximum: Int) -> Int { Int.bitWidth - maximum.leadingZeroBitCount }

    /// Bytes of `count` levels in BIT_PACKED.
    static func bitPackedByteCount(_ count: Int, maximum: Int) -> Int { (count * bitWidth(of: maximum) + 7) / 8 }

    /// The next `count` levels; `target` has room for them. Each is at most the maximum.
    mutating func decode(_ count: Int, into target: UnsafeMutablePointer<UInt8>) throws(MartletError) {
        if packedBit != nil {
            try unsafe decodePacked(count, into: target)
        } else {
            try unsafe runs.decode(count, into: target)
        }
        var largest: UInt8 = 0
        for i in 0..<count { unsafe largest = max(largest, target[i]) }
        guard Int(largest) <= maximum else {
            throw .corrupt("Malformed levels. min: 0 max: \(largest) out of range. Max Level: \(maximum)")
        }
    }

    private mutating func decodePacked(_ count: Int, into target: UnsafeMutablePointer<UInt8>) throws(MartletError) {
        let width = runs.width
        var bit = packedBit ?? 0
        guard count <= (packed.count * 8 - bit) / max(width, 1) else {
            throw .corrupt("bit-packed levels end after \(packed.count) bytes")
        }
        let source = unsafe packed.pointer(to: UInt8.self)
        for i in 0..<count {
            var level: UInt8 = 0
            for _ in 0..<width {
                // Safety: the guard keeps all bits inside the bytes.
                level = unsafe level << 1 | (source[bit >> 3] >> UInt8(7 - bit & 7)) & 1
                bit += 1
            }
            unsafe target[i] = level
        }
        packedBit = bit
    }

    /// The next `count` levels as validity: a bit for each, 1 where the level is the maximum. Returns how many are 1.
    mutating func appendValidity(_ count: Int, to validity: inout SlotValidity) throws(MartletError) -> Int {
        let before = validity.nullCount
        if maximum == 1 && packedBit == nil {
            var left = count
            while left > 0 {
                switch try runs.next(limit: left) {
                case .repeated(let level, let length):
                    guard level <= 1 else { throw .corrupt("Malformed levels. max: \(level), Max Level: 1") }
                    if level == 1 {
                        validity.appendValid(length)
                    } else {
                        try validity.appendNull(length)
                    }
                    left -= length
                case .packed(let bit, let length):
                    // Packed levels of one bit are a validity bitmap.
                    try unsafe validity.append(bits: runs.bytes, at: bit, count: length)
                    left -= length
                }
            }
        } else {
            try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { room throws(MartletError) in
                var left = count
                while left > 0 {
                    let length = min(left, 1_024)
                    try unsafe decode(length, into: room.baseAddress!)
                    try unsafe validity.append(levels: room.baseAddress!, count: length, maximum: UInt8(maximum))
                    left -= length
                }
            }
        }
        return count - (validity.nullCount - before)
    }

    /// Passes over `count` levels; the result is how many of them are the maximum.
    mutating func skip(_ count: Int) throws(MartletError) -> Int {
        var valid = 0
        try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { room throws(MartletError) in
            var left = count
            while left > 0 {
                let length = min(left, 1_024)
                try unsafe decode(length, into: room.baseAddress!)
                for i in 0..<length where unsafe Int(room[i]) == maximum { valid += 1 }
                left -= length
            }
        }
        return valid
    }
}
