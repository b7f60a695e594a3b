import MartletArrow
import MartletBase

extension ValueMaker {
    private static let outOfRange = MartletError.python("OverflowError", "date value out of range")

    /// The civil date of a day that Python's calendar has: years 1 to 9999.
    @inline(__always)
    private func civil(_ days: Int64) throws(MartletError) -> CivilDate {
        guard days >= -719_162, days <= 2_932_896 else { throw Self.outOfRange }
        return CivilDate(daysSinceEpoch: days)
    }

    /// Whole `divisor`s, rounded down, and what is left.
    @inline(__always)
    private func split(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let quotient = value / divisor
        let rest = value % divisor
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    func dates(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let types = try dateTime.get()
        try each(array, out, Int32.self) { (value) throws(MartletError) in
            let date = try civil(Int64(value))
            return types.makeDate(Int32(date.year), Int32(date.month), Int32(date.day), types.date)
        }
    }

    func dates64(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let types = try dateTime.get()
        try each(array, out, Int64.self) { (value) throws(MartletError) in
            let date = try civil(split(value, 86_400_000).0)
            return types.makeDate(Int32(date.year), Int32(date.month), Int32(date.day), types.date)
        }
    }

    func times<Value: NativeValue & FixedWidthInteger>(
        _ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ unit: TimeUnit, _: Value.Type
    ) throws(MartletError) {
        let types = try dateTime.get()
        try each(array, out, Value.self) { (value) throws(MartletError) in
            let (seconds, part) = split(Int64(value), unit.perSecond)
            let (_, second) = split(seconds, 86400)
            return types.makeTime(
                Int32(second / 3600), Int32(second / 60 % 60), Int32(second % 60), Int32(micros(part, unit)),
                python.none,
                types.time)
        }
    }

    /// Microseconds of a part of a second, what is finer cut off.
    @inline(__always)
    private func micros(_ part: Int64, _ unit: TimeUnit) -> Int64 {
        unit == .nanosecond ? part / 1000 : part * (1_000_000 / unit.perSecond)
    }

    // MARK: - Timestamps

    func timestamps(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ unit: TimeUnit, _ zoneName: String?)
        throws(MartletError)
    {
        let types = try dateTime.get()
        var zone: PythonZone?
        if let zoneName, array.nullCount < array.count { zone = try PythonZone(zoneName, types, python) }
        if unit == .nanosecond, let pandas {
            return try each(array, out, Int64.self) { (value) throws(MartletError) in
                try pandas.timestamp(value, zone?.object, python)
            }
        }
        let tzinfo = zone?.object ?? python.none
        let shift = zone?.fixedOffset ?? 0
        try each(array, out, Int64.self) { (value) throws(MartletError) in
            let (seconds, part) = split(value, unit.perSecond)
            if unit == .nanosecond, part % 1000 != 0 {
                throw .python(
                    "ValueError",
                    "Nanosecond resolution temporal type \(value) is not safely convertible to microseconds to convert "
                        + "to datetime.datetime. Install pandas to return as Timestamp with nanosecond support or "
                        + "access the .value attribute.")
            }
            let (local, overflow) = seconds.addingReportingOverflow(shift)
            if overflow { throw Self.outOfRange }
            let (days, second) = split(local, 86400)
            let date = try civil(days)
            let object = types.makeDateTime(
                Int32(date.year), Int32(date.month), Int32(date.day), Int32(second / 3600), Int32(second / 60 % 60),
                Int32(second % 60), Int32(micros(part, unit)), tzinfo, types.dateTime)
            guard let zone, let object, zone.fixedOffset == nil else { return object }
            let utc = try Owned(object, python)
            return try python.call(zone.fromUTC, utc.object)
        }
    }

    // MARK: - Durations

    func durations(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ unit: TimeUnit) throws(MartletError) {
        let types = try dateTime.get()
        if unit == .nanosecond, let pandas {
            return try each(array, out, Int64.self) { (value) throws(MartletError) in
                try pandas.timedelta(value, python)
            }
        }
        try each(array, out, Int64.self) { (value) throws(MartletError) in
            let (seconds, part) = split(value, unit.perSecond)
            if unit == .nanosecond, part % 1000 != 0 {
                throw .python(
                    "ValueError",
                    "Nanosecond duration \(value) is not safely convertible to microseconds to convert to "
                        + "datetime.timedelta. Install pandas to return as Timedelta with nanosecond support or access "
                        + "the .value attribute.")
            }
            let (days, second) = split(seconds, 86400)
            guard days.magnitude <= 999_999_999 else {
                throw .python("OverflowError", "days=\(days); must have magnitude <= 999999999")
            }
            return types.makeDelta(Int32(days), Int32(second), Int32(micros(part, unit)), 0, types.delta)
        }
    }
}

/// A time zone as Python's `tzinfo`.
final class PythonZone {
    /// Owned.
    let object: Object
    /// `object.fromutc`, owned.
    let fromUTC: Object
    /// Seconds east of UTC where they never change.
    let fixedOffset: Int64?
    private let python: CPython

    init(_ name: String, _ types: DateTimeTypes, _ python: CPython) throws(MartletError) {
        self.python = python
        if let seconds = Self.offset(name) {
            let delta = try Owned(types.makeDelta(0, Int32(seconds), 0, 1, types.delta), python)
            object = try Owned(types.makeZone(delta.object, nil), python).give()
            fixedOffset = seconds
        } else {
            guard let module = Owned(orNil: python.importModule("zoneinfo"), python),
                let type = Owned(orNil: python.attribute(module.object, "ZoneInfo"), python)
            else { throw .invalid("The zoneinfo module is needed for the time zone '\(name)'.") }
            let key = try Owned(try python.makeText(name), python)
            do throws(MartletError) { object = try python.call(type.object, key.object) } catch {
                throw .invalid(
                    "time zone '\(name)' is not known to this Python (\(error.message)); install the package tzdata, or "
                        + "cast to a timestamp without a zone")
            }
            fixedOffset = name == "UTC" ? 0 : nil
        }
        fromUTC = try Owned(python.attribute(object, "fromutc"), python).give()
    }

    deinit {
        python.decref(fromUTC)
        python.decref(object)
    }

    /// The seconds of `+05:30` or `-01:00`; nil for a name.
    private static func offset(_ name: String) -> Int64? {
        let text = Array(name.utf8)
        guard text.count == 6, text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-"),
            text[3] == UInt8(ascii: ":")
        else {
            return nil
        }
        let digits = [1, 2, 4, 5].map { Int64(text[$0]) - 48 }
        guard digits.allSatisfy({ $0 >= 0 && $0 <= 9 }) else { return nil }
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard hours < 24, minutes < 60 else { return nil }
        return (text[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}

/// pandas' types for nanoseconds, when pandas can be imported.
final class PandasMakers {
    private let timestampType, timedeltaType: Object
    private let unit, unitKey, zoneKey: Object
    private let python: CPython

    init?(_ python: CPython) {
        guard let pandas = Owned(orNil: python.importModule("pandas"), python),
            let timestamp = Owned(orNil: python.attribute(pandas.object, "Timestamp"), python),
            let timedelta = Owned(orNil: python.attribute(pandas.object, "Timedelta"), python),
            let unit = try? python.makeText("ns"), let unitKey = try? python.makeText("unit"),
            let zoneKey = try? python.makeText("tz")
        else { return nil }
        timestampType = timestamp.give()
        timedeltaType = timedelta.give()
        (self.unit, self.unitKey, self.zoneKey) = (unit, unitKey, zoneKey)
        self.python = python
    }

    deinit { for object in [timestampType, timedeltaType, unit, unitKey, zoneKey] { python.decref(object) } }

    func timestamp(_ value: Int64, _ zone: Object?, _ python: CPython) throws(MartletError) -> Object {
        try make(timestampType, value, zone)
    }

    func timedelta(_ value: Int64, _ python: CPython) throws(MartletError) -> Object {
        try make(timedeltaType, value, nil)
    }

    /// `type(value, unit="ns", tz=zone)`.
    private func make(_ type: Object, _ value: Int64, _ zone: Object?) throws(MartletError) -> Object {
        let number = try Owned(python.makeInt64(value), python)
        let arguments = try Owned(python.makeTuple(1), python)
        _ = python.setTupleItem(arguments.object, 0, number.give())
        let keywords = try Owned(python.makeDict(), python)
        _ = python.setDictItem(keywords.object, unitKey, unit)
        if let zone { _ = python.setDictItem(keywords.object, zoneKey, zone) }
        return try Owned(python.call(type, arguments.object, keywords.object), python).give()
    }
}
