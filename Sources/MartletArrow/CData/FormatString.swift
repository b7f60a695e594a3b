import MartletBase

// The format strings of the C Data interface (CDataInterface.rst, "Data type description -- format strings").

extension DataType {
    /// The format string; child types and dictionaries are told by the structure around it.
    var formatString: String {
        switch self {
        case .null: "n"
        case .boolean: "b"
        case .int8: "c"
        case .uint8: "C"
        case .int16: "s"
        case .uint16: "S"
        case .int32: "i"
        case .uint32: "I"
        case .int64: "l"
        case .uint64: "L"
        case .float16: "e"
        case .float32: "f"
        case .float64: "g"
        case .binary: "z"
        case .largeBinary: "Z"
        case .string: "u"
        case .largeString: "U"
        case .stringView: "vu"
        case .binaryView: "vz"
        case .fixedSizeBinary(let width): "w:\(width)"
        case .decimal32(let precision, let scale): "d:\(precision),\(scale),32"
        case .decimal64(let precision, let scale): "d:\(precision),\(scale),64"
        case .decimal128(let precision, let scale): "d:\(precision),\(scale)"
        case .decimal256(let precision, let scale): "d:\(precision),\(scale),256"
        case .interval(.months): "tiM"
        case .interval(.dayTime): "tiD"
        case .interval(.monthDayNano): "tin"
        case .date32: "tdD"
        case .date64: "tdm"
        case .time32(let unit), .time64(let unit): "tt" + unit.formatLetter
        case .timestamp(let unit, let zone): "ts" + unit.formatLetter + ":" + (zone ?? "")
        case .duration(let unit): "tD" + unit.formatLetter
        case .list: "+l"
        case .largeList: "+L"
        case .listView: "+vl"
        case .largeListView: "+vL"
        case .fixedSizeList(_, let count): "+w:\(count)"
        case .struct: "+s"
        case .map: "+m"
        case .dictionary(let index, _, _): index.formatString
        case .union(let mode, _, let typeIds):
            (mode == .sparse ? "+us:" : "+ud:") + typeIds.map(String.init).joined(separator: ",")
        case .runEndEncoded: "+r"
        case .extension(let type): type.storage.formatString
        }
    }

    /// The type that a format string and the children around it say.
    init(formatString format: String, children: [Field], keysSorted: Bool) throws(MartletError) {
        func child() throws(MartletError) -> Field {
            guard children.count == 1 else {
                throw .invalid("ArrowSchema with format \"\(format)\" has \(children.count) children, expected 1")
            }
            return children[0]
        }
        func number(after prefix: Int, in range: ClosedRange<Int>) throws(MartletError) -> Int {
            guard let value = Int(format.dropFirst(prefix)), range.contains(value) else { throw Self.malformed(format) }
            return value
        }
        let text = Array(format.utf8)
        guard let first = text.first else { throw Self.malformed(format) }
        if first == UInt8(ascii: "+") {
            switch format {
            case "+l": self = .list(try child())
            case "+L": self = .largeList(try child())
            case "+s": self = .struct(children)
            case "+vl": self = .listView(try child())
            case "+vL": self = .largeListView(try child())
            case "+m": self = try .checkedMap(entries: try child(), keysSorted: keysSorted)
            case "+r":
                guard children.count == 2 else {
                    throw .invalid("ArrowSchema with format \"+r\" has \(children.count) children, expected 2")
                }
                self = try .checkedRunEndEncoded(runEnds: children[0], values: children[1])
            case _ where format.hasPrefix("+us:") || format.hasPrefix("+ud:"):
                var ids: [Int] = []
                for part in format.dropFirst(4).split(separator: ",", omittingEmptySubsequences: true) {
                    guard let id = Int(part) else { throw Self.malformed(format) }
                    ids.append(id)
                }
                self = try .checkedUnion(format.hasPrefix("+us:") ? .sparse : .dense, fields: children, typeIds: ids)
            case _ where format.hasPrefix("+w:"):
                self = .fixedSizeList(try child(), count: try number(after: 3, in: 0...Int(Int32.max)))
            case _: throw Self.unsupported(format)
            }
            return
        }
        guard children.isEmpty else {
            throw .invalid("ArrowSchema with format \"\(format)\" has \(children.count) children, expected none")
        }
        if let simple = Self.simpleFormats[format] {
            self = simple
        } else if format.hasPrefix("w:") {
            self = .fixedSizeBinary(byteWidth: try number(after: 2, in: 0...Int(Int32.max)))
        } else if format.hasPrefix("d:") {
            let parts = format.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count == 2 || parts.count == 3, let precision = Int(parts[0]), let scale = Int(parts[1]),
                Int32(exactly: scale) != nil
            else { throw Self.malformed(format) }
            guard let bits = parts.count == 2 ? 128 : Int(parts[2]) else { throw Self.malformed(format) }
            self = try .checkedDecimal(bits: bits, precision: precision, scale: scale)
        } else if text.count >= 4, format.hasPrefix("ts"), text[3] == UInt8(ascii: ":"),
            let unit = TimeUnit(formatLetter: text[2])
        {
            let zone = String(format.dropFirst(4))
            self = .timestamp(unit, timeZone: zone.isEmpty ? nil : zone)
        } else {
            throw Self.unsupported(format)
        }
    }

    private static let simpleFormats: [String: DataType] = {
        var table: [String: DataType] = [:]
        let types: [DataType] = [
            .null, .boolean, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float16, .float32,
            .float64, .binary, .largeBinary, .string, .largeString, .date32, .date64, .time32(.second),
            .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond), .stringView, .binaryView,
            .interval(.months), .interval(.dayTime), .interval(.monthDayNano),
        ]
        for type in types + TimeUnit.allCases.map({ .duration($0) }) { table[type.formatString] = type }
        return table
    }()

    private static func malformed(_ format: String) -> MartletError {
        .invalid("Invalid or unsupported format string: '\(format)'")
    }

    private static func unsupported(_ format: String) -> MartletError {
        .notImplemented("Invalid or unsupported format string: '\(format)'; cast to another type before exporting")
    }
}

extension TimeUnit {
    var formatLetter: String {
        switch self {
        case .second: "s"
        case .millisecond: "m"
        case .microsecond: "u"
        case .nanosecond: "n"
        }
    }

    init?(formatLetter: UInt8) {
        guard let unit = Self.allCases.first(where: { $0.formatLetter.utf8.first == formatLetter }) else { return nil }
        self = unit
    }
}
