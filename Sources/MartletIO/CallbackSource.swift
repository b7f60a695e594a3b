public import MartletBase

/// Bytes that a caller's object gives, such as a Python file. Read on the calling thread only.
@safe
public final class CallbackSource: ByteSource, @unchecked Sendable {
    /// Fills the memory with the bytes at the offset and returns how many there were; 0 is the end.
    public typealias Read = (_ offset: Int, _ destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int

    public let byteCount: Int
    public let name: String
    // Safety: called on the thread that called into Martlet, which `isThreadSafe` tells everyone.
    private let body: Read

    public init(byteCount: Int, name: String = "<file object>", read: @escaping Read) {
        self.byteCount = byteCount
        self.name = name
        unsafe body = read
    }

    public var isThreadSafe: Bool { false }

    public func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        try checkRange(at: offset, count: destination.count)
        var done = 0
        while done < destination.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[done...])
            let count = try unsafe body(offset + done, rest)
            guard count > 0, count <= rest.count else {
                throw MartletError(
                    .ioError,
                    "\(name) gave \(count) bytes at offset \(offset + done), expected 1 to \(rest.count)")
            }
            done += count
        }
    }
}
