public import MartletBase

/// Bytes in memory, read one after the other: slices, but for what lies in two buffers.
public final class BufferStreamSource: ByteStreamSource, @unchecked Sendable {
    public let name: String
    public private(set) var position = 0
    /// What is left, the next buffer last.
    private var rest: [Buffer]

    /// The bytes of all `buffers`, as if they were one.
    public init(_ buffers: [Buffer], name: String = "<buffer>") {
        rest = buffers.reversed()
        self.name = name
    }

    public convenience init(_ buffer: Buffer, name: String = "<buffer>") { self.init([buffer], name: name) }

    public func read(_ count: Int) throws(MartletError) -> Buffer {
        guard count >= 0 else { throw .invalid("Cannot read \(count) bytes from '\(name)'") }
        var parts: [Buffer] = []
        var missing = count
        while missing > 0, let part = try take(missing) {
            parts.append(part)
            missing -= part.count
        }
        if parts.count == 1 { return parts[0] }
        var builder = try BufferBuilder(byteCapacity: count - missing)
        for part in parts { try builder.append(part.bytes) }
        return builder.finish()
    }

    public func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
        var filled = 0
        while filled < destination.count, let part = try take(destination.count - filled) {
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[filled..<filled + part.count])
            try unsafe copy(part, at: 0, into: target)
            filled += part.count
        }
        return filled
    }

    /// Up to `count` bytes of the next buffer that has any.
    private func take(_ count: Int) throws(MartletError) -> Buffer? {
        while let next = rest.popLast() {
            if next.isEmpty { continue }
            let part = try next.slice(at: 0, count: min(count, next.count))
            if part.count < next.count { rest.append(try next.slice(at: part.count, count: next.count - part.count)) }
            position += part.count
            return part
        }
        return nil
    }
}
