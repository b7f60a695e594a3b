import Glibc
public import MartletBase

/// Bytes that come to stand behind those of a file: all of them or none.
///
/// They go to a journal beside the file, `.name.martlet-append`, so that the file stays as it is and can be read. `close()`
/// ends the journal with a trailer, and only then copies it behind the file. A process that dies before leaves the file
/// untouched; one that dies while copying leaves a file that `complete` makes whole from the journal. Whoever holds the
/// journal's lock is the only one who appends.
public final class AppendingSink: ByteSink, @unchecked Sendable {
    public let name: String
    /// Where the next byte will be in the file.
    public private(set) var position: Int

    private let start: Int
    private let isDurable: Bool
    private var journal: Journal?
    private var failure: MartletError?
    private let owner = getpid()
    private let writer: DescriptorWriter

    /// Begins to append to the file at `path`, after an append that was cut off has been completed or cleared away.
    public convenience init(path: String, isDurable: Bool = true) throws(MartletError) {
        try self.init(path: path, isDurable: isDurable, system: SystemCalls())
    }

    package init(path: String, isDurable: Bool, system: SystemCalls) throws(MartletError) {
        let journal = try Journal(path, system)
        do throws(MartletError) {
            try journal.settle()
            start = try journal.targetByteCount()
        } catch {
            journal.removeIfEmpty()
            throw error
        }
        name = path
        position = start
        writer = DescriptorWriter(system: system, name: path)
        self.isDurable = isDurable
        self.journal = journal
    }

    deinit { abort() }

    /// Completes an append to `path` that was cut off, or clears its remains away; whether the file now has more bytes.
    public static func complete(_ path: String) throws(MartletError) -> Bool {
        let journal = try Journal(path, SystemCalls())
        defer { journal.removeIfEmpty() }
        return try journal.settle()
    }

    public func write(_ bytes: RawSpan) throws(MartletError) {
        let journal = try ready()
        do throws(MartletError) { try writer.write(bytes, to: journal.descriptor) } catch { throw failed(error) }
        position += bytes.byteCount
    }

    public func write(_ buffers: [Buffer]) throws(MartletError) {
        let journal = try ready()
        do throws(MartletError) { try writer.write(buffers, to: journal.descriptor) } catch { throw failed(error) }
        position += totalByteCount(buffers)
    }

    public func close() throws(MartletError) {
        guard journal != nil else { return }
        defer { abort() }
        let journal = try ready()
        do throws(MartletError) {
            try journal.end(Journal.Trailer(start: start, count: position - start), writer, isDurable: isDurable)
            try journal.copy(from: start, count: position - start, isDurable: isDurable)
        } catch { throw failed(error) }
    }

    public func abort() {
        if getpid() == owner { journal?.remove() }
        journal = nil
    }

    private func ready() throws(MartletError) -> Journal {
        if let failure { throw failure }
        guard let journal else { throw sinkIsClosed(name) }
        if getpid() != owner { throw openedElsewhere(name) }
        return journal
    }

    private func failed(_ error: MartletError) -> MartletError {
        failure = error
        return error
    }
}

/// The bytes that are to be appended, then a trailer, in a file of their own.
private final class Journal {
    /// What the copy needs to know; it is there when all bytes before it are.
    struct Trailer {
        /// The file's bytes before the append, and those that follow.
        var start: Int
        var count: Int
        static let byteCount = 32
        static let magic: UInt64 = 0x4150_5045_4E44_4D4C
    }

    private let target: String
    private let path: String
    private(set) var descriptor: Int32
    /// Whether the file was left with a part of what is in here.
    private var isNeeded = false
    private let system: SystemCalls

    /// Takes the journal of the file at `path`, what was in it included.
    init(_ path: String, _ system: SystemCalls) throws(MartletError) {
        try Path.validate(path)
        let place = try AtomicFileSink.Target(path, system)
        guard place.exists else { throw .cannotOpen(path, -Int(ENOENT)) }
        target = place.path
        self.path = Path.join(Path.parent(target), ".\(Path.name(target)).martlet-append")
        self.system = system
        descriptor = -1
        while true {
            let opened = system.open(self.path, O_RDWR | O_CREAT)
            guard opened >= 0 else { throw .cannotOpen(self.path, opened) }
            descriptor = Int32(opened)
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let number = -Int(errno)
                system.close(descriptor)
                descriptor = -1
                throw .system(number, "another writer appends to '\(path)'; wait for it to close the file")
            }
            // The one before may have removed it between the two calls.
            var mine = stat()
            var there = stat()
            let result = min(system.query(descriptor, &mine), system.query(self.path, &there))
            if result >= 0, mine.st_ino == there.st_ino { return }
            if result < 0, result != -Int(ENOENT) {
                removeIfEmpty()
                throw .system(result, "Failed to query file '\(self.path)'")
            }
            system.close(descriptor)
            descriptor = -1
        }
    }

    deinit { if descriptor >= 0 { system.close(descriptor) } }

    func remove() {
        guard descriptor >= 0 else { return }
        if !isNeeded { system.unlink(path) }
        system.close(descriptor)
        descriptor = -1
    }

    /// What is in it may be all that there is of an append.
    func removeIfEmpty() {
        var mine = stat()
        if descriptor >= 0, system.query(descriptor, &mine) >= 0, mine.st_size == 0 { remove() }
    }

    func targetByteCount() throws(MartletError) -> Int { try status(of: target).st_size }

    private func status(of path: String) throws(MartletError) -> stat {
        var status = stat()
        let result = system.query(path, &status)
        if result < 0 { throw .system(result, "Failed to query file '\(path)'") }
        return status
    }

    /// Does what an earlier journal says if it is whole, and empties it.
    @discardableResult
    func settle() throws(MartletError) -> Bool {
        var mine = stat()
        let result = system.query(descriptor, &mine)
        if result < 0 { throw failed(result) }
        var isCopied = false
        if mine.st_size >= Trailer.byteCount, let trailer = try trailer(mine.st_size - Trailer.byteCount) {
            try copy(from: trailer.start, count: trailer.count, isDurable: true)
            isCopied = true
        }
        if mine.st_size > 0 {
            let result = system.truncate(descriptor, to: 0)
            if result < 0 { throw failed(result) }
            let place = system.seek(descriptor, to: 0)
            if place < 0 { throw failed(place) }
        }
        return isCopied
    }

    /// The trailer behind `count` bytes, if it is one and about the file that is there.
    private func trailer(_ count: Int) throws(MartletError) -> Trailer? {
        let target = try status(of: target)
        var words: [UInt64] = [0, 0, 0, 0]
        let length = unsafe words.withUnsafeMutableBytes { bytes in
            // Safety: the four words have 32 bytes.
            unsafe system.pread(descriptor, bytes.baseAddress!, Trailer.byteCount, at: count)
        }
        guard length == Trailer.byteCount, words[0] == Trailer.magic, words[3] == UInt64(target.st_ino),
            let start = Int(exactly: words[1]), words[2] == UInt64(count), target.st_size >= start,
            target.st_size - start <= count
        else { return nil }
        return Trailer(start: start, count: count)
    }

    func end(_ trailer: Trailer, _ writer: DescriptorWriter, isDurable: Bool) throws(MartletError) {
        // The trailer must not be on the disk before what it vouches for.
        try sync(descriptor, isDurable)
        let inode = UInt64(try status(of: target).st_ino)
        let words = [Trailer.magic, UInt64(trailer.start), UInt64(trailer.count), inode]
        let trailer = try Buffer(words)
        try writer.write(trailer.bytes, to: descriptor)
        try sync(descriptor, isDurable)
    }

    private func sync(_ descriptor: Int32, _ isDurable: Bool) throws(MartletError) {
        if !isDurable { return }
        let result = system.fsync(descriptor)
        if result < 0 { throw failed(result) }
    }

    /// Copies the journal's first `count` bytes to the file's byte `start`, which becomes its end before.
    func copy(from start: Int, count: Int, isDurable: Bool) throws(MartletError) {
        let opened = system.open(target, O_WRONLY)
        guard opened >= 0 else { throw .cannotOpen(target, opened) }
        let output = Int32(opened)
        defer { system.close(output) }
        var result = system.truncate(output, to: start)
        if result >= 0 { result = system.seek(output, to: start) }
        if result < 0 { throw failed(result) }
        do throws(MartletError) {
            let writer = DescriptorWriter(system: system, name: target)
            let room = 1 << 20
            let memory = try HeapMemory(byteCount: room)
            var done = 0
            while done < count {
                // Safety: the memory holds `room` bytes.
                let got = unsafe system.pread(descriptor, memory.address, min(room, count - done), at: done)
                guard got > 0 else { throw failed(got == 0 ? -Int(EIO) : got) }
                try unsafe writer.write(
                    RawSpan(_unsafeStart: UnsafeRawPointer(memory.address), byteCount: got), to: output)
                done += got
            }
            try sync(output, isDurable)
        } catch {
            // If not even that is possible, the journal is needed.
            isNeeded = system.truncate(output, to: start) < 0
            throw error
        }
    }

    private func failed(_ result: Int) -> MartletError { .system(result, "Error writing bytes to file '\(target)'") }
}
