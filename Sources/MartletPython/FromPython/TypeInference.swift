import MartletArrow
import MartletBase

/// Finds the type that Python objects suggest, by pyarrow's rules.
///
/// It counts what it sees. A value of most kinds settles the matter and ends the walk (`.enough`): what follows either
/// converts or is an error. Integers do not, since a float may follow; nor do decimals, NumPy scalars, lists and dicts,
/// whose type is that of all of them together.
final class TypeInference {
    enum Step { case more, enough }

    private let conversion: Conversion
    private let python: CPython
    private let depth: Int

    private var total = 0
    private var nulls = 0
    private var booleans = 0
    private var integers = 0
    private var floats = 0
    private var dates = 0
    private var times = 0
    private var timestamps = 0
    private var durations = 0
    private var binaries = 0
    private var texts = 0
    private var decimals = 0
    private var intervals = 0
    private var uuids = 0
    private var lists = 0
    private var structs = 0
    private var numpyScalars = 0
    private var timeZone: String?
    private var numpyType: NumPyType?
    /// Which of the dtypes that the conversion has looked at the arrays before this one had.
    private var arrayDtype = -1
    private var decimalPrecision: Int?
    private var decimalScale = 0
    private var items: TypeInference?
    private var fields: [(name: String, inference: TypeInference)] = []
    private var fieldIndex: [String: Int] = [:]
    /// The key objects of the row before, in its order: rows usually share them, and then no text is compared. Owned.
    private var keys: [(object: Object, field: Int)] = []

    init(_ conversion: Conversion, depth: Int = 1) {
        self.conversion = conversion
        python = conversion.python
        self.depth = depth
    }

    deinit { for key in keys { python.decref(key.object) } }

    // MARK: - Walking

    /// All items until one settles the type.
    func visit(_ items: Items) throws(ItemFailure) {
        let layout = python.layout
        for i in 0..<items.count {
            let object = items[i]
            if layout.hasTypes, let step = visitPlain(object) {
                if step == .enough { return }
                continue
            }
            let step = try at(i, fix: "give the type, or make the items of one kind") { () throws(MartletError) in
                try items.pin()
                try conversion.countSlowItem()
                return try visitAny(items[i])
            }
            if step == .enough { return }
        }
    }

    /// An item of the most usual types; nil for the others.
    @inline(__always)
    private func visitPlain(_ object: Object) -> Step? {
        let type = object.load(fromByteOffset: 8, as: Object.self)
        if type == python.intType {
            total &+= 1
            integers &+= 1
            return .more
        }
        if type == python.strType {
            total &+= 1
            texts &+= 1
            return .enough
        }
        if object == python.none {
            total &+= 1
            nulls &+= 1
            return .more
        }
        if type == python.floatType && !conversion.fromPandas {
            total &+= 1
            floats &+= 1
            return .enough
        }
        return nil
    }

    private func visitAny(_ object: Object) throws(MartletError) -> Step {
        total += 1
        if try conversion.isNull(object) {
            nulls += 1
            return .more
        }
        let type = python.type(of: object)
        if type == python.listType || type == python.tupleType { return try visitList(object) }
        if type == python.dictType { return try visitDict(object) }
        if type == conversion.foreign.numpyArray { return try visitArray(object) }
        if type == python.boolType {
            booleans += 1
            return .enough
        }
        if python.isSubtype(type, of: python.floatType) {
            floats += 1
            return .enough
        }
        if python.isKind(type, .int) {
            integers += 1
            return .more
        }
        if let step = try visitDateTime(object, type) { return step }
        let foreign = conversion.foreign
        if python.isSubtype(type, of: foreign.monthDayNano) || python.isSubtype(type, of: foreign.relativeDelta)
            || python.isSubtype(type, of: foreign.pandasDateOffset)
        {
            intervals += 1
            return .enough
        }
        if python.isSubtype(type, of: foreign.uuid) {
            uuids += 1
            return .enough
        }
        if python.isKind(type, .bytes) || python.isSubtype(type, of: python.byteArrayType)
            || type == python.memoryViewType
        {
            binaries += 1
            return .enough
        }
        if python.isKind(type, .str) {
            texts += 1
            return .enough
        }
        if python.isSubtype(type, of: conversion.foreign.numpyGeneric) {
            numpyScalars += 1
            return try visit(dtypeOf: object)
        }
        if python.isSubtype(type, of: python.setType) || type == python.dictValuesType
            || python.isSubtype(type, of: conversion.foreign.pandasSeries)
        {
            return try visitList(object)
        }
        if python.isSubtype(type, of: conversion.foreign.numpyArray) { return try visitArray(object) }
        if python.isKind(type, .dict) { return try visitDict(object) }
        if python.isKind(type, .list) || python.isKind(type, .tuple) { return try visitList(object) }
        if python.isSubtype(type, of: conversion.foreign.decimal) {
            decimals += 1
            try visitDecimal(object)
            return .more
        }
        throw conversion.invalidValue(object, "did not recognize Python value type when inferring an Arrow data type")
    }

    private func visitDateTime(_ object: Object, _ type: Object) throws(MartletError) -> Step? {
        guard conversion.hasDateTime else { return nil }
        let dateTime = try conversion.dateTime.get()
        if python.isSubtype(type, of: dateTime.dateTime) {
            if timestamps == 0, let zone = try dateTime.zone(object) {
                timeZone = try conversion.zoneName(zone, object)
            }
            timestamps += 1
        } else if python.isSubtype(type, of: dateTime.delta) {
            durations += 1
        } else if python.isSubtype(type, of: dateTime.date) {
            dates += 1
        } else if python.isSubtype(type, of: dateTime.time) {
            times += 1
        } else {
            return nil
        }
        return .enough
    }

    private func visitArray(_ object: Object) throws(MartletError) -> Step {
        let dtypes = conversion.numpyTypes
        let isKnown = dtypes.changes == arrayDtype && dtypes.isSame(object)
        if !isKnown {
            // NumPy's own strings of variable width come out as Python's.
            guard let dtype = dtypes.type(of: object), dtype.kind != "O", dtype.kind != "T" else {
                return try visitList(object)
            }
        }
        guard try python.integerAttribute(object, "ndim") == 1 else { return try visitList(object) }
        lists += 1
        let inner = try inner()
        inner.total += 1
        inner.numpyScalars += 1
        if isKnown { return .more }
        let step = try inner.visit(dtypeOf: object)
        arrayDtype = dtypes.changes
        return step
    }

    private func visit(dtypeOf object: Object) throws(MartletError) -> Step {
        guard let dtype = conversion.numpyTypes.type(of: object) else { throw .type("a NumPy object has no dtype") }
        guard dtype.arrowType != nil || dtype.kind == "M" || dtype.kind == "m" else {
            throw .notImplemented("Unsupported numpy type \(dtype.name)")
        }
        guard let current = numpyType else {
            numpyType = dtype
            return .more
        }
        guard let both = current.unified(with: dtype) else {
            if current.kind == "M", dtype.kind == "M" {
                let units = [current.unit, dtype.unit].map { $0.isEmpty ? "generic" : $0 }
                throw .invalid("Cannot mix NumPy datetime64 units \(units[0]) and \(units[1])")
            }
            throw .invalid("Cannot mix NumPy dtypes \(current.name) and \(dtype.name)")
        }
        numpyType = both
        return .more
    }

    private func visitDecimal(_ object: Object) throws(MartletError) {
        let text = try Owned(python.str(object), python)
        var count = 0
        guard let utf8 = python.utf8(text.object, &count) else { throw python.takeError() }
        guard let number = DecimalText(UnsafeRawBufferPointer(start: utf8, count: count)) else { return }
        let (precision, scale) = (max(number.precision, 1), number.scale)
        guard let before = decimalPrecision else {
            (decimalPrecision, decimalScale) = (precision, scale)
            return
        }
        let whole = max(before - decimalScale, precision - scale)
        decimalScale = max(decimalScale, scale)
        decimalPrecision = max(whole + decimalScale, before)
    }

    // MARK: - Nesting

    private func inner() throws(MartletError) -> TypeInference {
        if let items { return items }
        guard depth < DataType.maximumDepth else {
            throw .invalid("nested more than \(DataType.maximumDepth) levels deep, or within itself")
        }
        let made = TypeInference(conversion, depth: depth + 1)
        items = made
        return made
    }

    private func visitList(_ object: Object) throws(MartletError) -> Step {
        lists += 1
        let inner = try inner()
        guard python.type(of: object) == python.listType, python.layout.hasLists, python.layout.hasTypes else {
            do throws(ItemFailure) {
                try inner.visit(try at { () throws(MartletError) in try Items.of(object, python) })
            } catch {
                throw error.error
            }
            return .more
        }
        // The list may change under Python code: its size and its items are read anew at each step.
        var i = 0
        while i < object.load(fromByteOffset: 16, as: Int.self),
            let base = object.load(fromByteOffset: 24, as: UnsafePointer<Object?>?.self)
        {
            let item = base[i] ?? python.none
            i += 1
            if let step = inner.visitPlain(item) {
                if step == .enough { break }
                continue
            }
            python.incref(item)
            defer { python.decref(item) }
            if try inner.visitAny(item) == .enough { break }
        }
        return .more
    }

    private func visitDict(_ object: Object) throws(MartletError) -> Step {
        structs += 1
        guard depth < DataType.maximumDepth else {
            throw .invalid("nested more than \(DataType.maximumDepth) levels deep, or within itself")
        }
        let hasTypes = python.layout.hasTypes
        var (position, place) = (0, 0)
        var (key, value): (Object?, Object?) = (nil, nil)
        // Python code that runs while a value is looked at may change the dict: both are held until then.
        while python.nextDictItem(object, &position, &key, &value) != 0, let key, let value {
            if place < keys.count, keys[place].object == key {
                let inference = fields[keys[place].field].inference
                place += 1
                if hasTypes, inference.visitPlain(value) != nil { continue }
                python.incref(value)
                defer { python.decref(value) }
                _ = try inference.visitAny(value)
                continue
            }
            python.incref(value)
            defer { python.decref(value) }
            let field = try fieldNamed(key)
            python.incref(key)
            if place < keys.count {
                let old = keys[place].object
                keys[place] = (key, field)
                python.decref(old)
            } else {
                keys.append((key, field))
            }
            place += 1
            _ = try fields[field].inference.visitAny(value)
        }
        return .more
    }

    private func fieldNamed(_ key: Object) throws(MartletError) -> Int {
        let type = python.type(of: key)
        guard python.isKind(type, .str) || python.isKind(type, .bytes) else {
            throw .type("Expected dict key of type str or bytes, got '\(python.typeName(of: key))'")
        }
        var name = ""
        try conversion.withBytes(of: key) { (bytes, _) throws(MartletError) in
            name = String(decoding: bytes, as: UTF8.self)
        }
        if let known = fieldIndex[name] { return known }
        fields.append((name, TypeInference(conversion, depth: depth + 1)))
        fieldIndex[name] = fields.count - 1
        return fields.count - 1
    }

    // MARK: - The answer

    func type() throws(MartletError) -> DataType {
        if lists > 0, lists + nulls != total { throw .invalid("cannot mix list and non-list, non-null values") }
        if lists == 0, structs > 0, structs + nulls != total {
            throw .invalid("cannot mix struct and non-struct, non-null values")
        }
        if numpyScalars > 0, let numpyType {
            if numpyScalars + nulls == total {
                if let type = numpyType.arrowType { return type }
                throw .notImplemented("Unsupported \(numpyType.name) time unit")
            }
            switch numpyType.kind {
            case "b": booleans += numpyScalars
            case "i", "u": integers += numpyScalars
            case "f": floats += numpyScalars
            case "M":
                throw .invalid("numpy.datetime64 scalars cannot be mixed with other Python scalar values currently")
            case "U": texts += numpyScalars
            case "S": binaries += numpyScalars
            default: break
            }
        }
        if lists > 0 { return .list(Field("item", try items?.type() ?? .null)) }
        if structs > 0 {
            var types: [Field] = []
            for field in fields { types.append(Field(field.name, try field.inference.type())) }
            return .struct(types)
        }
        if decimals > 0 {
            let precision = decimalPrecision ?? 1
            guard precision <= 76 else {
                throw .invalid("Decimal precision out of range [1, 76]: \(precision)")
            }
            return precision <= 38
                ? .decimal128(precision: precision, scale: decimalScale)
                : .decimal256(precision: precision, scale: decimalScale)
        }
        if floats > 0 { return .float64 }
        if integers > 0 { return .int64 }
        if dates > 0 { return .date32 }
        if times > 0 { return .time64(.microsecond) }
        if timestamps > 0 { return .timestamp(.microsecond, timeZone: timeZone) }
        if intervals > 0 { return .interval(.monthDayNano) }
        if uuids > 0 {
            return .extension(ExtensionType(name: "arrow.uuid", storage: .fixedSizeBinary(byteWidth: 16)))
        }
        if durations > 0 { return .duration(.microsecond) }
        if booleans > 0 { return .boolean }
        if binaries > 0 { return .binary }
        if texts > 0 { return .string }
        return .null
    }
}

extension Conversion {
    /// Arrow's name of a time zone: `Europe/Paris`, `UTC`, `+05:30`.
    func zoneName(_ zone: Object, _ dateTime: Object) throws(MartletError) -> String {
        if let types = try? self.dateTime.get(), zone == types.utc { return "UTC" }
        // zoneinfo and dateutil say `key`, pytz says `zone`.
        for name in ["key", "zone"] {
            if let key = Owned(orNil: python.attribute(zone, name), python),
                python.isKind(python.type(of: key.object), .str)
            {
                return python.text(key.object)
            }
        }
        let offset = try Owned(try python.callMethod(zone, "utcoffset", python.none), python)
        let types = try self.dateTime.get()
        guard offset.object != python.none else {
            throw .invalid("Object returned by tzinfo.utcoffset(None) is not an instance of datetime.timedelta")
        }
        let (days, seconds, _) = try types.parts(ofDelta: offset.object)
        let minutes = (days * 86400 + seconds) / 60
        guard days * 86400 + seconds == minutes * 60 else {
            throw .invalid("Offset must represent whole number of minutes")
        }
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(minutes < 0 ? "-" : "+")\(two(abs(minutes) / 60)):\(two(abs(minutes) % 60))"
    }
}
