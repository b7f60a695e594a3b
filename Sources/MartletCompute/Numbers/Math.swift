import Glibc
import MartletArrow
import MartletBase

/// Functions of one number or two that libm has, and rounding.
enum MathFunctions {
    private static let plain: [(String, @Sendable (Double) -> Double)] = [
        ("sqrt", { $0.squareRoot() }), ("exp", { exp($0) }), ("expm1", { expm1($0) }), ("ln", { log($0) }),
        ("log10", { log10($0) }), ("log2", { log2($0) }), ("log1p", { log1p($0) }), ("sin", { sin($0) }),
        ("cos", { cos($0) }), ("tan", { tan($0) }), ("asin", { asin($0) }), ("acos", { acos($0) }),
        ("atan", { atan($0) }), ("sinh", { sinh($0) }), ("cosh", { cosh($0) }), ("tanh", { tanh($0) }),
        ("asinh", { asinh($0) }), ("acosh", { acosh($0) }), ("atanh", { atanh($0) }), ("floor", { floor($0) }),
        ("ceil", { ceil($0) }), ("trunc", { trunc($0) }),
    ]
    private static let checked = [
        "sqrt", "ln", "log10", "log2", "log1p", "sin", "cos", "tan", "asin", "acos", "acosh", "atanh",
    ]

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for (name, body) in plain {
            for isChecked in checked.contains(name) ? [false, true] : [false] {
                functions[name + (isChecked ? "_checked" : "")] = .unary { array, call throws(MartletError) in
                    let digits = ["floor": RoundMode.down, "ceil": .up, "trunc": .towardsZero][name]
                    if let digits, Caster.family(array.type) == .decimal {
                        return try rounded(array, 0, digits, call.name)
                    }
                    return try mapped(array, call.name, body) { isChecked ? refusal(name, $0) : nil }
                }
            }
        }
        functions["sign"] = .unary { array, call throws(MartletError) in try sign(array) }
        let modes = RoundMode.allCases.map(\.rawValue)
        functions["round"] = .unary(["ndigits", "round_mode"]) { array, call throws(MartletError) in
            try rounded(array, try call.options.signed("ndigits") ?? 0, try mode(call, modes), "round")
        }
        functions["round_to_multiple"] = .unary(["multiple", "round_mode"]) { array, call throws(MartletError) in
            let mode = try mode(call, modes)
            if let (precision, scale) = array.type.decimalDigits {
                let multiple = try decimalMultiple(call.options, precision, scale)
                return try wideRounded(array, to: multiple, mode)
            }
            let multiple = try call.options.double("multiple", default: 1)
            guard multiple > 0 else { throw .invalid("Rounding multiple must be positive") }
            return try mapped(array, "round_to_multiple") { value in
                let scaled = value / multiple
                return scaled == floor(scaled) || !value.isFinite ? value : mode(scaled) * multiple
            } refusal: { _ in
                nil
            }
        }
        return functions
    }

    /// The option `multiple` in units of the last of `scale` digits behind the point.
    private static func decimalMultiple(_ options: FunctionOptions, _ precision: Int, _ scale: Int) throws(MartletError) -> Int256 {
        let text = try options.text("multiple", default: "1")
        let number = unsafe Array(text.utf8).withUnsafeBufferPointer { utf8 in
            unsafe utf8.baseAddress.flatMap { unsafe TextParser.wideDecimal(Bytes($0, utf8.count)) }
        }
        guard let number else {
            throw .invalid("Option 'multiple' of function 'round_to_multiple' is a number, not '\(text)'")
        }
        guard !number.digits.isNegative, !number.digits.isZero else { throw .invalid("Rounding multiple must be positive") }
        let places = scale - number.scale
        let (multiple, rest) =
            places >= 0
            ? (number.digits.multiplied(by: .powerOfTen(places)), Int256(0))
            : number.digits.quotientAndRemainder(dividingBy: .powerOfTen(-places))
        let isShort = abs(places) <= 76 && (places <= 0 || number.digits.isWithin(.powerOfTen(76 - places)))
        guard isShort, rest.isZero else {
            throw .invalid(
                "Rescaling Decimal value would cause data loss: multiple \(text) of decimals with \(scale) digits behind the "
                    + "point; cast the array to a larger scale")
        }
        guard multiple.isWithin(.powerOfTen(precision)) else {
            throw .invalid("Decimal value does not fit in precision \(precision): multiple \(text)")
        }
        return multiple
    }

    private static func mode(_ call: Compute.Call, _ modes: [String]) throws(MartletError) -> RoundMode {
        guard call.options.values["round_mode"] != nil else { return .halfToEven }
        return RoundMode(rawValue: try call.options.choice("round_mode", modes)) ?? .halfToEven
    }

    /// What is wrong with an argument of a checked function.
    private static func refusal(_ name: String, _ value: Double) -> String? {
        switch name {
        case "sqrt": value < 0 ? "square root of negative number" : nil
        case "ln", "log10", "log2": value == 0 ? "logarithm of zero" : value < 0 ? "logarithm of negative number" : nil
        case "log1p": value == -1 ? "logarithm of zero" : value < -1 ? "logarithm of negative number" : nil
        case "sin", "cos", "tan": value.isInfinite ? "domain error" : nil
        case "acosh": value < 1 ? "domain error" : nil
        case _: value < -1 || value > 1 ? "domain error" : nil
        }
    }

    /// `map` of every number as a double; floats keep their kind.
    private static func mapped(
        _ array: ArrayData, _ name: String, _ map: @escaping @Sendable (Double) -> Double,
        refusal: @escaping @Sendable (Double) -> String?
    ) throws(MartletError) -> ArrayData {
        var numbers = array
        if Caster.family(array.type) == .decimal || array.type == .null {
            numbers = try cast(array, to: .float64, options: .unsafe)
        }
        guard numbers.type.isNumeric else { throw noKernel(name, [array.type]) }
        let reader = try LaneReader(numbers)
        let kind = reader.isFloat ? reader.kind ?? .float64 : .float64
        let isChecked = name.hasSuffix("_checked")
        let buffer = try makeLanes(kind, count: numbers.count, validity: numbers.usedValidityBitmap) { block, writer in
            let (from, out) = unsafe (reader.doubles(block, 0), writer.doubles(block, 1))
            var isRight = true
            if isChecked { for i in 0..<block.count { unsafe isRight = isRight && refusal(from[i]) == nil } }
            if name == "sqrt" {
                unsafe mapLanes(from, out, block.count) { $0.squareRoot() }
            } else {
                unsafe mapLanes(from, out, block.count, map)
            }
            unsafe writer.store(out, block)
            return isRight
        } failure: { row in
            let value = reader.double(at: row)
            return .invalid("\(refusal(value) ?? "invalid value") (row \(row): \(reader.text(at: row)))")
        }
        return ArrayData(
            type: kind.type, count: numbers.count, validity: try numbers.rebasedValidity(), buffers: [buffer])
    }

    private static func sign(_ array: ArrayData) throws(MartletError) -> ArrayData {
        guard array.type.isNumeric || Caster.family(array.type) == .decimal else {
            throw noKernel("sign", [array.type])
        }
        let isDecimal = !array.type.isNumeric
        let reader = try LaneReader(isDecimal ? try cast(array, to: .float64, options: .unsafe) : array)
        let kind = array.type.isFloatingPoint ? reader.kind ?? .float64 : isDecimal ? .int64 : NativeKind.int8
        let buffer = try makeLanes(kind, count: array.count) { block, writer in
            if kind.isFloat {
                let out = unsafe writer.doubles(block, 1)
                unsafe mapLanes(reader.doubles(block, 0), out, block.count) {
                    $0 != $0 ? $0 : $0 > 0 ? 1 : $0 < 0 ? -1 : 0
                }
                unsafe writer.store(out, block)
            } else {
                let out = unsafe writer.integers(block, 1)
                unsafe mapLanes(reader.doubles(block, 0), out, block.count) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
                unsafe writer.store(out, block)
            }
            return true
        }
        return ArrayData(type: kind.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }

    /// Rounded to `digits` behind the point, or before it where negative.
    private static func rounded(
        _ array: ArrayData, _ digits: Int, _ mode: RoundMode, _ name: String
    ) throws(MartletError) -> ArrayData {
        if let (precision, scale) = array.type.decimalDigits {
            if digits >= scale || array.nullCount == array.count { return array }
            let dropped = scale - digits
            guard dropped < precision else {
                throw .invalid("Rounding to \(digits) digits will not fit in precision of \(array.type)")
            }
            if case .decimal256 = array.type { return try wideRounded(array, to: .powerOfTen(dropped), mode) }
            let limit = powersOfTen[precision]
            let (factor, values) = (powersOfTen[dropped], try PrimitiveArray<Int128>(array))
            let buffer = try unsafe makeValues(Int128.self, count: array.count) { target throws(MartletError) in
                for i in 0..<array.count {
                    let rounded = multiple(values[i], factor, mode)
                    unsafe target[i] = rounded
                    guard rounded.magnitude < limit.magnitude || !values.isValid(i) else {
                        throw unroundable(text(ofDecimal: rounded, scale: scale), array.type, i)
                    }
                }
            }
            return ArrayData(
                type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
        }
        if array.type.isInteger {
            if digits >= 0 { return array }
            let reader = try LaneReader(array)
            guard let kind = reader.kind, digits > -19,
                powersOfTen[-digits] <= Int128(UInt64(bitPattern: kind.range.high))
            else {
                throw .invalid("Rounding to \(digits) digits is out of range for type \(array.type)")
            }
            let factor = powersOfTen[-digits]
            let buffer = try makeLanes(kind, count: array.count, validity: array.usedValidityBitmap) { block, writer in
                let (from, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
                var fits = true
                let (low, high) = kind.range
                for i in 0..<block.count {
                    let value = unsafe kind.isUnsigned ? Int128(UInt64(bitPattern: from[i])) : Int128(from[i])
                    let result = multiple(value, factor, mode)
                    fits =
                        fits && result >= Int128(low)
                        && result <= (kind.isUnsigned ? Int128(UInt64(bitPattern: high)) : Int128(high))
                    unsafe out[i] = Int64(truncatingIfNeeded: result)
                }
                unsafe writer.store(out, block)
                return fits
            } failure: { row in
                .invalid("Rounding \(reader.text(at: row)) to multiple of \(factor) would overflow (row \(row))")
            }
            return ArrayData(
                type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
        }
        let power = pow(10, Double(digits.magnitude))
        if mode == .halfToEven {
            // The nearest whole number, by the one addition that drops all digits behind the point.
            let magic = 6_755_399_441_055_744.0
            return try mapped(array, name) { value in
                let scaled = digits >= 0 ? value * power : value / power
                // From 2^51 on there is no fraction to speak of; infinities and NaN too stay.
                guard scaled.magnitude < 2_251_799_813_685_248.0 else { return value }
                let whole = (scaled + magic) - magic
                if whole == scaled { return value }
                let signed = whole == 0 ? copysign(0, value) : whole
                return digits > 0 ? signed / power : signed * power
            } refusal: { _ in
                nil
            }
        }
        return try mapped(array, name) { value in
            let scaled = digits >= 0 ? value * power : value / power
            if !scaled.isFinite || scaled.magnitude > 4.6e15 || scaled == floor(scaled) { return value }
            let rounded = mode(scaled)
            let whole = rounded == 0 ? copysign(0, value) : rounded
            return digits > 0 ? whole / power : whole * power
        } refusal: { _ in
            nil
        }
    }
}

/// `value` rounded to a multiple of `factor`.
private func multiple(_ value: Int128, _ factor: Int128, _ mode: RoundMode) -> Int128 {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: factor)
    // Exact where it decides: below, at or above the middle.
    let twice = rest.magnitude * 2
    let part = rest == 0 ? 0.0 : twice < factor.magnitude ? 0.25 : twice == factor.magnitude ? 0.5 : 0.75
    return (whole + Int128(mode.step(isOdd: whole % 2 != 0, value < 0 ? -part : part))) &* factor
}

func unroundable(_ value: String, _ type: DataType, _ row: Int) -> MartletError {
    .invalid("Rounded value \(value) does not fit in precision of \(type) (row \(row)); cast to a type of more digits")
}

/// pyarrow's `round_mode`.
enum RoundMode: String, Sendable, CaseIterable {
    case down, up
    case towardsZero = "towards_zero"
    case towardsInfinity = "towards_infinity"
    case halfDown = "half_down"
    case halfUp = "half_up"
    case halfTowardsZero = "half_towards_zero"
    case halfTowardsInfinity = "half_towards_infinity"
    case halfToEven = "half_to_even"
    case halfToOdd = "half_to_odd"

    /// What a whole number, odd or even, is to be changed by, `part` being the fraction that was cut off it towards zero.
    func step(isOdd: Bool, _ part: Double) -> Int {
        let whole = isOdd ? (part < 0 ? -1.0 : 1.0) : 0.0
        return Int(self(whole + part) - whole)
    }

    func callAsFunction(_ value: Double) -> Double {
        switch self {
        case .down: return floor(value)
        case .up: return ceil(value)
        case .towardsZero: return trunc(value)
        case .towardsInfinity: return value < 0 ? floor(value) : ceil(value)
        case .halfDown, .halfUp, .halfTowardsZero, .halfTowardsInfinity, .halfToEven, .halfToOdd: break
        }
        let low = floor(value)
        let part = value - low
        if part != 0.5 { return part < 0.5 ? low : low + 1 }
        switch self {
        case .halfDown: return low
        case .halfUp: return low + 1
        case .halfTowardsZero: return value < 0 ? low + 1 : low
        case .halfTowardsInfinity: return value < 0 ? low : low + 1
        case .halfToOdd: return low.remainder(dividingBy: 2) == 0 ? low + 1 : low
        case .down, .up, .towardsZero, .towardsInfinity, .halfToEven:
            return low.remainder(dividingBy: 2) == 0 ? low : low + 1
        }
    }
}
