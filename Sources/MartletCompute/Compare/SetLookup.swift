public import MartletArrow
public import MartletBase

/// What a null does in `isIn` (pyarrow's `null_matching_behavior`).
public enum NullMatching: String, Sendable {
    /// A null is in the set when the set has one.
    case match
    /// A null is never in the set.
    case skip
    /// A null gives a null.
    case emitNull = "emit_null"
    /// As SQL: a null gives a null, and so does what is not in a set that has one.
    case inconclusive
}

/// Which values are in `set`. NaN is found by NaN; 0.0 and -0.0 are two values.
public func isIn(
    _ array: ArrayData, set: ArrayData, nulls: NullMatching = .match
) throws(MartletError) -> ArrayData {
    let lookup = try SetLookup(array, set)
    let hasNull = set.nullCount > 0
    let validity = array.type == .null ? nil : array.usedValidityBitmap
    let nullIsIn = nulls == .match && hasNull
    var bits = try BitmapBuilder(capacity: array.count)
    for row in 0..<array.count {
        let isValid = array.type == .null ? false : validity?[row] ?? true
        try bits.append(isValid ? lookup.place(row) != nil : nullIsIn)
    }
    let buffer = bits.finish()
    switch nulls {
    case .match, .skip: return .booleans(buffer, count: array.count)
    case .emitNull: return .booleans(buffer, count: array.count, validity: try isValidBits(array))
    case .inconclusive:
        let valid = try isValidBits(array)
        guard hasNull else { return .booleans(buffer, count: array.count, validity: valid) }
        let found = try Bitmap(buffer, count: array.count)
        return .booleans(
            buffer, count: array.count,
            validity: try intersection(found, try valid.map { bits throws(MartletError) in try Bitmap(bits, count: array.count) }, count: array.count))
    }
}

func isValidBits(_ array: ArrayData) throws(MartletError) -> Buffer? {
    array.nullCount == 0 ? nil : try isValid(array).buffers[0]
}

/// The place of each value in `set`, null where it is not there.
public func indexIn(_ array: ArrayData, set: ArrayData, skipNulls: Bool = false) throws(MartletError) -> ArrayData {
    let lookup = try SetLookup(array, set)
    var places: [Int32] = []
    places.reserveCapacity(array.count)
    var valid = try BitmapBuilder(capacity: array.count)
    for row in 0..<array.count {
        let place = array.isValid(row) || !skipNulls ? lookup.place(row) : nil
        places.append(Int32(truncatingIfNeeded: place ?? 0))
        try valid.append(place != nil)
    }
    return ArrayData(type: .int32, count: array.count, validity: valid.finish(), buffers: [try Buffer(places)])
}

/// The set and the values numbered together, the set first: what has a number of the set is in it.
private struct SetLookup {
    private let rows: HashedRows
    /// The place in the set of each member that took part.
    private let places: [Int]

    init(_ array: ArrayData, _ set: ArrayData) throws(MartletError) {
        var (values, members) = (array, set)
        if case .dictionary(_, let value, _) = values.type { values = try cast(values, to: value) }
        if case .dictionary(_, let value, _) = members.type { members = try cast(members, to: value) }
        var places = Array(0..<members.count)
        if values.type != members.type {
            do throws(MartletError) {
                members = try cast(members, to: values.type)
            } catch {
                if promotedNumber(values.type, members.type) != nil {
                    // A number that the values' type does not hold is equal to none of them.
                    places = places.filter { (try? cast(members.window($0, 1), to: values.type)) != nil }
                    members = try cast(try take(members, rows: try Rows(numbers: places)), to: values.type)
                } else {
                    guard let type = promoted(values.type, members.type) else { throw error }
                    (values, members) = (try cast(values, to: type), try cast(members, to: type))
                }
            }
        }
        rows = try HashedRows(key: try concatenate([members, values], type: values.type))
        self.places = places
    }

    /// The place in the set that holds the value of `row`.
    func place(_ row: Int) -> Int? {
        // Safety: there is a number for each member and each row.
        let id = unsafe Int(rows.ids.pointer(to: UInt32.self)[places.count + row])
        let first = rows.firstRows[id]
        return first < places.count ? places[first] : nil
    }
}
