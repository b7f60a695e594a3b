import MartletArrow
import MartletBase

/// Running totals, and differences of neighbours.
enum CumulativeFunctions {
    private enum Operation: String, CaseIterable { case sum, prod, min, max, mean }

    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for operation in Operation.allCases {
            for isChecked in operation == .sum || operation == .prod ? [false, true] : [false] {
                let name = "cumulative_" + operation.rawValue + (isChecked ? "_checked" : "")
                functions[name] = .unary(["start", "skip_nulls"]) { array, call throws(MartletError) in
                    try run(operation, array, call, isChecked)
                }
            }
        }
        for isChecked in [false, true] {
            functions["pairwise_diff" + (isChecked ? "_checked" : "")] = .unary(["period"]) {
                array, call throws(MartletError) in
                let period = try call.options.signed("period") ?? 1
                let reach = min(Int(clamping: period.magnitude), array.count)
                let (left, right) = (array.window(reach, array.count - reach), array.window(0, array.count - reach))
                let difference = try compute(
                    .subtract, Datum(period > 0 ? left : right), Datum(period > 0 ? right : left), isChecked: isChecked
                ).array
                let missing = try ArrayData.nulls(difference.type, count: reach)
                return try concatenate(
                    period > 0 ? [missing, difference] : [difference, missing], type: difference.type)
            }
        }
        return functions
    }

    private static func run(
        _ operation: Operation, _ array: ArrayData, _ call: Compute.Call, _ isChecked: Bool
    ) throws(MartletError) -> ArrayData {
        let skipNulls = try call.options.bool("skip_nulls", default: false)
        var type = array.type
        if case .duration = type, operation != .prod { type = .int64 }
        guard type.isNumeric, var kind = type.nativeKind else { throw noKernel(call.name, [array.type]) }
        if operation == .mean { kind = .float64 }
        let reader = try LaneReader(array)
        var start: (whole: Int64, float: Double)?
        if let text = call.options.values["start"] {
            let value = try cast(try ArrayData.text(text), to: type)
            let first = try LaneReader(value)
            start = (first.integer(at: 0), first.double(at: 0))
        }
        let isLane = !kind.isFloat
        var whole =
            start?.whole
            ?? (operation == .prod ? 1 : operation == .min ? kind.range.high : operation == .max ? kind.range.low : 0)
        var float =
            start?.float
            ?? (operation == .prod ? 1 : operation == .min ? .infinity : operation == .max ? -.infinity : 0)
        let validity = array.usedValidityBitmap
        var present = try BitmapBuilder(capacity: array.count)
        var (seenNull, seen) = (false, 0.0)
        let builder = try BufferBuilder(uninitializedCount: array.count * kind.byteWidth)
        let writer = unsafe LaneWriter(kind, builder.address)
        let scratch = try BufferBuilder(uninitializedCount: LaneBlock.capacity * LaneBlock.scratchRows * 8)
        var next = 0
        while next < array.count {
            let block = unsafe LaneBlock(
                start: next, count: min(LaneBlock.capacity, array.count - next), scratch: scratch.address)
            let (integers, doubles) = unsafe (
                isLane ? reader.integers(block, 0) : nil, isLane ? nil : reader.doubles(block, 1)
            )
            let (out, floats) = unsafe (writer.integers(block, 2), writer.doubles(block, 2))
            // Safety: lanes of the block.
            for i in 0..<block.count {
                let isValid = (validity?[next &+ i] ?? true) && !seenNull
                if validity != nil { try present.append(isValid) }
                if !isValid {
                    seenNull = seenNull || !skipNulls
                } else if let integers = unsafe integers {
                    let value = unsafe integers[i]
                    if isChecked {
                        let (total, overflow) = accumulate(operation, whole, value, kind)
                        if overflow {
                            throw .invalid(
                                "overflow (row \(next + i): \(reader.text(at: next + i)) on top of the total)")
                        }
                        whole = total
                    } else if operation == .sum {
                        whole = whole &+ value
                    } else {
                        whole = accumulate(operation, whole, value, kind).0
                    }
                } else if let doubles = unsafe doubles {
                    let value = unsafe doubles[i]
                    switch operation {
                    case .sum: float += value
                    case .prod: float *= value
                    case .min: float = value < float || float != float ? value : float
                    case .max: float = value > float || float != float ? value : float
                    case .mean:
                        float += value
                        seen += 1
                    }
                }
                if isLane {
                    unsafe out[i] = whole
                } else {
                    unsafe floats[i] = operation == .mean ? float / seen : float
                }
            }
            if isLane { unsafe writer.store(out, block) } else { unsafe writer.store(floats, block) }
            next += block.count
        }
        _ = scratch.finish()
        return ArrayData(
            type: operation == .mean ? .float64 : array.type, count: array.count,
            validity: validity == nil ? nil : present.finish(), buffers: [builder.finish()])
    }

    private static func accumulate(
        _ operation: Operation, _ total: Int64, _ value: Int64, _ kind: NativeKind
    ) -> (Int64, Bool) {
        let isUnsigned = kind.isUnsigned
        func less(_ a: Int64, _ b: Int64) -> Bool { isUnsigned ? UInt64(bitPattern: a) < UInt64(bitPattern: b) : a < b }
        switch operation {
        case .min: return (less(value, total) ? value : total, false)
        case .max: return (less(total, value) ? value : total, false)
        case .sum, .prod, .mean:
            func wide(_ lane: Int64) -> Int128 { isUnsigned ? Int128(UInt64(bitPattern: lane)) : Int128(lane) }
            let (exact, overflow) =
                operation == .prod
                ? wide(total).multipliedReportingOverflow(by: wide(value)) : (wide(total) + wide(value), false)
            let (low, high) = kind.range
            return (
                Int64(truncatingIfNeeded: exact), overflow || exact < Int128(low) || exact > wide(high)
            )
        }
    }
}

extension ArrayData {
    /// One string.
    static func text(_ value: String) throws(MartletError) -> ArrayData {
        let bytes = Array(value.utf8)
        return ArrayData(
            type: .string, count: 1,
            buffers: [try Buffer([0, Int32(truncatingIfNeeded: bytes.count)]), try Buffer(bytes)])
    }
}
