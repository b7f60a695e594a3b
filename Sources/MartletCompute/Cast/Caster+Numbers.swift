import Glibc
import MartletArrow
import MartletBase

extension Caster {
    /// Between numbers of any kinds, and from booleans.
    func numbers() throws(MartletError) -> ArrayData {
        guard let to = target.nativeKind else { throw unsupported() }
        let reader = try LaneReader(source)
        let buffer: Buffer
        switch (reader.isFloat, to.isFloat) {
        case (false, false): buffer = try integersToIntegers(reader, to)
        case (false, true): buffer = try integersToFloats(reader, to)
        case (true, false): buffer = try floatsToIntegers(reader, to)
        case (true, true):
            buffer = try makeLanes(to, count: count) { block, writer in
                unsafe writer.store(reader.doubles(block, 0), block)
                return true
            }
        }
        return try result([buffer])
    }

    /// An array of the target's type with the validity of the source.
    func result(_ buffers: [Buffer], as type: DataType? = nil) throws(MartletError) -> ArrayData {
        ArrayData(
            type: type ?? target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: buffers)
    }

    private func integersToIntegers(_ reader: LaneReader, _ to: NativeKind) throws(MartletError) -> Buffer {
        let range = sharedRange(reader, to)
        let (isUnsigned, mayWrap) = (reader.isUnsigned, options.allowIntOverflow)
        let (place, source) = (place, source)
        return try makeLanes(to, count: count, validity: source.usedValidityBitmap) { block, writer in
            let lanes = unsafe reader.integers(block, 0)
            unsafe writer.store(lanes, block)
            return unsafe mayWrap || lanesFit(lanes, block.count, range, isUnsigned: isUnsigned)
        } failure: { row in
            .invalid(
                "Integer value \(reader.text(at: row)) not in range: \(range.low) to \(UInt64(bitPattern: range.high)) "
                    + "(\(place.text(row))); cast to a wider type, or pass safe=False to keep the low bits")
        }
    }

    /// The integers that both kinds hold.
    private func sharedRange(_ reader: LaneReader, _ to: NativeKind) -> (low: Int64, high: Int64) {
        let (a, b) = ((reader.kind ?? .uint8).range, to.range)
        return (max(a.low, b.low), Int64(bitPattern: min(UInt64(bitPattern: a.high), UInt64(bitPattern: b.high))))
    }

    private func integersToFloats(_ reader: LaneReader, _ to: NativeKind) throws(MartletError) -> Buffer {
        let limit = Int64(1) << Int64(to == .float64 ? 53 : to == .float32 ? 24 : 11)
        let isUnsigned = reader.isUnsigned
        if to == .float64 && (reader.kind?.byteWidth ?? 1) < 8 {
            return try makeLanes(to, count: count) { block, writer in
                let lanes = unsafe reader.doubles(block, 0)
                unsafe writer.store(lanes, block)
                return true
            }
        }
        let mayRound = options.allowFloatTruncate
        let (place, target) = (place, target)
        return try makeLanes(to, count: count, validity: source.usedValidityBitmap) { block, writer in
            let lanes = unsafe reader.integers(block, 0)
            if to == .float32, (reader.kind?.byteWidth ?? 1) == 8 {
                // Rounded once: by way of a double it would be twice.
                let floats = unsafe writer.plain(block, Float.self)
                if isUnsigned {
                    unsafe mapLanes(lanes, floats, block.count) { Float(UInt64(bitPattern: $0)) }
                } else {
                    unsafe mapLanes(lanes, floats, block.count) { Float($0) }
                }
            } else {
                let out = unsafe writer.doubles(block, 1)
                if reader.kind == .uint64 {
                    unsafe mapLanes(lanes, out, block.count) { Double(UInt64(bitPattern: $0)) }
                } else {
                    unsafe mapLanes(lanes, out, block.count) { Double($0) }
                }
                unsafe writer.store(out, block)
            }
            return unsafe mayRound
                || lanesFit(lanes, block.count, (isUnsigned ? 0 : -limit, limit), isUnsigned: isUnsigned)
        } failure: { row in
            .invalid(
                "Integer value \(reader.text(at: row)) not in range: \(isUnsigned ? 0 : -limit) to \(limit) "
                    + "(\(place.text(row))); pass safe=False to round to the next \(target)")
        }
    }

    private func floatsToIntegers(_ reader: LaneReader, _ to: NativeKind) throws(MartletError) -> Buffer {
        let range = to.range
        let mayCut = options.allowFloatTruncate
        let (place, target) = (place, target)
        return try makeLanes(to, count: count, validity: source.usedValidityBitmap) { block, writer in
            let from = unsafe reader.doubles(block, 0)
            let lanes = unsafe writer.integers(block, 1)
            var isExact = true
            if to == .uint64 {
                for i in 0..<block.count {
                    let value = unsafe from[i]
                    let isLarge = value >= 9_223_372_036_854_775_808.0
                    let whole =
                        isLarge
                        ? (value < 18_446_744_073_709_551_616.0 ? UInt64(value) : 0)
                        : UInt64(bitPattern: Int64(lane: value))
                    unsafe lanes[i] = Int64(bitPattern: whole)
                    isExact = isExact && Double(whole) == value
                }
            } else {
                for i in 0..<block.count {
                    let value = unsafe from[i]
                    let whole = Int64(lane: value)
                    unsafe lanes[i] = whole
                    isExact = isExact && Double(whole) == value
                }
                if !mayCut { unsafe isExact = isExact && lanesFit(lanes, block.count, range, isUnsigned: false) }
            }
            unsafe writer.store(lanes, block)
            return mayCut || isExact
        } failure: { row in
            .invalid(
                "Float value \(fixedText(reader.double(at: row))) was truncated converting to \(target) "
                    + "(\(place.text(row))); round the values first, or pass safe=False")
        }
    }

    /// Whether each number is not zero.
    func numbersToBooleans() throws(MartletError) -> ArrayData {
        let reader = try LaneReader(source)
        return try result([
            try unsafe makeLaneBits(count: count) { block, bytes in
                if reader.isFloat {
                    unsafe mapLanes(reader.doubles(block, 0), bytes, block.count) { $0 != 0 ? 1 : 0 }
                } else {
                    unsafe mapLanes(reader.integers(block, 0), bytes, block.count) { $0 != 0 ? 1 : 0 }
                }
            }
        ])
    }
}

/// C's `%f`: six digits behind the point.
func fixedText(_ value: Double) -> String {
    var text = [CChar](repeating: 0, count: 512)
    let length = unsafe withVaList([value]) { arguments in unsafe vsnprintf(&text, 512, "%f", arguments) }
    return String(decoding: text.prefix(Int(max(0, min(length, 511)))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
