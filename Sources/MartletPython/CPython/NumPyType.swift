import MartletArrow
import MartletBase

/// A NumPy dtype, read from its `str`: "<i4", "<M8[ns]".
struct NumPyType {
    /// NumPy's letter for the kind: b, i, u, f, M, m, U, S, O, ...
    let kind: Character
    let byteWidth: Int
    /// In bytes of the machine's order.
    let isNative: Bool
    /// The unit of dates and times, in brackets behind their name; empty for the generic one.
    let unit: String

    init(kind: Character, byteWidth: Int) {
        self.kind = kind
        self.byteWidth = byteWidth
        isNative = true
        unit = ""
    }

    /// The dtype of a NumPy scalar or array; nil when it has none.
    init?(of object: Object, _ python: CPython) {
        guard let dtype = Owned(orNil: python.attribute(object, "dtype"), python) else { return nil }
        self.init(dtype.object, python)
    }

    /// A dtype object; nil when it does not tell what it is.
    init?(_ dtype: Object, _ python: CPython) {
        guard let found = Owned(orNil: python.attribute(dtype, "str"), python) else { return nil }
        let name = python.text(found.object)
        // The dtype of strings of any length has a name of another form.
        let text = name.hasPrefix("StringDType") ? "|T" : name
        guard text.count >= 2, let order = text.first else { return nil }
        let body = text.dropFirst()
        kind = body.first!
        byteWidth = Int(body.dropFirst().prefix { $0.isNumber }) ?? 0
        isNative = order != ">"
        unit = body.firstIndex(of: "[").map { String(body[body.index(after: $0)...].dropLast()) } ?? ""
    }

    /// NumPy's name: `int32`, `datetime64`.
    var name: String {
        switch kind {
        case "b": "bool"
        case "i": "int\(byteWidth * 8)"
        case "u": "uint\(byteWidth * 8)"
        case "f": "float\(byteWidth * 8)"
        case "M": "datetime64"
        case "m": "timedelta64"
        default: "dtype of kind \(kind)"
        }
    }

    /// The dtype that holds both, by pyarrow's rules; nil when they do not mix.
    func unified(with other: NumPyType) -> NumPyType? {
        if kind == other.kind && byteWidth == other.byteWidth { return kind == "M" && unit != other.unit ? nil : self }
        switch (kind, other.kind) {
        case ("i", "i"), ("u", "u"): return byteWidth >= other.byteWidth ? self : other
        case ("i", "u"): return other.byteWidth < byteWidth ? self : nil
        case ("i", "f"), ("u", "f"):
            if other.byteWidth == 2 { return nil }
            return byteWidth > 2 ? NumPyType(kind: "f", byteWidth: 8) : other
        case ("f", "i"), ("f", "u"): return byteWidth > 2 ? self : nil
        case ("f", "f"): return other.byteWidth > byteWidth ? other : (other.byteWidth == 2 ? nil : self)
        case ("M", _): return self
        case (_, _): return nil
        }
    }

    var timeUnit: Conversion.NumPyUnit? {
        switch unit {
        case "D": .day
        case "s": .unit(.second)
        case "ms": .unit(.millisecond)
        case "us": .unit(.microsecond)
        case "ns": .unit(.nanosecond)
        default: nil
        }
    }

    /// The Arrow type that pyarrow gives to the dtype; nil when it has none.
    var arrowType: DataType? {
        switch (kind, byteWidth) {
        case ("b", _): .boolean
        case ("i", 1): .int8
        case ("i", 2): .int16
        case ("i", 4): .int32
        case ("i", 8): .int64
        case ("u", 1): .uint8
        case ("u", 2): .uint16
        case ("u", 4): .uint32
        case ("u", 8): .uint64
        case ("f", 2): .float16
        case ("f", 4): .float32
        case ("f", 8): .float64
        case ("U", _): .string
        case ("S", _): .binary
        case ("M", 8):
            switch timeUnit {
            case .day: .date32
            case .unit(let unit): .timestamp(unit, timeZone: nil)
            case nil: nil
            }
        case ("m", 8):
            switch timeUnit {
            case .unit(let unit): .duration(unit)
            case .day, nil: nil
            }
        case (_, _): nil
        }
    }
}

/// The dtype that was looked at last: objects that come together share it, as a rule.
final class NumPyTypeCache {
    private let python: CPython
    /// Owned.
    private var dtype: Object?
    private var type: NumPyType?
    /// Counts the changes of dtype.
    private(set) var changes = 0

    init(_ python: CPython) { self.python = python }

    deinit { if let dtype { python.decref(dtype) } }

    /// Whether the object has the dtype that was looked at last.
    func isSame(_ object: Object) -> Bool {
        guard dtype != nil, let found = Owned(orNil: python.attribute(object, "dtype"), python) else { return false }
        return found.object == dtype
    }

    /// The dtype of a NumPy scalar or array; nil when it has none.
    func type(of object: Object) -> NumPyType? {
        guard let found = Owned(orNil: python.attribute(object, "dtype"), python) else { return nil }
        if found.object == dtype { return type }
        let type = NumPyType(found.object, python)
        if let dtype { python.decref(dtype) }
        dtype = found.give()
        changes += 1
        self.type = type
        return type
    }
}
