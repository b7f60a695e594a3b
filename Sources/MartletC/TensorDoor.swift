import CMartlet
import MartletArrow
import MartletBase
import MartletPython
import MartletIPC

// martlet.h, "Arrow IPC": tensors.

@_cdecl("martlet_ipc_tensor_describe")
public func ipcTensorDescribe(_ metadata: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let tensor = try TensorMessage(metadata: try object(metadata, BufferHandle.self).buffer)
        try give(SchemaHandle(tensor.description), to: out)
    }
}

@_cdecl("martlet_ipc_tensor_message")
public func ipcTensorMessage(_ description: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let tensor = try TensorMessage(description: try object(description, SchemaHandle.self).schema())
        try give(BufferHandle(try tensor.encapsulated()), to: out)
    }
}

extension TensorMessage {
    fileprivate var description: Schema {
        var fields = [Field("values", type), Field("indices", indicesType), Field("pointers", pointersType)]
        for name in dimensionNames { fields.append(Field(name, .null)) }
        var metadata = Metadata()
        func add(_ key: String, _ numbers: [Int]) {
            metadata.append(key, numbers.map { String($0) }.joined(separator: ","))
        }
        switch index {
        case .dense(let strides):
            metadata.append("kind", "dense")
            add("strides", strides)
        case .coordinates(let strides, let isCanonical):
            metadata.append("kind", "coo")
            add("strides", strides)
            metadata.append("canonical", isCanonical ? "true" : "false")
        case .compressedRows: metadata.append("kind", "csr")
        case .compressedColumns: metadata.append("kind", "csc")
        case .compressedFibers(let order):
            metadata.append("kind", "csf")
            add("axis_order", order)
        }
        add("shape", shape)
        add("values", [valueCount])
        add("ranges", ranges.flatMap { [$0.lowerBound, $0.count] })
        return Schema(fields, metadata: metadata)
    }

    fileprivate init(description: Schema) throws(MartletError) {
        let (fields, metadata) = (description.fields, description.metadata)
        guard fields.count >= 3 else { throw .invalid("a tensor's description has \(fields.count) fields, expected 3 or more") }
        func numbers(_ key: String) throws(MartletError) -> [Int] {
            var numbers: [Int] = []
            for part in (metadata[key] ?? "").split(separator: ",") {
                guard let number = Int(part), number >= 0 else { throw .invalid("\(key) of a tensor: \"\(part)\" is no size") }
                numbers.append(number)
            }
            return numbers
        }
        let index: Index
        switch metadata["kind"] ?? "" {
        case "dense": index = .dense(strides: try numbers("strides"))
        case "coo": index = .coordinates(strides: try numbers("strides"), isCanonical: metadata["canonical"] == "true")
        case "csr": index = .compressedRows
        case "csc": index = .compressedColumns
        case "csf": index = .compressedFibers(axisOrder: try numbers("axis_order"))
        case let other: throw .invalid("unknown kind of tensor \"\(other)\"")
        }
        var ranges: [Range<Int>] = []
        let places = try numbers("ranges")
        for i in 0..<places.count / 2 {
            ranges.append(places[2 * i]..<(try places[2 * i].adding(checked: places[2 * i + 1])))
        }
        guard !ranges.isEmpty else { throw .invalid("a tensor has a buffer of values") }
        self.init(
            type: fields[0].type, shape: try numbers("shape"), dimensionNames: fields[3...].map(\.name), index: index,
            valueCount: try numbers("values").first ?? 0, ranges: ranges)
        indicesType = fields[1].type
        pointersType = fields[2].type
    }
}
