import MartletBase

extension CPython {
    /// The type of an object, borrowed: it lives as long as the object.
    @inline(__always)
    func type(of object: Object) -> Object {
        if layout.hasTypes { return object.load(fromByteOffset: 8, as: Object.self) }
        return typeThroughFunction(object)
    }

    @inline(never)
    private func typeThroughFunction(_ object: Object) -> Object {
        let type = typeOf(object)!
        decref(type)
        return type
    }

    /// CPython's flags for subclasses of the basic types.
    enum Basic: UInt {
        case int = 24, list, tuple, bytes, str, dict
    }

    func isKind(_ type: Object, _ basic: Basic) -> Bool { typeFlags(type) & (1 << basic.rawValue) != 0 }

    /// `callable(argument)`.
    func call(_ callable: Object, _ argument: Object) throws(MartletError) -> Object {
        if let callOne {
            guard let result = callOne(callable, argument) else { throw takeError() }
            return result
        }
        let arguments = try Owned(makeTuple(1), self)
        incref(argument)
        _ = setTupleItem(arguments.object, 0, argument)
        guard let result = call(callable, arguments.object, nil) else { throw takeError() }
        return result
    }

    /// `object.name()`.
    func callMethod(_ object: Object, _ name: String) throws(MartletError) -> Object {
        let method = try Owned(attribute(object, name), self)
        let arguments = try Owned(makeTuple(0), self)
        guard let result = call(method.object, arguments.object, nil) else { throw takeError() }
        return result
    }

    /// `object.name(argument)`.
    func callMethod(_ object: Object, _ name: String, _ argument: Object) throws(MartletError) -> Object {
        let method = try Owned(attribute(object, name), self)
        return try call(method.object, argument)
    }

    func makeText(_ text: String) throws(MartletError) -> Object {
        var text = text
        let object = text.withUTF8 { makeText($0.baseAddress, $0.count) }
        guard let object else { throw takeError() }
        return object
    }

    /// A module that is loaded already, borrowed.
    func loadedModule(_ name: String) -> Object? {
        guard let all = modules(), let module = dictItemByText(all, name), module != none else { return nil }
        return module
    }

    /// `module.name`, borrowed from a module that keeps it alive; nil when it has none.
    func constant(_ module: Object?, _ name: String) -> Object? {
        guard let module, let found = Owned(orNil: attribute(module, name), self) else { return nil }
        return found.object
    }

    /// An attribute that is an integer.
    func integerAttribute(_ object: Object, _ name: String) throws(MartletError) -> Int64 {
        let value = try Owned(attribute(object, name), self)
        return try int64(value.object)
    }

    /// A Python integer that fits; throws what Python raises otherwise.
    func int64(_ object: Object) throws(MartletError) -> Int64 {
        var overflow: Int32 = 0
        let value = asInt64(object, &overflow)
        if value == -1 {
            if overflow != 0 { throw .python("OverflowError", "Python int too large to convert to C long") }
            if errorOccurred() != nil { throw takeError() }
        }
        return value
    }
}
