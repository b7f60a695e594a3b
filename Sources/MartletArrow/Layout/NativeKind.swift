public import MartletBase

/// A value that lies in a buffer as itself: fixed width, any bits valid.
public protocol NativeValue: BitwiseCopyable, Sendable, Hashable, Comparable {
    static var kind: NativeKind { get }
}

/// The native values that fixed-width buffers hold. Kernels dispatch on it through `NativeVisitor`.
public enum NativeKind: Sendable, Hashable, CaseIterable {
    case int8, int16, int32, int64, int128
    case uint8, uint16, uint32, uint64
    case float16, float32, float64

    public var byteWidth: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        case .int128: 16
        }
    }
}

extension Int8: NativeValue { public static var kind: NativeKind { .int8 } }
extension Int16: NativeValue { public static var kind: NativeKind { .int16 } }
extension Int32: NativeValue { public static var kind: NativeKind { .int32 } }
extension Int64: NativeValue { public static var kind: NativeKind { .int64 } }
extension Int128: NativeValue { public static var kind: NativeKind { .int128 } }
extension UInt8: NativeValue { public static var kind: NativeKind { .uint8 } }
extension UInt16: NativeValue { public static var kind: NativeKind { .uint16 } }
extension UInt32: NativeValue { public static var kind: NativeKind { .uint32 } }
extension UInt64: NativeValue { public static var kind: NativeKind { .uint64 } }
extension Float16: NativeValue { public static var kind: NativeKind { .float16 } }
extension Float: NativeValue { public static var kind: NativeKind { .float32 } }
extension Double: NativeValue { public static var kind: NativeKind { .float64 } }

/// A kernel over native values: one generic function, made special for each kind by the one switch below.
public protocol NativeVisitor {
    associatedtype Result
    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> Result
}

extension NativeKind {
    @inlinable
    public func accept<Visitor: NativeVisitor>(_ visitor: Visitor) throws(MartletError) -> Visitor.Result {
        switch self {
        case .int8: try visitor.visit(Int8.self)
        case .int16: try visitor.visit(Int16.self)
        case .int32: try visitor.visit(Int32.self)
        case .int64: try visitor.visit(Int64.self)
        case .int128: try visitor.visit(Int128.self)
        case .uint8: try visitor.visit(UInt8.self)
        case .uint16: try visitor.visit(UInt16.self)
        case .uint32: try visitor.visit(UInt32.self)
        case .uint64: try visitor.visit(UInt64.self)
        case .float16: try visitor.visit(Float16.self)
        case .float32: try visitor.visit(Float.self)
        case .float64: try visitor.visit(Double.self)
        }
    }
}

/// An offset of variable-size layouts: 32 or 64 bits.
public protocol OffsetValue: NativeValue, FixedWidthInteger, SignedInteger {}
extension Int32: OffsetValue {}
extension Int64: OffsetValue {}
