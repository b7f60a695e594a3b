import MartletBase

/// The column chunks of a row group. Those of a footer that was read are decoded when they are asked for: a file of thousands
/// of columns opens for one of them.
public struct ColumnChunkList: Sendable {
    private enum Storage: Sendable {
        case decoded([ColumnChunk])
        /// The Thrift structs in `bytes`, each from its start on.
        case encoded(Buffer, starts: [UInt32])
    }
    private var storage: Storage

    public init(_ chunks: [ColumnChunk]) { storage = .decoded(chunks) }

    /// Structs that lie in `bytes`.
    init(_ bytes: Buffer, starts: [UInt32]) { storage = .encoded(bytes, starts: starts) }

    private var all: [ColumnChunk] {
        switch storage {
        case .decoded(let chunks): chunks
        case .encoded(_, let starts): starts.indices.map { self[$0] }
        }
    }
}

extension ColumnChunkList: RandomAccessCollection, MutableCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int {
        switch storage {
        case .decoded(let chunks): chunks.count
        case .encoded(_, let starts): starts.count
        }
    }

    /// A chunk that cannot be decoded has no metadata and says why in `failure`.
    public subscript(position: Int) -> ColumnChunk {
        get {
            switch storage {
            case .decoded(let chunks): return chunks[position]
            case .encoded(let bytes, let starts):
                do throws(MartletError) {
                    let start = Int(starts[position])
                    let rest = try bytes.slice(at: start, count: bytes.count - start)
                    return try ColumnChunk.read(from: rest.bytes).0
                } catch { return ColumnChunk(failure: error.message) }
            }
        }
        set {
            var chunks = all
            storage = .decoded([])
            chunks[position] = newValue
            storage = .decoded(chunks)
        }
        _modify {
            var chunks = all
            storage = .decoded([])
            yield &chunks[position]
            storage = .decoded(chunks)
        }
    }
}

extension ColumnChunkList: Hashable {
    public static func == (a: ColumnChunkList, b: ColumnChunkList) -> Bool { a.elementsEqual(b) }

    public func hash(into hasher: inout Hasher) {
        for chunk in self { hasher.combine(chunk) }
    }
}
