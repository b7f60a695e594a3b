public import MartletBase

/// Grows an array of strings or binaries, nulls included. `finish()` consumes it and is O(1).
public struct BytesBuilder<Offset: OffsetValue>: ~Copyable {
    private var offsets: BufferBuilder
    private var bytes: BufferBuilder
    private var validity: ValidityBuilder

    public init() throws(MartletError) {
        var ends = try BufferBuilder()
        try ends.append(0 as Offset)
        let memory = try BufferBuilder()
        let bits = try ValidityBuilder()
        offsets = ends
        bytes = memory
        validity = bits
    }

    public var count: Int { validity.count }

    /// Throws `capacityError` when the bytes no longer fit the offsets.
    public mutating func append(_ value: RawSpan) throws(MartletError) {
        try bytes.append(value)
        try endSlot(isValid: true)
    }

    public mutating func append(_ value: String) throws(MartletError) {
        for byte in value.utf8 { try bytes.append(byte) }
        try endSlot(isValid: true)
    }

    public mutating func append(_ value: String?) throws(MartletError) {
        if let value { try append(value) } else { try appendNull() }
    }

    public mutating func appendNull() throws(MartletError) { try endSlot(isValid: false) }

    private mutating func endSlot(isValid: Bool) throws(MartletError) {
        guard let end = Offset(exactly: bytes.byteCount) else {
            throw .capacity(
                "array cannot contain more than \(Offset.max) bytes, have \(bytes.byteCount); "
                    + "use the large type with 64-bit offsets, or several chunks")
        }
        try offsets.append(end)
        try validity.append(isValid)
    }

    /// The array; `type` is a string or binary type with this width of offsets.
    public consuming func finish(as type: DataType) throws(MartletError) -> ArrayData {
        guard type.isVariableBinary, type.layout.buffers[0].byteWidth == MemoryLayout<Offset>.size else {
            throw .type("\(type) has no \(MemoryLayout<Offset>.size * 8)-bit byte offsets")
        }
        let count = validity.count
        let (bits, nullCount) = validity.finish()
        return ArrayData(
            type: type, count: count, validity: bits, nullCount: nullCount, buffers: [offsets.finish(), bytes.finish()])
    }
}
