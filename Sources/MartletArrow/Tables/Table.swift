public import MartletBase

/// Arrays of one type, one after the other, seen as one column.
public struct ChunkedArray: Sendable {
    public let type: DataType
    public let chunks: [ArrayData]
    public let count: Int

    public init(type: DataType, chunks: [ArrayData]) throws(MartletError) {
        var total = 0
        for chunk in chunks {
            guard chunk.type == type || chunk.type.holdsSameValues(as: type) else {
                throw .type("Array chunks must all be same type: \(type) and \(chunk.type)")
            }
            total = try total.adding(checked: chunk.count)
        }
        self.type = type
        self.chunks = chunks
        count = total
    }

    public var nullCount: Int { chunks.reduce(0) { $0 + $1.nullCount } }

    /// All chunks as one array; no copy when there is one.
    public func combined() throws(MartletError) -> ArrayData { try concatenate(chunks, type: type) }
}

/// Chunked columns of equal length under a schema.
public struct Table: Sendable {
    public let schema: Schema
    public let columns: [ChunkedArray]
    public let rowCount: Int

    public init(schema: Schema, batches: [RecordBatch]) throws(MartletError) {
        for (i, batch) in batches.enumerated() where !batch.schema.isSame(as: schema) {
            throw .invalid("Schema at index \(i) was different: \(batch.schema.names) vs \(schema.names)")
        }
        var columns: [ChunkedArray] = []
        for (i, field) in schema.fields.enumerated() {
            columns.append(try ChunkedArray(type: field.type, chunks: batches.map { $0.columns[i] }))
        }
        self.schema = schema
        self.columns = columns
        rowCount = batches.reduce(0) { $0 + $1.rowCount }
    }

    /// Throws when columns and fields differ in number, type or length. `rowCount` is needed only without columns.
    public init(schema: Schema, columns: [ChunkedArray], rowCount: Int? = nil) throws(MartletError) {
        guard schema.fields.count == columns.count else {
            throw .invalid("Schema and number of arrays unequal: \(schema.fields.count) fields, \(columns.count) columns")
        }
        let rows = rowCount ?? columns.first?.count ?? 0
        for (i, column) in columns.enumerated() {
            let field = schema.fields[i]
            guard column.count == rows else {
                throw .invalid("Column \(i) named \(field.name) expected length \(rows) but got length \(column.count)")
            }
            guard column.type == field.type || column.type.holdsSameValues(as: field.type) else {
                throw .type("Column \(i) named \(field.name) expected type \(field.type) but got \(column.type)")
            }
        }
        self.schema = schema
        self.columns = columns
        self.rowCount = rows
    }
}
