import MartletBase

/// A small reader of JSON (RFC 8259) for the parameters of extension types: short texts from outside.
enum JSONValue: Equatable {
    case null
    case flag(Bool)
    case integer(Int)
    /// A number that is no integer of 64 bits, as it is written.
    case number(String)
    case text(String)
    case list([JSONValue])
    /// Members in order; a name that comes twice keeps both.
    case object([(name: String, value: JSONValue)])

    static let maximumDepth = 16

    init(_ bytes: [UInt8]) throws(MartletError) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.value(depth: 1)
        reader.skipSpace()
        guard reader.isAtEnd else { throw reader.unexpected() }
    }

    /// The last member of this name; nil when there is none, or no object.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.flag(let x), .flag(let y)): x == y
        case (.integer(let x), .integer(let y)): x == y
        case (.number(let x), .number(let y)), (.text(let x), .text(let y)): x == y
        case (.list(let x), .list(let y)): x == y
        case (.object(let x), .object(let y)): x.count == y.count && zip(x, y).allSatisfy { $0 == $1 }
        case _: false
        }
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position >= bytes.count }
    private var next: UInt8? { isAtEnd ? nil : bytes[position] }

    func unexpected() -> MartletError {
        .invalid("damaged JSON at byte \(position): " + (isAtEnd ? "it ends too early" : "unexpected byte \(bytes[position])"))
    }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard let byte = next, UInt32(byte) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(MartletError) {
        guard take(character) else { throw unexpected() }
    }

    mutating func value(depth: Int) throws(MartletError) -> JSONValue {
        guard depth <= JSONValue.maximumDepth else {
            throw .invalid("JSON is nested deeper than \(JSONValue.maximumDepth) levels")
        }
        skipSpace()
        if take("{") {
            var members: [(name: String, value: JSONValue)] = []
            if take("}") { return .object([]) }
            repeat {
                let name = try string()
                try expect(":")
                members.append((name, try value(depth: depth + 1)))
            } while take(",")
            try expect("}")
            return .object(members)
        }
        if take("[") {
            var items: [JSONValue] = []
            if take("]") { return .list([]) }
            repeat { items.append(try value(depth: depth + 1)) } while take(",")
            try expect("]")
            return .list(items)
        }
        if next == UInt8(ascii: "\"") { return .text(try string()) }
        let start = position
        while let byte = next, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}") {
            position += 1
        }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "null": return .null
        case "true": return .flag(true)
        case "false": return .flag(false)
        case _:
            guard let first = word.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
                position = start
                throw unexpected()
            }
            if let number = Int(word) { return .integer(number) }
            guard Double(word) != nil else {
                position = start
                throw unexpected()
            }
            return .number(word)
        }
    }

    private mutating func string() throws(MartletError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            position += 1
            guard byte >= 0x20 else { throw unexpected() }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard let escape = next else { throw unexpected() }
            position += 1
            switch Unicode.Scalar(escape) {
            case "\"", "\\", "/": text.append(escape)
            case "b": text.append(0x08)
            case "f": text.append(0x0C)
            case "n": text.append(0x0A)
            case "r": text.append(0x0D)
            case "t": text.append(0x09)
            case "u":
                var code = try codeUnit()
                if (0xD800..<0xDC00).contains(code), next == UInt8(ascii: "\\") {
                    position += 1
                    guard next == UInt8(ascii: "u") else { throw unexpected() }
                    position += 1
                    let low = try codeUnit()
                    guard (0xDC00..<0xE000).contains(low) else { throw unexpected() }
                    code = 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00)
                }
                text += Array(String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
            case _: throw unexpected()
            }
        }
        try expect("\"")
        guard let valid = String(validating: text, as: UTF8.self) else { throw .invalid("a text in JSON is not valid UTF-8") }
        return valid
    }

    private mutating func codeUnit() throws(MartletError) -> UInt32 {
        guard position + 4 <= bytes.count,
            let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw unexpected() }
        position += 4
        return code
    }
}
