import MartletArrow
import MartletBase

extension Caster {
    /// Between dates, times, timestamps and durations: a change of unit, of what is left out, or both.
    func temporal() throws(MartletError) -> ArrayData {
        switch (source.type, target) {
        case (.timestamp(let from, let zone), .timestamp(let to, let other)):
            // Instants stay; with or without a zone they are the same numbers.
            if from == to {
                _ = (zone, other)
                return source.reinterpreted(as: target)
            }
            return try scaled(Int64.self, Int64.self, from.perSecond, to.perSecond)
        case (.duration(let from), .duration(let to)):
            return try scaled(Int64.self, Int64.self, from.perSecond, to.perSecond)
        case (.time32(let from), .time32(let to)): return try scaled(Int32.self, Int32.self, from.perSecond, to.perSecond)
        case (.time32(let from), .time64(let to)): return try scaled(Int32.self, Int64.self, from.perSecond, to.perSecond)
        case (.time64(let from), .time32(let to)): return try scaled(Int64.self, Int32.self, from.perSecond, to.perSecond)
        case (.time64(let from), .time64(let to)): return try scaled(Int64.self, Int64.self, from.perSecond, to.perSecond)
        case (.date32, .date64): return try scaled(Int32.self, Int64.self, 1, 86_400_000)
        case (.date64, .date32): return try scaled(Int64.self, Int32.self, 86_400_000, 1)
        case (.date32, .timestamp(let to, _)): return try scaled(Int32.self, Int64.self, 1, to.perSecond * 86_400)
        case (.date64, .timestamp(let to, _)): return try scaled(Int64.self, Int64.self, 1_000, to.perSecond)
        case (.timestamp(let from, let zone), .date32):
            let shift = try ZoneShift(zone, unit: from)
            let day = from.perSecond * 86_400
            return try mapped(Int64.self, Int32.self) { value in
                (Int32(truncatingIfNeeded: floorDivide(shift.local(value), day)), true)
            } failure: { _, _ in .cancelled }
        case (.timestamp(let from, let zone), .date64):
            let shift = try ZoneShift(zone, unit: from)
            let day = from.perSecond * 86_400
            return try mapped(Int64.self, Int64.self) { value in
                (floorDivide(shift.local(value), day) &* 86_400_000, true)
            } failure: { _, _ in .cancelled }
        case (.timestamp(let from, let zone), .time32(let to)): return try timeOfDay(Int32.self, from, zone, to)
        case (.timestamp(let from, let zone), .time64(let to)): return try timeOfDay(Int64.self, from, zone, to)
        case (_, _): throw unsupported()
        }
    }

    private func timeOfDay<To: NumberValue>(
        _ type: To.Type, _ from: TimeUnit, _ zone: String?, _ to: TimeUnit
    ) throws(MartletError) -> ArrayData {
        let shift = try ZoneShift(zone, unit: from)
        let day = from.perSecond * 86_400
        let (up, down) = (max(to.perSecond / from.perSecond, 1), max(from.perSecond / to.perSecond, 1))
        let mayCut = options.allowTimeTruncate
        return try mapped(Int64.self, type) { value in
            let local = shift.local(value)
            let time = local &- floorDivide(local, day) &* day
            return (To(signed: time &* up / down), mayCut || time % down == 0)
        } failure: { value, row in lost(value, row) }
    }

    /// Values of `from` units a whole as values of `to` units a whole.
    private func scaled<From: NumberValue, To: NumberValue>(
        _ fromType: From.Type, _ toType: To.Type, _ from: Int64, _ to: Int64
    ) throws(MartletError) -> ArrayData {
        if to >= from {
            let factor = to / from
            let mayOverflow = options.allowTimeOverflow
            return try mapped(fromType, toType) { value in
                let (product, overflow) = value.bits.multipliedReportingOverflow(by: factor)
                let result = To(signed: product)
                return (result, mayOverflow || (!overflow && result.bits == product))
            } failure: { value, row in
                .invalid(
                    "Casting from \(source.type) to \(target) would result in out of bounds timestamp: \(value.text) "
                        + "(\(place.text(row))); use a coarser unit")
            }
        }
        let factor = from / to
        let (mayCut, mayOverflow) = (options.allowTimeTruncate, options.allowTimeOverflow)
        return try mapped(fromType, toType) { value in
            let quotient = value.bits / factor
            let result = To(signed: quotient)
            return (result, (mayCut || quotient &* factor == value.bits) && (mayOverflow || result.bits == quotient))
        } failure: { value, row in lost(value.bits, row) }
    }

    private func lost(_ value: Int64, _ row: Int) -> MartletError {
        .invalid(
            "Casting from \(source.type) to \(target) would lose data: \(value) (\(place.text(row))); "
                + "use a finer unit, or pass safe=False to truncate")
    }
}

/// The quotient, rounded down.
@inline(__always)
func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
    let quotient = a / b
    return a % b < 0 ? quotient &- 1 : quotient
}
