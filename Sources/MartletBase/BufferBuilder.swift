import Glibc

/// Growing memory that becomes a `Buffer` without a copy.
///
/// Amortised O(1) appends. `finish()` consumes the builder, zeroes the padding and is O(1).
@safe
public struct BufferBuilder: ~Copyable {
    @usableFromInline package var memory: HeapMemory
    /// Bytes written so far.
    @usableFromInline package var count: Int

    public init(byteCapacity: Int = 0) throws(MartletError) {
        memory = try HeapMemory(byteCount: byteCapacity.adding(checked: 0))
        count = 0
    }

    /// A builder whose `count` bytes are there at once and not initialised: fill them through `address`.
    package init(uninitializedCount count: Int) throws(MartletError) {
        memory = try HeapMemory(byteCount: count)
        self.count = count
    }

    public var byteCount: Int { count }
    @usableFromInline package var capacity: Int { memory.capacity }
    /// The start of the memory. It moves when the builder grows.
    @inlinable package var address: UnsafeMutableRawPointer { unsafe memory.address }

    /// The start of the memory as elements of `type`.
    @inlinable package func pointer<Element: BitwiseCopyable>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
        unsafe memory.address.assumingMemoryBound(to: Element.self)
    }

    /// Makes room for `byteCount` more bytes.
    @inlinable
    public mutating func reserve(_ byteCount: Int) throws(MartletError) {
        let needed = try count.adding(checked: byteCount)
        if needed > memory.capacity { try grow(to: needed) }
    }

    @usableFromInline
    mutating func grow(to needed: Int) throws(MartletError) {
        let larger = try HeapMemory(byteCount: max(needed, min(memory.capacity, Int.max / 4) * 2))
        unsafe memcpy(larger.address, memory.address, count)
        memory = larger
    }

    /// Makes room for `byteCount` more bytes, counts them as written and returns where they start.
    @inlinable
    package mutating func extend(by byteCount: Int) throws(MartletError) -> UnsafeMutableRawPointer {
        try reserve(byteCount)
        let start = unsafe memory.address + count
        count += byteCount
        return unsafe start
    }

    /// Shortens what is written to `byteCount` bytes.
    package mutating func truncate(to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        count = byteCount
    }

    public mutating func append(_ bytes: RawSpan) throws(MartletError) {
        if bytes.isEmpty { return }
        let target = try unsafe extend(by: bytes.byteCount)
        // Safety: `extend` made room for exactly these bytes, and the two ranges are distinct memory.
        unsafe bytes.withUnsafeBytes { source in unsafe _ = memcpy(target, source.baseAddress!, source.count) }
    }

    @inlinable
    public mutating func append<Value: BitwiseCopyable>(_ value: Value) throws(MartletError) {
        let target = try unsafe extend(by: MemoryLayout<Value>.size)
        unsafe target.storeBytes(of: value, as: Value.self)
    }

    public mutating func appendZeros(_ byteCount: Int) throws(MartletError) {
        let target = try unsafe extend(by: byteCount)
        unsafe memset(target, 0, byteCount)
    }

    /// The bytes written so far, as an immutable buffer.
    public consuming func finish() -> Buffer {
        let end = min(count.roundedUp(to: 64), memory.capacity)
        unsafe memset(memory.address + count, 0, end - count)
        return unsafe Buffer(unsafeAddress: memory.address, count: count, owner: memory)
    }
}
