import Glibc

/// A window of bits, least significant bit first (Columnar format, "Validity bitmaps").
///
/// `offset` and `count` are in bits. The buffer holds at least `offset + count` bits.
public struct Bitmap: Sendable {
    public let buffer: Buffer
    public let offset: Int
    public let count: Int

    /// Throws when the buffer is too short for the window.
    public init(_ buffer: Buffer, offset: Int = 0, count: Int) throws(MartletError) {
        let end = try offset.adding(checked: count)
        guard offset >= 0, count >= 0, (end &+ 7) / 8 <= buffer.count else {
            throw .invalid("bitmap of \(buffer.count) bytes is too short for bits \(offset) ..< \(end)")
        }
        self.init(unchecked: buffer, offset: offset, count: count)
    }

    @usableFromInline
    package init(unchecked buffer: Buffer, offset: Int, count: Int) {
        self.buffer = buffer
        self.offset = offset
        self.count = count
    }

    /// The bit at `index`; the caller keeps `index` below `count`.
    @inlinable
    public subscript(index: Int) -> Bool {
        let bit = offset &+ index
        // Safety: the initialiser checked that the window lies in the buffer.
        return unsafe (buffer.pointer(to: UInt8.self)[bit &>> 3] &>> UInt8(truncatingIfNeeded: bit & 7)) & 1 != 0
    }

    /// The `length` bits (1 ... 64) that start at `index`, bit `index` lowest. The window must hold them.
    @inlinable
    public func word(at index: Int, length: Int = 64) -> UInt64 {
        unsafe loadBits(buffer.pointer(to: UInt8.self), at: offset &+ index, length: length)
    }

    public func slice(at start: Int, count length: Int) throws(MartletError) -> Bitmap {
        try checkWindow(offset: start, length: length, count: count, "bitmap slice")
        return Bitmap(unchecked: buffer, offset: offset + start, count: length)
    }

    /// How many bits are 1.
    public var trueCount: Int {
        var total = 0
        var index = 0
        while index + 64 <= count {
            total &+= word(at: index).nonzeroBitCount
            index &+= 64
        }
        if index < count { total &+= word(at: index, length: count - index).nonzeroBitCount }
        return total
    }

    /// These bits in a buffer of their own that starts at bit 0; shares memory when the window starts on a byte.
    public func rebased() throws(MartletError) -> Buffer {
        let byteCount = (count + 7) / 8
        if offset % 8 == 0 { return try buffer.slice(at: offset / 8, count: byteCount) }
        var builder = try BitmapBuilder(capacity: count)
        try builder.append(self)
        return builder.finish()
    }

    /// Word by word: `body(start, length, bits)`, where `bits` holds `length` (at most 64) bits from `start`.
    @inlinable
    public func forEachWord(_ body: (_ start: Int, _ length: Int, _ bits: UInt64) throws(MartletError) -> Void)
        throws(MartletError)
    {
        var index = 0
        while index < count {
            let length = Swift.min(64, count &- index)
            try body(index, length, word(at: index, length: length))
            index &+= 64
        }
    }
}

/// Reads `length` (1 ... 64) bits at bit position `bit`, touching only the bytes that hold them.
@inlinable
package func loadBits(_ bytes: UnsafePointer<UInt8>, at bit: Int, length: Int) -> UInt64 {
    let first = bit &>> 3
    let shift = UInt64(truncatingIfNeeded: bit & 7)
    let byteCount = (Int(shift) &+ length &+ 7) &>> 3
    var low: UInt64 = 0
    if byteCount >= 8 {
        unsafe low = UnsafeRawPointer(bytes + first).loadUnaligned(as: UInt64.self)
    } else {
        for i in 0..<byteCount { unsafe low |= UInt64(bytes[first &+ i]) &<< UInt64(truncatingIfNeeded: i &* 8) }
    }
    var result = low &>> shift
    if byteCount == 9 { unsafe result |= UInt64(bytes[first &+ 8]) &<< (64 &- shift) }
    return length == 64 ? result : result & ((1 &<< UInt64(truncatingIfNeeded: length)) &- 1)
}

/// A growing bitmap. `finish()` consumes it and is O(1).
public struct BitmapBuilder: ~Copyable {
    private var bytes: BufferBuilder
    /// Bits written so far.
    public private(set) var count = 0
    /// How many of them are 0.
    public private(set) var falseCount = 0

    public init(capacity: Int = 0) throws(MartletError) {
        bytes = try BufferBuilder(byteCapacity: (capacity.adding(checked: 7)) / 8)
    }

    @inline(__always)
    public mutating func append(_ bit: Bool) throws(MartletError) {
        if count & 7 == 0 {
            try bytes.append(bit ? 1 as UInt8 : 0)
        } else if bit {
            unsafe bytes.pointer(to: UInt8.self)[count &>> 3] |= 1 &<< UInt8(truncatingIfNeeded: count & 7)
        }
        count &+= 1
        if !bit { falseCount &+= 1 }
    }

    /// Appends the low `length` (0 ... 64) bits of `word`, lowest first.
    public mutating func append(word: UInt64, length: Int) throws(MartletError) {
        if length == 0 { return }
        let bits = length == 64 ? word : word & ((1 &<< UInt64(length)) &- 1)
        let shift = count & 7
        let newByteCount = (count + length + 7) / 8
        let added = newByteCount - bytes.byteCount
        if added > 0 { try bytes.appendZeros(added) }
        let target = unsafe bytes.pointer(to: UInt8.self) + (count >> 3)
        var low = bits &<< UInt64(shift)
        var index = 0
        let spanned = (shift + length + 7) / 8
        while index < min(spanned, 8) {
            unsafe target[index] |= UInt8(truncatingIfNeeded: low)
            low &>>= 8
            index += 1
        }
        if spanned == 9 { unsafe target[8] |= UInt8(truncatingIfNeeded: bits &>> UInt64(64 - shift)) }
        count += length
        falseCount += length - bits.nonzeroBitCount
    }

    public mutating func append(_ bitmap: Bitmap) throws(MartletError) {
        try bytes.reserve(bitmap.count / 8 + 9)
        if count & 7 == 0 && bitmap.offset & 7 == 0 && bitmap.count >= 64 {
            let whole = bitmap.count & ~63
            let part = try bitmap.buffer.slice(at: bitmap.offset / 8, count: whole / 8)
            try bytes.append(part.bytes)
            falseCount += whole - Bitmap(unchecked: part, offset: 0, count: whole).trueCount
            count += whole
            if whole < bitmap.count {
                let rest = bitmap.count - whole
                try append(word: bitmap.word(at: whole, length: rest), length: rest)
            }
            return
        }
        var index = 0
        while index < bitmap.count {
            let length = min(64, bitmap.count - index)
            try append(word: bitmap.word(at: index, length: length), length: length)
            index += length
        }
    }

    public mutating func append(repeating bit: Bool, count repeats: Int) throws(MartletError) {
        var left = repeats
        while left > 0 && count & 7 != 0 {
            try append(bit)
            left -= 1
        }
        if left >= 8 {
            let target = try unsafe bytes.extend(by: left / 8)
            unsafe memset(target, bit ? 0xFF : 0, left / 8)
            count += left & ~7
            if !bit { falseCount += left & ~7 }
            left &= 7
        }
        while left > 0 {
            try append(bit)
            left -= 1
        }
    }

    public consuming func finish() -> Buffer { bytes.finish() }
}
