import MartletArrow
import MartletBase

/// From instants to the clock of a time zone: UTC, a fixed offset such as `+05:30`, or none.
struct ZoneShift: Sendable {
    /// What is added to an instant, in its unit.
    let offset: Int64

    init(_ zone: String?, unit: TimeUnit) throws(MartletError) {
        guard let zone, !["UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT"].contains(zone) else {
            offset = 0
            return
        }
        guard let seconds = Self.seconds(zone) else {
            throw .notImplemented(
                "Cannot locate timezone '\(zone)': local times of named zones are not known here; "
                    + "cast to a timestamp in UTC first")
        }
        offset = seconds * unit.perSecond
    }

    @inline(__always) func local(_ value: Int64) -> Int64 { value &+ offset }

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
