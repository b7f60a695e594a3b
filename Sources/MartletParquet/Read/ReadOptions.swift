public import MartletArrow

/// How a Parquet file is read.
public struct ReadOptions: Sendable {
    /// Whether the checksums that pages carry are verified.
    public var verifiesChecksums = true
    /// Whether columns, row groups and pages are decoded on all threads.
    public var usesThreads = true
    /// Dotted paths of string and binary columns that are read as dictionaries, whatever was written.
    public var dictionaryColumns: [String] = []
    /// The unit of timestamps that are stored as INT96. Nanoseconds reach from 1677 to 2262; days beyond wrap.
    public var int96Unit = TimeUnit.nanosecond
    /// How byte strings and lists are read where the file has no stored Arrow schema that says so.
    public var bytesForm = BytesForm.offsets32
    public var listForm = ListForm.offsets32
    /// Whether UUID, JSON and VARIANT are read as the extension types that stand for them.
    public var usesExtensionTypes = true
    /// Whether shredded variants are put together: `typed_value` becomes part of `value`.
    public var unshredsVariants = false
    /// Whether the Arrow schema that a writer stored brings back types that Parquet does not have.
    public var usesStoredSchema = true
    /// The largest footer that is accepted, in bytes.
    public var maximumFooterByteCount = 1 << 30
    /// The longest string of the footer that is accepted, in bytes, and the longest list.
    public var maximumFooterStringByteCount = Int.max
    public var maximumFooterListCount = Int.max
    /// How many levels the Parquet schema may have, its root and its leaves included; nil: as many as can be read.
    public var maximumSchemaDepth: Int?
    /// The keys of encrypted files.
    public var decryption: DecryptionOptions?

    public init() {}

    var footerLimits: ThriftLimits {
        ThriftLimits(stringByteCount: maximumFooterStringByteCount, listCount: maximumFooterListCount)
    }

    /// pyarrow's `binary_type`: string, large_string or string_view, and the same of binary.
    public enum BytesForm: Sendable, Hashable { case offsets32, offsets64, views }
    /// pyarrow's `list_type`: list, large_list, list_view or large_list_view. Maps are not lists here.
    public enum ListForm: Sendable, Hashable { case offsets32, offsets64, views32, views64 }
}
