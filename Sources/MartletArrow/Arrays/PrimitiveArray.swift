public import MartletBase

/// The slots of an array of native values, already sliced.
@safe
public struct PrimitiveArray<Value: NativeValue>: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    // Safety: points at slot 0 in memory that `data` keeps alive; `count` values follow.
    @usableFromInline package let base: UnsafePointer<Value>
    public let count: Int

    /// Throws when the array does not hold values of this kind, or its buffer is too short or misaligned.
    public init(_ data: ArrayData, as type: Value.Type = Value.self) throws(MartletError) {
        guard data.type.nativeKind == Value.kind else {
            throw .type("array of \(data.type) does not hold \(Value.self) values")
        }
        let buffer = data.buffers[0]
        let end = try data.offset.adding(checked: data.count).multiplied(checked: MemoryLayout<Value>.stride)
        guard buffer.count >= end, buffer.isAligned(to: MemoryLayout<Value>.alignment) else {
            throw .invalid("values buffer of \(data.type) is too short or misaligned: \(buffer.count) bytes for \(end)")
        }
        self.data = data
        validity = data.usedValidityBitmap
        unsafe base = buffer.pointer(to: Value.self) + data.offset
        count = data.count
    }

    /// The value of slot `index`, unspecified where the slot is null. The caller keeps `index` below `count`.
    @inlinable public subscript(index: Int) -> Value {
        assert(index >= 0 && index < count)
        return unsafe base[index]
    }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }

    /// All values, in order, for as long as this view is held.
    @inlinable
    public var values: Span<Value> {
        @_lifetime(borrow self)
        get {
            // Safety: the initialiser checked that the buffer holds `count` values from `base`.
            let span = unsafe Span(_unsafeStart: base, count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

/// The slots of a boolean array, already sliced.
public struct BooleanArray: Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let values: Bitmap

    public init(_ data: ArrayData) throws(MartletError) {
        guard data.type.storage == .boolean else { throw .type("array of \(data.type) is not boolean") }
        self.data = data
        validity = data.usedValidityBitmap
        values = try Bitmap(data.buffers[0], offset: data.offset, count: data.count)
    }

    public var count: Int { values.count }
    public subscript(index: Int) -> Bool { values[index] }
    public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}
