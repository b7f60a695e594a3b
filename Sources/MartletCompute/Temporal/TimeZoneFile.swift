import Glibc
import MartletBase

/// A named time zone, as a TZif file of the system tells of it (RFC 9636): when its clocks changed, and the rule by
/// which they change from then on.
final class TimeZoneFile: Sendable {
    struct Period: Sendable {
        /// Seconds since 1970 at which it begins.
        var start: Int64
        /// Seconds that the clock is ahead of UTC.
        var offset: Int64
        var isSaving: Bool
        var name: String
    }

    /// In order; the first holds for all earlier times too.
    let periods: [Period]
    /// From here on the calendar of the last 400 years repeats.
    private let end: Int64
    private static let cycle: Int64 = 146_097 * 86_400

    private static let known = Guarded<[String: TimeZoneFile]>([:])

    /// The zone by its name, such as `Europe/Berlin`.
    static func named(_ name: String) throws(MartletError) -> TimeZoneFile {
        if let zone = known.withLock({ $0[name] }) { return zone }
        guard let zone = try load(name) else {
            throw .invalid(
                "Cannot locate or parse timezone '\(name)': \(name) not found in timezone database; install the package "
                    + "tzdata, or name the directory with the zones in TZDIR")
        }
        known.withLock { $0[name] = zone }
        return zone
    }

    private static func load(_ name: String) throws(MartletError) -> TimeZoneFile? {
        let isPlain = name.utf8.allSatisfy { byte in
            (byte >= 48 && byte <= 57) || (byte | 32 >= 97 && byte | 32 <= 122) || [43, 45, 47, 95].contains(byte)
        }
        guard isPlain, !name.isEmpty, !name.hasPrefix("/"), name.utf8.count < 100 else { return nil }
        var folders = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo"]
        if let text = unsafe getenv("TZDIR") {
            let folder = unsafe String(cString: text)
            folders.insert(folder, at: 0)
        }
        for folder in folders {
            if let bytes = read(folder + "/" + name), let zone = TimeZoneFile(bytes) { return zone }
        }
        return nil
    }

    /// A file of at most 64 KiB.
    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while count < bytes.count {
            let part = unsafe bytes.withUnsafeMutableBytes { all in
                unsafe Glibc.read(descriptor, all.baseAddress! + count, all.count - count)
            }
            if part <= 0 { break }
            count += part
        }
        return Array(bytes.prefix(count))
    }

    /// nil for what is no file of version 2 or newer.
    init?(_ bytes: [UInt8]) {
        func number(_ place: Int, _ width: Int) -> Int64? {
            guard place >= 0, place <= bytes.count - width else { return nil }
            var value: UInt64 = 0
            for byte in bytes[place..<place + width] { value = value << 8 | UInt64(byte) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }
        /// The counts in a header: UTC and standard marks, leap seconds, transitions, types, letters.
        func counts(_ start: Int) -> [Int]? {
            guard bytes.count >= start + 44, Array(bytes[start..<start + 4]) == Array("TZif".utf8) else { return nil }
            var all: [Int] = []
            for i in 0..<6 {
                guard let count = number(start + 20 + i * 4, 4), count >= 0, count <= 1 << 16 else { return nil }
                all.append(Int(count))
            }
            return all
        }
        func size(_ c: [Int], _ width: Int) -> Int {
            c[3] * (width + 1) + c[4] * 6 + c[5] + c[2] * (width + 4) + c[1] + c[0]
        }
        guard let first = counts(0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let header = 44 + size(first, 4)
        guard let c = counts(header), c[4] > 0 else { return nil }
        let (times, kinds) = (header + 44, header + 44 + c[3] * 8)
        let types = kinds + c[3]
        let letters = types + c[4] * 6
        guard letters + c[5] <= bytes.count else { return nil }
        func period(_ start: Int64, _ type: Int) -> Period? {
            guard type < c[4], let offset = number(types + type * 6, 4), abs(offset) < 100_000 else { return nil }
            let place = Int(bytes[types + type * 6 + 5])
            guard place <= c[5] else { return nil }
            let name = bytes[(letters + place)..<(letters + c[5])].prefix { $0 != 0 }
            return Period(
                start: start, offset: offset, isSaving: bytes[types + type * 6 + 4] != 0,
                name: String(decoding: name, as: UTF8.self))
        }
        guard let before = period(.min, 0) else { return nil }
        var periods = [before]
        for i in 0..<c[3] {
            guard let time = number(times + i * 8, 8), time > periods[periods.count - 1].start,
                let next = period(time, Int(bytes[kinds + i]))
            else { return nil }
            periods.append(next)
        }
        // The rule stands between two line ends behind the data.
        let footer = header + 44 + size(c, 8) + 1
        var end = Int64.max
        if footer < bytes.count, let rule = ClockRule(Array(bytes[footer...].prefix { $0 != 10 })) {
            let last = periods[periods.count - 1]
            let from = last.start == .min ? 1900 : CivilSeconds.year(last.start)
            for year in from..<from + 402 {
                for change in rule.changes(in: year) where change.start > periods[periods.count - 1].start {
                    let current = periods[periods.count - 1]
                    if change.offset != current.offset || change.isSaving != current.isSaving { periods.append(change) }
                }
            }
            if rule.saving != nil { end = CivilSeconds.newYear(from + 401) }
        }
        self.periods = periods
        self.end = end
    }

    /// The period that holds at an instant, in seconds.
    func period(at instant: Int64) -> Period { periods[index(at: instant)] }

    private func index(at instant: Int64) -> Int {
        var instant = instant
        if instant >= end { instant &-= ((instant - end) / Self.cycle + 1) &* Self.cycle }
        var (low, high) = (0, periods.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if periods[middle].start <= instant { low = middle } else { high = middle }
        }
        return low
    }

    /// The offsets under which a clock shows `local` seconds: none where it jumped over them, two where it went back.
    func offsets(atLocal local: Int64) -> (before: Period, after: Period, isGap: Bool, change: Int64)? {
        let low = index(at: local &- 86_400)
        let shifted = local >= end ? ((local - end) / Self.cycle + 1) &* Self.cycle : 0
        for i in max(1, low)..<min(periods.count, max(1, low) + 4) {
            let (before, after) = (periods[i - 1], periods[i])
            let place = local &- shifted
            if place >= after.start + before.offset, place < after.start + after.offset {
                return (before, after, true, after.start &+ shifted)
            }
            if place >= after.start + after.offset, place < after.start + before.offset {
                return (before, after, false, after.start &+ shifted)
            }
        }
        return nil
    }

    /// The offset where only one is possible.
    func plainOffset(atLocal local: Int64) -> Int64 {
        let guess = period(at: local &- period(at: local).offset)
        let other = period(at: local &- guess.offset)
        return other.offset
    }
}

/// Seconds since 1970 by the civil calendar.
enum CivilSeconds {
    static func year(_ seconds: Int64) -> Int64 { CivilYear(floorDivide(seconds, 86_400)).year }
    static func newYear(_ year: Int64) -> Int64 { CivilYear.days(year, 1, 1) * 86_400 }
}
