public import MartletBase

/// A compression of whole buffers, as Parquet pages and Arrow IPC bodies use it.
public enum Codec: Sendable, Hashable, CaseIterable {
    case uncompressed
    /// Raw snappy, without framing.
    case snappy
    /// RFC 1952; several members in a row are read as one.
    case gzip
    case brotli
    case zstd
    /// One LZ4 block (Parquet's LZ4_RAW).
    case lz4Raw
    /// The LZ4 frame format (Arrow IPC's LZ4_FRAME).
    case lz4Frame
    /// LZ4 blocks behind Hadoop's two lengths (Parquet's deprecated LZ4).
    case lz4Hadoop

    /// pyarrow's name.
    public var name: String {
        switch self {
        case .uncompressed: "uncompressed"
        case .snappy: "snappy"
        case .gzip: "gzip"
        case .brotli: "brotli"
        case .zstd: "zstd"
        case .lz4Raw: "lz4_raw"
        case .lz4Frame: "lz4"
        case .lz4Hadoop: "lz4_hadoop"
        }
    }

    /// The codec that pyarrow calls `name`, in capitals or not. `"none"` is `uncompressed`.
    ///
    /// `"lz4"` is the frame format; Parquet writers take it as LZ4_RAW.
    public init(named name: String) throws(MartletError) {
        let lowered = name.lowercased()
        if lowered == "none" {
            self = .uncompressed
            return
        }
        for codec in Codec.allCases where codec.name == lowered {
            self = codec
            return
        }
        let known = Codec.allCases.map { "'\($0.name)'" }.joined(separator: ", ")
        throw .invalid("Invalid value for compression: '\(name)'. Supported are \(known) and 'none'")
    }

    /// The levels that the codec knows, nil when it has none.
    ///
    /// As in pyarrow, brotli, zstd and lz4 take a level beyond the range as the nearest one.
    public var levels: ClosedRange<Int>? {
        switch self {
        case .uncompressed, .snappy, .lz4Hadoop: nil
        case .gzip: 0...9
        case .brotli: 0...11
        case .zstd: -131_072...22
        case .lz4Raw, .lz4Frame: 1...12
        }
    }

    /// The level that stands for "no level given". gzip's 6 packs about as small as zlib's 9.
    public var defaultLevel: Int? {
        switch self {
        case .uncompressed, .snappy, .lz4Hadoop: nil
        case .gzip: 6
        case .brotli: 8
        case .zstd, .lz4Raw, .lz4Frame: 1
        }
    }

    /// Throws what pyarrow throws for a level that the codec cannot take; a writer asks once, before the first byte.
    public func validate(level: Int?) throws(MartletError) {
        guard let level, self != .uncompressed else { return }
        guard let levels else {
            throw .invalid("Codec '\(name)' doesn't support setting a compression level.")
        }
        if self == .gzip && !levels.contains(level) {
            throw MartletError(.ioError, "zlib deflateInit failed: gzip has levels 0 to 9, not \(level)")
        }
    }

    /// `level`, or the default, brought into the codec's range.
    func effective(level: Int?) -> Int32 {
        guard let levels, let wanted = level ?? defaultLevel else { return 0 }
        return Int32(min(max(wanted, levels.lowerBound), levels.upperBound))
    }
}
