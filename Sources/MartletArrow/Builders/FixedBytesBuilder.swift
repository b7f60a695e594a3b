public import MartletBase

/// Grows an array of values of so many bytes: fixed-size binaries, decimals of 256 bits, intervals of more than one number.
/// `finish(as:)` consumes it and is O(1).
public struct FixedBytesBuilder: ~Copyable {
    public let byteWidth: Int
    private var values: BufferBuilder
    private var validity: ValidityBuilder

    public init(byteWidth: Int) throws(MartletError) {
        guard byteWidth >= 0 else { throw .invalid("a width of \(byteWidth) bytes is negative") }
        let memory = try BufferBuilder()
        let bits = try ValidityBuilder()
        self.byteWidth = byteWidth
        values = memory
        validity = bits
    }

    public var count: Int { validity.count }

    public mutating func append(_ value: RawSpan) throws(MartletError) {
        guard value.byteCount == byteWidth else {
            throw .invalid("Got bytestring of length \(value.byteCount) (expected \(byteWidth))")
        }
        try values.append(value)
        try validity.append(true)
    }

    /// An interval of days and milliseconds.
    public mutating func append(days: Int32, milliseconds: Int32) throws(MartletError) {
        let value = [days, milliseconds]
        try unsafe append(value.span.bytes)
    }

    public mutating func append(months: Int32, days: Int32, nanoseconds: Int64) throws(MartletError) {
        let value = [Int64(days) << 32 | Int64(UInt32(bitPattern: months)), nanoseconds]
        try unsafe append(value.span.bytes)
    }

    public mutating func appendNull() throws(MartletError) {
        try values.appendZeros(byteWidth)
        try validity.append(false)
    }

    public consuming func finish(as type: DataType) throws(MartletError) -> ArrayData {
        guard type.layout.buffers == [.fixedBytes(byteWidth)] else { throw .type("\(type) has no values of \(byteWidth) bytes") }
        let count = validity.count
        let (bits, nullCount) = validity.finish()
        return ArrayData(type: type, count: count, validity: bits, nullCount: nullCount, buffers: [values.finish()])
    }
}
