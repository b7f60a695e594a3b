public import MartletBase

/// A source of positions, read one byte after the other.
public final class PositionalStreamSource: ByteStreamSource, @unchecked Sendable {
    private let source: any ByteSource
    public private(set) var position: Int

    /// Begins at byte `start`, or at the end when that is before it.
    public init(_ source: any ByteSource, at start: Int = 0) {
        self.source = source
        position = min(max(start, 0), source.byteCount)
    }

    public var name: String { source.name }

    public func read(_ count: Int) throws(MartletError) -> Buffer {
        guard count >= 0 else { throw .invalid("Cannot read \(count) bytes from '\(name)'") }
        let part = try source.read(at: position, count: min(count, source.byteCount - position))
        position += part.count
        return part
    }

    public func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
        let count = min(destination.count, source.byteCount - position)
        try unsafe source.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: destination[..<count]))
        position += count
        return count
    }
}
