import MartletBase
import MartletArrow

/// How a physical value becomes the Arrow value, where they are not the same bytes.
enum ValueConversion {
    /// The lower bytes of an integer of 4 bytes.
    case narrow(to: Int)
    /// An integer of 4 or 8 bytes to another width: 4, 8, 16 or 32.
    case resize(from: Int, to: Int)
    /// Two's complement of that many bytes, highest first, to an integer of 4, 8, 16 or 32 bytes.
    case bigEndian(byteCount: Int, to: Int)
    /// INT96 to so many of the unit since 1970.
    case int96(TimeUnit)
    /// INTERVAL to Arrow's of that unit.
    case interval(IntervalUnit)

    /// Bytes of a physical value.
    var sourceWidth: Int {
        switch self {
        case .narrow: 4
        case .resize(let width, _): width
        case .bigEndian(let width, _): width
        case .int96, .interval: 12
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
        case .resize(let width, let wanted):
            if width == 4 && wanted == 16 {
                let wide = unsafe target.assumingMemoryBound(to: Int128.self)
                let values = unsafe source.assumingMemoryBound(to: Int32.self)
                for i in 0..<count { unsafe wide[i] = Int128(values[i]) }
            } else if wanted == 16 {
                let wide = unsafe target.assumingMemoryBound(to: Int128.self)
                let values = unsafe source.assumingMemoryBound(to: Int64.self)
                for i in 0..<count { unsafe wide[i] = Int128(values[i]) }
            } else {
                for i in 0..<count {
                    let place = unsafe source + i * width
                    let value =
                        unsafe width == 4
                        ? Int64(place.loadUnaligned(as: Int32.self)) : place.loadUnaligned(as: Int64.self)
                    try unsafe storeInteger(Int128(value), to: target + i * wanted, width: wanted)
                }
            }
        case .bigEndian(let width, let wanted):
            let bytes = unsafe source.assumingMemoryBound(to: UInt8.self)
            if wanted == 16 {
                let wide = unsafe target.assumingMemoryBound(to: Int128.self)
                for i in 0..<count { unsafe wide[i] = try bigEndianInteger(bytes + i * width, byteCount: width) }
            } else {
                for i in 0..<count {
                    try unsafe storeBigEndian(bytes + i * width, byteCount: width, to: target + i * wanted, width: wanted)
                }
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
        case .interval(let unit):
            for i in 0..<count {
                let place = unsafe source + i * 12
                let interval = unsafe StoredInterval(
                    months: place.loadUnaligned(as: Int32.self), days: place.loadUnaligned(fromByteOffset: 4, as: Int32.self),
                    milliseconds: place.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
                try unsafe interval.store(to: target + i * unit.byteWidth, unit)
            }
        }
    }
}

/// Stores a number in 4, 8, 16 or 32 bytes. Throws when it does not fit.
func storeInteger(_ value: Int128, to target: UnsafeMutableRawPointer, width: Int) throws(MartletError) {
    switch width {
    case 4:
        guard let narrow = Int32(exactly: value) else { throw decimalTooLarge(32) }
        unsafe target.storeBytes(of: narrow, as: Int32.self)
    case 8:
        guard let narrow = Int64(exactly: value) else { throw decimalTooLarge(64) }
        unsafe target.storeBytes(of: narrow, as: Int64.self)
    default:
        unsafe target.storeBytes(of: value, as: Int128.self)
        if width == 32 { unsafe target.storeBytes(of: value >> 127, toByteOffset: 16, as: Int128.self) }
    }
}

/// Stores a number in two's complement, highest byte first, in 4, 8, 16 or 32 bytes. Throws when it does not fit.
func storeBigEndian(
    _ bytes: UnsafePointer<UInt8>, byteCount: Int, to target: UnsafeMutableRawPointer, width: Int
) throws(MartletError) {
    guard width == 32, byteCount > 16 else {
        return try unsafe storeInteger(try bigEndianInteger(bytes, byteCount: byteCount), to: target, width: width)
    }
    // All but the last 16 bytes are the higher half; the lower one is those 16 with no sign of their own.
    let high = try unsafe bigEndianInteger(bytes, byteCount: byteCount - 16)
    var low: UInt128 = 0
    for i in byteCount - 16..<byteCount { unsafe low = low &<< 8 | UInt128(bytes[i]) }
    unsafe target.storeBytes(of: low, as: UInt128.self)
    unsafe target.storeBytes(of: high, toByteOffset: 16, as: Int128.self)
}

private func decimalTooLarge(_ bitWidth: Int) -> MartletError {
    .invalid("a decimal does not fit decimal\(bitWidth), which the stored Arrow schema says it is")
}

/// A number in two's complement, highest byte first. Throws when it does not fit 128 bits.
func bigEndianInteger(_ bytes: UnsafePointer<UInt8>, byteCount: Int) throws(MartletError) -> Int128 {
    if byteCount == 0 { return 0 }
    var value: Int128 = unsafe bytes[0] & 0x80 == 0 ? 0 : -1
    if byteCount > 16 {
        let fill: UInt8 = value == 0 ? 0 : 0xFF
        for i in 0..<byteCount - 16 where unsafe bytes[i] != fill {
            throw .invalid("a decimal of \(byteCount) bytes is too large for its type")
        }
        guard unsafe (bytes[byteCount - 16] & 0x80 == 0) == (value == 0) else {
            throw .invalid("a decimal of \(byteCount) bytes is too large for its type")
        }
    }
    for i in max(0, byteCount - 16)..<byteCount { unsafe value = value &<< 8 | Int128(bytes[i]) }
    return value
}
