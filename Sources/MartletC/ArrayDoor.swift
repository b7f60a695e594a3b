public import CMartlet
import MartletArrow
import MartletBase
import MartletPython

// martlet.h, "arrays".

@_cdecl("martlet_array_import")
public func arrayImport(
    _ array: UnsafeMutablePointer<ArrowArray>?, _ schema: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let array = try required(array, "array")
        guard let schema = try? object(schema, SchemaHandle.self) else {
            array.pointee.release?(array)
            throw .invalid("schema is NULL")
        }
        let field = schema.field
        let data = try ArrayData.importing(array, type: field.type)
        try give(ArrayHandle(data, field: field), to: out)
    }
}

@_cdecl("martlet_array_export")
public func arrayExport(
    _ array: OpaquePointer?, _ outArray: UnsafeMutablePointer<ArrowArray>?,
    _ outSchema: UnsafeMutablePointer<ArrowSchema>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(array, ArrayHandle.self)
        let outArray = try required(outArray, "out_array")
        if let outSchema = outSchema { try handle.field.export(to: outSchema) }
        handle.data.export(to: outArray)
    }
}

@_cdecl("martlet_array_import_device")
public func arrayImportDevice(
    _ array: UnsafeMutablePointer<ArrowDeviceArray>?, _ schema: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let array = try required(array, "array")
        guard let schema = try? object(schema, SchemaHandle.self) else {
            array.pointee.array.release?(&array.pointee.array)
            throw .invalid("schema is NULL")
        }
        let field = schema.field
        try give(ArrayHandle(try ArrayData.importing(array, type: field.type), field: field), to: out)
    }
}

@_cdecl("martlet_array_export_device")
public func arrayExportDevice(
    _ array: OpaquePointer?, _ outArray: UnsafeMutablePointer<ArrowDeviceArray>?,
    _ outSchema: UnsafeMutablePointer<ArrowSchema>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(array, ArrayHandle.self)
        let outArray = try required(outArray, "out_array")
        if let outSchema = outSchema { try handle.field.export(to: outSchema) }
        handle.data.export(to: outArray)
    }
}

@_cdecl("martlet_array_make")
public func arrayMake(
    _ schema: OpaquePointer?, _ length: Int64, _ nullCount: Int64, _ offset: Int64,
    _ buffers: UnsafePointer<OpaquePointer?>?, _ bufferCount: Int64, _ children: UnsafePointer<OpaquePointer?>?,
    _ childCount: Int64, _ dictionary: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let field = try object(schema, SchemaHandle.self).field
        let layout = field.type.layout
        let expected = layout.buffers.count + (layout.hasValidity ? 1 : 0)
        guard bufferCount == expected || (layout.hasVariadicBuffers && bufferCount > expected) else {
            throw .invalid("Type's expected number of buffers (\(expected)) did not match the passed number (\(bufferCount)).")
        }
        guard expected == 0 || buffers != nil else { throw .invalid("buffers is NULL") }
        let given = try (0..<Int(bufferCount)).map { index throws(MartletError) -> Buffer? in
            try buffers![index].map { pointer throws(MartletError) in try object(pointer, BufferHandle.self).buffer }
        }
        var values: [Buffer] = []
        for (i, role) in layout.buffers.enumerated() {
            values.append(try (given[i + (layout.hasValidity ? 1 : 0)] ?? .empty).aligned(to: role.alignment))
        }
        for buffer in given.dropFirst(expected) { values.append(buffer ?? .empty) }
        let data = ArrayData(
            type: field.type, count: try Int(size: length, "length"), offset: try Int(size: offset, "offset"),
            validity: layout.hasValidity ? given[0] : nil, nullCount: nullCount >= 0 ? Int(nullCount) : nil,
            buffers: values, children: try objects(children, childCount, ArrayHandle.self).map(\.data),
            dictionary: try dictionary.map { pointer throws(MartletError) in try object(pointer, ArrayHandle.self).data })
        try data.validate()
        try give(ArrayHandle(data, field: field), to: out)
    }
}

@_cdecl("martlet_array_nulls")
public func arrayNulls(_ schema: OpaquePointer?, _ length: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let field = try object(schema, SchemaHandle.self).field
        let data = try ArrayData.nulls(field.type, count: try Int(size: length, "length"))
        try give(ArrayHandle(data, field: field), to: out)
    }
}

@_cdecl("martlet_array_length")
public func arrayLength(_ array: OpaquePointer?) -> Int64 {
    Int64((try? object(array, ArrayHandle.self))?.data.count ?? 0)
}

@_cdecl("martlet_array_offset")
public func arrayOffset(_ array: OpaquePointer?) -> Int64 {
    Int64((try? object(array, ArrayHandle.self))?.data.offset ?? 0)
}

@_cdecl("martlet_array_null_count")
public func arrayNullCount(_ array: OpaquePointer?) -> Int64 {
    Int64((try? object(array, ArrayHandle.self))?.data.nullCount ?? 0)
}

@_cdecl("martlet_array_nbytes")
public func arrayByteCount(_ array: OpaquePointer?) -> Int64 {
    Int64((try? object(array, ArrayHandle.self))?.data.byteCount ?? 0)
}

@_cdecl("martlet_array_schema")
public func arraySchema(_ array: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(try object(array, ArrayHandle.self).field), to: out)
    }
}

@_cdecl("martlet_array_buffer_count")
public func arrayBufferCount(_ array: OpaquePointer?) -> Int64 {
    guard let data = (try? object(array, ArrayHandle.self))?.data else { return 0 }
    return Int64(data.buffers.count + (data.type.layout.hasValidity ? 1 : 0))
}

@_cdecl("martlet_array_buffer")
public func arrayBuffer(_ array: OpaquePointer?, _ index: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        if let buffer = try buffer(index, of: try object(array, ArrayHandle.self).data) {
            try give(BufferHandle(buffer), to: out)
        } else {
            try giveNothing(to: out)
        }
    }
}

@_cdecl("martlet_array_buffer_address")
public func arrayBufferAddress(
    _ array: OpaquePointer?, _ index: Int64, _ address: UnsafeMutablePointer<UnsafeRawPointer?>?,
    _ size: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let buffer = try buffer(index, of: try object(array, ArrayHandle.self).data)
        (try required(address, "address")).pointee = buffer.map { UnsafeRawPointer($0.pointer(to: UInt8.self)) }
        (try required(size, "size")).pointee = Int64(buffer?.count ?? 0)
    }
}

/// Buffer `index` in the format's order, validity first.
private func buffer(_ index: Int64, of data: ArrayData) throws(MartletError) -> Buffer? {
    let all = (data.type.layout.hasValidity ? [data.validity] : []) + data.buffers
    guard index >= 0, index < all.count else {
        throw .index("buffer index \(index) is out of range for the \(all.count) buffers of \(data.type)")
    }
    return all[Int(index)]
}

@_cdecl("martlet_array_child_count")
public func arrayChildCount(_ array: OpaquePointer?) -> Int64 {
    Int64((try? object(array, ArrayHandle.self))?.data.children.count ?? 0)
}

@_cdecl("martlet_array_child")
public func arrayChild(_ array: OpaquePointer?, _ index: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(array, ArrayHandle.self)
        let fields = handle.field.type.childFields
        guard index >= 0, index < handle.data.children.count else {
            throw .index("child index \(index) is out of range for \(handle.data.children.count) children")
        }
        try give(ArrayHandle(handle.data.child(Int(index)), field: fields[Int(index)]), to: out)
    }
}

@_cdecl("martlet_array_dictionary")
public func arrayDictionary(_ array: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        if let dictionary = try object(array, ArrayHandle.self).data.dictionary {
            try give(ArrayHandle(dictionary), to: out)
        } else {
            try giveNothing(to: out)
        }
    }
}

@_cdecl("martlet_array_slice")
public func arraySlice(
    _ array: OpaquePointer?, _ offset: Int64, _ length: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(array, ArrayHandle.self)
        let part = try handle.data.slice(at: Int(offset), count: Int(length))
        try give(ArrayHandle(part, field: handle.field), to: out)
    }
}

@_cdecl("martlet_array_concatenate")
public func arrayConcatenate(
    _ arrays: UnsafePointer<OpaquePointer?>?, _ count: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handles = try objects(arrays, count, ArrayHandle.self)
        guard let first = handles.first else { throw .invalid("Must pass at least one array") }
        let joined = try concatenate(handles.map(\.data), type: first.data.type)
        try give(ArrayHandle(joined, field: first.field), to: out)
    }
}

@_cdecl("martlet_array_equals")
public func arrayEquals(_ a: OpaquePointer?, _ b: OpaquePointer?) -> Bool {
    guard let a = try? object(a, ArrayHandle.self), let b = try? object(b, ArrayHandle.self) else { return false }
    return a.data.isEqual(to: b.data)
}

@_cdecl("martlet_array_validate")
public func arrayValidate(_ array: OpaquePointer?, _ full: Bool, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in try object(array, ArrayHandle.self).data.validate(full: full) }
}

@_cdecl("martlet_array_to_string")
public func arrayToString(
    _ array: OpaquePointer?, _ window: Int32, _ indent: Int32, _ elementLimit: Int32, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let data = try object(array, ArrayHandle.self).data
        guard indent <= 1_000 else { throw .invalid("indent is at most 1000 blanks, not \(indent)") }
        try give(
            try data.text(window: Int(window), indent: Int(indent), elementLimit: Int(elementLimit)), to: out)
    }
}

@_cdecl("martlet_array_with_schema")
public func arrayWithSchema(
    _ array: OpaquePointer?, _ schema: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let data = try object(array, ArrayHandle.self).data
        let field = try object(schema, SchemaHandle.self).field
        try give(ArrayHandle(try data.viewed(as: field.type), field: field), to: out)
    }
}

@_cdecl("martlet_array_retain")
public func arrayRetain(_ array: OpaquePointer?) {
    guard let handle = try? object(array, ArrayHandle.self) else { return }
    _ = Unmanaged.passRetained(handle)
}

@_cdecl("martlet_arrays_release")
public func arraysRelease(_ arrays: UnsafePointer<OpaquePointer?>?, _ count: Int64) {
    guard let arrays = arrays, count > 0 else { return }
    for i in 0..<Int(count) { release(arrays[i], ArrayHandle.self) }
}

@_cdecl("martlet_array_release")
public func arrayRelease(_ array: OpaquePointer?) { release(array, ArrayHandle.self) }
