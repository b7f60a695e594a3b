public import MartletArrow

/// What is known of the values of a column in some rows: from statistics of a row group or a page, or from the path
/// of a file.
///
/// Bounds are of the type that the expression sees. They need not occur: a truncated string is a bound. What is not
/// known is nil, and then nothing is concluded from it.
public struct ColumnBounds: Sendable {
    /// No valid value but NaN is below. One slot; nil or null: not known.
    public var minimum: ArrayData?
    /// No valid value but NaN is above.
    public var maximum: ArrayData?
    public var nullCount: Int?
    public var nanCount: Int?
    public var rowCount: Int
    /// Whether a valid value equal to this one, which is one slot, may be there: what a Bloom filter says. The second argument
    /// tells whether the zeros of reals count as two values.
    public var mayHold: (@Sendable (_ value: ArrayData, _ distinguishesZeros: Bool) -> Bool)?

    public init(
        minimum: ArrayData? = nil, maximum: ArrayData? = nil, nullCount: Int? = nil, nanCount: Int? = nil, rowCount: Int
    ) {
        self.minimum = minimum
        self.maximum = maximum
        self.nullCount = nullCount
        self.nanCount = nanCount
        self.rowCount = rowCount
    }

    /// All rows hold `value`, which is one slot and may be null.
    public init(constant value: ArrayData, rowCount: Int) {
        let isNull = !value.isValid(0)
        self.init(
            minimum: isNull ? nil : value, maximum: isNull ? nil : value, nullCount: isNull ? rowCount : 0,
            nanCount: nil, rowCount: rowCount)
    }

    var mayBeNull: Bool { nullCount != 0 }
    var mayBeValid: Bool { nullCount.map { $0 < rowCount } ?? true }

    /// Whether a NaN may be among values of this type.
    func mayBeNaN(_ type: DataType?) -> Bool { nanCount != 0 && (type?.isFloatingPoint ?? true) }
}
