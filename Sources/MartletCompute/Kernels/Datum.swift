public import MartletArrow
public import MartletBase

/// An argument or a result of a function: an array, or a scalar, which is an array of length 1 that goes with
/// every row.
public struct Datum: Sendable {
    public let array: ArrayData
    public let isScalar: Bool

    public init(_ array: ArrayData) {
        self.array = array
        isScalar = false
    }

    /// Throws when the array does not have exactly one slot.
    public init(scalar array: ArrayData) throws(MartletError) {
        guard array.count == 1 else { throw .invalid("a scalar is an array of length 1, not \(array.count)") }
        self.init(array, isScalar: true)
    }

    init(_ array: ArrayData, isScalar: Bool) {
        self.array = array
        self.isScalar = isScalar
    }

    public var type: DataType { array.type }
    var isNullScalar: Bool { isScalar && !array.isValid(0) }

    /// The array that this datum is beside `count` rows.
    func broadcast(to count: Int) throws(MartletError) -> ArrayData {
        if !isScalar || count == 1 { return array }
        return try take(array, rows: try Rows(repeating: 0, count: count))
    }

    /// The same kind of datum around another array.
    func with(_ other: ArrayData) -> Datum { Datum(other, isScalar: isScalar) }
}

/// The length of the rows that arguments make up together: that of the arrays among them, 1 for scalars alone.
func commonCount(_ arguments: [Datum]) throws(MartletError) -> Int {
    var count: Int?
    for argument in arguments where !argument.isScalar {
        if let known = count, known != argument.array.count {
            throw .invalid("Array arguments must all be the same length: \(known) and \(argument.array.count)")
        }
        count = argument.array.count
    }
    return count ?? 1
}
