package import MartletArrow

/// What a `martlet_schema *` points at.
package final class SchemaHandle {
    package let field: Field
    package init(_ field: Field) { self.field = field }
}

/// What a `martlet_array *` points at. It lives here and not in the C door, because Python's objects hold it themselves.
package final class ArrayHandle {
    package let data: ArrayData
    /// Tells names, nullability and metadata, which the data does not know.
    package let field: Field

    package init(_ data: ArrayData, field: Field? = nil) {
        self.data = data
        self.field = field ?? Field("", data.type)
    }
}
