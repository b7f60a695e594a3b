import MartletArrow
import MartletBase

/// How the values of a leaf lie in its arrays once they are ready to be stored.
enum LeafForm: Sendable, Hashable {
    /// No values at all: the null type.
    case nothing
    case bits
    /// Native values that are stored as 4 bytes or as 8.
    case lanes32(NativeKind)
    case lanes64(NativeKind)
    /// Byte strings of one length.
    case fixedBytes(Int)
    /// Byte strings behind offsets of 32 or 64 bits.
    case bytes32, bytes64

    var isBytes: Bool { self == .bytes32 || self == .bytes64 }
}

/// By which order the bounds of a leaf are found (LogicalTypes.md and parquet.thrift `ColumnOrder`).
enum BoundsOrder: Sendable, Hashable {
    case boolean
    case signed, unsigned
    case float, float16
    /// Reals in IEEE 754's total order.
    case total
    case bytes
    /// Big-endian two's complement.
    case signedBytes
    /// No order is defined.
    case none
}

/// What a writer has to know of one leaf: where it is, how it is stored and compared.
struct LeafStorage: Sendable {
    let path: LeafPath
    let column: LeafColumn
    /// The type of the arrays that `values(of:)` makes.
    let form: LeafForm
    let order: BoundsOrder
    let isText: Bool
    /// Where edges lie, for geometries and geographies.
    let space: Space?
    /// Whether the Arrow type is a dictionary.
    let isDictionary: Bool
    /// Whether it is one whose order means something.
    let isOrdered: Bool
    private let conversion: LeafConversion

    enum Space { case geometry, geography }

    init(
        _ path: LeafPath, _ column: LeafColumn, version: SchemaOptions.Version, allowsTruncatedTimestamps: Bool,
        ordersRealsTotally: Bool = false
    ) throws(MartletError) {
        self.path = path
        self.column = column
        var type = path.type
        var isOrdered = false
        if case .dictionary(_, let value, let ordered) = type { (type, isOrdered) = (value, ordered) }
        self.isOrdered = isOrdered
        isDictionary = type != path.type
        var isNestedDictionary = false
        if case .dictionary = type { isNestedDictionary = true }
        if type.isNested || isNestedDictionary {
            throw .notImplemented(
                "Writing DictionaryArray with nested dictionary type \(type) not yet supported; decode the dictionary first"
            )
        }
        conversion = try LeafConversion(
            type, column, allowsTruncatedTimestamps: allowsTruncatedTimestamps)
        let (form, order) = Self.form(of: conversion.target, column)
        self.form = form
        self.order = ordersRealsTotally && (order == .float || order == .float16) ? .total : order
        isText = column.element.logicalType == .string
        space =
            switch column.element.logicalType {
            case .geometry: .geometry
            case .geography: .geography
            case _: nil
            }
    }

    static func form(of type: DataType, _ column: LeafColumn) -> (LeafForm, BoundsOrder) {
        if type == .null { return (.nothing, .none) }
        if type == .boolean { return (.bits, .boolean) }
        switch column.physicalType {
        case .boolean: return (.bits, .boolean)
        case .int32, .int64:
            let kind = type.nativeKind ?? .int32
            let form: LeafForm = column.physicalType == .int32 ? .lanes32(kind) : .lanes64(kind)
            if case .integer(_, false) = column.element.logicalType { return (form, .unsigned) }
            return (form, .signed)
        case .float: return (.lanes32(.float32), .float)
        case .double: return (.lanes64(.float64), .float)
        case .int96: return (.fixedBytes(12), .none)
        case .byteArray:
            let form: LeafForm = type.layout.buffers.first == .offsets64 ? .bytes64 : .bytes32
            switch column.element.logicalType {
            case .geometry, .geography, .variant: return (form, .none)
            case _: return (form, .bytes)
            }
        case .fixedLengthByteArray:
            if column.element.logicalType == .float16 { return (.fixedBytes(2), .float16) }
            if case .decimal = column.element.logicalType { return (.fixedBytes(column.typeLength), .signedBytes) }
            if column.isInterval { return (.fixedBytes(12), .none) }
            return (.fixedBytes(column.typeLength), .bytes)
        }
    }

    var isReal: Bool {
        switch order {
        case .float, .float16, .total: true
        case .boolean, .signed, .unsigned, .bytes, .signedBytes, .none: false
        }
    }

    /// The leaf's slots in `column`, converted to what is stored, with validity.
    func chunk(of column: ArrayData) throws(MartletError) -> LeafChunk {
        try LeafChunk(try conversion.convert(path.leafArray(of: column)), form: form)
    }
}

/// A leaf's array as raw memory, slot 0 first.
@safe
struct LeafChunk: @unchecked Sendable {
    // Safety: `data` keeps the memory alive, and `init` checked that it holds what the form says for all slots.
    let data: ArrayData
    let validity: ValidityWindow?
    /// Slot 0 of native values and fixed bytes; the bytes of variable ones; the bitmap of booleans.
    let values: UnsafePointer<UInt8>
    /// The bit of slot 0 in `values`, for booleans.
    let bitOffset: Int
    let offsets32: UnsafePointer<Int32>
    let offsets64: UnsafePointer<Int64>

    init(_ data: ArrayData, form: LeafForm) throws(MartletError) {
        self.data = data
        validity = data.usedValidityBitmap.map { ValidityWindow($0) }
        var values = unsafe Buffer.empty.pointer(to: UInt8.self)
        var bitOffset = 0
        var offsets32 = unsafe Buffer.empty.pointer(to: Int32.self)
        var offsets64 = unsafe Buffer.empty.pointer(to: Int64.self)
        let end = try data.offset.adding(checked: data.count)
        switch form {
        case .nothing: break
        case .bits:
            let bitmap = try BooleanArray(data).values
            unsafe values = bitmap.buffer.pointer(to: UInt8.self)
            bitOffset = bitmap.offset
        case .lanes32(let kind), .lanes64(let kind):
            guard data.type.nativeKind == kind, data.buffers[0].isAligned(to: kind.byteWidth) else {
                throw .type("array of \(data.type) does not hold \(kind) values")
            }
            try Self.check(data, needed: try end.multiplied(checked: kind.byteWidth))
            unsafe values = data.buffers[0].pointer(to: UInt8.self) + data.offset * kind.byteWidth
        case .fixedBytes(let width):
            try Self.check(data, needed: try end.multiplied(checked: width))
            unsafe values = data.buffers[0].pointer(to: UInt8.self) + data.offset * width
        case .bytes32:
            let array = try BytesArray<Int32>(data)
            try unsafe Self.checkOrder(array.offsets, count: data.count, data.type)
            unsafe values = array.bytes.pointer(to: UInt8.self)
            unsafe offsets32 = array.offsets
        case .bytes64:
            let array = try BytesArray<Int64>(data)
            try unsafe Self.checkOrder(array.offsets, count: data.count, data.type)
            unsafe values = array.bytes.pointer(to: UInt8.self)
            unsafe offsets64 = array.offsets
        }
        unsafe self.values = values
        self.bitOffset = bitOffset
        unsafe self.offsets32 = offsets32
        unsafe self.offsets64 = offsets64
    }

    private static func check(_ data: ArrayData, needed: Int) throws(MartletError) {
        guard data.buffers[0].count >= needed else {
            throw .invalid("values buffer of \(data.type) is too short: \(data.buffers[0].count) bytes for \(needed)")
        }
    }

    /// Offsets that run backwards would lead outside of the bytes.
    private static func checkOrder<Offset: OffsetValue>(
        _ offsets: UnsafePointer<Offset>, count: Int, _ type: DataType
    ) throws(MartletError) {
        if count == 0 { return }
        var backwards = false
        for i in 0..<count { unsafe backwards = backwards || offsets[i &+ 1] < offsets[i] }
        if backwards { throw .invalid("offsets of \(type) are not in order") }
    }
}
