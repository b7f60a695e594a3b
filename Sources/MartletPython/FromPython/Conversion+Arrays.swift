import CPrefetch
import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    /// Lists that are NumPy arrays of exactly the child's type: their memory is copied, no number becomes an object.
    /// nil when one is something else; the general way takes them all then.
    ///
    /// `width` is the length that each must have, nil for lists of any length. Items are pinned.
    func arrayLists(_ items: Items, _ field: Field, width: Int?) throws(ItemFailure) -> ArrayLists? {
        guard field.type.isNumeric, let kind = field.type.nativeKind, foreign.numpyArray != nil,
            !(fromPandas && field.type.isFloatingPoint),
            let first = (0..<items.count).first(where: { items[$0] != python.none }), isArray(items[first])
        else { return nil }
        return try at { () throws(MartletError) in
            guard let dtype = numpyTypes.type(of: items[first]), dtype.isNative, dtype.arrowType == field.type else {
                return nil
            }
            let sample = try Owned(python.attribute(items[first], "dtype"), python)
            let lists = try ArrayLists(rows: items.count)
            let bytes = kind.byteWidth
            // Where an array keeps its fields, as its buffer tells it of the first one.
            var hasFields = false
            for i in 0..<items.count {
                let item = items[i]
                if item == python.none {
                    try lists.appendNull(i, zeros: (width ?? 0) * bytes)
                    continue
                }
                guard isArray(item) else { return nil }
                if hasFields { return try fastLists(items, from: i, sample.object, lists, width, bytes) ? lists : nil }
                try countSlowItem()
                guard let mine = Owned(orNil: python.attribute(item, "dtype"), python), mine.object == sample.object
                else {
                    return nil
                }
                var view = BufferView()
                guard python.getBuffer(item, &view, 0x18) == 0 else {
                    python.clearError()
                    return nil
                }
                defer { python.releaseBuffer(&view) }
                guard view.dimensions == 1, view.itemSize == bytes, let count = view.shape?[0],
                    let stride = view.strides?[0],
                    width == nil || count == width
                else { return nil }
                if python.layout.hasTypes, python.type(of: item) == foreign.numpyArray {
                    let fields = ArrayFields(item)
                    hasFields =
                        fields.dtype == sample.object && fields.address == view.address && fields.dimensions == 1
                        && fields.count == count && fields.stride == stride && count > 1
                }
                try lists.append(i, view.address, count, stride: stride, bytes)
            }
            return lists
        }
    }

    /// The items from `start` on, whose fields are read where they lie; false when one is something else.
    private func fastLists(
        _ items: Items, from start: Int, _ dtype: Object, _ lists: ArrayLists, _ width: Int?, _ bytes: Int
    ) throws(MartletError) -> Bool {
        let (none, arrayType) = (python.none, foreign.numpyArray)
        let base = items.base
        let count = items.count
        var total = lists.data.count / bytes
        var size = lists.data.count
        // First how long each is, then the values: memory is asked for once. No Python code runs in between.
        for i in start..<count {
            if i &+ 16 < count { martlet_prefetch(base[i &+ 16]) }
            guard let item = base[i], item != none else {
                lists.validity.setNull(i)
                size += (width ?? 0) * bytes
                lists.ends[i] = total
                continue
            }
            guard python.type(of: item) == arrayType || isArray(item) else { return false }
            let fields = ArrayFields(item)
            guard fields.dtype == dtype, fields.dimensions == 1, width == nil || fields.count == width,
                fields.count == 0 || fields.address != nil
            else { return false }
            total += fields.count
            size += fields.count * bytes
            lists.ends[i] = total
        }
        var target = try lists.data.extend(by: size - lists.data.count)
        for i in start..<count {
            if i &+ 8 < count { martlet_prefetch(base[i &+ 8]?.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self)) }
            guard let item = base[i], item != none else {
                memset(target, 0, (width ?? 0) * bytes)
                target += (width ?? 0) * bytes
                continue
            }
            let fields = ArrayFields(item)
            guard fields.count > 0, let address = fields.address else { continue }
            if fields.stride == bytes {
                memcpy(target, address, fields.count * bytes)
            } else {
                for k in 0..<fields.count { memcpy(target + k * bytes, address + k * fields.stride, bytes) }
            }
            target += fields.count * bytes
        }
        return true
    }

    /// Lists of nothing but NumPy arrays of one dtype, which is the type then; nil when one is something else.
    func plainArrays(_ items: Items, first: Object) throws(ItemFailure) -> ArrayData? {
        guard isArray(first), let type = numpyTypes.type(of: first)?.arrowType, type.isNumeric else { return nil }
        try at { () throws(MartletError) in try items.pin() }
        let field = Field("item", type)
        guard let arrays = try arrayLists(items, field, width: nil) else { return nil }
        return try at { () throws(MartletError) -> ArrayData? in
            guard arrays.data.count / (type.nativeKind?.byteWidth ?? 1) <= Int(Int32.max) else { return nil }
            return ArrayData(
                type: .list(field), count: items.count, validity: arrays.validity.buffer,
                nullCount: arrays.validity.nullCount, buffers: [try arrays.offsets(Int32.self)],
                children: [try arrays.take(type, type.nativeKind?.byteWidth ?? 1)])
        }
    }

    private func isArray(_ object: Object) -> Bool { python.isSubtype(python.type(of: object), of: foreign.numpyArray) }
}

/// The fields of a NumPy array of at least one dimension, where NumPy's headers have had them since its first version.
private struct ArrayFields {
    let address: UnsafeMutableRawPointer?
    let dimensions: Int32
    let dtype: Object?
    let count: Int
    let stride: Int

    init(_ array: Object) {
        address = array.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self)
        dimensions = array.load(fromByteOffset: 24, as: Int32.self)
        dtype = array.load(fromByteOffset: 56, as: Object?.self)
        let isRow = dimensions == 1
        count = isRow ? array.load(fromByteOffset: 32, as: UnsafePointer<Int>?.self)?.pointee ?? 0 : 0
        stride = isRow ? array.load(fromByteOffset: 40, as: UnsafePointer<Int>?.self)?.pointee ?? 0 : 0
    }
}

/// The joined memory of many arrays, and where each ends.
final class ArrayLists {
    var data: BufferBuilder
    /// Where each row ends; safe to index below `rows`.
    let ends: UnsafeMutablePointer<Int>
    private let rows: Int
    private let memory: HeapMemory
    let validity: ValidityBits

    init(rows: Int) throws(MartletError) {
        data = try BufferBuilder()
        self.rows = rows
        memory = try HeapMemory(byteCount: try rows.multiplied(checked: 8))
        ends = memory.address.assumingMemoryBound(to: Int.self)
        validity = try ValidityBits(count: rows)
    }

    func appendNull(_ row: Int, zeros: Int) throws(MartletError) {
        validity.setNull(row)
        try data.appendZeros(zeros)
        ends[row] = row == 0 ? 0 : ends[row - 1]
    }

    func append(_ row: Int, _ address: UnsafeRawPointer?, _ count: Int, stride: Int, _ width: Int) throws(MartletError)
    {
        defer { ends[row] = data.count / width }
        guard count > 0, let address else { return }
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
        let builder = try BufferBuilder(uninitializedCount: (rows + 1) * MemoryLayout<Offset>.stride)
        let out = builder.pointer(to: Offset.self)
        out[0] = 0
        for i in 0..<rows {
            let end = ends[i]
            guard let fitting = Offset(exactly: end) else {
                throw .capacity(
                    "List array cannot contain more than \(Offset.max) elements, have \(end); use large_list")
            }
            out[i + 1] = fitting
        }
        return builder.finish()
    }
}
