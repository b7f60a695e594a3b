public import CMartlet
import MartletArrow
import MartletBase
import MartletPython

// martlet.h, "streams of record batches".

@_cdecl("martlet_stream_import")
public func streamImport(_ stream: UnsafeMutablePointer<ArrowArrayStream>?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(StreamHandle(try ImportedStream(moving: try required(stream, "stream"))), to: out)
    }
}

@_cdecl("martlet_stream_export")
public func streamExport(_ stream: OpaquePointer?, _ out: UnsafeMutablePointer<ArrowArrayStream>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        export(try object(stream, StreamHandle.self).stream, to: try required(out, "out"))
    }
}

@_cdecl("martlet_stream_import_device")
public func streamImportDevice(
    _ stream: UnsafeMutablePointer<ArrowDeviceArrayStream>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(StreamHandle(try ImportedStream(moving: try required(stream, "stream"))), to: out)
    }
}

@_cdecl("martlet_stream_export_device")
public func streamExportDevice(
    _ stream: OpaquePointer?, _ out: UnsafeMutablePointer<ArrowDeviceArrayStream>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        export(try object(stream, StreamHandle.self).stream, to: try required(out, "out"))
    }
}

@_cdecl("martlet_stream_from_batches")
public func streamFromBatches(
    _ schema: OpaquePointer?, _ batches: UnsafePointer<OpaquePointer?>?, _ count: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let field = try object(schema, SchemaHandle.self).field
        let arrays = try objects(batches, count, ArrayHandle.self).map(\.data)
        for (i, array) in arrays.enumerated() where !array.type.holdsSameValues(as: field.type) {
            throw .invalid("Schema at index \(i) was different: \(array.type) vs \(field.type)")
        }
        try give(StreamHandle(ArraysStream(field: field, arrays)), to: out)
    }
}

@_cdecl("martlet_stream_schema")
public func streamSchema(_ stream: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(try object(stream, StreamHandle.self).stream.field), to: out)
    }
}

@_cdecl("martlet_stream_next")
public func streamNext(_ stream: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let stream = try object(stream, StreamHandle.self).stream
        if let array = try stream.next() {
            try give(ArrayHandle(array, field: stream.field), to: out)
        } else {
            try giveNothing(to: out)
        }
    }
}

/// Batches for the caller: handed out together or not at all.
struct HandedOut {
    private var handles: [ArrayHandle] = []
    private(set) var rows = 0

    mutating func append(_ array: ArrayData, _ field: Field) throws(MartletError) {
        rows = try rows.adding(checked: array.count)
        handles.append(ArrayHandle(array, field: field))
    }

    var count: Int { handles.count }

    /// `out` has room for all of them.
    func give(to out: UnsafeMutablePointer<OpaquePointer?>) {
        for (i, handle) in handles.enumerated() { out[i] = OpaquePointer(Unmanaged.passRetained(handle).toOpaque()) }
    }
}

@_cdecl("martlet_stream_read")
public func streamRead(
    _ stream: OpaquePointer?, _ capacity: Int64, _ out: HandleOut?, _ count: UnsafeMutablePointer<Int64>?,
    _ rows: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let stream = try object(stream, StreamHandle.self).stream
        let (out, count, rows) = (try required(out, "out"), try required(count, "count"), try required(rows, "rows"))
        var batches = HandedOut()
        while batches.count < capacity, let array = try stream.next() { try batches.append(array, stream.field) }
        batches.give(to: out)
        count.pointee = Int64(batches.count)
        rows.pointee = Int64(batches.rows)
    }
}

@_cdecl("martlet_stream_release")
public func streamRelease(_ stream: OpaquePointer?) { release(stream, StreamHandle.self) }
