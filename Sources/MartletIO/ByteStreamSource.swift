public import MartletBase

/// Bytes one after the other: a pipe, a socket, memory, a caller's object. One thread at a time.
public protocol ByteStreamSource: AnyObject, Sendable {
    /// What error messages call this source.
    var name: String { get }
    /// How many bytes have been read.
    var position: Int { get }

    /// The next `count` bytes; fewer only at the end, none when it was reached before. Memory gives slices.
    ///
    /// `count` may come from the stream itself: memory is taken as the bytes arrive, not as they are promised.
    func read(_ count: Int) throws(MartletError) -> Buffer

    /// Fills `destination` and returns how many bytes there were; fewer only at the end.
    func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int
}

extension ByteStreamSource {
    public func read(_ count: Int) throws(MartletError) -> Buffer {
        guard count > 0 else {
            if count == 0 { return .empty }
            throw .invalid("Cannot read \(count) bytes from '\(name)'")
        }
        // Untouched memory costs nothing, but an absurd promise must not be taken at its word.
        let firstStep = 256 << 20
        var step = min(count, firstStep)
        var builder = try BufferBuilder(byteCapacity: step)
        while true {
            let target = try unsafe builder.extend(by: step)
            let got = try unsafe read(into: UnsafeMutableRawBufferPointer(start: target, count: step))
            if got < step {
                builder.truncate(to: builder.byteCount - (step - got))
                break
            }
            if builder.byteCount == count { break }
            step = min(count - builder.byteCount, builder.byteCount)
        }
        return builder.finish()
    }

    /// Everything up to the end.
    public func readAll() throws(MartletError) -> Buffer {
        var builder = try BufferBuilder()
        var step = 1 << 16
        while true {
            let target = try unsafe builder.extend(by: step)
            let got = try unsafe read(into: UnsafeMutableRawBufferPointer(start: target, count: step))
            if got < step {
                builder.truncate(to: builder.byteCount - (step - got))
                return builder.finish()
            }
            step = min(builder.byteCount, 64 << 20)
        }
    }
}
