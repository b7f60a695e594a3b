import MartletArrow
import MartletBase

extension Expression: CustomStringConvertible {
    /// pyarrow's text: `((a > 3) and is_null(b, {nan_is_null=false}))`.
    public var description: String {
        switch self {
        case .field(let path): return Self.text(path.map { .name($0) })
        case .reference(let steps): return Self.text(steps)
        case .literal(let value): return Self.text(value, 0)
        case .call(let name, let arguments, let options):
            let texts = arguments.map(\.description)
            if name == "make_struct", let names = options.options["field_names"].map(FunctionOptions.names),
                names.count == texts.count
            {
                return "{" + zip(names, texts).map { "\($0)=\($1)" }.joined(separator: ", ") + "}"
            }
            if let comparison = Comparison(rawValue: name), texts.count == 2 {
                return "(\(texts[0]) \(comparison.symbol) \(texts[1]))"
            }
            if texts.count == 2,
                let word = ["and": "and", "and_kleene": "and", "or": "or", "or_kleene": "or", "xor": "xor"][name]
            {
                return "(\(texts[0]) \(word) \(texts[1]))"
            }
            let shown = Self.text(options, of: name)
            return "\(name)(\((texts + (shown.isEmpty ? [] : ["{\(shown)}"])).joined(separator: ", ")))"
        }
    }

    private static func text(_ values: ArrayData, _ row: Int) -> String {
        guard values.isValid(row), let text = try? values.text(at: row) else { return "null[\(values.type)]" }
        switch values.type {
        case .string, .largeString, .stringView:
            return "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
        case .binary, .largeBinary, .binaryView, .fixedSizeBinary: return "\"\(text)\""
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .date32, .date64, .time32, .time64, .timestamp, .duration, .decimal128, .list, .largeList,
            .fixedSizeList, .struct, .map, .dictionary, .interval, .decimal32, .decimal64, .decimal256, .listView,
            .largeListView, .union, .runEndEncoded, .extension:
            return text
        }
    }

    private static func text(_ options: CallOptions, of name: String) -> String {
        func option(_ key: String, _ fallback: String) -> String { "\(key)=\(options.options[key] ?? fallback)" }
        switch name {
        case "cast":
            let isSafe = options.options["safe"] != "false"
            return
                (["to_type=\(options.type.map(\.description) ?? "?")"]
                + CastOptions.optionNames.dropFirst().map { option($0, isSafe ? "false" : "true") })
                .joined(separator: ", ")
        case "is_in", "index_in":
            let set = options.valueSet
            let members =
                set.map { set in (0..<set.count).map { "  " + (set.isValid($0) ? text(set, $0) : "null") } } ?? []
            let behavior =
                options.options["skip_nulls"] == "true"
                ? "SKIP" : (options.options["null_matching_behavior"] ?? "match").uppercased()
            return "value_set=\(set.map(\.type.description) ?? "?"):[\n\(members.joined(separator: ",\n"))\n], "
                + "null_matching_behavior=\(behavior)"
        case _:
            let known = (try? Compute.function(named: name))?.options ?? options.options.keys.sorted()
            return known.compactMap { key in options.options[key].map { "\(key)=\(text($0, ofOption: key))" } }
                .joined(separator: ", ")
        }
    }

    /// Options as pyarrow prints them: words of its enumerations in capitals, texts in quotes.
    private static func text(_ value: String, ofOption key: String) -> String {
        switch key {
        case "round_mode", "unit", "null_handling", "interpolation", "null_encoding", "null_selection_behavior":
            return value.uppercased()
        case "pattern", "replacement", "characters", "padding", "null_replacement", "format", "timezone":
            return "\"\(value)\""
        case _: return value
        }
    }
}
