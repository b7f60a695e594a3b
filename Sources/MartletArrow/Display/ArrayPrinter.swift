public import MartletBase

extension ArrayData {
    /// The array as pyarrow prints it: the first and last `window` values (2 of nested ones), one a line, each cut after
    /// `elementLimit` bytes.
    public func text(window: Int = 10, indent: Int = 0, elementLimit: Int = 100) throws(MartletError) -> String {
        var printer = ArrayPrinter(window: max(0, window), style: .lines, elementLimit: max(0, elementLimit))
        try printer.print(self, indent: max(0, indent))
        return printer.output
    }
}

/// Prints arrays, recursively, into `output`.
struct ArrayPrinter {
    enum Style { case lines, oneLine }

    let window: Int
    let style: Style
    let elementLimit: Int
    private(set) var output = ""

    init(window: Int, style: Style, elementLimit: Int = .max) {
        self.window = window
        self.style = style
        self.elementLimit = elementLimit
    }

    func text(of array: ArrayData) throws(MartletError) -> String {
        var printer = self
        try printer.print(array, indent: 0)
        return printer.output
    }

    mutating func print(_ array: ArrayData, indent: Int) throws(MartletError) {
        switch array.type {
        case .null: output += "\(pad(indent))\(array.count) nulls"
        case .struct(let fields):
            output += pad(indent) + "-- is_valid:"
            if array.nullCount == 0 {
                output += " all not null"
            } else {
                output += "\n"
                try printValidity(array, indent: indent + 2)
            }
            for (i, field) in fields.enumerated() {
                output += "\n\(pad(indent))-- child \(i) type: \(field.type)\n"
                try print(array.child(i), indent: indent + 2)
            }
        case .dictionary(let index, _, _):
            output += "\n\(pad(indent))-- dictionary:\n"
            if let values = array.dictionary { try print(values, indent: indent + 2) }
            output += "\n\(pad(indent))-- indices:\n"
            try print(
                ArrayData(
                    type: index, count: array.count, offset: array.offset, validity: array.validity,
                    nullCount: array.knownNullCount, buffers: array.buffers),
                indent: indent + 2)
        case .extension: try print(array.storage, indent: indent)
        case .union(let mode, let fields, _):
            output += pad(indent) + "-- is_valid: all not null\n"
            output += pad(indent) + "-- type_ids: "
            try print(
                ArrayData(type: .int8, count: array.count, offset: array.offset, nullCount: 0, buffers: [array.buffers[0]]),
                indent: indent + 2)
            if mode == .dense {
                output += "\n" + pad(indent) + "-- value_offsets: "
                try print(
                    ArrayData(
                        type: .int32, count: array.count, offset: array.offset, nullCount: 0, buffers: [array.buffers[1]]),
                    indent: indent + 2)
            }
            for (i, field) in fields.enumerated() {
                output += "\n\(pad(indent))-- child \(i) type: \(field.type)\n"
                try print(array.child(i), indent: indent + 2)
            }
        case .runEndEncoded:
            // As they lie: a slice shows all runs.
            output += "\n\(pad(indent))-- run_ends:\n"
            try print(array.children[0], indent: indent + 2)
            output += "\n\(pad(indent))-- values:\n"
            try print(array.children[1], indent: indent + 2)
        case .list, .largeList, .fixedSizeList, .listView, .largeListView:
            try printItems(array.count, window: min(window, 2), indent: indent) { printer, i throws(MartletError) in
                if array.isValid(i) {
                    try printer.print(try array.listValues(at: i), indent: indent + 2)
                } else {
                    printer.output += printer.pad(indent + 2) + "null"
                }
            }
        case .map:
            try printItems(array.count, window: min(window, 2), indent: indent) { printer, i throws(MartletError) in
                guard array.isValid(i) else { return printer.output += printer.pad(indent + 2) + "null" }
                let entries = try array.listValues(at: i)
                printer.output += printer.pad(indent + 2) + "keys:\n"
                try printer.print(entries.child(0), indent: indent + 2)
                printer.output += "\n" + printer.pad(indent + 2) + "values:\n"
                try printer.print(entries.child(1), indent: indent + 2)
            }
        case .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
            .string, .largeString, .binary, .largeBinary, .stringView, .binaryView, .fixedSizeBinary, .date32, .date64,
            .time32, .time64, .timestamp, .duration, .interval, .decimal32, .decimal64, .decimal128, .decimal256:
            try printItems(array.count, window: window, indent: indent) { printer, i throws(MartletError) in
                printer.output += printer.pad(indent + 2) + printer.cut(try array.text(at: i, quoted: true))
            }
        }
    }

    private mutating func printValidity(_ array: ArrayData, indent: Int) throws(MartletError) {
        try printItems(array.count, window: window, indent: indent) { printer, i in
            printer.output += printer.pad(indent + 2) + (array.isValid(i) ? "true" : "false")
        }
    }

    /// `[`, the items that the window shows, `]`.
    private mutating func printItems(
        _ count: Int, window: Int, indent: Int, _ item: (inout ArrayPrinter, Int) throws(MartletError) -> Void
    ) throws(MartletError) {
        let newline = style == .lines ? "\n" : ""
        guard count > 0 else { return output += pad(indent) + "[]" }
        output += pad(indent) + "[" + newline
        var i = 0
        while i < count {
            if count > 2 * window + 1 && i == window {
                output += pad(indent + 2) + "..." + newline
                i = count - window
                continue
            }
            try item(&self, i)
            i += 1
            let isBeforeGap = count > 2 * window + 1 && i == window
            output += (i < count ? (style == .lines || isBeforeGap ? "," : ", ") : "") + newline
        }
        output += pad(indent) + "]"
    }

    /// A value's text without what is beyond the limit, and how much that is; quotation marks count, and stay.
    private func cut(_ text: String) -> String {
        let excess = text.utf8.count - elementLimit
        guard excess > 0 else { return text }
        let mark = text.hasPrefix("\"") ? "\"" : ""
        let content = text.dropFirst(mark.count).dropLast(mark.count).utf8
        var end = content.index(content.startIndex, offsetBy: max(0, content.count - excess))
        while end > content.startIndex, end < content.endIndex, content[end] & 0xC0 == 0x80 { end = content.index(before: end) }
        let omitted = content.distance(from: end, to: content.endIndex)
        return "\(mark)\(Substring(content[..<end])) (... \(omitted) chars omitted)\(mark)"
    }

    private func pad(_ count: Int) -> String { style == .lines ? String(repeating: " ", count: count) : "" }
}

extension ArrayData {
    /// The values of slot `index` of a list, map, list view or fixed-size list.
    package func listValues(at index: Int) throws(MartletError) -> ArrayData {
        switch type {
        case .fixedSizeList(_, let width): return child(0).window(index * width, width)
        case .list, .map:
            let range = try ListArray<Int32>(self).range(index)
            return children[0].window(range.lowerBound, range.count)
        case .largeList:
            let range = try ListArray<Int64>(self).range(index)
            return children[0].window(range.lowerBound, range.count)
        case .listView:
            let range = try ListViewArray<Int32>(self).range(index)
            return children[0].window(range.lowerBound, range.count)
        case .largeListView:
            let range = try ListViewArray<Int64>(self).range(index)
            return children[0].window(range.lowerBound, range.count)
        case .extension: return try storage.listValues(at: index)
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .stringView, .binaryView, .fixedSizeBinary, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .interval, .decimal32, .decimal64, .decimal128, .decimal256,
            .struct, .dictionary, .union, .runEndEncoded:
            throw .type("array of \(type) has no lists")
        }
    }
}
