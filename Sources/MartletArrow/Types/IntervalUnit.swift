/// What an interval counts. Raw values are those of Schema.fbs `IntervalUnit`.
public enum IntervalUnit: Int16, Sendable, Hashable, CaseIterable {
    /// Months, 32 bits.
    case months = 0
    /// Days and milliseconds, 32 bits each.
    case dayTime = 1
    /// Months and days of 32 bits each, nanoseconds of 64 bits.
    case monthDayNano = 2

    /// Bytes of a value.
    package var byteWidth: Int {
        switch self {
        case .months: 4
        case .dayTime: 8
        case .monthDayNano: 16
        }
    }
}
