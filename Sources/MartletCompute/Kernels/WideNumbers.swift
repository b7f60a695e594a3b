import MartletArrow
import MartletBase

/// The slots of decimals of any width, in 256 bits.
struct WideReader: Sendable {
    private enum Slots {
        case narrow(LaneReader)
        case plain(PrimitiveArray<Int128>)
        case wide(WideDecimals)
    }

    private let slots: Slots

    init(_ array: ArrayData) throws(MartletError) {
        switch array.type {
        case .decimal256: slots = .wide(try WideDecimals(array))
        case .decimal128: slots = .plain(try PrimitiveArray<Int128>(array))
        case _: slots = .narrow(try LaneReader(array))
        }
    }

    subscript(row: Int) -> Int256 {
        switch slots {
        case .narrow(let reader): Int256(Int128(reader.integer(at: row)))
        case .plain(let values): Int256(values[row])
        case .wide(let values):
            Int256(high: UInt128(bitPattern: values.half(row, 1)), low: UInt128(bitPattern: values.half(row, 0)))
        }
    }
}

/// A new buffer of `count` numbers of `width` bytes, 32 or, where all numbers fit, 16: the lower ones of each.
func makeWide(
    count: Int, width: Int = 32, _ value: @Sendable (Int) throws(MartletError) -> Int256
) throws(MartletError) -> Buffer {
    let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
    let target = unsafe Shared(builder.address)
    try forEachPiece(of: count, size: 1 << 14) { start, length throws(MartletError) in
        for row in start..<start + length {
            let number = try value(row)
            // Safety: `width` bytes for each slot; pieces are disjoint.
            let place = unsafe target.value + row &* width
            unsafe place.storeBytes(of: number.low, as: UInt128.self)
            if width == 32 { unsafe place.storeBytes(of: number.high, toByteOffset: 16, as: UInt128.self) }
        }
    }
    return builder.finish()
}
