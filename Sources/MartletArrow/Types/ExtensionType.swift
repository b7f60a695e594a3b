package import MartletBase

/// A type of somebody's own on top of a storage type (Columnar format, "Extension Types"). Any name is kept with its
/// metadata; the names that Martlet knows are those of the canonical extension types.
public struct ExtensionType: Sendable, Hashable {
    public var name: String
    /// What tells the parameters of the type; its form is the extension's own affair.
    public var metadata: [UInt8]
    public var storage: DataType

    public init(name: String, metadata: [UInt8] = [], storage: DataType) {
        self.name = name
        self.metadata = metadata
        self.storage = storage
    }

    /// The keys of field metadata under which extension types travel.
    package static let nameKey = "ARROW:extension:name"
    package static let metadataKey = "ARROW:extension:metadata"
}

extension Field {
    /// The field as the doors write it: an extension type as its storage, with the name and metadata of the extension
    /// among the field's metadata. Children are left alone; whoever writes them does the same there.
    package var withExtensionAsMetadata: Field {
        guard case .extension(let type) = type else { return self }
        var plain = Field(name, type.storage, isNullable: isNullable, metadata: metadata)
        plain.metadata.remove(ExtensionType.nameKey)
        plain.metadata.remove(ExtensionType.metadataKey)
        plain.metadata.append(ExtensionType.nameKey, type.name)
        plain.metadata.pairs.append(.init(key: Array(ExtensionType.metadataKey.utf8), value: type.metadata))
        return plain
    }

    /// `withExtensionAsMetadata` all the way down.
    fileprivate var withExtensionsAsMetadata: Field {
        var plain = withExtensionAsMetadata
        plain.type = plain.type.mapChildren(\.withExtensionsAsMetadata)
        return plain
    }

    /// `withExtensionFromMetadata` all the way down.
    package var withExtensionsFromMetadata: Field {
        var whole = self
        whole.type = type.mapChildren(\.withExtensionsFromMetadata)
        return whole.withExtensionFromMetadata
    }

    /// The type, an extension type too where only the metadata names it.
    var meaning: DataType { metadata.pairs.isEmpty ? type : withExtensionFromMetadata.type }

    /// The field as the doors read it: an extension named by the field's metadata becomes its type.
    package var withExtensionFromMetadata: Field {
        guard let name = metadata[ExtensionType.nameKey] else { return self }
        let parameters = metadata.bytes(of: ExtensionType.metadataKey) ?? []
        var whole = self
        whole.metadata.remove(ExtensionType.nameKey)
        whole.metadata.remove(ExtensionType.metadataKey)
        whole.type = .extension(ExtensionType(name: name, metadata: parameters, storage: type))
        return whole
    }
}

extension Schema {
    /// The schema with storage types for extension types at every level, which the fields' metadata then tells of: for
    /// rooms that work on storage only. `ArrayData.viewed(as:)` sees arrays under the one as arrays under the other.
    package var withExtensionsAsMetadata: Schema {
        Schema(fields.map(\.withExtensionsAsMetadata), metadata: metadata)
    }

    /// The schema with extension types wherever the fields' metadata names them.
    package var withExtensionsFromMetadata: Schema {
        Schema(fields.map(\.withExtensionsFromMetadata), metadata: metadata)
    }
}

extension RecordBatch {
    /// The same memory under a schema of the same layouts.
    package func viewed(as other: Schema) throws(MartletError) -> RecordBatch {
        guard other.fields.count == columns.count else {
            throw .invalid("Schema and number of arrays unequal: \(other.fields.count) fields, \(columns.count) columns")
        }
        var views: [ArrayData] = []
        for (column, field) in zip(columns, other.fields) { views.append(try column.viewed(as: field.type)) }
        return RecordBatch(unchecked: other, columns: views, rowCount: rowCount)
    }
}
