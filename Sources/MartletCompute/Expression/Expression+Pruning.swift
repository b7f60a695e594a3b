public import MartletArrow
import MartletBase

/// What a condition may come out as for some row: a set that holds every outcome that occurs, and maybe more.
private struct Outcomes: OptionSet {
    let rawValue: UInt8
    static let yes = Outcomes(rawValue: 1)
    static let no = Outcomes(rawValue: 2)
    static let unknown = Outcomes(rawValue: 4)
    static let all: Outcomes = [.yes, .no, .unknown]

    /// One outcome; nil is null.
    init(_ value: Bool?) { self = value.map { $0 ? .yes : .no } ?? .unknown }
    init(rawValue: UInt8) { self.rawValue = rawValue }

    var values: [Bool?] {
        (contains(.yes) ? [true] : []) + (contains(.no) ? [false] : []) + (contains(.unknown) ? [nil] : [])
    }

    /// The outcomes of `operation` for any pair: more than occur when both sides hang together, never fewer.
    static func combined(_ a: Outcomes, _ b: Outcomes, _ operation: (Bool?, Bool?) -> Bool?) -> Outcomes {
        var result: Outcomes = []
        for x in a.values { for y in b.values { result.insert(Outcomes(operation(x, y))) } }
        return result
    }
}

extension Expression {
    /// Whether some row may make this condition true, by what `bounds` knows of each field; false is certain.
    ///
    /// `bounds` gives nil for a field of which nothing is known.
    public func mayMatch(_ bounds: (_ path: [String]) -> ColumnBounds?) -> Bool { outcomes(bounds).contains(.yes) }

    /// Whether every row makes this condition true, by what `bounds` knows; true is certain.
    public func mustMatch(_ bounds: (_ path: [String]) -> ColumnBounds?) -> Bool { outcomes(bounds) == .yes }

    private func outcomes(_ bounds: (_ path: [String]) -> ColumnBounds?) -> Outcomes {
        switch self {
        case .literal(let value):
            guard value.count == 1 else { return .all }
            if !value.isValid(0) { return .unknown }
            guard value.type == .boolean, let bits = try? value.bits() else { return .all }
            return Outcomes(bits[0])
        case .reference: return .all
        case .field(let path):
            guard let known = bounds(path) else { return .all }
            return Self.outcomes(ofBooleanField: known)
        case .call(let name, let arguments, let options):
            if let comparison = Comparison(rawValue: name), arguments.count == 2 {
                if case .field(let path) = arguments[0], case .literal(let value) = arguments[1] {
                    return bounds(path).map { Self.outcomes(comparison, $0, value) } ?? .all
                }
                if case .literal(let value) = arguments[0], case .field(let path) = arguments[1] {
                    return bounds(path).map { Self.outcomes(comparison.flipped, $0, value) } ?? .all
                }
                return .all
            }
            if let logic = Logic(rawValue: name), arguments.count == 2 {
                return .combined(arguments[0].outcomes(bounds), arguments[1].outcomes(bounds)) { logic.value($0, $1) }
            }
            guard let first = arguments.first else { return .all }
            switch name {
            case "invert":
                let inner = first.outcomes(bounds)
                return .combined(inner, .yes) { value, _ in value.map { !$0 } }
            case "is_null", "is_valid", "is_nan":
                guard case .field(let path) = first, let known = bounds(path) else { return .all }
                let type = known.minimum?.type ?? known.maximum?.type
                let mayBeNaN = known.mayBeNaN(type)
                var result: Outcomes = []
                switch name {
                case "is_null":
                    let countsNaN = options.options["nan_is_null"] == "true" && mayBeNaN
                    if known.mayBeNull || (countsNaN && known.mayBeValid) { result.insert(.yes) }
                    if known.mayBeValid { result.insert(.no) }
                case "is_valid":
                    if known.mayBeValid { result.insert(.yes) }
                    if known.mayBeNull { result.insert(.no) }
                case _:
                    if known.mayBeNaN(type) && known.mayBeValid { result.insert(.yes) }
                    if known.mayBeValid { result.insert(.no) }
                    if known.mayBeNull { result.insert(.unknown) }
                }
                return result
            case "is_in":
                guard case .field(let path) = first, let known = bounds(path), let set = options.valueSet else {
                    return .all
                }
                return Self.outcomes(known, in: set, options)
            case _: return .all
            }
        }
    }

    private static func outcomes(ofBooleanField known: ColumnBounds) -> Outcomes {
        var result: Outcomes = []
        if known.mayBeNull { result.insert(.unknown) }
        guard known.mayBeValid else { return result }
        func value(_ bound: ArrayData?) -> Bool? {
            guard let bound, bound.type == .boolean, bound.count == 1, bound.isValid(0) else { return nil }
            return (try? bound.bits())?[0]
        }
        if value(known.maximum) != false { result.insert(.yes) }
        if value(known.minimum) != true { result.insert(.no) }
        return result
    }

    /// A field against a value: the interval of the field, its nulls and its NaNs.
    private static func outcomes(_ comparison: Comparison, _ known: ColumnBounds, _ value: ArrayData) -> Outcomes {
        guard value.count == 1, value.isValid(0) else { return .unknown }
        var result: Outcomes = []
        if known.mayBeNull { result.insert(.unknown) }
        guard known.mayBeValid else { return result }
        if isNaN(value) {
            // Nothing compares with NaN but by being different.
            result.insert(comparison == .notEqual ? .yes : .no)
            return result
        }
        let type = known.minimum?.type ?? known.maximum?.type
        if known.mayBeNaN(type) { result.insert(comparison == .notEqual ? .yes : .no) }
        // Where a bound is not known, the values may lie anywhere on that side.
        let below = holds(known.minimum, .less, value) ?? true
        let notAbove = holds(known.minimum, .lessEqual, value) ?? true
        let above = holds(known.maximum, .greater, value) ?? true
        let notBelow = holds(known.maximum, .greaterEqual, value) ?? true
        let mayBeEqual = notAbove && notBelow
        switch comparison {
        case .equal:
            if mayBeEqual && known.mayHold?(value, false) != false { result.insert(.yes) }
            if below || above || known.mayHold != nil { result.insert(.no) }
        case .notEqual:
            if below || above { result.insert(.yes) }
            if mayBeEqual { result.insert(.no) }
        case .less:
            if below { result.insert(.yes) }
            if notBelow { result.insert(.no) }
        case .lessEqual:
            if notAbove { result.insert(.yes) }
            if above { result.insert(.no) }
        case .greater:
            if above { result.insert(.yes) }
            if notAbove { result.insert(.no) }
        case .greaterEqual:
            if notBelow { result.insert(.yes) }
            if below { result.insert(.no) }
        }
        return result
    }

    private static func outcomes(_ known: ColumnBounds, in set: ArrayData, _ options: CallOptions) -> Outcomes {
        // A value outside of the set is always thought possible.
        var result: Outcomes = known.mayBeValid ? .no : []
        let behavior =
            options.options["skip_nulls"] == "true" ? "skip" : options.options["null_matching_behavior"] ?? "match"
        if known.mayBeNull {
            switch behavior {
            case "match": result.insert(set.nullCount > 0 ? .yes : .no)
            case "skip": result.insert(.no)
            case _: result.insert(.unknown)
            }
        }
        if behavior == "inconclusive" && set.nullCount > 0 { result.insert(.unknown) }
        guard known.mayBeValid else { return result }
        let type = known.minimum?.type ?? known.maximum?.type
        for row in 0..<set.count where set.isValid(row) {
            let member = set.window(row, 1)
            if isNaN(member)
                ? known.mayBeNaN(type)
                : (holds(known.minimum, .lessEqual, member) ?? true)
                    && (holds(known.maximum, .greaterEqual, member) ?? true) && known.mayHold?(member, true) != false
            {
                result.insert(.yes)
                break
            }
        }
        return result
    }

    private static func isNaN(_ value: ArrayData) -> Bool {
        guard value.type.isFloatingPoint, let test = try? MartletCompute.isNaN(value), let bits = try? test.bits()
        else {
            return false
        }
        return bits[0]
    }

    /// Whether a bound compares so with a value; nil when there is no bound, or no order between the two.
    private static func holds(_ bound: ArrayData?, _ comparison: Comparison, _ value: ArrayData) -> Bool? {
        guard let bound, bound.count == 1, bound.isValid(0), !isNaN(bound) else { return nil }
        do throws(MartletError) {
            let outcome = try MartletCompute.compare(
                comparison, Datum(bound, isScalar: true), Datum(value, isScalar: true)
            ).array
            guard outcome.isValid(0) else { return nil }
            return try outcome.bits()[0]
        } catch { return nil }
    }
}

extension Logic {
    /// The truth table; nil is null.
    fileprivate func value(_ a: Bool?, _ b: Bool?) -> Bool? {
        switch self {
        case .and: if let a, let b { a && b } else { nil }
        case .or: if let a, let b { a || b } else { nil }
        case .xor: if let a, let b { a != b } else { nil }
        case .andNot: if let a, let b { a && !b } else { nil }
        case .andKleene: a == false || b == false ? false : a == nil || b == nil ? nil : true
        case .orKleene: a == true || b == true ? true : a == nil || b == nil ? nil : false
        case .andNotKleene: a == false || b == true ? false : a == nil || b == nil ? nil : true
        }
    }
}

extension Expression {
    /// The expression with fields replaced by what is known of them (one slot each, maybe null), computed as far as
    /// that goes. With all fields known, a literal.
    public func simplified(knowing values: [String: ArrayData]) -> Expression {
        switch self {
        case .literal, .reference: return self
        case .field(let path): return path.count == 1 ? values[path[0]].map { .literal($0) } ?? self : self
        case .call(let name, let arguments, let options):
            let inner = arguments.map { $0.simplified(knowing: values) }
            let call = Expression.call(name, inner, options)
            if inner.allSatisfy({ if case .literal = $0 { true } else { false } }) {
                let nothing = RecordBatch(unchecked: Schema([]), columns: [], rowCount: 1)
                guard let value = try? call.datum(nothing).array, value.count == 1 else { return call }
                return .literal(value)
            }
            for (i, other) in [(0, 1), (1, 0)] where inner.count == 2 {
                guard case .literal(let value) = inner[i] else { continue }
                switch (name, Outcomes.of(value)) {
                case ("and_kleene", .yes), ("or_kleene", .no): return inner[other]
                case ("and_kleene", .no), ("or_kleene", .yes): return inner[i]
                case (_, _): break
                }
            }
            return call
        }
    }
}

extension Outcomes {
    fileprivate static func of(_ literal: ArrayData) -> Outcomes? {
        guard literal.type == .boolean, literal.count == 1, let bits = try? literal.bits() else { return nil }
        return Outcomes(literal.isValid(0) ? bits[0] : nil)
    }
}
