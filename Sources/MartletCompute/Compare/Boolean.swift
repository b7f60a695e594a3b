public import MartletArrow
public import MartletBase

/// A boolean argument, 64 slots at a time.
struct BooleanOperand: Sendable {
    private let bits: Bitmap?
    private let validity: Bitmap?
    private let constant: (values: UInt64, valid: UInt64)

    init(_ datum: Datum) {
        if datum.isScalar || datum.type == .null {
            let isValid = datum.array.count > 0 && datum.array.isValid(0)
            let value = isValid && (try? datum.array.bits())?[0] ?? false
            bits = nil
            validity = nil
            constant = (value ? ~0 : 0, isValid ? ~0 : 0)
        } else {
            bits = try? datum.array.bits()
            validity = datum.array.usedValidityBitmap
            constant = (0, ~0)
        }
    }

    @inline(__always) func word(_ start: Int, _ length: Int) -> (values: UInt64, valid: UInt64) {
        guard let bits else { return constant }
        return (bits.word(at: start, length: length), validity?.word(at: start, length: length) ?? ~0)
    }
}

/// Logic by pyarrow's names: plain (null with anything is null) and Kleene's (null is unknown).
public enum Logic: String, Sendable, CaseIterable {
    case and
    case or
    case xor
    case andKleene = "and_kleene"
    case orKleene = "or_kleene"
    case andNot = "and_not"
    case andNotKleene = "and_not_kleene"
}

public func combine(_ logic: Logic, _ a: Datum, _ b: Datum) throws(MartletError) -> Datum {
    guard [a.type, b.type].allSatisfy({ $0 == .boolean || $0 == .null }) else {
        throw noKernel(logic.rawValue, [a.type, b.type])
    }
    let count = try commonCount([a, b])
    let (x, y) = (BooleanOperand(a), BooleanOperand(b))
    func bits(_ isValidity: Bool) throws(MartletError) -> Buffer {
        try makeBits(count: count) { start, length in
            let words = logic.words(x.word(start, length), y.word(start, length))
            return isValidity ? words.valid : words.values
        }
    }
    let hasNulls = [a, b].contains { $0.array.nullCount > 0 }
    let validity = hasNulls ? try bits(true) : nil
    return Datum(.booleans(try bits(false), count: count, validity: validity), isScalar: a.isScalar && b.isScalar)
}

extension Logic {
    /// 64 slots at once. Values under nulls may be anything, so only what is valid settles an outcome.
    @inline(never)
    fileprivate func words(
        _ p: (values: UInt64, valid: UInt64), _ q: (values: UInt64, valid: UInt64)
    ) -> (values: UInt64, valid: UInt64) {
        let both = p.valid & q.valid
        let (yes, no) = (p.valid & p.values, p.valid & ~p.values)
        let (alsoYes, alsoNo) = (q.valid & q.values, q.valid & ~q.values)
        switch self {
        case .and: return (p.values & q.values, both)
        case .or: return (p.values | q.values, both)
        case .xor: return (p.values ^ q.values, both)
        case .andNot: return (p.values & ~q.values, both)
        // One known operand can settle it.
        case .andKleene: return (yes & alsoYes, both | no | alsoNo)
        case .orKleene: return (yes | alsoYes, both | yes | alsoYes)
        case .andNotKleene: return (yes & alsoNo, both | no | alsoYes)
        }
    }
}

public func invert(_ array: ArrayData) throws(MartletError) -> ArrayData {
    if array.type == .null { return try .nulls(.boolean, count: array.count) }
    guard array.type == .boolean else { throw noKernel("invert", [array.type]) }
    let bits = try array.bits()
    let inverted = try makeBits(count: array.count) { start, length in ~bits.word(at: start, length: length) }
    return .booleans(inverted, count: array.count, validity: try array.rebasedValidity())
}
