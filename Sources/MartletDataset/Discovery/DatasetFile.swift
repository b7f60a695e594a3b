import MartletBase
import MartletIO

/// A file of a dataset and what its directories say about all its rows.
public struct DatasetFile: Sendable, Hashable {
    public var path: String
    public var segments: [PartitionSegment]
}

/// Finds the files of a dataset, in the order of their paths.
struct Discovery {
    var isHive = true
    /// Files and directories whose names begin with these are not data.
    var ignoredPrefixes = [".", "_"]

    /// The files below `root` in order. `descend` is asked before a directory is listed, with what is known so far.
    func files(
        below root: String, descend: ([PartitionSegment]) throws(MartletError) -> Bool = { _ in true }
    ) throws(MartletError) -> [DatasetFile] {
        var found: [DatasetFile] = []
        try walk(root, [], depth: 0) { (file) throws(MartletError) in
            found.append(file)
            return true
        } descend: { (segments) throws(MartletError) in
            try descend(segments)
        }
        return found
    }

    /// The first file below `root`, found without listing what comes after it.
    func firstFile(below root: String) throws(MartletError) -> DatasetFile? {
        var first: DatasetFile?
        try walk(root, [], depth: 0) { (file) throws(MartletError) in
            first = file
            return false
        } descend: { _ in
            true
        }
        return first
    }

    /// Visits files in order until `visit` returns false; says whether it went to the end.
    @discardableResult
    private func walk(
        _ directory: String, _ segments: [PartitionSegment], depth: Int,
        visit: (DatasetFile) throws(MartletError) -> Bool, descend: ([PartitionSegment]) throws(MartletError) -> Bool
    ) throws(MartletError) -> Bool {
        guard depth <= 64 else { throw .invalid("directories below '\(directory)' are nested deeper than 64 levels") }
        let entries = try FileSystem.list(directory).sorted { $0.path < $1.path }
        for entry in entries {
            let name = Path.name(entry.path)
            if ignoredPrefixes.contains(where: { name.hasPrefix($0) }) { continue }
            switch entry.status.kind {
            case .file, .other:
                guard try visit(DatasetFile(path: entry.path, segments: segments)) else { return false }
            case .directory:
                let segment = isHive ? HivePath.decode(name) : nil
                let inner = segments + (segment.map { [$0] } ?? [])
                if segment != nil, try !descend(inner) { continue }
                guard try walk(entry.path, inner, depth: depth + 1, visit: visit, descend: descend) else { return false }
            }
        }
        return true
    }

    /// The segments that a file's own path tells: those of its directories.
    func segments(of path: String) -> [PartitionSegment] {
        guard isHive else { return [] }
        return path.split(separator: "/").dropLast().compactMap { HivePath.decode(String($0)) }
    }
}
