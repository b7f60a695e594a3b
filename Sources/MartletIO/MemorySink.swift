public import MartletBase

/// Writes to memory; `finish()` gives it as one buffer, without a copy.
public final class MemorySink: ByteSink, @unchecked Sendable {
    public let name = "<buffer>"
    public private(set) var position = 0
    private var builder: BufferBuilder?
    private var finished: Buffer?

    public init(byteCapacity: Int = 0) throws(MartletError) { builder = try BufferBuilder(byteCapacity: byteCapacity) }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        guard builder != nil else { throw sinkIsClosed(name) }
        try builder?.append(bytes)
        position += bytes.byteCount
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        guard builder != nil else { throw sinkIsClosed(name) }
        try builder?.reserve(totalByteCount(buffers))
        for buffer in buffers { try write(buffer.bytes) }
    }

    public func close() throws(MartletError) { take() }

    /// Closes, and gives everything that was written; the same buffer each time.
    public func finish() throws(MartletError) -> Buffer {
        take()
        guard let finished else { throw .invalid("Operation on closed file '\(name)': the write was aborted") }
        return finished
    }

    public func abort() { builder = nil }

    private func take() {
        if let builder = builder.take() { finished = builder.finish() }
    }
}
