public import MartletBase

/// Columns of equal length under a schema: the unit of streaming.
public struct RecordBatch: Sendable {
    public let schema: Schema
    public let columns: [ArrayData]
    public let rowCount: Int

    /// Throws when columns and fields differ in number, type or length. `rowCount` is needed only without columns.
    public init(schema: Schema, columns: [ArrayData], rowCount: Int? = nil) throws(MartletError) {
        guard schema.fields.count == columns.count else {
            throw .invalid("Schema and number of arrays unequal: \(schema.fields.count) fields, \(columns.count) columns")
        }
        let rows = rowCount ?? columns.first?.count ?? 0
        for (i, column) in columns.enumerated() {
            let field = schema.fields[i]
            guard column.count == rows else {
                throw .invalid(
                    "Column \(i) named \(field.name) expected length \(rows) but got length \(column.count); "
                        + "every column needs the same length: cut them to the shortest or pad with nulls")
            }
            guard column.type == field.type || column.type.holdsSameValues(as: field.type) else {
                throw .type(
                    "Column \(i) named \(field.name) expected type \(field.type) but got \(column.type); cast it first")
            }
        }
        self.init(unchecked: schema, columns: columns, rowCount: rows)
    }

    package init(unchecked schema: Schema, columns: [ArrayData], rowCount: Int) {
        self.schema = schema
        self.columns = columns
        self.rowCount = rowCount
    }

    public func slice(at start: Int, count length: Int) throws(MartletError) -> RecordBatch {
        try checkWindow(offset: start, length: length, count: rowCount, "batch slice")
        return RecordBatch(unchecked: schema, columns: columns.map { $0.window(start, length) }, rowCount: length)
    }

    public func column(_ name: String) throws(MartletError) -> ArrayData { columns[try schema.index(of: name)] }

    /// The batch of the columns at `indices`, in that order.
    public func select(_ indices: [Int]) throws(MartletError) -> RecordBatch {
        if let wrong = indices.first(where: { !columns.indices.contains($0) }) {
            throw .index("column index \(wrong) is out of range for \(columns.count) columns")
        }
        return RecordBatch(
            unchecked: Schema(indices.map { schema.fields[$0] }, metadata: schema.metadata),
            columns: indices.map { columns[$0] }, rowCount: rowCount)
    }

    /// The batch as the struct array that it is across the C interfaces: no offset, no nulls.
    public var structArray: ArrayData { ArrayData(type: schema.structType, count: rowCount, children: columns) }

    /// A batch of the fields of a struct array. Top-level nulls cannot be told and are refused.
    public init(structArray array: ArrayData, metadata: Metadata = Metadata()) throws(MartletError) {
        guard case .struct(let fields) = array.type.storage else {
            throw .type("a record batch is a struct, not \(array.type)")
        }
        guard array.nullCount == 0 else {
            throw .invalid("a record batch has no top-level nulls, but the struct array has \(array.nullCount)")
        }
        self.init(
            unchecked: Schema(fields, metadata: metadata), columns: fields.indices.map { array.child($0) },
            rowCount: array.count)
    }
}
