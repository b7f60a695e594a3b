import MartletArrow
import MartletBase

extension Buffer {
    /// What a buffer of a big-endian body says, in this machine's order (Columnar format, "Byte Order").
    func fromBigEndian(_ role: BufferRole, of type: DataType) throws(MartletError) -> Buffer {
        switch role {
        case .bits, .bytes, .typeIds: return self
        case .fixedBytes:
            switch type.storage {
            // Each part is a number of its own.
            case .interval(.dayTime): return try swapped(UInt32.self)
            case .interval(.monthDayNano): return try turned([4, 4, 8])
            case .decimal256: return try turned([32])
            case _: return self
            }
        case .views: return try swappedViews()
        case .values, .offsets32, .offsets64, .starts32, .starts64, .sizes32, .sizes64:
            switch role.byteWidth {
            case 2: return try swapped(UInt16.self)
            case 4: return try swapped(UInt32.self)
            case 8: return try swapped(UInt64.self)
            case 16: return try swapped(UInt128.self)
            case _: return self
            }
        }
    }

    private func swapped<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(MartletError) -> Buffer {
        let width = MemoryLayout<Value>.size
        let whole = count / width
        let builder = try BufferBuilder(uninitializedCount: whole * width)
        let target = unsafe builder.pointer(to: Value.self)
        // Safety: `whole` values lie in this buffer and in the builder.
        for i in 0..<whole {
            unsafe target[i] = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i * width, as: Value.self).byteSwapped
        }
        return builder.finish()
    }

    /// Slots whose parts, of so many bytes each, have their bytes turned around.
    private func turned(_ parts: [Int]) throws(MartletError) -> Buffer {
        let width = parts.reduce(0, +)
        let whole = count / width
        let builder = try BufferBuilder(uninitializedCount: whole * width)
        let target = unsafe builder.pointer(to: UInt8.self)
        let source = unsafe pointer(to: UInt8.self)
        var position = 0
        // Safety: the parts make up `width` bytes, and `whole` slots lie in this buffer and in the builder.
        for _ in 0..<whole {
            for part in parts {
                for i in 0..<part { unsafe target[position + i] = source[position + part - 1 - i] }
                position += part
            }
        }
        return builder.finish()
    }

    /// Views are a length, then a short value's bytes, or a prefix and two numbers.
    private func swappedViews() throws(MartletError) -> Buffer {
        let whole = count / 16
        let builder = try BufferBuilder(uninitializedCount: whole * 16)
        let target = unsafe builder.pointer(to: UInt32.self)
        for i in 0..<whole * 4 {
            // Safety: 4 numbers for each of `whole` views lie in this buffer and in the builder.
            let number = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i * 4, as: UInt32.self)
            let isNumber = unsafe i % 4 == 0 || (i % 4 >= 2 && target[i - i % 4] > 12)
            unsafe target[i] = isNumber ? number.byteSwapped : number
        }
        return builder.finish()
    }
}
