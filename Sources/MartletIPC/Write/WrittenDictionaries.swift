import MartletArrow
import MartletBase

/// The dictionaries that a writer has sent, by id, and what has to be sent next.
struct WrittenDictionaries {
    /// What a batch needs to have sent before it.
    struct Update {
        var id: Int64
        /// What is written: the dictionary, or what is new in it.
        var values: ArrayData
        /// The dictionary as it is afterwards.
        var whole: ArrayData
        var isDelta = false
        var isReplacement = false
    }

    private let fields: [Field]
    private let hasDictionaries: Bool
    private let isFile: Bool
    private let emitsDeltas: Bool
    private var sent: [Int64: ArrayData] = [:]

    init(_ schema: Schema, isFile: Bool, emitsDeltas: Bool) {
        fields = schema.fields
        hasDictionaries = fields.contains { $0.type.containsDictionary }
        self.isFile = isFile
        self.emitsDeltas = emitsDeltas
    }

    /// The dictionary batches that must come before a batch of `columns`, inner dictionaries before outer ones.
    func updates(for columns: [ArrayData]) throws(MartletError) -> [Update] {
        guard hasDictionaries else { return [] }
        var found: [(id: Int64, values: ArrayData)] = []
        var nextID: Int64 = 0
        for (field, column) in zip(fields, columns) { try Self.collect(field.type, column, &nextID, &found) }
        var updates: [Update] = []
        for (id, values) in found {
            if let update = try update(id, values) { updates.append(update) }
        }
        return updates
    }

    mutating func note(_ update: Update) { sent[update.id] = update.whole }

    /// The dictionaries below `array`, with the ids that the schema message gives them: outer before inner.
    private static func collect(
        _ type: DataType, _ array: ArrayData, _ nextID: inout Int64, _ found: inout [(id: Int64, values: ArrayData)]
    ) throws(MartletError) {
        if case .dictionary(_, let value, _) = type.storage {
            guard let values = array.dictionary else { throw .invalid("array of type \(type) has no dictionary") }
            let id = nextID
            nextID += 1
            for (field, child) in zip(value.childFields, values.children) {
                try collect(field.type, child, &nextID, &found)
            }
            found.append((id, values))
            return
        }
        for (field, child) in zip(type.childFields, array.children) { try collect(field.type, child, &nextID, &found) }
    }

    private func update(_ id: Int64, _ values: ArrayData) throws(MartletError) -> Update? {
        guard let last = sent[id] else { return Update(id: id, values: values, whole: values) }
        if try last.isSameDictionary(as: values) { return nil }
        if emitsDeltas, values.count > last.count, !values.type.containsDictionary,
            try values.slice(at: 0, count: last.count).isSameDictionary(as: last)
        {
            let new = try values.slice(at: last.count, count: values.count - last.count)
            return Update(id: id, values: new, whole: values, isDelta: true)
        }
        guard !isFile else {
            throw .invalid(
                "Dictionary replacement detected when writing IPC file format. Arrow IPC files only support a single "
                    + "non-delta dictionary for a given field across all batches; unify the dictionaries first "
                    + "(dictionary \(id) of \(values.type) changed)")
        }
        return Update(id: id, values: values, whole: values, isReplacement: true)
    }
}

extension ArrayData {
    /// Whether both hold the same values in the same order, NaN being equal to itself.
    fileprivate func isSameDictionary(as other: ArrayData) throws(MartletError) -> Bool {
        if count != other.count { return false }
        if sharesMemory(with: other) || isEqual(to: other) { return true }
        var (mine, theirs) = (BodyBuilder(allowsLongColumns: true), BodyBuilder(allowsLongColumns: true))
        try mine.append(self)
        try theirs.append(other)
        return !type.containsDictionary && mine.nodes == theirs.nodes
            && zip(mine.buffers, theirs.buffers).allSatisfy { $0.hasSameBytes(as: $1) }
    }

    /// Whether both look at the same memory in the same way: O(1) for each buffer.
    private func sharesMemory(with other: ArrayData) -> Bool {
        if self === other { return true }
        func same(_ a: Buffer, _ b: Buffer) -> Bool { a.addressBits == b.addressBits && a.count == b.count }
        guard offset == other.offset, count == other.count, validity?.addressBits == other.validity?.addressBits,
            buffers.count == other.buffers.count, children.count == other.children.count
        else { return false }
        guard zip(buffers, other.buffers).allSatisfy({ same($0, $1) }),
            zip(children, other.children).allSatisfy({ $0.sharesMemory(with: $1) })
        else { return false }
        switch (dictionary, other.dictionary) {
        case (nil, nil): return true
        case (let mine?, let theirs?): return mine.sharesMemory(with: theirs)
        case (_, _): return false
        }
    }
}
