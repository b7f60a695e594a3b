public import MartletBase

/// The slots of a string view or binary view array, already sliced (Columnar.rst, "Variable-size Binary View Layout").
///
/// A view that points outside of its buffers reads as empty; `validate(full:)` tells of it.
@safe
public struct BinaryViewArray: @unchecked Sendable {
    public let data: ArrayData
    public let validity: Bitmap?
    public let count: Int
    // Safety: `count` views of 16 bytes and the buffers behind them, in memory that `data` keeps alive.
    @usableFromInline package let views: UnsafeRawPointer
    @usableFromInline package let targets: [UnsafeRawBufferPointer]

    /// Bytes that a view itself can hold.
    public static let inlineCapacity = 12
    package static let viewWidth = 16

    public init(_ data: ArrayData) throws(MartletError) {
        guard data.type.layout.buffers == [.views] else { throw .type("array of \(data.type) has no views") }
        let buffer = data.buffers[0]
        let end = try data.offset.adding(checked: data.count).multiplied(checked: Self.viewWidth)
        guard buffer.count >= end, buffer.isAligned(to: BufferRole.views.alignment) || data.count == 0 else {
            throw .invalid("views buffer of \(data.type) is too short or misaligned: \(buffer.count) bytes for \(end)")
        }
        self.data = data
        validity = data.usedValidityBitmap
        count = data.count
        unsafe views = UnsafeRawPointer(buffer.pointer(to: UInt8.self)) + data.offset * Self.viewWidth
        unsafe targets = data.variadicBuffers.map {
            unsafe UnsafeRawBufferPointer(start: $0.pointer(to: UInt8.self), count: $0.count)
        }
    }

    /// The bytes of slot `index`, for as long as this array is held. The caller keeps `index` below `count`.
    @inlinable
    @_lifetime(borrow self)
    public func bytes(_ index: Int) -> RawSpan {
        assert(index >= 0 && index < count)
        let span = unsafe RawSpan(_unsafeBytes: location(index) ?? UnsafeRawBufferPointer(start: views, count: 0))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Where the bytes of slot `index` lie; nil when the view is damaged.
    @inlinable
    package func location(_ index: Int) -> UnsafeRawBufferPointer? {
        // Safety: the initialiser checked that there are `count` views; what a view says is checked here.
        let view = unsafe views + index &* 16
        let length = unsafe Int(view.load(as: Int32.self))
        if length <= 12 { return unsafe length < 0 ? nil : UnsafeRawBufferPointer(start: view + 4, count: length) }
        let target = unsafe Int(view.load(fromByteOffset: 8, as: Int32.self))
        let start = unsafe Int(view.load(fromByteOffset: 12, as: Int32.self))
        guard target >= 0, unsafe target < targets.count, start >= 0, unsafe start &+ length <= targets[target].count else {
            return nil
        }
        return unsafe UnsafeRawBufferPointer(rebasing: targets[target][start..<start &+ length])
    }

    /// Slot `index` as text; damaged UTF-8 is repaired with U+FFFD.
    public func string(_ index: Int) -> String {
        unsafe bytes(index).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    @inlinable public func isValid(_ index: Int) -> Bool { validity?[index] ?? true }
}
