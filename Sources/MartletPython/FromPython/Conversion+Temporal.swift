import MartletArrow
import MartletBase

extension Conversion {
    private func column<Value: NativeValue>(
        _ items: Items, _ type: DataType, _: Value.Type, exact: Object,
        fast: (Object) throws(MartletError) -> Value, slow: (Object) throws(MartletError) -> Value?
    ) throws(ItemFailure) -> ArrayData where Value: FixedWidthInteger {
        let (values, validity) = try walk(
            items, zero: 0 as Value,
            fast: { object, type, out in
                guard type == exact, let value = try? fast(object) else { return false }
                out.pointee = value
                return true
            },
            slow: { [self] (object: Object) throws(ItemFailure) -> Value? in
                try at(fix: "give a type that holds it, or change the value") { () throws(MartletError) -> Value? in
                    try isNull(object) ? nil : try slow(object)
                }
            })
        return ArrayData(
            type: type, count: items.count, validity: validity.buffer, nullCount: validity.nullCount, buffers: [values])
    }

    /// What is thrown where the fast road ends; nobody reads it.
    private static var offRoad: MartletError { MartletError(.cancelled, "") }

    // MARK: - Dates

    func date32s(_ items: Items) throws(ItemFailure) -> ArrayData {
        let types = try at { () throws(MartletError) in try dateTime.get() }
        let hasFields = types.hasFields
        return try column(
            items, .date32, Int32.self, exact: types.date,
            fast: { object throws(MartletError) in
                guard hasFields else { throw Self.offRoad }
                return Int32(truncatingIfNeeded: try types.days(object))
            },
            slow: { [self] object throws(MartletError) in
                if python.isSubtype(python.type(of: object), of: types.date) {
                    return Int32(truncatingIfNeeded: try types.days(object))
                }
                if let value = try numpyTime(object, letter: "M") {
                    // NumPy's days are Arrow's days; finer units must be whole days.
                    guard case .value(let count, let unit) = value else { return nil }
                    let perDay = unit == .day ? 1 : unit.perSecond * 86400
                    guard count % perDay == 0, let days = Int32(exactly: count / perDay) else {
                        throw invalidValue(object, "is not a whole day that date32 holds")
                    }
                    return days
                }
                return try number(object, tooLarge: "Integer too large for date32")
            })
    }

    func date64s(_ items: Items) throws(ItemFailure) -> ArrayData {
        let types = try at { () throws(MartletError) in try dateTime.get() }
        let hasFields = types.hasFields
        return try column(
            items, .date64, Int64.self, exact: types.date,
            fast: { object throws(MartletError) in
                guard hasFields else { throw Self.offRoad }
                return try types.days(object) * 86_400_000
            },
            slow: { [self] object throws(MartletError) in
                if python.isSubtype(python.type(of: object), of: types.date) {
                    return try types.days(object) * 86_400_000
                }
                return try number(object, tooLarge: "Integer too large for date64")
            })
    }

    // MARK: - Times of day

    func times<Value: NativeValue & FixedWidthInteger>(
        _ items: Items, _ type: DataType, _ unit: TimeUnit, _: Value.Type
    ) throws(ItemFailure) -> ArrayData {
        let types = try at { () throws(MartletError) in try dateTime.get() }
        let hasFields = types.hasFields
        let convert = { (object: Object) throws(MartletError) -> Value in
            let micros = try types.microsOfDay(object, in: .time)
            return Value(
                truncatingIfNeeded: unit == .nanosecond ? micros * 1000 : micros / (1_000_000 / unit.perSecond))
        }
        return try column(
            items, type, Value.self, exact: types.time,
            fast: { object throws(MartletError) in
                guard hasFields else { throw Self.offRoad }
                return try convert(object)
            },
            slow: { [self] object throws(MartletError) in
                if python.isSubtype(python.type(of: object), of: types.time) { return try convert(object) }
                return try number(object, tooLarge: "Integer too large for int\(MemoryLayout<Value>.size * 8)")
            })
    }

    // MARK: - Timestamps

    func timestamps(_ items: Items, _ type: DataType, _ unit: TimeUnit) throws(ItemFailure) -> ArrayData {
        let types = try at { () throws(MartletError) in try dateTime.get() }
        let hasFields = types.hasFields
        return try column(
            items, type, Int64.self, exact: types.dateTime,
            fast: { object throws(MartletError) in
                guard hasFields, try types.zone(object) == nil else { throw Self.offRoad }
                let seconds = try types.days(object) * 86400
                return try Self.scaled(seconds, micros: try types.microsOfDay(object, in: .dateTime), unit)
            },
            slow: { [self] object throws(MartletError) in
                let type = python.type(of: object)
                if python.isSubtype(type, of: types.dateTime) {
                    if let nat = foreign.pandasNaT, object == nat {
                        throw .python("ValueError", "NaTType does not support utcoffset")
                    }
                    if unit == .nanosecond, python.isSubtype(type, of: foreign.pandasTimestamp) {
                        return try python.integerAttribute(object, "value")
                    }
                    let seconds = try types.days(object) * 86400 - (try types.utcOffset(object))
                    let micros = try types.microsOfDay(object, in: .dateTime)
                    do throws(MartletError) { return try Self.scaled(seconds, micros: micros, unit) } catch {
                        throw invalidValue(object, "out of bounds for nanosecond resolution")
                    }
                }
                if python.isSubtype(type, of: foreign.numpyGeneric) {
                    return try numpyTime(object, letter: "M", unit, expected: "np.datetime64")
                }
                return try number(object, tooLarge: nil)
            })
    }

    /// `seconds` and `micros` in `unit`, what is finer cut off. Throws when 64 bits do not hold it.
    private static func scaled(_ seconds: Int64, micros: Int64, _ unit: TimeUnit) throws(MartletError) -> Int64 {
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: unit.perSecond)
        let part = unit == .nanosecond ? micros * 1000 : micros / (1_000_000 / unit.perSecond)
        let (sum, overflow2) = whole.addingReportingOverflow(part)
        if overflow || overflow2 { throw offRoad }
        return sum
    }

    // MARK: - Durations

    func durations(_ items: Items, _ type: DataType, _ unit: TimeUnit) throws(ItemFailure) -> ArrayData {
        let types = try at { () throws(MartletError) in try dateTime.get() }
        let hasFields = types.hasFields
        let convert = { (object: Object) throws(MartletError) -> Int64 in
            let (days, seconds, micros) = try types.parts(ofDelta: object)
            do throws(MartletError) { return try Self.scaled(days * 86400 + seconds, micros: micros, unit) } catch {
                throw .invalid("Timedelta too large to fit in 64-bit integer")
            }
        }
        return try column(
            items, type, Int64.self, exact: types.delta,
            fast: { object throws(MartletError) in
                guard hasFields else { throw Self.offRoad }
                return try convert(object)
            },
            slow: { [self] object throws(MartletError) in
                let type = python.type(of: object)
                if python.isSubtype(type, of: types.delta) {
                    if unit == .nanosecond, python.isSubtype(type, of: foreign.pandasTimedelta) {
                        return try python.integerAttribute(object, "value")
                    }
                    return try convert(object)
                }
                if python.isSubtype(type, of: foreign.numpyGeneric) {
                    return try numpyTime(object, letter: "m", unit, expected: "np.timedelta64")
                }
                return try number(object, tooLarge: nil)
            })
    }

    // MARK: - NumPy's datetime64 and timedelta64

    /// Units of NumPy that Arrow has, and days.
    enum NumPyUnit {
        case day
        case unit(TimeUnit)

        static func == (a: NumPyUnit, b: NumPyUnit) -> Bool {
            switch (a, b) {
            case (.day, .day): true
            case (.unit(let x), .unit(let y)): x == y
            case (.day, .unit), (.unit, .day): false
            }
        }

        var perSecond: Int64 {
            switch self {
            case .day: 0
            case .unit(let unit): unit.perSecond
            }
        }
    }

    enum NumPyTime {
        case missing
        case value(Int64, NumPyUnit)
    }

    /// The number and the unit of a NumPy scalar whose kind is `letter`; nil for other objects.
    private func numpyTime(_ object: Object, letter: Character) throws(MartletError) -> NumPyTime? {
        guard python.isSubtype(python.type(of: object), of: foreign.numpyGeneric) else { return nil }
        guard let dtype = numpyTypes.type(of: object), dtype.kind == letter else { return nil }
        var view = BufferView()
        guard python.getBuffer(object, &view, 0) == 0 else { throw python.takeError() }
        defer { python.releaseBuffer(&view) }
        guard view.count == 8, let address = view.address else {
            throw .invalid("a NumPy scalar of 8 bytes has \(view.count)")
        }
        let value = address.loadUnaligned(as: Int64.self)
        if value == .min { return .missing }
        guard let unit = dtype.timeUnit else {
            throw .notImplemented("Unsupported \(letter == "M" ? "datetime64" : "timedelta64") time unit")
        }
        return .value(value, unit)
    }

    private func numpyTime(_ object: Object, letter: Character, _ unit: TimeUnit, expected: String) throws(MartletError)
        -> Int64?
    {
        guard let time = try numpyTime(object, letter: letter) else {
            let name = numpyTypes.type(of: object)?.arrowType.map(\.description) ?? python.typeName(of: object)
            throw .notImplemented("Expected \(expected) but got: \(name)")
        }
        guard case .value(let count, let from) = time else { return nil }
        let factor: (Int64, Int64)
        switch from {
        case .day: factor = (86400 * unit.perSecond, 1)
        case .unit(let from) where from.perSecond <= unit.perSecond: factor = (unit.perSecond / from.perSecond, 1)
        case .unit(let from): factor = (1, from.perSecond / unit.perSecond)
        }
        let (scaled, overflow) = count.multipliedReportingOverflow(by: factor.0)
        guard !overflow, scaled % factor.1 == 0 else {
            throw .notImplemented(
                "Expected \(expected) but got: \(python.reprText(object)), which \(unit.abbreviation) cannot hold")
        }
        return scaled / factor.1
    }
}
