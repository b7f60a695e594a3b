import MartletBase
import MartletCodecs

/// How batches are written; the defaults are pyarrow's.
public struct IPCWriteOptions: Sendable {
    /// Buffers start at multiples of this many bytes: a power of two from 8 up. Columns of 128-bit values raise it to 16,
    /// so that readers of mapped files need not copy them.
    public var alignment = 8
    public var compression: BodyCompression?
    /// The codec's own, nil its default.
    public var compressionLevel: Int?
    /// Compress on all processors.
    public var usesThreads = true
    /// Columns of more than 2^31 - 1 slots are an error without.
    public var allowsLongColumns = false
    /// When a dictionary has grown at its end, only what is new is written.
    public var emitsDictionaryDeltas = false
    /// V4 is for readers of before 1.0: unions have a validity buffer there.
    public var metadataVersion = IPCMetadataVersion.v5
    /// The framing of before 0.15: no continuation mark before the length of a message's metadata.
    public var usesLegacyFormat = false

    public init() {}

    func validate() throws(MartletError) {
        guard alignment >= 8, alignment <= 1 << 16, alignment & (alignment - 1) == 0 else {
            throw .invalid("alignment \(alignment) is not a power of two from 8 to 65536")
        }
        if let compressionLevel {
            guard let compression else { throw .invalid("compression_level \(compressionLevel) needs a compression") }
            try compression.codec.validate(level: compressionLevel)
        }
    }
}
