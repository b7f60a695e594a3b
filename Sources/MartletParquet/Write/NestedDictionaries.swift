import MartletArrow
import MartletBase

// Parquet's dictionaries hold values of leaves: those of lists, structs and maps are looked up before they are written, and so
// are those of extension types, which only fields name.

extension Schema {
    /// The schema with the values of dictionaries of nested values and of extension types.
    var withoutNestedDictionaries: Schema { Schema(fields.map(\.withoutNestedDictionaries), metadata: metadata) }
}

extension Field {
    fileprivate var withoutNestedDictionaries: Field {
        Field(name, type.withoutNestedDictionaries, isNullable: isNullable, metadata: metadata)
    }
}

extension DataType {
    fileprivate var withoutNestedDictionaries: DataType {
        if let value = lookedUpValue { return value.withoutNestedDictionaries }
        return mapChildren(\.withoutNestedDictionaries)
    }

    /// What dictionaries that Parquet does not have are looked up for; nil for all other types.
    fileprivate var lookedUpValue: DataType? {
        guard case .dictionary(_, let value, _) = self else { return nil }
        if case .extension = value { return value }
        return value.isNested ? value : nil
    }
}

extension RecordBatch {
    /// The batch with every dictionary of nested values looked up; itself where there are none.
    func withoutNestedDictionaries() throws(MartletError) -> RecordBatch {
        let target = schema.withoutNestedDictionaries
        if target == schema { return self }
        var plain: [ArrayData] = []
        for column in columns { plain.append(try column.withoutNestedDictionaries()) }
        return try RecordBatch(schema: target, columns: plain, rowCount: rowCount)
    }
}

extension ArrayData {
    fileprivate func withoutNestedDictionaries() throws(MartletError) -> ArrayData {
        let target = type.withoutNestedDictionaries
        if target == type { return self }
        if type.lookedUpValue != nil, let dictionary {
            return try lookedUp(try dictionary.withoutNestedDictionaries())
        }
        var plain: [ArrayData] = []
        for child in children { plain.append(try child.withoutNestedDictionaries()) }
        return ArrayData(
            type: target, count: count, offset: offset, validity: validity, nullCount: knownNullCount, buffers: buffers,
            children: plain, dictionary: dictionary)
    }

    /// The values that the indices point at, neighbours that lie one behind the other as one piece.
    private func lookedUp(_ values: ArrayData) throws(MartletError) -> ArrayData {
        let places = try DictionaryPlaces(self, values)
        let null = try ArrayData.nulls(values.type, count: 1)
        var parts: [ArrayData] = []
        var i = 0
        while i < count {
            let start = places[i]
            var end = i + 1
            while start >= 0, end < count, places[end] == start + end - i { end += 1 }
            parts.append(start < 0 ? null : try values.slice(at: start, count: end - i))
            i = end
        }
        return try concatenate(parts, type: values.type)
    }
}
