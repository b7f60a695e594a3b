import MartletArrow
import MartletBase

/// A value of INTERVAL (LogicalTypes.md): three little-endian numbers of 32 bits without sign.
struct StoredInterval {
    /// Arrow's numbers have a sign, and some writers store theirs with it: what has the highest bit is negative.
    var months: Int32
    var days: Int32
    var milliseconds: UInt32

    init(months: Int32, days: Int32, milliseconds: UInt32) {
        self.months = months
        self.days = days
        self.milliseconds = milliseconds
    }

    /// Arrow's value at `place` as INTERVAL. Throws `invalid` where the format has no such value.
    init(_ place: UnsafeRawPointer, _ unit: IntervalUnit, slot: Int) throws(MartletError) {
        var nanoseconds: Int64 = 0
        (months, days) = (0, 0)
        switch unit {
        case .months: months = unsafe place.loadUnaligned(as: Int32.self)
        case .dayTime:
            days = unsafe place.loadUnaligned(as: Int32.self)
            nanoseconds = unsafe Int64(place.loadUnaligned(fromByteOffset: 4, as: Int32.self)) * 1_000_000
        case .monthDayNano:
            months = unsafe place.loadUnaligned(as: Int32.self)
            days = unsafe place.loadUnaligned(fromByteOffset: 4, as: Int32.self)
            nanoseconds = unsafe place.loadUnaligned(fromByteOffset: 8, as: Int64.self)
        }
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        guard months >= 0, days >= 0, rest == 0, let whole = UInt32(exactly: quotient) else {
            throw .invalid(
                "value \(slot): Parquet's INTERVAL has whole milliseconds up to \(UInt32.max) and nothing below zero, not "
                    + "\(months) months, \(days) days and \(nanoseconds) ns; store durations, or a column for each part")
        }
        milliseconds = whole
    }

    /// Arrow's value of the unit, at `target`. Throws `invalid` where the unit cannot hold it.
    func store(to target: UnsafeMutableRawPointer, _ unit: IntervalUnit) throws(MartletError) {
        switch unit {
        case .months:
            guard days == 0, milliseconds == 0 else { throw notOf(unit) }
            unsafe target.storeBytes(of: months, as: Int32.self)
        case .dayTime:
            guard months == 0 else { throw notOf(unit) }
            unsafe target.storeBytes(of: days, as: Int32.self)
            // Other writers of this unit keep the sign of its milliseconds.
            unsafe target.storeBytes(of: Int32(bitPattern: milliseconds), toByteOffset: 4, as: Int32.self)
        case .monthDayNano:
            unsafe target.storeBytes(of: months, as: Int32.self)
            unsafe target.storeBytes(of: days, toByteOffset: 4, as: Int32.self)
            unsafe target.storeBytes(of: Int64(milliseconds) * 1_000_000, toByteOffset: 8, as: Int64.self)
        }
    }

    private func notOf(_ unit: IntervalUnit) -> MartletError {
        .invalid(
            "an interval of \(months) months, \(days) days and \(milliseconds) ms is no \(DataType.interval(unit)), which the "
                + "stored Arrow schema says it is")
    }
}
