import MartletBase

/// What a column chunk says of its size, so that room for its values is made once and nothing need be moved while it grows.
/// It is believed up to a multiple of the bytes that are really there.
struct ExpectedSize {
    private let rowCount: Int
    private let entryCount: Int
    private let byteCount: Int
    private let most: Double

    init(_ metadata: ColumnMetaData, rowCount: Int, chunkByteCount: Int) {
        self.rowCount = rowCount
        entryCount = Int(clamping: metadata.valueCount)
        byteCount = Int(clamping: metadata.sizeStatistics?.unencodedByteArrayByteCount ?? metadata.totalUncompressedSize)
        most = Double(chunkByteCount) * 64
    }

    /// Room in `output` for what `rows` more rows should give. Flat columns of fixed width have theirs already.
    func reserve(_ rows: Int, in output: LeafOutput) throws(MartletError) {
        let isRepeated = output.plan.leaf.maxRepetitionLevel > 0
        let width = output.plan.fixedWidth
        if width != nil && !isRepeated { return }
        try output.reserve(
            slots: isRepeated ? share(of: entryCount, rows, width: width ?? 4) : rows,
            byteCount: width == nil ? share(of: byteCount, rows, width: 1) : 0)
    }

    private func share(of all: Int, _ rows: Int, width: Int) -> Int {
        let expected = Double(all) * Double(rows) / Double(max(rowCount, 1)) * 1.02
        return all > 0 ? Int(min(expected, most / Double(max(width, 1)))) + 64 : 0
    }
}
