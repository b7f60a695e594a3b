import MartletBase
public import MartletParquet

/// How a partitioned dataset is written. Names and defaults are those of pyarrow's `write_to_dataset`.
public struct DatasetWriterOptions: Sendable {
    /// What happens to data that is there already.
    public enum ExistingData: String, Sendable, CaseIterable {
        /// New files beside the old ones; an old file of the same name is replaced.
        case overwriteOrIgnore = "overwrite_or_ignore"
        /// An error when there is any.
        case error
        /// The old files of every partition that is written to go when the new ones come.
        case deleteMatching = "delete_matching"
    }

    public var existingData = ExistingData.overwriteOrIgnore
    /// The name of a file, with `{i}` for its number in the partition.
    public var basenameTemplate = "part-{i}.parquet"
    /// More keys than this are an error; nil: any number.
    public var maximumPartitionCount: Int?
    /// A file ends after this many rows and the next one begins; nil: one file for each key.
    public var maximumRowsPerFile: Int?
    /// Bytes of Arrow memory held for all partitions together; beyond it the largest are written out.
    public var memoryLimit = 256 << 20
    public var parquet = ParquetWriterOptions()

    public init() {}

    func checked() throws(MartletError) -> DatasetWriterOptions {
        guard fileName(0) != nil else {
            throw .invalid("basename_template did not contain '{i}'; write for example \"part-{i}.parquet\"")
        }
        guard !basenameTemplate.utf8.contains(UInt8(ascii: "/")) else {
            throw .invalid("basename_template contained '/': it is the name of a file, not a path")
        }
        if let maximumRowsPerFile, maximumRowsPerFile < 1 { throw .invalid("max_rows_per_file must be positive") }
        return self
    }

    /// The template with `number` in place of each "{i}"; nil when it has none. By hand, because the standard library
    /// would bring its regular expressions along, more than a megabyte.
    func fileName(_ number: Int) -> String? {
        var name = ""
        var rest = basenameTemplate[...]
        var isNumbered = false
        while let character = rest.first {
            if rest.hasPrefix("{i}") {
                name += String(number)
                rest = rest.dropFirst(3)
                isNumbered = true
            } else {
                name.append(character)
                rest = rest.dropFirst()
            }
        }
        return isNumbered ? name : nil
    }
}
