import Glibc
import MartletBase

/// Reals that were decimal numbers of few digits (AlpEncoding.md): integers in vectors, and the values that were none.
@safe
final class AlpDecoder<Real: AlpReal>: FixedDecoder {
    private let page: Buffer
    private let count: Int
    private let vectorCount: Int
    /// The next value.
    private var position = 0
    /// The vector that is taken in parts, and its values.
    private var openVector = -1
    private let open: BufferBuilder

    private static var headerByteCount: Int { 7 }
    private static var vectorHeaderByteCount: Int { 5 + MemoryLayout<Real>.size }

    /// `limit` is how many values the page can have at most.
    init(_ page: Buffer, limit: Int) throws(MartletError) {
        var cursor = ByteCursor(page.bytes)
        let mode = try cursor.readByte()
        let integers = try cursor.readByte()
        let logarithm = try cursor.readByte()
        let count = Int(try cursor.read(Int32.self))
        guard mode == 0, integers == 0 else {
            throw .notImplemented("ALP of compression mode \(mode) with integers encoded as \(integers) is not supported")
        }
        guard logarithm >= 3, logarithm <= 15 else {
            throw .corrupt("ALP vectors of 2^\(logarithm) values cannot be; there are 2^3 to 2^15")
        }
        guard count >= 0, count <= limit else { throw .corrupt("\(count) ALP values in a page of \(limit) values") }
        vectorCount = 1 << Int(logarithm)
        let vectors = (count + vectorCount - 1) / vectorCount
        guard vectors <= cursor.remaining / 4 else {
            throw .corrupt("\(vectors) ALP vectors, but \(cursor.remaining) bytes are left for their offsets")
        }
        self.page = page
        self.count = count
        open = try BufferBuilder(byteCapacity: count == 0 ? 0 : vectorCount * MemoryLayout<Real>.size)
        super.init(width: MemoryLayout<Real>.size)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        guard count <= self.count - position else { throw pageEnded(count, self.count - position) }
        var done = 0
        while done < count {
            let vector = position / vectorCount
            let start = position - vector * vectorCount
            let whole = min(vectorCount, self.count - vector * vectorCount)
            let length = min(count - done, whole - start)
            // Safety: `target` has room for `count` values, and `open` for a vector.
            let place = unsafe target + done * width
            if length == whole {
                try unsafe decodeVector(vector, whole, into: place)
            } else {
                if openVector != vector {
                    openVector = -1
                    try unsafe decodeVector(vector, whole, into: open.address)
                    openVector = vector
                }
                unsafe memcpy(place, open.address + start * width, length * width)
            }
            position += length
            done += length
        }
    }

    override func skip(_ count: Int) throws(MartletError) {
        guard count <= self.count - position else { throw pageEnded(count, self.count - position) }
        position += count
    }

    /// The `length` values of a vector; `target` has room for them.
    private func decodeVector(_ vector: Int, _ length: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        let page = self.page
        var offsets = ByteCursor(page.bytes)
        try offsets.skip(Self.headerByteCount + vector * 4)
        let offset = Int(try offsets.read(UInt32.self))
        var cursor = ByteCursor(page.bytes)
        try cursor.skip(Self.headerByteCount + offset)
        let exponent = Int(try cursor.readByte())
        let factor = Int(try cursor.readByte())
        let exceptionCount = Int(try cursor.read(UInt16.self))
        let base = try cursor.read(Real.Packed.self)
        let bits = Int(try cursor.readByte())
        guard exponent < Real.powers.count, factor <= exponent, bits <= Real.Packed.bitWidth, exceptionCount <= length
        else {
            throw .corrupt(
                "ALP vector of exponent \(exponent), factor \(factor), \(bits) bits and \(exceptionCount) exceptions in "
                    + "\(length) values cannot be")
        }
        let packed = cursor.position
        let positions = packed + (length * bits + 7) / 8
        let exceptions = positions + exceptionCount * 2
        guard exceptions + exceptionCount * width <= page.count else {
            throw .corrupt("ALP vector \(vector) ends behind its page of \(page.count) bytes")
        }
        // Safety: the guard keeps all parts of the vector inside the page; integers become reals in their own places.
        let source = unsafe page.pointer(to: UInt8.self)
        let integers = unsafe target.assumingMemoryBound(to: Real.Packed.self)
        unsafe unpackBits(source, byteCount: positions, bit: packed * 8, width: bits, count: length, into: integers)
        let (up, down) = (Real.powers[factor], Real.inversePowers[exponent])
        for i in 0..<length {
            let whole = unsafe Real.Whole(truncatingIfNeeded: integers[i] &+ base)
            unsafe integers[i] = (Real(whole) * up * down).bitPattern
        }
        for i in 0..<exceptionCount {
            let place = unsafe Int((source + positions + i * 2).loadUnaligned(as: UInt16.self))
            guard place < length else { throw .corrupt("ALP exception of value \(place) in a vector of \(length)") }
            unsafe integers[place] = (source + exceptions + i * width).loadUnaligned(as: Real.Packed.self)
        }
    }
}

extension UnsafePointer<UInt8> {
    @inline(__always)
    fileprivate func loadUnaligned<Value: BitwiseCopyable>(as type: Value.Type) -> Value {
        unsafe UnsafeRawPointer(self).loadUnaligned(as: type)
    }
}
