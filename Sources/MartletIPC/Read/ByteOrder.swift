import MartletArrow
import MartletBase

extension Buffer {
    /// What a buffer of a big-endian body says, in this machine's order (Columnar format, "Byte Order").
    func fromBigEndian(_ role: BufferRole) throws(MartletError) -> Buffer {
        switch role {
        case .fixedBytes, .bits, .bytes, .typeIds, .views: return self
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
}
