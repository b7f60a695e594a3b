public import MartletBase

/// Bytes that a caller's object gives one after the other. Read on the calling thread only.
@safe
public final class CallbackStreamSource: ByteStreamSource, @unchecked Sendable {
    /// Writes bytes to the memory and returns how many; 0 is the end.
    public typealias Read = (_ destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int

    public let name: String
    public private(set) var position = 0
    private let body: Read

    public init(name: String = "<file object>", read: @escaping Read) {
        self.name = name
        unsafe body = read
    }

    public func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
        var done = 0
        while done < destination.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[done...])
            let count = try unsafe body(rest)
            if count == 0 { break }
            guard count > 0, count <= rest.count else {
                throw MartletError(.ioError, "\(name) gave \(count) bytes, expected 0 to \(rest.count)")
            }
            done += count
        }
        position += done
        return done
    }
}
