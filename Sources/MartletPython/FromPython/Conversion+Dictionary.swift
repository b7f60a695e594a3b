import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    /// Values in order of their first appearance, and an index for each item.
    func dictionaries(_ items: Items, _ type: DataType, _ index: DataType, _ value: DataType) throws(ItemFailure)
        -> ArrayData
    {
        switch value.layout.buffers.first {
        case .values where value.layout.buffers.count == 1 && !value.layout.hasDictionary, .bits, .fixedBytes,
            .offsets32,
            .offsets64:
            break
        case .values, .bytes, .views, .starts32, .starts64, .sizes32, .sizes64, .typeIds, nil:
            throw ItemFailure(0, .notImplemented("DictionaryArray converter for type \(type) not implemented"))
        }
        guard !value.isNested else {
            throw ItemFailure(0, .notImplemented("DictionaryArray converter for type \(type) not implemented"))
        }
        let values = try array(items, value)
        return try at { () throws(MartletError) in try DictionaryEncoder(values).encoded(as: type, index) }
    }
}

/// Finds equal values of a flat array by their bytes.
private struct DictionaryEncoder {
    let values: ArrayData
    private let count: Int

    init(_ values: ArrayData) {
        self.values = values
        count = values.count
    }

    func encoded(as type: DataType, _ index: DataType) throws(MartletError) -> ArrayData {
        let slots = try BufferBuilder(uninitializedCount: try count.multiplied(checked: 4))
        let indices = slots.pointer(to: Int32.self)
        var firsts: [Int] = []
        try withSlotBytes { bytes in
            var table = [Int32](repeating: -1, count: 64)
            for i in 0..<count {
                guard values.isValid(i) else {
                    indices[i] = 0
                    continue
                }
                let mine = bytes(i)
                var place = Self.hash(mine) & (table.count - 1)
                while table[place] >= 0 {
                    let other = bytes(firsts[Int(table[place])])
                    if other.count == mine.count,
                        mine.isEmpty || memcmp(other.baseAddress!, mine.baseAddress!, mine.count) == 0
                    {
                        break
                    }
                    place = (place + 1) & (table.count - 1)
                }
                if table[place] < 0 {
                    table[place] = Int32(truncatingIfNeeded: firsts.count)
                    firsts.append(i)
                    if firsts.count * 2 > table.count {
                        var larger = [Int32](repeating: -1, count: table.count * 4)
                        for (k, first) in firsts.enumerated() {
                            var spot = Self.hash(bytes(first)) & (larger.count - 1)
                            while larger[spot] >= 0 { spot = (spot + 1) & (larger.count - 1) }
                            larger[spot] = Int32(truncatingIfNeeded: k)
                        }
                        table = larger
                        indices[i] = Int32(truncatingIfNeeded: firsts.count - 1)
                        continue
                    }
                }
                indices[i] = table[place]
            }
        }
        let (indexType, buffer) = try narrowed(slots.finish(), index, firsts.count)
        guard case .dictionary(_, _, let isOrdered) = type else { throw .type("\(type) is no dictionary") }
        return ArrayData(
            type: .dictionary(index: indexType, value: values.type, isOrdered: isOrdered), count: count,
            validity: values.validity, nullCount: values.nullCount, buffers: [buffer], dictionary: try taken(firsts))
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
        var i = 0
        while i + 8 <= bytes.count {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            i += 8
        }
        while i < bytes.count {
            hash = (hash ^ UInt64(bytes[i])) &* 0x0000_0100_0000_01B3
            i += 1
        }
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash & 0x7FFF_FFFF_FFFF_FFFF)
    }

    /// Calls `body` with a function from a slot to its bytes.
    private func withSlotBytes(_ body: ((Int) -> UnsafeRawBufferPointer) throws(MartletError) -> Void)
        throws(MartletError)
    {
        let first = values.buffers[0].pointer(to: UInt8.self)
        switch values.type.layout.buffers[0] {
        case .values, .fixedBytes:
            let width = values.type.layout.buffers[0].byteWidth!
            try body { UnsafeRawBufferPointer(start: first + $0 * width, count: width) }
        case .bits:
            let both = try Buffer([0, 1] as [UInt8])
            let bits = try Bitmap(values.buffers[0], count: count)
            try body { UnsafeRawBufferPointer(start: both.pointer(to: UInt8.self) + (bits[$0] ? 1 : 0), count: 1) }
        case .offsets32: try body(bytesOf(Int32.self))
        case .offsets64: try body(bytesOf(Int64.self))
        case .bytes, .views, .starts32, .starts64, .sizes32, .sizes64, .typeIds:
            throw .type("\(values.type) has no slots of bytes")
        }
    }

    private func bytesOf<Offset: OffsetValue>(_: Offset.Type) -> (Int) -> UnsafeRawBufferPointer {
        let offsets = values.buffers[0].pointer(to: Offset.self)
        let bytes = values.buffers[1].pointer(to: UInt8.self)
        return { UnsafeRawBufferPointer(start: bytes + Int(offsets[$0]), count: Int(offsets[$0 + 1] - offsets[$0])) }
    }

    /// The slots `firsts`, none of which is null, as an array.
    private func taken(_ firsts: [Int]) throws(MartletError) -> ArrayData {
        var pieces = try BufferBuilder()
        var buffers: [Buffer] = []
        switch values.type.layout.buffers[0] {
        case .bits:
            let bits = try Bitmap(values.buffers[0], count: count)
            var builder = try BitmapBuilder(capacity: firsts.count)
            for slot in firsts { try builder.append(bits[slot]) }
            return ArrayData(type: values.type, count: firsts.count, buffers: [builder.finish()])
        case .offsets32: buffers.append(try offsets(firsts, Int32.self))
        case .offsets64: buffers.append(try offsets(firsts, Int64.self))
        case .values, .fixedBytes, .bytes, .views, .starts32, .starts64, .sizes32, .sizes64, .typeIds: break
        }
        var failure: MartletError?
        try withSlotBytes { bytes in
            for slot in firsts where failure == nil {
                let source = bytes(slot)
                do throws(MartletError) { try pieces.append(RawSpan(_unsafeBytes: source)) } catch { failure = error }
            }
        }
        if let failure { throw failure }
        buffers.append(pieces.finish())
        return ArrayData(type: values.type, count: firsts.count, buffers: buffers)
    }

    private func offsets<Offset: OffsetValue>(_ firsts: [Int], _: Offset.Type) throws(MartletError) -> Buffer {
        let source = values.buffers[0].pointer(to: Offset.self)
        var builder = try BufferBuilder(byteCapacity: (firsts.count + 1) * MemoryLayout<Offset>.stride)
        var end: Offset = 0
        try builder.append(end)
        for slot in firsts {
            end += source[slot + 1] - source[slot]
            try builder.append(end)
        }
        return builder.finish()
    }

    /// The indices in the width asked for, or in the next that reaches all values.
    private func narrowed(_ indices: Buffer, _ wanted: DataType, _ valueCount: Int) throws(MartletError) -> (
        DataType, Buffer
    ) {
        let ladder: [DataType] =
            wanted.isUnsignedInteger ? [.uint8, .uint16, .uint32, .uint64] : [.int8, .int16, .int32, .int64]
        let limits =
            wanted.isUnsignedInteger ? [1 << 8, 1 << 16, 1 << 32, Int.max] : [1 << 7, 1 << 15, 1 << 31, Int.max]
        guard var step = ladder.firstIndex(of: wanted) else {
            throw .type("dictionary indices are integers, not \(wanted)")
        }
        while valueCount > limits[step] { step += 1 }
        let source = indices.pointer(to: Int32.self)
        func copy<Index: FixedWidthInteger & BitwiseCopyable>(_: Index.Type) throws(MartletError) -> Buffer {
            let builder = try BufferBuilder(
                uninitializedCount: try count.multiplied(checked: MemoryLayout<Index>.stride))
            let out = builder.pointer(to: Index.self)
            for i in 0..<count { out[i] = Index(truncatingIfNeeded: source[i]) }
            return builder.finish()
        }
        switch step {
        case 0: return (ladder[step], try copy(UInt8.self))
        case 1: return (ladder[step], try copy(UInt16.self))
        case 2: return (ladder[step], indices)
        default: return (ladder[step], try copy(UInt64.self))
        }
    }
}
