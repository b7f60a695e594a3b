import MartletArrow
import MartletBase
import MartletCompute
import MartletIO
import MartletParquet

/// The scan of one Parquet file: which rows can match, then which do, then the other columns of just those.
struct FileScan: Sendable {
    let file: ParquetFile
    /// What batches look like.
    let output: Schema
    /// The dataset's types of all fields that the filter may name.
    let fields: Schema
    /// One value for all rows, by field: the keys that the file's directories tell.
    let constants: [String: ArrayData]
    let filter: Expression?

    /// All matching rows of the wanted ones (nil: of the file).
    func batches(_ wanted: [RowSelection]? = nil, operation: Operation = .unwatched) throws(MartletError) -> [RecordBatch] {
        try chunks(wanted ?? (0..<file.rowGroupCount).map { RowSelection(rowGroup: $0) }, operation: operation).batches(output)
    }

    private func chunks(_ wanted: [RowSelection], operation: Operation) throws(MartletError) -> ColumnChunks {
        guard let filter else {
            return try read(output, wanted, rowCount: wanted.reduce(0) { $0 + rowCount($1) }, operation)
        }
        let selections = try candidates(wanted, filter)
        let rows = selections.reduce(0) { $0 + rowCount($1) }
        guard rows > 0 else { return try nothing() }

        let names = Set(filter.referencedFields.compactMap(\.first))
        let probeSchema = Schema(fields.fields.filter { names.contains($0.name) })
        let probe = try read(probeSchema, selections, rowCount: rows, operation)
        let masks = try probe.batches(probeSchema).map { batch throws(MartletError) in try filter.evaluate(batch) }
        let mask = probeSchema.fields.isEmpty ? try constantMask(filter, rows) : try concatenate(masks, type: .boolean)
        let truths = try truthBits(mask)
        let trueCount = truths.trueCount
        guard trueCount > 0 else { return try nothing() }

        let rest = Schema(output.fields.filter { !names.contains($0.name) })
        let (narrowed, narrowedMask) = try narrow(selections, truths, trueCount)
        let restRows = narrowed.reduce(0) { $0 + rowCount($1) }
        let restChunks = try read(rest, narrowed, rowCount: restRows, operation)
            .filtered(narrowedMask ?? mask, trueCount: trueCount)
        let probeChunks = try probe.filtered(mask, trueCount: trueCount)
        let (probePlaces, restPlaces) = (Self.places(probeSchema), Self.places(rest))
        let columns = output.fields.map { field in
            if let place = probePlaces[field.name] { return probeChunks.columns[place] }
            return restChunks.columns[restPlaces[field.name]!]
        }
        return ColumnChunks(columns: columns, rowCount: trueCount)
    }

    private func nothing() throws(MartletError) -> ColumnChunks {
        ColumnChunks(columns: output.fields.map { _ in [] }, rowCount: 0)
    }

    private func rowCount(_ selection: RowSelection) -> Int {
        selection.ranges?.reduce(0) { $0 + $1.count } ?? file.rowCount(ofRowGroup: selection.rowGroup)
    }

    /// The mask of a filter that names no field.
    private func constantMask(_ filter: Expression, _ rows: Int) throws(MartletError) -> ArrayData {
        try filter.evaluate(RecordBatch(schema: Schema([]), columns: [], rowCount: rows))
    }

    /// 1 where the mask is true; nulls do not count.
    private func truthBits(_ mask: ArrayData) throws(MartletError) -> Bitmap {
        let truths = try BooleanArray(mask)
        guard let validity = truths.validity else { return truths.values }
        var builder = try BitmapBuilder(capacity: mask.count)
        try truths.values.forEachWord { start, length, bits throws(MartletError) in
            try builder.append(word: bits & validity.word(at: start, length: length), length: length)
        }
        return try Bitmap(builder.finish(), count: mask.count)
    }

    // MARK: - Reading

    /// The columns of `schema` for the selected rows: from the file, cast to the dataset's type where that differs; constants;
    /// nulls where the file has no such column.
    private func read(_ schema: Schema, _ selections: [RowSelection], rowCount: Int, _ operation: Operation)
        throws(MartletError) -> ColumnChunks
    {
        let stored = Set(file.schema.names)
        let names = schema.names.filter { constants[$0] == nil && stored.contains($0) }
        let table = names.isEmpty ? nil : try file.read(columns: names, selections: selections, operation: operation)
        let places = table.map { Self.places($0.schema) } ?? [:]
        var columns: [[ArrayData]] = []
        for field in schema.fields {
            if let constant = constants[field.name] {
                columns.append([try repeated(constant, rowCount)])
            } else if let table, let place = places[field.name] {
                let chunks = table.columns[place].chunks
                columns.append(
                    try adding(context: "column \"\(field.name)\" of '\(file.source.name)'") { () throws(MartletError) in
                        try chunks.map { chunk throws(MartletError) in
                            chunk.type.holdsSameValues(as: field.type) ? try chunk.viewed(as: field.type) : try cast(chunk, to: field.type)
                        }
                    })
            } else {
                columns.append([try .nulls(field.type, count: rowCount)])
            }
        }
        return ColumnChunks(columns: columns, rowCount: rowCount)
    }

    /// Where each name stands first: files may have thousands.
    private static func places(_ schema: Schema) -> [String: Int] {
        Dictionary(schema.names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// `count` times the one value. Keys with a dictionary repeat an index, others the value.
    private func repeated(_ value: ArrayData, _ count: Int) throws(MartletError) -> ArrayData {
        guard value.isValid(0) else { return try .nulls(value.type, count: count) }
        if let index = value.dictionaryIndex(0), let values = value.dictionary, let width = value.type.layout.buffers[0].byteWidth {
            // Nothing to gather: all indices are 0.
            return ArrayData(
                type: value.type, count: count, nullCount: 0,
                buffers: [try Buffer(zeroed: try count.multiplied(checked: width))],
                dictionary: try values.slice(at: index, count: 1))
        }
        return try take(value, try ArrayData(
            type: .int32, count: count, nullCount: 0, buffers: [Buffer(zeroed: try count.multiplied(checked: 4))]))
    }

    /// The selections cut down to the rows that match and what lies close between them, and the mask over these rows; the mask is
    /// nil when cutting would save too little.
    private func narrow(_ selections: [RowSelection], _ truths: Bitmap, _ trueCount: Int)
        throws(MartletError) -> ([RowSelection], ArrayData?)
    {
        guard trueCount < truths.count / 2 else { return (selections, nil) }
        // Skipping fewer rows than this costs more than decoding them.
        let smallestGap = 256
        var narrowed: [RowSelection] = []
        var bits = try BitmapBuilder()
        var place = 0
        for selection in selections {
            var ranges: [Range<Int>] = []
            var masks: [Range<Int>] = []
            for range in selection.ranges ?? [0..<file.rowCount(ofRowGroup: selection.rowGroup)] {
                var row = 0
                while let first = truths.firstTrue(from: place + row, below: place + range.count) {
                    let start = range.lowerBound + first - place
                    var end = start + 1
                    row = first - place + 1
                    while row < range.count, truths[place + row] {
                        row += 1
                        end += 1
                    }
                    if let last = ranges.last, start - last.upperBound < smallestGap, last.upperBound > range.lowerBound {
                        ranges[ranges.count - 1] = last.lowerBound..<end
                        masks[masks.count - 1] = masks[masks.count - 1].lowerBound..<place + row
                    } else {
                        ranges.append(start..<end)
                        masks.append(first..<place + row)
                    }
                }
                place += range.count
            }
            for mask in masks { try bits.append(try truths.slice(at: mask.lowerBound, count: mask.count)) }
            if !ranges.isEmpty { narrowed.append(try RowSelection(rowGroup: selection.rowGroup, ranges: ranges)) }
        }
        let count = bits.count
        return (narrowed, ArrayData(type: .boolean, count: count, nullCount: 0, buffers: [bits.finish()]))
    }
}

extension Bitmap {
    /// The first bit that is 1 from `start` on and below `end`.
    fileprivate func firstTrue(from start: Int, below end: Int) -> Int? {
        var index = start
        while index < end {
            let length = Swift.min(64, end - index)
            let bits = word(at: index, length: length)
            if bits != 0 { return index + bits.trailingZeroBitCount }
            index += length
        }
        return nil
    }
}
