import Glibc
public import MartletBase

/// Reads a pipe, a socket, a terminal or a file from where it stands. Never reads ahead: what follows the last byte
/// asked for is left to whoever reads next.
public final class DescriptorStreamSource: ByteStreamSource, @unchecked Sendable {
    public let name: String
    public private(set) var position = 0
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private let system: SystemCalls

    /// `descriptor` stays the caller's, unless `ownsDescriptor`: then it is closed with this source.
    public convenience init(descriptor: Int32, ownsDescriptor: Bool = false) throws(MartletError) {
        try self.init(
            descriptor: descriptor, ownsDescriptor: ownsDescriptor, name: "<descriptor \(descriptor)>",
            system: SystemCalls())
    }

    /// Opens `path`, which may be a FIFO.
    public convenience init(path: String) throws(MartletError) {
        try Path.validate(path)
        let system = SystemCalls()
        let opened = system.open(path, O_RDONLY)
        guard opened >= 0 else { throw .cannotOpen(path, opened) }
        try self.init(descriptor: Int32(opened), ownsDescriptor: true, name: path, system: system)
    }

    package init(descriptor: Int32, ownsDescriptor: Bool, name: String, system: SystemCalls) throws(MartletError) {
        self.descriptor = descriptor
        self.ownsDescriptor = ownsDescriptor
        self.name = name
        self.system = system
        var status = stat()
        let result = system.query(descriptor, &status)
        if result < 0 { throw .system(result, "Cannot read from '\(name)'") }
        if status.st_mode & S_IFMT == S_IFDIR { throw .cannotOpen(name, -Int(EISDIR)) }
        widenPipe(descriptor, status)
    }

    deinit { if ownsDescriptor { system.close(descriptor) } }

    public func read(into destination: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
        guard let target = destination.baseAddress else { return 0 }
        var done = 0
        while done < destination.count {
            // Safety: `done` stays below `destination.count`, and the call transfers at most the rest.
            let result = unsafe system.read(descriptor, target + done, destination.count - done)
            if result < 0 { throw .system(result, "Error reading bytes from '\(name)'") }
            if result == 0 { break }
            done += result
        }
        position += done
        return done
    }
}

/// Lets a pipe hold 1 MiB, so that writer and reader switch sixteen times less often. A pipe that may not grow stays
/// as it is.
func widenPipe(_ descriptor: Int32, _ status: stat) {
    let setPipeSize: Int32 = 1_031
    if status.st_mode & S_IFMT == S_IFIFO { _ = fcntl(descriptor, setPipeSize, 1 << 20 as Int32) }
}
