import Glibc
public import MartletBase

/// What a path leads to.
public struct FileStatus: Sendable, Equatable {
    public enum Kind: Sendable, Equatable { case file, directory, other }
    public var kind: Kind
    public var byteCount: Int
    /// Nanoseconds since 1970.
    public var modificationTime: Int64
}

/// A file or directory below a listed one.
public struct DirectoryEntry: Sendable, Equatable {
    /// The listed directory's path, and the way down from it.
    public var path: String
    public var status: FileStatus
}

/// Directories and files as a whole.
public enum FileSystem {
    /// What `path` leads to, links followed; nil when nothing is there.
    public static func status(of path: String) throws(MartletError) -> FileStatus? {
        try Path.validate(path)
        var status = stat()
        let result = SystemCalls().query(path, &status)
        if result == -Int(ENOENT) || result == -Int(ENOTDIR) { return nil }
        if result < 0 { throw .system(result, "Failed to query file '\(path)'") }
        return FileStatus(status)
    }

    /// Makes `path` and the directories above it that are missing.
    public static func createDirectories(_ path: String) throws(MartletError) {
        try Path.validate(path)
        let system = SystemCalls()
        var missing: [String] = []
        var current = Path.withoutTrailingSlashes(path)
        while true {
            let result = system.makeDirectory(current)
            if result >= 0 || result == -Int(EEXIST) { break }
            let parent = Path.parent(current)
            guard result == -Int(ENOENT), parent != current else { throw cannotCreate(path, result) }
            missing.append(current)
            current = parent
        }
        for directory in missing.reversed() {
            // Another process may be making the same tree.
            let result = system.makeDirectory(directory)
            if result < 0 && result != -Int(EEXIST) { throw cannotCreate(path, result) }
        }
        if try status(of: path)?.kind != .directory { throw cannotCreate(path, -Int(ENOTDIR)) }
    }

    private static func cannotCreate(_ path: String, _ result: Int) -> MartletError {
        .system(result, "Cannot create directory '\(path)'")
    }

    /// What is in the directory `path`, in the order of the paths' bytes, links followed; `recursive` goes down into
    /// the directories found, each listed before what it holds. Entries that vanish meanwhile are left out.
    ///
    /// Throws when there are more than `limit` entries or more than 100 levels.
    public static func list(_ path: String, recursive: Bool = false, limit: Int = 10_000_000)
        throws(MartletError) -> [DirectoryEntry]
    {
        try Path.validate(path)
        var entries: [DirectoryEntry] = []
        // Directories still to go into, the next one last, each with its level.
        var open = [(path: path, level: 0)]
        while let directory = open.popLast() {
            guard directory.level <= 100 else {
                throw MartletError(
                    .ioError, "Cannot list directory '\(path)': more than 100 levels, or a link that leads back")
            }
            if directory.level > 0 {
                guard let status = try status(of: directory.path) else { continue }
                entries.append(DirectoryEntry(path: directory.path, status: status))
                if entries.count > limit {
                    throw MartletError(.ioError, "Cannot list directory '\(path)': more than \(limit) entries")
                }
                guard status.kind == .directory, recursive else { continue }
            }
            guard let names = try names(in: directory.path, isRoot: directory.level == 0) else { continue }
            for name in names.reversed() { open.append((Path.join(directory.path, name), directory.level + 1)) }
        }
        return entries
    }

    /// Sorted; nil when the directory vanished.
    private static func names(in path: String, isRoot: Bool) throws(MartletError) -> [String]? {
        guard let directory = unsafe opendir(path) else {
            let result = -Int(errno)
            if result == -Int(ENOENT) && !isRoot { return nil }
            throw .system(result, "Cannot list directory '\(path)'")
        }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else {
                if errno != 0 { throw .system(-Int(errno), "Cannot list directory '\(path)'") }
                break
            }
            // Safety: the name is a C string that stays until the next call.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Gives a file another name on the same file system; what had that name before is gone.
    public static func rename(_ old: String, to new: String) throws(MartletError) {
        try Path.validate(old)
        try Path.validate(new)
        let result = SystemCalls().rename(old, new)
        if result < 0 { throw .system(result, "Failed to give file '\(new)' its name") }
    }

    /// Cuts a file down to its first `byteCount` bytes and waits until the disk has it so.
    public static func truncate(_ path: String, to byteCount: Int) throws(MartletError) {
        try Path.validate(path)
        let system = SystemCalls()
        let opened = system.open(path, O_WRONLY)
        guard opened >= 0 else { throw .cannotOpen(path, opened) }
        defer { system.close(Int32(opened)) }
        var result = system.truncate(Int32(opened), to: byteCount)
        if result >= 0 { result = system.fsync(Int32(opened)) }
        if result < 0 { throw .system(result, "Cannot truncate file '\(path)'") }
    }

    public static func removeFile(_ path: String) throws(MartletError) {
        try Path.validate(path)
        let result = SystemCalls().unlink(path)
        if result < 0 { throw .system(result, "Cannot delete file '\(path)'") }
    }

    /// Removes what is in the directory and, unless `keepingRoot`, the directory itself. Links are removed, not
    /// followed.
    public static func removeDirectory(_ path: String, keepingRoot: Bool = false) throws(MartletError) {
        try Path.validate(path)
        let system = SystemCalls()
        // Directories to empty, and those emptied before, which are removed on the way back.
        var open = [(path: path, isEmptied: false)]
        while let directory = open.popLast() {
            if directory.isEmptied {
                if directory.path == path && keepingRoot { continue }
                let result = system.removeDirectory(directory.path)
                if result < 0 && result != -Int(ENOENT) {
                    throw .system(result, "Cannot delete directory '\(directory.path)'")
                }
                continue
            }
            guard let names = try names(in: directory.path, isRoot: directory.path == path) else { continue }
            open.append((directory.path, true))
            for name in names {
                let child = Path.join(directory.path, name)
                var status = stat()
                guard system.query(child, &status, followingLinks: false) >= 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    open.append((child, false))
                } else {
                    let result = system.unlink(child)
                    if result < 0 && result != -Int(ENOENT) { throw .system(result, "Cannot delete file '\(child)'") }
                }
            }
        }
    }
}

extension FileStatus {
    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        default: kind = .other
        }
        byteCount = status.st_size
        modificationTime =
            Int64(status.st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue
            &+ Int64(status.st_mtim.tv_nsec)
    }
}
