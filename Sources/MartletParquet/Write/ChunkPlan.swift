import MartletArrow
import MartletBase

/// Everything that has to be known of a column chunk before its pages can be encoded, each on its own.
struct ChunkPlan: Sendable {
    let storage: LeafStorage
    let settings: LeafSettings
    let values: LeafValues
    /// One byte for each entry; nil for flat leaves.
    let definition: Buffer?
    let repetition: Buffer?
    let entryCount: Int
    let pages: [PagePlan]
    let dictionary: LeafDictionary?
    /// How pages are encoded that the dictionary does not cover.
    let encoding: Encoding
    /// The bits of the chunk's Bloom filter.
    let bloomFilter: Buffer?

    var column: LeafColumn { storage.column }

    /// Whether the page's values are stored as codes.
    func usesDictionary(_ page: PagePlan) -> Bool {
        guard let dictionary else { return false }
        return page.firstValue &+ page.valueCount <= dictionary.codeCount
    }
}

extension ChunkPlan {
    /// Plans the chunk of one leaf over all rows of a row group.
    ///
    /// `chunks` are the arrays of the leaf's column, one after the other.
    init(
        _ storage: LeafStorage, _ settings: LeafSettings, chunks: [ArrayData], rowCount: Int,
        options: ParquetWriterOptions
    ) throws(MartletError) {
        self.storage = storage
        self.settings = settings
        let column = storage.column
        var shredder = try Shredder(
            storage.path, maxDefinitionLevel: column.maxDefinitionLevel, maxRepetitionLevel: column.maxRepetitionLevel)
        var leafChunks: [LeafChunk] = []
        leafChunks.reserveCapacity(chunks.count)
        for (i, chunk) in chunks.enumerated() {
            try shredder.append(chunk, chunk: i)
            leafChunks.append(try storage.chunk(of: chunk))
        }
        var slots = shredder.finish()
        let values = LeafValues(form: storage.form, chunks: leafChunks, ranges: slots.ranges)
        self.values = values
        entryCount = slots.entryCount
        let maxDefinitionLevel = slots.maxDefinitionLevel
        let slotDefinitionLevel = slots.slotDefinitionLevel
        definition = slots.definition.take()?.finish()
        repetition = slots.repetition.take()?.finish()

        let slotCount = values.ranges.reduce(0) { $0 + $1.count }
        var valueCount = 0
        for (i, range) in values.ranges.enumerated() {
            valueCount += try values.validCount(SlotSpan(first: i, skip: 0, count: range.count))
        }
        bloomFilter = try settings.bloomFilter.map { options throws(MartletError) in
            try values.bloomFilter(options, valueCount: valueCount)
        }
        var dictionary: LeafDictionary?
        if settings.usesDictionary {
            dictionary = try LeafDictionaryMaker(
                values: values, valueCount: valueCount, slotCount: slotCount,
                maximumByteCount: options.dictionaryPageByteCount, given: chunks.first?.dictionary,
                isOrdered: storage.isOrdered
            ).make()
        }
        let isWhole = dictionary.map { $0.codeCount == valueCount } ?? false
        var planner = PagePlanner(
            values: values, maximumRows: max(1, options.maximumRowsPerPage),
            maximumBytes: max(1, options.dataPageByteCount),
            valueByteCount: isWhole ? (dictionary?.bitWidth ?? 0) / 8 + 1 : storage.valueByteCount)
        if let chunking = options.contentChunking {
            planner.starts = try unsafe ContentChunker(chunking).starts(
                values, definition: definition?.pointer(to: UInt8.self),
                repetition: repetition?.pointer(to: UInt8.self),
                entryCount: entryCount, maxDefinitionLevel: maxDefinitionLevel, slotDefinitionLevel: slotDefinitionLevel
            )
        }
        if let definition {
            var total = 0
            if storage.form.isBytes {
                for (i, range) in values.ranges.enumerated() {
                    total += try values.byteCount(SlotSpan(first: i, skip: 0, count: range.count))
                }
            }
            pages = unsafe planner.nestedPages(
                definition: definition.pointer(to: UInt8.self), repetition: repetition?.pointer(to: UInt8.self),
                entryCount: entryCount, maxDefinitionLevel: maxDefinitionLevel,
                slotDefinitionLevel: slotDefinitionLevel, averageByteCount: total / max(valueCount, 1))
        } else {
            pages = try planner.flatPages(rowCount: rowCount)
        }
        let choice = EncodingChoice(
            values: values, column: column, settings: settings, version: options.schema.version, pages: pages,
            isDictionary: storage.isDictionary)
        (encoding, self.dictionary) = try choice.choose(dictionary, valueCount: valueCount)
    }
}

extension LeafStorage {
    /// Bytes of a value in PLAIN form; nil where it differs from value to value.
    var valueByteCount: Int? {
        switch form {
        case .nothing, .bits: 1
        case .lanes32: 4
        case .lanes64: 8
        case .fixedBytes(let width): width
        case .bytes32, .bytes64: nil
        }
    }
}
