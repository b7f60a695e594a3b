public import MartletBase

/// Arrays of one type, read once from front to back: what a C stream is. Record batches come as struct arrays.
public protocol ArrayStream: AnyObject {
    var field: Field { get }
    func next() throws(MartletError) -> ArrayData?
}

/// Record batches as a stream of struct arrays.
public final class BatchArrayStream: ArrayStream {
    public let reader: any RecordBatchReader
    public let field: Field

    public init(_ reader: any RecordBatchReader) {
        self.reader = reader
        field = Field("", reader.schema.structType, isNullable: false, metadata: reader.schema.metadata)
    }

    public func next() throws(MartletError) -> ArrayData? {
        guard let batch = try reader.next() else { return nil }
        return ArrayData(type: field.type, count: batch.rowCount, children: batch.columns)
    }
}

/// A stream of struct arrays as record batches. Throws when the arrays are no structs.
public final class ArrayStreamReader: RecordBatchReader {
    private let stream: any ArrayStream
    public let schema: Schema

    public init(_ stream: any ArrayStream) throws(MartletError) {
        guard case .struct(let fields) = stream.field.type.storage else {
            throw .type("a stream of record batches has struct arrays, not \(stream.field.type)")
        }
        self.stream = stream
        schema = Schema(fields, metadata: stream.field.metadata)
    }

    public func next() throws(MartletError) -> RecordBatch? {
        guard let array = try stream.next() else { return nil }
        let batch = try RecordBatch(structArray: array)
        return RecordBatch(unchecked: schema, columns: batch.columns, rowCount: batch.rowCount)
    }
}

/// Arrays in memory as a stream.
public final class ArraysStream: ArrayStream {
    public let field: Field
    private var arrays: ArraySlice<ArrayData>

    public init(field: Field, _ arrays: [ArrayData]) {
        self.field = field
        self.arrays = arrays[...]
    }

    public func next() throws(MartletError) -> ArrayData? { arrays.popFirst() }
}
