import MartletArrow
import MartletBase

extension Caster {
    /// Values as text, as pyarrow prints them.
    func printed() throws(MartletError) -> ArrayData {
        switch source.type {
        case .boolean:
            let bits = try source.bits()
            return try printed { text, row in text.append(contentsOf: bits[row] ? "true" : "false") }
        case .decimal128(_, let scale):
            let values = try PrimitiveArray<Int128>(source)
            return try printed { $0.append(contentsOf: text(ofDecimal: values[$1], scale: scale)) }
        case .timestamp(let unit, let zone):
            let values = try PrimitiveArray<Int64>(source)
            let shift = try ZoneShift(zone, unit: unit)
            let suffix = zone.map { shift.offset == 0 && !$0.hasPrefix("+") && !$0.hasPrefix("-") ? "Z" : $0.filter { $0 != ":" } }
            return try printed { output, row in
                output.append(
                    contentsOf: text(ofTimestamp: shift.local(values[row]), unit, isUTC: false) + (suffix ?? ""))
            }
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .duration, .float16, .float32,
            .float64, .date32, .date64, .time32, .time64:
            guard let kind = source.type.nativeKind else { throw unsupported() }
            return try kind.acceptNumber(NumberPrinting(caster: self))
        case .null, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .list, .largeList,
            .fixedSizeList, .struct, .map, .dictionary:
            throw unsupported()
        }
    }

    /// Builds the strings that `print` appends for each valid row.
    fileprivate func printed(
        _ print: @escaping @Sendable (inout TextOutput, Int) -> Void
    ) throws(MartletError) -> ArrayData {
        let size = 1 << 16
        let parts = try WorkerPool.map((count + size - 1) / size) { piece throws(MartletError) in
            try printed(piece * size..<min(count, (piece + 1) * size), print)
        }
        let text = try concatenate(parts, type: target)
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: text.buffers)
    }

    private func printed(
        _ rows: Range<Int>, _ print: (inout TextOutput, Int) -> Void
    ) throws(MartletError) -> ArrayData {
        let validity = source.usedValidityBitmap
        var output = try TextOutput(byteCapacity: rows.count * 8)
        let isWide = target.layout.buffers.first == .offsets64
        var offsets = try BufferBuilder(byteCapacity: (rows.count + 1) * 8)
        for row in rows {
            if isWide { try offsets.append(Int64(output.byteCount)) } else { try offsets.append(Int32(output.byteCount)) }
            if validity?[row] ?? true { print(&output, row) }
            guard isWide || output.byteCount <= Int(Int32.max) else {
                throw .capacity("Casting to string exceeds 2 GiB at \(place.text(row)); cast to large_string")
            }
        }
        if isWide { try offsets.append(Int64(output.byteCount)) } else { try offsets.append(Int32(output.byteCount)) }
        let bytes = try output.finish()
        return ArrayData(type: target, count: rows.count, buffers: [offsets.finish(), bytes])
    }

    /// Text as values. What cannot be read fails with pyarrow's text, the row and the column's type.
    func parsed() throws(MartletError) -> ArrayData {
        switch target {
        case .boolean:
            var bits = try BitmapBuilder(capacity: count)
            try eachText { text, row throws(MartletError) in
                guard let text else { return try bits.append(false) }
                guard let value = TextParser.boolean(text) else {
                    throw .invalid("Failed to parse value: \(TextParser.string(text)) (\(place.text(row))); expected true or false")
                }
                try bits.append(value)
            }
            return .booleans(bits.finish(), count: count, validity: try source.rebasedValidity())
        case .decimal128(let precision, let scale):
            return try parsed(Int128.self, else: 0) { text, row throws(MartletError) in
                try decimal(text, precision, scale, row)
            }
        case .date32:
            return try parsed(Int32.self, else: 0) { text, row throws(MartletError) in
                guard let days = TextParser.date(text) else { throw unreadable(text, row) }
                return Int32(truncatingIfNeeded: days)
            }
        case .date64:
            return try parsed(Int64.self, else: 0) { text, row throws(MartletError) in
                guard let days = TextParser.date(text) else { throw unreadable(text, row) }
                return days * 86_400_000
            }
        case .time32(let unit):
            return try parsed(Int32.self, else: 0) { text, row throws(MartletError) in
                guard let time = TextParser.time(text, unit) else { throw unreadable(text, row) }
                return Int32(truncatingIfNeeded: time)
            }
        case .time64(let unit):
            return try parsed(Int64.self, else: 0) { text, row throws(MartletError) in
                guard let time = TextParser.time(text, unit) else { throw unreadable(text, row) }
                return time
            }
        case .timestamp(let unit, let zone):
            return try parsed(Int64.self, else: 0) { text, row throws(MartletError) in
                guard let stamp = TextParser.timestamp(text, unit) else { throw unreadable(text, row) }
                if stamp.hasZone && zone == nil { throw unreadable(text, row, ": expected no zone offset.") }
                if !stamp.hasZone && zone != nil {
                    throw unreadable(
                        text, row,
                        ": expected a zone offset. If these timestamps are in local time, cast to timestamp without "
                            + "timezone, then call assume_timezone.")
                }
                return stamp.value
            }
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .duration:
            guard let kind = target.nativeKind else { throw unsupported() }
            return try kind.acceptNumber(NumberParsing(caster: self))
        case .null, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .list, .largeList,
            .fixedSizeList, .struct, .map, .dictionary:
            throw unsupported()
        }
    }

    private func decimal(
        _ text: borrowing Span<UInt8>, _ precision: Int, _ scale: Int, _ row: Int
    ) throws(MartletError) -> Int128 {
        guard let number = TextParser.decimal(text) else {
            throw .invalid(
                "The string '\(TextParser.string(text))' is not a valid decimal128 number (\(place.text(row)))")
        }
        let shift = scale - number.scale
        guard shift >= -76, number.digits != 0 else { return 0 }
        let limit = powersOfTen[min(max(precision, 1), 38)]
        var value = number.digits
        if shift < 0 {
            let factor = shift < -38 ? 0 : powersOfTen[-shift]
            guard factor != 0, options.allowDecimalTruncate || value % factor == 0 else {
                throw .invalid(
                    "Rescaling Decimal value would cause data loss: '\(TextParser.string(text))' (\(place.text(row))); "
                        + "cast to a larger scale")
            }
            value /= factor
        } else {
            let (product, overflow) = shift > 38 ? (0, true) : value.multipliedReportingOverflow(by: powersOfTen[shift])
            value = overflow ? Int128.max : product
        }
        guard value < limit, value > -limit else {
            throw .invalid(
                "Decimal value does not fit in precision \(precision): '\(TextParser.string(text))' (\(place.text(row)))")
        }
        return value
    }

    func unreadable(_ text: borrowing Span<UInt8>, _ row: Int, _ why: String = "") -> MartletError {
        .invalid(
            "Failed to parse string: '\(TextParser.string(text))' as a scalar of type \(target)\(why) (\(place.text(row)))"
        )
    }

    /// `body` for each row: its text, nil where it is null.
    private func eachText(
        in rows: Range<Int>? = nil, _ body: (Span<UInt8>?, Int) throws(MartletError) -> Void
    ) throws(MartletError) {
        let rows = rows ?? 0..<count
        func walk<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) {
            let view = try BytesArray<Offset>(source)
            for row in rows {
                if view.isValid(row) {
                    let bytes = view.bytes(row)
                    let span = unsafe bytes._unsafeView(as: UInt8.self)
                    try body(span, row)
                } else {
                    try body(nil, row)
                }
            }
        }
        if source.type.layout.buffers.first == .offsets64 { try walk(Int64.self) } else { try walk(Int32.self) }
    }

    fileprivate func parsed<To: NativeValue>(
        _ type: To.Type, else zero: To, _ parse: @Sendable (borrowing Span<UInt8>, Int) throws(MartletError) -> To
    ) throws(MartletError) -> ArrayData {
        let buffer = try unsafe makeValues(type, count: count) { target throws(MartletError) in
            let output = unsafe Shared(target)
            // Safety: pieces are disjoint, and rows below the count.
            try forEachPiece(of: count, size: 1 << 16) { start, length throws(MartletError) in
                try eachText(in: start..<start + length) { text, row throws(MartletError) in
                    unsafe output.value[row] = if let text { try parse(text, row) } else { zero }
                }
            }
        }
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: [buffer])
    }
}

private struct NumberParsing: NumberVisitor {
    let caster: Caster
    func visit<To: NumberValue>(_ type: To.Type) throws(MartletError) -> ArrayData {
        try caster.parsed(type, else: .zero) { text, row throws(MartletError) in
            if !To.isInteger {
                guard let value = TextParser.float(text) else { throw caster.unreadable(text, row) }
                return To(double: value)
            }
            guard let value = TextParser.integer(text, To.self) else { throw caster.unreadable(text, row) }
            return value
        }
    }
}

private struct NumberPrinting: NumberVisitor {
    let caster: Caster
    func visit<From: NumberValue>(_ type: From.Type) throws(MartletError) -> ArrayData {
        let values = try PrimitiveArray<From>(caster.source)
        switch caster.source.type {
        case .date32: return try caster.printed { $0.append(contentsOf: CivilDate(daysSinceEpoch: values[$1].bits).text) }
        case .date64:
            return try caster.printed {
                $0.append(contentsOf: CivilDate(daysSinceEpoch: floorDivide(values[$1].bits, 86_400_000)).text)
            }
        case .time32(let unit), .time64(let unit):
            return try caster.printed { $0.append(contentsOf: text(ofTime: values[$1].bits, unit)) }
        case .float32: return try caster.printed { $0.append(float: Float(values[$1].double)) }
        case .float16, .float64: return try caster.printed { $0.append(float: values[$1].double) }
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .string, .largeString,
            .binary, .largeBinary, .fixedSizeBinary, .timestamp, .duration, .decimal128, .list, .largeList,
            .fixedSizeList, .struct, .map, .dictionary:
            return try caster.printed { $0.append(integer: values[$1].bits, isSigned: From.isSigned) }
        }
    }
}

/// Text that grows; the first failure to get memory is kept for `finish`.
struct TextOutput: ~Copyable {
    private var bytes: BufferBuilder
    private var failure: MartletError?

    init(byteCapacity: Int) throws(MartletError) { bytes = try BufferBuilder(byteCapacity: byteCapacity) }

    var byteCount: Int { bytes.byteCount }

    mutating func append(contentsOf text: some StringProtocol) {
        do throws(MartletError) {
            let text = String(text)
            try unsafe bytes.append(text.utf8Span.span.bytes)
        } catch { failure = failure ?? error }
    }

    /// The shortest digits; Swift's own text where it has the form wanted.
    mutating func append<Value: BinaryFloatingPoint & LosslessStringConvertible>(float value: Value) {
        let magnitude = value.magnitude
        guard magnitude >= 0.001, magnitude < 1e15 else { return append(contentsOf: text(ofFloat: value)) }
        let text = value.description
        append(contentsOf: text.hasSuffix(".0") ? text.dropLast(2) : text[...])
    }

    mutating func append(integer value: Int64, isSigned: Bool) {
        do throws(MartletError) {
            var magnitude = isSigned ? value.magnitude : UInt64(bitPattern: value)
            if isSigned && value < 0 { try bytes.append(UInt8(ascii: "-")) }
            var digits: InlineArray<20, UInt8> = .init(repeating: 0)
            var length = 0
            repeat {
                digits[length] = UInt8(truncatingIfNeeded: 48 + magnitude % 10)
                magnitude /= 10
                length += 1
            } while magnitude != 0
            while length > 0 {
                length -= 1
                try bytes.append(digits[length])
            }
        } catch { failure = failure ?? error }
    }

    consuming func finish() throws(MartletError) -> Buffer {
        if let failure { throw failure }
        return bytes.finish()
    }
}
