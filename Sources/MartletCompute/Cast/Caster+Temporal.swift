import MartletArrow
import MartletBase

extension Caster {
    /// Between dates, times, timestamps and durations: a change of unit, of what is left out, or both.
    func temporal() throws(MartletError) -> ArrayData {
        switch (source.type, target) {
        case (.timestamp(let from, _), .timestamp(let to, _)), (.duration(let from), .duration(let to)),
            (.time32(let from), .time32(let to)), (.time32(let from), .time64(let to)),
            (.time64(let from), .time32(let to)), (.time64(let from), .time64(let to)):
            // Instants stay; with or without a zone they are the same numbers.
            return from == to ? source.reinterpreted(as: target) : try scaled(from.perSecond, to.perSecond)
        case (.date32, .date64): return try scaled(1, 86_400_000)
        case (.date64, .date32): return try scaled(86_400_000, 1)
        case (.date32, .timestamp(let to, _)): return try scaled(1, to.perSecond * 86_400)
        case (.date64, .timestamp(let to, _)): return try scaled(1_000, to.perSecond)
        case (.timestamp(let from, let zone), .date32), (.timestamp(let from, let zone), .date64):
            let day = from.perSecond * 86_400
            let (local, scale) = (try localClock(zone, from), target == .date64 ? 86_400_000 as Int64 : 1)
            return try lanes { value in (floorDivide(local(value), day) &* scale, true) }
        case (.timestamp(let from, let zone), .time32(let to)), (.timestamp(let from, let zone), .time64(let to)):
            let (local, day) = (try localClock(zone, from), from.perSecond * 86_400)
            let (up, down) = (max(to.perSecond / from.perSecond, 1), max(from.perSecond / to.perSecond, 1))
            let mayCut = options.allowTimeTruncate
            return try lanes { value in
                let instant = local(value)
                let time = instant &- floorDivide(instant, day) &* day
                return (time &* up / down, mayCut || time % down == 0)
            }
        case (_, _): throw unsupported()
        }
    }

    /// The clock of the zone, from instants.
    private func localClock(_ zone: String?, _ unit: TimeUnit) throws(MartletError) -> @Sendable (Int64) -> Int64 {
        let shift = try ZoneShift(zone, unit: unit)
        return { shift.local($0) }
    }

    /// Lanes one by one; those for which `map` says false were cut.
    private func lanes(_ map: @Sendable (Int64) -> (Int64, Bool)) throws(MartletError) -> ArrayData {
        guard let kind = target.nativeKind else { throw unsupported() }
        let (reader, this) = (try LaneReader(source), self)
        let buffer = try makeLanes(kind, count: count, validity: source.usedValidityBitmap) { block, writer in
            let (from, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
            var fits = true
            for i in 0..<block.count {
                let (value, isExact) = unsafe map(from[i])
                unsafe out[i] = value
                fits = fits && isExact
            }
            unsafe writer.store(out, block)
            return fits
        } failure: { row in
            this.lost(reader.integer(at: row), row)
        }
        return try result([buffer])
    }

    /// Values of `from` units a whole as values of `to` units a whole.
    private func scaled(_ from: Int64, _ to: Int64) throws(MartletError) -> ArrayData {
        guard let kind = target.nativeKind else { throw unsupported() }
        let (reader, this) = (try LaneReader(source), self)
        let (mayCut, mayOverflow, range) = (options.allowTimeTruncate, options.allowTimeOverflow, kind.range)
        let isUp = to >= from
        let factor = isUp ? to / from : from / to
        let buffer = try makeLanes(kind, count: count, validity: source.usedValidityBitmap) { block, writer in
            let (lanes, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
            var fits = true
            if isUp {
                // What fits before the product fits after it.
                unsafe fits =
                    mayOverflow || lanesFit(lanes, block.count, (.min / factor, .max / factor), isUnsigned: false)
                unsafe mapLanes(lanes, out, block.count) { $0 &* factor }
            } else {
                unsafe fits = divideLanes(lanes, out, block.count, by: factor) || mayCut
            }
            unsafe fits = fits && (mayOverflow || lanesFit(out, block.count, range, isUnsigned: false))
            unsafe writer.store(out, block)
            return fits
        } failure: { row in
            isUp
                ? .invalid(
                    "Casting from \(this.source.type) to \(this.target) would result in out of bounds timestamp: "
                        + "\(reader.integer(at: row)) (\(this.place.text(row))); use a coarser unit")
                : this.lost(reader.integer(at: row), row)
        }
        return try result([buffer])
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

/// Quotients, cut towards zero, and whether none had a rest. Division by the powers of ten of time units is a
/// multiplication.
@inline(never)
private func divideLanes(
    _ from: UnsafePointer<Int64>, _ to: UnsafeMutablePointer<Int64>, _ count: Int, by factor: Int64
) -> Bool {
    @inline(__always) func run(_ factor: Int64) -> Bool {
        var rests: Int64 = 0
        for i in 0..<count {
            let value = unsafe from[i]
            let quotient = value / factor
            rests |= value &- quotient &* factor
            unsafe to[i] = quotient
        }
        return rests == 0
    }
    switch factor {
    case 1_000: return run(1_000)
    case 1_000_000: return run(1_000_000)
    case 1_000_000_000: return run(1_000_000_000)
    case 86_400_000: return run(86_400_000)
    case _: return run(factor)
    }
}
