import MartletArrow
import MartletBase

/// Differences of times as intervals: each part is the difference of that part of both.
enum IntervalFunctions {
    static var functions: [String: Compute.Function] {
        var functions: [String: Compute.Function] = [:]
        for (name, unit) in [
            ("month_interval_between", IntervalUnit.months), ("day_time_interval_between", .dayTime),
            ("month_day_nano_interval_between", .monthDayNano),
        ] {
            functions[name] = .init(2...2) { call throws(MartletError) in try between(call, unit) }
        }
        return functions
    }

    private static func between(_ call: Compute.Call, _ unit: IntervalUnit) throws(MartletError) -> Datum {
        let (a, b) = (call[0], call[1])
        guard let type = promoted(a.type, b.type), type.isTemporal else { throw noKernel(call.name, [a.type, b.type]) }
        let count = try commonCount([a, b])
        let isScalar = a.isScalar && b.isScalar
        let needsDate = unit == .months
        let first = try Clock(try converted(a, to: type).broadcast(to: count), call.name, needsDate: needsDate)
        let second = try Clock(try converted(b, to: type).broadcast(to: count), call.name, needsDate: needsDate)
        let validity = try intersection(
            first.array.usedValidityBitmap, second.array.usedValidityBitmap, count: count)
        let perMilli = first.perSecond / 1_000
        let hasDate = first.hasDate
        let width = unit == .months ? 4 : unit == .dayTime ? 8 : 16
        let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
        let out = unsafe UnsafeMutableRawPointer(builder.pointer(to: UInt8.self))
        for row in 0..<count {
            let (x, y) = (first.split(first.reader.integer(at: row)), second.split(second.reader.integer(at: row)))
            let (p, q) = (CivilYear(x.days), CivilYear(y.days))
            let months = hasDate ? (q.year &- p.year) &* 12 &+ Int64(q.month &- p.month) : 0
            // Safety: `width` bytes for each row.
            let place = unsafe out + row * width
            func put(_ number: Int64, _ offset: Int) {
                unsafe place.storeBytes(of: Int32(truncatingIfNeeded: number), toByteOffset: offset, as: Int32.self)
            }
            switch unit {
            case .months: put(months, 0)
            case .dayTime:
                func millis(_ time: Int64) -> Int64 {
                    perMilli > 0 ? time / perMilli : time &* (1_000 / max(first.perSecond, 1))
                }
                put(y.days &- x.days, 0)
                put(millis(y.time) &- millis(x.time), 4)
            case .monthDayNano:
                put(months, 0)
                put(hasDate ? Int64(q.day &- p.day) : 0, 4)
                let nanos = (y.time &- x.time) &* (1_000_000_000 / max(first.perSecond, 1))
                unsafe place.storeBytes(of: nanos, toByteOffset: 8, as: Int64.self)
            }
        }
        return Datum(
            ArrayData(type: .interval(unit), count: count, validity: validity, buffers: [builder.finish()]),
            isScalar: isScalar)
    }
}
