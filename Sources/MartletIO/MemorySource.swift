public import MartletBase

/// Bytes in memory. What is read are slices of the one buffer.
public final class MemorySource: ByteSource {
    public let buffer: Buffer
    public let name: String

    public init(_ buffer: Buffer, name: String = "<buffer>") {
        self.buffer = buffer
        self.name = name
    }

    public var byteCount: Int { buffer.count }

    public func read(at offset: Int, count: Int) throws(MartletError) -> Buffer {
        try checkRange(at: offset, count: count)
        return try buffer.slice(at: offset, count: count)
    }

    public func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        try checkRange(at: offset, count: destination.count)
        try unsafe copy(buffer, at: offset, into: destination)
    }
}

func copy(_ buffer: Buffer, at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
    let part = try buffer.slice(at: offset, count: destination.count)
    unsafe part.bytes.withUnsafeBytes { unsafe destination.copyMemory(from: $0) }
}
