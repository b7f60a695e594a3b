import Glibc
import MartletBase

/// Byte strings one after the other: their lengths, and all their bytes. What string columns are decoded into.
struct BytesValues: ~Copyable {
    /// An `Int32` for each value.
    var lengths: BufferBuilder
    var bytes: BufferBuilder

    /// The most bytes that all values may have: what their offsets can reach.
    var limit = Int.max

    /// Bytes that may be written behind the last value, so that short values can be copied as one block.
    static let slack = 16

    init(capacity: Int) throws(MartletError) {
        let lengths = try BufferBuilder(byteCapacity: try capacity.multiplied(checked: 4))
        let bytes = try BufferBuilder(byteCapacity: Self.slack)
        self.lengths = lengths
        self.bytes = bytes
    }

    var count: Int { lengths.byteCount / 4 }

    /// Room for `count` lengths, counted as written.
    mutating func extendLengths(_ count: Int) throws(MartletError) -> UnsafeMutablePointer<Int32> {
        try unsafe lengths.extend(by: count * 4).assumingMemoryBound(to: Int32.self)
    }

    /// Room for `byteCount` bytes and the slack, counted as written but for the slack.
    mutating func extendBytes(_ byteCount: Int) throws(MartletError) -> UnsafeMutablePointer<UInt8> {
        guard byteCount <= limit - bytes.byteCount else { throw Self.tooLong(limit) }
        try bytes.reserve(byteCount.adding(checked: Self.slack))
        return try unsafe bytes.extend(by: byteCount).assumingMemoryBound(to: UInt8.self)
    }

    static func tooLong(_ limit: Int) -> MartletError {
        .capacity(
            "more than \(limit) bytes of byte arrays in one array: read the column in smaller batches, or as a type "
                + "with 64-bit offsets")
    }
}

/// Copies `count` bytes; up to 16 may be written and, when `slack` says so, read behind them.
@inline(__always)
func copyShort(
    _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ count: Int, sourceHasSlack slack: Bool
) {
    if count <= 16 && slack {
        let block = unsafe UnsafeRawPointer(source).loadUnaligned(as: UInt128.self)
        unsafe UnsafeMutableRawPointer(target).storeBytes(of: block, as: UInt128.self)
    } else {
        unsafe memcpy(target, source, count)
    }
}

/// The values of one page where each has its own length; null values are not among them.
class BytesDecoder {
    /// Appends the next `count` values to `target`.
    func decode(_ count: Int, into target: inout BytesValues) throws(MartletError) {
        throw .notImplemented("this page cannot be decoded")
    }

    func skip(_ count: Int) throws(MartletError) {
        throw .notImplemented("this page cannot be decoded")
    }
}

/// Each value behind its length in four bytes (Encodings.md, "Plain").
@safe
final class PlainBytesDecoder: BytesDecoder {
    private let page: Buffer
    private var position = 0

    init(_ page: Buffer) { self.page = page }

    override func decode(_ count: Int, into target: inout BytesValues) throws(MartletError) {
        if count == 0 { return }
        let source = unsafe page.pointer(to: UInt8.self)
        let end = page.count
        guard count <= (end - position) / 4 else { throw pageEnded(count, (end - position) / 4) }
        let before = target.bytes.byteCount
        // All bytes of the page are room enough for the values that are left in it, also when a length is forged.
        let bytes = try unsafe target.extendBytes(end - position)
        let lengths = try unsafe target.extendLengths(count)
        var written = 0
        var place = position
        for i in 0..<count {
            guard place <= end &- 4 else { throw pageEnded(count - i, 0) }
            let length = unsafe Int(UnsafeRawPointer(source + place).loadUnaligned(as: UInt32.self))
            place &+= 4
            guard length <= end &- place, length <= Int(Int32.max) else {
                throw .corrupt("a byte array of \(length) bytes, the page has \(end - place)")
            }
            // Safety: values lie in the page by the guard, so that what is written is less than what was read, and
            // the target has room for all that can be read and slack behind it.
            unsafe copyShort(source + place, bytes + written, length, sourceHasSlack: place &+ 16 <= end)
            unsafe lengths[i] = Int32(truncatingIfNeeded: length)
            written &+= length
            place &+= length
        }
        position = place
        target.bytes.truncate(to: before + written)
    }

    override func skip(_ count: Int) throws(MartletError) {
        let page = self.page
        var cursor = ByteCursor(page.bytes)
        try cursor.skip(position)
        for _ in 0..<count { try cursor.skip(Int(try cursor.read(UInt32.self))) }
        position = cursor.position
    }
}

/// All lengths as differences, then all bytes (Encodings.md, "Delta-length byte array").
@safe
final class DeltaLengthBytesDecoder: BytesDecoder {
    private let page: Buffer
    private let lengths: Buffer
    private let count: Int
    private var next = 0
    private var position: Int

    /// `limit` is how many values the page can have at most.
    init(_ page: Buffer, limit: Int) throws(MartletError) {
        self.page = page
        (lengths, position) = try decodeLengths(page, at: 0, limit: limit)
        count = lengths.count / 4
    }

    /// The bytes of the next `count` values, lengths being checked.
    private func take(_ count: Int) throws(MartletError) -> Int {
        guard count <= self.count - next else { throw pageEnded(count, self.count - next) }
        var total = 0
        let lengths = unsafe self.lengths.pointer(to: Int32.self) + next
        for i in 0..<count {
            let length = unsafe lengths[i]
            guard length >= 0 else { throw .corrupt("negative string delta length \(length)") }
            total &+= Int(length)
        }
        guard total <= page.count - position else {
            throw .corrupt("\(count) byte arrays of \(total) bytes, the page has \(page.count - position)")
        }
        next += count
        return total
    }

    override func decode(_ count: Int, into target: inout BytesValues) throws(MartletError) {
        let first = next
        let total = try take(count)
        let bytes = try unsafe target.extendBytes(total)
        let room = try unsafe target.extendLengths(count)
        // Safety: `take` checked that the lengths and bytes are there, `extend` made room.
        unsafe memcpy(bytes, page.pointer(to: UInt8.self) + position, total)
        unsafe memcpy(room, lengths.pointer(to: Int32.self) + first, count * 4)
        position += total
    }

    override func skip(_ count: Int) throws(MartletError) { position += try take(count) }
}

/// The lengths at `position` of a page, and where they end.
private func decodeLengths(_ page: Buffer, at position: Int, limit: Int) throws(MartletError) -> (Buffer, Int) {
    var deltas = try unsafe DeltaDecoder(page.pointer(to: UInt8.self) + position, byteCount: page.count - position)
    guard deltas.count <= limit else {
        throw .corrupt("\(deltas.count) byte arrays in a page of \(limit) values")
    }
    let builder = try BufferBuilder(uninitializedCount: deltas.count * 4)
    try unsafe deltas.decode(deltas.count, into: builder.pointer(to: UInt32.self))
    return (builder.finish(), position + deltas.endPosition)
}

/// Each value as what it shares with the one before and the rest (Encodings.md, "Delta Strings").
@safe
final class DeltaBytesDecoder: BytesDecoder {
    private let page: Buffer
    private let prefixes: Buffer
    private let suffixes: Buffer
    private let count: Int
    private var next = 0
    private var position: Int
    private var last: [UInt8] = []

    init(_ page: Buffer, limit: Int) throws(MartletError) {
        self.page = page
        var end = 0
        (prefixes, end) = try decodeLengths(page, at: 0, limit: limit)
        (suffixes, position) = try decodeLengths(page, at: end, limit: limit)
        count = prefixes.count / 4
        guard suffixes.count == prefixes.count else {
            throw .corrupt("\(count) prefix lengths, but \(suffixes.count / 4) suffix lengths")
        }
    }

    /// Values are handed to `body` one by one.
    private func forEach(_ count: Int, _ body: ([UInt8]) throws(MartletError) -> Void) throws(MartletError) {
        guard count <= self.count - next else { throw pageEnded(count, self.count - next) }
        for i in next..<next + count {
            // Safety: the guard keeps `i` below the counts of both lists.
            let prefix = unsafe Int(prefixes.pointer(to: Int32.self)[i])
            let suffix = unsafe Int(suffixes.pointer(to: Int32.self)[i])
            guard prefix >= 0, prefix <= last.count else {
                throw .corrupt("prefix length \(prefix), the value before has \(last.count) bytes")
            }
            guard suffix >= 0, suffix <= page.count - position else {
                throw .corrupt("suffix of \(suffix) bytes, the page has \(page.count - position)")
            }
            last.removeSubrange(prefix...)
            let bytes = try page.slice(at: position, count: suffix)
            unsafe bytes.bytes.withUnsafeBytes { unsafe last.append(contentsOf: $0) }
            position += suffix
            try body(last)
        }
        next += count
    }

    override func decode(_ count: Int, into target: inout BytesValues) throws(MartletError) {
        let lengths = try unsafe target.extendLengths(count)
        var place = 0
        let limit = min(target.limit, Int(Int32.max) + target.bytes.byteCount)
        var bytes = try exchange(&target.bytes)
        try forEach(count) { value throws(MartletError) in
            // Values share their beginnings: a small page can hold very many bytes.
            guard value.count <= limit - bytes.byteCount else { throw BytesValues.tooLong(limit) }
            try unsafe bytes.append(value.span.bytes)
            unsafe lengths[place] = Int32(value.count)
            place += 1
        }
        try bytes.reserve(BytesValues.slack)
        swap(&target.bytes, &bytes)
    }

    private func exchange(_ builder: inout BufferBuilder) throws(MartletError) -> BufferBuilder {
        var other = try BufferBuilder()
        swap(&builder, &other)
        return other
    }

    override func skip(_ count: Int) throws(MartletError) { try forEach(count) { _ in } }
}

/// The values of a dictionary page of byte arrays.
final class BytesDictionary: Sendable {
    /// A `UInt64` for each value: where it starts in `bytes` above its length, 32 bits each.
    let entries: Buffer
    /// With slack behind them.
    let bytes: Buffer
    let count: Int
    /// Whether each value fits in a block that is copied as one.
    let isShort: Bool

    init(_ values: consuming BytesValues) throws(MartletError) {
        let count = values.count
        guard values.bytes.byteCount <= Int(UInt32.max) else { throw BytesValues.tooLong(Int(UInt32.max)) }
        let builder = try BufferBuilder(uninitializedCount: count * 8)
        let entries = unsafe builder.pointer(to: UInt64.self)
        let lengths = unsafe values.lengths.pointer(to: Int32.self)
        var (position, longest): (UInt64, UInt64) = (0, 0)
        for i in 0..<count {
            let length = unsafe UInt64(truncatingIfNeeded: lengths[i])
            unsafe entries[i] = position << 32 | length
            position += length
            longest = max(longest, length)
        }
        self.entries = builder.finish()
        self.count = count
        isShort = longest <= BytesValues.slack
        var contents = values.takeBytes()
        try contents.reserve(BytesValues.slack)
        bytes = contents.finish()
    }

    /// Where value `index`, which is below `count`, lies in `bytes`.
    @inline(__always)
    func entry(_ index: Int) -> (start: Int, count: Int) {
        let entry = unsafe entries.pointer(to: UInt64.self)[index]
        return (Int(truncatingIfNeeded: entry &>> 32), Int(truncatingIfNeeded: entry & 0xFFFF_FFFF))
    }
}

extension BytesValues {
    /// The bytes alone.
    consuming func takeBytes() -> BufferBuilder { bytes }
}

/// Indices into a dictionary of byte arrays.
@safe
final class DictionaryBytesDecoder: BytesDecoder {
    private let page: Buffer
    private let dictionary: BytesDictionary
    private var indices: IndexDecoder

    init(_ page: Buffer, dictionary: BytesDictionary) throws(MartletError) {
        self.page = page
        self.dictionary = dictionary
        indices = try IndexDecoder(page, dictionaryCount: dictionary.count)
    }

    override func decode(_ count: Int, into target: inout BytesValues) throws(MartletError) {
        // Safety: `IndexDecoder` gives only indices of the dictionary, whose bytes have slack behind them.
        let entries = unsafe dictionary.entries.pointer(to: UInt64.self)
        let source = unsafe dictionary.bytes.pointer(to: UInt8.self)
        var lengths = try unsafe target.extendLengths(count)
        var left = count
        while left > 0 {
            switch try unsafe indices.next(limit: left) {
            case .repeated(let index, let length):
                let (start, size) = dictionary.entry(index)
                unsafe lengths.update(repeating: Int32(truncatingIfNeeded: size), count: length)
                var bytes = try unsafe target.extendBytes(try size.multiplied(checked: length))
                for _ in 0..<length {
                    unsafe copyShort(source + start, bytes, size, sourceHasSlack: true)
                    unsafe bytes += size
                }
                unsafe lengths += length
                left -= length
            case .distinct(let block, let length):
                var total = 0
                for i in 0..<length {
                    let size = unsafe Int(truncatingIfNeeded: entries[Int(block[i])] & 0xFFFF_FFFF)
                    unsafe lengths[i] = Int32(truncatingIfNeeded: size)
                    total &+= size
                }
                let bytes = try unsafe target.extendBytes(total)
                // Two loops, so that the short one has no branch.
                if dictionary.isShort {
                    unsafe copyValues(entries, block, length, source, bytes, areShort: true)
                } else {
                    unsafe copyValues(entries, block, length, source, bytes, areShort: false)
                }
                unsafe lengths += length
                left -= length
            }
        }
    }

    @inline(__always)
    private func copyValues(
        _ entries: UnsafePointer<UInt64>, _ block: UnsafePointer<UInt32>, _ count: Int, _ source: UnsafePointer<UInt8>,
        _ target: UnsafeMutablePointer<UInt8>, areShort: Bool
    ) {
        var place = unsafe target
        for i in 0..<count {
            let entry = unsafe entries[Int(block[i])]
            let size = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF)
            let from = unsafe source + Int(truncatingIfNeeded: entry &>> 32)
            if areShort {
                let value = unsafe UnsafeRawPointer(from).loadUnaligned(as: UInt128.self)
                unsafe UnsafeMutableRawPointer(place).storeBytes(of: value, as: UInt128.self)
            } else {
                unsafe copyShort(from, place, size, sourceHasSlack: true)
            }
            unsafe place += size
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try indices.skip(count) }
}

/// Byte strings of one length as values of fixed width, for FIXED_LEN_BYTE_ARRAY in delta strings.
@safe
final class FixedFromBytesDecoder: FixedDecoder {
    private let inner: BytesDecoder

    init(_ inner: BytesDecoder, width: Int) {
        self.inner = inner
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        var values = try BytesValues(capacity: count)
        values.limit = try count.multiplied(checked: width)
        try inner.decode(count, into: &values)
        let lengths = unsafe values.lengths.pointer(to: Int32.self)
        for i in 0..<count {
            guard unsafe Int(lengths[i]) == width else {
                throw unsafe .corrupt("a value of \(lengths[i]) bytes in a column of \(width) bytes")
            }
        }
        // Safety: all lengths are `width`, so there are `count * width` bytes.
        unsafe memcpy(target, values.bytes.address, count * width)
    }

    override func skip(_ count: Int) throws(MartletError) { try inner.skip(count) }
}

/// Decimals as byte strings of any length.
@safe
final class DecimalFromBytesDecoder: FixedDecoder {
    private let inner: BytesDecoder

    init(_ inner: BytesDecoder, width: Int) {
        self.inner = inner
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        var values = try BytesValues(capacity: count)
        try inner.decode(count, into: &values)
        let lengths = unsafe values.lengths.pointer(to: Int32.self)
        var bytes = unsafe UnsafePointer(values.bytes.pointer(to: UInt8.self))
        for i in 0..<count {
            let length = unsafe Int(lengths[i])
            try unsafe storeBigEndian(bytes, byteCount: length, to: target + i * width, width: width)
            unsafe bytes += length
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try inner.skip(count) }
}
