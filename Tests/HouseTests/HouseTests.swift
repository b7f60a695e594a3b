import MartletBase
import MartletIO
import Testing

/// The laws of the house that can be read off the sources.
@Suite struct HouseTests {
    /// A room and the rooms it may import. `docs/ARCHITECTURE.md` draws the same picture.
    static let floors: [(room: String, below: [String])] = [
        ("MartletBase", []),
        ("MartletIO", ["MartletBase"]),
        ("MartletCodecs", ["MartletBase", "CZstd", "CLz4", "CSnappy", "CDeflate", "CBrotli"]),
        ("MartletArrow", ["MartletBase", "CMartlet"]),
        ("MartletCompute", ["MartletBase", "MartletArrow"]),
        ("MartletPython", ["MartletBase", "MartletArrow", "CMartlet", "CPrefetch"]),
        ("MartletIPC", ["MartletBase", "MartletArrow", "MartletIO", "MartletCodecs"]),
        ("MartletParquet", ["MartletBase", "MartletArrow", "MartletIO", "MartletCodecs"]),
        (
            "MartletDataset",
            ["MartletBase", "MartletArrow", "MartletIO", "MartletCompute", "MartletIPC", "MartletParquet"]
        ),
        ("MartletPython", ["MartletBase", "MartletArrow", "CMartlet", "CPrefetch"]),
    ]

    /// Nobody needs permission for these.
    static let system: Set<String> = ["Glibc", "Synchronization"]

    static var root: String { Path.parent(Path.parent(Path.parent(#filePath))) }

    static func sources(_ room: String) throws -> [(path: String, lines: [Substring])] {
        try FileSystem.list(root + "/Sources/" + room, recursive: true)
            .filter { $0.path.hasSuffix(".swift") }
            .map { entry in
                let buffer = try FileSource(path: entry.path).readAll()
                let text = unsafe buffer.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
                return (entry.path, text.split(separator: "\n", omittingEmptySubsequences: false))
            }
    }

    @Test(arguments: floors.map(\.room))
    func roomsImportOnlyWhatLiesBelow(room: String) throws {
        let allowed = Set(Self.floors.first { $0.room == room }!.below).union(Self.system)
        for (path, lines) in try Self.sources(room) {
            for line in lines {
                var words = line.split(separator: " ")[...]
                while let word = words.first, ["public", "package", "internal", "private", "fileprivate"].contains(word) {
                    words = words.dropFirst()
                }
                guard words.first == "import", words.count > 1 else { continue }
                let module = String(words[words.startIndex + 1].prefix { $0 != "." })
                #expect(allowed.contains(module), "\(path) imports \(module)")
            }
        }
    }

    @Test(arguments: floors.map(\.room) + ["Martlet", "MartletC"])
    func nothingEndsTheProcess(room: String) throws {
        for (path, lines) in try Self.sources(room) {
            for (index, line) in lines.enumerated() {
                let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
                for word in ["fatalError(", "try!", "as!", "import Foundation", "import Dispatch", "DispatchQueue", "Task {"] {
                    #expect(!code.contains(word), "\(path):\(index + 1) has \(word)")
                }
            }
        }
    }

    @Test func everyRoomHasAPage() throws {
        for (room, _) in Self.floors {
            #expect(try FileSystem.status(of: Self.root + "/Sources/\(room)/README.md") != nil, "\(room)")
        }
    }
}
