import Glibc
public import MartletBase

/// A file that appears whole or not at all.
///
/// Bytes go to `.name.martlet-<pid>-<random>` in the same directory. `close()` writes them back, gives the file its
/// name and writes the directory back; until then, and after `abort()`, a failure or a kill, whatever had that name
/// before is untouched. A symbolic link is followed, and a file that is replaced keeps its mode. Pipes and devices
/// are written plainly. So is an existing file in a directory that lets nobody make a second one.
///
/// A forked child can neither write to its parent's sink nor commit nor remove it.
public final class AtomicFileSink: ByteSink, @unchecked Sendable {
    public let name: String
    public private(set) var position = 0

    /// Where the file will be, links followed.
    private let target: String
    /// Where it is until then; nil when the target is written plainly.
    private let temporary: String?
    /// -1 while suspended and after the end.
    private var descriptor: Int32
    private var isOpen = true
    private var failure: MartletError?
    private var writtenBack = 0
    private let isDurable: Bool
    /// File systems write a file back when it takes another's name; less is left for then when it started early.
    private let replacesContent: Bool
    private let owner = getpid()
    private let writer: DescriptorWriter
    private var system: SystemCalls { writer.system }

    /// Makes the temporary file. `isDurable` false leaves the writing back to the kernel: after a loss of power the
    /// file may then be there and empty. `MARTLET_FSYNC=0` in the environment does that for all sinks.
    public convenience init(path: String, isDurable: Bool = true) throws(MartletError) {
        try self.init(path: path, isDurable: isDurable, system: SystemCalls())
    }

    package init(path: String, isDurable: Bool = true, system: SystemCalls) throws(MartletError) {
        try Path.validate(path)
        let place = try Target(path, system)
        name = path
        target = place.path
        replacesContent = place.exists
        writer = DescriptorWriter(system: system, name: path)
        self.isDurable = isDurable && !Self.fsyncIsOff
        (descriptor, temporary) = try place.open(system)
    }

    private static let fsyncIsOff: Bool = {
        guard let text = unsafe getenv("MARTLET_FSYNC") else { return false }
        return unsafe strcmp(text, "0") == 0
    }()

    deinit { abort() }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) { try writer.write(bytes, to: descriptor) } catch { throw failed(error) }
        advance(by: bytes.byteCount)
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        let descriptor = try ready()
        do throws(MartletError) {
            if temporary != nil, isDurable || replacesContent {
                try writer.write(buffers, to: descriptor, at: position, writtenBack: &writtenBack)
            } else {
                try writer.write(buffers, to: descriptor)
            }
        } catch {
            throw failed(error)
        }
        advance(by: totalByteCount(buffers))
    }

    /// Gives the descriptor back until the next write or the end, so that thousands of files can be written at a
    /// time. Plainly written targets keep theirs.
    public func suspend() {
        guard temporary != nil, descriptor >= 0, failure == nil else { return }
        // Thousands of small files are written back together at the end.
        if position - writtenBack >= 1 << 20 { startWriteback() }
        let result = system.close(descriptor)
        descriptor = -1
        if result < 0 { failure = .system(result, "Error writing bytes to file '\(name)'") }
    }

    public func close() throws(MartletError) {
        guard isOpen else { return }
        defer { abort() }
        try prepare(syncing: isDurable)
        try commit()
        if isDurable, temporary != nil { try Self.syncDirectory(Path.parent(target), system) }
    }

    public func abort() {
        guard isOpen else { return }
        isOpen = false
        if descriptor >= 0 { system.close(descriptor) }
        descriptor = -1
        if let temporary, getpid() == owner { system.unlink(temporary) }
    }

    /// Commits many files with few waits: everything is written back first, then each gets its name.
    ///
    /// When one cannot be written back, none is committed. The renames happen one after the other; when one fails,
    /// those before it stay.
    public static func commitAll(_ sinks: [AtomicFileSink]) throws(MartletError) {
        let open = sinks.filter(\.isOpen)
        defer { for sink in open { sink.abort() } }
        guard let first = open.first else { return }
        // Beyond a few files one write-back of the whole file system is cheaper than one for each.
        let together = open.count > 8 && open.contains(where: \.isDurable)
        for sink in open {
            if sink.descriptor >= 0 { sink.startWriteback() }
        }
        for sink in open { try sink.prepare(syncing: sink.isDurable && !together) }
        if together { try syncFileSystem(of: first) }
        for sink in open { try sink.commit() }
        if together { return try syncFileSystem(of: first) }
        var directories = Set<String>()
        for sink in open where sink.isDurable && sink.temporary != nil {
            let directory = Path.parent(sink.target)
            if directories.insert(directory).inserted { try syncDirectory(directory, sink.system) }
        }
    }

    private func ready() throws(MartletError) -> Int32 {
        if let failure { throw failure }
        guard isOpen else { throw sinkIsClosed(name) }
        if getpid() != owner { throw openedElsewhere(name) }
        if descriptor < 0 { try resume() }
        return descriptor
    }

    private func resume() throws(MartletError) {
        guard let temporary else { throw sinkIsClosed(name) }
        let opened = system.open(temporary, O_WRONLY)
        guard opened >= 0 else { throw failed(.cannotOpen(temporary, opened)) }
        descriptor = Int32(opened)
        let result = system.seek(descriptor, to: position)
        if result < 0 { throw failed(.system(result, "Error writing bytes to file '\(name)'")) }
    }

    private func failed(_ error: MartletError) -> MartletError {
        failure = error
        return error
    }

    private func advance(by byteCount: Int) {
        position += byteCount
        // The disk works while the next bytes are still being made, so that the last wait is short.
        if isDurable, position - writtenBack >= 8 << 20 { startWriteback() }
    }

    private func startWriteback() {
        guard isDurable, temporary != nil, position > writtenBack else { return }
        system.startWriteback(descriptor, from: writtenBack, count: position - writtenBack)
        writtenBack = position
    }

    /// Everything before the file gets its name.
    private func prepare(syncing: Bool) throws(MartletError) {
        if let failure { throw failure }
        if getpid() != owner { throw openedElsewhere(name) }
        if syncing, temporary != nil {
            let result = system.fsync(try ready())
            if result < 0 { throw failed(.system(result, "Error writing bytes to file '\(name)'")) }
        }
        guard descriptor >= 0 else { return }
        let result = system.close(descriptor)
        descriptor = -1
        if result < 0 { throw failed(.system(result, "Failed to close file '\(name)'")) }
    }

    private func commit() throws(MartletError) {
        if let temporary {
            let result = system.rename(temporary, target)
            if result < 0 { throw failed(.system(result, "Failed to give file '\(name)' its name")) }
        }
        isOpen = false
    }

    private static func syncDirectory(_ path: String, _ system: SystemCalls) throws(MartletError) {
        let opened = system.open(path, O_RDONLY | O_DIRECTORY)
        // A directory that may be written but not read cannot be synced; the file is there all the same.
        guard opened >= 0 else { return }
        defer { system.close(Int32(opened)) }
        let result = system.fsync(Int32(opened))
        if result < 0 { throw .system(result, "Failed to sync directory '\(path)'") }
    }

    private static func syncFileSystem(of sink: AtomicFileSink) throws(MartletError) {
        let opened = sink.system.open(Path.parent(sink.target), O_RDONLY | O_DIRECTORY)
        guard opened >= 0 else { throw .cannotOpen(Path.parent(sink.target), opened) }
        defer { sink.system.close(Int32(opened)) }
        let result = sink.system.syncfs(Int32(opened))
        if result < 0 { throw .system(result, "Error writing bytes to file '\(sink.name)'") }
    }
}
