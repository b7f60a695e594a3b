import MartletArrow
import MartletBase

/// A `DictionaryBatch` table with its values.
struct DictionaryBatch {
    let id: Int64
    let isDelta: Bool
    private let header: BatchHeader

    init(_ message: IPCMessage) throws(MartletError) {
        try message.expect(SchemaFormat.Header.dictionaryBatch)
        id = try message.header.scalar(0, default: 0 as Int64)
        guard let data = try message.header.table(1) else {
            throw .corrupt("Data-pointer of dictionary batch \(id) is null")
        }
        header = try BatchHeader(data, message)
        isDelta = try message.header.flag(2)
    }

    /// The values, without the dictionaries inside them; nil for a dictionary of fields that are not read.
    func values(_ plan: SchemaPlan, body: @escaping BodyBytes) throws(MartletError) -> ArrayData? {
        guard let values = plan.dictionaries[id] else {
            if plan.dictionaryIDs.contains(id) { return nil }
            throw .key("Dictionary with id \(id) not found in schema")
        }
        return try BatchDecoder.columns([values], [true], header, plan.bodyOptions, body: body)[0]
    }
}

extension IPCStatistics {
    mutating func note(_ change: DictionaryStore.Change) {
        dictionaryBatchCount += 1
        switch change {
        case .added: break
        case .extended: dictionaryDeltaCount += 1
        case .replaced: replacedDictionaryCount += 1
        }
    }
}
