import Glibc
public import MartletBase

/// A file that is written in place: the old content goes at once, and whatever was written stays.
public final class FileSink: ByteSink, @unchecked Sendable {
    public let name: String
    public private(set) var position: Int
    private var descriptor: Int32
    private var failure: MartletError?
    private let owner = getpid()
    private let writer: DescriptorWriter
    /// File systems write a file back before it is closed when other content was there before. That wait is short when
    /// most of it has been done along the way.
    private let replacesContent: Bool
    private var writtenBack = 0

    /// Opens or makes `path`; `append` keeps what is there and writes behind it.
    public convenience init(path: String, append: Bool = false) throws(MartletError) {
        try self.init(path: path, append: append, system: SystemCalls())
    }

    package init(path: String, append: Bool, system: SystemCalls) throws(MartletError) {
        try Path.validate(path)
        var status = stat()
        replacesContent = !append && system.query(path, &status) >= 0 && status.st_size > 0
        let opened = system.open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC))
        guard opened >= 0 else { throw .cannotOpen(path, opened) }
        descriptor = Int32(opened)
        name = path
        writer = DescriptorWriter(system: system, name: path)
        position = append && system.query(descriptor, &status) >= 0 ? status.st_size : 0
    }

    deinit { abort() }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) { try writer.write(bytes, to: descriptor) } catch { throw failed(error) }
        position += bytes.byteCount
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) {
            if replacesContent {
                try writer.write(buffers, to: descriptor, at: position, writtenBack: &writtenBack)
            } else {
                try writer.write(buffers, to: descriptor)
            }
        } catch {
            throw failed(error)
        }
        position += totalByteCount(buffers)
    }

    public func close() throws(MartletError) {
        if descriptor < 0 { return }
        defer { abort() }
        if let failure { throw failure }
        let result = writer.system.close(descriptor)
        descriptor = -1
        if result < 0 { throw .system(result, "Failed to close file '\(name)'") }
    }

    public func abort() {
        if descriptor >= 0 { writer.system.close(descriptor) }
        descriptor = -1
    }

    private func ready() throws(MartletError) -> Int32 {
        if let failure { throw failure }
        guard descriptor >= 0 else { throw sinkIsClosed(name) }
        if getpid() != owner { throw openedElsewhere(name) }
        return descriptor
    }

    private func failed(_ error: MartletError) -> MartletError {
        failure = error
        return error
    }
}

/// A forked child shares the position of the parent's descriptor: both writing would mix their bytes.
func openedElsewhere(_ name: String) -> MartletError {
    .invalid("file '\(name)' was opened for writing in the parent process; open it again in this one")
}
