import Glibc
import MartletBase

/// The one door to the operating system: every call of this room goes through here.
///
/// Calls that a signal interrupted are made again. A result below 0 is a negated `errno`. Tests put an `intercept` in
/// to make the k-th call fail, or transfer only a part.
package struct SystemCalls: Sendable {
    package enum Name: Sendable, CaseIterable {
        case open, close, read, pread, write, writev, fsync, syncfs, rename, unlink, stat, seek, truncate, mmap, mkdir,
            list
    }

    package enum Fault: Sendable {
        /// The call fails with this `errno` and is not made.
        case error(Int32)
        /// The call transfers at most this many bytes.
        case short(Int)
    }

    package let intercept: (@Sendable (Name) -> Fault?)?

    package init(intercept: (@Sendable (Name) -> Fault?)? = nil) { self.intercept = intercept }

    /// Makes the call until no signal interrupts it.
    @inline(__always)
    private func funnel(_ name: Name, limit wanted: Int = 0, _ call: (_ limit: Int) -> Int) -> Int {
        while true {
            var limit = wanted
            if let fault = intercept?(name) {
                switch fault {
                case .error(let number):
                    if number == EINTR { continue }
                    return -Int(number)
                case .short(let most): limit = min(limit, max(1, most))
                }
            }
            let result = call(limit)
            if result >= 0 { return result }
            let number = errno
            if number != EINTR { return -Int(number) }
        }
    }

    func open(_ path: String, _ flags: Int32, mode: mode_t = 0o666) -> Int {
        funnel(.open) { _ in Int(unsafe Glibc.open(path, flags | O_CLOEXEC, mode)) }
    }

    /// Linux has given the descriptor up even when a signal interrupted the call, so this one is never repeated.
    @discardableResult
    func close(_ descriptor: Int32) -> Int {
        if case .error(let number)? = intercept?(.close) {
            _ = Glibc.close(descriptor)
            return -Int(number)
        }
        if Glibc.close(descriptor) == 0 { return 0 }
        return errno == EINTR ? 0 : -Int(errno)
    }

    func read(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        waiting(descriptor, POLLIN) {
            funnel(.read, limit: count) { limit in unsafe Glibc.read(descriptor, target, limit) }
        }
    }

    func pread(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int, at offset: Int) -> Int {
        funnel(.pread, limit: count) { limit in unsafe Glibc.pread(descriptor, target, limit, offset) }
    }

    func write(_ descriptor: Int32, _ source: UnsafeRawPointer, _ count: Int) -> Int {
        waiting(descriptor, POLLOUT) {
            funnel(.write, limit: count) { limit in unsafe Glibc.write(descriptor, source, limit) }
        }
    }

    func writev(_ descriptor: Int32, _ parts: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        waiting(descriptor, POLLOUT) {
            funnel(.writev, limit: Int.max) { limit in
                // A part of a call can only be asked for by way of its first range.
                if limit < Int.max {
                    return unsafe Glibc.write(descriptor, parts[0].iov_base, min(limit, parts[0].iov_len))
                }
                return unsafe Glibc.writev(descriptor, parts, Int32(count))
            }
        }
    }

    /// A descriptor that does not block (a socket with a timeout) is waited for.
    @inline(__always)
    private func waiting(_ descriptor: Int32, _ event: Int32, _ call: () -> Int) -> Int {
        while true {
            let result = call()
            guard result == -Int(EAGAIN) else { return result }
            var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            if unsafe poll(&request, 1, -1) < 0 && errno != EINTR { return -Int(errno) }
        }
    }

    func fsync(_ descriptor: Int32) -> Int {
        let result = funnel(.fsync) { _ in Int(Glibc.fsync(descriptor)) }
        // Pipes, devices and some network file systems have nothing to sync.
        return result == -Int(EINVAL) || result == -Int(EROFS) ? 0 : result
    }

    /// Writes back the whole file system that `descriptor` is on.
    func syncfs(_ descriptor: Int32) -> Int {
        funnel(.syncfs) { _ in Int(Gnu.syncfs?(descriptor) ?? Glibc.fsync(descriptor)) }
    }

    /// Lets the kernel start to write a range back; only a hint.
    func startWriteback(_ descriptor: Int32, from offset: Int, count: Int) {
        _ = Gnu.syncFileRange?(descriptor, offset, count, 2)
    }

    func rename(_ old: String, _ new: String) -> Int {
        funnel(.rename) { _ in Int(unsafe Glibc.rename(old, new)) }
    }

    @discardableResult
    func unlink(_ path: String) -> Int { funnel(.unlink) { _ in Int(unsafe Glibc.unlink(path)) } }

    func removeDirectory(_ path: String) -> Int { funnel(.unlink) { _ in Int(unsafe Glibc.rmdir(path)) } }

    func query(_ path: String, _ status: inout stat, followingLinks: Bool = true) -> Int {
        funnel(.stat) { _ in
            Int(followingLinks ? unsafe stat(path, &status) : unsafe lstat(path, &status))
        }
    }

    func query(_ descriptor: Int32, _ status: inout stat) -> Int {
        funnel(.stat) { _ in Int(unsafe fstat(descriptor, &status)) }
    }

    func seek(_ descriptor: Int32, to offset: Int) -> Int {
        funnel(.seek) { _ in Glibc.lseek(descriptor, offset, SEEK_SET) }
    }

    func truncate(_ descriptor: Int32, to count: Int) -> Int {
        funnel(.truncate) { _ in Int(Glibc.ftruncate(descriptor, count)) }
    }

    func makeDirectory(_ path: String) -> Int {
        funnel(.mkdir) { _ in Int(unsafe Glibc.mkdir(path, 0o777)) }
    }

    /// Maps a whole file for reading.
    func map(_ descriptor: Int32, count: Int) -> (result: Int, address: UnsafeMutableRawPointer?) {
        var address: UnsafeMutableRawPointer?
        let result = funnel(.mmap) { _ in
            unsafe address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
            return unsafe address == MAP_FAILED ? -1 : 0
        }
        return unsafe (result, result == 0 ? address : nil)
    }
}

/// Linux calls that stand behind _GNU_SOURCE in the C headers and are looked up by name.
private enum Gnu {
    typealias SyncFileRange = @convention(c) (Int32, Int, Int, UInt32) -> Int32
    typealias SyncFS = @convention(c) (Int32) -> Int32

    static let syncFileRange: SyncFileRange? = {
        guard let symbol = unsafe dlsym(nil, "sync_file_range") else { return nil }
        return unsafe unsafeBitCast(symbol, to: SyncFileRange.self)
    }()
    static let syncfs: SyncFS? = {
        guard let symbol = unsafe dlsym(nil, "syncfs") else { return nil }
        return unsafe unsafeBitCast(symbol, to: SyncFS.self)
    }()
}

extension MartletError {
    /// An error of the operating system in pyarrow's words: `what. Detail: [errno 2] No such file or directory`.
    /// `result` is what `SystemCalls` returned.
    static func system(_ result: Int, _ what: String) -> MartletError {
        let number = Int32(truncatingIfNeeded: -result)
        let text = unsafe String(cString: strerror(number))
        return MartletError(.ioError, "\(what). Detail: [errno \(number)] \(text)", systemError: number)
    }

    static func cannotOpen(_ path: String, _ result: Int) -> MartletError {
        .system(result, "Failed to open local file '\(path)'")
    }
}
