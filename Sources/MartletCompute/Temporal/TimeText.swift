import Glibc
import MartletArrow
import MartletBase

/// Times as text by a format and back: the directives of C's `strftime` and `strptime` in the C locale.
enum TimeText {
    private static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    static var functions: [String: Compute.Function] {
        [
            "strftime": .unary(["format", "locale"]) { array, call throws(MartletError) in
                let format = Array(try call.options.text("format", default: "%Y-%m-%dT%H:%M:%S").utf8)
                try checkLocale(call)
                let clock = try Clock(array, "strftime")
                if !clock.hasZone, contains(format, "zZ") {
                    throw .invalid(
                        "Timezone not present, cannot convert to string with timezone: \(String(decoding: format, as: UTF8.self))"
                    )
                }
                return try makeText(.string, count: array.count, validity: clock.array.usedValidityBitmap) {
                    output, row in
                    write(clock.reader.integer(at: row), clock, format, &output)
                }
            },
            "strptime": .unary(["format", "unit", "error_is_null"]) { array, call throws(MartletError) in
                try parsed(try stringArgument(array, "strptime", acceptsBinary: false), call)
            },
        ]
    }

    private static func checkLocale(_ call: Compute.Call) throws(MartletError) {
        let locale = try call.options.text("locale", default: "C")
        guard ["C", "POSIX", "C.UTF-8"].contains(locale) else {
            throw .invalid("Cannot find locale '\(locale)': only the locale C is known here")
        }
    }

    /// Whether one of the directives stands in the format.
    private static func contains(_ format: [UInt8], _ letters: String) -> Bool {
        var index = 0
        while index + 1 < format.count {
            if format[index] == UInt8(ascii: "%") {
                if letters.utf8.contains(format[index + 1]) { return true }
                index += 1
            }
            index += 1
        }
        return false
    }

    @inline(never)
    private static func write(_ value: Int64, _ clock: Clock, _ format: [UInt8], _ output: inout TextOutput) {
        let (day, time) = clock.split(value)
        let date = CivilYear(clock.hasDate ? day : 0)
        let dayNumber = clock.hasDate ? day : 0
        let seconds = time / clock.perSecond
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        let weekday = CivilYear.weekday(dayNumber)
        func year(_ output: inout TextOutput, _ year: Int64) {
            if year < 0 { output.append(UInt8(ascii: "-")) }
            output.append(padded: year < 0 ? -year : year, 4)
        }
        func run(_ text: StaticString, _ output: inout TextOutput) {
            write(
                value, clock, unsafe Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)),
                &output)
        }
        var index = 0
        while index < format.count {
            let byte = format[index]
            guard byte == UInt8(ascii: "%"), index + 1 < format.count else {
                output.append(byte)
                index += 1
                continue
            }
            let directive = format[index + 1]
            index += 2
            switch Character(Unicode.Scalar(directive)) {
            case "Y": year(&output, date.year)
            case "G": year(&output, WeekRule()(dayNumber).year)
            case "C":
                let century = floorDivide(date.year, 100)
                if century < 0 { output.append(UInt8(ascii: "-")) }
                output.append(padded: century < 0 ? -century : century, 2)
            case "y": output.append(padded: (date.year % 100 + 100) % 100, 2)
            case "g": output.append(padded: (WeekRule()(dayNumber).year % 100 + 100) % 100, 2)
            case "m": output.append(padded: Int64(date.month), 2)
            case "d": output.append(padded: Int64(date.day), 2)
            case "e": output.append(padded: Int64(date.day), 2, with: 32)
            case "j": output.append(padded: date.dayOfYear, 3)
            case "H": output.append(padded: hour, 2)
            case "I": output.append(padded: (hour + 11) % 12 + 1, 2)
            case "M": output.append(padded: minute, 2)
            case "S":
                output.append(padded: second, 2)
                if clock.perSecond > 1 {
                    output.append(UInt8(ascii: "."))
                    output.append(
                        padded: time % clock.perSecond,
                        clock.perSecond == 1_000 ? 3 : clock.perSecond == 1_000_000 ? 6 : 9)
                }
            case "p": output.append(contentsOf: hour < 12 ? "AM" : "PM")
            case "a": output.append(contentsOf: String(days[Int(weekday)].prefix(3)))
            case "A": output.append(contentsOf: days[Int(weekday)])
            case "b", "h": output.append(contentsOf: String(months[date.month - 1].prefix(3)))
            case "B": output.append(contentsOf: months[date.month - 1])
            case "u": output.append(integer: weekday + 1)
            case "w": output.append(integer: (weekday + 1) % 7)
            case "U": output.append(padded: (date.dayOfYear + 6 - (weekday + 1) % 7) / 7, 2)
            case "W": output.append(padded: (date.dayOfYear + 6 - weekday) / 7, 2)
            case "V": output.append(padded: WeekRule()(dayNumber).week, 2)
            case "F": run("%Y-%m-%d", &output)
            case "D", "x": run("%m/%d/%y", &output)
            case "T": run("%H:%M:%S", &output)
            case "R": run("%H:%M", &output)
            case "X", "r", "c":
                // Without the fraction.
                if directive == UInt8(ascii: "c") { run("%a %b %e ", &output) }
                output.append(padded: directive == UInt8(ascii: "r") ? (hour + 11) % 12 + 1 : hour, 2)
                for part in [minute, second] {
                    output.append(UInt8(ascii: ":"))
                    output.append(padded: part, 2)
                }
                if directive == UInt8(ascii: "r") { run(" %p", &output) }
                if directive == UInt8(ascii: "c") { run(" %Y", &output) }
            case "z": output.append(contentsOf: clock.zone.offsetText(at: value))
            case "Z":
                output.append(
                    contentsOf: clock.zone.period(at: value)?.name
                        ?? (clock.zone.isUTC ? "UTC" : clock.zone.offsetText(at: value)))
            case "n": output.append(10)
            case "t": output.append(9)
            case "%": output.append(UInt8(ascii: "%"))
            case _:
                output.append(UInt8(ascii: "%"))
                output.append(directive)
            }
        }
    }

    private static func parsed(_ array: ArrayData, _ call: Compute.Call) throws(MartletError) -> ArrayData {
        let format = Array(try call.options.text("format").utf8)
        let name = try call.options.text("unit")
        guard let unit = TimeUnit.allCases.first(where: { $0.abbreviation == name }) else {
            throw .invalid("\"\(name)\" is not a valid unit of strptime; expected s, ms, us, ns")
        }
        let isNull = try call.options.bool("error_is_null", default: false)
        let type = DataType.timestamp(unit, timeZone: contains(format, "z") ? "UTC" : nil)
        if array.type == .null { return try .nulls(type, count: array.count) }
        let (strings, validity) = (try BytesReader(array), array.usedValidityBitmap)
        let bits = try isNull ? BufferBuilder(uninitializedCount: array.count) : BufferBuilder()
        let marks = unsafe Shared(bits.pointer(to: UInt8.self))
        let buffer = try makeLanes(.int64, count: array.count, validity: validity) { block, writer in
            let out = unsafe writer.integers(block, 0)
            var fits = true
            for i in 0..<block.count {
                let row = block.start &+ i
                let isValid = validity?[row] ?? true
                let value = isValid ? instant(strings.slot(row), format, unit) : nil
                // Safety: the block's lanes, and a mark for each row.
                unsafe out[i] = value ?? 0
                if isNull {
                    unsafe marks.value[row] = value == nil ? 0 : 1
                } else {
                    fits = fits && (value != nil || !isValid)
                }
            }
            return fits
        } failure: { row in
            .invalid(
                "Failed to parse string: '\(strings.text(row))' as a scalar of type timestamp[\(name)] (row \(row))")
        }
        var present = try array.rebasedValidity()
        if isNull {
            let flags = ArrayData(type: .uint8, count: array.count, buffers: [bits.finish()])
            present = try cast(flags, to: .boolean).buffers[0]
        }
        return ArrayData(type: type, count: array.count, validity: present, buffers: [buffer])
    }

    /// What the text says by the format; nil where it does not follow it.
    @inline(never)
    private static func instant(_ text: Bytes, _ format: [UInt8], _ unit: TimeUnit) -> Int64? {
        var state = ParsedTime()
        var index = 0
        guard state.read(text, &index, format, days, months), index == text.count else { return nil }
        guard let seconds = state.seconds else { return nil }
        let (value, overflow) = seconds.multipliedReportingOverflow(by: unit.perSecond)
        return overflow ? nil : value
    }
}

/// The fields that a text with a time had.
private struct ParsedTime {
    private var (year, month, day): (Int64, Int64, Int64) = (1900, 1, 1)
    private var dayOfYear: Int64?
    private var (hour, minute, second): (Int64, Int64, Int64) = (0, 0, 0)
    private var isAfternoon: Bool?
    private var shift: Int64 = 0
    private var instant: Int64?

    /// Seconds since 1970. A day that the month does not have leads into the next.
    var seconds: Int64? {
        if let instant { return instant }
        var hour = hour
        if let isAfternoon { hour = hour % 12 + (isAfternoon ? 12 : 0) }
        let days =
            dayOfYear.map { CivilYear.days(year, 1, 1) + $0 - 1 } ?? CivilYear.days(year, Int(month), 1) + day - 1
        return days * 86_400 + hour * 3_600 + minute * 60 + second - shift
    }

    mutating func read(
        _ text: Bytes, _ index: inout Int, _ format: [UInt8], _ days: [String], _ months: [String]
    ) -> Bool {
        func number(_ digits: Int, _ low: Int64, _ high: Int64) -> Int64? {
            while index < text.count, text[index] == 32 { index += 1 }
            var (value, count) = (0 as Int64, 0)
            while index < text.count, count < digits, text[index] >= 48, text[index] <= 57 {
                value = value * 10 + Int64(text[index] - 48)
                index += 1
                count += 1
            }
            return count > 0 && value >= low && value <= high ? value : nil
        }
        /// The place of the name that stands here, whole or its first three letters.
        func name(_ names: [String]) -> Int64? {
            for isShort in [false, true] {
                for (place, name) in names.enumerated() {
                    let letters = Array(name.lowercased().utf8.prefix(isShort ? 3 : 16))
                    guard index + letters.count <= text.count else { continue }
                    if letters.indices.allSatisfy({ text[index + $0] | 32 == letters[$0] }) {
                        index += letters.count
                        return Int64(place)
                    }
                }
            }
            return nil
        }
        var place = 0
        while place < format.count {
            let byte = format[place]
            if byte == 32 || (byte >= 9 && byte <= 13) {
                while index < text.count, text[index] == 32 || (text[index] >= 9 && text[index] <= 13) { index += 1 }
                place += 1
                continue
            }
            guard byte == UInt8(ascii: "%"), place + 1 < format.count else {
                guard index < text.count, text[index] == byte else { return false }
                index += 1
                place += 1
                continue
            }
            let directive = format[place + 1]
            place += 2
            var found: Int64?
            func keep(_ field: inout Int64, _ value: Int64?) { if let value { (field, found) = (value, value) } }
            switch Character(Unicode.Scalar(directive)) {
            case "Y": keep(&year, number(4, 0, 9_999))
            case "y":
                if let two = number(2, 0, 99) { keep(&year, two + (two < 69 ? 2_000 : 1_900)) }
            case "m": keep(&month, number(2, 1, 12))
            case "d", "e": keep(&day, number(2, 1, 31))
            case "H", "k": keep(&hour, number(2, 0, 23))
            case "I", "l": keep(&hour, number(2, 1, 12))
            case "M": keep(&minute, number(2, 0, 59))
            case "S": keep(&second, number(2, 0, 61))
            case "j":
                dayOfYear = number(3, 1, 366)
                found = dayOfYear
            case "b", "B", "h": keep(&month, name(months).map { $0 + 1 })
            case "a", "A": found = name(days)
            case "p":
                if index + 2 <= text.count, text[index + 1] | 32 == UInt8(ascii: "m"),
                    [UInt8(ascii: "a"), UInt8(ascii: "p")].contains(text[index] | 32)
                {
                    isAfternoon = text[index] | 32 == UInt8(ascii: "p")
                    index += 2
                    found = 0
                }
            case "z":
                if index < text.count, text[index] == UInt8(ascii: "Z") {
                    index += 1
                    found = 0
                } else {
                    var end = index
                    while end < text.count, end < index + 6, "+-:0123456789".utf8.contains(text[end]) { end += 1 }
                    if let seconds = ZoneShift.seconds(text[index..<end].text) {
                        (shift, index, found) = (seconds, end, 0)
                    }
                }
            case "s":
                instant = number(18, 0, .max)
                found = instant
            case "F": if read(text, &index, Array("%Y-%m-%d".utf8), days, months) { found = 0 }
            case "T": if read(text, &index, Array("%H:%M:%S".utf8), days, months) { found = 0 }
            case "R": if read(text, &index, Array("%H:%M".utf8), days, months) { found = 0 }
            case "D": if read(text, &index, Array("%m/%d/%y".utf8), days, months) { found = 0 }
            case "n", "t":
                while index < text.count, text[index] == 32 || (text[index] >= 9 && text[index] <= 13) { index += 1 }
                found = 0
            case "%":
                if index < text.count, text[index] == UInt8(ascii: "%") {
                    index += 1
                    found = 0
                }
            case _: break
            }
            if found == nil { return false }
        }
        return true
    }
}
