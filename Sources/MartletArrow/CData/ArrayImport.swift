public import CMartlet
import Glibc
public import MartletBase

/// A foreign array that was moved to us: released once, when the last buffer that looks into it is gone.
@safe private final class ForeignArray: MemoryOwner, @unchecked Sendable {
    // Safety: ours alone since the move; only `deinit` writes it.
    private var array: ArrowArray
    init(moving source: UnsafeMutablePointer<ArrowArray>) {
        unsafe array = source.move()
        super.init()
    }
    deinit { unsafe withUnsafeMutablePointer(to: &array) { unsafe $0.pointee.release?($0) } }
}

extension ArrayData {
    /// Takes over `array`, whose values are of `type`, and uses its buffers where they lie. What can be checked in O(1) per
    /// buffer is checked: counts, lengths, missing buffers, the ends of offsets. Buffers that are not aligned for their
    /// values are copied. `array` is moved, also when this throws.
    @unsafe
    public static func importing(
        _ array: UnsafeMutablePointer<ArrowArray>, type: DataType, views: ForeignViews = .none
    ) throws(MartletError) -> ArrayData {
        guard unsafe array.pointee.release != nil else { throw .invalid("Cannot import released ArrowArray") }
        let raw = unsafe array.pointee
        let owner = unsafe ForeignArray(moving: array)
        unsafe array.pointee.release = nil
        return try unsafe read(raw, type: type, views: views, owner: owner, depth: 1)
    }

    private static func read(
        _ raw: ArrowArray, type: DataType, views: ForeignViews, owner: ForeignArray, depth: Int
    ) throws(MartletError) -> ArrayData {
        guard depth <= DataType.maximumDepth else {
            throw .invalid("Recursion level in ArrowArray struct exceeded: more than \(DataType.maximumDepth)")
        }
        let layout = type.layout
        let count = try Int(size: unsafe raw.length, "ArrowArray.length")
        let offset = try Int(size: unsafe raw.offset, "ArrowArray.offset")
        let end = try offset.adding(checked: count)
        let nullCount = unsafe Int(exactly: raw.null_count) ?? -1
        guard nullCount >= -1, nullCount <= count else {
            throw .invalid("ArrowArray.null_count is \(nullCount) for \(count) slots of \(type)")
        }

        if views.isView {
            return try unsafe readViews(raw, type: type, count: count, offset: offset, nullCount: nullCount, owner: owner)
        }
        let expectedBuffers = layout.buffers.count + (layout.hasValidity ? 1 : 0)
        guard unsafe raw.n_buffers == Int64(expectedBuffers) else {
            throw unsafe .invalid("Expected \(expectedBuffers) buffers for imported type \(type), ArrowArray struct has \(raw.n_buffers)")
        }
        guard unsafe expectedBuffers == 0 || raw.buffers != nil else { throw .invalid("ArrowArray.buffers is NULL") }
        func buffer(_ index: Int, _ byteCount: Int) throws(MartletError) -> Buffer {
            guard let address = unsafe raw.buffers[index] else {
                guard byteCount == 0 || count == 0 else {
                    throw .invalid("buffer \(index) of imported \(type) is NULL, expected \(byteCount) bytes")
                }
                return .empty
            }
            return unsafe Buffer(unsafeAddress: address, count: byteCount, owner: owner)
        }

        var validity: Buffer?
        if layout.hasValidity, unsafe raw.buffers[0] != nil {
            validity = try buffer(0, (end.adding(checked: 7)) / 8)
        } else if layout.hasValidity && nullCount > 0 {
            throw .invalid("ArrowArray of \(type) has \(nullCount) nulls but no validity buffer")
        }
        var buffers: [Buffer] = []
        for (i, role) in layout.buffers.enumerated() {
            let index = i + (layout.hasValidity ? 1 : 0)
            let byteCount: Int
            switch role {
            case .values, .fixedBytes: byteCount = try end.multiplied(checked: role.byteWidth!)
            case .offsets32, .offsets64: byteCount = try end.adding(checked: 1).multiplied(checked: role.byteWidth!)
            case .bits: byteCount = try end.adding(checked: 7) / 8
            case .bytes: byteCount = try lastOffset(buffers[i - 1], at: end, width: layout.buffers[i - 1].byteWidth!)
            }
            buffers.append(try buffer(index, byteCount).aligned(to: role.alignment))
        }

        let fields = type.childFields
        guard unsafe raw.n_children == Int64(fields.count) else {
            throw unsafe .invalid("Expected \(fields.count) children for imported type \(type), ArrowArray struct has \(raw.n_children)")
        }
        var children: [ArrayData] = []
        for (i, field) in fields.enumerated() {
            guard let child = unsafe raw.children?[i], unsafe child.pointee.release != nil else {
                throw .invalid("child \(i) (\(field.name)) of imported \(type) is NULL or released")
            }
            children.append(try unsafe read(
                child.pointee, type: field.type, views: views.child(i), owner: owner, depth: depth + 1))
        }
        var dictionary: ArrayData?
        if case .dictionary(_, let value, _) = type {
            guard let values = unsafe raw.dictionary, unsafe values.pointee.release != nil else {
                throw .invalid("imported array of \(type) has no dictionary")
            }
            dictionary = try unsafe read(
                values.pointee, type: value, views: views.dictionary.first ?? .none, owner: owner, depth: depth + 1)
        }
        let result = ArrayData(
            type: type, count: count, offset: offset, validity: validity, nullCount: nullCount >= 0 ? nullCount : nil,
            buffers: buffers, children: children, dictionary: dictionary)
        try result.validateLevel()
        return result
    }

    /// Views become offsets and bytes; only the validity stays where it is.
    private static func readViews(
        _ raw: ArrowArray, type: DataType, count: Int, offset: Int, nullCount: Int, owner: ForeignArray
    ) throws(MartletError) -> ArrayData {
        guard unsafe raw.n_buffers <= 1 << 32, raw.buffers != nil else { throw .invalid("ArrowArray.buffers is NULL") }
        let buffers = unsafe UnsafeBufferPointer(start: UnsafePointer(raw.buffers), count: Int(raw.n_buffers))
        let viewed = try unsafe ViewedBytes(buffers, offset: offset, count: count, type: type)
        var validity: Buffer?
        if let address = unsafe raw.buffers[0] {
            unsafe validity = Buffer(unsafeAddress: address, count: (offset + count + 7) / 8, owner: owner)
        } else if nullCount > 0 {
            throw .invalid("ArrowArray of \(type) has \(nullCount) nulls but no validity buffer")
        }
        let result = ArrayData(
            type: type, count: count, offset: offset, validity: validity, nullCount: nullCount >= 0 ? nullCount : nil,
            buffers: [viewed.offsets, viewed.bytes], children: [], dictionary: nil)
        try result.validateLevel()
        return result
    }

    /// How many bytes variable-size values take: what the offset behind the last slot says.
    private static func lastOffset(_ offsets: Buffer, at end: Int, width: Int) throws(MartletError) -> Int {
        guard offsets.count >= (end + 1) * width else { return 0 }
        return width == 4
            ? try Int(size: offsets.span(of: Int32.self)[end], "last offset")
            : try Int(size: offsets.span(of: Int64.self)[end], "last offset")
    }
}
