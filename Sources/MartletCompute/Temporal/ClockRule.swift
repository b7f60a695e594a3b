import MartletArrow

/// A rule for the clock of a zone: the POSIX `TZ` text at the end of a TZif file, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ClockRule {
    typealias Period = TimeZoneFile.Period
    struct Saving {
        var name: String
        var offset: Int64
        var start: Day
        var end: Day
    }
    /// A day of the year and the second of it.
    enum Day {
        /// Week 5 is the last one.
        case weekday(month: Int, week: Int64, day: Int64, time: Int64)
        /// Day 1 ... 365, 29 February never counted.
        case withoutLeapDay(Int64, time: Int64)
        /// Day 0 ... 365.
        case ofYear(Int64, time: Int64)
    }

    let name: String
    let offset: Int64
    let saving: Saving?

    /// nil for what is no rule.
    init?(_ text: [UInt8]) {
        var index = 0
        func peek() -> UInt8 { index < text.count ? text[index] : 0 }
        func word() -> String? {
            let start = index
            if peek() == UInt8(ascii: "<") {
                while index < text.count, text[index] != UInt8(ascii: ">") { index += 1 }
                guard index < text.count else { return nil }
                index += 1
                return String(decoding: text[(start + 1)..<(index - 1)], as: UTF8.self)
            }
            while peek() | 32 >= 97, peek() | 32 <= 122 { index += 1 }
            return index - start >= 3 ? String(decoding: text[start..<index], as: UTF8.self) : nil
        }
        func digits() -> Int64? {
            var (value, count) = (0 as Int64, 0)
            while peek() >= 48, peek() <= 57, count < 4 {
                value = value * 10 + Int64(peek() - 48)
                index += 1
                count += 1
            }
            return count > 0 ? value : nil
        }
        /// `[+-]hh[:mm[:ss]]` in seconds.
        func time() -> Int64? {
            let isNegative = peek() == UInt8(ascii: "-")
            if isNegative || peek() == UInt8(ascii: "+") { index += 1 }
            guard var seconds = digits() else { return nil }
            seconds *= 3600
            for unit in [60, 1] as [Int64] where peek() == UInt8(ascii: ":") {
                index += 1
                guard let part = digits() else { return nil }
                seconds += part * unit
            }
            return isNegative ? -seconds : seconds
        }
        func day() -> Day? {
            guard peek() == UInt8(ascii: ",") else { return nil }
            index += 1
            let form = peek()
            if form == UInt8(ascii: "M") || form == UInt8(ascii: "J") { index += 1 }
            guard let first = digits() else { return nil }
            var parts = [first]
            while form == UInt8(ascii: "M"), peek() == UInt8(ascii: ".") {
                index += 1
                guard let part = digits() else { return nil }
                parts.append(part)
            }
            var seconds: Int64 = 7_200
            if peek() == UInt8(ascii: "/") {
                index += 1
                guard let given = time() else { return nil }
                seconds = given
            }
            switch form {
            case UInt8(ascii: "M"):
                guard parts.count == 3, (1...12).contains(parts[0]), (1...5).contains(parts[1]),
                    (0...6).contains(parts[2])
                else { return nil }
                return .weekday(month: Int(parts[0]), week: parts[1], day: parts[2], time: seconds)
            case UInt8(ascii: "J"): return (1...365).contains(first) ? .withoutLeapDay(first, time: seconds) : nil
            case _: return (0...365).contains(first) ? .ofYear(first, time: seconds) : nil
            }
        }
        guard let name = word(), let west = time() else { return nil }
        self.name = name
        offset = -west
        if index == text.count {
            saving = nil
            return
        }
        guard let other = word() else { return nil }
        var ahead = offset + 3_600
        if peek() != UInt8(ascii: ",") {
            guard let west = time() else { return nil }
            ahead = -west
        }
        guard let start = day(), let end = day(), index == text.count else { return nil }
        saving = Saving(name: other, offset: ahead, start: start, end: end)
    }

    /// The changes of a year, in order.
    func changes(in year: Int64) -> [Period] {
        guard let saving else {
            return [Period(start: CivilSeconds.newYear(year), offset: offset, isSaving: false, name: name)]
        }
        let start = Period(
            start: Self.local(saving.start, year) - offset, offset: saving.offset, isSaving: true, name: saving.name)
        let end = Period(
            start: Self.local(saving.end, year) - saving.offset, offset: offset, isSaving: false, name: name)
        return start.start < end.start ? [start, end] : [end, start]
    }

    private static func local(_ day: Day, _ year: Int64) -> Int64 {
        let newYear = CivilYear.days(year, 1, 1)
        switch day {
        case .ofYear(let number, let time): return (newYear + number) * 86_400 + time
        case .withoutLeapDay(let number, let time):
            let isBehind = number >= 60 && CivilYear.isLeap(year)
            return (newYear + number - (isBehind ? 0 : 1)) * 86_400 + time
        case .weekday(let month, let week, let weekday, let time):
            let first = CivilYear.days(year, month, 1)
            let next = month == 12 ? CivilYear.days(year + 1, 1, 1) : CivilYear.days(year, month + 1, 1)
            // 1970-01-01 was a Thursday, day 4.
            var day = first + (weekday - (first + 4) % 7 + 14) % 7 + (week - 1) * 7
            while day >= next { day -= 7 }
            return day * 86_400 + time
        }
    }
}

/// A day as its year, its place in it, month and day.
struct CivilYear {
    let year: Int64
    let month: Int
    let day: Int
    private let days: Int64
    /// 1 for 1 January.
    var dayOfYear: Int64 { days - Self.days(year, 1, 1) + 1 }

    init(_ days: Int64) {
        let date = CivilDate(daysSinceEpoch: days)
        (year, month, day) = (date.year, date.month, date.day)
        self.days = days
    }

    static func days(_ year: Int64, _ month: Int, _ day: Int) -> Int64 {
        CivilDate(year: year, month: month, day: day).daysSinceEpoch
    }
    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    /// Days since Monday: 0 ... 6.
    static func weekday(_ days: Int64) -> Int64 {
        // 1970-01-01 was a Thursday.
        let rest = (days &+ 3) % 7
        return rest < 0 ? rest &+ 7 : rest
    }
}
