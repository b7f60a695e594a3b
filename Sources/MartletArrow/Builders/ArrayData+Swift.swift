public import MartletBase

// Swift values as arrays and back, for callers who have them in memory.

extension ArrayData {
    /// The numbers of a Swift array, copied as they lie.
    public static func of<Value: NativeValue>(_ values: [Value], as type: DataType? = nil) throws(MartletError) -> ArrayData {
        let type = type ?? Value.kind.numberType
        guard type.nativeKind == Value.kind else { throw .type("\(type) does not hold \(Value.self) values") }
        return ArrayData(type: type, count: values.count, nullCount: 0, buffers: [try Buffer(values)])
    }

    /// Numbers with nulls.
    public static func of<Value: NativeValue>(_ values: [Value?], as type: DataType? = nil) throws(MartletError) -> ArrayData {
        var builder = try PrimitiveBuilder<Value>(capacity: values.count)
        for value in values { try builder.append(value) }
        return try builder.finish(as: type ?? Value.kind.numberType)
    }

    public static func of(_ values: [Bool?]) throws(MartletError) -> ArrayData {
        var bits = try BitmapBuilder(capacity: values.count)
        var validity = try ValidityBuilder()
        for value in values {
            try bits.append(value ?? false)
            try validity.append(value != nil)
        }
        let (valid, nullCount) = validity.finish()
        return ArrayData(
            type: .boolean, count: values.count, validity: valid, nullCount: nullCount, buffers: [bits.finish()])
    }

    public static func of(_ values: [String?]) throws(MartletError) -> ArrayData {
        var builder = try BytesBuilder<Int32>()
        for value in values { try builder.append(value) }
        return try builder.finish(as: .string)
    }

    /// The values with nil for nulls. Throws when the array does not hold `Value`s.
    public func values<Value: NativeValue>(as type: Value.Type) throws(MartletError) -> [Value?] {
        let array = try PrimitiveArray<Value>(self)
        return (0..<array.count).map { array.isValid($0) ? array[$0] : nil }
    }

    /// The texts of a string array with nil for nulls.
    public func strings() throws(MartletError) -> [String?] {
        if type.isBinaryView {
            let array = try BinaryViewArray(self)
            return (0..<array.count).map { array.isValid($0) ? array.string($0) : nil }
        }
        if type == .largeString {
            let array = try BytesArray<Int64>(self)
            return (0..<array.count).map { array.isValid($0) ? array.string($0) : nil }
        }
        let array = try BytesArray<Int32>(self)
        return (0..<array.count).map { array.isValid($0) ? array.string($0) : nil }
    }
}

extension NativeKind {
    /// The type of plain numbers of this kind; 128-bit integers are decimals without a scale.
    public var numberType: DataType {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .int128: .decimal128(precision: 38, scale: 0)
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        }
    }
}
