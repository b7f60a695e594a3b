import Glibc
public import MartletBase

/// A file that is read at positions. Threads and forked children share it: no position is kept anywhere.
public final class FileSource: ByteSource {
    public let byteCount: Int
    public let name: String
    private let descriptor: Int32
    private let system: SystemCalls

    /// Opens `path`. Throws `ioError` with the `errno`, pyarrow's wording.
    public convenience init(path: String) throws(MartletError) {
        try self.init(path: path, system: SystemCalls())
    }

    package init(path: String, system: SystemCalls) throws(MartletError) {
        (descriptor, byteCount) = try openForReading(path, system)
        name = path
        self.system = system
    }

    deinit { system.close(descriptor) }

    public func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        try checkRange(at: offset, count: destination.count)
        guard let target = destination.baseAddress else { return }
        var done = 0
        while done < destination.count {
            // Safety: `done` stays below `destination.count`, and the call transfers at most the rest.
            let result = unsafe system.pread(descriptor, target + done, destination.count - done, at: offset + done)
            if result < 0 { throw .system(result, "Error reading bytes from file '\(name)'") }
            if result == 0 {
                throw MartletError(
                    .ioError,
                    "File '\(name)' changed while it was read: it had \(byteCount) bytes and ends at \(offset + done)")
            }
            done += result
        }
    }

    public func willRead(at offset: Int, count: Int) {
        _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_WILLNEED)
    }
}

/// Opens a regular file (or block device) and tells its size.
func openForReading(_ path: String, _ system: SystemCalls) throws(MartletError) -> (Int32, Int) {
    try Path.validate(path)
    let opened = system.open(path, O_RDONLY | O_NONBLOCK)
    guard opened >= 0 else { throw .cannotOpen(path, opened) }
    let descriptor = Int32(opened)
    var status = stat()
    let result = system.query(descriptor, &status)
    guard result >= 0 else {
        system.close(descriptor)
        throw .cannotOpen(path, result)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return (descriptor, status.st_size)
    case S_IFDIR:
        system.close(descriptor)
        throw .cannotOpen(path, -Int(EISDIR))
    default:
        system.close(descriptor)
        throw MartletError(
            .ioError, "Cannot read '\(path)' at positions: it is not a regular file. Read it as a stream")
    }
}
