package import MartletArrow
package import MartletBase

/// NumPy's fixed-width Unicode, `<U`: UCS4, padded with NULs.
package enum PythonUnicode {
    /// `count` texts of `itemSize` bytes each, `stride` bytes apart, as an array of strings or binaries of `type`.
    package static func array(
        _ items: UnsafeRawPointer, stride: Int, itemSize: Int, count: Int, type: DataType
    ) throws(MartletError) -> ArrayData {
        guard itemSize >= 0, itemSize % 4 == 0 else {
            throw .invalid("items of NumPy Unicode take 4 bytes a character, not \(itemSize)")
        }
        switch type {
        case .string, .binary: return try convert(items, stride, itemSize / 4, count, type, Int32.self)
        case .largeString, .largeBinary: return try convert(items, stride, itemSize / 4, count, type, Int64.self)
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .fixedSizeBinary, .stringView, .binaryView, .date32, .date64, .time32, .time64, .timestamp, .duration,
            .interval, .decimal32, .decimal64, .decimal128, .decimal256, .list, .largeList, .listView, .largeListView,
            .fixedSizeList, .struct, .map, .dictionary, .union, .runEndEncoded, .extension:
            throw .notImplemented(
                "NumPyConverter: cannot convert NumPy Unicode to \(type); make strings of it and cast")
        }
    }

    private static func convert<Offset: OffsetValue>(
        _ items: UnsafeRawPointer, _ stride: Int, _ width: Int, _ count: Int, _ type: DataType, _: Offset.Type
    ) throws(MartletError) -> ArrayData {
        let offsetBuilder = try BufferBuilder(
            uninitializedCount: try count.adding(checked: 1).multiplied(checked: MemoryLayout<Offset>.stride))
        let offsets = offsetBuilder.pointer(to: Offset.self)
        var data = try BufferBuilder(byteCapacity: try count.multiplied(checked: min(width, 32)))
        offsets[0] = 0
        for i in 0..<count {
            let item = items + i * stride
            var length = width
            while length > 0, item.loadUnaligned(fromByteOffset: (length &- 1) &* 4, as: UInt32.self) == 0 {
                length &-= 1
            }
            try data.reserve(length * 4)
            let start = data.address + data.count
            var end = start
            for k in 0..<length {
                let unit = item.loadUnaligned(fromByteOffset: k &* 4, as: UInt32.self)
                if unit < 0x80 {
                    end.storeBytes(of: UInt8(truncatingIfNeeded: unit), as: UInt8.self)
                    end += 1
                    continue
                }
                guard let scalar = Unicode.Scalar(unit) else {
                    throw .invalid(
                        "item \(i) holds U+\(String(unit, radix: 16, uppercase: true)), which UTF-8 cannot encode")
                }
                for byte in UTF8.encode(scalar)! {
                    end.storeBytes(of: byte, as: UInt8.self)
                    end += 1
                }
            }
            data.count += end - start
            guard let offset = Offset(exactly: data.count) else {
                throw .capacity("array cannot contain more than \(Offset.max) bytes; give the type large_string")
            }
            offsets[i + 1] = offset
        }
        return ArrayData(type: type, count: count, buffers: [offsetBuilder.finish(), data.finish()])
    }
}
