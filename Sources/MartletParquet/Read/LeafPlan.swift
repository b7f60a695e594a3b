import MartletArrow
import MartletBase

/// What the values of a leaf become: the second of the three stages, without levels and slots.
struct LeafPlan: Sendable {
    enum Family: Sendable {
        /// Values of so many bytes each; booleans are bytes of 0 or 1 until the very end.
        case fixed(width: Int)
        /// Byte strings; `limit` is how many bytes their offsets can reach.
        case bytes(limit: Int)
        /// Indices of 4 bytes into a dictionary of byte strings.
        case indices
    }

    let leaf: LeafColumn
    /// The Arrow type of the leaf.
    let type: DataType
    let family: Family
    let conversion: ValueConversion?

    init(_ leaf: LeafColumn, _ type: DataType) throws(MartletError) {
        self.leaf = leaf
        self.type = type
        var conversion: ValueConversion?
        switch type {
        case .dictionary: family = .indices
        case .string, .binary: family = .bytes(limit: Int(Int32.max))
        case .largeString, .largeBinary, .stringView, .binaryView: family = .bytes(limit: .max)
        case .boolean: family = .fixed(width: 1)
        case .null: family = .fixed(width: 0)
        case .fixedSizeBinary(let width): family = .fixed(width: width)
        case .decimal32, .decimal64, .decimal128, .decimal256:
            let width = type.layout.buffers[0].byteWidth ?? 16
            family = .fixed(width: width)
            switch leaf.physicalType {
            case .int32 where width > 4: conversion = .resize(from: 4, to: width)
            case .int64 where width != 8: conversion = .resize(from: 8, to: width)
            case .fixedLengthByteArray: conversion = .bigEndian(byteCount: leaf.typeLength, to: width)
            case .int32, .int64, .byteArray, .boolean, .int96, .float, .double: conversion = nil
            }
        case .int8, .uint8, .int16, .uint16:
            let width = type.nativeKind?.byteWidth ?? 4
            family = .fixed(width: width)
            conversion = .narrow(to: width)
        case .int32, .int64, .uint32, .uint64, .float16, .float32, .float64, .date32, .date64, .time32, .time64,
            .timestamp, .duration:
            family = .fixed(width: type.nativeKind?.byteWidth ?? 8)
            if leaf.physicalType == .int96, case .timestamp(let unit, _) = type { conversion = .int96(unit) }
        case .interval(let unit):
            family = .fixed(width: unit.byteWidth)
            conversion = .interval(unit)
        case .list, .largeList, .fixedSizeList, .struct, .map, .listView, .largeListView, .union, .runEndEncoded,
            .extension:
            throw .type("\(type) is not the type of a leaf")
        }
        self.conversion = conversion
        try check()
    }

    /// Refuses what the schema's own rules would not have made.
    private func check() throws(MartletError) {
        guard case .fixed(let width) = family, type != .null, type != .boolean else { return }
        let physical = conversion?.sourceWidth ?? width
        guard leaf.byteWidth == physical || leaf.physicalType == .byteArray && type.decimalDigits != nil else {
            throw .type("\(leaf.physicalType.name) column '\(leaf.dottedPath)' cannot be read as \(type)")
        }
    }

    /// Bytes of a value in the output.
    var fixedWidth: Int? {
        switch family {
        case .fixed(let width): width
        case .indices: 4
        case .bytes: nil
        }
    }
}
