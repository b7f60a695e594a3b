import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    /// Lists that are NumPy arrays of exactly the child's type: their memory is copied, no number becomes an object. nil when
    /// one is something else; the general way takes them all then.
    ///
    /// `width` is the length that each must have, nil for lists of any length. Items are pinned.
    func arrayLists(_ items: Items, _ field: Field, width: Int?) throws(ItemFailure) -> ArrayLists? {
        guard field.type.isNumeric, let kind = field.type.nativeKind, foreign.numpyArray != nil,
            !(fromPandas && field.type.isFloatingPoint),
            let first = (0..<items.count).first(where: { items[$0] != python.none }), isArray(items[first])
        else { return nil }
        return try at { () throws(MartletError) in
            guard let dtype = try NumPyType(of: items[first], python), dtype.isNative, dtype.arrowType == field.type else {
                return nil
            }
            let sample = try Owned(python.attribute(items[first], "dtype"), python)
            let lists = try ArrayLists(rows: items.count)
            let bytes = kind.byteWidth
            for i in 0..<items.count {
                try countSlowItem()
                if items[i] == python.none {
                    try lists.appendNull(i, zeros: (width ?? 0) * bytes)
                    continue
                }
                guard isArray(items[i]), let mine = Owned(orNil: python.attribute(items[i], "dtype"), python),
                    mine.object == sample.object
                else { return nil }
                var view = BufferView()
                guard python.getBuffer(items[i], &view, 0x18) == 0 else {
                    python.clearError()
                    return nil
                }
                defer { python.releaseBuffer(&view) }
                guard view.dimensions == 1, view.itemSize == bytes, let count = view.shape?[0], let stride = view.strides?[0],
                    width == nil || count == width
                else { return nil }
                if count > 0, let address = view.address { try lists.append(address, count, stride: stride, bytes) }
                lists.ends[i] = lists.data.count / bytes
            }
            return lists
        }
    }

    private func isArray(_ object: Object) -> Bool { python.isSubtype(python.type(of: object), of: foreign.numpyArray) }
}

/// The joined memory of many arrays, and where each ends.
final class ArrayLists {
    var data: BufferBuilder
    var ends: [Int]
    let validity: ValidityBits

    init(rows: Int) throws(MartletError) {
        data = try BufferBuilder()
        ends = Array(repeating: 0, count: rows)
        validity = try ValidityBits(count: rows)
    }

    func appendNull(_ row: Int, zeros: Int) throws(MartletError) {
        validity.setNull(row)
        try data.appendZeros(zeros)
        ends[row] = row == 0 ? 0 : ends[row - 1]
    }

    func append(_ address: UnsafeRawPointer, _ count: Int, stride: Int, _ width: Int) throws(MartletError) {
        let target = try data.extend(by: try count.multiplied(checked: width))
        if stride == width {
            memcpy(target, address, count * width)
        } else {
            for k in 0..<count { memcpy(target + k * width, address + k * stride, width) }
        }
    }

    /// The values as an array of `type`; this is empty then.
    func take(_ type: DataType, _ width: Int) throws(MartletError) -> ArrayData {
        let full = try swapped()
        return ArrayData(type: type, count: full.count / width, buffers: [full])
    }

    private func swapped() throws(MartletError) -> Buffer {
        var other = try BufferBuilder()
        swap(&other, &data)
        return other.finish()
    }

    func offsets<Offset: OffsetValue>(_: Offset.Type) throws(MartletError) -> Buffer {
        let builder = try BufferBuilder(uninitializedCount: (ends.count + 1) * MemoryLayout<Offset>.stride)
        let out = builder.pointer(to: Offset.self)
        out[0] = 0
        for (i, end) in ends.enumerated() {
            guard let fitting = Offset(exactly: end) else {
                throw .capacity("List array cannot contain more than \(Offset.max) elements, have \(end); use large_list")
            }
            out[i + 1] = fitting
        }
        return builder.finish()
    }
}
