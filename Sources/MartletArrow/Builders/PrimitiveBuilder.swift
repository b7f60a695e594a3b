public import MartletBase

/// Grows an array of native values, nulls included. `finish()` consumes it and is O(1).
///
/// The validity bitmap exists only from the first null on.
public struct PrimitiveBuilder<Value: NativeValue>: ~Copyable {
    private var values: BufferBuilder
    private var validity: ValidityBuilder

    public init(capacity: Int = 0) throws(MartletError) {
        let memory = try BufferBuilder(byteCapacity: try capacity.multiplied(checked: MemoryLayout<Value>.stride))
        let bits = try ValidityBuilder()
        values = memory
        validity = bits
    }

    public var count: Int { validity.count }

    public mutating func append(_ value: Value) throws(MartletError) {
        try values.append(value)
        try validity.append(true)
    }

    public mutating func appendNull() throws(MartletError) {
        try values.appendZeros(MemoryLayout<Value>.stride)
        try validity.append(false)
    }

    public mutating func append(_ value: Value?) throws(MartletError) {
        if let value { try append(value) } else { try appendNull() }
    }

    /// The array; `type` holds `Value`s.
    public consuming func finish(as type: DataType) throws(MartletError) -> ArrayData {
        guard type.nativeKind == Value.kind else { throw .type("\(type) does not hold \(Value.self) values") }
        let count = validity.count
        let (bits, nullCount) = validity.finish()
        return ArrayData(type: type, count: count, validity: bits, nullCount: nullCount, buffers: [values.finish()])
    }
}

/// The validity bitmap of an array that grows: nothing until the first null comes.
public struct ValidityBuilder: ~Copyable {
    private var bits: BitmapBuilder
    private var isUsed = false
    public private(set) var count = 0

    public init() throws(MartletError) { bits = try BitmapBuilder() }

    public mutating func append(_ isValid: Bool) throws(MartletError) {
        if !isValid && !isUsed {
            isUsed = true
            try bits.append(repeating: true, count: count)
        }
        if isUsed { try bits.append(isValid) }
        count += 1
    }

    /// The bitmap, nil when there are no nulls, and how many there are.
    public consuming func finish() -> (Buffer?, nullCount: Int) {
        let nullCount = bits.falseCount
        return isUsed ? (bits.finish(), nullCount) : (nil, 0)
    }
}
