/// Years, months and days of many dates, by the arithmetic of C. Neri and L. Schneider, "Euclidean affine functions and
/// their application to calendar algorithms" (2022): multiplications of 32 and 64 bits only.
enum QuickDate {
    enum Field: String { case year, month, day }

    /// Dates from 400 * 82 years before 0000-03-01 on; what is further away needs more bits.
    private static let shift: Int64 = 719_468 + 146_097 * 82

    /// False, and nothing of use in `out`, when a date is too far away.
    static func fill(
        _ field: Field, _ days: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>, _ count: Int
    ) -> Bool {
        var highest: UInt64 = 0
        for i in 0..<count { highest = unsafe max(highest, UInt64(bitPattern: days[i] &+ shift)) }
        // Four times the day has to fit 32 bits.
        guard highest < 1 << 29 else { return false }
        for i in 0..<count {
            let four = unsafe UInt32(truncatingIfNeeded: days[i] &+ shift) &* 4 &+ 3
            let century = four / 146_097
            let rest = (four % 146_097 / 4) &* 4 &+ 3
            let product = UInt64(rest) &* 2_939_745
            let dayOfYear = UInt32(truncatingIfNeeded: product & 0xFFFF_FFFF) / 2_939_745 / 4
            let isNext = dayOfYear >= 306
            switch field {
            case .year:
                let year = Int64(century) &* 100 &+ Int64(product >> 32) &- 400 * 82
                unsafe out[i] = isNext ? year &+ 1 : year
            case .month:
                let month = (dayOfYear &* 2_141 &+ 197_913) >> 16
                unsafe out[i] = Int64(isNext ? month &- 12 : month)
            case .day:
                unsafe out[i] = Int64(((dayOfYear &* 2_141 &+ 197_913) & 0xFFFF) / 2_141 &+ 1)
            }
        }
        return true
    }
}
