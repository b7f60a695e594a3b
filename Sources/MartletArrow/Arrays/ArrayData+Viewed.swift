public import MartletBase

extension ArrayData {
    /// The same memory under another type of the same layout all the way down: other child names, nullability or metadata,
    /// other units, text as bytes. Throws where the layouts differ.
    public func viewed(as other: DataType) throws(MartletError) -> ArrayData {
        if type == other { return self }
        let fields = other.childFields
        guard type.layout == other.layout, fields.count == children.count else {
            throw .type("array of \(type) cannot be seen as \(other); cast it instead")
        }
        var views: [ArrayData] = []
        for (child, field) in zip(children, fields) { views.append(try child.viewed(as: field.type)) }
        var values = dictionary
        if case .dictionary(_, let value, _) = other.storage { values = try dictionary?.viewed(as: value) }
        return ArrayData(
            type: other, count: count, offset: offset, validity: validity, nullCount: knownNullCount, buffers: buffers,
            children: views, dictionary: values)
    }
}

extension ChunkedArray {
    /// The same memory under another type of the same layout.
    package func viewed(as other: DataType) throws(MartletError) -> ChunkedArray {
        var views: [ArrayData] = []
        for chunk in chunks { views.append(try chunk.viewed(as: other)) }
        return try ChunkedArray(type: other, chunks: views)
    }
}
