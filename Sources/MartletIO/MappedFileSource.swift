import Glibc
public import MartletBase

/// A file mapped into memory. What is read are slices of the mapping; nothing is copied.
///
/// A mapped file that another process shortens would kill this one with SIGBUS. `MappingGuard` turns that into zero
/// bytes, and the next read of this source throws. `MARTLET_SIGBUS=0` in the environment switches the guard off.
public final class MappedFileSource: ByteSource {
    /// The whole file.
    public let buffer: Buffer
    public let name: String
    private let mapping: Mapping?

    public convenience init(path: String) throws(MartletError) {
        try self.init(path: path, system: SystemCalls())
    }

    package init(path: String, system: SystemCalls) throws(MartletError) {
        let (descriptor, byteCount) = try openForReading(path, system)
        name = path
        guard byteCount > 0 else {
            system.close(descriptor)
            buffer = .empty
            mapping = nil
            return
        }
        let (result, address) = unsafe system.map(descriptor, count: byteCount)
        guard let address = unsafe address else {
            system.close(descriptor)
            throw .system(result, "Memory mapping file '\(path)' failed")
        }
        let mapping = unsafe Mapping(address, byteCount, descriptor, system)
        self.mapping = mapping
        // Safety: the mapping is `byteCount` bytes long and lives as long as its owner.
        buffer = unsafe Buffer(unsafeAddress: address, count: byteCount, owner: mapping)
    }

    public var byteCount: Int { buffer.count }

    public func read(at offset: Int, count: Int) throws(MartletError) -> Buffer {
        try checkRange(at: offset, count: count)
        try checkUnchanged()
        return try buffer.slice(at: offset, count: count)
    }

    public func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        try checkRange(at: offset, count: destination.count)
        try checkUnchanged()
        try unsafe copy(buffer, at: offset, into: destination)
        try checkUnchanged()
    }

    public func willRead(at offset: Int, count: Int) { mapping?.willRead(at: offset, count: count) }

    /// Throws when the file has become shorter, or when bytes of it could no longer be read and were replaced by
    /// zeros. Worth asking again after decoding from slices.
    public func checkUnchanged() throws(MartletError) {
        guard let mapping, !mapping.isWhole else { return }
        throw MartletError(
            .ioError, "file changed while mapped: '\(name)' had \(byteCount) bytes when it was opened")
    }
}

/// The mapped range, unmapped with the last buffer that looks at it.
@safe
private final class Mapping: MemoryOwner, @unchecked Sendable {
    private let address: UnsafeMutableRawPointer
    private let count: Int
    private let descriptor: Int32
    private let ticket: MappingGuard.Ticket?
    private let system: SystemCalls

    init(_ address: UnsafeMutableRawPointer, _ count: Int, _ descriptor: Int32, _ system: SystemCalls) {
        unsafe self.address = unsafe address
        self.count = count
        self.descriptor = descriptor
        self.system = system
        ticket = unsafe MappingGuard.register(address, count)
    }

    deinit {
        if let ticket { MappingGuard.withdraw(ticket) }
        unsafe munmap(address, count)
        system.close(descriptor)
    }

    var isWhole: Bool {
        if let ticket, MappingGuard.isPoisoned(ticket) { return false }
        var status = stat()
        return system.query(descriptor, &status) < 0 || status.st_size >= count
    }

    func willRead(at offset: Int, count length: Int) {
        let page = Int(getpagesize())
        let start = max(0, min(offset, count)) / page * page
        let end = min(count, max(0, offset.addingReportingOverflow(length).partialValue))
        if end > start { unsafe _ = madvise(address + start, end - start, Int32(MADV_WILLNEED)) }
    }
}
