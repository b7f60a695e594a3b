package import MartletArrow
package import MartletBase

/// Python objects to arrays.
package enum PythonSequence {
    /// The items of any iterable as an array of `type`, or of the type that they suggest.
    ///
    /// `mask` is an iterable of booleans, as long as the items: where it is true the item is null.
    package static func array(
        from object: Object, mask: Object?, type: DataType?, fromPandas: Bool
    ) throws(MartletError) -> ArrayData {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        return try array(try Items.of(object, python), mask, type, fromPandas, python)
    }

    /// `count` objects that lie `stride` bytes apart, as in a NumPy array of objects.
    package static func array(
        from objects: UnsafeRawPointer, stride: Int, count: Int, mask: Object?, type: DataType?, fromPandas: Bool
    ) throws(MartletError) -> ArrayData {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        if stride == 8, Int(bitPattern: objects) % 8 == 0 {
            let base = objects.assumingMemoryBound(to: Object?.self)
            return try array(Items(borrowing: base, count: count, python), mask, type, fromPandas, python)
        }
        let builder = try ItemsBuilder(capacity: count, python)
        for i in 0..<count {
            try builder.append((objects + i * stride).loadUnaligned(as: Object?.self) ?? python.none)
        }
        return try array(Items(owning: builder, python), mask, type, fromPandas, python)
    }

    private static func array(
        _ given: Items, _ mask: Object?, _ type: DataType?, _ fromPandas: Bool, _ python: CPython
    ) throws(MartletError) -> ArrayData {
        var items = given
        if let mask, mask != python.none { items = try masked(items, mask, python) }
        let conversion = Conversion(python, fromPandas: fromPandas)
        do throws(ItemFailure) {
            if let type { return try conversion.array(items, type) }
            conversion.isStrict = false
            if let first = (0..<items.count).first(where: { items[$0] != python.none }) {
                if python.type(of: items[first]) == python.intType {
                    if let plain = try conversion.plainIntegers(items) { return plain }
                } else if let plain = try conversion.plainArrays(items, first: items[first]) {
                    return plain
                }
            }
            let inference = TypeInference(conversion)
            try inference.visit(items)
            let found: DataType
            do throws(MartletError) { found = try inference.type() } catch { throw ItemFailure(-1, error) }
            return try conversion.array(items, found)
        } catch {
            if error.index < 0 { throw error.error }
            throw error.told
        }
    }

    private static func maskList(_ mask: Object, _ isArray: Bool, _ python: CPython) throws(MartletError) -> Object {
        if isArray { return try python.callMethod(mask, "tolist") }
        // Arrow arrays of any library.
        if Owned(orNil: python.attribute(python.type(of: mask), "to_pylist"), python) != nil {
            return try python.callMethod(mask, "to_pylist")
        }
        return try Owned(python.listFrom(mask), python).give()
    }

    /// The items with None where the mask is true.
    private static func masked(_ items: Items, _ mask: Object, _ python: CPython) throws(MartletError) -> Items {
        try items.pin()
        let foreign = ForeignTypes(python)
        let isArray = python.isSubtype(python.type(of: mask), of: foreign.numpyArray)
        if isArray {
            guard try python.integerAttribute(mask, "ndim") == 1 else { throw .invalid("Mask must be 1D array") }
            guard NumPyType(of: mask, python)?.kind == "b" else { throw .type("Mask must be boolean dtype") }
        }
        let list = try Owned(try maskList(mask, isArray, python), python)
        let flags = try Items.of(list.object, python)
        guard flags.count == items.count else {
            throw .invalid(
                "Mask was a different length from sequence being converted; \(flags.count) against \(items.count) items"
            )
        }
        let builder = try ItemsBuilder(capacity: items.count, python)
        for i in 0..<items.count {
            if flags[i] == python.true {
                try builder.append(python.none)
            } else if flags[i] == python.false {
                try builder.append(items[i])
            } else {
                throw .type("Mask must be a sequence of booleans; item \(i) is \(python.reprText(flags[i]))")
            }
        }
        return Items(owning: builder, python)
    }
}
