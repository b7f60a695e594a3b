import Glibc
import MartletBase

/// The validity of slots as it becomes known. No memory is taken before the first null.
struct SlotValidity: ~Copyable {
    private let capacity: Int
    private var bits: BufferBuilder?
    private(set) var count = 0
    private(set) var nullCount = 0

    /// Bytes behind the last bit that may be written.
    private static let slack = 16

    /// For at most `capacity` slots.
    init(capacity: Int) { self.capacity = capacity }

    mutating func appendValid(_ length: Int) {
        if nullCount > 0 { setOnes(length) }
        count += length
    }

    mutating func appendNull(_ length: Int) throws(MartletError) {
        if length == 0 { return }
        try materialize()
        count += length
        nullCount += length
    }

    /// `length` bits from bit `bit` of `source`, 1 for valid.
    mutating func append(bits source: UnsafePointer<UInt8>, at bit: Int, count length: Int) throws(MartletError) {
        var done = 0
        while done < length {
            let part = min(64, length - done)
            let word = unsafe loadBits(source, at: bit + done, length: part)
            try append(word: word, count: part)
            done += part
        }
    }

    /// Levels, of which the maximum stands for valid.
    mutating func append(levels: UnsafePointer<UInt8>, count length: Int, maximum: UInt8) throws(MartletError) {
        var done = 0
        while done < length {
            let part = min(64, length - done)
            try append(word: unsafe levelBits(levels + done, part, equalTo: maximum), count: part)
            done += part
        }
    }

    /// The low `length` (1 ... 64) bits of `word`; the others are 0.
    @inline(__always)
    private mutating func append(word: UInt64, count length: Int) throws(MartletError) {
        let nulls = length - word.nonzeroBitCount
        if nulls > 0 && nullCount == 0 { try materialize() }
        if nulls > 0 || nullCount > 0, let base = unsafe address {
            // Safety: `materialize` made room for `capacity` bits and the slack.
            let shift = UInt64(count & 7)
            let target = unsafe base + count >> 3
            let old = unsafe target.loadUnaligned(as: UInt64.self)
            unsafe target.storeBytes(of: old | word &<< shift, as: UInt64.self)
            if shift > 0 { unsafe (target + 8).storeBytes(of: UInt8(word &>> (64 &- shift)), as: UInt8.self) }
        }
        nullCount += nulls
        count += length
    }

    private var address: UnsafeMutableRawPointer? {
        switch bits {
        case .some(let builder): unsafe builder.address
        case .none: nil
        }
    }

    private mutating func materialize() throws(MartletError) {
        guard nullCount == 0, unsafe address == nil else { return }
        var builder = try BufferBuilder(byteCapacity: (capacity + 7) / 8 + Self.slack)
        try builder.appendZeros((capacity + 7) / 8 + Self.slack)
        bits = consume builder
        let valid = count
        count = 0
        setOnes(valid)
        count = valid
    }

    /// Sets the bits `count ..< count + length`.
    private func setOnes(_ length: Int) {
        guard let base = unsafe address else { return }
        let bytes = unsafe base.assumingMemoryBound(to: UInt8.self)
        var index = count
        let end = count + length
        while index < end && index & 7 != 0 {
            unsafe bytes[index >> 3] |= 1 << UInt8(index & 7)
            index += 1
        }
        let whole = (end - index) / 8
        if whole > 0 {
            unsafe memset(base + index / 8, 0xFF, whole)
            index += whole * 8
        }
        while index < end {
            unsafe bytes[index >> 3] |= 1 << UInt8(index & 7)
            index += 1
        }
    }

    /// The bits, for reading; nil while there are no nulls.
    var pointer: UnsafePointer<UInt8>? {
        guard let base = unsafe address else { return nil }
        return unsafe UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
    }

    /// The bitmap, nil without nulls.
    consuming func finish() -> Buffer? {
        let byteCount = (count + 7) / 8
        switch consume bits {
        case .some(var builder):
            builder.truncate(to: byteCount)
            return builder.finish()
        case .none: return nil
        }
    }
}
