import MartletArrow
import MartletBase

/// Takes rows apart into the columns of a struct. Rows are dicts, or tuples of the values in order, or sequences of
/// (key, value) pairs; the first row says which. Keys are `str` or `bytes`; the first key that names a field says
/// which.
final class StructReader {
    private enum Rows { case unknown, dicts, tuples, pairs }

    /// One builder of references per field.
    let columns: [ItemsBuilder]
    private let conversion: Conversion
    private let python: CPython
    private let names: [String]
    private var rows = Rows.unknown
    private let textNames: Items
    private let byteNames: Items
    private var keys: Items?
    /// The key objects of the last row that had them in order, owned; None before.
    private var usual: [Object]
    private var row: [Object]

    init(_ names: [String], rows: Int, _ conversion: Conversion) throws(MartletError) {
        let python = conversion.python
        self.conversion = conversion
        self.python = python
        self.names = names
        var columns: [ItemsBuilder] = []
        let (texts, bytes) = (
            try ItemsBuilder(capacity: names.count, python), try ItemsBuilder(capacity: names.count, python)
        )
        for name in names {
            columns.append(try ItemsBuilder(capacity: rows, python))
            let text = try Owned(try python.makeText(name), python)
            try texts.append(text.object)
            let array = Array(name.utf8)
            let byte = try Owned(python.makeBytes(array, array.count), python)
            try bytes.append(byte.object)
        }
        self.columns = columns
        usual = Array(repeating: python.none, count: names.count)
        row = usual
        for none in usual { python.incref(none) }
        textNames = Items(owning: texts, python)
        byteNames = Items(owning: bytes, python)
    }

    deinit { for key in usual { python.decref(key) } }

    func appendNulls() throws(MartletError) {
        for column in columns { try column.append(python.none) }
    }

    func append(_ row: Object) throws(MartletError) {
        let type = python.type(of: row)
        switch rows {
        case .unknown:
            if python.isKind(type, .dict) {
                rows = .dicts
            } else if python.isKind(type, .tuple) {
                rows = .tuples
            } else if python.isSequence(row) != 0 {
                rows = .pairs
            } else {
                throw conversion.invalidType(
                    row, "was not a dict, tuple, or recognized null value for conversion to struct type")
            }
            try append(row)
        case .dicts:
            guard python.isKind(type, .dict) else { throw conversion.invalidType(row, "was expecting a dict") }
            try appendDict(row)
        case .tuples:
            guard python.isKind(type, .tuple) else { throw conversion.invalidType(row, "was expecting a tuple") }
            guard python.tupleSize(row) == names.count else {
                throw .invalid("Tuple size must be equal to number of struct fields")
            }
            for (i, column) in columns.enumerated() { try column.append(python.tupleItem(row, i) ?? python.none) }
        case .pairs:
            guard python.isSequence(row) != 0 else {
                throw conversion.invalidType(row, "was expecting a sequence of key-value items")
            }
            try appendPairs(row)
        }
    }

    private func appendDict(_ dict: Object) throws(MartletError) {
        if keys == nil {
            for candidate in [textNames, byteNames] where keys == nil {
                for i in 0..<candidate.count where try contains(dict, candidate[i]) {
                    keys = candidate
                    break
                }
            }
        }
        guard let keys else { return try appendNulls() }
        if try appendInOrder(dict) { return }
        for (i, column) in columns.enumerated() {
            if let value = python.dictItem(dict, keys[i]) {
                try column.append(value)
            } else {
                if python.errorOccurred() != nil { throw python.takeError() }
                try column.append(python.none)
            }
        }
    }

    /// Rows that have the fields in their order share the objects of their keys, as a rule: then no key is looked up.
    private func appendInOrder(_ dict: Object) throws(MartletError) -> Bool {
        guard let keys, python.dictSize(dict) == columns.count, python.type(of: dict) == python.dictType else {
            return false
        }
        var position = 0
        var (key, value): (Object?, Object?) = (nil, nil)
        for i in 0..<columns.count {
            guard python.nextDictItem(dict, &position, &key, &value) != 0, let key, let value else { return false }
            if key != usual[i] {
                // Texts and bytes compare without running Python code.
                let type = python.type(of: key)
                guard type == python.strType || type == python.bytesType, try isSame(key, keys[i]) else { return false }
                python.incref(key)
                python.decref(usual[i])
                usual[i] = key
            }
            row[i] = value
        }
        for i in 0..<columns.count { try columns[i].append(row[i]) }
        return true
    }

    private func isSame(_ a: Object, _ b: Object) throws(MartletError) -> Bool {
        let answer = python.isEqual(a, b, 2)
        if answer < 0 { throw python.takeError() }
        return answer != 0
    }

    private func contains(_ dict: Object, _ key: Object) throws(MartletError) -> Bool {
        let answer = python.dictContains(dict, key)
        if answer < 0 { throw python.takeError() }
        return answer != 0
    }

    private func appendPairs(_ row: Object) throws(MartletError) {
        let copy = try Owned(python.tupleFrom(row), python)
        let count = python.tupleSize(copy.object)
        func pair(_ i: Int) throws(MartletError) -> (Object, Object) {
            let pair = python.tupleItem(copy.object, i) ?? python.none
            guard python.isKind(python.type(of: pair), .tuple), python.tupleSize(pair) == 2,
                let key = python.tupleItem(pair, 0), let value = python.tupleItem(pair, 1)
            else { throw conversion.invalidType(pair, "was expecting tuple of (key, value) pair") }
            return (key, value)
        }
        if keys == nil {
            search: for i in 0..<count {
                let key = try pair(i).0
                for candidate in [textNames, byteNames] {
                    for k in 0..<candidate.count where try isSame(key, candidate[k]) {
                        keys = candidate
                        break search
                    }
                }
            }
        }
        guard let keys else { return try appendNulls() }
        for (i, column) in columns.enumerated() {
            guard i < count else {
                try column.append(python.none)
                continue
            }
            let (key, value) = try pair(i)
            guard try isSame(key, keys[i]) else {
                var given = python.text(key)
                if given.isEmpty { given = python.reprText(key) }
                throw .invalid("The expected field name is `\(names[i])` but `\(given)` was given")
            }
            try column.append(value)
        }
    }
}
