import MartletBase

/// The options of one call, as text, read by their names.
struct FunctionOptions: Sendable {
    let function: String
    let values: [String: String]

    init(_ function: String, _ values: [String: String], known: [String]) throws(MartletError) {
        for name in values.keys.sorted() where !known.contains(name) {
            let hint = known.isEmpty ? "it takes none" : "it takes " + known.joined(separator: ", ")
            throw .invalid("Function '\(function)' has no option '\(name)'; \(hint)")
        }
        self.function = function
        self.values = values
    }

    func bool(_ name: String, default fallback: Bool) throws(MartletError) -> Bool {
        switch values[name] {
        case nil: return fallback
        case "true", "True", "1": return true
        case "false", "False", "0": return false
        case let other?:
            throw .invalid("Option '\(name)' of function '\(function)' is true or false, not '\(other)'")
        }
    }

    func integer(_ name: String, default fallback: Int) throws(MartletError) -> Int {
        guard let text = values[name] else { return fallback }
        guard let value = Int(text), value >= 0 else {
            throw .invalid("Option '\(name)' of function '\(function)' is a number, not '\(text)'")
        }
        return value
    }

    /// The value, which is one of `allowed`; the first of them when the option is absent.
    func choice(_ name: String, _ allowed: [String]) throws(MartletError) -> String {
        guard let text = values[name] else { return allowed[0] }
        guard allowed.contains(text) else {
            throw .invalid("\"\(text)\" is not a valid \(function) \(name); expected \(allowed.joined(separator: ", "))")
        }
        return text
    }
}
