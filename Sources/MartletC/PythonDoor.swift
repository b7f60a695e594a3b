public import CMartlet
import MartletArrow
import MartletBase
import MartletIPC
import MartletPython

// martlet.h, "CPython".

/// `PyObject *`
public typealias PythonObject = UnsafeMutableRawPointer

private func requiredObject(_ object: PythonObject?, _ name: String = "object") throws(MartletError) -> PythonObject {
    guard let object = object else { throw .invalid("\(name) is NULL") }
    return object
}

/// The keys that conversions from Python know. `safe` is pyarrow's; lossy conversions are refused in any case.
private func fromPandas(_ options: UnsafePointer<martlet_option>?, _ count: Int64) throws(MartletError) -> Bool {
    var options = try Options(options, count)
    let fromPandas = try options.flag("from_pandas") ?? false
    _ = try options.flag("safe")
    try options.finish()
    return fromPandas
}

@_cdecl("martlet_python_array_from_sequence")
public func pythonArrayFromSequence(
    _ items: PythonObject?, _ mask: PythonObject?, _ schema: OpaquePointer?, _ options: UnsafePointer<martlet_option>?,
    _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let fromPandas = try fromPandas(options, optionCount)
        let field = try schema.map { pointer throws(MartletError) in try object(pointer, SchemaHandle.self).field }
        let data = try PythonSequence.array(
            from: try requiredObject(items), mask: mask, type: field?.type, fromPandas: fromPandas)
        try give(ArrayHandle(data, field: handleField(field, data)), to: out)
    }
}

@_cdecl("martlet_python_array_from_objects")
public func pythonArrayFromObjects(
    _ objects: UnsafeRawPointer?, _ stride: Int64, _ length: Int64, _ mask: PythonObject?, _ schema: OpaquePointer?,
    _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let fromPandas = try fromPandas(options, optionCount)
        let count = try Int(size: length, "length")
        guard let objects = objects else { throw .invalid("objects is NULL") }
        let field = try schema.map { pointer throws(MartletError) in try object(pointer, SchemaHandle.self).field }
        let data = try PythonSequence.array(
            from: objects, stride: Int(stride), count: count, mask: mask, type: field?.type, fromPandas: fromPandas)
        try give(ArrayHandle(data, field: handleField(field, data)), to: out)
    }
}

/// The field asked for, as long as it tells the type that came out.
private func handleField(_ field: Field?, _ data: ArrayData) -> Field? {
    guard var field else { return nil }
    if !field.type.holdsSameValues(as: data.type) { field.type = data.type }
    return field
}

@_cdecl("martlet_python_array_from_unicode")
public func pythonArrayFromUnicode(
    _ items: UnsafeRawPointer?, _ stride: Int64, _ itemSize: Int64, _ length: Int64, _ schema: OpaquePointer?,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let count = try Int(size: length, "length")
        guard let items = items else { throw .invalid("items is NULL") }
        let field = try schema.map { pointer throws(MartletError) in try object(pointer, SchemaHandle.self).field }
        let data = try PythonUnicode.array(
            items, stride: Int(stride), itemSize: Int(itemSize), count: count, type: field?.type ?? .string)
        try give(ArrayHandle(data, field: field), to: out)
    }
}

@_cdecl("martlet_python_array_to_list")
public func pythonArrayToList(
    _ array: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ outObject: UnsafeMutablePointer<PythonObject?>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        let form = options.text("maps_as_pydicts")
        try options.finish()
        let maps: MapForm
        switch form {
        case nil, "", "None": maps = .pairs
        case "lossy": maps = .lossyDicts
        case "strict": maps = .strictDicts
        case let other?:
            throw .invalid(
                "Invalid value for 'maps_as_pydicts': valid values are 'lossy', 'strict' or `None` (default). Received "
                    + "'\(other)'.")
        }
        let outObject = try required(outObject, "out_object")
        outObject.pointee = try PythonValues.list(of: try object(array, ArrayHandle.self).data, maps: maps)
    }
}

@_cdecl("martlet_python_fill_objects")
public func pythonFillObjects(
    _ array: OpaquePointer?, _ target: UnsafeMutablePointer<PythonObject?>?, _ null: PythonObject?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let data = try object(array, ArrayHandle.self).data
        try PythonValues.fill(try required(target, "target"), with: data, null: null)
    }
}

@_cdecl("martlet_python_buffer")
public func pythonBuffer(
    _ owner: PythonObject?, _ address: UnsafeRawPointer?, _ size: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let size = try Int(size: size, "size")
        let owner = try requiredObject(owner, "owner")
        guard let address = address else {
            guard size == 0 else { throw .invalid("address is NULL") }
            return try give(BufferHandle(.empty), to: out)
        }
        try give(BufferHandle(try PythonOwner.buffer(of: owner, address, count: size)), to: out)
    }
}

@_cdecl("martlet_python_drain")
public func pythonDrain() { ParkedReferences.drain() }

@_cdecl("martlet_python_schema_capsule")
public func pythonSchemaCapsule(
    _ schema: OpaquePointer?, _ out: UnsafeMutablePointer<PythonObject?>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let out = try required(out, "out")
        out.pointee = try PythonCapsules.schema(try object(schema, SchemaHandle.self).field)
    }
}

@_cdecl("martlet_python_array_capsules")
public func pythonArrayCapsules(
    _ array: OpaquePointer?, _ isDevice: Bool, _ out: UnsafeMutablePointer<PythonObject?>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(array, ArrayHandle.self)
        let out = try required(out, "out")
        out.pointee = try PythonCapsules.exported(handle.data, handle.field, isDevice: isDevice)
    }
}

@_cdecl("martlet_python_native")
public func pythonNative(_ out: UnsafeMutablePointer<PythonObject?>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let out = try required(out, "out")
        out.pointee = try NativeTypes.shared().table([
            ("file_batch", fileBatch), ("stream_next", streamBatch), ("write_batch", writeBatch),
        ])
    }
}

/// `file_batch(address, index, class, schema)`: a batch of an IPC file.
private let fileBatch: NativeTypes.Fast = { _, arguments, count, _ in
    guard let native = try? NativeTypes.shared(), let file = native.address(arguments, count, expected: 4),
        let arguments, let number = arguments[1], let type = arguments[2], let schema = arguments[3]
    else { return nil }
    guard let index = native.integer(number).flatMap(Int.init(exactly:)) else {
        return native.refuse("the index of a batch is an integer")
    }
    do throws(MartletError) {
        let handle = try native.withoutLock { () throws(MartletError) in
            ArrayHandle(try object(OpaquePointer(file), IPCFileHandle.self).file.batch(at: index))
        }
        return native.make(type, handle, described: schema)
    } catch {
        return native.raise(error)
    }
}

/// `write_batch(address of a writer, address of an array)`: a batch without metadata of its own.
private let writeBatch: NativeTypes.Fast = { _, arguments, count, _ in
    guard let native = try? NativeTypes.shared(), let writer = native.address(arguments, count, expected: 2) else {
        return nil
    }
    guard let number = arguments?[1].flatMap({ native.integer($0) }), number != 0,
        let batch = OpaquePointer(bitPattern: Int(number))
    else { return native.refuse("expected the address of a batch") }
    do throws(MartletError) {
        try native.withoutLock { () throws(MartletError) in
            try object(OpaquePointer(writer), IPCWriterHandle.self).writer.write(try object(batch, ArrayHandle.self).batch())
        }
        return native.none()
    } catch {
        return native.raise(error)
    }
}

/// `stream_next(address, class, schema)`: the next batch of a stream, None at its end.
private let streamBatch: NativeTypes.Fast = { _, arguments, count, _ in
    guard let native = try? NativeTypes.shared(), let pointer = native.address(arguments, count, expected: 3),
        let arguments, let type = arguments[1], let schema = arguments[2]
    else { return nil }
    do throws(MartletError) {
        let handle = try native.withoutLock { () throws(MartletError) -> ArrayHandle? in
            let stream = try object(OpaquePointer(pointer), StreamHandle.self).stream
            return try stream.next().map { ArrayHandle($0, field: stream.field) }
        }
        guard let handle else { return native.none() }
        return native.make(type, handle, described: schema)
    } catch {
        return native.raise(error)
    }
}

@_cdecl("martlet_python_stream_capsule")
public func pythonStreamCapsule(
    _ stream: OpaquePointer?, _ isDevice: Bool, _ out: UnsafeMutablePointer<PythonObject?>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let out = try required(out, "out")
        let stream = try object(stream, StreamHandle.self).stream
        out.pointee = isDevice ? try PythonCapsules.deviceStream(stream) : try PythonCapsules.stream(stream)
    }
}
