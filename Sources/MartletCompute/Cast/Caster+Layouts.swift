import MartletArrow
import MartletBase

// Types that say what another type says and lie otherwise: views, runs, extensions, and decimals of other widths than 128
// bits. They are cast by way of the plain type.

extension Caster {
    /// The cast where one side lies in memory in another way than the plain type of its values; nil where neither does.
    func betweenLayouts() throws(MartletError) -> ArrayData? {
        switch source.type {
        case .extension: return try again(source.storage)
        case .stringView, .binaryView, .listView, .largeListView, .runEndEncoded:
            return try again(source.contiguousStrings())
        case .decimal32, .decimal64:
            if let same = try sameWidth() { return same }
            return try again(try widenedDecimals())
        case .decimal256(_, let scale):
            if let same = try sameWidth() { return same }
            if let result = try fromWideDecimals(scale) { return result }
        case _: break
        }
        switch target {
        case .extension(let type): return try via(type.storage).reinterpreted(as: target)
        case .runEndEncoded(let ends, let values):
            return try runEndEncode(try via(values.type), ends: ends, values: values)
        case .stringView: return try views(Self.family(source.type) == .text ? source : try via(.largeString))
        case .binaryView:
            return try views([.text, .binary].contains(Self.family(source.type)) ? source : try via(.largeBinary))
        case .listView(let field): return try listViews(try via(.list(field)))
        case .largeListView(let field): return try listViews(try via(.largeList(field)))
        case .decimal32(let precision, let scale), .decimal64(let precision, let scale):
            if case .dictionary = source.type { return nil }
            if case .null = source.type { return nil }
            return try narrowedDecimals(try via(.decimal128(precision: precision, scale: scale)))
        case .decimal256(let precision, let scale): return try toWideDecimals(precision, scale)
        case _: return nil
        }
    }

    func again(_ array: ArrayData) throws(MartletError) -> ArrayData {
        try Caster(source: array, target: target, options: options, place: place).run()
    }

    func via(_ type: DataType) throws(MartletError) -> ArrayData {
        try Caster(source: source, target: type, options: options, place: place).run()
    }

    /// Strings or binaries with offsets as views of the same bytes.
    private func views(_ array: ArrayData) throws(MartletError) -> ArrayData {
        if array.type.layout.buffers == [.views] { return array.reinterpreted(as: target) }
        if target == .stringView, Self.family(array.type) == .binary, !options.allowInvalidUTF8 {
            return try views(try Caster(source: array, target: .largeString, options: options, place: place).run())
        }
        let (reader, validity) = (try BytesReader(array), array.usedValidityBitmap)
        let bytes = array.buffers[array.buffers.count - 1]
        // A view reaches 2^31 bytes far; larger buffers are cut into overlapping parts.
        let reach = 1 << 30
        let builder = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: 16))
        let base = unsafe bytes.pointer(to: UInt8.self)
        for row in 0..<array.count {
            let view = unsafe builder.address + row * 16
            unsafe view.storeBytes(of: 0, as: UInt64.self)
            unsafe view.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
            guard validity?[row] ?? true else { continue }
            let slot = reader.slot(row)
            guard slot.count <= reach else {
                throw .capacity("\(place.text(row)) has \(slot.count) bytes, too many for a view")
            }
            // Safety: a view of 16 bytes for each row; slots lie inside the bytes.
            unsafe view.storeBytes(of: Int32(slot.count), as: Int32.self)
            if slot.count <= BinaryViewArray.inlineCapacity {
                unsafe (view + 4).copyMemory(from: slot.start, byteCount: slot.count)
            } else {
                let start = unsafe slot.start - base
                unsafe (view + 4).copyMemory(from: slot.start, byteCount: 4)
                unsafe view.storeBytes(of: Int32(start / reach), toByteOffset: 8, as: Int32.self)
                unsafe view.storeBytes(of: Int32(start % reach), toByteOffset: 12, as: Int32.self)
            }
        }
        var parts: [Buffer] = []
        var start = 0
        while start < bytes.count {
            parts.append(try bytes.slice(at: start, count: min(reach * 2 - 1, bytes.count - start)))
            start += reach
        }
        return ArrayData(
            type: target, count: array.count, validity: try array.rebasedValidity(), nullCount: array.knownNullCount,
            buffers: [builder.finish()] + parts)
    }

    /// Lists with offsets as list views of the same items.
    private func listViews(_ array: ArrayData) throws(MartletError) -> ArrayData {
        let ranges = try ListRanges(array)
        let kind: NativeKind = array.type.layout.buffers == [.offsets64] ? .int64 : .int32
        func lanes(_ value: @Sendable (Range<Int>) -> Int) throws(MartletError) -> Buffer {
            try makeLanes(kind, count: array.count) { block, writer in
                let out = unsafe writer.integers(block, 0)
                for i in 0..<block.count { unsafe out[i] = Int64(value(ranges[block.start &+ i])) }
                unsafe writer.store(out, block)
                return true
            }
        }
        return ArrayData(
            type: target, count: array.count, validity: try array.rebasedValidity(), nullCount: array.knownNullCount,
            buffers: [try lanes { $0.lowerBound }, try lanes { $0.count }], children: array.children)
    }

    // MARK: decimals

    /// Decimals of the same width and scale, and of no fewer digits, are the same numbers.
    private func sameWidth() throws(MartletError) -> ArrayData? {
        guard let from = source.type.decimalDigits, let to = target.decimalDigits, from.scale == to.scale,
            to.precision >= from.precision, source.type.layout == target.layout
        else { return nil }
        return source.reinterpreted(as: target)
    }

    /// Decimals of 32 or 64 bits in 128 bits.
    private func widenedDecimals() throws(MartletError) -> ArrayData {
        guard let (precision, scale) = source.type.decimalDigits else { throw unsupported() }
        let (count, reader) = (count, try LaneReader(source))
        let buffer = try unsafe makeValues(Int128.self, count: count) { target throws(MartletError) in
            let out = unsafe Shared(target)
            try forEachBlock(of: count) { block in
                let lanes = unsafe reader.integers(block, 0)
                for i in 0..<block.count { unsafe out.value[block.start &+ i] = Int128(lanes[i]) }
                return true
            }
        }
        return ArrayData(
            type: .decimal128(precision: precision, scale: scale), count: count, validity: try source.rebasedValidity(),
            nullCount: source.knownNullCount, buffers: [buffer])
    }

    /// Decimals of 128 bits, whose precision was checked, in 32 or 64 bits.
    private func narrowedDecimals(_ array: ArrayData) throws(MartletError) -> ArrayData {
        let values = try PrimitiveArray<Int128>(array)
        let width = target.layout.buffers.first?.byteWidth == 4 ? 4 : 8
        let builder = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: width))
        for i in 0..<array.count {
            let place = unsafe builder.address + i &* width
            // Safety: `width` bytes for each slot.
            switch width {
            case 4: unsafe place.storeBytes(of: Int32(truncatingIfNeeded: values[i]), as: Int32.self)
            case _: unsafe place.storeBytes(of: Int64(truncatingIfNeeded: values[i]), as: Int64.self)
            }
        }
        return ArrayData(
            type: target, count: array.count, validity: try array.rebasedValidity(), nullCount: array.knownNullCount,
            buffers: [builder.finish()])
    }
}

/// Slots that follow each other and are equal as one run.
func runEndEncode(_ array: ArrayData, ends: Field, values: Field) throws(MartletError) -> ArrayData {
    let rows = try HashedRows(key: array)
    let ids = unsafe rows.ids.pointer(to: UInt32.self)
    var (firsts, stops): ([Int], [Int]) = ([], [])
    // Safety: there is an id for each row.
    for row in 0..<array.count where unsafe row == 0 || ids[row] != ids[row - 1] {
        if row > 0 { stops.append(row) }
        firsts.append(row)
    }
    if array.count > 0 { stops.append(array.count) }
    return ArrayData(
        type: .runEndEncoded(runEnds: ends, values: values), count: array.count,
        children: [try .runEnds(stops, ends.type), try take(array, rows: try Rows(numbers: firsts))])
}
