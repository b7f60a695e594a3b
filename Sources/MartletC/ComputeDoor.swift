public import CMartlet
import MartletArrow
import MartletBase
import MartletPython
import MartletCompute

// martlet.h, "compute".

@_cdecl("martlet_compute_call")
public func computeCall(
    _ name: UnsafePointer<CChar>?, _ arguments: UnsafePointer<OpaquePointer?>?, _ argumentCount: Int64,
    _ scalars: UInt64, _ type: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ out: HandleOut?, _ outIsScalar: UnsafeMutablePointer<Bool>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let name = try requiredText(name, "name")
        guard argumentCount <= 64 else { throw .invalid("\(name) takes at most 64 arguments, not \(argumentCount)") }
        var data: [Datum] = []
        for (i, handle) in try objects(arguments, argumentCount, ArrayHandle.self).enumerated() {
            data.append(scalars >> UInt64(i) & 1 == 1 ? try Datum(scalar: handle.data) : Datum(handle.data))
        }
        var options = try Options(options, optionCount)
        let result = try Compute.call(
            name, data, options: options.takeAll(), type: try optionalField(type)?.type)
        try give(ArrayHandle(result.array), to: out)
        outIsScalar?.pointee = result.isScalar
    }
}

@_cdecl("martlet_compute_aggregate")
public func computeAggregate(
    _ name: UnsafePointer<CChar>?, _ chunks: UnsafePointer<OpaquePointer?>?, _ chunkCount: Int64,
    _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let name = try requiredText(name, "name")
        var options = try Options(options, optionCount)
        let result = try Compute.aggregate(
            name, chunks: try objects(chunks, chunkCount, ArrayHandle.self).map(\.data), options: options.takeAll())
        try give(ArrayHandle(result), to: out)
    }
}

/// The field behind a schema handle that may be NULL.
func optionalField(_ schema: OpaquePointer?) throws(MartletError) -> Field? {
    guard let schema else { return nil }
    return try object(schema, SchemaHandle.self).field
}

@_cdecl("martlet_compute_functions")
public func computeFunctions(_ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(Compute.functionNames.joined(separator: "\n"), to: out)
    }
}

@_cdecl("martlet_compute_group")
public func computeGroup(
    _ keys: OpaquePointer?, _ values: OpaquePointer?, _ functions: UnsafePointer<UnsafePointer<CChar>?>?,
    _ functionCount: Int64, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        let result = try Compute.group(
            keys: try object(keys, ArrayHandle.self).data, values: try object(values, ArrayHandle.self).data,
            functions: try texts(functions, functionCount, "functions") ?? [], options: options.takeAll())
        try give(ArrayHandle(result), to: out)
    }
}

