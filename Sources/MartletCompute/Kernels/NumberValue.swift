package import MartletArrow
package import MartletBase

/// A native value that is a number of at most 64 bits: what arithmetic, numeric casts and sums work on.
///
/// All conversions go through 64-bit integers or doubles, so that the matrix of kinds needs no pairwise code.
package protocol NumberValue: NativeValue {
    static var isInteger: Bool { get }
    static var isSigned: Bool { get }
    static var zero: Self { get }
    /// The lowest bits of an integer, or the float next to it.
    init(signed value: Int64)
    init(unsigned value: UInt64)
    /// The float next to it; integers cut the fraction off, and what 64 bits cannot hold is 0.
    init(double value: Double)
    /// The bits of an integer, sign- or zero-extended; a float's whole part.
    var bits: Int64 { get }
    var double: Double { get }
    static func wrappingAdd(_ a: Self, _ b: Self) -> Self
    static func wrappingSubtract(_ a: Self, _ b: Self) -> Self
    static func wrappingMultiply(_ a: Self, _ b: Self) -> Self
    /// The results, and whether they fit; floats always do.
    static func checkedAdd(_ a: Self, _ b: Self) -> (Self, Bool)
    static func checkedSubtract(_ a: Self, _ b: Self) -> (Self, Bool)
    static func checkedMultiply(_ a: Self, _ b: Self) -> (Self, Bool)
    /// nil for an integer divided by zero, and whether it fits; the smallest number by -1 is 0 and does not.
    static func quotient(_ a: Self, _ b: Self) -> (Self, Bool)?
}

extension NumberValue {
    @inline(__always)
    package init<Other: NumberValue>(converting other: Other) {
        if !Other.isInteger {
            self.init(double: other.double)
        } else if Other.isSigned {
            self.init(signed: other.bits)
        } else {
            self.init(unsigned: UInt64(bitPattern: other.bits))
        }
    }

    /// The number as people read it.
    package var text: String {
        if !Self.isInteger { return "\(double)" }
        return Self.isSigned ? "\(bits)" : "\(UInt64(bitPattern: bits))"
    }
}

/// The whole part of `value`; 0 when 64 bits cannot hold it.
@inline(__always)
private func whole(_ value: Double) -> Int64 {
    value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 ? Int64(value) : 0
}

extension NumberValue where Self: FixedWidthInteger {
    package static var isInteger: Bool { true }
    @inline(__always) package init(signed value: Int64) { self.init(truncatingIfNeeded: value) }
    @inline(__always) package init(unsigned value: UInt64) { self.init(truncatingIfNeeded: value) }
    @inline(__always) package init(double value: Double) {
        if !Self.isSigned && value >= 9_223_372_036_854_775_808.0 {
            self.init(truncatingIfNeeded: value < 18_446_744_073_709_551_616.0 ? UInt64(value) : 0)
        } else {
            self.init(truncatingIfNeeded: whole(value))
        }
    }
    @inline(__always) package var bits: Int64 { Int64(truncatingIfNeeded: self) }
    @inline(__always) package static func wrappingAdd(_ a: Self, _ b: Self) -> Self { a &+ b }
    @inline(__always) package static func wrappingSubtract(_ a: Self, _ b: Self) -> Self { a &- b }
    @inline(__always) package static func wrappingMultiply(_ a: Self, _ b: Self) -> Self { a &* b }
    @inline(__always) package static func checkedAdd(_ a: Self, _ b: Self) -> (Self, Bool) {
        let (value, overflow) = a.addingReportingOverflow(b)
        return (value, !overflow)
    }
    @inline(__always) package static func checkedSubtract(_ a: Self, _ b: Self) -> (Self, Bool) {
        let (value, overflow) = a.subtractingReportingOverflow(b)
        return (value, !overflow)
    }
    @inline(__always) package static func checkedMultiply(_ a: Self, _ b: Self) -> (Self, Bool) {
        let (value, overflow) = a.multipliedReportingOverflow(by: b)
        return (value, !overflow)
    }
    @inline(__always) package static func quotient(_ a: Self, _ b: Self) -> (Self, Bool)? {
        if b == 0 { return nil }
        let (value, overflow) = a.dividedReportingOverflow(by: b)
        return overflow ? (0, false) : (value, true)
    }
}

extension Int8: NumberValue { package var double: Double { Double(self) } }
extension Int16: NumberValue { package var double: Double { Double(self) } }
extension Int32: NumberValue { package var double: Double { Double(self) } }
extension Int64: NumberValue { package var double: Double { Double(self) } }
extension UInt8: NumberValue { package var double: Double { Double(self) } }
extension UInt16: NumberValue { package var double: Double { Double(self) } }
extension UInt32: NumberValue { package var double: Double { Double(self) } }
extension UInt64: NumberValue { package var double: Double { Double(self) } }

extension NumberValue where Self: BinaryFloatingPoint {
    package static var isInteger: Bool { false }
    package static var isSigned: Bool { true }
    @inline(__always) package var bits: Int64 { whole(double) }
    @inline(__always) package static func wrappingAdd(_ a: Self, _ b: Self) -> Self { a + b }
    @inline(__always) package static func wrappingSubtract(_ a: Self, _ b: Self) -> Self { a - b }
    @inline(__always) package static func wrappingMultiply(_ a: Self, _ b: Self) -> Self { a * b }
    @inline(__always) package static func checkedAdd(_ a: Self, _ b: Self) -> (Self, Bool) { (a + b, true) }
    @inline(__always) package static func checkedSubtract(_ a: Self, _ b: Self) -> (Self, Bool) { (a - b, true) }
    @inline(__always) package static func checkedMultiply(_ a: Self, _ b: Self) -> (Self, Bool) { (a * b, true) }
    @inline(__always) package static func quotient(_ a: Self, _ b: Self) -> (Self, Bool)? { (a / b, true) }
}

extension Float16: NumberValue {
    package init(signed value: Int64) { self = Float16(value) }
    package init(unsigned value: UInt64) { self = Float16(value) }
    package init(double value: Double) { self = Float16(value) }
    package var double: Double { Double(self) }
}
extension Float: NumberValue {
    package init(signed value: Int64) { self = Float(value) }
    package init(unsigned value: UInt64) { self = Float(value) }
    package init(double value: Double) { self = Float(value) }
    package var double: Double { Double(self) }
}
extension Double: NumberValue {
    package init(signed value: Int64) { self = Double(value) }
    package init(unsigned value: UInt64) { self = Double(value) }
    package init(double value: Double) { self = value }
    package var double: Double { self }
}

/// A kernel over numbers, made special for each kind by `NativeKind.acceptNumber`.
package protocol NumberVisitor {
    associatedtype Result
    func visit<Value: NumberValue>(_ type: Value.Type) throws(MartletError) -> Result
}

extension NativeKind {
    package func acceptNumber<Visitor: NumberVisitor>(_ visitor: Visitor) throws(MartletError) -> Visitor.Result {
        switch self {
        case .int8: try visitor.visit(Int8.self)
        case .int16: try visitor.visit(Int16.self)
        case .int32: try visitor.visit(Int32.self)
        case .int64: try visitor.visit(Int64.self)
        case .uint8: try visitor.visit(UInt8.self)
        case .uint16: try visitor.visit(UInt16.self)
        case .uint32: try visitor.visit(UInt32.self)
        case .uint64: try visitor.visit(UInt64.self)
        case .float16: try visitor.visit(Float16.self)
        case .float32: try visitor.visit(Float.self)
        case .float64: try visitor.visit(Double.self)
        case .int128: throw .notImplemented("128-bit values are decimals, not numbers of this kernel")
        }
    }
}
