import MartletArrow
import MartletBase

/// The dictionaries that have been read, by id.
///
/// They are kept without the dictionaries inside them, because those may come later or be replaced.
struct DictionaryStore: Sendable {
    private let plan: SchemaPlan
    private var values: [Int64: ArrayData] = [:]
    /// What deltas brought to dictionaries with others inside them, which may grow in between.
    private var deltas: [Int64: [ArrayData]] = [:]
    /// Values with the dictionaries inside them.
    private var whole: [Int64: ArrayData] = [:]

    init(_ plan: SchemaPlan) { self.plan = plan }

    /// What a dictionary batch did.
    enum Change { case added, extended, replaced }

    /// Takes in a dictionary batch's values.
    mutating func update(_ id: Int64, _ new: ArrayData, isDelta: Bool) throws(MartletError) -> Change {
        guard let plan = plan.dictionaries[id] else { throw .key("Dictionary with id \(id) not found in schema") }
        let known = values[id]
        if !plan.hasDictionary { try adding(context: plan.name) { () throws(MartletError) in try new.validate() } }
        if isDelta, known == nil { throw .key("Dictionary with id \(id) not found: a delta comes before the dictionary") }
        if isDelta, let known {
            if plan.hasDictionary {
                deltas[id, default: []].append(new)
            } else {
                values[id] = try concatenate([known, new], type: known.type)
            }
        } else {
            values[id] = new
            deltas[id] = nil
        }
        whole = [:]
        return isDelta ? .extended : known == nil ? .added : .replaced
    }

    /// Types shrink from a dictionary to one inside it, so this ends.
    private mutating func whole(_ id: Int64) throws(MartletError) -> ArrayData? {
        if let known = whole[id] { return known }
        guard let values = values[id], let plan = plan.dictionaries[id] else { return nil }
        var parts = [try attach(values, plan)]
        for delta in deltas[id] ?? [] { parts.append(try attach(delta, plan)) }
        let complete = try concatenate(parts, type: values.type)
        if plan.hasDictionary { try adding(context: plan.name) { () throws(MartletError) in try complete.validate() } }
        whole[id] = complete
        return complete
    }

    private mutating func attach(_ array: ArrayData, _ plan: FieldPlan) throws(MartletError) -> ArrayData {
        guard plan.hasDictionary else { return array }
        var dictionary: ArrayData?
        if let id = plan.dictionaryID {
            dictionary = try whole(id)
            if dictionary == nil { dictionary = try missing(id, array) }
        }
        var children: [ArrayData] = []
        for (child, plan) in zip(array.children, plan.children) { children.append(try attach(child, plan)) }
        return ArrayData(
            type: array.type, count: array.count, offset: array.offset, validity: array.validity,
            nullCount: array.knownNullCount, buffers: array.buffers, children: children, dictionary: dictionary)
    }

    /// A column that is all null may come before its dictionary (Columnar format, "Dictionary Messages").
    private func missing(_ id: Int64, _ array: ArrayData) throws(MartletError) -> ArrayData {
        guard array.nullCount == array.count, case .dictionary(_, let value, _) = array.type.storage else {
            throw .key("Dictionary with id \(id) not found")
        }
        return try .empty(value)
    }

    /// The batch of `columns`, decoded by the plan's included fields: with its dictionaries in place, and validated.
    mutating func batch(_ columns: [ArrayData], rowCount: Int) throws(MartletError) -> RecordBatch {
        if plan.dictionaries.isEmpty {
            for (i, column) in columns.enumerated() {
                do throws(MartletError) { try column.validate() } catch {
                    throw error.within("column \(plan.includedFields[i].name)")
                }
            }
            return RecordBatch(unchecked: plan.schema, columns: columns, rowCount: rowCount)
        }
        var whole: [ArrayData] = []
        whole.reserveCapacity(columns.count)
        for (column, field) in zip(columns, plan.includedFields) {
            do throws(MartletError) {
                let complete = try attach(column, field)
                try complete.validate()
                whole.append(complete)
            } catch {
                throw error.within("column \(field.name)")
            }
        }
        return RecordBatch(unchecked: plan.schema, columns: whole, rowCount: rowCount)
    }
}
