import MartletArrow
import MartletBase

/// What batches hold for one field, worked out once from the schema.
final class FieldPlan: Sendable {
    let name: String
    let type: DataType
    let layout: Layout
    let children: [FieldPlan]
    /// The id of the dictionary that the field's indices point into.
    let dictionaryID: Int64?
    /// Whether the field or one below it is dictionary-encoded.
    let hasDictionary: Bool
    private let isNull: Bool

    fileprivate init(_ name: String, _ type: DataType, children: [FieldPlan], dictionaryID: Int64?) {
        self.name = name
        self.type = type
        self.children = children
        self.dictionaryID = dictionaryID
        let layout = type.layout
        self.layout = layout
        isNull = type.storage == .null
        hasDictionary = dictionaryID != nil || children.contains { $0.hasDictionary }
    }

    /// The buffers of the field itself, but for those that views point into. Before format 1.0 all types but null had
    /// validity.
    func fixedBufferCount(_ version: IPCMetadataVersion) -> Int {
        layout.buffers.count + (layout.hasValidity || (version == .v4 && !isNull) ? 1 : 0)
    }

}

/// How the bodies of a schema's batches are read.
struct BodyOptions: Sendable {
    /// Numbers have their highest byte first and are turned.
    let isSwapped: Bool
    let usesThreads: Bool
    let alignment: Int
}

/// What the batches of a schema hold.
final class SchemaPlan: Sendable {
    /// The schema of the included fields.
    let schema: Schema
    let fields: [FieldPlan]
    let isIncluded: [Bool]
    let includesAll: Bool
    let includedFields: [FieldPlan]
    /// What the dictionary of each id holds, for included fields.
    let dictionaries: [Int64: FieldPlan]
    let bodyOptions: BodyOptions
    /// The ids of all dictionaries, those of fields that are not read as well.
    let dictionaryIDs: Set<Int64>

    init(_ decoded: SchemaDecoder.Decoded, options: IPCReadOptions) throws(MartletError) {
        let all = decoded.schema
        isIncluded = try options.inclusion(fieldCount: all.fields.count)
        var builder = PlanBuilder(ids: decoded.dictionaryIDs[...])
        var plans: [FieldPlan] = []
        var included: [Field] = []
        for (field, isIncluded) in zip(all.fields, isIncluded) {
            builder.isIncluded = isIncluded
            plans.append(try builder.plan(field.name, field.type))
            if isIncluded { included.append(field) }
        }
        fields = plans
        includedFields = zip(plans, isIncluded).filter { $0.1 }.map { $0.0 }
        includesAll = includedFields.count == plans.count
        dictionaries = builder.dictionaries
        bodyOptions = BodyOptions(
            isSwapped: decoded.isBigEndian && options.ensuresNativeByteOrder, usesThreads: options.usesThreads,
            alignment: options.alignment)
        dictionaryIDs = Set(decoded.dictionaryIDs)
        schema = Schema(included, metadata: all.metadata)
    }
}

/// Takes the ids of dictionary fields in the order in which the schema message has them: outer before inner.
private struct PlanBuilder {
    var ids: ArraySlice<Int64>
    var dictionaries: [Int64: FieldPlan] = [:]
    var isIncluded = true

    mutating func plan(_ name: String, _ type: DataType) throws(MartletError) -> FieldPlan {
        guard case .dictionary(_, let value, _) = type.storage else {
            return FieldPlan(name, type, children: try plans(type.childFields), dictionaryID: nil)
        }
        guard let id = ids.popFirst() else { throw .corrupt("dictionary field \(name) has no id") }
        let values = FieldPlan("dictionary \(id)", value, children: try plans(value.childFields), dictionaryID: nil)
        if isIncluded {
            if let known = dictionaries[id], !known.type.holdsSameValues(as: value) {
                throw .corrupt("dictionary \(id) is said to hold \(known.type) and \(value)")
            }
            dictionaries[id] = values
        }
        return FieldPlan(name, type, children: [], dictionaryID: id)
    }

    private mutating func plans(_ fields: [Field]) throws(MartletError) -> [FieldPlan] {
        var plans: [FieldPlan] = []
        for field in fields { plans.append(try plan(field.name, field.type)) }
        return plans
    }
}
