public import MartletArrow
public import MartletBase
public import MartletCodecs

/// How a Parquet file is written. The defaults are pyarrow's where it has one.
public struct ParquetWriterOptions: Sendable {
    /// What can differ from column to column; nil: as for the file.
    public struct Column: Sendable {
        public var compression: Codec?
        public var compressionLevel: Int?
        public var usesDictionary: Bool?
        public var encoding: Encoding?
        public var usesByteStreamSplit: Bool?
        public var writesStatistics: Bool?
        /// nil: no Bloom filters.
        public var bloomFilter: BloomFilterOptions?

        public init() {}
    }

    /// Pages that are cut by content; sizes in bytes of values before they are encoded.
    public struct ContentChunking: Sendable {
        public var minimumByteCount = 256 << 10
        public var maximumByteCount = 1 << 20
        /// More of it cuts sooner, closer to the least size.
        public var normalization = 0

        public init() {}
    }

    public enum DataPageVersion: String, Sendable, Hashable, CaseIterable {
        case v1 = "1.0"
        case v2 = "2.0"
    }

    /// Version of the logical types, coercion of timestamps, decimals as integers.
    public var schema = SchemaOptions()
    /// Whether digits of timestamps may be lost in coercion.
    public var allowsTruncatedTimestamps = false
    public var compression = Codec.snappy
    /// The codec's own; nil: its default.
    public var compressionLevel: Int?
    /// Dictionary encoding where it pays.
    public var usesDictionary = true
    /// For all columns that can have it; nil: chosen by looking at the values. Not together with dictionaries.
    public var encoding: Encoding?
    public var usesByteStreamSplit = false
    public var writesStatistics = true
    /// Bounds of reals in IEEE 754's total order, NaN included where there is nothing else. Readers that do not know this
    /// order see no bounds.
    public var ordersRealsTotally = false
    /// By dotted path of a leaf (`"a.list.element"`), or of a column or group for all leaves below.
    public var columns: [String: Column] = [:]

    public var dataPageVersion = DataPageVersion.v1
    /// Pages end at about this many bytes of encoded values ...
    public var dataPageByteCount = 1 << 20
    /// ... or at this many rows.
    public var maximumRowsPerPage = 20_000
    /// Where pages begin besides; nil: wherever they are full.
    public var contentChunking: ContentChunking?
    public var dictionaryPageByteCount = 1 << 20
    /// Rows gathered for a row group, at most.
    public var rowGroupRowCount = 1 << 20
    /// Bytes of Arrow memory gathered for a row group; beyond it the group ends early.
    public var rowGroupByteCount = 512 << 20
    public var writesPageIndex = true
    public var writesPageChecksums = true
    /// Whether the Arrow schema is kept in the file, so that every type comes back as it was.
    public var storesArrowSchema = true
    public var keyValueMetadata = Metadata()
    /// The keys of an encrypted file; nil: nothing is encrypted.
    public var encryption: EncryptionOptions?
    /// Promises about the order of rows; they are written as they are.
    public var sortingColumns: [SortingColumn] = []
    public var createdBy = "martlet version 0.1.0"
    /// Whether a footer follows each row group, so that `ParquetRecovery` can make a file of what was written when the
    /// writer dies.
    public var isRecoverable = false
    /// Threads that encode, the caller's included; nil: all of the pool's.
    public var threadCount: Int?

    public init() {}
}

/// The options of one leaf.
struct LeafSettings: Sendable {
    let codec: Codec
    let level: Int?
    let usesDictionary: Bool
    /// What was asked for; nil: chosen by looking at the values.
    let encoding: Encoding?
    let writesStatistics: Bool
    let bloomFilter: BloomFilterOptions?

    init(_ options: ParquetWriterOptions, _ column: LeafColumn) throws(MartletError) {
        // The longest path that names the leaf or something above it counts.
        var own = ParquetWriterOptions.Column()
        if !options.columns.isEmpty {
            var path = ""
            for name in column.path {
                path += path.isEmpty ? name : "." + name
                guard let more = options.columns[path] else { continue }
                own.compression = more.compression ?? own.compression
                own.compressionLevel = more.compressionLevel ?? own.compressionLevel
                own.usesDictionary = more.usesDictionary ?? own.usesDictionary
                own.encoding = more.encoding ?? own.encoding
                own.usesByteStreamSplit = more.usesByteStreamSplit ?? own.usesByteStreamSplit
                own.writesStatistics = more.writesStatistics ?? own.writesStatistics
                own.bloomFilter = more.bloomFilter ?? own.bloomFilter
            }
        }
        let codec = own.compression ?? options.compression
        // Parquet has no frames of LZ4.
        self.codec = codec == .lz4Frame ? .lz4Raw : codec
        var level = own.compressionLevel ?? (own.compression == nil ? options.compressionLevel : nil)
        if self.codec == .uncompressed { level = nil }
        self.level = level
        try self.codec.validate(level: level)
        writesStatistics = own.writesStatistics ?? options.writesStatistics
        bloomFilter = own.bloomFilter
        if let bloomFilter { try bloomFilter.check(column) }
        var wanted = own.encoding ?? options.encoding
        if own.encoding == nil, let general = wanted, !general.isWritable(column.physicalType) { wanted = nil }
        if let wanted, !wanted.isWritable(column.physicalType) { throw wanted.notWritable(column) }
        if wanted == nil, own.usesByteStreamSplit ?? options.usesByteStreamSplit, Self.isSplitByDefault(column) {
            wanted = .byteStreamSplit
        }
        encoding = wanted
        usesDictionary = wanted == nil && (own.usesDictionary ?? options.usesDictionary)
    }

    private static func isSplitByDefault(_ column: LeafColumn) -> Bool {
        column.physicalType == .float || column.physicalType == .double
    }
}

extension Encoding {
    /// The encoding that pyarrow calls `name`.
    public init(named name: String) throws(MartletError) {
        let upper = name.uppercased()
        guard let encoding = Encoding.allCases.first(where: { $0.name == upper }) else {
            throw .invalid("Unsupported column encoding: '\(name)'")
        }
        self = encoding
    }

    /// Whether columns of this kind can be written in this encoding on request.
    fileprivate func isWritable(_ type: PhysicalType) -> Bool {
        switch self {
        case .plain: true
        case .rle: type == .boolean
        case .deltaBinaryPacked: type == .int32 || type == .int64
        case .deltaLengthByteArray: type == .byteArray
        case .deltaByteArray: type == .byteArray || type == .fixedLengthByteArray
        case .byteStreamSplit: [.int32, .int64, .float, .double, .fixedLengthByteArray].contains(type)
        case .alp: type == .float || type == .double
        case .plainDictionary, .rleDictionary, .bitPacked: false
        }
    }

    fileprivate func notWritable(_ column: LeafColumn) -> MartletError {
        if isDictionary {
            return .invalid(
                "'\(name)' is already used by default: column '\(column.dottedPath)' needs use_dictionary, not an encoding"
            )
        }
        let kinds = PhysicalType.allCases.filter(isWritable).map(\.name)
        // pyarrow's class for it.
        return MartletError(
            .ioError,
            "column '\(column.dottedPath)': \(name) only supports \(kinds.joined(separator: ", ")), not "
                + column.physicalType.name)
    }
}
