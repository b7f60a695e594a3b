import Glibc
import MartletArrow
import MartletBase

/// The step from an Arrow array to an array whose values are the stored ones: other units of time, decimals as
/// bytes, dictionaries looked up. Arrays that are stored as they are pass through.
struct LeafConversion: Sendable {
    private enum Step: Sendable {
        case none
        /// The same memory under another type.
        case reinterpret
        /// 32 or 64-bit integers times a factor.
        case multiply(Int64)
        /// 64-bit integers divided by a divisor; `isExact`: a remainder is an error.
        case divide(Int64, isExact: Bool)
        case date64
        case decimalBytes(Int)
        case decimalInteger
        case int96(TimeUnit)
        case interval(IntervalUnit)
    }

    let source: DataType
    let target: DataType
    private let step: Step

    init(_ type: DataType, _ column: LeafColumn, allowsTruncatedTimestamps: Bool) throws(MartletError) {
        source = type
        switch type {
        case .date64:
            step = .date64
            target = .date32
        case .time32(.second):
            step = .multiply(1_000)
            target = .time32(.millisecond)
        case .timestamp(let unit, let zone):
            if column.physicalType == .int96 {
                step = .int96(unit)
                target = .fixedSizeBinary(byteWidth: 12)
                break
            }
            var stored = unit
            if case .timestamp(let annotated, _) = column.element.logicalType { stored = annotated }
            target = .timestamp(stored, timeZone: zone)
            if stored.perSecond == unit.perSecond {
                step = .none
            } else if stored.perSecond > unit.perSecond {
                step = .multiply(stored.perSecond / unit.perSecond)
            } else {
                step = .divide(unit.perSecond / stored.perSecond, isExact: !allowsTruncatedTimestamps)
            }
        case .decimal32, .decimal64, .decimal128, .decimal256:
            switch column.physicalType {
            case .int32:
                step = type.nativeKind == .int32 ? .reinterpret : .decimalInteger
                target = .int32
            case .int64:
                step = type.nativeKind == .int64 ? .reinterpret : .decimalInteger
                target = .int64
            case .boolean, .int96, .float, .double, .byteArray, .fixedLengthByteArray:
                step = .decimalBytes(column.typeLength)
                target = .fixedSizeBinary(byteWidth: column.typeLength)
            }
        case .float16:
            step = .reinterpret
            target = .fixedSizeBinary(byteWidth: 2)
        case .interval(let unit):
            step = .interval(unit)
            target = .fixedSizeBinary(byteWidth: 12)
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float32, .float64,
            .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .time32, .time64, .duration,
            .list, .largeList, .fixedSizeList, .struct, .map, .dictionary, .stringView, .binaryView, .listView,
            .largeListView, .union, .runEndEncoded, .extension:
            step = .none
            target = type
        }
    }

    func convert(_ array: ArrayData) throws(MartletError) -> ArrayData {
        var array = array
        if case .dictionary = array.type { array = try decodeDictionary(array) }
        switch step {
        case .none: return array
        case .reinterpret: return array.reinterpreted(as: target)
        case .multiply(let factor):
            return target.nativeKind == .int32
                ? try multiplied(array, by: Int32(factor)) : try multiplied(array, by: factor)
        case .divide(let divisor, let isExact): return try divided(array, by: divisor, isExact: isExact)
        case .date64: return try days(array)
        case .decimalBytes(let width):
            return array.type.nativeKind == .int128
                ? try decimalBytes(array, width: width) : try reversedBytes(array, width: width)
        case .decimalInteger: return try narrowed(array)
        case .int96(let unit): return try int96(array, unit)
        case .interval(let unit): return try intervals(array, unit)
        }
    }

    private func made(_ array: ArrayData, _ values: consuming BufferBuilder) throws(MartletError) -> ArrayData {
        ArrayData(
            type: target, count: array.count, validity: try array.usedValidityBitmap?.rebased(),
            nullCount: array.nullCount, buffers: [values.finish()])
    }

    private func multiplied<Value: NativeValue & FixedWidthInteger>(
        _ array: ArrayData, by factor: Value
    ) throws(MartletError) -> ArrayData {
        let input = try PrimitiveArray<Value>(array)
        let output = try BufferBuilder(uninitializedCount: input.count * MemoryLayout<Value>.stride)
        let target = unsafe output.pointer(to: Value.self)
        for i in 0..<input.count {
            let (product, overflow) = input[i].multipliedReportingOverflow(by: factor)
            if overflow && input.isValid(i) {
                throw .invalid(
                    "Casting from \(source) to \(self.target) would result in out of bounds timestamp: \(input[i])")
            }
            unsafe target[i] = product
        }
        return try made(array, output)
    }

    private func divided(_ array: ArrayData, by divisor: Int64, isExact: Bool) throws(MartletError) -> ArrayData {
        let input = try PrimitiveArray<Int64>(array)
        let output = try BufferBuilder(uninitializedCount: input.count * 8)
        let target = unsafe output.pointer(to: Int64.self)
        for i in 0..<input.count {
            let value = input[i]
            let quotient = value / divisor
            if isExact, quotient &* divisor != value, input.isValid(i) {
                throw .invalid(
                    "Casting from \(source) to \(self.target) would lose data: \(value); allow it with "
                        + "allow_truncated_timestamps=True")
            }
            unsafe target[i] = quotient
        }
        return try made(array, output)
    }

    private func days(_ array: ArrayData) throws(MartletError) -> ArrayData {
        let input = try PrimitiveArray<Int64>(array)
        let output = try BufferBuilder(uninitializedCount: input.count * 4)
        let target = unsafe output.pointer(to: Int32.self)
        for i in 0..<input.count {
            let day = input[i] / 86_400_000
            unsafe target[i] = Int32(truncatingIfNeeded: day)
            if Int64(Int32(truncatingIfNeeded: day)) != day, input.isValid(i) {
                throw .invalid("date64 value \(input[i]) is out of the range of 32-bit days")
            }
        }
        return try made(array, output)
    }

    private func decimalBytes(_ array: ArrayData, width: Int) throws(MartletError) -> ArrayData {
        let input = try PrimitiveArray<Int128>(array)
        let output = try BufferBuilder(uninitializedCount: try input.count.multiplied(checked: width))
        var target = unsafe output.pointer(to: UInt8.self)
        let shift = 128 - width * 8
        for i in 0..<input.count {
            let value = input[i]
            if shift > 0, (value &<< Int128(shift)) &>> Int128(shift) != value, input.isValid(i) {
                throw .invalid("decimal value does not fit the precision of \(source): unscaled \(value)")
            }
            // Safety: 16 bytes of `bytes`, of which the last `width` are those of the value.
            unsafe withUnsafeBytes(of: value.bigEndian) { bytes in
                unsafe _ = memcpy(target, bytes.baseAddress! + (16 - width), width)
            }
            unsafe target += width
        }
        return try made(array, output)
    }

    /// Decimals of any width as big-endian bytes. 128 bits have a faster way.
    private func reversedBytes(_ array: ArrayData, width: Int) throws(MartletError) -> ArrayData {
        let (values, size) = try unsafe decimalValues(array)
        let output = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: width))
        let target = unsafe output.pointer(to: UInt8.self)
        for i in 0..<array.count {
            // Safety: `decimalValues` checked that `count` values of `size` bytes are there.
            let value = unsafe values + i * size
            let sign: UInt8 = unsafe value[size - 1] >> 7 == 0 ? 0 : 0xFF
            var fits = true
            for k in width..<max(width, size) { unsafe fits = fits && value[k] == sign }
            if width < size { unsafe fits = fits && value[width - 1] >> 7 == sign >> 7 }
            if !fits, array.isValid(i) {
                throw .invalid("decimal value of slot \(i) does not fit the precision of \(source)")
            }
            for k in 0..<width { unsafe target[i * width + width - 1 - k] = k < size ? value[k] : sign }
        }
        return try made(array, output)
    }

    /// Decimals of any width as integers of 32 or 64 bits.
    private func narrowed(_ array: ArrayData) throws(MartletError) -> ArrayData {
        let (values, size) = try unsafe decimalValues(array)
        let width = target == .int32 ? 4 : 8
        let output = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: width))
        for i in 0..<array.count {
            // Safety: `decimalValues` checked that `count` values of `size` bytes are there; null slots hold anything.
            let place = unsafe UnsafeRawPointer(values + i * size)
            var value: Int64
            var isWhole = true
            if size == 4 {
                value = unsafe Int64(place.loadUnaligned(as: Int32.self))
            } else {
                value = unsafe place.loadUnaligned(as: Int64.self)
                for k in stride(from: 8, to: size, by: 8) {
                    unsafe isWhole = isWhole && place.loadUnaligned(fromByteOffset: k, as: Int64.self) == value >> 63
                }
            }
            if width == 4 { isWhole = isWhole && Int64(Int32(truncatingIfNeeded: value)) == value }
            if !isWhole, array.isValid(i) {
                throw .invalid("decimal value of slot \(i) does not fit the precision of \(source)")
            }
            if width == 4 {
                unsafe output.pointer(to: Int32.self)[i] = Int32(truncatingIfNeeded: value)
            } else {
                unsafe output.pointer(to: Int64.self)[i] = value
            }
        }
        return try made(array, output)
    }

    /// The first value of a decimal array and the bytes of each.
    private func decimalValues(_ array: ArrayData) throws(MartletError) -> (UnsafePointer<UInt8>, Int) {
        guard let size = array.type.layout.buffers.first?.byteWidth, array.type.decimalDigits != nil else {
            throw .type("\(array.type) is no decimal")
        }
        let end = try array.offset.adding(checked: array.count).multiplied(checked: size)
        guard array.buffers[0].count >= end else {
            throw .invalid("values buffer of \(array.type) is too short: \(array.buffers[0].count) bytes for \(end)")
        }
        return unsafe (UnsafePointer(array.buffers[0].pointer(to: UInt8.self)) + array.offset * size, size)
    }

    /// Nanoseconds of the day, then the Julian day.
    private func int96(_ array: ArrayData, _ unit: TimeUnit) throws(MartletError) -> ArrayData {
        let input = try PrimitiveArray<Int64>(array)
        let output = try BufferBuilder(uninitializedCount: try input.count.multiplied(checked: 12))
        var target = unsafe UnsafeMutableRawPointer(output.pointer(to: UInt8.self))
        let perDay = unit.perSecond * 86_400
        let nanoseconds = 1_000_000_000 / unit.perSecond
        for i in 0..<input.count {
            var day = input[i] / perDay
            var rest = input[i] % perDay
            if rest < 0 {
                rest += perDay
                day -= 1
            }
            unsafe target.storeBytes(of: rest * nanoseconds, as: Int64.self)
            unsafe target.storeBytes(
                of: Int32(truncatingIfNeeded: day &+ 2_440_588), toByteOffset: 8, as: Int32.self)
            unsafe target += 12
        }
        return try made(array, output)
    }

    private func intervals(_ array: ArrayData, _ unit: IntervalUnit) throws(MartletError) -> ArrayData {
        let width = unit.byteWidth
        let end = try array.offset.adding(checked: array.count).multiplied(checked: width)
        guard array.buffers[0].count >= end else {
            throw .invalid("values buffer of \(source) is too short: \(array.buffers[0].count) bytes for \(end)")
        }
        let output = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: 12))
        // Safety: the guard keeps all values inside the buffer.
        let values = unsafe UnsafeRawPointer(array.buffers[0].pointer(to: UInt8.self)) + array.offset * width
        let target = unsafe UnsafeMutableRawPointer(output.pointer(to: UInt8.self))
        for i in 0..<array.count {
            // Null slots hold anything.
            var interval = StoredInterval(months: 0, days: 0, milliseconds: 0)
            if array.isValid(i) { interval = try unsafe StoredInterval(values + i * width, unit, slot: i) }
            let place = unsafe target + i * 12
            unsafe place.storeBytes(of: interval.months, as: Int32.self)
            unsafe place.storeBytes(of: interval.days, toByteOffset: 4, as: Int32.self)
            unsafe place.storeBytes(of: interval.milliseconds, toByteOffset: 8, as: UInt32.self)
        }
        return try made(array, output)
    }

    // MARK: Dictionaries

    /// The values that the indices of a dictionary array point at.
    private func decodeDictionary(_ array: ArrayData) throws(MartletError) -> ArrayData {
        guard let dictionary = array.dictionary else { return array }
        let places = try DictionaryPlaces(array, dictionary)
        let buffers = try withExtendedLifetime(dictionary) { () throws(MartletError) in
            try unsafe takenBuffers(dictionary, places.pointer, places.count)
        }
        return ArrayData(
            type: dictionary.type, count: places.count, validity: places.validity, nullCount: places.nullCount,
            buffers: buffers)
    }

    private func takenBuffers(
        _ dictionary: ArrayData, _ place: UnsafePointer<Int64>, _ count: Int
    ) throws(MartletError) -> [Buffer] {
        guard let role = dictionary.type.layout.buffers.first else { return [] }
        switch role {
        case .bits:
            let values = try BooleanArray(dictionary)
            var bits = try BitmapBuilder(capacity: count)
            for i in 0..<count { try bits.append(unsafe place[i] >= 0 && values[Int(place[i])]) }
            return [bits.finish()]
        case .offsets32: return try unsafe takenBytes(try BytesArray<Int32>(dictionary), place, count)
        case .offsets64: return try unsafe takenBytes(try BytesArray<Int64>(dictionary), place, count)
        case .bytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64: return []
        case .values, .fixedBytes:
            let width = role.byteWidth ?? 1
            let output = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
            let target = unsafe output.pointer(to: UInt8.self)
            let end = try dictionary.offset.adding(checked: dictionary.count).multiplied(checked: width)
            guard dictionary.buffers[0].count >= end else {
                throw .invalid("values buffer of \(dictionary.type) is too short")
            }
            let source = unsafe dictionary.buffers[0].pointer(to: UInt8.self) + dictionary.offset * width
            for i in 0..<count {
                let position = unsafe Int(place[i])
                if position >= 0 {
                    unsafe memcpy(target + i * width, source + position * width, width)
                } else {
                    unsafe memset(target + i * width, 0, width)
                }
            }
            return [output.finish()]
        }
    }

    private func takenBytes<Offset: OffsetValue>(
        _ values: BytesArray<Offset>, _ place: UnsafePointer<Int64>, _ count: Int
    ) throws(MartletError) -> [Buffer] {
        let offsets = try BufferBuilder(uninitializedCount: (count + 1) * MemoryLayout<Offset>.stride)
        let offset = unsafe offsets.pointer(to: Offset.self)
        var bytes = try BufferBuilder()
        unsafe offset[0] = 0
        for i in 0..<count {
            let position = unsafe Int(place[i])
            if position >= 0 { try bytes.append(values.bytes(position)) }
            guard let end = Offset(exactly: bytes.byteCount) else {
                throw .capacity("the values of a dictionary array take more than \(Offset.max) bytes; write smaller batches")
            }
            unsafe offset[i + 1] = end
        }
        return [offsets.finish(), bytes.finish()]
    }
}
