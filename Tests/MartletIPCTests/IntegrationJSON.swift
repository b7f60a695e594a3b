import Foundation
import MartletArrow
import MartletBase

/// The JSON twin of a golden file: Arrow's integration-testing format, for the types that Martlet has.
struct IntegrationJSON {
    typealias Object = [String: Any]
    private(set) var schema: Schema
    private(set) var batches: [RecordBatch] = []
    private var dictionaries: [Int: Object] = [:]

    init(_ text: Data) throws {
        let root = try JSONSerialization.jsonObject(with: text) as! Object
        let description = root["schema"] as! Object
        let fields = description["fields"] as! [Object]
        schema = Schema(try fields.map(Self.field), metadata: Self.metadata(description))
        for dictionary in root["dictionaries"] as? [Object] ?? [] {
            let columns = (dictionary["data"] as! Object)["columns"] as! [Object]
            dictionaries[Self.int(dictionary["id"]!)] = columns[0]
        }
        for batch in root["batches"] as! [Object] {
            let columns = batch["columns"] as! [Object]
            batches.append(
                try RecordBatch(
                    schema: schema, columns: zip(fields, columns).map { try array($0, $1) }, rowCount: Self.int(batch["count"]!)))
        }
    }

    private static func int(_ value: Any) -> Int { (value as? Int) ?? Int(value as! String)! }

    private static func metadata(_ object: Object) -> Metadata {
        var metadata = Metadata()
        for pair in object["metadata"] as? [Object] ?? [] {
            metadata.append(pair["key"] as! String, pair["value"] as! String)
        }
        return metadata
    }

    private static func field(_ field: Object) throws -> Field {
        var type = try valueType(field)
        if let dictionary = field["dictionary"] as? Object {
            let index = try valueType(["type": dictionary["indexType"]!, "children": [Object]()])
            type = .dictionary(index: index, value: type, isOrdered: dictionary["isOrdered"] as! Bool)
        }
        return Field(field["name"] as! String, type, isNullable: field["nullable"] as! Bool, metadata: metadata(field))
            .withExtensionFromMetadata
    }

    private static func valueType(_ field: Object) throws -> DataType {
        let type = field["type"] as! Object
        let children = try (field["children"] as! [Object]).map(Self.field)
        let units: [String: TimeUnit] = [
            "SECOND": .second, "MILLISECOND": .millisecond, "MICROSECOND": .microsecond, "NANOSECOND": .nanosecond,
        ]
        let unit = units[type["unit"] as? String ?? ""] ?? .second
        func number(_ key: String) -> Int { Self.int(type[key]!) }
        switch type["name"] as! String {
        case "null": return .null
        case "bool": return .boolean
        case "int":
            let width = number("bitWidth").trailingZeroBitCount - 3
            return type["isSigned"] as! Bool
                ? [.int8, .int16, .int32, .int64][width] : [.uint8, .uint16, .uint32, .uint64][width]
        case "floatingpoint":
            return ["HALF": .float16, "SINGLE": .float32, "DOUBLE": .float64][type["precision"] as! String]!
        case "utf8": return .string
        case "binary": return .binary
        case "largeutf8": return .largeString
        case "largebinary": return .largeBinary
        case "fixedsizebinary": return .fixedSizeBinary(byteWidth: number("byteWidth"))
        case "date": return type["unit"] as! String == "DAY" ? .date32 : .date64
        case "time": return number("bitWidth") == 32 ? .time32(unit) : .time64(unit)
        case "timestamp": return .timestamp(unit, timeZone: type["timezone"] as? String)
        case "duration": return .duration(unit)
        case "decimal": return .decimal128(precision: number("precision"), scale: number("scale"))
        case "list": return .list(children[0])
        case "largelist": return .largeList(children[0])
        case "fixedsizelist": return .fixedSizeList(children[0], count: number("listSize"))
        case "struct": return .struct(children)
        case "map": return .map(entries: children[0], keysSorted: type["keysSorted"] as! Bool)
        case let name: throw MartletError.notImplemented(name)
        }
    }

    private func array(_ field: Object, _ column: Object) throws -> ArrayData {
        let type = try Self.field(field).type
        guard case .dictionary(let index, _, _) = type.storage, let id = (field["dictionary"] as? Object)?["id"] else {
            return try values(type, field["children"] as! [Object], column)
        }
        let indices = try values(index, [], column)
        var plain = field
        plain["dictionary"] = nil
        // The extension is around the dictionary and not around its values.
        plain["metadata"] = nil
        return ArrayData(
            type: type, count: indices.count, validity: indices.validity, nullCount: indices.nullCount,
            buffers: indices.buffers, dictionary: try array(plain, dictionaries[Self.int(id)]!))
    }

    private func values(_ type: DataType, _ fields: [Object], _ column: Object) throws -> ArrayData {
        let count = Self.int(column["count"]!)
        let data = column["DATA"] as? [Any] ?? []
        var validity: Buffer?
        if type.layout.hasValidity { validity = try Self.bits(column["VALIDITY"] as! [Any]) }
        var buffers: [Buffer] = []
        for role in type.layout.buffers {
            switch role {
            case .values(let kind): buffers.append(try Self.numbers(data, kind))
            case .fixedBytes: buffers.append(try Buffer(data.flatMap { Self.hex($0 as! String) }))
            case .bits: buffers.append(try Self.bits(data))
            case .offsets32: buffers.append(try Self.numbers(column["OFFSET"] as! [Any], .int32))
            case .offsets64: buffers.append(try Self.numbers(column["OFFSET"] as! [Any], .int64))
            case .bytes:
                let isText = type == .string || type == .largeString
                buffers.append(try Buffer(data.flatMap { isText ? Array(($0 as! String).utf8) : Self.hex($0 as! String) }))
            case .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                throw MartletError.notImplemented("\(type) in integration JSON")
            }
        }
        let children = try zip(fields, column["children"] as? [Object] ?? []).map { try array($0, $1) }
        return ArrayData(type: type, count: count, validity: validity, buffers: buffers, children: children)
    }

    private static func bits(_ values: [Any]) throws -> Buffer {
        var builder = try BitmapBuilder(capacity: values.count)
        for value in values { try builder.append((value as? Bool) ?? (int(value) != 0)) }
        return builder.finish()
    }

    private static func hex(_ text: String) -> [UInt8] {
        let digits = text.map { UInt8($0.hexDigitValue!) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func numbers(_ values: [Any], _ kind: NativeKind) throws -> Buffer {
        func integers<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws -> Buffer {
            try Buffer(values.map { ($0 as? String).map { Value($0)! } ?? Value(truncatingIfNeeded: ($0 as! NSNumber).int64Value) })
        }
        func double(_ value: Any) -> Double { (value as! NSNumber).doubleValue }
        switch kind {
        case .int8: return try integers(Int8.self)
        case .int16: return try integers(Int16.self)
        case .int32: return try integers(Int32.self)
        case .int64: return try integers(Int64.self)
        case .int128: return try integers(Int128.self)
        case .uint8: return try integers(UInt8.self)
        case .uint16: return try integers(UInt16.self)
        case .uint32: return try integers(UInt32.self)
        case .uint64: return try integers(UInt64.self)
        case .float16: return try Buffer(values.map { Float16(double($0)) })
        case .float32: return try Buffer(values.map { Float(double($0)) })
        case .float64: return try Buffer(values.map { double($0) })
        }
    }
}
