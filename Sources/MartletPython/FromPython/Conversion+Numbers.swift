import MartletArrow
import MartletBase

extension Conversion {
    func nulls(_ items: Items) throws(ItemFailure) -> ArrayData {
        for i in 0..<items.count where items[i] != python.none {
            let isNull = try at(i) { () throws(MartletError) in
                try items.pin()
                return try self.isNull(items[i])
            }
            guard isNull else {
                throw ItemFailure(
                    i, .invalid("Invalid null value"), fix: "a null array holds None only; give another type")
            }
        }
        return ArrayData(type: .null, count: items.count)
    }

    func booleans(_ items: Items) throws(ItemFailure) -> ArrayData {
        let (yes, no) = (python.true, python.false)
        let (flags, validity) = try walk(
            items, zero: 0 as UInt8,
            fast: { object, _, out in
                if object == yes {
                    out.pointee = 1
                    return true
                }
                if object == no {
                    out.pointee = 0
                    return true
                }
                return false
            },
            slow: { [self] (object: Object) throws(ItemFailure) -> UInt8? in
                try at { () throws(MartletError) -> UInt8? in
                    if try isNull(object) { return nil }
                    if object == yes { return 1 }
                    if object == no { return 0 }
                    if python.isSubtype(python.type(of: object), of: foreign.numpyBool) {
                        return python.isTrue(object) == 1 ? 1 : 0
                    }
                    throw invalidValue(object, "tried to convert to boolean")
                }
            })
        let bits = try at { () throws(MartletError) in try packed(flags) }
        return ArrayData(
            type: .boolean, count: items.count, validity: validity.buffer, nullCount: validity.nullCount,
            buffers: [bits])
    }

    /// One bit for each byte, which is 0 or 1.
    private func packed(_ flags: Buffer) throws(MartletError) -> Buffer {
        let count = flags.count
        let builder = try BufferBuilder(uninitializedCount: (count + 7) / 8)
        let out = builder.pointer(to: UInt8.self)
        let bytes = flags.pointer(to: UInt8.self)
        for i in 0..<count / 8 {
            // Eight bytes of 0 or 1 become eight bits: the product gathers them in the highest byte.
            let word = UnsafeRawPointer(bytes + i * 8).loadUnaligned(as: UInt64.self)
            out[i] = UInt8(truncatingIfNeeded: (word &* 0x0102_0408_1020_4080) &>> 56)
        }
        if count & 7 != 0 {
            var last: UInt8 = 0
            for k in 0..<count & 7 { last |= bytes[count & ~7 + k] << UInt8(k) }
            out[count / 8] = last
        }
        return builder.finish()
    }

    // MARK: - Integers

    func integers<Value: FixedWidthInteger & NativeValue>(_ items: Items, _ type: DataType, _: Value.Type)
        throws(ItemFailure) -> ArrayData
    {
        let intType = python.intType
        let layout = python.layout
        let (values, validity) = try walk(
            items, zero: 0 as Value,
            fast: { object, type, out in
                guard type == intType, let wide = layout.smallInteger(object), let value = Value(exactly: wide) else {
                    return false
                }
                out.pointee = value
                return true
            },
            slow: { [self] (object: Object) throws(ItemFailure) -> Value? in
                try at(fix: "give a type that holds it, or change the value") { () throws(MartletError) -> Value? in
                    try isNull(object) ? nil : try integer(object, type)
                }
            })
        return ArrayData(
            type: type, count: items.count, validity: validity.buffer, nullCount: validity.nullCount, buffers: [values])
    }

    /// 64-bit integers as long as all items are exact `int`s that fit or None; nil at the first that is not. So
    /// integers need no second look to learn their type.
    func plainIntegers(_ items: Items) throws(ItemFailure) -> ArrayData? {
        guard python.layout.hasTypes, python.layout.integers != .opaque else { return nil }
        var isPlain = true
        let intType = python.intType
        let layout = python.layout
        do throws(ItemFailure) {
            let (values, validity) = try walk(
                items, zero: 0 as Int64,
                fast: { object, type, out in
                    guard type == intType, let value = layout.smallInteger(object) else { return false }
                    out.pointee = value
                    return true
                },
                slow: { [self] (object: Object) throws(ItemFailure) -> Int64? in
                    if python.type(of: object) == intType {
                        var overflow: Int32 = 0
                        let value = python.asInt64(object, &overflow)
                        if overflow == 0 { return value }
                    }
                    isPlain = false
                    throw ItemFailure(0, .cancelled)
                })
            return ArrayData(
                type: .int64, count: items.count, validity: validity.buffer, nullCount: validity.nullCount,
                buffers: [values])
        } catch {
            if isPlain { throw error }
            return nil
        }
    }

    /// A Python object as an integer for a column of integers.
    private func integer<Value: FixedWidthInteger>(_ object: Object, _ type: DataType) throws(MartletError) -> Value {
        let isInt = python.isKind(python.type(of: object), .int)
        if isInt || python.isSubtype(python.type(of: object), of: foreign.numpyInteger) {
            return try number(object, tooLarge: nil)
        }
        do throws(MartletError) { return try number(object, tooLarge: nil) } catch {
            if error.code == .cancelled || error.code == .outOfMemory { throw error }
            throw invalidValue(object, "tried to convert to \(type)")
        }
    }

    /// A Python object as an integer, through `__index__` or `__int__`. `tooLarge` replaces the sentence for a value
    /// that 64 bits hold and `Value` does not.
    func number<Value: FixedWidthInteger>(_ object: Object, tooLarge: String?) throws(MartletError) -> Value {
        let type = python.type(of: object)
        if type == python.boolType { throw .type("Expected integer, got bool") }
        if python.isKind(type, .int) { return try exact(object, tooLarge) }
        if let index = python.index(object) {
            let index = try Owned(index, python)
            return try exact(index.object, tooLarge)
        }
        // Another way is tried, but an interrupt stays one.
        let failure = python.takeError()
        if failure.code == .cancelled || failure.code == .outOfMemory { throw failure }
        // NumPy's strings have an `__int__`, which reads digits; text is no number here.
        guard !python.isKind(type, .str), !python.isKind(type, .bytes),
            Owned(orNil: python.attribute(type, "__int__"), python) != nil
        else {
            throw .type("object of type \(python.reprText(type)) cannot be converted to int")
        }
        let int = try Owned(python.long(object), python)
        return try exact(int.object, tooLarge)
    }

    private func exact<Value: FixedWidthInteger>(_ int: Object, _ tooLarge: String?) throws(MartletError) -> Value {
        var overflow: Int32 = 0
        let wide = python.asInt64(int, &overflow)
        if wide == -1, python.errorOccurred() != nil { throw python.takeError() }
        if overflow == 0 {
            if let value = Value(exactly: wide) { return value }
            if !Value.isSigned, wide < 0 {
                throw .python("OverflowError", "can't convert negative value to unsigned int")
            }
            throw .invalid(tooLarge ?? "Value \(wide) too large to fit in C integer type")
        }
        if Value.isSigned { throw .python("OverflowError", "Python int too large to convert to C long") }
        if overflow < 0 { throw .python("OverflowError", "can't convert negative value to unsigned int") }
        let unsigned = python.asUInt64(int)
        if unsigned == .max, python.errorOccurred() != nil {
            python.clearError()
            throw .python("OverflowError", "Python int too large to convert to C unsigned long")
        }
        guard let value = Value(exactly: unsigned) else {
            throw .invalid(tooLarge ?? "Value \(unsigned) too large to fit in C integer type")
        }
        return value
    }

    // MARK: - Floats

    func floats<Value: BinaryFloatingPoint & NativeValue>(
        _ items: Items, _ type: DataType, _: Value.Type, name: String
    ) throws(ItemFailure) -> ArrayData {
        let floatType = python.floatType
        let canRead = python.layout.hasFloats
        let nanIsNull = fromPandas
        let (values, validity) = try walk(
            items, zero: 0 as Value,
            fast: { object, type, out in
                guard type == floatType, canRead else { return false }
                let value = object.load(fromByteOffset: 16, as: Double.self)
                if nanIsNull && value.isNaN { return false }
                out.pointee = Value(value)
                return true
            },
            slow: { [self] (object: Object) throws(ItemFailure) -> Value? in
                try at(fix: "give a type that holds it, or change the value") { () throws(MartletError) -> Value? in
                    try isNull(object) ? nil : try float(object, name)
                }
            })
        return ArrayData(
            type: type, count: items.count, validity: validity.buffer, nullCount: validity.nullCount, buffers: [values])
    }

    private func float<Value: BinaryFloatingPoint>(_ object: Object, _ name: String) throws(MartletError) -> Value {
        let type = python.type(of: object)
        if python.isSubtype(type, of: python.floatType) { return Value(python.asDouble(object)) }
        if python.isSubtype(type, of: foreign.numpyFloating) {
            if Value.self == Float16.self, !python.isSubtype(type, of: foreign.numpyFloat16) {
                throw .type(
                    "conversion to float16 expects a `float` or `np.float16` object, got \(python.typeName(of: object))"
                )
            }
            let value = python.asDouble(object)
            if value == -1, python.errorOccurred() != nil { throw python.takeError() }
            return Value(value)
        }
        let isInt = python.isKind(type, .int)
        guard isInt || python.isSubtype(type, of: foreign.numpyInteger) else {
            throw invalidValue(object, "tried to convert to \(name)")
        }
        guard let index = Owned(orNil: python.index(object), python) else {
            throw .invalid("Integer scalar type not recognized")
        }
        var overflow: Int32 = 0
        let value = python.asInt64(index.object, &overflow)
        guard overflow == 0 else { throw .invalid("PyLong is too large to fit int64") }
        // Half floats round, as pyarrow's do; for the others every integer must come through unharmed.
        let limit: Int64 = Value.self == Double.self ? 1 << 53 : Value.self == Float.self ? 1 << 24 : .max
        guard value <= limit, value >= -limit else {
            throw .invalid(
                "Integer value \(value) is outside of the range exactly representable by a IEEE 754 "
                    + (Value.self == Double.self ? "double" : "single") + " precision value")
        }
        return Value(value)
    }
}
