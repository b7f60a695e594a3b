import MartletArrow
import MartletBase

/// Times rounded to a unit of the calendar, and between zones.
enum RoundTime {
    private static let units = [
        "day", "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "week", "month", "quarter",
        "year",
    ]
    private enum Direction: String, CaseIterable { case floor, ceil, round }

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        let options = ["multiple", "unit", "week_starts_monday", "ceil_is_strictly_greater", "calendar_based_origin"]
        for direction in Direction.allCases {
            functions[direction.rawValue + "_temporal"] = .unary(options) { array, call throws(MartletError) in
                try rounded(array, direction, call)
            }
        }
        functions["local_timestamp"] = .unary { array, _ throws(MartletError) in
            guard case .timestamp(let unit, let zone) = array.type else {
                throw noKernel("local_timestamp", [array.type])
            }
            if zone == nil { return array }
            let clock = try Clock(array, "local_timestamp")
            return try clock.mapped(.int64) { clock.zone.local($0) }.reinterpreted(as: .timestamp(unit, timeZone: nil))
        }
        functions["assume_timezone"] = .unary(["timezone", "ambiguous", "nonexistent"]) {
            array, call throws(MartletError) in
            try assumed(array, call)
        }
        return functions
    }

    private static func rounded(
        _ array: ArrayData, _ direction: Direction, _ call: Compute.Call
    ) throws(MartletError) -> ArrayData {
        let clock = try Clock(array, call.name, takesDurations: true)
        let multiple = Int64(try call.options.signed("multiple") ?? 1)
        guard multiple > 0, multiple <= Int64(Int32.max) else {
            throw .invalid("Rounding multiple must be positive, not \(multiple)")
        }
        let unit = try call.options.choice("unit", units)
        let mondays = try call.options.bool("week_starts_monday", default: true)
        let strictly = try call.options.bool("ceil_is_strictly_greater", default: false)
        // From the start of the next larger unit; single units are the same from anywhere.
        let isFromCalendar = try call.options.bool("calendar_based_origin", default: false) && multiple > 1
        let months: Int64 =
            unit == "month" ? multiple : unit == "quarter" ? multiple * 3 : unit == "year" ? multiple * 12 : 0
        var isDuration = false
        if case .duration = clock.array.type { isDuration = true }
        guard !isDuration || months == 0 else {
            throw .invalid("Cannot round durations to a unit of the calendar such as \(unit), which has no one length")
        }
        guard clock.hasDate || (months == 0 && (isDuration || (unit != "day" && unit != "week"))) else {
            throw noKernel(call.name, [array.type])
        }
        // The length of a step in units of the values, or how many steps one such unit is.
        let perUnit: [String: (Int64, Int64)] = [
            "nanosecond": (1, 1_000_000_000), "microsecond": (1, 1_000_000), "millisecond": (1, 1_000),
            "second": (1, 1),
            "minute": (60, 1), "hour": (3_600, 1), "day": (86_400, 1), "week": (604_800, 1),
        ]
        let (seconds, parts) = perUnit[unit] ?? (1, 1)
        let perSecond = clock.array.type == .date32 ? 1 : clock.perSecond
        let wide: Int128
        if clock.array.type == .date32 {
            wide = seconds >= 86_400 ? Int128(seconds / 86_400) * Int128(multiple) : 1
        } else if parts <= perSecond {
            wide = Int128(seconds * (perSecond / parts)) * Int128(multiple)
        } else {
            // Finer than the values: only whole steps count.
            wide = Int128(multiple / (parts / perSecond))
        }
        guard wide < Int128(Int64.max / 4) else {
            throw .invalid("Rounding multiple \(multiple) is too large for \(array.type)")
        }
        let step = max(1, Int64(wide))
        let perDay = clock.perDay
        // 1970-01-01 was a Thursday.
        let origin = unit == "week" && !isDuration ? (mondays ? -3 : -4) * perDay : 0
        // How many units of the values make the next larger unit of a clock.
        let larger: [String: Int64] = [
            "nanosecond": perSecond / 1_000_000, "microsecond": perSecond / 1_000, "millisecond": perSecond,
            "second": perSecond * 60, "minute": perSecond * 3_600,
        ]
        let turn = clock.array.type == .date32 ? 1 : max(1, larger[unit] ?? perDay)
        let weeks = WeekRule(startsMonday: mondays)
        @Sendable func calendarOrigin(_ local: Int64) -> Int64 {
            if unit == "week" { return weeks.firstDay(of: weeks(floorDivide(local, perDay)).year) &* perDay }
            if unit != "day" { return floorDivide(local, turn) &* turn }
            let day = floorDivide(local, perDay)
            return (day &- Int64(CivilYear(day).day) &+ 1) &* perDay
        }
        @Sendable func floor(_ local: Int64) -> Int64 {
            if isFromCalendar && unit != "year" {
                if months > 0 {
                    let date = CivilYear(floorDivide(local, perDay))
                    return start(of: (date.year - 1970) * 12 + (Int64(date.month) - 1) / months * months) &* perDay
                }
                // Weeks count from the first of their own year: never later than the value, which pyarrow's may be.
                let origin = calendarOrigin(local)
                return floorDivide(local &- origin, step) &* step &+ origin
            }
            if months == 0 { return floorDivide(local &- origin, step) &* step &+ origin }
            let date = CivilYear(floorDivide(local, perDay))
            let origin: Int64 = unit == "year" ? 0 : 1970
            let count =
                floorDivide((date.year - origin) * 12 + Int64(date.month) - 1, months) * months + (origin - 1970) * 12
            return start(of: count) &* perDay
        }
        @Sendable func next(_ low: Int64) -> Int64 {
            if months == 0 { return low &+ step }
            let date = CivilYear(floorDivide(low, perDay))
            return start(of: (date.year - 1970) * 12 + Int64(date.month) - 1 + months) &* perDay
        }
        let kind = clock.array.type.nativeKind ?? .int64
        return try clock.mapped(kind) { value in
            let local = clock.zone.local(value)
            let low = floor(local)
            var result = low
            switch direction {
            case .floor: break
            // Months and more are always left behind.
            case .ceil: if low < local || strictly || months > 0 { result = next(low) }
            case .round:
                let high = next(low)
                if low < local, local &- low >= high &- local { result = high }
            }
            if !clock.hasZone { return result }
            return clock.zone.instants(atLocal: result).map {
                $0.first <= value || $0.last > value ? $0.first : $0.last
            }
                ?? clock.zone.gap(atLocal: result)
        }.reinterpreted(as: clock.array.type)
    }

    /// The day on which a month begins, counted from January 1970.
    private static func start(of month: Int64) -> Int64 {
        let year = floorDivide(month, 12)
        return CivilYear.days(1970 + year, Int(month - year * 12) + 1, 1)
    }

    private static func assumed(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> ArrayData {
        let name = try call.options.text("timezone")
        guard case .timestamp(let unit, let known) = array.type else { throw noKernel("assume_timezone", [array.type]) }
        if let known {
            throw .invalid("Timestamps already have a timezone: '\(known)'. Cannot localize to '\(name)'.")
        }
        let ambiguous = try call.options.choice("ambiguous", ["raise", "earliest", "latest"])
        let nonexistent = try call.options.choice("nonexistent", ["raise", "earliest", "latest"])
        let (zone, reader) = (try ZoneShift(name, unit: unit), try LaneReader(array))
        let buffer = try makeLanes(.int64, count: array.count, validity: array.usedValidityBitmap) { block, writer in
            let (from, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
            var isRight = true
            for i in 0..<block.count {
                let local = unsafe from[i]
                var instant: Int64
                if let (first, last) = zone.instants(atLocal: local) {
                    instant = ambiguous == "latest" ? last : first
                    isRight = isRight && (first == last || ambiguous != "raise")
                } else {
                    instant = zone.gap(atLocal: local) &- (nonexistent == "latest" ? 0 : 1)
                    isRight = isRight && nonexistent != "raise"
                }
                unsafe out[i] = instant
            }
            return isRight
        } failure: { row in
            let local = reader.integer(at: row)
            let shown = text(ofTimestamp: local, unit, isUTC: false)
            if let (first, last) = zone.instants(atLocal: local) {
                return .invalid(
                    "Timestamp is ambiguous in timezone '\(name)': \(shown) is ambiguous.  It could be "
                        + "\(text(ofTimestamp: first, unit, isUTC: false)) UTC or \(text(ofTimestamp: last, unit, isUTC: false)) "
                        + "UTC (row \(row)); pass ambiguous='earliest' or 'latest'")
            }
            return .invalid(
                "Timestamp doesn't exist in timezone '\(name)': \(shown) is in a gap that ends at "
                    + "\(text(ofTimestamp: zone.gap(atLocal: local), unit, isUTC: false)) UTC (row \(row)); pass "
                    + "nonexistent='earliest' or 'latest'")
        }
        return ArrayData(
            type: .timestamp(unit, timeZone: name), count: array.count, validity: try array.rebasedValidity(),
            buffers: [buffer])
    }
}
