import MartletBase

extension CPython {
    /// The Python exception that is set, taken away from Python and told as ours: its class name, then its text. Code
    /// `unknown` says that the class is what matters.
    func takeError() -> MartletError {
        var (type, value, trace): (Object?, Object?, Object?) = (nil, nil, nil)
        fetchError(&type, &value, &trace)
        guard type != nil else {
            return MartletError(.unknown, "SystemError: a Python function failed without an exception")
        }
        normalizeError(&type, &value, &trace)
        defer {
            decref(type)
            decref(value)
            decref(trace)
            clearError()
        }
        var message = ""
        if let value, let text = Owned(orNil: str(value), self) { message = self.text(text.object) }
        let name = type.map { typeName($0, qualified: false) } ?? "Exception"
        let full = message.isEmpty ? name : "\(name): \(message)"
        if matchesException(type, keyboardInterrupt) != 0 { return MartletError(.cancelled, full) }
        if matchesException(type, memoryError) != 0 { return MartletError(.outOfMemory, full) }
        return MartletError(.unknown, full)
    }

    /// Lets signal handlers run, and throws what they raise: Ctrl-C ends long work.
    func runSignalHandlers() throws(MartletError) {
        if checkSignals() != 0 { throw takeError() }
    }

    /// A `str` as Swift text, lone surrogates as escapes; "" for anything else.
    func text(_ object: Object) -> String {
        var count = 0
        if let bytes = utf8(object, &count) {
            return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
        }
        clearError()
        guard let escaped = Owned(orNil: encode(object, "utf-8", "backslashreplace"), self) else { return "" }
        var bytes: UnsafeMutablePointer<CChar>?
        guard bytesView(escaped.object, &bytes, &count) == 0, let bytes else {
            clearError()
            return ""
        }
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// Python's `repr`, shortened when it is long.
    func reprText(_ object: Object) -> String {
        guard let repr = Owned(orNil: repr(object), self) else {
            return "<object of type '\(typeName(of: object))' repr() failed>"
        }
        let whole = text(repr.object)
        return whole.utf8.count <= 1000 ? whole : String(whole.prefix(900)) + "..."
    }

    /// The name of an object's type as `tp_name` has it: `int`, `decimal.Decimal`.
    func typeName(of object: Object) -> String { typeName(type(of: object), qualified: true) }

    func typeName(_ type: Object, qualified: Bool) -> String {
        if layout.hasTypeNames, let name = type.load(fromByteOffset: 24, as: UnsafePointer<CChar>?.self) {
            let text = String(cString: name)
            return qualified
                ? text : String(text[(text.lastIndex(of: ".").map(text.index(after:)) ?? text.startIndex)...])
        }
        guard let name = Owned(orNil: attribute(type, "__name__"), self) else { return "object" }
        // Types that C code declares carry their module in `tp_name`, those that Python code makes do not.
        let isMadeByPython = typeFlags(type) & (1 << 9) != 0
        if qualified, !isMadeByPython, let module = Owned(orNil: attribute(type, "__module__"), self) {
            let module = text(module.object)
            if module != "builtins" { return "\(module).\(text(name.object))" }
        }
        return text(name.object)
    }
}

extension MartletError {
    /// What pyarrow leaves to a Python class that has no Arrow status.
    static func python(_ className: String, _ message: String) -> MartletError {
        MartletError(.unknown, "\(className): \(message)")
    }
}
