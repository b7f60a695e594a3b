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
    let validity = array.usedValidityBitmap
    let (isAllNull, nullIsIn): (Bool, UInt8) = (array.type == .null, nulls == .match && hasNull ? 1 : 0)
    let buffer = try unsafe makeLaneBits(count: array.count) { block, bytes in
        let places = unsafe block.lanes(0, Int64.self)
        if !isAllNull { unsafe lookup.find(block, places) }
        for i in 0..<block.count {
            let isValid = isAllNull ? false : validity?[block.start &+ i] ?? true
            unsafe bytes[i] = isValid ? (places[i] >= 0 ? 1 : 0) : nullIsIn
        }
    }
    switch nulls {
    case .match, .skip: return .booleans(buffer, count: array.count)
    case .emitNull: return .booleans(buffer, count: array.count, validity: try isValidBits(array))
    case .inconclusive:
        let valid = try isValidBits(array)
        guard hasNull else { return .booleans(buffer, count: array.count, validity: valid) }
        let found = try Bitmap(buffer, count: array.count)
        return .booleans(
            buffer, count: array.count,
            validity: try intersection(
                found, try valid.map { bits throws(MartletError) in try Bitmap(bits, count: array.count) },
                count: array.count))
    }
}

func isValidBits(_ array: ArrayData) throws(MartletError) -> Buffer? {
    array.nullCount == 0 ? nil : try isValid(array).buffers[0]
}

/// The place of each value in `set`, null where it is not there.
public func indexIn(_ array: ArrayData, set: ArrayData, skipNulls: Bool = false) throws(MartletError) -> ArrayData {
    let lookup = try SetLookup(array, set)
    let validity = array.usedValidityBitmap
    let isAllNull = array.type == .null
    let null = (0..<set.count).first { !set.isValid($0) }
    let nullPlace = Int64(skipNulls ? -1 : null ?? -1)
    let places = try makeLanes(.int32, count: array.count) { block, writer in
        let places = unsafe block.lanes(0, Int64.self)
        if !isAllNull { unsafe lookup.find(block, places) }
        // Safety: lanes of the block.
        for i in 0..<block.count where isAllNull || !(validity?[block.start &+ i] ?? true) {
            unsafe places[i] = nullPlace
        }
        unsafe writer.store(places, block)
        return true
    }
    let found = ArrayData(type: .int32, count: array.count, buffers: [places])
    let present = try compare(.greaterEqual, Datum(found), try Datum(scalar: .single(0 as Int32, .int32)))
    return ArrayData(type: .int32, count: array.count, validity: present.array.buffers[0], buffers: [places])
}

/// The members of a set in a hash table, by which the places of values are found.
private struct SetLookup: Sendable {
    private enum Values: Sendable {
        case numbers(LaneReader)
        case bytes(BytesReader)
        /// The set and the values numbered together, the set first: what has a number of the set is in it.
        case numbered(HashedRows, members: Int)
    }
    private struct Entry: Sendable {
        /// The bits of a number, or a hash.
        var key: UInt64
        /// The member plus one; 0 is free.
        var mark: UInt32
    }
    private let values: Values
    private let members: BytesReader?
    private let entries: [Entry]
    private let mask: Int
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
        self.places = places
        let isNumber = values.type.nativeKind.map { $0 != .int128 } ?? false
        guard isNumber || BytesReader.reads(values.type), members.count < 1 << 30 else {
            let all = try concatenate([members, values], type: values.type)
            self.values = .numbered(try HashedRows(key: all), members: members.count)
            (self.members, entries, mask) = (nil, [], 0)
            return
        }
        var capacity = 16
        while capacity < members.count * 2 + 1 { capacity *= 2 }
        var table = [Entry](repeating: Entry(key: 0, mark: 0), count: capacity)
        let strings = isNumber ? nil : try BytesReader(members)
        let numbers = isNumber ? try LaneReader(members) : nil
        for row in 0..<members.count where members.isValid(row) {
            let key = numbers.map { Self.key($0, row) } ?? strings.map { Self.key($0, $0.slot(row)) } ?? 0
            var place = Int(truncatingIfNeeded: mix(key)) & (capacity - 1)
            var isNew = true
            while table[place].mark != 0 {
                if table[place].key == key,
                    strings.map({ Self.areEqual($0.slot(Int(table[place].mark) - 1), $0.slot(row)) }) ?? true
                {
                    isNew = false
                    break
                }
                place = (place + 1) & (capacity - 1)
            }
            if isNew { table[place] = Entry(key: key, mark: UInt32(row + 1)) }
        }
        self.members = strings
        self.values = isNumber ? .numbers(try LaneReader(values)) : .bytes(try BytesReader(values))
        (entries, mask) = (table, capacity - 1)
    }

    /// The places of the block's values, -1 for those that are not members; anything where they are null.
    func find(_ block: LaneBlock, _ out: UnsafeMutablePointer<Int64>) {
        // Safety: lanes of the block; the table has free entries, so that each search ends.
        unsafe entries.withUnsafeBufferPointer { entries in
            switch values {
            case .numbers(let reader):
                if reader.isFloat {
                    let lanes = unsafe reader.doubles(block, 1)
                    for i in 0..<block.count { unsafe out[i] = Int64(bitPattern: Self.canonical(lanes[i])) }
                } else {
                    let lanes = unsafe reader.integers(block, 1)
                    if unsafe lanes != UnsafePointer(out) { unsafe out.update(from: lanes, count: block.count) }
                }
                for i in 0..<block.count {
                    let key = unsafe UInt64(bitPattern: out[i])
                    var place = Int(truncatingIfNeeded: mix(key)) & mask
                    while unsafe entries[place].mark != 0 && entries[place].key != key { place = (place &+ 1) & mask }
                    unsafe out[i] = Int64(entries[place].mark) &- 1
                }
            case .bytes(let reader):
                guard let members else { return }
                for i in 0..<block.count {
                    let slot = reader.slot(block.start &+ i)
                    let key = Self.key(reader, slot)
                    var place = Int(truncatingIfNeeded: mix(key)) & mask
                    while unsafe entries[place].mark != 0 {
                        if unsafe entries[place].key == key
                            && Self.areEqual(members.slot(Int(entries[place].mark) &- 1), slot)
                        {
                            break
                        }
                        place = (place &+ 1) & mask
                    }
                    unsafe out[i] = Int64(entries[place].mark) &- 1
                }
            case .numbered(let rows, let count):
                for i in 0..<block.count {
                    let id = unsafe Int(rows.ids.pointer(to: UInt32.self)[count &+ block.start &+ i])
                    unsafe out[i] = Int64(rows.firstRows[id] < count ? rows.firstRows[id] : -1)
                }
            }
        }
        if places.count == 0 || places[places.count - 1] == places.count - 1 { return }
        for i in 0..<block.count where unsafe out[i] >= 0 { unsafe out[i] = Int64(places[Int(out[i])]) }
    }

    /// All NaNs are one.
    private static func canonical(_ value: Double) -> UInt64 { value != value ? .max : value.bitPattern }
    private static func key(_ reader: LaneReader, _ row: Int) -> UInt64 {
        reader.isFloat ? canonical(reader.double(at: row)) : UInt64(bitPattern: reader.integer(at: row))
    }
    @inline(__always)
    private static func key(_ reader: BytesReader, _ slot: Bytes) -> UInt64 {
        unsafe BytesKey(slot.start, slot.count, limit: reader.readable(slot)).hash
    }
    @inline(__always)
    private static func areEqual(_ a: Bytes, _ b: Bytes) -> Bool { a.count == b.count && a.has(b, at: 0) }
}
