public import MartletBase

/// Bytes in memory, read one after the other as slices.
public final class BufferStreamSource: ByteStreamSource, @unchecked Sendable {
    public let buffer: Buffer
    public let name: String
    public private(set) var position = 0

    public init(_ buffer: Buffer, name: String = "<buffer>") {
        self.buffer = buffer
        self.name = name
    }

    public func read(_ count: Int) throws(MartletError) -> Buffer {
        guard count >= 0 else { throw .invalid("Cannot read \(count) bytes from '\(name)'") }
        let part = try buffer.slice(at: position, count: min(count, buffer.count - position))
        position += part.count
        return part
    }

    public func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
        let count = min(destination.count, buffer.count - position)
        try unsafe copy(buffer, at: position, into: UnsafeMutableRawBufferPointer(rebasing: destination[..<count]))
        position += count
        return count
    }
}
