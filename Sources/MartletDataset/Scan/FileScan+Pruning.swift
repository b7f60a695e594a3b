import MartletArrow
import MartletBase
import MartletCompute
import MartletParquet

extension FileScan {
    /// Of the wanted rows those in row groups, and within them in pages, that may hold a matching row: by the bounds of row
    /// groups, then of pages, then by Bloom filters.
    func candidates(_ wanted: [RowSelection], _ filter: Expression) throws(MartletError) -> [RowSelection] {
        let paths = filter.referencedFields
        var leaves: [[String]: Int] = [:]
        for path in paths { leaves[path] = leaf(of: path) }
        var selections: [RowSelection] = []
        for one in wanted {
            let group = one.rowGroup
            let rows = file.rowCount(ofRowGroup: group)
            guard rows > 0 else { continue }
            var known: [[String]: ColumnBounds] = [:]
            for path in paths { known[path] = try bounds(path, leaves[path], rowGroup: group, rows) }
            guard filter.mayMatch({ known[$0] }) else { continue }
            let selection = try pages(group, rows, leaves, known, filter).intersection(one)
            if let ranges = selection.ranges, ranges.isEmpty { continue }
            guard try mayHold(group, leaves, known, filter) else { continue }
            selections.append(selection)
        }
        return selections
    }

    /// The leaf whose statistics speak of the field's rows, one value a row; nil when there is none.
    private func leaf(of path: [String]) -> Int? {
        guard let name = path.first, constants[name] == nil, let own = Self.member(path, of: file.schema),
            let wanted = Self.member(path, of: fields),
            !own.type.isNested, own.type == wanted.type || (own.type.isInteger && wanted.type.isInteger)
        else { return nil }
        if path.count == 1 { return file.leafIndex(of: name) }
        return file.parquetSchema.leaves.first { $0.path == path && $0.maxRepetitionLevel == 0 }?.index
    }

    /// The field, or the field inside structs, that `path` leads to.
    private static func member(_ path: [String], of schema: Schema) -> Field? {
        var found = schema.fields.first { $0.name == path.first }
        for name in path.dropFirst() {
            guard case .struct(let members)? = found?.type else { return nil }
            found = members.first { $0.name == name }
        }
        return found
    }

    private func bounds(_ path: [String], _ leaf: Int?, rowGroup: Int, _ rows: Int) throws(MartletError) -> ColumnBounds? {
        if path.count == 1, let constant = constants[path[0]] { return ColumnBounds(constant: constant, rowCount: rows) }
        if path.count == 1, Self.member(path, of: file.schema) == nil, let field = Self.member(path, of: fields) {
            return ColumnBounds(constant: try .nulls(field.type, count: 1), rowCount: rows)
        }
        guard let leaf else { return nil }
        return try ColumnBounds(try file.statistics(rowGroup: rowGroup, leaf: leaf), at: 0, rowCount: rows)
    }

    /// The rows of a row group's pages that may match. Pages of different columns end at different rows, so the row group is
    /// cut at all their ends.
    private func pages(
        _ group: Int, _ rows: Int, _ leaves: [[String]: Int], _ whole: [[String]: ColumnBounds], _ filter: Expression
    ) throws(MartletError) -> RowSelection {
        var pages: [[String]: PageStatistics] = [:]
        var ends: Set<Int> = [rows]
        for (path, leaf) in leaves {
            guard let found = try file.pageStatistics(rowGroup: group, leaf: leaf), found.statistics != nil else { continue }
            pages[path] = found
            for range in found.rows { ends.insert(range.upperBound) }
        }
        guard ends.count > 1 else { return RowSelection(rowGroup: group) }
        var place = pages.mapValues { _ in 0 }
        var ranges: [Range<Int>] = []
        var start = 0
        for end in ends.sorted() where end <= rows {
            var known = whole
            for (path, page) in pages {
                while page.rows[place[path]!].upperBound <= start, place[path]! + 1 < page.rows.count { place[path]! += 1 }
                guard let statistics = page.statistics else { continue }
                known[path] = try ColumnBounds(statistics, at: place[path]!, rowCount: page.rows[place[path]!].count)
            }
            if filter.mayMatch({ known[$0] }) { ranges.append(start..<end) }
            start = end
        }
        return try RowSelection(rowGroup: group, ranges: ranges)
    }

    // MARK: Bloom filters

    /// Whether some row of the row group may match by the Bloom filters of its columns, which are read when they are asked.
    private func mayHold(
        _ group: Int, _ leaves: [[String]: Int], _ whole: [[String]: ColumnBounds], _ filter: Expression
    ) throws(MartletError) -> Bool {
        var known = whole
        var probes: [BloomProbe] = []
        for (path, leaf) in leaves where file.metadata.rowGroups[group].columns[leaf].metadata?.bloomFilterOffset != nil {
            let probe = BloomProbe(file: file, rowGroup: group, leaf: leaf)
            probes.append(probe)
            known[path]?.mayHold = { value, distinguishesZeros in
                probe.mayHold(value, distinguishesZeros: distinguishesZeros)
            }
        }
        if probes.isEmpty { return true }
        let result = filter.mayMatch { known[$0] }
        for probe in probes { if let failure = probe.failure { throw failure } }
        return result
    }
}

/// A Bloom filter that is read at the first question. One thread at a time asks.
private final class BloomProbe: Sendable {
    private enum State {
        case unread
        case read(BloomFilter?)
        case failed(MartletError)
    }
    private let file: ParquetFile
    private let rowGroup: Int
    private let leaf: Int
    private let state = Guarded(State.unread)

    init(file: ParquetFile, rowGroup: Int, leaf: Int) {
        self.file = file
        self.rowGroup = rowGroup
        self.leaf = leaf
    }

    var failure: MartletError? {
        state.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    func mayHold(_ value: ArrayData, distinguishesZeros: Bool) -> Bool {
        do throws(MartletError) {
            guard let filter = try filter() else { return true }
            let type = try file.leafType(leaf)
            let stored = value.type.isInteger && type.isInteger && value.type != type ? try cast(value, to: type) : value
            guard let hashes = try file.bloomHashes(of: stored, leaf: leaf, distinguishesZeros: distinguishesZeros) else {
                return true
            }
            return hashes.contains { filter.mayContain(hash: $0) }
        } catch {
            // A value that the file's type cannot hold is a matter of bounds; what cannot be read is told afterwards.
            return true
        }
    }

    private func filter() throws(MartletError) -> BloomFilter? {
        switch state.withLock({ $0 }) {
        case .read(let filter): return filter
        case .failed(let error): throw error
        case .unread: break
        }
        do throws(MartletError) {
            let filter = try file.bloomFilter(rowGroup: rowGroup, leaf: leaf)
            state.withLock { $0 = .read(filter) }
            return filter
        } catch {
            state.withLock { $0 = .failed(error) }
            throw error
        }
    }
}

extension ColumnBounds {
    /// The bounds that statistics give for window `index`.
    fileprivate init(_ statistics: ColumnStatistics, at index: Int, rowCount: Int) throws(MartletError) {
        self.init(
            minimum: try statistics.minimum.slice(at: index, count: 1),
            maximum: try statistics.maximum.slice(at: index, count: 1), nullCount: statistics.nullCounts[index],
            nanCount: statistics.nanCounts[index], rowCount: rowCount)
    }
}
