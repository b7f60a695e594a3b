import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    /// Views of strings or binaries over the bytes of an array with offsets.
    func views(_ items: Items, _ type: DataType, through flat: DataType) throws(ItemFailure) -> ArrayData {
        let flat = try bytes(items, flat, Int64.self)
        let isText = flat.type == .largeString
        return try at { () throws(MartletError) in
            // Bytes among the texts of a column without a given type turn it to binary.
            try Self.viewed(flat, as: isText ? type : .binaryView)
        }
    }

    private static func viewed(_ flat: ArrayData, as type: DataType) throws(MartletError) -> ArrayData {
        let view = try BytesArray<Int64>(flat)
        let bytes = flat.buffers[1]
        let base = UnsafeRawPointer(bytes.pointer(to: UInt8.self))
        let builder = try BufferBuilder(uninitializedCount: try view.count.multiplied(checked: 16))
        memset(builder.address, 0, view.count * 16)
        // Views count from the start of a buffer in 32 bits: a new one begins where they would not reach.
        var starts = [0]
        for i in 0..<view.count where view.isValid(i) {
            let range = view.range(i)
            let slot = builder.address + i * 16
            slot.storeBytes(of: Int32(truncatingIfNeeded: range.count), as: Int32.self)
            if range.count <= BinaryViewArray.inlineCapacity {
                memcpy(slot + 4, base + range.lowerBound, range.count)
                continue
            }
            guard range.count <= Int(Int32.max) else {
                throw .capacity("a view holds at most \(Int32.max) bytes, item \(i) has \(range.count)")
            }
            if range.upperBound - starts[starts.count - 1] > Int(Int32.max) { starts.append(range.lowerBound) }
            memcpy(slot + 4, base + range.lowerBound, 4)
            slot.storeBytes(of: Int32(truncatingIfNeeded: starts.count - 1), toByteOffset: 8, as: Int32.self)
            slot.storeBytes(
                of: Int32(truncatingIfNeeded: range.lowerBound - starts[starts.count - 1]), toByteOffset: 12,
                as: Int32.self)
        }
        var buffers = [builder.finish()]
        for (k, start) in starts.enumerated() where bytes.count > 0 {
            let end = k + 1 < starts.count ? starts[k + 1] : bytes.count
            buffers.append(try bytes.slice(at: start, count: end - start))
        }
        return ArrayData(
            type: type, count: flat.count, validity: flat.validity, nullCount: flat.nullCount, buffers: buffers)
    }

    /// List views over the offsets of lists: each starts where the one before ends.
    func listViews<Offset: OffsetValue>(_ items: Items, _ type: DataType, _ field: Field, _: Offset.Type)
        throws(ItemFailure) -> ArrayData
    {
        let listType: DataType = Offset.self == Int32.self ? .list(field) : .largeList(field)
        let flat = try lists(items, listType, field, Offset.self)
        return try at { () throws(MartletError) in
            let offsets = flat.buffers[0].pointer(to: Offset.self)
            let sizes = try BufferBuilder(
                uninitializedCount: try flat.count.multiplied(checked: MemoryLayout<Offset>.stride))
            let out = sizes.pointer(to: Offset.self)
            for i in 0..<flat.count { out[i] = offsets[i + 1] - offsets[i] }
            let starts = try flat.buffers[0].slice(at: 0, count: flat.count * MemoryLayout<Offset>.stride)
            var actual = field
            actual.type = flat.children[0].type
            return ArrayData(
                type: Offset.self == Int32.self ? .listView(actual) : .largeListView(actual), count: flat.count,
                validity: flat.validity, nullCount: flat.nullCount, buffers: [starts, sizes.finish()],
                children: flat.children)
        }
    }
}
