import Glibc
public import MartletBase

/// A pipe, a socket or an open file. Bytes are handed over with each call; a reader sees them at once.
public final class DescriptorSink: ByteSink, @unchecked Sendable {
    public let name: String
    public private(set) var position = 0
    private var descriptor: Int32
    private let ownsDescriptor: Bool
    private var failure: MartletError?
    private let writer: DescriptorWriter

    /// `descriptor` stays the caller's, unless `ownsDescriptor`: then `close()` and `abort()` close it.
    public convenience init(descriptor: Int32, ownsDescriptor: Bool = false) throws(MartletError) {
        try self.init(descriptor: descriptor, ownsDescriptor: ownsDescriptor, system: SystemCalls())
    }

    package init(descriptor: Int32, ownsDescriptor: Bool, system: SystemCalls) throws(MartletError) {
        name = "<descriptor \(descriptor)>"
        var status = stat()
        let result = system.query(descriptor, &status)
        if result < 0 { throw .system(result, "Cannot write to '\(name)'") }
        self.descriptor = descriptor
        self.ownsDescriptor = ownsDescriptor
        writer = DescriptorWriter(system: system, name: name)
        widenPipe(descriptor, status)
    }

    deinit { abort() }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) { try writer.write(bytes, to: descriptor) } catch { throw failed(error) }
        position += bytes.byteCount
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) { try writer.write(buffers, to: descriptor) } catch { throw failed(error) }
        position += totalByteCount(buffers)
    }

    public func close() throws(MartletError) {
        if descriptor < 0 { return }
        defer { abort() }
        if let failure { throw failure }
        guard ownsDescriptor else { return }
        let result = writer.system.close(descriptor)
        descriptor = -1
        if result < 0 { throw .system(result, "Failed to close '\(name)'") }
    }

    public func abort() {
        if descriptor >= 0, ownsDescriptor { writer.system.close(descriptor) }
        descriptor = -1
    }

    private func ready() throws(MartletError) -> Int32 {
        if let failure { throw failure }
        guard descriptor >= 0 else { throw sinkIsClosed(name) }
        return descriptor
    }

    private func failed(_ error: MartletError) -> MartletError {
        failure = error
        return error
    }
}
