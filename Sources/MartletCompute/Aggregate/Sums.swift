import MartletArrow
import MartletBase

/// The valid numbers of an array summed up, multiplied, or spread around their mean.
struct Sums: Sendable {
    let array: ArrayData

    /// The sum: int64, uint64 or double; booleans count as 0 and 1; integers wrap.
    func sum(_ function: String, isProduct: Bool = false) throws(MartletError) -> ArrayData {
        let type = array.type
        switch type {
        case .null: return try .single(isProduct ? 1 as Int64 : 0, .int64)
        case .boolean:
            let bits = try Bitmap(
                try intersection(try array.bits(), array.usedValidityBitmap, count: array.count) ?? .empty,
                count: array.count)
            let trues = UInt64(bits.trueCount)
            let valid = UInt64(array.count - array.nullCount)
            return try .single(isProduct ? (trues == valid ? 1 : 0) : trues, .uint64)
        case .decimal128(_, let scale):
            let values = try PrimitiveArray<Int128>(array)
            if isProduct { return try .single(product(of: values, scale: scale), type) }
            var total: Int128 = 0
            for i in 0..<values.count where values.isValid(i) { total &+= values[i] }
            return try .single(total, .decimal128(precision: 38, scale: scale))
        case .decimal256(_, let scale):
            return isProduct ? try wideProduct(array, scale: scale) : try wideSum(array, scale: scale)
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64:
            return try numbers(isProduct: isProduct)
        case .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32, .time64,
            .timestamp, .duration, .list, .largeList, .fixedSizeList, .struct, .map, .dictionary, .stringView,
            .binaryView,
            .interval, .decimal32, .decimal64, .listView, .largeListView, .union, .runEndEncoded,
            .extension:
            throw noKernel(function, [type])
        }
    }

    /// The mean as a double; that of decimals as a decimal, rounded half away from zero.
    func mean() throws(MartletError) -> ArrayData {
        try Self.mean(total: try sum("mean"), count: array.count - array.nullCount, of: array.type)
    }

    /// The mean of `count` values of `type` whose sum is `total`.
    static func mean(total: ArrayData, count: Int, of type: DataType) throws(MartletError) -> ArrayData {
        if case .decimal128 = type {
            let total = try PrimitiveArray<Int128>(total)
            return try .single(count == 0 ? nil : roundedMean(total[0], count), type)
        }
        if case .decimal256 = type { return try wideMean(total: total, count: count, type) }
        let value = try PrimitiveArray<Double>(try cast(total, to: .float64, options: .implicit))
        return try .single(count == 0 || !value.isValid(0) ? nil : value[0] / Double(count), .float64)
    }

    /// The sum of the squared distances from the mean, and how many values there are.
    func squares(_ function: String) throws(MartletError) -> (Double, Int) {
        guard array.type.isNumeric || Caster.family(array.type) == .decimal else {
            throw noKernel(function, [array.type])
        }
        let numbers = array.type.isNumeric ? array : try cast(array, to: .float64, options: .unsafe)
        let (reader, validity) = (try LaneReader(numbers), numbers.usedValidityBitmap)
        let parts = try reduceBlocks(of: numbers.count, Spread()) { spread, block in
            let (lanes, count) = unsafe reader.denseDoubles(block, validity)
            unsafe spread.add(Spread(lanes, count))
        }
        let total = parts.reduce(into: Spread()) { $0.add($1) }
        return (total.squares, total.count)
    }
}

/// The mean of `count` decimals whose sum is `total`, rounded half away from zero.
func roundedMean(_ total: Int128, _ count: Int) -> Int128 {
    let (quotient, rest) = total.quotientAndRemainder(dividingBy: Int128(count))
    return rest.magnitude &* 2 >= UInt128(count) ? quotient &+ total.signum() : quotient
}

/// How many numbers, their mean, and the sum of their squared distances from it.
struct Spread: Sendable {
    private(set) var count = 0
    private(set) var mean = 0.0
    private(set) var squares = 0.0

    init() {}

    /// Of a block of lanes: two passes in the cache.
    init(_ lanes: UnsafePointer<Double>, _ count: Int) {
        if count == 0 { return }
        self.count = count
        let mean = unsafe laneSum(lanes, count) / Double(count)
        self.mean = mean
        var sums = SIMD4<Double>.zero
        var index = 0
        while index &+ 4 <= count {
            let p = unsafe lanes + index
            let distance = unsafe SIMD4(p[0], p[1], p[2], p[3]) - mean
            sums += distance * distance
            index &+= 4
        }
        squares = sums.sum()
        for i in index..<count { unsafe squares += (lanes[i] - mean) * (lanes[i] - mean) }
    }

    /// Both together (Chan, Golub and LeVeque).
    mutating func add(_ other: Spread) {
        if other.count == 0 { return }
        let total = count + other.count
        let distance = other.mean - mean
        squares += other.squares + distance * distance * Double(count) * Double(other.count) / Double(total)
        mean += distance * Double(other.count) / Double(total)
        count = total
    }
}

/// Running sums side by side: fast, and for blocks nearly as exact as summing in pairs.
@inline(never)
func laneSum(_ lanes: UnsafePointer<Double>, _ count: Int) -> Double {
    var (a, b) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var index = 0
    while index &+ 8 <= count {
        let p = unsafe lanes + index
        unsafe a += SIMD4(p[0], p[1], p[2], p[3])
        unsafe b += SIMD4(p[4], p[5], p[6], p[7])
        index &+= 8
    }
    var total = (a + b).sum()
    for i in index..<count { unsafe total += lanes[i] }
    return total
}

/// The product of decimals at their own scale, rounded half away from zero at each step; 1 without values.
private func product(of values: PrimitiveArray<Int128>, scale: Int) -> Int128 {
    let factor = powersOfTen[min(abs(scale), 38)]
    var total: Int128?
    for i in 0..<values.count where values.isValid(i) {
        guard let known = total else {
            total = values[i]
            continue
        }
        let whole = known &* values[i]
        if scale <= 0 {
            total = whole &* factor
        } else {
            let (quotient, rest) = whole.quotientAndRemainder(dividingBy: factor)
            total = rest.magnitude >= factor.magnitude / 2 ? quotient &+ whole.signum() : quotient
        }
    }
    return total ?? (scale < 0 ? 0 : factor)
}

extension Sums {
    private func numbers(isProduct: Bool) throws(MartletError) -> ArrayData {
        let (reader, validity) = (try LaneReader(array), array.usedValidityBitmap)
        if reader.isFloat {
            let parts = try reduceBlocks(of: array.count, isProduct ? 1.0 : 0.0) { total, block in
                let (lanes, count) = unsafe reader.denseDoubles(block, validity)
                if isProduct {
                    for i in 0..<count { unsafe total *= lanes[i] }
                } else {
                    unsafe total += laneSum(lanes, count)
                }
            }
            return try .single(isProduct ? parts.reduce(1, *) : parts.reduce(0, +), .float64)
        }
        let parts = try reduceBlocks(of: array.count, isProduct ? 1 as Int64 : 0) { total, block in
            let (lanes, count) = unsafe reader.dense(block, validity)
            if isProduct {
                for i in 0..<count { unsafe total = total &* lanes[i] }
            } else {
                for i in 0..<count { unsafe total = total &+ lanes[i] }
            }
        }
        let total = isProduct ? parts.reduce(1, &*) : parts.reduce(0, &+)
        return reader.isUnsigned ? try .single(UInt64(bitPattern: total), .uint64) : try .single(total, .int64)
    }
}
