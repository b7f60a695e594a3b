package import MartletBase

/// What is done to paths as text. Paths are UTF-8, relative ones count from the working directory.
package enum Path {
    /// Refuses what C would silently cut short.
    package static func validate(_ path: String) throws(MartletError) {
        if path.utf8.contains(0) { throw .invalid("embedded null byte in path '\(path)'") }
        if path.isEmpty {
            throw MartletError(
                .ioError, "Failed to open local file ''. Detail: [errno 2] No such file or directory", systemError: 2)
        }
    }

    /// The directory that holds `path`; "." for a bare name.
    package static func parent(_ path: String) -> String {
        let trimmed = withoutTrailingSlashes(path)
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == trimmed.startIndex ? "/" : withoutTrailingSlashes(String(trimmed[..<slash]))
    }

    /// The last component.
    package static func name(_ path: String) -> String {
        let trimmed = withoutTrailingSlashes(path)
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return trimmed }
        return String(trimmed[trimmed.utf8.index(after: slash)...])
    }

    package static func join(_ directory: String, _ name: String) -> String {
        if name.utf8.first == UInt8(ascii: "/") || directory.isEmpty { return name }
        return directory.utf8.last == UInt8(ascii: "/") ? directory + name : directory + "/" + name
    }

    package static func withoutTrailingSlashes(_ path: String) -> String {
        var bytes = path[...]
        while bytes.utf8.count > 1, bytes.utf8.last == UInt8(ascii: "/") { bytes = bytes.dropLast() }
        return String(bytes)
    }
}
