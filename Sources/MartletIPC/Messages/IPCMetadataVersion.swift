/// The versions of the metadata that are read and written; raw values are those of Schema.fbs `MetadataVersion`.
public enum IPCMetadataVersion: Int16, Sendable, Hashable, CaseIterable {
    case v4 = 3
    case v5 = 4
}
