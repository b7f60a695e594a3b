public import MartletBase
public import MartletIO

extension FileMetaData {
    /// The end of the file: the footer, its length, and the magic.
    func footer() throws(MartletError) -> [Buffer] {
        let footer = try encoded()
        guard let length = UInt32(exactly: footer.count), length < UInt32(Int32.max) else {
            throw .capacity(
                "a footer of \(footer.count) bytes is longer than Parquet's limit of 2 GiB: use fewer row groups")
        }
        return [footer, try Buffer([length.littleEndian]), try Buffer(ParquetWriter.magic)]
    }

    /// Writes a file that is all footer, such as a dataset's `_metadata`, and commits the sink.
    public func writeFile(to sink: any ByteSink) throws(MartletError) {
        do throws(MartletError) { try sink.write([try Buffer(ParquetWriter.magic)] + (try footer())) } catch {
            sink.abort()
            throw error
        }
        try sink.close()
    }

    /// Adds the row groups of another file with the same columns, for summaries of many files.
    public mutating func append(rowGroupsOf other: FileMetaData) throws(MartletError) {
        let mine = try ParquetSchema(elements: schema).leaves
        let others = try ParquetSchema(elements: other.schema).leaves
        guard mine.count == others.count, zip(mine, others).allSatisfy({ $0.isStored(as: $1) }) else {
            throw .invalid(
                "AppendRowGroups requires equal schemas. The two schemas differ: \(mine.map(\.dottedPath)) and "
                    + "\(others.map(\.dottedPath)), or in types")
        }
        let (sum, isTooMany) = rowCount.addingReportingOverflow(other.rowCount)
        if isTooMany { throw .corrupt("files of \(rowCount) and \(other.rowCount) rows") }
        rowCount = sum
        rowGroups += other.rowGroups
    }

    /// Says in which file, from the dataset's root, all column chunks lie.
    public mutating func set(filePath: String) {
        for group in rowGroups.indices {
            for column in rowGroups[group].columns.indices { rowGroups[group].columns[column].filePath = filePath }
        }
    }

    /// Whether a leaf's bounds are in IEEE 754's total order.
    func ordersTotally(_ leaf: Int) -> Bool {
        guard let columnOrders, leaf < columnOrders.count else { return false }
        return columnOrders[leaf] == .ieee754Total
    }

    /// The paths by which this file names the leaves of `schema`, whose row groups are to follow. Throws unless they can.
    func paths(appending schema: ParquetSchema) throws(MartletError) -> [[String]] {
        let mine = try ParquetSchema(elements: self.schema).leaves
        let start = "Table schema does not match schema used to create file: "
        guard mine.count == schema.leaves.count else {
            throw .invalid(start + "the file has \(mine.count) leaf columns, got \(schema.leaves.count)")
        }
        for (expected, got) in zip(mine, schema.leaves) where !expected.isStored(as: got) {
            throw .invalid(
                start + "the file has column '\(expected.dottedPath)' as \(expected.storageText), got "
                    + "'\(got.dottedPath)' as \(got.storageText); cast it first, or write with the file's options")
        }
        return mine.map(\.path)
    }
}

extension LeafColumn {
    fileprivate func isStored(as other: LeafColumn) -> Bool {
        hasPath(other.path) && physicalType == other.physicalType && maxDefinitionLevel == other.maxDefinitionLevel
            && maxRepetitionLevel == other.maxRepetitionLevel && logicalTypeText == other.logicalTypeText
            && (physicalType != .fixedLengthByteArray || typeLength == other.typeLength)
    }

    /// Writers name what is inside of lists as they like.
    private func hasPath(_ other: [String]) -> Bool {
        let inside = ["list", "element", "item", "array", "bag", "array_element"]
        return path.count == other.count && path.first == other.first
            && zip(path, other).allSatisfy { $0 == $1 || (inside.contains($0) && inside.contains($1)) }
    }

    fileprivate var storageText: String {
        "\(physicalType.name)\(physicalType == .fixedLengthByteArray ? "(\(typeLength))" : "") \(logicalTypeText), "
            + "levels \(maxDefinitionLevel) and \(maxRepetitionLevel)"
    }
}
