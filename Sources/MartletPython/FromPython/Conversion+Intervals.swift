import MartletArrow
import MartletBase

extension Conversion {
    /// Intervals: months are integers, the others tuples of their numbers, or objects with attributes such as `days`.
    func intervals(_ items: Items, _ type: DataType, _ unit: IntervalUnit) throws(ItemFailure) -> ArrayData {
        let width: Int
        switch unit {
        case .months: return try intervalMonths(items, type)
        case .dayTime: width = 8
        case .monthDayNano: width = 16
        }
        let count = items.count
        let builder = try at { () throws(MartletError) in
            try items.pin()
            return try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        for i in 0..<count {
            try at(i, fix: "give a tuple of \(unit == .dayTime ? "days and milliseconds" : "months, days and nanoseconds")") {
                () throws(MartletError) in
                try countSlowItem()
                let slot = builder.address + i * width
                slot.initializeMemory(as: UInt8.self, repeating: 0, count: width)
                if try isNull(items[i]) { return validity.setNull(i) }
                let (first, second, third) = try parts(items[i], unit)
                slot.storeBytes(of: first, as: Int32.self)
                slot.storeBytes(of: second, toByteOffset: 4, as: Int32.self)
                if unit == .monthDayNano { slot.storeBytes(of: third, toByteOffset: 8, as: Int64.self) }
            }
        }
        return ArrayData(
            type: type, count: count, validity: validity.buffer, nullCount: validity.nullCount,
            buffers: [builder.finish()])
    }

    private func intervalMonths(_ items: Items, _ type: DataType) throws(ItemFailure) -> ArrayData {
        let numbers = try array(items, .int32)
        return ArrayData(
            type: type, count: numbers.count, validity: numbers.validity, nullCount: numbers.nullCount,
            buffers: numbers.buffers)
    }

    private func parts(_ object: Object, _ unit: IntervalUnit) throws(MartletError) -> (Int32, Int32, Int64) {
        let width = unit == .dayTime ? 2 : 3
        if python.isKind(python.type(of: object), .tuple), python.tupleSize(object) == width {
            func number(_ k: Int) throws(MartletError) -> Int64 { try python.int64(python.tupleItem(object, k) ?? python.none) }
            let names = unit == .dayTime ? ["Days", "Milliseconds"] : ["Months", "Days"]
            return (
                try narrowed(try number(0), "\(names[0]) (tuple item #0)"),
                try narrowed(try number(1), "\(names[1]) (tuple item #1)"), width == 3 ? try number(2) : 0
            )
        }
        var sawAny = false
        func part(_ name: String) throws(MartletError) -> Int64 {
            guard let value = Owned(orNil: python.attribute(object, name), python), value.object != python.none,
                python.isKind(python.type(of: value.object), .int)
            else { return 0 }
            sawAny = true
            return try python.int64(value.object)
        }
        func sum(_ terms: (String, Int64)...) throws(MartletError) -> Int64 {
            var total: Int64 = 0
            for (name, factor) in terms {
                let (product, overflow) = try part(name).multipliedReportingOverflow(by: factor)
                let (next, overflow2) = total.addingReportingOverflow(product)
                if overflow || overflow2 { throw .invalid("\(name) of the interval are too large") }
                total = next
            }
            return total
        }
        let months = try sum(("years", 12), ("months", 1))
        // The weeks of dateutil's relativedelta are another view of its days.
        let isRelative = python.typeName(python.type(of: object), qualified: false) == "relativedelta"
        let days = isRelative ? try sum(("days", 1)) : try sum(("weeks", 7), ("days", 1))
        let second: Int64 = 1_000_000_000
        let nanoseconds = try sum(
            ("hours", 3600 * second), ("minutes", 60 * second), ("seconds", second), ("milliseconds", 1_000_000),
            ("microseconds", 1000), ("nanoseconds", 1))
        // pandas' DateOffset() has no attributes, and no length either.
        guard sawAny || python.isSubtype(python.type(of: object), of: foreign.pandasDateOffset) else {
            throw .type("No temporal attributes found on object.")
        }
        guard unit == .dayTime else { return (try narrowed(months, "Months"), try narrowed(days, "Days"), nanoseconds) }
        guard months == 0, nanoseconds % 1_000_000 == 0 else {
            throw .invalid("an interval of days and milliseconds holds neither months nor what is shorter")
        }
        return (try narrowed(days, "Days"), try narrowed(nanoseconds / 1_000_000, "Milliseconds"), 0)
    }

    private func narrowed(_ value: Int64, _ what: String) throws(MartletError) -> Int32 {
        guard let fitting = Int32(exactly: value) else { throw .invalid("\(what) too large") }
        return fitting
    }
}
