import MartletBase

/// What a cast may lose: pyarrow's `CastOptions`.
public struct CastOptions: Sendable, Hashable {
    /// Integers out of range keep their low bits.
    public var allowIntOverflow: Bool
    /// Times lose what is finer than the unit.
    public var allowTimeTruncate: Bool
    /// Times out of range wrap.
    public var allowTimeOverflow: Bool
    /// Decimals lose digits behind the point.
    public var allowDecimalTruncate: Bool
    /// Floats lose their fraction on the way to integers; large integers are rounded on the way to floats.
    public var allowFloatTruncate: Bool
    /// Bytes become strings unseen.
    public var allowInvalidUTF8: Bool

    public init(safe: Bool = true) {
        allowIntOverflow = !safe
        allowTimeTruncate = !safe
        allowTimeOverflow = !safe
        allowDecimalTruncate = !safe
        allowFloatTruncate = !safe
        allowInvalidUTF8 = !safe
    }

    /// Nothing may be lost.
    public static let safe = CastOptions()
    public static let unsafe = CastOptions(safe: false)

    static let optionNames = [
        "safe", "allow_int_overflow", "allow_time_truncate", "allow_time_overflow", "allow_decimal_truncate",
        "allow_float_truncate", "allow_invalid_utf8",
    ]

    init(_ options: FunctionOptions) throws(MartletError) {
        self.init(safe: try options.bool("safe", default: true))
        allowIntOverflow = try options.bool("allow_int_overflow", default: allowIntOverflow)
        allowTimeTruncate = try options.bool("allow_time_truncate", default: allowTimeTruncate)
        allowTimeOverflow = try options.bool("allow_time_overflow", default: allowTimeOverflow)
        allowDecimalTruncate = try options.bool("allow_decimal_truncate", default: allowDecimalTruncate)
        allowFloatTruncate = try options.bool("allow_float_truncate", default: allowFloatTruncate)
        allowInvalidUTF8 = try options.bool("allow_invalid_utf8", default: allowInvalidUTF8)
    }
}
