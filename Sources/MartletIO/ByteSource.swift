public import MartletBase

/// Bytes at positions: a file, a mapped file, memory, a caller's object.
public protocol ByteSource: AnyObject, Sendable {
    /// How many bytes there are; constant.
    var byteCount: Int { get }
    /// What error messages call this source: a path, or `<buffer>` and the like.
    var name: String { get }
    /// Whether any thread may read. When false, only the thread that called into Martlet may.
    var isThreadSafe: Bool { get }

    /// The `count` bytes at `offset`. Memory and mapped files give slices, without a copy.
    ///
    /// Throws `ioError` when the range leaves the source, and what the operating system reports.
    func read(at offset: Int, count: Int) throws(MartletError) -> Buffer

    /// Fills `destination` with the bytes at `offset`.
    func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError)

    /// These bytes are wanted soon; only a hint.
    func willRead(at offset: Int, count: Int)

    /// Throws when bytes that were handed out may no longer be what they were: a mapped file that was shortened. Worth
    /// asking after decoding from slices.
    func checkUnchanged() throws(MartletError)
}

extension ByteSource {
    public var isThreadSafe: Bool { true }

    public func read(at offset: Int, count: Int) throws(MartletError) -> Buffer {
        try checkRange(at: offset, count: count)
        let builder = try BufferBuilder(uninitializedCount: count)
        // Safety: the builder holds `count` bytes, all of which are written, or the call throws.
        try unsafe read(at: offset, into: UnsafeMutableRawBufferPointer(start: builder.address, count: count))
        return builder.finish()
    }

    public func willRead(at offset: Int, count: Int) {}

    public func checkUnchanged() throws(MartletError) {}

    /// All bytes.
    public func readAll() throws(MartletError) -> Buffer { try read(at: 0, count: byteCount) }

    func checkRange(at offset: Int, count: Int) throws(MartletError) {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount &- offset else {
            throw MartletError(
                .ioError,
                "Read out of bounds in '\(name)' (offset = \(offset), size = \(count)) of \(byteCount) bytes")
        }
    }
}
