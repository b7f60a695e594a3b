import MartletBase
import MartletIO

extension LeafReader {
    /// What error messages call the chunk.
    static func context(_ leaf: LeafColumn, _ rowGroup: Int, _ source: any ByteSource) -> String {
        "Column '\(leaf.dottedPath)' of row group \(rowGroup) in '\(source.name)'"
    }

    /// What the chunk says of itself, if it can be true of a column with so many rows: before memory is taken for them.
    static func checked(
        _ chunk: ColumnChunk, of leaf: LeafColumn, rowGroup: Int, rowCount: Int, source: any ByteSource
    ) throws(MartletError) -> ColumnMetaData {
        func context() -> String { Self.context(leaf, rowGroup, source) }
        if let failure = chunk.failure { throw .corrupt("\(context()): \(failure)") }
        guard let metadata = chunk.metadata else { throw .corrupt("\(context()): Column metadata not set") }
        guard chunk.filePath == nil else {
            throw .notImplemented("\(context()) lies in another file, '\(chunk.filePath ?? "")', which is not read")
        }
        guard metadata.physicalType == leaf.physicalType else {
            throw .corrupt(
                "\(context()) holds \(metadata.physicalType.name), its schema says \(leaf.physicalType.name)")
        }
        guard leaf.maxDefinitionLevel <= 255, leaf.maxRepetitionLevel <= 255 else {
            throw .corrupt("\(context()) is nested too deep")
        }
        guard let count = Int(exactly: metadata.valueCount), count >= 0,
            leaf.maxRepetitionLevel > 0 ? count >= rowCount : count == rowCount
        else {
            throw .corrupt("\(context()) has \(metadata.valueCount) values for \(rowCount) rows")
        }
        // A page has at most 2^31 - 1 values, and a header of at least 8 bytes.
        let byteCount = min(max(metadata.totalCompressedSize, 0), Int64(source.byteCount))
        guard Int64(count) / Int64(Int32.max) <= byteCount / 8 else {
            throw .corrupt("\(context()) has \(count) values in \(byteCount) bytes")
        }
        return metadata
    }

    /// Whether the headers of a flat chunk's pages tell of so many rows, where its few bytes make that unlikely.
    static func checkPages(
        _ metadata: ColumnMetaData, of leaf: LeafColumn, rowGroup: Int, rowCount: Int, source: any ByteSource,
        cipher: ModuleCipher?
    ) throws(MartletError) {
        guard rowCount > 1 << 24, rowCount / 256 > metadata.totalCompressedSize else { return }
        let pages = try PageStream(
            metadata, source: source, cipher: cipher, windowByteCount: 0, verifiesChecksums: false)
        var left = Int64(rowCount)
        while left > 0, let head = try? pages.next() {
            switch head.header.kind {
            case .data(let header): left -= Int64(header.valueCount)
            case .dataV2(let header): left -= Int64(header.valueCount)
            case .dictionary, .index, .unrecognized: continue
            }
        }
        if left > 0 {
            throw .corrupt("\(context(leaf, rowGroup, source)) has \(rowCount) rows, its pages \(Int64(rowCount) - left)")
        }
    }
}
