import Glibc

/// An immutable, shared run of bytes: where it starts, how long it is, and who keeps it alive.
///
/// Slicing is O(1) and copies nothing. Memory that Martlet allocates is 64-byte aligned and padded with zeros
/// to a multiple of 64 (Columnar format, "Buffer Alignment and Padding"); memory from outside may be neither.
@safe
public struct Buffer: @unchecked Sendable {
    // Safety: `address ..< address + count` is readable and constant for as long as `owner` lives.
    @usableFromInline package let address: UnsafeRawPointer
    public let count: Int
    @usableFromInline package let owner: MemoryOwner?

    /// A view of memory that `owner` keeps alive. The caller vouches for the range.
    @inlinable
    public init(unsafeAddress address: UnsafeRawPointer, count: Int, owner: MemoryOwner?) {
        unsafe self.address = unsafe address
        self.count = count
        self.owner = owner
    }

    /// No bytes. Its address is valid, aligned and never nil.
    public static let empty = unsafe Buffer(unsafeAddress: UnsafeRawPointer(zeroBlock), count: 0, owner: nil)

    /// A copy of `bytes`.
    public init(copying bytes: RawSpan) throws(MartletError) {
        var builder = try BufferBuilder(byteCapacity: bytes.byteCount)
        try builder.append(bytes)
        self = builder.finish()
    }

    /// A copy of the elements of `array`, in memory order.
    public init<Element: BitwiseCopyable>(_ array: [Element]) throws(MartletError) {
        var builder = try BufferBuilder(byteCapacity: array.count * MemoryLayout<Element>.stride)
        try unsafe builder.append(array.span.bytes)
        self = builder.finish()
    }

    /// `count` zero bytes.
    public init(zeroed count: Int) throws(MartletError) {
        var builder = try BufferBuilder(byteCapacity: count)
        try builder.appendZeros(count)
        self = builder.finish()
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// The bytes, for as long as this buffer is held.
    @inlinable
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safety: the range is readable while `owner` lives, and the span cannot outlive this buffer.
            let span = unsafe RawSpan(_unsafeStart: address, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes as whole elements of `type`; the address must be aligned for it (see `isAligned(to:)`).
    @inlinable
    @_lifetime(borrow self)
    public func span<Element: BitwiseCopyable>(of type: Element.Type) -> Span<Element> {
        // Safety: as for `bytes`; the count is rounded down to whole elements.
        let span = unsafe Span<Element>(
            _unsafeStart: address.assumingMemoryBound(to: Element.self), count: count / MemoryLayout<Element>.stride)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The address as that of elements of `type`. Unsafe: no bounds are checked through it.
    @inlinable
    public func pointer<Element: BitwiseCopyable>(to type: Element.Type) -> UnsafePointer<Element> {
        unsafe address.assumingMemoryBound(to: Element.self)
    }

    /// The address as a number, for foreign callers.
    public var addressBits: Int { unsafe Int(bitPattern: address) }

    @inlinable public func isAligned(to alignment: Int) -> Bool { unsafe Int(bitPattern: address) % alignment == 0 }

    /// The part of `length` bytes that starts at `offset`; throws when it leaves the buffer.
    public func slice(at offset: Int, count length: Int) throws(MartletError) -> Buffer {
        try checkWindow(offset: offset, length: length, count: count, "buffer slice")
        return unsafe Buffer(unsafeAddress: address + offset, count: length, owner: owner)
    }

    /// This buffer, or a copy of it whose address is a multiple of `alignment`.
    public func aligned(to alignment: Int) throws(MartletError) -> Buffer {
        isAligned(to: alignment) ? self : try Buffer(copying: bytes)
    }

    /// Whether the bytes are the same.
    public func hasSameBytes(as other: Buffer) -> Bool {
        unsafe count == other.count && (address == other.address || memcmp(address, other.address, count) == 0)
    }
}

/// 64 zero bytes for buffers that hold nothing.
private nonisolated(unsafe) let zeroBlock: UnsafeMutableRawPointer = {
    let block = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    unsafe memset(block, 0, 64)
    return unsafe block
}()
