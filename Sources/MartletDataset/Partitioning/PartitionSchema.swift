import MartletArrow
import MartletBase
import MartletCompute
import MartletParquet

/// The schema of the whole dataset, keys included, as every file that Martlet writes into a partitioned dataset carries it.
///
/// Directory names keep only the text of a key. With this in the footer the reader restores the keys' types ('007' stays
/// a string, an int32 stays an int32) and the columns' order. Other readers see a plain hive dataset: a file of its own
/// beside the data would keep some of them from reading the directory at all.
enum DatasetSchema {
    static let key = "martlet.dataset_schema"

    static func encode(_ schema: Schema) throws(MartletError) -> String {
        let message = try SchemaMessage.encode(Schema(schema.fields))
        let bytes = unsafe message.bytes.withUnsafeBytes { unsafe Array($0) }
        return String(decoding: Base64.encode(bytes), as: UTF8.self)
    }

    /// nil when the text is damaged: then the dataset reads like any other.
    static func decode(_ text: String) -> Schema? {
        guard let bytes = Base64.decode(Array(text.utf8)) else { return nil }
        return unsafe try? SchemaMessage.decode(bytes.span.bytes)
    }

    /// The type of a key for which no schema is known, from all its texts: int32 when all are, else string; both
    /// dictionary-encoded, as pyarrow gives them.
    static func inferredKeyType(_ texts: some Sequence<String?>) -> DataType {
        let isInteger = texts.allSatisfy { text in
            guard let text else { return true }
            return Int32(text) != nil && text.first != "+"
        }
        return .dictionary(index: .int32, value: isInteger ? .int32 : .string, isOrdered: false)
    }
}

/// Whether values of `type` can be keys: they have a text from which they can be read again.
func isKeyType(_ type: DataType) -> Bool {
    if case .interval = type.storage { return false }
    return !type.isNested
}

/// The text that directory names have for a key; nil for null.
func keyText(_ keys: ArrayData, at row: Int) throws(MartletError) -> String? {
    guard keys.isValid(row) else { return nil }
    var plain = keys.type.storage
    if case .dictionary(_, let value, _) = plain { plain = value.storage }
    switch plain {
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary:
        // As in pyarrow, bytes are text; what is none could not be told from it again.
        let bytes = try cast(keys.window(row, 1), to: .largeBinary)
        do throws(MartletError) { return try cast(bytes, to: .largeString).text(at: 0) } catch {
            throw error.within("\(keys.type) as the name of a directory, which is text; make text of the key first")
        }
    case _: return try keys.text(at: row)
    }
}

/// The key that a directory name tells, as an array of one value of `type`.
func keyValue(_ text: String?, as type: DataType) throws(MartletError) -> ArrayData {
    guard let text else { return try .nulls(type, count: 1) }
    var plain = type
    if case .dictionary(_, let value, _) = type { plain = value }
    let value = try cast(try ArrayData.of([text]), to: plain)
    guard case .dictionary(let index, _, _) = type else { return value }
    let width = index.nativeKind?.byteWidth ?? 4
    return ArrayData(type: type, count: 1, nullCount: 0, buffers: [try Buffer(zeroed: width)], dictionary: value)
}
