public import MartletArrow
public import MartletBase

/// Arithmetic by pyarrow's names; the `_checked` forms fail where integers overflow.
public enum Arithmetic: String, Sendable, CaseIterable {
    case add, subtract, multiply, divide
}

/// Computes slot by slot; null where either operand is null. Numbers meet in pyarrow's common type.
///
/// Errors: `divide by zero` for integers, and with `isChecked` also `overflow`; with the row.
public func compute(
    _ operation: Arithmetic, _ a: Datum, _ b: Datum, isChecked: Bool = false
) throws(MartletError) -> Datum {
    let name = operation.rawValue + (isChecked ? "_checked" : "")
    let count = try commonCount([a, b])
    let isScalar = a.isScalar && b.isScalar
    var (x, y) = (a, b)
    if case .dictionary(_, let value, _) = a.type { x = a.with(try cast(a.array, to: value)) }
    if case .dictionary(_, let value, _) = b.type { y = b.with(try cast(b.array, to: value)) }
    if x.type == .null || y.type == .null {
        return Datum(try .nulls(x.type == .null ? y.type : x.type, count: count), isScalar: isScalar)
    }
    if x.isWideDecimal || y.isWideDecimal, !x.type.isFloatingPoint, !y.type.isFloatingPoint {
        return try wideArithmetic(
            operation, x.isWideDecimal ? x : try decimal(x, name, y), y.isWideDecimal ? y : try decimal(y, name, x),
            name)
    }
    let plan = try operands(operation, x, y, name)
    let validity = try intersection(
        x.isScalar ? nil : x.array.usedValidityBitmap, y.isScalar ? nil : y.array.usedValidityBitmap, count: count)
    if x.isNullScalar || y.isNullScalar { return Datum(try .nulls(plan.result, count: count), isScalar: isScalar) }
    guard let kind = plan.a.type.nativeKind else { throw noKernel(name, [a.type, b.type]) }
    let present = try validity.map { bits throws(MartletError) in try Bitmap(bits, count: count) }
    let buffer =
        kind == .int128
        ? try decimals(operation, plan, count, present)
        : try Computing(
            operation: operation, kind: kind, isChecked: isChecked, a: try LaneReader(plan.a), b: try LaneReader(plan.b)
        ).run(count: count, validity: present)
    return Datum(ArrayData(type: plan.result, count: count, validity: validity, buffers: [buffer]), isScalar: isScalar)
}

extension Datum {
    /// Whether this is of decimals of 256 bits.
    fileprivate var isWideDecimal: Bool {
        if case .decimal256 = type { return true }
        return false
    }
}

private struct Operands {
    let a: Datum
    let b: Datum
    let result: DataType
}

/// The operands as numbers that the operation works on, and the type of what comes out.
private func operands(
    _ operation: Arithmetic, _ a: Datum, _ b: Datum, _ name: String
) throws(MartletError) -> Operands {
    if let type = promotedNumber(a.type, b.type) {
        return Operands(a: try converted(a, to: type), b: try converted(b, to: type), result: type)
    }
    func times(_ type: DataType, _ result: DataType) throws(MartletError) -> Operands {
        // Both as plain 64-bit counts of one unit.
        func counts(_ datum: Datum) throws(MartletError) -> Datum {
            let unified = try converted(datum, to: datum.type == type ? type : sameUnit(datum.type, as: type))
            return unified.with(unified.array.reinterpreted(as: .int64))
        }
        return Operands(a: try counts(a), b: try counts(b), result: result)
    }
    switch (operation, a.type, b.type) {
    case (.subtract, .timestamp(let x, let zone), .timestamp(let y, let other)) where (zone == nil) == (other == nil):
        let unit = x.perSecond > y.perSecond ? x : y
        return try times(.timestamp(unit, timeZone: zone), .duration(unit))
    case (.add, .timestamp(let x, let zone), .duration(let y)), (.add, .duration(let x), .timestamp(let y, let zone)),
        (.subtract, .timestamp(let x, let zone), .duration(let y)):
        let unit = x.perSecond > y.perSecond ? x : y
        return try times(.timestamp(unit, timeZone: zone), .timestamp(unit, timeZone: zone))
    case (.add, .duration(let x), .duration(let y)), (.subtract, .duration(let x), .duration(let y)):
        let unit = x.perSecond > y.perSecond ? x : y
        return try times(.duration(unit), .duration(unit))
    case (.subtract, .date32, .date32):
        return try times(.timestamp(.second, timeZone: nil), .duration(.second))
    case (.subtract, .date64, .date64): return try times(.date64, .duration(.millisecond))
    case (.multiply, .duration, _) where b.type.isInteger, (.divide, .duration, _) where b.type.isInteger:
        return Operands(
            a: a.with(a.array.reinterpreted(as: .int64)), b: try converted(b, to: .int64), result: a.type)
    case (.multiply, _, .duration) where a.type.isInteger:
        return Operands(
            a: try converted(a, to: .int64), b: b.with(b.array.reinterpreted(as: .int64)), result: b.type)
    case (_, .decimal256, _) where b.type.isFloatingPoint, (_, _, .decimal256) where a.type.isFloatingPoint:
        return Operands(a: try converted(a, to: .float64), b: try converted(b, to: .float64), result: .float64)
    case (_, .decimal128, _), (_, _, .decimal128):
        if a.type.isFloatingPoint || b.type.isFloatingPoint {
            return Operands(a: try converted(a, to: .float64), b: try converted(b, to: .float64), result: .float64)
        }
        return try decimalOperands(operation, try decimal(a, name, b), try decimal(b, name, a), name)
    default: throw noKernel(name, [a.type, b.type])
    }
}

/// A duration or timestamp type of the unit of `other`.
private func sameUnit(_ type: DataType, as other: DataType) -> DataType {
    guard case .timestamp(let unit, let zone) = other else { return other }
    if case .duration = type { return .duration(unit) }
    if case .timestamp(_, let own) = type { return .timestamp(unit, timeZone: own) }
    return .timestamp(unit, timeZone: zone)
}

private func decimal(_ datum: Datum, _ name: String, _ other: Datum) throws(MartletError) -> Datum {
    if case .decimal128 = datum.type { return datum }
    guard datum.type.isInteger, let width = datum.type.nativeKind?.byteWidth else {
        throw noKernel(name, [datum.type, other.type])
    }
    let digits = [1: 3, 2: 5, 4: 10][width] ?? (datum.type == .uint64 ? 20 : 19)
    return try converted(datum, to: .decimal128(precision: digits, scale: 0))
}

/// Precision and scale by the rules that SQL Server set and pyarrow follows.
private func decimalOperands(
    _ operation: Arithmetic, _ a: Datum, _ b: Datum, _ name: String
) throws(MartletError) -> Operands {
    guard case .decimal128(let p, let s) = a.type, case .decimal128(let q, let t) = b.type else {
        throw noKernel(name, [a.type, b.type])
    }
    func checked(_ precision: Int, _ scale: Int) throws(MartletError) -> DataType {
        guard (1...38).contains(precision) else {
            throw .invalid("Decimal precision out of range [1, 38]: \(precision); cast the operands to fewer digits")
        }
        return .decimal128(precision: precision, scale: scale)
    }
    switch operation {
    case .add, .subtract:
        let scale = max(s, t)
        let result = try checked(max(p - s, q - t) + scale + 1, scale)
        return Operands(a: try converted(a, to: result), b: try converted(b, to: result), result: result)
    case .multiply: return Operands(a: a, b: b, result: try checked(p + q + 1, s + t))
    case .divide:
        let scale = max(4, s + q - t + 1)
        let result = try checked(p - s + t + scale, scale)
        let raised = try converted(a, to: .decimal128(precision: 38, scale: scale + t))
        return Operands(a: raised, b: b, result: result)
    }
}

private func decimals(
    _ operation: Arithmetic, _ plan: Operands, _ count: Int, _ validity: Bitmap?
) throws(MartletError) -> Buffer {
    let (x, y) = (try PrimitiveArray<Int128>(plan.a.array), try PrimitiveArray<Int128>(plan.b.array))
    let (stepA, stepB) = (plan.a.isScalar ? 0 : 1, plan.b.isScalar ? 0 : 1)
    return try unsafe makeValues(Int128.self, count: count) { target throws(MartletError) in
        for i in 0..<count {
            let (p, q) = (x[i * stepA], y[i * stepB])
            switch operation {
            case .add: unsafe target[i] = p &+ q
            case .subtract: unsafe target[i] = p &- q
            case .multiply: unsafe target[i] = p &* q
            case .divide:
                if q == 0 {
                    if validity?[i] ?? true { throw .invalid("Divide by zero (row \(i))") }
                    unsafe target[i] = 0
                } else {
                    unsafe target[i] = p.dividedReportingOverflow(by: q).partialValue
                }
            }
        }
    }
}

/// One operation on lanes of one form. Narrow integers cannot overflow 64 bits, so a check of their range is enough.
private struct Computing: Sendable {
    let operation: Arithmetic
    let kind: NativeKind
    let isChecked: Bool
    let a: LaneReader
    let b: LaneReader

    func run(count: Int, validity: Bitmap?) throws(MartletError) -> Buffer {
        let this = self
        return try makeLanes(kind, count: count, validity: validity) { block, writer in
            this.kind.isFloat ? this.floats(block, writer) : this.integers(block, writer)
        } failure: { row in
            this.operation == .divide && this.b.double(at: row) == 0
                ? .invalid("divide by zero (row \(row))")
                : .invalid(
                    "overflow (row \(row): \(this.a.text(at: row)) and \(this.b.text(at: row))); cast to a wider type")
        }
    }

    // Safety of both: a block's lanes lie in its rows, or in the arrays and the result, which hold them.
    private func floats(_ block: LaneBlock, _ writer: LaneWriter) -> Bool {
        let (x, y) = unsafe (a.doubles(block, 0), b.doubles(block, 1))
        let (out, count) = unsafe (writer.doubles(block, 2), block.count)
        var fits = true
        switch operation {
        case .add: unsafe zipLanes(x, y, out, count) { $0 + $1 }
        case .subtract: unsafe zipLanes(x, y, out, count) { $0 - $1 }
        case .multiply: unsafe zipLanes(x, y, out, count) { $0 * $1 }
        case .divide:
            if isChecked { for i in 0..<count { unsafe fits = fits && y[i] != 0 } }
            unsafe zipLanes(x, y, out, count) { $0 / $1 }
        }
        unsafe writer.store(out, block)
        return fits
    }

    private func integers(_ block: LaneBlock, _ writer: LaneWriter) -> Bool {
        if !isChecked, kind.byteWidth == 4, operation != .divide {
            // Half as wide as a lane: twice as many at once.
            let (x, y) = unsafe (a.plain(block, 0, Int32.self), b.plain(block, 1, Int32.self))
            let out = unsafe writer.plain(block, Int32.self)
            switch operation {
            case .add: unsafe zipLanes(x, y, out, block.count) { $0 &+ $1 }
            case .subtract: unsafe zipLanes(x, y, out, block.count) { $0 &- $1 }
            case .multiply, .divide: unsafe zipLanes(x, y, out, block.count) { $0 &* $1 }
            }
            return true
        }
        let (x, y) = unsafe (a.integers(block, 0), b.integers(block, 1))
        let (out, count) = unsafe (writer.integers(block, 2), block.count)
        let checksLanes = isChecked && kind.byteWidth == 8
        var fits = true
        switch (operation, checksLanes) {
        case (.add, false): unsafe zipLanes(x, y, out, count) { $0 &+ $1 }
        case (.subtract, false): unsafe zipLanes(x, y, out, count) { $0 &- $1 }
        case (.multiply, false): unsafe zipLanes(x, y, out, count) { $0 &* $1 }
        case (.add, true), (.subtract, true):
            unsafe fits = addChecked(x, y, out, count)
        case (.multiply, true):
            unsafe fits =
                kind.isUnsigned
                ? multiplyChecked(
                    UnsafeRawPointer(x).assumingMemoryBound(to: UInt64.self),
                    UnsafeRawPointer(y).assumingMemoryBound(to: UInt64.self),
                    UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt64.self), count)
                : multiplyChecked(x, y, out, count)
        case (.divide, _):
            unsafe fits = divide(x, y, out, count)
        }
        if isChecked && !checksLanes {
            unsafe fits = fits && lanesFit(out, count, kind.range, isUnsigned: kind.isUnsigned)
        }
        unsafe writer.store(out, block)
        return fits
    }

    /// Sums or differences; the top bit of `lost` is set once one does not fit.
    @inline(never)
    private func addChecked(
        _ x: UnsafePointer<Int64>, _ y: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>, _ count: Int
    ) -> Bool {
        var lost: Int64 = 0
        switch (operation == .add, kind.isUnsigned) {
        case (true, false):
            for i in 0..<count {
                let (a, b) = unsafe (x[i], y[i])
                let sum = a &+ b
                lost |= (a ^ sum) & (b ^ sum)
                unsafe out[i] = sum
            }
        case (true, true):
            for i in 0..<count {
                let (a, b) = unsafe (x[i], y[i])
                let sum = a &+ b
                lost |= (a & b) | ((a | b) & ~sum)
                unsafe out[i] = sum
            }
        case (false, false):
            for i in 0..<count {
                let (a, b) = unsafe (x[i], y[i])
                let difference = a &- b
                lost |= (a ^ b) & (a ^ difference)
                unsafe out[i] = difference
            }
        case (false, true):
            for i in 0..<count {
                let (a, b) = unsafe (x[i], y[i])
                let difference = a &- b
                lost |= (~a & b) | (~(a ^ b) & difference)
                unsafe out[i] = difference
            }
        }
        return lost >= 0
    }

    @inline(never)
    private func multiplyChecked<Lane: FixedWidthInteger>(
        _ x: UnsafePointer<Lane>, _ y: UnsafePointer<Lane>, _ out: UnsafeMutablePointer<Lane>, _ count: Int
    ) -> Bool {
        var isOver = false
        for i in 0..<count {
            let (value, overflow) = unsafe x[i].multipliedReportingOverflow(by: y[i])
            unsafe out[i] = value
            isOver = isOver || overflow
        }
        return !isOver
    }

    /// The smallest number by -1 is 0, and an overflow where that is asked for.
    private func divide(
        _ x: UnsafePointer<Int64>, _ y: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>, _ count: Int
    ) -> Bool {
        var fits = true
        let (low, _) = kind.range
        for i in 0..<count {
            let (p, q) = unsafe (x[i], y[i])
            if q == 0 || (!kind.isUnsigned && q == -1 && p == low) {
                fits = fits && q != 0 && !isChecked
                unsafe out[i] = 0
            } else {
                unsafe out[i] =
                    kind.isUnsigned
                    ? Int64(bitPattern: UInt64(bitPattern: p) / UInt64(bitPattern: q)) : p / q
            }
        }
        return fits
    }
}

/// -x or |x|; `isChecked` fails where the result does not fit.
public func negateOrAbs(_ array: ArrayData, isAbs: Bool, isChecked: Bool = false) throws(MartletError) -> ArrayData {
    let name = (isAbs ? "abs" : "negate") + (isChecked ? "_checked" : "")
    if array.type == .null { return array }
    if case .decimal128 = array.type {
        let values = try PrimitiveArray<Int128>(array)
        let buffer = try unsafe makeValues(Int128.self, count: array.count) { target in
            for i in 0..<array.count { unsafe target[i] = isAbs && values[i] >= 0 ? values[i] : 0 &- values[i] }
        }
        return ArrayData(type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
    }
    if case .decimal256 = array.type { return try wideNegateOrAbs(array, isAbs: isAbs) }
    var numbers = array
    if case .duration = array.type { numbers = array.reinterpreted(as: .int64) }
    guard numbers.type.isNumeric, let kind = numbers.type.nativeKind,
        isAbs || !isChecked || !numbers.type.isUnsignedInteger
    else { throw noKernel(name, [array.type]) }
    let reader = try LaneReader(numbers)
    let buffer = try makeLanes(kind, count: array.count, validity: array.usedValidityBitmap) { block, writer in
        let count = block.count
        if kind.isFloat {
            let (x, out) = unsafe (reader.doubles(block, 0), writer.doubles(block, 1))
            if isAbs { unsafe mapLanes(x, out, count) { $0.magnitude } } else { unsafe mapLanes(x, out, count) { -$0 } }
            unsafe writer.store(out, block)
            return true
        }
        let (x, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
        unsafe mapLanes(x, out, count) { kind.isUnsigned && isAbs || isAbs && $0 >= 0 ? $0 : 0 &- $0 }
        unsafe writer.store(out, block)
        guard isChecked, !kind.isUnsigned else { return true }
        // Only the smallest number has no opposite.
        var fits = true
        for i in 0..<count { unsafe fits = fits && x[i] != kind.range.low }
        return fits
    } failure: { row in
        .invalid("overflow (row \(row): \(reader.text(at: row))); cast to a wider type")
    }
    return ArrayData(type: array.type, count: array.count, validity: try array.rebasedValidity(), buffers: [buffer])
}
