import MartletArrow
import MartletBase

extension Caster {
    /// Values as text, as pyarrow prints them.
    func printed() throws(MartletError) -> ArrayData {
        switch source.type {
        case .boolean:
            return try printed { output, lane in output.append(contentsOf: lane != 0 ? "true" : "false") }
        case .decimal128(_, let scale):
            let values = try PrimitiveArray<Int128>(source)
            return try printedRows { output, row in
                output.append(contentsOf: text(ofDecimal: values[row], scale: scale))
            }
        case .decimal256:
            let source = source
            return try printedRows { output, row in output.append(contentsOf: (try? source.text(at: row)) ?? "") }
        case .timestamp(let unit, let zone):
            let shift = try ZoneShift(zone, unit: unit)
            return try printed { output, lane in
                output.append(contentsOf: text(ofTimestamp: shift.local(lane), unit, isUTC: false))
                if zone != nil { output.append(contentsOf: shift.isUTC ? "Z" : shift.offsetText(at: lane)) }
            }
        case .int8, .int16, .int32, .int64, .duration:
            return try printed { output, lane in output.append(integer: lane, isSigned: true) }
        case .uint8, .uint16, .uint32, .uint64:
            return try printed { output, lane in output.append(integer: lane, isSigned: false) }
        case .float32:
            return try printed { $0.append(float: Float(Double(bitPattern: UInt64(bitPattern: $1)))) }
        case .float16, .float64:
            return try printed { $0.append(float: Double(bitPattern: UInt64(bitPattern: $1))) }
        case .date32: return try printed { $0.append(contentsOf: CivilDate(daysSinceEpoch: $1).text) }
        case .date64:
            return try printed { $0.append(contentsOf: CivilDate(daysSinceEpoch: floorDivide($1, 86_400_000)).text) }
        case .time32(let unit), .time64(let unit):
            return try printed { $0.append(contentsOf: text(ofTime: $1, unit)) }
        case .null, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .list, .largeList,
            .fixedSizeList, .struct, .map, .dictionary, .stringView, .binaryView, .interval, .decimal32, .decimal64,
            .listView, .largeListView, .union, .runEndEncoded, .extension:
            throw unsupported()
        }
    }

    /// Builds the strings that `print` appends for each valid number: an integer, or the bits of a double.
    private func printed(_ print: @escaping @Sendable (inout TextOutput, Int64) -> Void) throws(MartletError)
        -> ArrayData
    {
        let reader = try LaneReader(source)
        return try printedRows { output, row in
            print(
                &output, reader.isFloat ? Int64(bitPattern: reader.double(at: row).bitPattern) : reader.integer(at: row)
            )
        }
    }

    private func printedRows(_ print: @escaping @Sendable (inout TextOutput, Int) -> Void) throws(MartletError)
        -> ArrayData
    {
        try makeText(target, count: count, validity: source.usedValidityBitmap, print)
    }

    /// Text as values. What cannot be read fails with pyarrow's text, the row and the column's type.
    func parsed() throws(MartletError) -> ArrayData {
        if case .decimal128(let precision, let scale) = target { return try parsedDecimals(precision, scale) }
        let (strings, validity, this) = (try BytesReader(source), source.usedValidityBitmap, self)
        let failure: @Sendable (Int) -> MartletError = { row in this.unreadable(strings.text(row), row) }
        if target == .boolean {
            let lanes = try makeLanes(.uint8, count: count, validity: validity) { block, writer in
                this.parse(block, writer, strings, validity) { text in TextParser.boolean(text).map { $0 ? 1 : 0 } }
            } failure: { row in
                .invalid(
                    "Failed to parse value: \(strings.text(row)) (\(this.place.text(row))); expected true or false")
            }
            let numbers = ArrayData(type: .uint8, count: count, buffers: [lanes])
            return try result(try cast(numbers, to: .boolean).buffers)
        }
        guard let kind = target.nativeKind else { throw unsupported() }
        let target = target
        let buffer = try makeLanes(kind, count: count, validity: validity) { block, writer in
            if kind.isFloat {
                return this.parse(block, writer, strings, validity) { text in
                    TextParser.float(text).map { Int64(bitPattern: $0.bitPattern) }
                }
            }
            return switch target {
            case .date32: this.parse(block, writer, strings, validity) { TextParser.date($0) }
            case .date64: this.parse(block, writer, strings, validity) { TextParser.date($0).map { $0 * 86_400_000 } }
            case .time32(let unit), .time64(let unit):
                this.parse(block, writer, strings, validity) { TextParser.time($0, unit) }
            case .timestamp(let unit, let zone):
                this.parse(block, writer, strings, validity) { text in
                    let stamp = TextParser.timestamp(text, unit)
                    return stamp?.hasZone == (zone != nil) ? stamp?.value : nil
                }
            case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .duration, .null, .boolean, .float16,
                .float32, .float64, .decimal128, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .list,
                .largeList, .fixedSizeList, .struct, .map, .dictionary, .stringView, .binaryView, .interval, .decimal32,
                .decimal64, .decimal256, .listView, .largeListView, .union, .runEndEncoded, .extension:
                this.parse(block, writer, strings, validity) { text in
                    if kind == .int64, let value = TextParser.shortInteger(text, readable: strings.readable(text)) {
                        return value
                    }
                    return TextParser.integer(text, kind)
                }
            }
        } failure: { row in
            guard case .timestamp(let unit, let zone) = target,
                let stamp = TextParser.timestamp(strings.slot(row), unit)
            else { return failure(row) }
            return stamp.hasZone && zone == nil
                ? this.unreadable(strings.text(row), row, ": expected no zone offset.")
                : this.unreadable(
                    strings.text(row), row,
                    ": expected a zone offset. If these timestamps are in local time, cast to timestamp without "
                        + "timezone, then call assume_timezone.")
        }
        return try result([buffer])
    }

    /// The valid rows of a block through `read`, which gives nil for what it cannot read.
    @inline(__always)
    private func parse(
        _ block: LaneBlock, _ writer: LaneWriter, _ strings: BytesReader, _ validity: Bitmap?,
        _ read: (Bytes) -> Int64?
    ) -> Bool {
        let out = unsafe writer.integers(block, 0)
        var fits = true
        for i in 0..<block.count {
            var value: Int64?
            if validity?[block.start &+ i] ?? true {
                value = read(strings.slot(block.start &+ i))
                fits = fits && value != nil
            }
            // Safety: the block's lanes.
            unsafe out[i] = value ?? 0
        }
        if writer.kind.isFloat {
            unsafe writer.store(UnsafeRawPointer(out).assumingMemoryBound(to: Double.self), block)
        } else {
            unsafe writer.store(out, block)
        }
        return fits
    }

    private func parsedDecimals(_ precision: Int, _ scale: Int) throws(MartletError) -> ArrayData {
        let strings = try BytesReader(source)
        let validity = source.usedValidityBitmap
        return try result([
            try unsafe makeValues(Int128.self, count: count) { target throws(MartletError) in
                let out = unsafe Shared(target)
                // Safety: pieces are disjoint.
                try forEachPiece(of: count, size: 1 << 16) { start, length throws(MartletError) in
                    for row in start..<start + length {
                        unsafe out.value[row] = validity?[row] ?? true ? try decimal(strings, precision, scale, row) : 0
                    }
                }
            }
        ])
    }

    private func decimal(
        _ strings: BytesReader, _ precision: Int, _ scale: Int, _ row: Int
    ) throws(MartletError) -> Int128 {
        guard let number = TextParser.decimal(strings.slot(row)) else {
            throw .invalid(
                "The string '\(strings.text(row))' is not a valid decimal128 number (\(place.text(row)))")
        }
        let shift = scale - number.scale
        guard shift >= -76, number.digits != 0 else { return 0 }
        let limit = powersOfTen[min(max(precision, 1), 38)]
        var value = number.digits
        if shift < 0 {
            let factor = shift < -38 ? 0 : powersOfTen[-shift]
            guard factor != 0, options.allowDecimalTruncate || value % factor == 0 else {
                throw .invalid(
                    "Rescaling Decimal value would cause data loss: '\(strings.text(row))' (\(place.text(row))); "
                        + "cast to a larger scale")
            }
            value /= factor
        } else {
            let (product, overflow) = shift > 38 ? (0, true) : value.multipliedReportingOverflow(by: powersOfTen[shift])
            value = overflow ? Int128.max : product
        }
        guard value < limit, value > -limit else {
            throw .invalid(
                "Decimal value does not fit in precision \(precision): '\(strings.text(row))' (\(place.text(row)))")
        }
        return value
    }

    func unreadable(_ text: String, _ row: Int, _ why: String = "") -> MartletError {
        .invalid(
            "Failed to parse string: '\(text)' as a scalar of type \(target)\(why) (\(place.text(row)))"
        )
    }
}
