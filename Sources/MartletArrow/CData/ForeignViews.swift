public import CMartlet
import Glibc
public import MartletBase

/// Which parts of a foreign type are view arrays (Columnar.rst, "Variable-size Binary View Layout").
///
/// Martlet holds texts and bytes with 64-bit offsets, so views are copied on the way in; this tells where they are.
public struct ForeignViews: Sendable {
    public static let none = ForeignViews(isView: false, children: [], dictionary: [])

    let isView: Bool
    /// One for each child; empty when there are no views below.
    let children: [ForeignViews]
    /// One or none.
    let dictionary: [ForeignViews]

    private init(isView: Bool, children: [ForeignViews], dictionary: [ForeignViews]) {
        self.isView = isView
        self.children = children
        self.dictionary = dictionary
    }

    /// Reads a structure that `Field(reading:)` has found valid; it stays the caller's.
    @unsafe
    public init(reading schema: UnsafePointer<ArrowSchema>) {
        let raw = unsafe schema.pointee
        let format = unsafe String(cString: raw.format)
        let children = unsafe (0..<Int(raw.n_children)).map { unsafe ForeignViews(reading: raw.children[$0]!) }
        let dictionary = unsafe raw.dictionary.map { unsafe [ForeignViews(reading: $0)] } ?? []
        self.init(
            isView: format == "vu" || format == "vz", children: children.contains(where: \.hasAny) ? children : [],
            dictionary: dictionary.filter(\.hasAny))
    }

    private var hasAny: Bool { isView || !children.isEmpty || !dictionary.isEmpty }

    func child(_ index: Int) -> ForeignViews { children.isEmpty ? .none : children[index] }
}

/// The values of a view array, copied into offsets and bytes.
@safe
struct ViewedBytes {
    let offsets: Buffer
    let bytes: Buffer

    /// - Parameter buffers: the array's: validity, views, any number of bytes, and the lengths of those.
    /// - Throws: `.invalid` for a view that points outside of its buffer, with its slot.
    @unsafe
    init(
        _ buffers: UnsafeBufferPointer<UnsafeRawPointer?>, offset: Int, count: Int, type: DataType
    ) throws(MartletError) {
        let end = offset + count
        let dataCount = buffers.count - 3
        guard dataCount >= 0 else {
            throw .invalid("a view array of \(type) has \(buffers.count) buffers, expected at least 3")
        }
        guard let views = unsafe buffers[1] ?? (end == 0 ? UnsafeRawPointer(bitPattern: 16) : nil) else {
            throw .invalid("a view array of \(type) has no views")
        }
        let lengths = unsafe buffers[buffers.count - 1]
        guard unsafe dataCount == 0 || lengths != nil else {
            throw .invalid("a view array of \(type) does not say how long its buffers are")
        }
        let validity = unsafe buffers[0]
        func isValid(_ slot: Int) -> Bool {
            guard let validity = unsafe validity else { return true }
            return unsafe validity.load(fromByteOffset: slot >> 3, as: UInt8.self) & (1 << (slot & 7)) != 0
        }

        let offsets = try BufferBuilder(uninitializedCount: try end.adding(checked: 1).multiplied(checked: 8))
        let ends = unsafe offsets.pointer(to: Int64.self)
        var total = 0
        for slot in 0..<end {
            unsafe ends[slot] = Int64(total)
            guard slot >= offset, isValid(slot) else { continue }
            let view = unsafe views + slot * 16
            let length = Int(unsafe view.loadUnaligned(as: Int32.self))
            guard length >= 0 else { throw .invalid("slot \(slot) of a view array of \(type) has the length \(length)") }
            if length > 12 {
                let index = Int(unsafe view.loadUnaligned(fromByteOffset: 8, as: Int32.self))
                let start = Int(unsafe view.loadUnaligned(fromByteOffset: 12, as: Int32.self))
                guard index >= 0, index < dataCount, start >= 0,
                    unsafe Int64(start + length) <= lengths!.loadUnaligned(fromByteOffset: index * 8, as: Int64.self),
                    unsafe buffers[2 + index] != nil
                else {
                    throw .invalid("slot \(slot) of a view array of \(type) points outside of its buffers")
                }
            }
            total = try total.adding(checked: length)
        }
        unsafe ends[end] = Int64(total)

        let bytes = try BufferBuilder(uninitializedCount: total)
        for slot in offset..<max(end, offset) {
            let start = Int(unsafe ends[slot])
            let length = Int(unsafe ends[slot + 1]) - start
            if length == 0 { continue }
            let view = unsafe views + slot * 16
            // Safety: the first pass checked every view that is not null, and the total is what was allocated.
            let source =
                unsafe length <= 12
                ? view + 4
                : buffers[2 + Int(view.loadUnaligned(fromByteOffset: 8, as: Int32.self))]!
                    + Int(view.loadUnaligned(fromByteOffset: 12, as: Int32.self))
            unsafe memcpy(bytes.address + start, source, length)
        }
        self.offsets = offsets.finish()
        self.bytes = bytes.finish()
    }
}
