import Glibc
import MartletBase

/// The values of one page where each takes the same number of bytes; null values are not among them.
///
/// Booleans count as bytes of 0 or 1. `page` keeps the bytes that a decoder reads.
class FixedDecoder {
    /// Bytes of a value as `decode` gives it.
    let width: Int

    init(width: Int) { self.width = width }

    /// The next `count` values, in order and without gaps; `target` has room for them.
    func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        throw .notImplemented("this page cannot be decoded")
    }

    func skip(_ count: Int) throws(MartletError) {
        throw .notImplemented("this page cannot be decoded")
    }
}

func pageEnded(_ wanted: Int, _ left: Int) -> MartletError {
    .corrupt("Unexpected end of stream: \(wanted) more values are wanted, the page has \(left)")
}

/// Values back to back (Encodings.md, "Plain").
@safe
final class PlainFixedDecoder: FixedDecoder {
    private let page: Buffer
    private var position = 0

    init(_ page: Buffer, width: Int) {
        self.page = page
        super.init(width: width)
    }

    private func take(_ count: Int) throws(MartletError) -> Int {
        let length = try count.multiplied(checked: width)
        guard length <= page.count - position else {
            throw pageEnded(count, (page.count - position) / max(width, 1))
        }
        let start = position
        position += length
        return start
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        let start = try take(count)
        // Safety: `take` checked that the values lie in the page.
        unsafe memcpy(target, page.pointer(to: UInt8.self) + start, count * width)
    }

    override func skip(_ count: Int) throws(MartletError) { _ = try take(count) }
}

/// Booleans as bits.
@safe
final class PlainBooleanDecoder: FixedDecoder {
    private let page: Buffer
    private var position = 0

    init(_ page: Buffer) {
        self.page = page
        super.init(width: 1)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        guard count <= page.count * 8 - position else { throw pageEnded(count, page.count * 8 - position) }
        // Safety: the guard keeps all bits inside the page.
        let source = unsafe page.pointer(to: UInt8.self)
        let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
        if position & 7 == 0 {
            unsafe spreadBits.withUnsafeBufferPointer { table in
                for i in 0..<count / 8 {
                    unsafe (target + i * 8).storeBytes(of: table[Int(source[position / 8 + i])], as: UInt64.self)
                }
            }
            for i in count & ~7..<count {
                unsafe bytes[i] = source[(position + i) / 8] &>> UInt8(truncatingIfNeeded: i & 7) & 1
            }
        } else {
            unsafe unpackBits(source, byteCount: page.count, bit: position, width: 1, count: count, into: bytes)
        }
        position += count
    }

    override func skip(_ count: Int) throws(MartletError) {
        guard count <= page.count * 8 - position else { throw pageEnded(count, page.count * 8 - position) }
        position += count
    }
}

/// Booleans in runs.
final class RunLengthBooleanDecoder: FixedDecoder {
    private let page: Buffer
    private var runs: HybridDecoder

    init(_ page: Buffer) throws(MartletError) {
        var cursor = ByteCursor(page.bytes)
        let length = try cursor.read(UInt32.self)
        guard Int(length) <= cursor.remaining else {
            throw .corrupt("run-length encoded booleans of \(length) bytes, the page has \(cursor.remaining)")
        }
        self.page = page
        // Safety: `page` lives as long as this decoder.
        runs = try unsafe HybridDecoder(page.pointer(to: UInt8.self) + 4, byteCount: Int(length), width: 1)
        super.init(width: 1)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        try unsafe runs.decode(count, into: target.assumingMemoryBound(to: UInt8.self))
    }

    override func skip(_ count: Int) throws(MartletError) { try runs.skip(count) }
}

/// INT32 or INT64 as differences.
final class DeltaFixedDecoder: FixedDecoder {
    private let page: Buffer
    private var deltas: DeltaDecoder

    init(_ page: Buffer, width: Int) throws(MartletError) {
        self.page = page
        // Safety: `page` lives as long as this decoder.
        deltas = try unsafe DeltaDecoder(page.pointer(to: UInt8.self), byteCount: page.count)
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        if width == 4 {
            try unsafe deltas.decode(count, into: target.assumingMemoryBound(to: UInt32.self))
        } else {
            try unsafe deltas.decode(count, into: target.assumingMemoryBound(to: UInt64.self))
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try deltas.skip(count) }
}

/// The first bytes of all values, then the second ones (Encodings.md, "Byte Stream Split").
@safe
final class SplitFixedDecoder: FixedDecoder {
    private let page: Buffer
    private let count: Int
    private var position = 0

    init(_ page: Buffer, width: Int) throws(MartletError) {
        guard width > 0, page.count % width == 0 else {
            throw .corrupt("byte stream split page of \(page.count) bytes for values of \(width) bytes")
        }
        self.page = page
        count = page.count / width
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        guard count <= self.count - position else { throw pageEnded(count, self.count - position) }
        // Safety: the guard keeps each stream's window inside the page.
        let source = unsafe page.pointer(to: UInt8.self) + position
        let stride = self.count
        switch width {
        case 4:
            let values = unsafe target.assumingMemoryBound(to: UInt32.self)
            for i in 0..<count {
                unsafe values[i] =
                    UInt32(source[i]) | UInt32(source[i &+ stride]) &<< 8 | UInt32(source[i &+ 2 &* stride]) &<< 16
                    | UInt32(source[i &+ 3 &* stride]) &<< 24
            }
        case 8:
            let values = unsafe target.assumingMemoryBound(to: UInt64.self)
            for i in 0..<count {
                var value: UInt64 = 0
                for k in 0..<8 { unsafe value |= UInt64(source[i &+ k &* stride]) &<< UInt64(k &* 8) }
                unsafe values[i] = value
            }
        default:
            let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
            for k in 0..<width {
                let stream = unsafe source + k * stride
                for i in 0..<count { unsafe bytes[i &* width &+ k] = stream[i] }
            }
        }
        position += count
    }

    override func skip(_ count: Int) throws(MartletError) {
        guard count <= self.count - position else { throw pageEnded(count, self.count - position) }
        position += count
    }
}

/// Values of another decoder, made into Arrow's.
@safe
final class ConvertingDecoder: FixedDecoder {
    private let inner: FixedDecoder
    private let conversion: ValueConversion
    private let scratch: BufferBuilder
    private static let blockLength = 1_024

    init(_ inner: FixedDecoder, _ conversion: ValueConversion, width: Int) throws(MartletError) {
        self.inner = inner
        self.conversion = conversion
        scratch = try BufferBuilder(byteCapacity: Self.blockLength * max(inner.width, 1))
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        var done = 0
        while done < count {
            let length = min(count - done, Self.blockLength)
            // Safety: the scratch holds a block, and `target` has room for `count` values.
            try unsafe inner.decode(length, into: scratch.address)
            try unsafe conversion.apply(UnsafeRawPointer(scratch.address), length, target + done * width)
            done += length
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try inner.skip(count) }
}

/// Indices into a dictionary of values (Encodings.md, "Dictionary Encoding").
@safe
final class DictionaryFixedDecoder: FixedDecoder {
    private let page: Buffer
    private let dictionary: Buffer
    private let dictionaryCount: Int
    private var indices: IndexDecoder

    init(_ page: Buffer, dictionary: Buffer, width: Int) throws(MartletError) {
        self.page = page
        self.dictionary = dictionary
        dictionaryCount = width == 0 ? 0 : dictionary.count / width
        indices = try IndexDecoder(page, dictionaryCount: dictionaryCount)
        super.init(width: width)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        switch width {
        case 1: try unsafe gather(count, target.assumingMemoryBound(to: UInt8.self))
        case 2: try unsafe gather(count, target.assumingMemoryBound(to: UInt16.self))
        case 4: try unsafe gather(count, target.assumingMemoryBound(to: UInt32.self))
        case 8: try unsafe gather(count, target.assumingMemoryBound(to: UInt64.self))
        case 16: try unsafe gather(count, target.assumingMemoryBound(to: UInt128.self))
        default:
            let values = unsafe dictionary.pointer(to: UInt8.self)
            let width = self.width
            var done = 0
            while done < count {
                switch try unsafe indices.next(limit: count - done) {
                case .repeated(let index, let length):
                    for i in done..<done + length {
                        unsafe memcpy(target + i * width, values + index * width, width)
                    }
                    done += length
                case .distinct(let block, let length):
                    for i in 0..<length {
                        unsafe memcpy(target + (done + i) * width, values + Int(block[i]) * width, width)
                    }
                    done += length
                }
            }
        }
    }

    @inline(__always)
    private func gather<Value: BitwiseCopyable>(_ count: Int, _ target: UnsafeMutablePointer<Value>)
        throws(MartletError)
    {
        // Safety: `IndexDecoder` gives only indices below `dictionaryCount`.
        let values = unsafe dictionary.pointer(to: Value.self)
        var done = 0
        while done < count {
            switch try unsafe indices.next(limit: count - done) {
            case .repeated(let index, let length):
                unsafe (target + done).update(repeating: values[index], count: length)
                done += length
            case .distinct(let block, let length):
                let part = unsafe target + done
                for i in 0..<length { unsafe part[i] = values[Int(block[i])] }
                done += length
            }
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try indices.skip(count) }
}

/// The indices of a dictionary-encoded page, each checked against the dictionary.
@safe
struct IndexDecoder: ~Copyable {
    private var runs: HybridDecoder
    private let dictionaryCount: Int
    private let block: UnsafeMutablePointer<UInt32>
    private static let blockLength = 1_024

    /// `page` outlives the decoder.
    init(_ page: Buffer, dictionaryCount: Int) throws(MartletError) {
        var cursor = ByteCursor(page.bytes)
        // A page of nulls only may hold nothing at all.
        let width = cursor.isAtEnd ? 0 : try cursor.readByte()
        runs = try unsafe HybridDecoder(
            page.pointer(to: UInt8.self) + cursor.position, byteCount: cursor.remaining, width: Int(width))
        self.dictionaryCount = dictionaryCount
        unsafe block = .allocate(capacity: Self.blockLength)
    }

    deinit { unsafe block.deallocate() }

    @unsafe enum Indices {
        case repeated(Int, count: Int)
        /// Valid until the next call.
        case distinct(UnsafePointer<UInt32>, count: Int)
    }

    /// The next indices, at most `limit` (not 0).
    @inline(__always)
    mutating func next(limit: Int) throws(MartletError) -> Indices {
        switch try runs.next(limit: min(limit, Self.blockLength)) {
        case .repeated(let index, let count):
            guard Int(index) < dictionaryCount else { throw outside(index) }
            return unsafe .repeated(Int(index), count: count)
        case .packed(let bit, let count):
            unsafe runs.unpack(bit: bit, count: count, into: block)
            var largest: UInt32 = 0
            for i in 0..<count { unsafe largest = max(largest, block[i]) }
            guard Int(largest) < dictionaryCount else { throw outside(largest) }
            return unsafe .distinct(UnsafePointer(block), count: count)
        }
    }

    mutating func skip(_ count: Int) throws(MartletError) { try runs.skip(count) }

    private func outside(_ index: UInt32) -> MartletError {
        .corrupt("Index not in dictionary bounds: \(index), the dictionary has \(dictionaryCount) values")
    }
}
