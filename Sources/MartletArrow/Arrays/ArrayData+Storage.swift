public import MartletBase

extension ArrayData {
    /// The array under its extension types: the same memory; the array itself where there are none.
    public var storage: ArrayData {
        guard case .extension = type else { return self }
        return reinterpreted(as: type.storage)
    }

    /// The buffers of bytes that the views of a string or binary view array point into.
    public var variadicBuffers: ArraySlice<Buffer> {
        type.layout.hasVariadicBuffers ? buffers[min(1, buffers.count)...] : []
    }
}

/// The slots of an array of an extension type.
public struct ExtensionArray: Sendable {
    public let data: ArrayData
    public let type: ExtensionType
    /// The same slots as values of the storage type.
    public let storage: ArrayData

    public init(_ data: ArrayData) throws(MartletError) {
        guard case .extension(let type) = data.type else { throw .type("array of \(data.type) is of no extension type") }
        self.data = data
        self.type = type
        storage = data.reinterpreted(as: type.storage)
    }
}
