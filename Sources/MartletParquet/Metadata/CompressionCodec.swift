public import MartletCodecs
public import MartletBase

/// The format's number of a compression (parquet.thrift `CompressionCodec`). Numbers that nobody knows yet are kept,
/// so that the other columns of such a file can be read.
public struct CompressionCodec: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let uncompressed = CompressionCodec(rawValue: 0)
    public static let snappy = CompressionCodec(rawValue: 1)
    public static let gzip = CompressionCodec(rawValue: 2)
    public static let lzo = CompressionCodec(rawValue: 3)
    public static let brotli = CompressionCodec(rawValue: 4)
    /// Deprecated: Hadoop's framing of LZ4.
    public static let lz4 = CompressionCodec(rawValue: 5)
    public static let zstd = CompressionCodec(rawValue: 6)
    public static let lz4Raw = CompressionCodec(rawValue: 7)

    private static let table: [(CompressionCodec, name: String, codec: Codec?)] = [
        (.uncompressed, "UNCOMPRESSED", .uncompressed), (.snappy, "SNAPPY", .snappy), (.gzip, "GZIP", .gzip),
        (.lzo, "LZO", nil), (.brotli, "BROTLI", .brotli), (.lz4, "LZ4", .lz4Hadoop), (.zstd, "ZSTD", .zstd),
        (.lz4Raw, "LZ4_RAW", .lz4Raw),
    ]

    /// The format's name.
    public var name: String { Self.table.first { $0.0 == self }?.name ?? "UNKNOWN(\(rawValue))" }

    /// What packs and unpacks pages. Throws `notImplemented` for LZO and for codecs of the future.
    public func codec() throws(MartletError) -> Codec {
        guard let codec = Self.table.first(where: { $0.0 == self })?.codec else {
            throw .notImplemented("Support for codec '\(name.lowercased())' not built")
        }
        return codec
    }

    /// The number under which pages packed by `codec` go. A frame of LZ4 has none: LZ4_RAW is what is meant.
    public init(_ codec: Codec) {
        self =
            switch codec {
            case .uncompressed: .uncompressed
            case .snappy: .snappy
            case .gzip: .gzip
            case .brotli: .brotli
            case .zstd: .zstd
            case .lz4Raw, .lz4Frame: .lz4Raw
            case .lz4Hadoop: .lz4
            }
    }
}
