import Glibc
package import MartletArrow
package import MartletBase

/// What maps become.
package enum MapForm: Sendable {
    /// Lists of (key, value) tuples.
    case pairs
    /// Dicts; of keys that come twice the last counts.
    case lossyDicts
    /// Dicts; a key that comes twice is an error.
    case strictDicts
}

/// Makes Python objects of the slots of arrays, as pyarrow's `to_pylist` does.
final class ValueMaker {
    let python: CPython
    let maps: MapForm
    private(set) lazy var dateTime: Result<DateTimeTypes, MartletError> = DateTimeTypes.known(python)
    private(set) lazy var pandas: PandasMakers? = PandasMakers(python)

    init(_ python: CPython, maps: MapForm) {
        self.python = python
        self.maps = maps
    }

    /// Fills `array.count` empty slots with new references. On failure some are filled.
    func fill(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        switch array.type {
        case .null:
            for i in 0..<array.count { out[i] = none() }
        case .boolean: try booleans(array, out)
        case .int8: try integers(array, out, Int8.self)
        case .int16: try integers(array, out, Int16.self)
        case .int32, .interval(.months): try integers(array, out, Int32.self)
        case .int64: try integers(array, out, Int64.self)
        case .uint8: try integers(array, out, UInt8.self)
        case .uint16: try integers(array, out, UInt16.self)
        case .uint32: try integers(array, out, UInt32.self)
        case .uint64: try each(array, out, UInt64.self) { [make = python.makeUInt64] value in make(value) }
        case .float16: try each(array, out, Float16.self) { [make = python.makeDouble] value in make(Double(value)) }
        case .float32: try each(array, out, Float.self) { [make = python.makeDouble] value in make(Double(value)) }
        case .float64: try each(array, out, Double.self) { [make = python.makeDouble] value in make(value) }
        case .string: try bytes(array, out, Int32.self, isText: true)
        case .largeString: try bytes(array, out, Int64.self, isText: true)
        case .binary: try bytes(array, out, Int32.self, isText: false)
        case .largeBinary: try bytes(array, out, Int64.self, isText: false)
        case .stringView: try views(array, out, isText: true)
        case .binaryView: try views(array, out, isText: false)
        case .fixedSizeBinary: try fixedBytes(array, out)
        case .date32: try dates(array, out)
        case .date64: try dates64(array, out)
        case .time32(let unit): try times(array, out, unit, Int32.self)
        case .time64(let unit): try times(array, out, unit, Int64.self)
        case .timestamp(let unit, let zone): try timestamps(array, out, unit, zone)
        case .duration(let unit): try durations(array, out, unit)
        case .interval(.dayTime): try intervals(array, out, "DayTime")
        case .interval(.monthDayNano): try intervals(array, out, "MonthDayNano")
        case .decimal32(_, let scale), .decimal64(_, let scale), .decimal128(_, let scale), .decimal256(_, let scale):
            try decimals(array, out, scale)
        case .list: try lists(array, out, Int32.self)
        case .largeList: try lists(array, out, Int64.self)
        case .listView: try listViews(array, out, Int32.self)
        case .largeListView: try listViews(array, out, Int64.self)
        case .fixedSizeList(_, let width): try fixedSizeLists(array, out, width)
        case .struct(let fields): try structs(array, out, fields)
        case .map: try mapValues(array, out)
        case .dictionary: try dictionaries(array, out)
        case .union: try unions(array, out)
        case .runEndEncoded: try runs(array, out)
        case .extension(let type): try extensions(array, out, type)
        }
    }

    /// A new reference to None.
    @inline(__always)
    func none() -> Object {
        python.incref(python.none)
        return python.none
    }

    /// One object for each valid slot, from its native value.
    @inline(__always)
    func each<Value: NativeValue>(
        _ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _: Value.Type,
        _ make: (Value) throws(MartletError) -> Object?
    ) throws(MartletError) {
        let view = try PrimitiveArray<Value>(array)
        let validity = view.validity
        for i in 0..<view.count {
            if let validity, !validity[i] {
                out[i] = none()
                continue
            }
            guard let object = try make(view[i]) else { throw python.takeError() }
            out[i] = object
            if i & 0xF_FFFF == 0xF_FFFF { try python.runSignalHandlers() }
        }
    }

    private func integers<Value: NativeValue & FixedWidthInteger>(
        _ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _: Value.Type
    ) throws(MartletError) {
        let make = python.makeInt64
        try each(array, out, Value.self) { value in make(Int64(truncatingIfNeeded: value)) }
    }

    private func booleans(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let view = try BooleanArray(array)
        for i in 0..<view.count {
            let object = !view.isValid(i) ? python.none : view[i] ? python.true : python.false
            python.incref(object)
            out[i] = object
        }
    }

    private func bytes<Offset: OffsetValue>(
        _ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _: Offset.Type, isText: Bool
    ) throws(MartletError) {
        let view = try BytesArray<Offset>(array)
        let base = UnsafeRawPointer(view.bytes.pointer(to: UInt8.self))
        try texts(view.count, view.validity, out, isText: isText) { i in
            let range = view.range(i)
            return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
        }
    }

    /// One `str` or `bytes` for each valid slot, from where its bytes lie.
    @inline(__always)
    func texts(
        _ count: Int, _ validity: Bitmap?, _ out: UnsafeMutablePointer<Object?>, isText: Bool,
        _ location: (Int) -> UnsafeRawBufferPointer
    ) throws(MartletError) {
        let make = isText ? python.makeText : python.makeBytes
        let asciiOffset = python.layout.asciiOffset
        let newText = isText && asciiOffset != 0 ? python.newText : nil
        for i in 0..<count {
            if let validity, !validity[i] {
                out[i] = none()
                continue
            }
            let bytes = location(i)
            // Python keeps one object for each text of one character; the function knows them.
            if let newText, bytes.count > 1, let base = bytes.baseAddress, isASCII(base, bytes.count),
                let object = newText(bytes.count, 127)
            {
                memcpy(object + asciiOffset, base, bytes.count)
                out[i] = object
                continue
            }
            guard let object = make(bytes.baseAddress, bytes.count) else {
                var error = python.takeError()
                error.message += "; item \(i)"
                throw error
            }
            out[i] = object
            if i & 0xF_FFFF == 0xF_FFFF { try python.runSignalHandlers() }
        }
    }

    @inline(__always)
    private func isASCII(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        var high: UInt64 = 0
        var i = 0
        while i &+ 8 <= count {
            high |= bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            i &+= 8
        }
        if i < count {
            if count >= 8 {
                high |= bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            } else {
                for k in 0..<count { high |= UInt64(bytes.load(fromByteOffset: k, as: UInt8.self)) }
                return high & 0x80 == 0
            }
        }
        return high & 0x8080_8080_8080_8080 == 0
    }

    private func fixedBytes(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        try eachFixed(array, out) { bytes in python.makeBytes(bytes.baseAddress, bytes.count) }
    }

    /// One object for each valid slot, from its bytes; all slots have as many.
    func eachFixed(
        _ array: ArrayData, _ out: UnsafeMutablePointer<Object?>,
        _ make: (UnsafeRawBufferPointer) throws(MartletError) -> Object?
    ) throws(MartletError) {
        let view = try FixedBytesArray(array)
        for i in 0..<view.count {
            if !view.isValid(i) {
                out[i] = none()
                continue
            }
            let object = try view.bytes(i).withUnsafeBytes { (bytes) throws(MartletError) in try make(bytes) }
            guard let object else { throw python.takeError() }
            out[i] = object
        }
    }

    private func decimals(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ scale: Int) throws(MartletError) {
        let module = try Owned(python.importModule("decimal"), python)
        let decimal = try Owned(python.attribute(module.object, "Decimal"), python)
        func made(_ digits: String) throws(MartletError) -> Object? {
            let text = try Owned(try python.makeText("\(digits)E\(-scale)"), python)
            return try python.call(decimal.object, text.object)
        }
        switch array.type.nativeKind?.byteWidth {
        case 4: try each(array, out, Int32.self) { (value) throws(MartletError) in try made(String(value)) }
        case 8: try each(array, out, Int64.self) { (value) throws(MartletError) in try made(String(value)) }
        case 16: try each(array, out, Int128.self) { (value) throws(MartletError) in try made(String(value)) }
        case _:
            try eachFixed(array, out) { (bytes) throws(MartletError) in
                try made(text(ofDecimal256: RawSpan(_unsafeBytes: bytes), scale: 0))
            }
        }
    }
}

/// Arrays to Python objects.
package enum PythonValues {
    /// A new list of the values of `array`.
    package static func list(of array: ArrayData, maps: MapForm) throws(MartletError) -> Object {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let maker = ValueMaker(python, maps: maps)
        let collector = CollectorPause(python, array.type.isNested || array.type.layout.hasDictionary)
        defer { collector.end() }
        let list = try Owned(python.makeList(array.count), python)
        if array.count == 0 { return list.give() }
        if python.layout.hasLists,
            let items = list.object.load(fromByteOffset: 24, as: UnsafeMutablePointer<Object?>?.self)
        {
            try maker.fill(array, items)
            return list.give()
        }
        let slots = try Slots(count: array.count, python)
        try maker.fill(array, slots.base)
        for i in 0..<array.count {
            if python.setListItem(list.object, i, slots.take(i, shared: false)) != 0 { throw python.takeError() }
        }
        return list.give()
    }

    /// The value of one slot.
    package static func item(of array: ArrayData, _ index: Int) throws(MartletError) -> Object {
        guard index >= 0, index < array.count else { throw .index("index \(index) of \(array.count) values") }
        let python = try CPython.shared()
        if let object = plainItem(of: array, index, python) { return object }
        var slot: Object?
        try ValueMaker(python, maps: .pairs).fill(array.window(index, 1), &slot)
        guard let slot else { throw .index("no value at \(index)") }
        return slot
    }

    /// The value of one slot of the most usual types, without a view of the array; nil for others.
    private static func plainItem(of array: ArrayData, _ index: Int, _ python: CPython) -> Object? {
        let width: Int
        switch array.type {
        case .int64, .uint64, .float64: width = 8
        case .int32, .uint32, .float32: width = 4
        case .int16, .uint16: width = 2
        case .int8, .uint8: width = 1
        case _: return nil
        }
        let slot = array.offset + index
        let buffer = array.buffers[0]
        guard (slot + 1) * width <= buffer.count else { return nil }
        guard array.isValid(index) else {
            python.incref(python.none)
            return python.none
        }
        let value = UnsafeRawPointer(buffer.pointer(to: UInt8.self)) + slot * width
        switch array.type {
        case .int64: return python.makeInt64(value.loadUnaligned(as: Int64.self))
        case .int32: return python.makeInt64(Int64(value.loadUnaligned(as: Int32.self)))
        case .int16: return python.makeInt64(Int64(value.loadUnaligned(as: Int16.self)))
        case .int8: return python.makeInt64(Int64(value.loadUnaligned(as: Int8.self)))
        case .uint64: return python.makeUInt64(value.loadUnaligned(as: UInt64.self))
        case .uint32: return python.makeInt64(Int64(value.loadUnaligned(as: UInt32.self)))
        case .uint16: return python.makeInt64(Int64(value.loadUnaligned(as: UInt16.self)))
        case .uint8: return python.makeInt64(Int64(value.loadUnaligned(as: UInt8.self)))
        case .float64: return python.makeDouble(value.loadUnaligned(as: Double.self))
        case .float32: return python.makeDouble(Double(value.loadUnaligned(as: Float.self)))
        case _: return nil
        }
    }

    /// Fills `array.count` slots of a NumPy array of objects, which hold references or NULL. Nulls become `null`.
    package static func fill(
        _ target: UnsafeMutablePointer<Object?>, with array: ArrayData, null: Object?
    ) throws(MartletError) {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let maker = ValueMaker(python, maps: .pairs)
        let collector = CollectorPause(python, array.type.isNested || array.type.layout.hasDictionary)
        defer { collector.end() }
        let slots = try Slots(count: array.count, python)
        try maker.fill(array, slots.base)
        let null = null ?? python.none
        for i in 0..<array.count {
            // A dropped object may run Python code, so the slot is whole before that.
            let old = target[i]
            if array.isValid(i) {
                target[i] = slots.take(i, shared: false)
            } else {
                python.incref(null)
                target[i] = null
            }
            if let old { python.decref(old) }
        }
    }
}

/// Python's collector of cycles stands still while many containers are made: they are all alive.
private struct CollectorPause {
    private let resume: (@convention(c) () -> Int32)?

    init(_ python: CPython, _ isWorthIt: Bool) {
        if isWorthIt, let disable = python.disableCollector, let enable = python.enableCollector, disable() != 0 {
            resume = enable
        } else {
            resume = nil
        }
    }

    func end() { _ = resume?() }
}
