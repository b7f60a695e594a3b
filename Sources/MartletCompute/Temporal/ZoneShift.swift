import MartletArrow
import MartletBase

/// Between instants and the clock of a time zone: UTC, a fixed offset such as `+05:30`, a name, or none.
struct ZoneShift: Sendable {
    private let fixed: Int64
    private let zone: TimeZoneFile?
    private let perSecond: Int64
    /// `UTC`, or what the zone is called where it has no periods of its own.
    let name: String

    init(_ zone: String?, unit: TimeUnit) throws(MartletError) {
        perSecond = unit.perSecond
        name = zone ?? ""
        guard let zone, !["UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT"].contains(zone) else {
            (fixed, self.zone) = (0, nil)
            return
        }
        if let seconds = Self.seconds(zone) {
            (fixed, self.zone) = (seconds, nil)
        } else {
            (fixed, self.zone) = (0, try TimeZoneFile.named(zone))
        }
    }

    /// Whether local time is UTC always.
    var isNone: Bool { zone == nil && fixed == 0 }

    /// Seconds ahead of UTC at an instant.
    func offset(at value: Int64) -> Int64 { zone?.period(at: floorDivide(value, perSecond)).offset ?? fixed }

    /// The period at an instant; nil for zones without a name.
    func period(at value: Int64) -> TimeZoneFile.Period? { zone?.period(at: floorDivide(value, perSecond)) }

    /// What the clock shows at an instant.
    @inline(__always)
    func local(_ value: Int64) -> Int64 {
        if zone == nil { return value &+ fixed &* perSecond }
        return value &+ offset(at: value) &* perSecond
    }

    /// Instants at which the clock shows `local`, the same twice where there is one; nil where the clock jumped over it.
    func instants(atLocal local: Int64) -> (first: Int64, last: Int64)? {
        guard let zone else { return (local &- fixed &* perSecond, local &- fixed &* perSecond) }
        let seconds = floorDivide(local, perSecond)
        if let change = zone.offsets(atLocal: seconds) {
            if change.isGap { return nil }
            return (local &- change.before.offset &* perSecond, local &- change.after.offset &* perSecond)
        }
        let only = local &- zone.plainOffset(atLocal: seconds) &* perSecond
        return (only, only)
    }

    /// Where the clock jumped, for a local time that it never showed.
    func gap(atLocal local: Int64) -> Int64 {
        (zone?.offsets(atLocal: floorDivide(local, perSecond))?.change ?? 0) &* perSecond
    }

    /// `+0530`, as the offset at an instant is printed.
    func offsetText(at value: Int64) -> String {
        let seconds = offset(at: value)
        let minutes = seconds.magnitude / 60
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return (seconds < 0 ? "-" : "+") + two(minutes / 60) + two(minutes % 60)
    }

    /// Whether the zone is UTC by one of its names.
    var isUTC: Bool { zone == nil && Self.seconds(name) == nil }

    /// `+HH:MM`, `+HHMM` or `+HH` in seconds.
    static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        let digits = bytes.dropFirst().filter { $0 != UInt8(ascii: ":") }
        guard digits.count == 4 || digits.count == 2, digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        let numbers = digits.map { Int64($0) - 48 }
        let hours = numbers[0] * 10 + numbers[1]
        let minutes = numbers.count == 4 ? numbers[2] * 10 + numbers[3] : 0
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
}
