import MartletArrow
import MartletBase

// Runs and extension types.

extension Conversion {
    /// One value for each run of equal items.
    func runs(_ items: Items, _ type: DataType, _ runEnds: Field, _ values: Field) throws(ItemFailure) -> ArrayData {
        let all = try array(items, values.type)
        let firsts = try at { () throws(MartletError) in try ItemsBuilder(capacity: 8, python) }
        var ends: [Int] = []
        var before: ArrayData?
        for i in 0..<items.count {
            let slot = all.window(i, 1)
            if let before, before.isEqual(to: slot) { continue }
            if i > 0 { ends.append(i) }
            try at(i) { () throws(MartletError) in try firsts.append(items[i]) }
            before = slot
        }
        if items.count > 0 { ends.append(items.count) }
        let chosen = Items(owning: firsts, python)
        let kept = try array(chosen, values.type)
        return try at { () throws(MartletError) in
            var actual = values
            actual.type = kept.type
            return ArrayData(
                type: .runEndEncoded(runEnds: runEnds, values: actual), count: items.count,
                children: [try .runEnds(ends, runEnds.type), kept])
        }
    }

    // MARK: - Extension types

    func extensions(_ items: Items, _ type: DataType, _ ext: ExtensionType) throws(ItemFailure) -> ArrayData {
        let storage: ArrayData
        switch (ext.name, ext.storage) {
        case ("arrow.uuid", .fixedSizeBinary(byteWidth: 16)): storage = try array(try uuidBytes(items), ext.storage)
        case ("arrow.bool8", .int8): storage = try bool8s(items)
        case (_, _): storage = try array(items, ext.storage)
        }
        var actual = ext
        actual.storage = storage.type
        return try at { () throws(MartletError) in try storage.viewed(as: .extension(actual)) }
    }

    /// The bytes of `uuid.UUID` objects; other items as they are.
    private func uuidBytes(_ items: Items) throws(ItemFailure) -> Items {
        guard let uuid = foreign.uuid else { return items }
        let mapped = try at { () throws(MartletError) in
            try items.pin()
            return try ItemsBuilder(capacity: items.count, python)
        }
        for i in 0..<items.count {
            try at(i) { () throws(MartletError) in
                guard python.isSubtype(python.type(of: items[i]), of: uuid) else { return try mapped.append(items[i]) }
                let bytes = try Owned(python.attribute(items[i], "bytes"), python)
                try mapped.append(bytes.object)
            }
        }
        return Items(owning: mapped, python)
    }

    /// Booleans or integers as int8.
    private func bool8s(_ items: Items) throws(ItemFailure) -> ArrayData {
        guard (0..<items.count).contains(where: { items[$0] == python.true || items[$0] == python.false }) else {
            return try array(items, .int8)
        }
        let flags = try array(items, .boolean)
        return try at { () throws(MartletError) in
            let view = try BooleanArray(flags)
            let builder = try BufferBuilder(uninitializedCount: view.count)
            let out = builder.pointer(to: Int8.self)
            for i in 0..<view.count { out[i] = view[i] ? 1 : 0 }
            return ArrayData(
                type: .int8, count: view.count, validity: flags.validity, nullCount: flags.nullCount,
                buffers: [builder.finish()])
        }
    }
}
