import MartletArrow
import MartletBase

/// The types and makers of Python's `datetime`, from the capsule that the module shows to C (unchanged since Python
/// 3.7).
///
/// Fields are read where they lie when objects of known value prove where that is, and as attributes otherwise.
struct DateTimeTypes: @unchecked Sendable {
    typealias MakeDate = @convention(c) (Int32, Int32, Int32, Object?) -> Object?
    typealias MakeDateTime =
        @convention(c) (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Object?, Object?) -> Object?
    typealias MakeTime = @convention(c) (Int32, Int32, Int32, Int32, Object?, Object?) -> Object?
    typealias MakeDelta = @convention(c) (Int32, Int32, Int32, Int32, Object?) -> Object?
    typealias MakeZone = @convention(c) (Object?, Object?) -> Object?

    private let python: CPython
    let date, dateTime, time, delta, utc: Object
    let makeDate: MakeDate
    let makeDateTime: MakeDateTime
    let makeTime: MakeTime
    let makeDelta: MakeDelta
    let makeZone: MakeZone
    private(set) var hasFields = false

    private static let cache = Guarded<DateTimeTypes?>(nil)

    /// The types of this process: looked for once. The lock is not held while Python code may run.
    static func known(_ python: CPython) -> Result<DateTimeTypes, MartletError> {
        if let found = cache.withLock({ $0 }) { return .success(found) }
        do throws(MartletError) {
            let made = try DateTimeTypes(python)
            cache.withLock { $0 = made }
            return .success(made)
        } catch { return .failure(error) }
    }

    init(_ python: CPython) throws(MartletError) {
        guard let table = python.importCapsule("datetime.datetime_CAPI", 0) else { throw python.takeError() }
        func entry(_ index: Int) -> Object { table.load(fromByteOffset: index * 8, as: Object.self) }
        self.python = python
        date = entry(0)
        dateTime = entry(1)
        time = entry(2)
        delta = entry(3)
        utc = entry(5)
        // Safety: the order and the prototypes are those of datetime.h.
        makeDate = unsafeBitCast(entry(6), to: MakeDate.self)
        makeDateTime = unsafeBitCast(entry(7), to: MakeDateTime.self)
        makeTime = unsafeBitCast(entry(8), to: MakeTime.self)
        makeDelta = unsafeBitCast(entry(9), to: MakeDelta.self)
        makeZone = unsafeBitCast(entry(10), to: MakeZone.self)
        guard python.layout.hasTypes else { return }
        let someDate = try Owned(makeDate(2021, 2, 3, date), python)
        let some = try Owned(makeDateTime(2021, 2, 3, 4, 5, 6, 700_001, python.none, dateTime), python)
        let aware = try Owned(makeDateTime(1999, 12, 31, 23, 59, 58, 7, utc, dateTime), python)
        let someTime = try Owned(makeTime(4, 5, 6, 700_001, python.none, time), python)
        let someDelta = try Owned(makeDelta(-5, 6, 700_001, 1, delta), python)
        hasFields = true
        hasFields =
            (try? days(someDate.object)) == CivilDate(year: 2021, month: 2, day: 3).daysSinceEpoch
            && (try? days(some.object)) == CivilDate(year: 2021, month: 2, day: 3).daysSinceEpoch
            && (try? microsOfDay(some.object, in: .dateTime)) == 14_706_700_001
            && (try? microsOfDay(someTime.object, in: .time)) == 14_706_700_001
            && (try? zone(some.object)) == .some(nil) && (try? zone(aware.object)) == .some(utc)
            && (try? parts(ofDelta: someDelta.object)).map { $0 == (-5, 6, 700_001) } == true
    }

    enum Kind { case dateTime, time }

    @inline(__always)
    private func byte(_ object: Object, _ offset: Int) -> Int64 {
        Int64(object.load(fromByteOffset: offset, as: UInt8.self))
    }

    /// Days since 1970-01-01 of a date or datetime.
    func days(_ object: Object) throws(MartletError) -> Int64 {
        let (year, month, day): (Int64, Int64, Int64)
        if hasFields {
            (year, month, day) = (byte(object, 25) << 8 | byte(object, 26), byte(object, 27), byte(object, 28))
        } else {
            year = try python.integerAttribute(object, "year")
            month = try python.integerAttribute(object, "month")
            day = try python.integerAttribute(object, "day")
        }
        return CivilDate(year: year, month: Int(month), day: Int(day)).daysSinceEpoch
    }

    /// Microseconds since midnight of a time or datetime.
    func microsOfDay(_ object: Object, in kind: Kind) throws(MartletError) -> Int64 {
        let (hour, minute, second, micro): (Int64, Int64, Int64, Int64)
        if hasFields {
            let at = kind == .time ? 25 : 29
            (hour, minute, second) = (byte(object, at), byte(object, at + 1), byte(object, at + 2))
            micro = byte(object, at + 3) << 16 | byte(object, at + 4) << 8 | byte(object, at + 5)
        } else {
            hour = try python.integerAttribute(object, "hour")
            minute = try python.integerAttribute(object, "minute")
            second = try python.integerAttribute(object, "second")
            micro = try python.integerAttribute(object, "microsecond")
        }
        return ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
    }

    /// The zone of a datetime, borrowed; nil for a naive one.
    func zone(_ object: Object) throws(MartletError) -> Object? {
        if hasFields {
            return byte(object, 24) == 0 ? nil : object.load(fromByteOffset: 40, as: Object?.self)
        }
        let zone = try Owned(python.attribute(object, "tzinfo"), python)
        return zone.object == python.none ? nil : zone.object
    }

    /// Seconds east of UTC of an aware datetime; 0 for a naive one.
    func utcOffset(_ object: Object) throws(MartletError) -> Int64 {
        guard let zone = try zone(object), zone != utc else { return 0 }
        let offset = try Owned(try python.callMethod(object, "utcoffset"), python)
        if offset.object == python.none { return 0 }
        let (days, seconds, _) = try parts(ofDelta: offset.object)
        return days * 86400 + seconds
    }

    /// Days, seconds and microseconds, the last two never negative.
    func parts(ofDelta object: Object) throws(MartletError) -> (Int64, Int64, Int64) {
        if hasFields {
            return (
                Int64(object.load(fromByteOffset: 24, as: Int32.self)),
                Int64(object.load(fromByteOffset: 28, as: Int32.self)),
                Int64(object.load(fromByteOffset: 32, as: Int32.self))
            )
        }
        return (
            try python.integerAttribute(object, "days"), try python.integerAttribute(object, "seconds"),
            try python.integerAttribute(object, "microseconds")
        )
    }
}
