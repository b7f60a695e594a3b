public import MartletBase

/// What Martlet knows of the canonical extension types (CanonicalExtensions.rst): their parameters, read and checked.
///
/// Arrays of a type that names a canonical extension and is not one still come in and go out as they are; `validate()`
/// refuses them.
public enum CanonicalExtension: Sendable, Hashable {
    case fixedShapeTensor(TensorForm, shape: [Int])
    /// `uniformShape` has nil for dimensions that differ from row to row.
    case variableShapeTensor(TensorForm, uniformShape: [Int?]?)
    case json
    case uuid
    case bool8
    case opaque(typeName: String, vendorName: String)
    case parquetVariant
    case timestampWithOffset

    /// What both kinds of tensors say of theirs.
    public struct TensorForm: Sendable, Hashable {
        public var valueType: DataType
        public var dimensionCount: Int
        public var dimensionNames: [String]?
        /// Logical dimension i is physical dimension `permutation[i]`.
        public var permutation: [Int]?
    }

    /// nil for extension types that are not canonical.
    ///
    /// Throws `invalid` when a canonical name has a storage type or parameters that it cannot have.
    public init?(_ type: ExtensionType) throws(MartletError) {
        let prefix = "arrow."
        guard type.name.hasPrefix(prefix), let read = Self.readers[String(type.name.dropFirst(prefix.utf8.count))] else {
            return nil
        }
        do throws(MartletError) { self = try read(type) } catch { throw error.within(type.name) }
    }

    private typealias Reader = @Sendable (ExtensionType) throws(MartletError) -> CanonicalExtension

    private static let readers: [String: Reader] = [
        "fixed_shape_tensor": { type throws(MartletError) in try fixedShapeTensor(type) },
        "variable_shape_tensor": { type throws(MartletError) in try variableShapeTensor(type) },
        "json": { type throws(MartletError) in
            try check(type, [.string, .largeString, .stringView].contains(type.storage), "string, large_string or string_view")
            return .json
        },
        "uuid": { type throws(MartletError) in
            try check(type, type.storage == .fixedSizeBinary(byteWidth: 16), "fixed_size_binary[16]")
            return .uuid
        },
        "bool8": { type throws(MartletError) in
            try check(type, type.storage == .int8, "int8")
            return .bool8
        },
        "opaque": { type throws(MartletError) in
            let parameters = try JSONValue(type.metadata)
            guard case .text(let name)? = parameters["type_name"], case .text(let vendor)? = parameters["vendor_name"] else {
                throw .invalid("the metadata must have texts type_name and vendor_name")
            }
            return .opaque(typeName: name, vendorName: vendor)
        },
        "parquet.variant": { type throws(MartletError) in
            try VariantStorage.check(type.storage)
            return .parquetVariant
        },
        "timestamp_with_offset": { type throws(MartletError) in
            guard case .struct(let fields) = type.storage, fields.count == 2, fields.map(\.name) == ["timestamp", "offset_minutes"],
                case .timestamp(_, "UTC"?) = fields[0].type, fields[1].type.valuesAlone == .int16,
                fields.allSatisfy({ !$0.isNullable })
            else {
                throw storage(type, "struct<timestamp: timestamp[unit, tz=UTC] not null, offset_minutes: int16 not null>")
            }
            return .timestampWithOffset
        },
    ]

    private static func storage(_ type: ExtensionType, _ expected: String) -> MartletError {
        .invalid("Invalid storage type \(type.storage), expected \(expected)")
    }

    private static func check(_ type: ExtensionType, _ isRight: Bool, _ expected: String) throws(MartletError) {
        guard isRight else { throw storage(type, expected) }
    }

    // MARK: Tensors

    private static func fixedShapeTensor(_ type: ExtensionType) throws(MartletError) -> CanonicalExtension {
        guard case .fixedSizeList(let field, let count) = type.storage else {
            throw storage(type, "fixed_size_list of the tensors' elements")
        }
        let parameters = try JSONValue(type.metadata)
        guard let listed = parameters["shape"], let shape = try integers(listed, "shape") else {
            throw .invalid("the metadata must have an array of integers \"shape\"")
        }
        var size = 1
        for length in shape {
            guard length >= 0 else { throw .invalid("shape must have non-negative values, got \(shape)") }
            size = try size.multiplied(checked: length)
        }
        guard size == count else {
            throw .invalid("the storage has lists of \(count) elements, but a tensor of shape \(shape) has \(size)")
        }
        return .fixedShapeTensor(try form(parameters, field.type, shape.count), shape: shape)
    }

    private static func variableShapeTensor(_ type: ExtensionType) throws(MartletError) -> CanonicalExtension {
        guard case .struct(let fields) = type.storage, fields.count == 2, fields.map(\.name) == ["data", "shape"],
            case .list(let element) = fields[0].type, case .fixedSizeList(let length, let count) = fields[1].type,
            length.type == .int32
        else { throw storage(type, "struct<data: list<item: value type>, shape: fixed_size_list<item: int32>[ndim]>") }
        let parameters: JSONValue = type.metadata.isEmpty ? .object([]) : try JSONValue(type.metadata)
        var uniform: [Int?]?
        if let value = parameters["uniform_shape"], value != .null {
            guard case .list(let items) = value, items.count == count else {
                throw .invalid("uniform_shape must be an array with one item for each of the \(count) dimensions")
            }
            var lengths: [Int?] = []
            for item in items {
                switch item {
                case .null: lengths.append(nil)
                case .integer(let length) where length >= 0: lengths.append(length)
                case _: throw .invalid("uniform_shape must have non-negative integers and null")
                }
            }
            uniform = lengths
        }
        return .variableShapeTensor(try form(parameters, element.type, count), uniformShape: uniform)
    }

    private static func integers(_ value: JSONValue, _ name: String) throws(MartletError) -> [Int]? {
        if value == .null { return nil }
        guard case .list(let items) = value else { throw .invalid("\(name) must be an array of integers") }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item else { throw .invalid("\(name) must be an array of integers") }
            numbers.append(number)
        }
        return numbers
    }

    private static func form(
        _ parameters: JSONValue, _ valueType: DataType, _ count: Int
    ) throws(MartletError) -> TensorForm {
        var form = TensorForm(valueType: valueType, dimensionCount: count)
        if let permutation = try parameters["permutation"].flatMap({ value throws(MartletError) in
            try integers(value, "permutation")
        }), !permutation.isEmpty {
            guard permutation.sorted() == Array(0..<count) else {
                throw .invalid("permutation must hold each of the dimensions 0 ..< \(count) once, got \(permutation)")
            }
            form.permutation = permutation
        }
        if let names = parameters["dim_names"], names != .null {
            guard case .list(let items) = names else { throw .invalid("dim_names must be an array of texts") }
            var texts: [String] = []
            for item in items {
                guard case .text(let text) = item else { throw .invalid("dim_names must be an array of texts") }
                texts.append(text)
            }
            guard texts.isEmpty || texts.count == count else {
                throw .invalid("dim_names has \(texts.count) names for \(count) dimensions")
            }
            if !texts.isEmpty { form.dimensionNames = texts }
        }
        return form
    }
}

extension DataType {
    /// The type of the values of dictionaries and runs; the type itself of other arrays.
    var valuesAlone: DataType {
        switch self {
        case .dictionary(_, let value, _): value
        case .runEndEncoded(_, let values): values.type
        case _: self
        }
    }
}

extension ExtensionType: CustomStringConvertible {
    /// pyarrow's text: the name, with the parameters of tensors and opaque types.
    public var description: String {
        func list(_ items: [some Any]) -> String { "[" + items.map { "\($0)" }.joined(separator: ",") + "]" }
        func text(_ form: CanonicalExtension.TensorForm) -> String {
            (form.permutation.map { ", permutation=\(list($0))" } ?? "")
                + (form.dimensionNames.map { ", dim_names=\(list($0))" } ?? "")
        }
        guard let known = try? CanonicalExtension(self) else { return "extension<\(name)>" }
        switch known {
        case .fixedShapeTensor(let form, let shape):
            return "extension<\(name)[value_type=\(form.valueType), shape=\(list(shape))\(text(form))]>"
        case .variableShapeTensor(let form, let uniform):
            let lengths = uniform.map { ", uniform_shape=\(list($0.map { $0.map(String.init) ?? "null" }))" } ?? ""
            return "extension<\(name)[value_type=\(form.valueType), ndim=\(form.dimensionCount)\(text(form))\(lengths)]>"
        case .opaque(let type, let vendor):
            return "extension<\(name)[storage_type=\(storage), type_name=\(type), vendor_name=\(vendor)]>"
        case .json, .uuid, .bool8, .parquetVariant, .timestampWithOffset: return "extension<\(name)>"
        }
    }
}
