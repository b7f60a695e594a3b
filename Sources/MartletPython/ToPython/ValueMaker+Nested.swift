import MartletArrow
import MartletBase

extension ValueMaker {
    /// The values of a whole child, made once; parents take them from there.
    func made(_ child: ArrayData) throws(MartletError) -> Slots {
        let slots = try Slots(count: child.count, python)
        try fill(child, slots.base)
        return slots
    }

    /// A new list of the values in `range`.
    func list(_ values: Slots, _ range: Range<Int>, shared: Bool) throws(MartletError) -> Object {
        guard let list = python.makeList(range.count) else { throw python.takeError() }
        if range.isEmpty { return list }
        if python.layout.hasLists, let items = list.load(fromByteOffset: 24, as: UnsafeMutablePointer<Object?>?.self) {
            for (k, index) in range.enumerated() { items[k] = values.take(index, shared: shared) }
        } else {
            for (k, index) in range.enumerated() { _ = python.setListItem(list, k, values.take(index, shared: shared)) }
        }
        return list
    }

    /// The slots of the child that the rows use, and whether rows share some of them.
    private func window<Offset: OffsetValue>(_ view: ListArray<Offset>) -> (range: Range<Int>, shared: Bool) {
        var (low, high, last) = (Int.max, 0, 0)
        var shared = false
        for i in 0..<view.count where view.isValid(i) {
            let range = view.range(i)
            if range.isEmpty { continue }
            low = min(low, range.lowerBound)
            high = max(high, range.upperBound)
            if range.lowerBound < last { shared = true }
            last = range.upperBound
        }
        return (low < high ? low..<high : 0..<0, shared)
    }

    func lists<Offset: OffsetValue>(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _: Offset.Type)
        throws(MartletError)
    {
        let view = try ListArray<Offset>(array)
        let (used, shared) = window(view)
        let values = try made(view.values.window(used.lowerBound, used.count))
        for i in 0..<view.count {
            let range = view.range(i)
            out[i] =
                !view.isValid(i)
                ? none()
                : try list(
                    values,
                    range.isEmpty ? 0..<0 : range.lowerBound - used.lowerBound..<range.upperBound - used.lowerBound,
                    shared: shared)
        }
    }

    func fixedSizeLists(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ width: Int) throws(MartletError) {
        let child = array.child(0)
        guard child.count == array.count * width else {
            throw .invalid("\(array.type) has \(child.count) items for \(array.count) slots")
        }
        let values = try made(child)
        for i in 0..<array.count {
            out[i] = array.isValid(i) ? try list(values, i * width..<(i + 1) * width, shared: false) : none()
        }
    }

    func structs(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ fields: [Field]) throws(MartletError) {
        guard Set(fields.map(\.name)).count == fields.count else {
            throw .python(
                "ValueError", "Converting to Python dictionary is not supported when duplicate field names are present")
        }
        let keys = try Slots(count: fields.count, python)
        var columns: [Slots] = []
        for (i, field) in fields.enumerated() {
            keys.base[i] = try python.makeText(field.name)
            columns.append(try made(array.child(i)))
        }
        for i in 0..<array.count {
            if !array.isValid(i) {
                out[i] = none()
                continue
            }
            let dict = try Owned(python.makeDict(), python)
            for (k, column) in columns.enumerated() where python.setDictItem(dict.object, keys[k], column[i]) != 0 {
                throw python.takeError()
            }
            out[i] = dict.give()
        }
    }

    func mapValues(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let view = try ListArray<Int32>(array)
        let (used, _) = window(view)
        let entries = view.values.window(used.lowerBound, used.count)
        guard entries.children.count == 2 else { throw .invalid("\(array.type) has no keys and values") }
        let (keys, values) = (try made(entries.child(0)), try made(entries.child(1)))
        for i in 0..<view.count {
            if !view.isValid(i) {
                out[i] = none()
                continue
            }
            let range = view.range(i)
            let start = range.isEmpty ? 0 : range.lowerBound - used.lowerBound
            out[i] =
                maps == .pairs
                ? try pairs(keys, values, start, range.count) : try dict(keys, values, start, range.count)
        }
    }

    private func pairs(_ keys: Slots, _ values: Slots, _ start: Int, _ count: Int) throws(MartletError) -> Object {
        let list = try Owned(python.makeList(count), python)
        for k in 0..<count {
            guard let pair = python.makeTuple(2) else { throw python.takeError() }
            _ = python.setTupleItem(pair, 0, keys.take(start + k, shared: true))
            _ = python.setTupleItem(pair, 1, values.take(start + k, shared: true))
            _ = python.setListItem(list.object, k, pair)
        }
        return list.give()
    }

    private func dict(_ keys: Slots, _ values: Slots, _ start: Int, _ count: Int) throws(MartletError) -> Object {
        let dict = try Owned(python.makeDict(), python)
        for k in start..<start + count {
            if maps == .strictDicts {
                let known = python.dictContains(dict.object, keys[k])
                if known < 0 { throw python.takeError() }
                if known > 0 {
                    throw .key(
                        "Converting to Python dictionary is not supported in strict mode when duplicate keys are present "
                            + "(duplicate key was \(python.reprText(keys[k]))).")
                }
            }
            if python.setDictItem(dict.object, keys[k], values[k]) != 0 { throw python.takeError() }
        }
        return dict.give()
    }

    func dictionaries(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        guard let dictionary = array.dictionary else { throw .invalid("\(array.type) has no dictionary") }
        // Of a large dictionary that few slots point into, only those values are made.
        if array.count < dictionary.count / 4 {
            for i in 0..<array.count {
                guard array.isValid(i), let index = array.dictionaryIndex(i) else {
                    out[i] = none()
                    continue
                }
                guard index >= 0, index < dictionary.count else {
                    throw .index("dictionary index \(index) of item \(i) leaves the \(dictionary.count) values there are")
                }
                try fill(dictionary.window(index, 1), out + i)
            }
            return
        }
        let values = try made(dictionary)
        for i in 0..<array.count {
            guard array.isValid(i), let index = array.dictionaryIndex(i) else {
                out[i] = none()
                continue
            }
            guard index >= 0, index < values.count else {
                throw .index("dictionary index \(index) of item \(i) leaves the \(values.count) values there are")
            }
            out[i] = values.take(index, shared: true)
        }
    }
}
