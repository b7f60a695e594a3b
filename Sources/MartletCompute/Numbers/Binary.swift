import Glibc
import MartletArrow
import MartletBase

/// Functions of two numbers other than the four of arithmetic, and of several.
enum BinaryFunctions {
    private enum Operation: String, CaseIterable {
        case power, atan2, logb, hypot, modulo, remainder
        case and = "bit_wise_and"
        case or = "bit_wise_or"
        case xor = "bit_wise_xor"
        case left = "shift_left"
        case right = "shift_right"

        var isFloat: Bool { self == .atan2 || self == .logb || self == .hypot }
        /// What is left of a division, with the sign of the divisor or of the dividend.
        var isRest: Bool { self == .modulo || self == .remainder }
        var hasCheck: Bool { isRest || self == .power || self == .logb || self == .left || self == .right }
        /// Whether integers have the operation.
        var isInteger: Bool { !isFloat }
        var isBitwise: Bool { isInteger && !isRest && self != .power }
    }

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for operation in Operation.allCases {
            for isChecked in operation.hasCheck ? [false, true] : [false] {
                functions[operation.rawValue + (isChecked ? "_checked" : "")] = .init(2...2) {
                    call throws(MartletError) in
                    try run(operation, call, isChecked)
                }
            }
        }
        functions["bit_wise_not"] = .unary { array, _ throws(MartletError) in
            guard array.type.isInteger, let kind = array.type.nativeKind else {
                throw noKernel("bit_wise_not", [array.type])
            }
            let reader = try LaneReader(array)
            let buffer = try makeLanes(kind, count: array.count) { block, writer in
                let out = unsafe writer.integers(block, 1)
                unsafe mapLanes(reader.integers(block, 0), out, block.count) { ~$0 }
                unsafe writer.store(out, block)
                return true
            }
            return ArrayData(
                type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
        }
        for (name, isMax) in [("max_element_wise", true), ("min_element_wise", false)] {
            functions[name] = .init(1...Int.max - 1, ["skip_nulls"]) { call throws(MartletError) in
                try extreme(call, isMax: isMax)
            }
        }
        return functions
    }

    private static func run(_ operation: Operation, _ call: Compute.Call, _ isChecked: Bool) throws(MartletError)
        -> Datum
    {
        let (a, b) = (call[0], call[1])
        let count = try commonCount([a, b])
        let isScalar = a.isScalar && b.isScalar
        func number(_ datum: Datum) throws(MartletError) -> Datum {
            if case .dictionary(_, let value, _) = datum.type { return datum.with(try cast(datum.array, to: value)) }
            return Caster.family(datum.type) == .decimal ? try converted(datum, to: .float64) : datum
        }
        let (p, q) = (try number(a), try number(b))
        if p.type == .null || q.type == .null {
            return Datum(try .nulls(p.type == .null ? q.type : p.type, count: count), isScalar: isScalar)
        }
        guard var type = promotedNumber(p.type, q.type), !operation.isBitwise || type.isInteger else {
            throw noKernel(call.name, [a.type, b.type])
        }
        if operation.isFloat && !type.isFloatingPoint { type = .float64 }
        let (x, y) = (try converted(p, to: type), try converted(q, to: type))
        guard let kind = type.nativeKind else { throw noKernel(call.name, [a.type, b.type]) }
        if x.isNullScalar || y.isNullScalar { return Datum(try .nulls(type, count: count), isScalar: isScalar) }
        let validity = try intersection(
            x.isScalar ? nil : x.array.usedValidityBitmap, y.isScalar ? nil : y.array.usedValidityBitmap, count: count)
        let present = try validity.map { bits throws(MartletError) in try Bitmap(bits, count: count) }
        let (first, second) = (try LaneReader(x), try LaneReader(y))
        let buffer = try makeLanes(kind, count: count, validity: present) { block, writer in
            if kind.isFloat {
                let (u, v) = unsafe (first.doubles(block, 0), second.doubles(block, 1))
                let out = unsafe writer.doubles(block, 2)
                var isRight = true
                for i in 0..<block.count {
                    let (p, q) = unsafe (u[i], v[i])
                    switch operation {
                    case .power: unsafe out[i] = pow(p, q)
                    case .atan2: unsafe out[i] = atan2(p, q)
                    case .hypot: unsafe out[i] = length(p, q)
                    case .modulo, .remainder:
                        let rest = fmod(p, q)
                        if operation == .remainder {
                            unsafe out[i] = rest
                        } else if rest == 0 {
                            unsafe out[i] = copysign(rest, q)
                        } else {
                            unsafe out[i] = (rest < 0) != (q < 0) ? rest + q : rest
                        }
                        isRight = isRight && (!isChecked || q != 0)
                    case .logb, .and, .or, .xor, .left, .right:
                        unsafe out[i] = log(p) / log(q)
                        isRight = isRight && (!isChecked || p > 0 && q > 0)
                    }
                }
                unsafe writer.store(out, block)
                return isRight
            }
            let (u, v) = unsafe (first.integers(block, 0), second.integers(block, 1))
            let out = unsafe writer.integers(block, 2)
            return unsafe integers(operation, kind, u, v, out, block, writer, isChecked)
        } failure: { row in
            let values = "(row \(row): \(first.text(at: row)) and \(second.text(at: row)))"
            switch operation {
            case .power:
                return second.double(at: row) < 0
                    ? .invalid("integers to negative integer powers are not allowed \(values)")
                    : .invalid("overflow \(values)")
            case .logb:
                return .invalid(
                    (first.double(at: row) == 0 || second.double(at: row) == 0
                        ? "logarithm of zero " : "logarithm of negative number ")
                        + values)
            case .modulo, .remainder:
                return .invalid("\(second.double(at: row) == 0 ? "divide by zero" : "overflow") \(values)")
            case .left, .right, .and, .or, .xor, .atan2, .hypot:
                return .invalid("shift amount must be >= 0 and less than precision of type \(values)")
            }
        }
        return Datum(ArrayData(type: type, count: count, validity: validity, buffers: [buffer]), isScalar: isScalar)
    }

    /// `sqrt(x^2 + y^2)` by the corrected algorithm of C. Borges, "An Improved Algorithm for hypot(a,b)" (2019). That of the C
    /// library asks for a newer one than we promise to run with.
    private static func length(_ p: Double, _ q: Double) -> Double {
        if p.isInfinite || q.isInfinite { return .infinity }
        if p.isNaN || q.isNaN { return .nan }
        var (x, y) = (max(p.magnitude, q.magnitude), min(p.magnitude, q.magnitude))
        if y <= x * 0x1p-54 { return x + y }
        // Squares stay within the range of doubles.
        let scale = x > 0x1p511 ? 0x1p600 : y < 0x1p-459 ? 0x1p-600 : 1
        (x, y) = (x / scale, y / scale)
        let root = (y * y).addingProduct(x, x).squareRoot()
        let (square, xs) = (root * root, x * x)
        let rest = (square - xs).addingProduct(-y, y) + (-square).addingProduct(root, root) - (-xs).addingProduct(x, x)
        return (root - rest / (2 * root)) * scale
    }

    private static func integers(
        _ operation: Operation, _ kind: NativeKind, _ u: UnsafePointer<Int64>, _ v: UnsafePointer<Int64>,
        _ out: UnsafeMutablePointer<Int64>, _ block: LaneBlock, _ writer: LaneWriter, _ isChecked: Bool
    ) -> Bool {
        var isRight = true
        let count = block.count
        // Safety: lanes of the block.
        switch operation {
        case .and: unsafe zipLanes(u, v, out, count) { $0 & $1 }
        case .or: unsafe zipLanes(u, v, out, count) { $0 | $1 }
        case .xor: unsafe zipLanes(u, v, out, count) { $0 ^ $1 }
        case .left, .right:
            let bits = Int64(kind.byteWidth * 8)
            for i in 0..<count {
                let (value, amount) = unsafe (u[i], v[i])
                if amount < 0 || amount >= bits {
                    unsafe out[i] = value
                    isRight = isRight && !isChecked
                } else if operation == .left {
                    unsafe out[i] = value &<< amount
                } else {
                    unsafe out[i] =
                        kind.isUnsigned
                        ? Int64(bitPattern: UInt64(bitPattern: value) &>> UInt64(amount)) : value &>> amount
                }
            }
        case .modulo, .remainder:
            let least = kind.isUnsigned ? 0 : kind.range.low
            for i in 0..<count {
                let (p, q) = unsafe (u[i], v[i])
                unsafe out[i] = 0
                if q == 0 {
                    isRight = false
                } else if kind.isUnsigned {
                    unsafe out[i] = Int64(bitPattern: UInt64(bitPattern: p) % UInt64(bitPattern: q))
                } else if q == -1 {
                    isRight = isRight && !(isChecked && p == least)
                } else {
                    let rest = p % q
                    unsafe out[i] = operation == .modulo && rest != 0 && (rest < 0) != (q < 0) ? rest &+ q : rest
                }
            }
        case .power, .atan2, .logb, .hypot:
            for i in 0..<count {
                let (value, fits) = unsafe power(u[i], v[i], kind)
                unsafe out[i] = value
                isRight = isRight && (unsafe kind.isUnsigned || v[i] >= 0) && (fits || !isChecked)
            }
        }
        unsafe writer.store(out, block)
        return isRight
    }

    /// By squaring; whether the power fits the kind.
    private static func power(_ base: Int64, _ exponent: Int64, _ kind: NativeKind) -> (Int64, Bool) {
        var (result, square, left) = (1 as Int64, base, UInt64(bitPattern: exponent))
        var (exact, exactSquare, fits) = (
            1 as Int128, kind.isUnsigned ? Int128(UInt64(bitPattern: base)) : Int128(base), true
        )
        let (low, high) = kind.range
        let top = kind.isUnsigned ? Int128(UInt64(bitPattern: high)) : Int128(high)
        while left > 0 {
            if left & 1 == 1 {
                result = result &* square
                exact = exact &* exactSquare
                if exact < Int128(low) || exact > top || exactSquare.magnitude > UInt128(1) << 64 { fits = false }
                if !fits { exact = 0 }
            }
            left >>= 1
            square = square &* square
            // What is larger than any result stays so.
            exactSquare = exactSquare.magnitude > UInt128(UInt64.max) ? Int128.max : exactSquare &* exactSquare
            if exactSquare < 0 { exactSquare = .max }
        }
        return (result, fits)
    }

    /// The largest or smallest of each row; NaN only where there is nothing else, null too unless nulls are not skipped.
    private static func extreme(_ call: Compute.Call, isMax: Bool) throws(MartletError) -> Datum {
        let skipNulls = try call.options.bool("skip_nulls", default: true)
        var type = call[0].type
        for argument in call.arguments {
            guard let both = promoted(type, argument.type) else {
                throw noKernel(call.name, call.arguments.map(\.type))
            }
            type = both
        }
        var result = try converted(call[0], to: type)
        for argument in call.arguments.dropFirst() {
            let next = try converted(argument, to: type)
            var keeps = try compare(isMax ? .greaterEqual : .lessEqual, result, next)
            if type.isFloatingPoint { keeps = try combine(.or, keeps, next.with(try isNaN(next.array))) }
            var chosen = try ifElse(keeps, result, next)
            if skipNulls { chosen = try coalesce([chosen, result, next]) }
            result = chosen
        }
        return result
    }
}
