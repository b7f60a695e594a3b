public import MartletBase

/// The slots of a string or binary array of variable length, already sliced.
///
/// `init` checks the ends of the offsets only; offsets of arrays from outside are checked once, where they come
/// in (`validate`). A slot whose offsets run backwards or past the end reads as empty.
@safe
public struct BytesArray<Offset: OffsetValue>: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let count: Int
    // Safety: `count + 1` offsets, in memory that `data` keeps alive.
    @usableFromInline package let offsets: UnsafePointer<Offset>
    @usableFromInline package let bytes: Buffer

    public init(_ data: ArrayData, as type: Offset.Type = Offset.self) throws(MartletError) {
        guard data.type.storage.isVariableBinary, data.type.layout.buffers[0].byteWidth == MemoryLayout<Offset>.size else {
            throw .type("array of \(data.type) has no \(MemoryLayout<Offset>.size * 8)-bit byte offsets")
        }
        self.data = data
        validity = data.usedValidityBitmap
        count = data.count
        bytes = data.buffers[1]
        unsafe offsets = try checkedOffsets(data, end: bytes.count)
    }

    /// Where slot `index` lies in the bytes.
    @inlinable public func range(_ index: Int) -> Range<Int> {
        assert(index >= 0 && index < count)
        let start = unsafe Int(truncatingIfNeeded: offsets[index])
        let end = unsafe Int(truncatingIfNeeded: offsets[index &+ 1])
        return start >= 0 && start <= end && end <= bytes.count ? unsafe Range(uncheckedBounds: (start, end)) : 0..<0
    }

    /// The bytes of slot `index`, for as long as this view is held. The caller keeps `index` below `count`.
    @inlinable
    @_lifetime(borrow self)
    public func bytes(_ index: Int) -> RawSpan {
        let range = range(index)
        // Safety: `range` keeps inside the buffer.
        let span = unsafe RawSpan(
            _unsafeStart: bytes.pointer(to: UInt8.self) + range.lowerBound, byteCount: range.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Slot `index` as text; damaged UTF-8 is repaired with U+FFFD.
    public func string(_ index: Int) -> String {
        unsafe bytes(index).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}

/// The slots of an array of opaque bytes of one width, already sliced: fixed-size binaries, decimals of 256 bits, intervals
/// of more than one number.
@safe
public struct FixedBytesArray: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let count: Int
    public let byteWidth: Int
    // Safety: `count * byteWidth` bytes, in memory that `data` keeps alive.
    @usableFromInline package let base: UnsafePointer<UInt8>

    public init(_ data: ArrayData) throws(MartletError) {
        guard case .fixedBytes(let width) = data.type.layout.buffers.first else {
            throw .type("array of \(data.type) is not fixed-size binary")
        }
        let end = try data.offset.adding(checked: data.count).multiplied(checked: width)
        guard data.buffers[0].count >= end else {
            throw .invalid("values buffer of \(data.type) is too short: \(data.buffers[0].count) bytes for \(end)")
        }
        self.data = data
        validity = data.usedValidityBitmap
        count = data.count
        byteWidth = width
        unsafe base = data.buffers[0].pointer(to: UInt8.self) + data.offset * width
    }

    @inlinable
    @_lifetime(borrow self)
    public func bytes(_ index: Int) -> RawSpan {
        assert(index >= 0 && index < count)
        let span = unsafe RawSpan(_unsafeStart: base + index &* byteWidth, byteCount: byteWidth)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}

/// The `count + 1` offsets of an array's slots in buffer 0; checks that they are there and that the first and the
/// last lie in order within `end`. An array of no slots may have no offsets at all, or one that leads nowhere.
package func checkedOffsets<Offset: OffsetValue>(_ data: ArrayData, end: Int) throws(MartletError) -> UnsafePointer<Offset> {
    let buffer = data.buffers[0]
    let needed = try data.offset.adding(checked: data.count).adding(checked: 1).multiplied(
        checked: MemoryLayout<Offset>.stride)
    if data.count == 0 { return unsafe Buffer.empty.pointer(to: Offset.self) }
    guard buffer.count >= needed, buffer.isAligned(to: MemoryLayout<Offset>.alignment) else {
        throw .invalid("offsets buffer of \(data.type) is too short or misaligned: \(buffer.count) bytes for \(needed)")
    }
    let offsets = unsafe buffer.pointer(to: Offset.self) + data.offset
    let first = unsafe Int(offsets[0])
    let last = unsafe Int(offsets[data.count])
    guard first >= 0, first <= last, last <= end else {
        throw .invalid("offsets of \(data.type) run from \(first) to \(last), but there are \(end)")
    }
    return unsafe offsets
}
