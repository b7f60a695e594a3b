public import MartletBase

/// Grows an array of string views or binary views, nulls included. `finish(as:)` consumes it and is O(1).
///
/// Values of up to 12 bytes lie in their view; longer ones go to buffers of bytes, a new one whenever the last is full.
public struct BinaryViewBuilder: ~Copyable {
    private var views: BufferBuilder
    private var bytes: BufferBuilder
    private var full: [Buffer] = []
    private var validity: ValidityBuilder
    private let bufferByteCount: Int

    /// Buffers of bytes hold so many, or one value that is longer.
    public init(bufferByteCount: Int = 1 << 20) throws(MartletError) {
        let memory = try BufferBuilder()
        let target = try BufferBuilder()
        let bits = try ValidityBuilder()
        views = memory
        bytes = target
        validity = bits
        self.bufferByteCount = min(max(bufferByteCount, 1), Int(Int32.max))
    }

    public var count: Int { validity.count }

    /// Throws `capacityError` for a value of 2 GiB or more.
    public mutating func append(_ value: RawSpan) throws(MartletError) {
        let length = value.byteCount
        guard let number = Int32(exactly: length) else {
            throw .capacity("a view holds at most \(Int32.max) bytes, not \(length); use large_string or large_binary")
        }
        try views.append(number)
        if length <= BinaryViewArray.inlineCapacity {
            try views.append(value)
            try views.appendZeros(BinaryViewArray.inlineCapacity - length)
        } else {
            if bytes.byteCount > 0 && bytes.byteCount > bufferByteCount - length { try endBuffer() }
            try views.append(value.extracting(first: 4))
            try views.append(Int32(truncatingIfNeeded: full.count))
            try views.append(Int32(truncatingIfNeeded: bytes.byteCount))
            try bytes.append(value)
        }
        try validity.append(true)
    }

    public mutating func append(_ value: String?) throws(MartletError) {
        guard let value else { return try appendNull() }
        let text = Array(value.utf8)
        try unsafe append(text.span.bytes)
    }

    public mutating func appendNull() throws(MartletError) {
        try views.appendZeros(BinaryViewArray.viewWidth)
        try validity.append(false)
    }

    private mutating func endBuffer() throws(MartletError) {
        let next = try BufferBuilder(byteCapacity: bufferByteCount)
        let last = exchange(&bytes, with: next)
        full.append(last.finish())
    }

    /// The array; `type` is `stringView` or `binaryView`, or an extension of one.
    public consuming func finish(as type: DataType) throws(MartletError) -> ArrayData {
        guard type.layout.hasVariadicBuffers else { throw .type("\(type) has no views") }
        let count = validity.count
        let last = bytes.finish()
        let targets = last.isEmpty ? full : full + [last]
        let (bits, nullCount) = validity.finish()
        return ArrayData(
            type: type, count: count, validity: bits, nullCount: nullCount, buffers: [views.finish()] + targets)
    }
}
