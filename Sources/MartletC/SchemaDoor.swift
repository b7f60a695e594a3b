public import CMartlet
import MartletArrow
import MartletBase
import MartletPython

// martlet.h, "schemas".

@_cdecl("martlet_schema_import")
public func schemaImport(_ schema: UnsafeMutablePointer<ArrowSchema>?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let schema = try required(schema, "schema")
        guard schema.pointee.release != nil else { throw .invalid("Cannot import released ArrowSchema") }
        try give(SchemaHandle(try Field(importing: schema)), to: out)
    }
}

@_cdecl("martlet_schema_export")
public func schemaExport(_ schema: OpaquePointer?, _ out: UnsafeMutablePointer<ArrowSchema>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try object(schema, SchemaHandle.self).field.export(to: try required(out, "out"))
    }
}

@_cdecl("martlet_schema_equals")
public func schemaEquals(_ a: OpaquePointer?, _ b: OpaquePointer?, _ checkMetadata: Bool) -> Bool {
    guard let a = try? object(a, SchemaHandle.self), let b = try? object(b, SchemaHandle.self) else { return false }
    return checkMetadata ? a.field == b.field : a.field.isSame(as: b.field)
}

@_cdecl("martlet_schema_type_name")
public func schemaTypeName(_ schema: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(try object(schema, SchemaHandle.self).field.type.description, to: out)
    }
}

@_cdecl("martlet_schema_serialize")
public func schemaSerialize(_ schema: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let message = try SchemaMessage.encode(try object(schema, SchemaHandle.self).schema())
        try give(BufferHandle(message), to: out)
    }
}

@_cdecl("martlet_schema_deserialize")
public func schemaDeserialize(_ message: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let bytes = try object(message, BufferHandle.self).buffer
        try give(SchemaHandle(try SchemaMessage.decode(bytes.bytes)), to: out)
    }
}

@_cdecl("martlet_schema_release")
public func schemaRelease(_ schema: OpaquePointer?) { release(schema, SchemaHandle.self) }
