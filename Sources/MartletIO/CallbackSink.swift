public import MartletBase

/// A caller's object, such as a Python file. Called on the calling thread only.
///
/// Small pieces of one call are gathered, because a call into an interpreter costs more than a copy.
@safe
public final class CallbackSink: ByteSink, @unchecked Sendable {
    /// Takes all of the bytes, which are free again when it returns.
    public typealias Write = (_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> Void
    public typealias Close = (_ commits: Bool) throws(MartletError) -> Void

    public let name: String
    public private(set) var position = 0
    private let body: Write
    private var onClose: Close?
    private var isOpen = true
    private var failure: MartletError?

    /// `close` is called once at the end: with true to commit, with false when the write was given up.
    public init(name: String = "<file object>", write: @escaping Write, close: Close? = nil) {
        self.name = name
        unsafe body = write
        onClose = close
    }

    deinit { abort() }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        try ready()
        if bytes.isEmpty { return }
        do throws(MartletError) {
            try unsafe bytes.withUnsafeBytes { source throws(MartletError) in try unsafe body(source) }
        } catch {
            failure = error
            throw error
        }
        position += bytes.byteCount
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        let small = 1 << 16
        var gathered = try BufferBuilder()
        for buffer in buffers {
            if buffer.count < small, gathered.byteCount < 1 << 20 {
                try gathered.append(buffer.bytes)
                continue
            }
            try write(exchange(&gathered, with: BufferBuilder()).bytes)
            try write(buffer.bytes)
        }
        try write(gathered.finish().bytes)
    }

    public func close() throws(MartletError) {
        guard isOpen else { return }
        if let failure {
            abort()
            throw failure
        }
        isOpen = false
        try onClose.take()?(true)
    }

    public func abort() {
        guard isOpen else { return }
        isOpen = false
        try? onClose.take()?(false)
    }

    private func ready() throws(MartletError) {
        if let failure { throw failure }
        guard isOpen else { throw sinkIsClosed(name) }
    }
}

private func exchange(_ builder: inout BufferBuilder, with fresh: consuming BufferBuilder) -> Buffer {
    swap(&builder, &fresh)
    return fresh.finish()
}
