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
                try intersection(try array.bits(), array.usedValidityBitmap, count: array.count) ?? .empty, count: array.count)
            let trues = UInt64(bits.trueCount)
            let valid = UInt64(array.count - array.nullCount)
            return try .single(isProduct ? (trues == valid ? 1 : 0) : trues, .uint64)
        case .decimal128(_, let scale):
            let values = try PrimitiveArray<Int128>(array)
            var total: Int128 = isProduct ? 1 : 0
            for i in 0..<values.count where values.isValid(i) {
                total = isProduct ? total &* values[i] : total &+ values[i]
            }
            return try .single(total, isProduct ? type : .decimal128(precision: 38, scale: scale))
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64:
            guard let kind = type.nativeKind else { throw noKernel(function, [type]) }
            return try kind.acceptNumber(Summing(array: array, isProduct: isProduct))
        case .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32, .time64,
            .timestamp, .duration, .list, .largeList, .fixedSizeList, .struct, .map, .dictionary:
            throw noKernel(function, [type])
        }
    }

    /// The mean as a double; that of decimals as a decimal, cut off.
    func mean() throws(MartletError) -> ArrayData {
        try Self.mean(total: try sum("mean"), count: array.count - array.nullCount, of: array.type)
    }

    /// The mean of `count` values of `type` whose sum is `total`.
    static func mean(total: ArrayData, count: Int, of type: DataType) throws(MartletError) -> ArrayData {
        if case .decimal128 = type {
            let total = try PrimitiveArray<Int128>(total)
            return try .single(count == 0 ? nil : total[0] / Int128(count), type)
        }
        let value = try PrimitiveArray<Double>(try cast(total, to: .float64, options: .implicit))
        return try .single(count == 0 || !value.isValid(0) ? nil : value[0] / Double(count), .float64)
    }

    /// The sum of the squared distances from the mean, and how many values there are.
    func squares(_ function: String) throws(MartletError) -> (Double, Int) {
        guard array.type.isNumeric || Caster.family(array.type) == .decimal else { throw noKernel(function, [array.type]) }
        let doubles = try cast(array, to: .float64, options: .unsafe)
        let values = try PrimitiveArray<Double>(doubles)
        let count = array.count - array.nullCount
        var total = 0.0
        for i in 0..<values.count where values.isValid(i) { total += values[i] }
        let mean = total / Double(count)
        var squares = 0.0
        for i in 0..<values.count where values.isValid(i) { squares += (values[i] - mean) * (values[i] - mean) }
        return (squares, count)
    }
}

/// Sums of one piece in all three forms; only that of the array's family is used.
private struct Summing: NumberVisitor {
    let array: ArrayData
    let isProduct: Bool

    func visit<Value: NumberValue>(_ type: Value.Type) throws(MartletError) -> ArrayData {
        let values = try unsafe Shared(array.values(of: type))
        let validity = array.usedValidityBitmap
        let (count, isProduct) = (array.count, isProduct)
        let size = 1 << 16
        // Safety: pieces lie inside the values.
        let parts = try WorkerPool.map((count + size - 1) / size, threads: count < 1 << 18 ? 1 : nil) {
            piece throws(MartletError) in
            let rows = piece * size..<min(count, (piece + 1) * size)
            return unsafe Value.isInteger
                ? (Self.wholes(values.value, rows, validity, isProduct), 0)
                : (0, Self.floats(values.value, rows, validity, isProduct))
        }
        if Value.isInteger {
            let total = parts.reduce(isProduct ? 1 : 0) { isProduct ? $0 &* $1.0 : $0 &+ $1.0 }
            return Value.isSigned ? try .single(total, .int64) : try .single(UInt64(bitPattern: total), .uint64)
        }
        return try .single(parts.reduce(isProduct ? 1 : 0) { isProduct ? $0 * $1.1 : $0 + $1.1 }, .float64)
    }

    private static func wholes<Value: NumberValue>(
        _ values: UnsafePointer<Value>, _ rows: Range<Int>, _ validity: Bitmap?, _ isProduct: Bool
    ) -> Int64 {
        var total: Int64 = isProduct ? 1 : 0
        if let validity {
            for i in rows where validity[i] { unsafe total = isProduct ? total &* values[i].bits : total &+ values[i].bits }
        } else if isProduct {
            for i in rows { unsafe total = total &* values[i].bits }
        } else {
            for i in rows { unsafe total = total &+ values[i].bits }
        }
        return total
    }

    /// Eight running sums a block, blocks added up: fast, and nearly as exact as summing in pairs.
    private static func floats<Value: NumberValue>(
        _ values: UnsafePointer<Value>, _ rows: Range<Int>, _ validity: Bitmap?, _ isProduct: Bool
    ) -> Double {
        if isProduct {
            var total = 1.0
            for i in rows where validity?[i] ?? true { unsafe total *= values[i].double }
            return total
        }
        var total = 0.0
        var index = rows.lowerBound
        if validity == nil {
            while index &+ 512 <= rows.upperBound {
                var lanes = SIMD8<Double>.zero
                var block = index
                while block < index &+ 512 {
                    let p = unsafe values + block
                    unsafe lanes += SIMD8(
                        p[0].double, p[1].double, p[2].double, p[3].double, p[4].double, p[5].double, p[6].double,
                        p[7].double)
                    block &+= 8
                }
                total += lanes.sum()
                index &+= 512
            }
        }
        var rest = 0.0
        for i in index..<rows.upperBound where validity?[i] ?? true {
            unsafe rest += values[i].double
            if i & 511 == 511 {
                total += rest
                rest = 0
            }
        }
        return total + rest
    }
}
