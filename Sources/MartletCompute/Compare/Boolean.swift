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
    guard [a.type, b.type].allSatisfy({ $0 == .boolean || $0 == .null }) else { throw noKernel(logic.rawValue, [a.type, b.type]) }
    let count = try commonCount([a, b])
    let (x, y) = (BooleanOperand(a), BooleanOperand(b))
    let values = try makeBits(count: count) { start, length in
        let (p, q) = (x.word(start, length), y.word(start, length))
        return switch logic {
        case .and, .andKleene: p.values & q.values
        case .or, .orKleene: p.values | q.values
        case .xor: p.values ^ q.values
        case .andNot, .andNotKleene: p.values & ~q.values
        }
    }
    var validity: Buffer?
    if [a, b].contains(where: { $0.array.nullCount > 0 }) {
        validity = try makeBits(count: count) { start, length in
            let (p, q) = (x.word(start, length), y.word(start, length))
            let both = p.valid & q.valid
            return switch logic {
            case .and, .or, .xor, .andNot: both
            // One known operand can settle it.
            case .andKleene: both | (p.valid & ~p.values) | (q.valid & ~q.values)
            case .orKleene: both | (p.valid & p.values) | (q.valid & q.values)
            case .andNotKleene: both | (p.valid & ~p.values) | (q.valid & q.values)
            }
        }
        if logic == .orKleene || logic == .andNotKleene {
            // Values under nulls may be anything, so what is known must be set again.
            let settled = try makeBits(count: count) { start, length in
                let (p, q) = (x.word(start, length), y.word(start, length))
                return logic == .orKleene
                    ? (p.valid & p.values) | (q.valid & q.values)
                    : p.valid & p.values & q.valid & ~q.values
            }
            return Datum(.booleans(settled, count: count, validity: validity), isScalar: a.isScalar && b.isScalar)
        }
        if logic == .andKleene {
            let settled = try makeBits(count: count) { start, length in
                let (p, q) = (x.word(start, length), y.word(start, length))
                return p.valid & p.values & q.valid & q.values
            }
            return Datum(.booleans(settled, count: count, validity: validity), isScalar: a.isScalar && b.isScalar)
        }
    }
    return Datum(.booleans(values, count: count, validity: validity), isScalar: a.isScalar && b.isScalar)
}

public func invert(_ array: ArrayData) throws(MartletError) -> ArrayData {
    if array.type == .null { return try .nulls(.boolean, count: array.count) }
    guard array.type == .boolean else { throw noKernel("invert", [array.type]) }
    let bits = try array.bits()
    let inverted = try makeBits(count: array.count) { start, length in ~bits.word(at: start, length: length) }
    return .booleans(inverted, count: array.count, validity: try array.rebasedValidity())
}
