import MartletArrow
import MartletBase

// Views, unions, runs, intervals and extension types.

extension ValueMaker {
    func views(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, isText: Bool) throws(MartletError) {
        let view = try BinaryViewArray(array)
        try texts(view.count, view.validity, out, isText: isText) { i in
            view.location(i) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    func listViews<Offset: OffsetValue>(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _: Offset.Type)
        throws(MartletError)
    {
        let view = try ListViewArray<Offset>(array)
        var (low, high) = (Int.max, 0)
        for i in 0..<view.count where view.isValid(i) {
            let range = view.range(i)
            if range.isEmpty { continue }
            low = min(low, range.lowerBound)
            high = max(high, range.upperBound)
        }
        if low > high { low = high }
        let values = try made(view.values.window(low, high - low))
        for i in 0..<view.count {
            let range = view.range(i)
            out[i] =
                !view.isValid(i)
                ? none()
                : try list(
                    values, range.isEmpty ? 0..<0 : range.lowerBound - low..<range.upperBound - low, shared: true)
        }
    }

    func unions(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let view = try UnionArray(array)
        var used = [Range<Int>?](repeating: nil, count: view.children.count)
        for i in 0..<view.count {
            guard let (child, slot) = view.place(i) else {
                throw .invalid("item \(i) of \(array.type) has type id \(view.typeID(i)), which names no value")
            }
            let range = used[child] ?? slot..<slot
            used[child] = min(range.lowerBound, slot)..<max(range.upperBound, slot + 1)
        }
        var values: [Slots?] = []
        for (child, range) in zip(view.children, used) {
            values.append(try range.map { range throws(MartletError) in
                try made(child.window(range.lowerBound, range.count))
            })
        }
        for i in 0..<view.count {
            guard let (child, slot) = view.place(i), let made = values[child], let range = used[child] else { continue }
            out[i] = made.take(slot - range.lowerBound, shared: true)
        }
    }

    func runs(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let view = try RunEndArray(array)
        let runs = view.runRange
        let values = try made(view.values.window(runs.lowerBound, runs.count))
        var filled = 0
        for run in runs {
            for i in view.slots(ofRun: run) where i == filled {
                out[i] = values.take(run - runs.lowerBound, shared: true)
                filled += 1
            }
        }
        guard filled == view.count else {
            throw .invalid("\(array.type) has \(view.count) slots, but runs for \(filled) only")
        }
    }

    // MARK: - Intervals

    /// Objects of the class `name` of the Python package, each made of a tuple of its numbers.
    func intervals(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ name: String) throws(MartletError) {
        let module = try Owned(python.importModule("martlet._interval"), python)
        let maker = try Owned(python.attribute(module.object, name), python)
        try eachFixed(array, out) { (bytes) throws(MartletError) in
            let (first, second) = (bytes.loadUnaligned(as: Int32.self), bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self))
            var numbers = [Int64(first), Int64(second)]
            if bytes.count == 16 { numbers.append(bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self)) }
            let parts = try Owned(python.makeTuple(numbers.count), python)
            for (k, number) in numbers.enumerated() { _ = python.setTupleItem(parts.object, k, python.makeInt64(number)) }
            return try python.call(maker.object, parts.object)
        }
    }

    // MARK: - Extension types

    func extensions(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>, _ type: ExtensionType) throws(MartletError) {
        let storage = array.storage
        switch (type.name, type.storage) {
        case ("arrow.uuid", .fixedSizeBinary(byteWidth: 16)): try uuids(storage, out)
        case ("arrow.bool8", .int8):
            let (yes, no) = (python.true, python.false)
            try each(storage, out, Int8.self) { value in
                let object = value != 0 ? yes : no
                python.incref(object)
                return object
            }
        case (_, _): try fill(storage, out)
        }
    }

    private func uuids(_ array: ArrayData, _ out: UnsafeMutablePointer<Object?>) throws(MartletError) {
        let module = try Owned(python.importModule("uuid"), python)
        let maker = try Owned(python.attribute(module.object, "UUID"), python)
        let key = try Owned(try python.makeText("bytes"), python)
        let nothing = try Owned(python.makeTuple(0), python)
        try eachFixed(array, out) { (bytes) throws(MartletError) in
            let value = try Owned(python.makeBytes(bytes.baseAddress, bytes.count), python)
            let keywords = try Owned(python.makeDict(), python)
            _ = python.setDictItem(keywords.object, key.object, value.object)
            return python.call(maker.object, nothing.object, keywords.object)
        }
    }
}
