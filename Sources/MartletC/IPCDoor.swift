public import CMartlet
import MartletArrow
import MartletBase
import MartletCodecs
import MartletIPC

// martlet.h, "Arrow IPC".

final class IPCWriterHandle {
    let writer: IPCWriter
    init(_ writer: IPCWriter) { self.writer = writer }
}

final class IPCFileHandle {
    let file: IPCFileReader
    init(_ file: IPCFileReader) { self.file = file }
}

@_cdecl("martlet_ipc_writer_open")
public func ipcWriterOpen(
    _ sink: OpaquePointer?, _ schema: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ footerMetadata: UnsafePointer<martlet_option>?, _ footerMetadataCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let schema = try object(schema, SchemaHandle.self).schema()
        var given = try Options(options, optionCount)
        var options = IPCWriteOptions()
        let isFile: Bool
        switch given.text("format") {
        case nil, "stream": isFile = false
        case "file": isFile = true
        case let other?: throw .invalid("IPC format is \"stream\" or \"file\", not \"\(other)\"")
        }
        if let name = given.text("compression") { options.compression = try BodyCompression(Codec(named: name)) }
        options.compressionLevel = try given.integer("compression_level")
        options.alignment = try given.integer("alignment") ?? options.alignment
        options.usesThreads = try given.flag("use_threads") ?? options.usesThreads
        options.allowsLongColumns = try given.flag("allow_64bit") ?? options.allowsLongColumns
        options.emitsDictionaryDeltas = try given.flag("emit_dictionary_deltas") ?? options.emitsDictionaryDeltas
        if try given.flag("unify_dictionaries") == true {
            throw .notImplemented("unify_dictionaries: unify them before writing, or write a stream, which can replace dictionaries")
        }
        if let version = given.text("metadata_version"), version != "V5" {
            throw .notImplemented("IPC metadata version \(version); V5 is written")
        }
        try given.finish()
        let footer = try Options(footerMetadata, footerMetadataCount).metadata
        let writer = try IPCWriter(
            try object(sink, SinkHandle.self).sink, schema: schema, container: isFile ? .file : .stream,
            options: options, footerMetadata: footer)
        try give(IPCWriterHandle(writer), to: out)
    }
}

@_cdecl("martlet_ipc_writer_write")
public func ipcWriterWrite(
    _ writer: OpaquePointer?, _ batch: OpaquePointer?, _ metadata: UnsafePointer<martlet_option>?,
    _ metadataCount: Int64, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let batch = try object(batch, ArrayHandle.self).batch()
        try object(writer, IPCWriterHandle.self).writer.write(
            batch, metadata: try Options(metadata, metadataCount).metadata)
    }
}

@_cdecl("martlet_ipc_writer_statistics")
public func ipcWriterStatistics(_ writer: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_ipc_statistics>?) {
    guard let out, let writer = (try? object(writer, IPCWriterHandle.self))?.writer else { return }
    let statistics = writer.statistics
    out.pointee = martlet_ipc_statistics(
        messages: Int64(statistics.messageCount), record_batches: Int64(statistics.recordBatchCount),
        dictionary_batches: Int64(statistics.dictionaryBatchCount),
        dictionary_deltas: Int64(statistics.dictionaryDeltaCount),
        replaced_dictionaries: Int64(statistics.replacedDictionaryCount))
}

@_cdecl("martlet_ipc_writer_close")
public func ipcWriterClose(_ writer: OpaquePointer?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in try object(writer, IPCWriterHandle.self).writer.close() }
}

@_cdecl("martlet_ipc_writer_release")
public func ipcWriterRelease(_ writer: OpaquePointer?) { release(writer, IPCWriterHandle.self) }

extension IPCReadOptions {
    /// Takes the reader's keys from the caller's options.
    init(_ options: inout Options) throws(MartletError) {
        self.init()
        usesThreads = try options.flag("use_threads") ?? usesThreads
        guard let text = options.text("included_fields") else { return }
        includedFields = try text.split(separator: ",").map { item throws(MartletError) in
            guard let index = Int(item) else { throw .invalid("included_fields lists numbers, not \"\(item)\"") }
            return index
        }
    }
}

@_cdecl("martlet_ipc_stream_open")
public func ipcStreamOpen(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        let parsed = try IPCReadOptions(&options)
        try options.finish()
        let reader = try IPCStreamReader(try object(source, SourceHandle.self).stream, options: parsed)
        try give(StreamHandle(reader), to: out)
    }
}

@_cdecl("martlet_ipc_file_open")
public func ipcFileOpen(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        let parsed = try IPCReadOptions(&options)
        try options.finish()
        let source = try object(source, SourceHandle.self).positional()
        try give(IPCFileHandle(try IPCFileReader(source, options: parsed)), to: out)
    }
}

@_cdecl("martlet_ipc_file_schema")
public func ipcFileSchema(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(try object(file, IPCFileHandle.self).file.schema), to: out)
    }
}

@_cdecl("martlet_ipc_file_batch_count")
public func ipcFileBatchCount(_ file: OpaquePointer?) -> Int64 {
    Int64((try? object(file, IPCFileHandle.self))?.file.batchCount ?? 0)
}

@_cdecl("martlet_ipc_file_batch")
public func ipcFileBatch(_ file: OpaquePointer?, _ index: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(ArrayHandle(try object(file, IPCFileHandle.self).file.batch(at: Int(index))), to: out)
    }
}

@_cdecl("martlet_ipc_file_metadata")
public func ipcFileMetadata(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(Schema([], metadata: try object(file, IPCFileHandle.self).file.metadata)), to: out)
    }
}

@_cdecl("martlet_ipc_file_release")
public func ipcFileRelease(_ file: OpaquePointer?) { release(file, IPCFileHandle.self) }
