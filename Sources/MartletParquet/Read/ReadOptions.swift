public import MartletArrow

/// How a Parquet file is read.
public struct ReadOptions: Sendable, Hashable {
    /// Whether the checksums that pages carry are verified.
    public var verifiesChecksums = true
    /// Whether columns, row groups and pages are decoded on all threads.
    public var usesThreads = true
    /// Dotted paths of string and binary columns that are read as dictionaries, whatever was written.
    public var dictionaryColumns: [String] = []
    /// The unit of timestamps that are stored as INT96. Nanoseconds reach from 1677 to 2262; days beyond wrap.
    public var int96Unit = TimeUnit.nanosecond
    /// Whether the Arrow schema that a writer stored brings back types that Parquet does not have.
    public var usesStoredSchema = true
    /// The largest footer that is accepted, in bytes.
    public var maximumFooterByteCount = 1 << 30

    public init() {}
}
