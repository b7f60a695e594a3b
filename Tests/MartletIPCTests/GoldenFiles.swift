import Foundation

/// Files of the Arrow project's testing repository, below `ARROW_TEST_DATA`; none when that is not set.
enum GoldenFiles {
    static let root: URL? = ProcessInfo.processInfo.environment["ARROW_TEST_DATA"].map { URL(fileURLWithPath: $0) }

    /// The files in these folders, folders inside them not included, as paths from the root.
    static func files(in folder: String, suffix: String = "") -> [String] {
        guard let root else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)) ?? []
        return names.sorted().filter { $0.hasSuffix(suffix) }.map { folder + "/" + $0 }.filter {
            var isFolder: ObjCBool = false
            let path = root.appendingPathComponent($0).path
            return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    /// The integration files without their endings.
    static let integration: [String] = {
        guard let root else { return [] }
        let folder = "arrow-ipc-stream/integration"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)) ?? []
        return versions.sorted().flatMap { files(in: "\(folder)/\($0)", suffix: ".json.gz") }.map { String($0.dropLast(8)) }
    }()

    static func path(_ name: String) -> String { root!.appendingPathComponent(name).path }
}
