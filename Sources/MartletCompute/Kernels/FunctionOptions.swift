import MartletBase

/// The options of one call, as text, read by their names.
struct FunctionOptions: Sendable {
    let function: String
    let values: [String: String]
    private let known: [String]

    init(_ function: String, _ values: [String: String], known: [String]) throws(MartletError) {
        for name in values.keys.sorted() where !known.contains(name) {
            let hint = known.isEmpty ? "it takes none" : "it takes " + known.joined(separator: ", ")
            throw .invalid("Function '\(function)' has no option '\(name)'; \(hint)")
        }
        self.function = function
        self.values = values
        self.known = known
    }

    /// Whether the function takes this option.
    func knows(_ name: String) -> Bool { known.contains(name) }

    /// The text of an option that must be given, unless there is a fallback.
    func text(_ name: String, default fallback: String? = nil) throws(MartletError) -> String {
        guard let text = values[name] ?? fallback else {
            throw .invalid("Function '\(function)' cannot be called without options: it needs \(name)")
        }
        return text
    }

    /// A number that may be negative; nil when the option is absent.
    func signed(_ name: String) throws(MartletError) -> Int? {
        guard let text = values[name], text != "None" else { return nil }
        guard let value = Int(text) else {
            throw .invalid("Option '\(name)' of function '\(function)' is a number, not '\(text)'")
        }
        return value
    }

    func double(_ name: String, default fallback: Double) throws(MartletError) -> Double {
        guard let text = values[name] else { return fallback }
        guard let value = Double(text) else {
            throw .invalid("Option '\(name)' of function '\(function)' is a number, not '\(text)'")
        }
        return value
    }

    /// Parts separated by commas, brackets around them or not.
    func list(_ name: String, default fallback: [String] = []) -> [String] {
        guard let text = values[name] else { return fallback }
        return text.split { ",[]() ".contains($0) }.map { String($0) }
    }

    /// Names, each behind a character U+001F, which no name needs; or separated by commas, as people write them.
    static func names(_ text: String) -> [String] {
        if text.first == "\u{1F}" {
            return text.dropFirst().split(separator: "\u{1F}", omittingEmptySubsequences: false).map { String($0) }
        }
        return text.split { ",[]() ".contains($0) }.map {
            $0.first == "'" ? String($0.dropFirst().dropLast()) : String($0)
        }
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
            let words = [
                "order": "sort order", "mode": "count mode", "interpolation": "quantile interpolation",
                "side": "search sorted side",
            ]
            let shown = words[name] ?? name.split(separator: "_").joined(separator: " ")
            throw .invalid(
                "\"\(text)\" is not a valid \(shown); '\(function)' expects \(allowed.joined(separator: ", "))")
        }
        return text
    }
}
