/// A checked reader over bytes from outside: every read says whether it fits, and errors give the position.
///
/// Numbers are little-endian, as in every format that Martlet reads.
package struct ByteCursor: ~Escapable {
    package let bytes: RawSpan
    package private(set) var position: Int = 0

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) { self.bytes = bytes }

    @inlinable package var remaining: Int { bytes.byteCount &- position }
    @inlinable package var isAtEnd: Bool { position >= bytes.byteCount }

    @inline(__always)
    package mutating func read<Value: BitwiseCopyable>(_ type: Value.Type) throws(MartletError) -> Value {
        guard remaining >= MemoryLayout<Value>.size else { throw ended(MemoryLayout<Value>.size) }
        // Safety: the guard keeps the load inside the span.
        let value = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: Value.self)
        position &+= MemoryLayout<Value>.size
        return value
    }

    @inline(__always)
    package mutating func readByte() throws(MartletError) -> UInt8 { try read(UInt8.self) }

    /// Unsigned LEB128 (Thrift's and Parquet's varint), at most 10 bytes.
    @inline(__always)
    package mutating func readVarint() throws(MartletError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            if shift == 63 && byte > 1 { throw .corrupt("varint does not fit 64 bits at byte \(position)") }
            result |= UInt64(byte & 0x7F) &<< shift
            if byte & 0x80 == 0 { return result }
            shift &+= 7
            if shift > 63 { throw .corrupt("varint longer than 10 bytes at byte \(position)") }
        }
    }

    /// A varint in zigzag form.
    @inline(__always)
    package mutating func readZigZag() throws(MartletError) -> Int64 {
        let raw = try readVarint()
        return Int64(bitPattern: raw &>> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// The next `count` bytes.
    @_lifetime(copy self)
    package mutating func readSpan(_ count: Int) throws(MartletError) -> RawSpan {
        guard count >= 0, count <= remaining else { throw ended(count) }
        let start = position
        position &+= count
        return bytes.extracting(start..<start &+ count)
    }

    package mutating func skip(_ count: Int) throws(MartletError) {
        guard count >= 0, count <= remaining else { throw ended(count) }
        position &+= count
    }

    @inline(never)
    private func ended(_ wanted: Int) -> MartletError {
        .corrupt("unexpected end of data at byte \(position): \(wanted) bytes wanted, \(remaining) left")
    }
}
