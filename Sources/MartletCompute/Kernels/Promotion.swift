import MartletArrow
import MartletBase

/// The type in which two numbers meet: pyarrow's implicit casts. nil where there is none.
func promotedNumber(_ a: DataType, _ b: DataType) -> DataType? {
    guard a.isNumeric, b.isNumeric else { return nil }
    if a == b { return a }
    if a.isFloatingPoint || b.isFloatingPoint {
        if a == .float64 || b == .float64 { return .float64 }
        return .float32
    }
    let (x, y) = (a.nativeKind?.byteWidth ?? 8, b.nativeKind?.byteWidth ?? 8)
    let signed: [Int: DataType] = [1: .int8, 2: .int16, 4: .int32, 8: .int64]
    let unsigned: [Int: DataType] = [1: .uint8, 2: .uint16, 4: .uint32, 8: .uint64]
    switch (a.isSignedInteger, b.isSignedInteger) {
    case (true, true): return signed[max(x, y)]
    case (false, false): return unsigned[max(x, y)]
    case (true, false): return signed[min(8, max(x, y * 2))]
    case (false, true): return signed[min(8, max(x * 2, y))]
    }
}

/// The type that arguments of any family share when they are chosen from (if_else, coalesce).
func promoted(_ a: DataType, _ b: DataType) -> DataType? {
    if a == b || a.holdsSameValues(as: b) { return a }
    if a == .null { return b }
    if b == .null { return a }
    if case .dictionary(_, let value, _) = a { return promoted(value, b) }
    if case .dictionary(_, let value, _) = b { return promoted(a, value) }
    if let number = promotedNumber(a, b) { return number }
    switch (a, b) {
    case (.string, .largeString), (.largeString, .string): return .largeString
    case (.string, .binary), (.binary, .string): return .binary
    case (.string, .largeBinary), (.largeBinary, .string), (.largeString, .binary), (.binary, .largeString),
        (.largeString, .largeBinary), (.largeBinary, .largeString), (.binary, .largeBinary), (.largeBinary, .binary):
        return .largeBinary
    case (.fixedSizeBinary, .binary), (.binary, .fixedSizeBinary), (.fixedSizeBinary, .fixedSizeBinary): return .binary
    case (.fixedSizeBinary, .largeBinary), (.largeBinary, .fixedSizeBinary): return .largeBinary
    case (.timestamp(let x, let zone), .timestamp(let y, let other)) where (zone == nil) == (other == nil):
        return .timestamp(x.perSecond > y.perSecond ? x : y, timeZone: zone)
    case (.duration(let x), .duration(let y)): return .duration(x.perSecond > y.perSecond ? x : y)
    case (.date32, .date64), (.date64, .date32): return .date64
    case (.date32, .timestamp), (.date64, .timestamp): return b
    case (.timestamp, .date32), (.timestamp, .date64): return a
    case (.time32(let x), .time32(let y)): return .time32(x.perSecond > y.perSecond ? x : y)
    case (.time64(let x), .time64(let y)): return .time64(x.perSecond > y.perSecond ? x : y)
    case (.time32, .time64): return b
    case (.time64, .time32): return a
    case (.decimal128(let p, let s), .decimal128(let q, let t)):
        let scale = max(s, t)
        return .decimal128(precision: min(38, max(p - s, q - t) + scale), scale: scale)
    case (.decimal128, _) where b.isFloatingPoint: return .float64
    case (_, .decimal128) where a.isFloatingPoint: return .float64
    case (.decimal128(_, let s), _) where b.isInteger: return .decimal128(precision: 38, scale: s)
    case (_, .decimal128(_, let s)) where a.isInteger: return .decimal128(precision: 38, scale: s)
    default: return nil
    }
}

/// pyarrow's words for arguments that a function has no kernel for.
func noKernel(_ function: String, _ types: [DataType]) -> MartletError {
    .notImplemented(
        "Function '\(function)' has no kernel matching input types "
            + "(\(types.map(\.description).joined(separator: ", ")))" + "; cast the arguments to types that match")
}

/// An implicit cast of an argument; its errors name the function.
func converted(_ datum: Datum, to type: DataType) throws(MartletError) -> Datum {
    datum.type == type ? datum : datum.with(try cast(datum.array, to: type, options: .implicit))
}

extension CastOptions {
    /// What happens unasked: exact for integers, rounding for floats.
    static var implicit: CastOptions {
        var options = CastOptions.safe
        options.allowFloatTruncate = true
        return options
    }
}
