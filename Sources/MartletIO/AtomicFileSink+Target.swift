import Glibc
import MartletBase

extension AtomicFileSink {
    /// What stands at the place a file is to be written to.
    struct Target {
        let path: String
        /// nil when there is nothing yet.
        private var mode: mode_t?

        init(_ path: String, _ system: SystemCalls) throws(MartletError) {
            self.path = try Self.followLinks(path, system)
            var status = stat()
            let result = system.query(self.path, &status)
            if result < 0 {
                guard result == -Int(ENOENT) else { throw .cannotOpen(path, result) }
                return
            }
            mode = status.st_mode
            // A new file could take a read-only one's place, but whoever made it read-only did not want that.
            if status.st_mode & S_IFMT == S_IFREG, unsafe access(self.path, W_OK) != 0 {
                throw .cannotOpen(path, -Int(errno))
            }
        }

        var exists: Bool { mode != nil }

        /// The descriptor to write to, and the temporary name behind it unless the target is written plainly.
        func open(_ system: SystemCalls) throws(MartletError) -> (Int32, String?) {
            if let mode, mode & S_IFMT != S_IFREG { return (try openPlainly(system), nil) }
            let directory = Path.parent(path)
            // The name may be as long as the file system allows; the temporary one is no longer.
            let stem = String(decoding: Path.name(path).utf8.prefix(200), as: UTF8.self)
            for _ in 0..<64 {
                let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
                let temporary = Path.join(directory, ".\(stem).martlet-\(getpid())-\(suffix)")
                let opened = system.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
                if opened >= 0 {
                    if let mode { _ = fchmod(Int32(opened), mode & 0o7777) }
                    return (Int32(opened), temporary)
                }
                switch Int32(-opened) {
                case EEXIST: continue
                case EACCES, EPERM, EROFS:
                    if mode != nil { return (try openPlainly(system), nil) }
                    throw .cannotOpen(path, opened)
                default: throw .cannotOpen(path, opened)
                }
            }
            throw .cannotOpen(path, -Int(EEXIST))
        }

        private func openPlainly(_ system: SystemCalls) throws(MartletError) -> Int32 {
            let opened = system.open(path, O_WRONLY | O_TRUNC)
            guard opened >= 0 else { throw .cannotOpen(path, opened) }
            return Int32(opened)
        }

        /// The path behind the links, also when nothing is there yet.
        private static func followLinks(_ path: String, _ system: SystemCalls) throws(MartletError) -> String {
            var current = path
            for _ in 0..<40 {
                var status = stat()
                guard system.query(current, &status, followingLinks: false) >= 0, status.st_mode & S_IFMT == S_IFLNK
                else { return current }
                let room = Int(PATH_MAX)
                let target = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { bytes -> String? in
                    let count = unsafe readlink(current, bytes.baseAddress!, room)
                    return count < 0 ? nil : unsafe String(decoding: bytes[..<count], as: UTF8.self)
                }
                guard let target else { throw .cannotOpen(path, -Int(errno)) }
                // Links in /proc name open files in a way that only the kernel can follow.
                var behind = stat()
                let next = Path.join(Path.parent(current), target)
                if system.query(current, &status) >= 0, status.st_mode & S_IFMT != S_IFREG { return current }
                if system.query(current, &status) >= 0, system.query(next, &behind) < 0 { return current }
                current = next
            }
            throw .cannotOpen(path, -Int(ELOOP))
        }
    }
}
