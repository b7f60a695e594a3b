package import MartletBase

// Types whose parameters come from outside.

extension DataType {
    /// The most digits that a decimal of so many bits holds; nil when there are no such decimals.
    package static func decimalPrecision(bits: Int) -> Int? { [32: 9, 64: 18, 128: 38, 256: 76][bits] }

    package static func checkedDecimal(bits: Int, precision: Int, scale: Int) throws(MartletError) -> DataType {
        guard let most = decimalPrecision(bits: bits) else {
            throw .invalid("there are decimals of 32, 64, 128 and 256 bits, not of \(bits)")
        }
        guard (1...most).contains(precision) else {
            throw .invalid("decimal precision \(precision) is not in 1 ... \(most) for decimal\(bits)")
        }
        guard Int32(exactly: scale) != nil else { throw .invalid("decimal scale \(scale) does not fit 32 bits") }
        switch bits {
        case 32: return .decimal32(precision: precision, scale: scale)
        case 64: return .decimal64(precision: precision, scale: scale)
        case 128: return .decimal128(precision: precision, scale: scale)
        case _: return .decimal256(precision: precision, scale: scale)
        }
    }

    package static func checkedMap(entries: Field, keysSorted: Bool) throws(MartletError) -> DataType {
        guard case .struct(let fields) = entries.type.storage, fields.count == 2 else {
            throw .invalid("the child of a map is a struct of a key and an item, not \(entries.type)")
        }
        return .map(entries: entries, keysSorted: keysSorted)
    }

    /// A union; without ids the children's are 0, 1, 2, ...
    package static func checkedUnion(_ mode: UnionMode, fields: [Field], typeIds: [Int]?) throws(MartletError) -> DataType {
        guard fields.count <= 128 else { throw .invalid("a union has at most 128 children, not \(fields.count)") }
        let ids = typeIds ?? Array(fields.indices)
        guard ids.count == fields.count else {
            throw .invalid("Union type has \(fields.count) children, but \(ids.count) type ids")
        }
        var seen = Set<Int>()
        for id in ids {
            guard (0...127).contains(id) else { throw .invalid("Union type id \(id) out of bounds: expected 0 ... 127") }
            guard seen.insert(id).inserted else { throw .invalid("Union type id \(id) is given to more than one child") }
        }
        return .union(mode, fields: fields, typeIds: ids.map { Int8($0) })
    }

    package static func checkedRunEndEncoded(runEnds: Field, values: Field) throws(MartletError) -> DataType {
        guard [.int16, .int32, .int64].contains(runEnds.type) else {
            throw .invalid("Run end type must be int16, int32 or int64, got \(runEnds.type)")
        }
        return .runEndEncoded(runEnds: runEnds, values: values)
    }
}
