import MartletBase
import MartletArrow

/// How a physical value becomes the Arrow value, where they are not the same bytes.
enum ValueConversion {
    /// The lower bytes of an integer of 4 bytes.
    case narrow(to: Int)
    /// An integer of 4 or 8 bytes to 16.
    case widen(from: Int)
    /// Two's complement of that many bytes, highest first, to 16 bytes.
    case bigEndian(byteCount: Int)
    /// INT96 to so many of the unit since 1970.
    case int96(TimeUnit)

    /// Bytes of a physical value.
    var sourceWidth: Int {
        switch self {
        case .narrow: 4
        case .widen(let width): width
        case .bigEndian(let width): width
        case .int96: 12
        }
    }

    /// `count` values from `source` to `target`, which do not overlap and have room for them.
    func apply(_ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutableRawPointer) throws(MartletError) {
        switch self {
        case .narrow(let width):
            let values = unsafe source.assumingMemoryBound(to: UInt32.self)
            if width == 1 {
                let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
                for i in 0..<count { unsafe bytes[i] = UInt8(truncatingIfNeeded: values[i]) }
            } else {
                let shorts = unsafe target.assumingMemoryBound(to: UInt16.self)
                for i in 0..<count { unsafe shorts[i] = UInt16(truncatingIfNeeded: values[i]) }
            }
        case .widen(let width):
            let wide = unsafe target.assumingMemoryBound(to: Int128.self)
            if width == 4 {
                let values = unsafe source.assumingMemoryBound(to: Int32.self)
                for i in 0..<count { unsafe wide[i] = Int128(values[i]) }
            } else {
                let values = unsafe source.assumingMemoryBound(to: Int64.self)
                for i in 0..<count { unsafe wide[i] = Int128(values[i]) }
            }
        case .bigEndian(let width):
            let wide = unsafe target.assumingMemoryBound(to: Int128.self)
            for i in 0..<count {
                unsafe wide[i] = try bigEndianInteger(
                    (source + i * width).assumingMemoryBound(to: UInt8.self), byteCount: width)
            }
        case .int96(let unit):
            let times = unsafe target.assumingMemoryBound(to: Int64.self)
            let (perDay, nanoseconds) = (unit.perSecond * 86_400, 1_000_000_000 / unit.perSecond)
            for i in 0..<count {
                let ofDay = unsafe (source + i * 12).loadUnaligned(as: Int64.self)
                let day = unsafe (source + i * 12 + 8).loadUnaligned(as: UInt32.self)
                // Day 2,440,588 of the Julian calendar is 1970-01-01. Days out of reach wrap, as in pyarrow.
                unsafe times[i] = (Int64(day) &- 2_440_588) &* perDay &+ ofDay / nanoseconds
            }
        }
    }
}

/// A number in two's complement, highest byte first. Throws when it does not fit 128 bits.
func bigEndianInteger(_ bytes: UnsafePointer<UInt8>, byteCount: Int) throws(MartletError) -> Int128 {
    if byteCount == 0 { return 0 }
    var value: Int128 = unsafe bytes[0] & 0x80 == 0 ? 0 : -1
    if byteCount > 16 {
        let fill: UInt8 = value == 0 ? 0 : 0xFF
        for i in 0..<byteCount - 16 where unsafe bytes[i] != fill {
            throw .invalid("a decimal of \(byteCount) bytes does not fit decimal128")
        }
        guard unsafe (bytes[byteCount - 16] & 0x80 == 0) == (value == 0) else {
            throw .invalid("a decimal of \(byteCount) bytes does not fit decimal128")
        }
    }
    for i in max(0, byteCount - 16)..<byteCount { unsafe value = value &<< 8 | Int128(bytes[i]) }
    return value
}
