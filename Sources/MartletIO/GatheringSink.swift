public import MartletBase

/// Gathers small writes before another sink, so that small files are made of few system calls.
///
/// What has been gathered goes on when it is large enough, at `flush()` and at `close()`; errors come up then.
public final class GatheringSink: ByteSink, @unchecked Sendable {
    /// The sink behind.
    public let base: any ByteSink
    public var name: String { base.name }
    public private(set) var position: Int
    private var waiting: [Buffer] = []
    private var waitingByteCount = 0
    private static let enough = 1 << 18

    public init(_ base: any ByteSink) {
        self.base = base
        position = base.position
    }

    public func write(_ bytes: RawSpan) throws(MartletError) { try write([try Buffer(copying: bytes)]) }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        waiting += buffers
        let count = totalByteCount(buffers)
        waitingByteCount += count
        position += count
        if waitingByteCount >= Self.enough { try flush() }
    }

    public func flush() throws(MartletError) {
        if waiting.isEmpty { return }
        let ready = waiting
        discard()
        try base.write(ready)
    }

    public func close() throws(MartletError) {
        do throws(MartletError) { try flush() } catch {
            base.abort()
            throw error
        }
        try base.close()
    }

    public func abort() {
        discard()
        base.abort()
    }

    private func discard() {
        waiting = []
        waitingByteCount = 0
    }
}
