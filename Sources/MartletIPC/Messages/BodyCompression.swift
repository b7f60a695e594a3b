import MartletArrow
public import MartletBase
public import MartletCodecs

/// How the buffers of a body are compressed, each on its own (Message.fbs `BodyCompression`).
public enum BodyCompression: Sendable, Hashable {
    case lz4Frame
    case zstd

    var codec: Codec {
        switch self {
        case .lz4Frame: .lz4Frame
        case .zstd: .zstd
        }
    }

    /// "lz4" or "zstd".
    var name: String { codec.name }

    /// The number of Message.fbs `CompressionType`.
    var number: UInt8 {
        switch self {
        case .lz4Frame: 0
        case .zstd: 1
        }
    }

    /// The compression that `codec` stands for; throws for those that bodies cannot have.
    public init?(_ codec: Codec) throws(MartletError) {
        switch codec {
        case .uncompressed: return nil
        case .lz4Frame: self = .lz4Frame
        case .zstd: self = .zstd
        case .snappy, .gzip, .brotli, .lz4Raw, .lz4Hadoop:
            throw .invalid("Only LZ4_FRAME and ZSTD compression allowed, not \(codec.name)")
        }
    }

    /// Where the custom metadata of messages of version V4 tells the codec: that is how Arrow 0.17 did it, before there was
    /// a `BodyCompression` table, and readers of V4 still look nowhere else.
    static let experimentalKey = "ARROW:experimental_compression"

    init?(experimental metadata: Metadata) throws(MartletError) {
        switch metadata[Self.experimentalKey]?.lowercased() {
        case nil: return nil
        case "lz4", "lz4_frame": self = .lz4Frame
        case "zstd": self = .zstd
        case let other?: throw .invalid("Unsupported codec in RecordBatch::compression metadata: \(other)")
        }
    }

    /// Reads a `BodyCompression` table.
    init(_ table: FlatTable) throws(MartletError) {
        let method = try table.scalar(1, default: 0 as UInt8)
        guard method == 0 else {
            throw .invalid("This library only supports BUFFER compression method, not method \(method)")
        }
        switch try table.scalar(0, default: 0 as UInt8) {
        case Self.lz4Frame.number: self = .lz4Frame
        case Self.zstd.number: self = .zstd
        case let other: throw .invalid("Unsupported codec in RecordBatch::compression metadata: \(other)")
        }
    }
}
