import Glibc
import MartletBase

/// A value that no value of a page or chunk is below, or none above.
enum Bound: Sendable, Hashable {
    case signed(Int64)
    case unsigned(UInt64)
    case real(Double)
    /// A real by the key that compares as IEEE 754's total order does (`TotalOrder`).
    case total(Int64)
    /// `isExact`: it is one of the values, not a shorter stand-in.
    case bytes([UInt8], isExact: Bool)

    var isExact: Bool {
        if case .bytes(_, let isExact) = self { return isExact }
        return true
    }

    /// Whether this bound comes before `other` in `order`; both are of the same column.
    func isLess(than other: Bound, _ order: BoundsOrder) -> Bool {
        switch (self, other) {
        case (.signed(let a), .signed(let b)): return a < b
        case (.unsigned(let a), .unsigned(let b)): return a < b
        case (.total(let a), .total(let b)): return a < b
        case (.real(let a), .real(let b)):
            // -0.0 comes before +0.0.
            return a < b || (a == b && a.sign == .minus && b.sign == .plus)
        case (.bytes(let a, _), .bytes(let b, _)):
            if order == .signedBytes, let x = a.first, let y = b.first, x != y { return x ^ 0x80 < y ^ 0x80 }
            return a.lexicographicallyPrecedes(b)
        case (_, _): return false
        }
    }

    /// The PLAIN form, byte strings without their length.
    func encoded(_ column: LeafColumn) -> [UInt8] {
        func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            (0..<MemoryLayout<Value>.size).map {
                UInt8(truncatingIfNeeded: value &>> Value(truncatingIfNeeded: $0 * 8))
            }
        }
        switch self {
        case .signed(let value):
            switch column.physicalType {
            case .boolean: return [value == 0 ? 0 : 1]
            case .int32: return littleEndian(Int32(truncatingIfNeeded: value))
            case .int64, .int96, .float, .double, .byteArray, .fixedLengthByteArray: return littleEndian(value)
            }
        case .unsigned(let value):
            return column.physicalType == .int32 ? littleEndian(UInt32(truncatingIfNeeded: value)) : littleEndian(value)
        case .real(let value):
            switch column.physicalType {
            case .float: return littleEndian(Float(value).bitPattern)
            case .fixedLengthByteArray: return littleEndian(Float16(value).bitPattern)
            case .boolean, .int32, .int64, .int96, .double, .byteArray: return littleEndian(value.bitPattern)
            }
        case .total(let key):
            switch column.physicalType {
            case .float: return littleEndian(TotalOrder.bits(Int32(truncatingIfNeeded: key)))
            case .fixedLengthByteArray: return littleEndian(TotalOrder.bits(Int16(truncatingIfNeeded: key)))
            case .boolean, .int32, .int64, .int96, .double, .byteArray: return littleEndian(TotalOrder.bits(key))
            }
        case .bytes(let bytes, _): return bytes
        }
    }
}

/// What is known of the values of a page or chunk.
enum ValueBounds: Sendable, Hashable {
    /// There are no values but nulls.
    case empty
    /// There are values, all of them NaN.
    case onlyNaN
    /// As above, with the outermost of them in total order.
    case totalNaN(min: Bound, max: Bound)
    /// There are values, but no bounds that could be written.
    case unknown
    case known(min: Bound, max: Bound)

    /// The bounds of both together.
    mutating func merge(_ other: ValueBounds, _ order: BoundsOrder) {
        switch (self, other) {
        case (.unknown, _), (_, .empty): break
        case (_, .unknown), (.empty, _): self = other
        case (.known, .onlyNaN), (.known, .totalNaN), (_, .onlyNaN): break
        case (.onlyNaN, .known), (.totalNaN, .known), (.onlyNaN, .totalNaN): self = other
        case (.known(let a, let b), .known(let c, let d)):
            self = .known(min: c.isLess(than: a, order) ? c : a, max: b.isLess(than: d, order) ? d : b)
        case (.totalNaN(let a, let b), .totalNaN(let c, let d)):
            self = .totalNaN(min: c.isLess(than: a, order) ? c : a, max: b.isLess(than: d, order) ? d : b)
        }
    }
}
