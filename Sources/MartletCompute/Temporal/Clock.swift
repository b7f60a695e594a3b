import MartletArrow
import MartletBase

/// Dates, times and timestamps read as what a clock and a calendar show.
struct Clock: Sendable {
    let array: ArrayData
    let reader: LaneReader
    let perSecond: Int64
    let perDay: Int64
    let zone: ZoneShift
    let hasZone: Bool
    /// The unit of the values; seconds for dates of days.
    let unit: TimeUnit
    let hasDate: Bool
    let hasTime: Bool

    /// Errors: a type without the date or the time that the function wants.
    init(
        _ array: ArrayData, _ function: String, needsDate: Bool = false, needsTime: Bool = false,
        takesDurations: Bool = false
    ) throws(MartletError) {
        var array = array
        if case .dictionary(_, let value, _) = array.type { array = try cast(array, to: value) }
        if array.type == .null { array = try cast(array, to: .timestamp(.second, timeZone: nil)) }
        var named: String?
        switch array.type {
        case .timestamp(let unit, let zone):
            (self.unit, perSecond, perDay, hasDate, hasTime) = (
                unit, unit.perSecond, unit.perSecond * 86_400, true, true
            )
            named = zone
        case .time32(let unit), .time64(let unit):
            (self.unit, perSecond, perDay, hasDate, hasTime) = (
                unit, unit.perSecond, unit.perSecond * 86_400, false, true
            )
        case .duration(let unit) where takesDurations:
            (self.unit, perSecond, perDay, hasDate, hasTime) = (
                unit, unit.perSecond, unit.perSecond * 86_400, false, true
            )
        case .date32: (unit, perSecond, perDay, hasDate, hasTime) = (.second, 1, 1, true, false)
        case .date64: (unit, perSecond, perDay, hasDate, hasTime) = (.millisecond, 1_000, 86_400_000, true, false)
        case _: throw noKernel(function, [array.type])
        }
        guard hasDate || !needsDate, hasTime || !needsTime else { throw noKernel(function, [array.type]) }
        self.array = array
        reader = try LaneReader(array)
        zone = try ZoneShift(named, unit: unit)
        hasZone = named != nil
    }

    /// Days since 1970-01-01 and the time of day in units.
    @inline(__always)
    func split(_ value: Int64) -> (days: Int64, time: Int64) {
        let local = zone.local(value)
        // Divisions by constants are multiplications.
        let days: Int64
        switch perDay {
        case 86_400: days = floorDivide(local, 86_400)
        case 86_400_000: days = floorDivide(local, 86_400_000)
        case 86_400_000_000: days = floorDivide(local, 86_400_000_000)
        case 86_400_000_000_000: days = floorDivide(local, 86_400_000_000_000)
        case _: days = local
        }
        return (days, hasTime ? local &- days &* perDay : 0)
    }

    /// 64-bit integers that `body` makes of a block of local times.
    func locals(
        _ body: @Sendable (_ values: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>, Int) -> Void
    ) throws(MartletError) -> ArrayData {
        let reader = reader
        let buffer = try makeLanes(.int64, count: array.count) { block, writer in
            let (values, out) = unsafe (reader.integers(block, 0), writer.integers(block, 3))
            if zone.isNone {
                unsafe body(values, out, block.count)
            } else {
                let locals = unsafe block.lanes(1, Int64.self)
                for i in 0..<block.count { unsafe locals[i] = zone.local(values[i]) }
                unsafe body(UnsafePointer(locals), out, block.count)
            }
            unsafe writer.store(out, block)
            return true
        }
        return ArrayData(
            type: .int64, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }

    /// 64-bit integers that `body` makes of the days and the times of day of a block of values.
    func split(
        _ body:
            @Sendable (
                _ days: UnsafePointer<Int64>, _ times: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>, Int
            ) -> Void
    ) throws(MartletError) -> ArrayData {
        let reader = reader
        let buffer = try makeLanes(.int64, count: array.count) { block, writer in
            let (values, count) = unsafe (reader.integers(block, 0), block.count)
            let (days, times) = unsafe (block.lanes(1, Int64.self), block.lanes(2, Int64.self))
            // One loop for each unit, as divisions by constants are multiplications.
            func divide(_ size: Int64) {
                for i in 0..<count {
                    let local = unsafe values[i]
                    let day = floorDivide(local, size)
                    unsafe days[i] = day
                    unsafe times[i] = local &- day &* size
                }
            }
            switch zone.isNone ? perDay : 0 {
            case 86_400: divide(86_400)
            case 86_400_000: divide(86_400_000)
            case 86_400_000_000: divide(86_400_000_000)
            case 86_400_000_000_000: divide(86_400_000_000_000)
            case _:
                for i in 0..<count { unsafe (days[i], times[i]) = split(values[i]) }
            }
            let out = unsafe writer.integers(block, 3)
            unsafe body(days, times, out, count)
            unsafe writer.store(out, block)
            return true
        }
        return ArrayData(
            type: .int64, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }

    /// Integers, one for each value.
    func mapped(_ kind: NativeKind, _ map: @Sendable (Int64) -> Int64) throws(MartletError) -> ArrayData {
        let reader = reader
        let buffer = try makeLanes(kind, count: array.count) { block, writer in
            let out = unsafe writer.integers(block, 1)
            unsafe mapLanes(reader.integers(block, 0), out, block.count, map)
            unsafe writer.store(out, block)
            return true
        }
        return ArrayData(
            type: kind.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }
}

/// Which year and week of it a day belongs to, by four conventions.
struct WeekRule: Sendable {
    var startsMonday = true
    var countsFromZero = false
    var firstIsWhole = false

    /// The year, and the week in it.
    func callAsFunction(_ days: Int64) -> (year: Int64, week: Int64) {
        var year = CivilYear(days &+ (countsFromZero ? 0 : 3)).year
        var start = firstDay(of: year)
        if !countsFromZero && days < start {
            year -= 1
            start = firstDay(of: year)
        }
        return (year, floorDivide(days &- start, 7) &+ 1)
    }

    /// The first day of the first week: the week that holds 1 January, most of whose days are in the year, or all.
    func firstDay(of year: Int64) -> Int64 {
        let newYear = CivilYear.days(year, 1, 1)
        let day = CivilYear.weekday(newYear)
        let sinceStart = startsMonday ? day : (day + 1) % 7
        if firstIsWhole { return newYear + (7 - sinceStart) % 7 }
        return sinceStart <= 3 ? newYear - sinceStart : newYear + 7 - sinceStart
    }
}

/// The parts of dates and times.
enum DateParts {
    private static let dates: [(String, @Sendable (Int64) -> Int64)] = [
        ("year", { CivilYear($0).year }), ("month", { Int64(CivilYear($0).month) }),
        ("day", { Int64(CivilYear($0).day) }), ("day_of_year", { CivilYear($0).dayOfYear }),
        ("quarter", { Int64((CivilYear($0).month + 2) / 3) }), ("iso_year", { WeekRule()($0).year }),
        ("iso_week", { WeekRule()($0).week }), ("us_year", { WeekRule(startsMonday: false)($0).year }),
        ("us_week", { WeekRule(startsMonday: false)($0).week }),
    ]
    /// Seconds that make one, how many there are before the next larger unit; below a second, units of one.
    private static let times: [(String, perSecond: Int64, seconds: Int64, limit: Int64)] = [
        ("hour", 1, 3_600, 24), ("minute", 1, 60, 60), ("second", 1, 1, 60), ("millisecond", 1_000, 1, 1_000),
        ("microsecond", 1_000_000, 1, 1_000), ("nanosecond", 1_000_000_000, 1, 1_000),
    ]

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for (name, part) in dates {
            functions[name] = .unary { array, _ throws(MartletError) in
                let clock = try Clock(array, name, needsDate: true)
                guard let field = QuickDate.Field(rawValue: name) else {
                    return try clock.mapped(.int64) { part(clock.split($0).days) }
                }
                return try unsafe clock.split { days, _, out, count in
                    if unsafe !QuickDate.fill(field, days, out, count) { unsafe mapLanes(days, out, count, part) }
                }
            }
        }
        for (name, perSecond, seconds, limit) in times {
            functions[name] = .unary { array, _ throws(MartletError) in
                let clock = try Clock(array, name, needsTime: true)
                // Units of the value in one of the part, or the other way round.
                let (down, up) = (max(1, clock.perSecond / perSecond) * seconds, perSecond / clock.perSecond)
                if up > 1 { return try clock.mapped(.int64) { _ in 0 } }
                let (size, turn) = (Divisor(UInt64(down)), Divisor(UInt64(limit)))
                return try unsafe clock.locals { values, out, count in
                    // Times before 1970 are moved by whole days, which have whole turns.
                    let days = Int64.max / clock.perDay
                    let shift = UInt64(days * clock.perDay)
                    // Safety: lanes of one block.
                    for i in 0..<count {
                        let local = unsafe values[i]
                        // The first and the last days of the range would leave it.
                        let moved =
                            local < 0 && UInt64(local.magnitude) > shift
                            ? UInt64(bitPattern: local &+ clock.perDay) &+ shift : UInt64(bitPattern: local) &+ shift
                        let quotient = size.quotient(moved)
                        unsafe out[i] = Int64(truncatingIfNeeded: quotient &- turn.quotient(quotient) &* turn.divisor)
                    }
                }
            }
        }
        functions["subsecond"] = .unary { array, _ throws(MartletError) in
            let clock = try Clock(array, "subsecond", needsTime: true)
            let (perSecond, reader) = (clock.perSecond, clock.reader)
            let (size, scale) = (Divisor(UInt64(perSecond)), Double(perSecond))
            let shift = UInt64(Int64.max / perSecond * perSecond)
            // A zone is whole seconds away.
            let buffer = try makeLanes(.float64, count: array.count) { block, writer in
                let (values, out) = unsafe (reader.integers(block, 0), writer.doubles(block, 1))
                for i in 0..<block.count {
                    let value = unsafe values[i]
                    let moved =
                        value < 0 && UInt64(value.magnitude) > shift
                        ? UInt64(bitPattern: value &+ perSecond) &+ shift : UInt64(bitPattern: value) &+ shift
                    let rest = moved &- size.quotient(moved) &* size.divisor
                    unsafe out[i] = Double(Int64(truncatingIfNeeded: rest)) / scale
                }
                unsafe writer.store(out, block)
                return true
            }
            return ArrayData(
                type: .float64, count: array.count, validity: try clock.array.rebasedValidity(), buffers: [buffer])
        }
        functions["is_leap_year"] = .unary { array, _ throws(MartletError) in
            let clock = try Clock(array, "is_leap_year", needsDate: true)
            return try cast(
                clock.mapped(.int8) { CivilYear.isLeap(CivilYear(clock.split($0).days).year) ? 1 : 0 }, to: .boolean)
        }
        functions["is_dst"] = .unary { array, _ throws(MartletError) in
            guard case .timestamp = array.type else { throw noKernel("is_dst", [array.type]) }
            let clock = try Clock(array, "is_dst")
            guard clock.hasZone else { throw .invalid("Timestamp has no timezone: is_dst needs one") }
            return try cast(clock.mapped(.int8) { clock.zone.period(at: $0)?.isSaving ?? false ? 1 : 0 }, to: .boolean)
        }
        functions["day_of_week"] = .unary(["count_from_zero", "week_start"]) { array, call throws(MartletError) in
            let start = try call.options.signed("week_start") ?? 1
            guard (1...7).contains(start) else {
                throw .invalid("week_start must follow ISO convention (Monday=1, Sunday=7). Got week_start=\(start)")
            }
            let (first, base) = (
                Int64(start - 1), try call.options.bool("count_from_zero", default: true) ? 0 as Int64 : 1
            )
            let clock = try Clock(array, "day_of_week", needsDate: true)
            return try clock.mapped(.int64) { (CivilYear.weekday(clock.split($0).days) - first + 7) % 7 + base }
        }
        functions["week"] = .unary(["week_starts_monday", "count_from_zero", "first_week_is_fully_in_year"]) {
            array, call throws(MartletError) in
            let rule = WeekRule(
                startsMonday: try call.options.bool("week_starts_monday", default: true),
                countsFromZero: try call.options.bool("count_from_zero", default: false),
                firstIsWhole: try call.options.bool("first_week_is_fully_in_year", default: false))
            let clock = try Clock(array, "week", needsDate: true)
            return try clock.mapped(.int64) { rule(clock.split($0).days).week }
        }
        let structures = [
            ("year_month_day", ["year", "month", "day"]),
            ("iso_calendar", ["iso_year", "iso_week", "iso_day_of_week"]),
        ]
        for (name, parts) in structures {
            functions[name] = .unary { array, _ throws(MartletError) in
                _ = try Clock(array, name, needsDate: true)
                var children: [ArrayData] = []
                for part in parts {
                    let isDay = part == "iso_day_of_week"
                    children.append(
                        try Compute.call(
                            isDay ? "day_of_week" : part, [Datum(array)],
                            options: isDay ? ["count_from_zero": "false"] : [:]
                        ).array)
                }
                return ArrayData(
                    type: .struct(parts.map { Field($0, .int64) }), count: array.count,
                    validity: try array.rebasedValidity(),
                    children: children)
            }
        }
        for (name, part) in [("years_between", 12 as Int64), ("quarters_between", 3), ("months_between", 1)]
        where part != 1 {
            functions[name] = .init(2...2) { call throws(MartletError) in
                try between(call) { clock, value in
                    let date = CivilYear(clock.split(value).days)
                    return floorDivide(date.year * 12 + Int64(date.month) - 1, part)
                }
            }
        }
        functions["days_between"] = .init(2...2) { call throws(MartletError) in
            try between(call) { clock, value in clock.split(value).days }
        }
        functions["weeks_between"] = .init(2...2, ["count_from_zero", "week_start"]) { call throws(MartletError) in
            let start = Int64(try call.options.signed("week_start") ?? 1)
            return try between(call) { clock, value in floorDivide(clock.split(value).days &+ 3 &- (start &- 1), 7) }
        }
        for (name, perSecond, seconds, _) in times {
            functions[name + "s_between"] = .init(2...2) { call throws(MartletError) in
                try between(call) { clock, value in
                    let (days, time) = clock.split(value)
                    let perDay = 86_400 * perSecond / seconds
                    let (down, up) = (
                        max(1, clock.perSecond / perSecond) * seconds, max(1, perSecond / clock.perSecond)
                    )
                    return days &* perDay &+ time / down &* up
                }
            }
        }
        return functions
    }

    /// The difference of a count of both arguments.
    private static func between(
        _ call: Compute.Call, _ count: @escaping @Sendable (Clock, Int64) -> Int64
    ) throws(MartletError) -> Datum {
        guard let type = promoted(call[0].type, call[1].type) else {
            throw noKernel(call.name, call.arguments.map(\.type))
        }
        var counts: [Datum] = []
        for argument in call.arguments {
            let clock = try Clock(try converted(argument, to: type).array, call.name)
            counts.append(argument.with(try clock.mapped(.int64) { count(clock, $0) }))
        }
        return try compute(.subtract, counts[1], counts[0])
    }
}
