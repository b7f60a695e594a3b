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
        _ array: UnsafeMutablePointer<ArrowArray>, type: DataType
    ) throws(MartletError) -> ArrayData {
        guard unsafe array.pointee.release != nil else { throw .invalid("Cannot import released ArrowArray") }
        let raw = unsafe array.pointee
        let owner = unsafe ForeignArray(moving: array)
        unsafe array.pointee.release = nil
        return try unsafe read(raw, type: type, owner: owner, depth: 1)
    }

    private static func read(
        _ raw: ArrowArray, type: DataType, owner: ForeignArray, depth: Int
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

        let fixedBuffers = layout.buffers.count + (layout.hasValidity ? 1 : 0)
        let given = unsafe raw.n_buffers
        // Views have any number of buffers behind them, and the lengths of those come last.
        // Some producers count a validity buffer for nulls.
        let isExpected = given == Int64(fixedBuffers) || (type.isNullType && given == 1)
        guard layout.hasVariadicBuffers ? given > Int64(fixedBuffers) && given <= Int64(Int32.max) : isExpected else {
            let expected = layout.hasVariadicBuffers ? "at least \(fixedBuffers + 1)" : "\(fixedBuffers)"
            throw .invalid("Expected \(expected) buffers for imported type \(type), ArrowArray struct has \(given)")
        }
        let expectedBuffers = Int(given)
        guard unsafe expectedBuffers == 0 || raw.buffers != nil else { throw .invalid("ArrowArray.buffers is NULL") }
        func buffer(_ index: Int, _ byteCount: Int) throws(MartletError) -> Buffer {
            // The structure does not say how long buffers are; what no address space holds is a lie.
            guard byteCount < 1 << 47 else {
                throw .invalid("buffer \(index) of imported \(type) would have \(byteCount) bytes: length or offset is damaged")
            }
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
            case .values, .fixedBytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                byteCount = try end.multiplied(checked: role.byteWidth!)
            // Producers may leave the one offset of no slots out.
            case .offsets32, .offsets64:
                byteCount = count == 0 ? 0 : try end.adding(checked: 1).multiplied(checked: role.byteWidth!)
            case .bits: byteCount = try end.adding(checked: 7) / 8
            case .bytes: byteCount = try lastOffset(buffers[i - 1], at: end, width: layout.buffers[i - 1].byteWidth!)
            }
            buffers.append(try buffer(index, byteCount).aligned(to: role.alignment))
        }
        if layout.hasVariadicBuffers && expectedBuffers > fixedBuffers + 1 {
            guard let lengths = unsafe raw.buffers[expectedBuffers - 1] else {
                throw .invalid("a view array of \(type) does not say how long its buffers are")
            }
            for i in 0..<expectedBuffers - fixedBuffers - 1 {
                let length = try Int(size: unsafe lengths.loadUnaligned(fromByteOffset: i * 8, as: Int64.self), "buffer length")
                guard let address = unsafe raw.buffers[fixedBuffers + i] else {
                    guard length == 0 else {
                        throw .invalid("buffer \(fixedBuffers + i) of imported \(type) is NULL, expected \(length) bytes")
                    }
                    buffers.append(.empty)
                    continue
                }
                buffers.append(unsafe Buffer(unsafeAddress: address, count: length, owner: owner))
            }
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
            children.append(try unsafe read(child.pointee, type: field.type, owner: owner, depth: depth + 1))
        }
        var dictionary: ArrayData?
        if case .dictionary(_, let value, _) = type.storage {
            guard let values = unsafe raw.dictionary, unsafe values.pointee.release != nil else {
                throw .invalid("imported array of \(type) has no dictionary")
            }
            dictionary = try unsafe read(values.pointee, type: value, owner: owner, depth: depth + 1)
        }
        let result = ArrayData(
            type: type, count: count, offset: offset, validity: validity, nullCount: nullCount >= 0 ? nullCount : nil,
            buffers: buffers, children: children, dictionary: dictionary)
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
