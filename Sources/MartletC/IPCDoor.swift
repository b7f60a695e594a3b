public import CMartlet
import MartletArrow
import MartletBase
import MartletPython
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
    _ footerMetadata: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let schema = try object(schema, SchemaHandle.self).schema()
        var given = try Options(options, optionCount)
        let isFile: Bool
        switch given.text("format") {
        case nil, "stream": isFile = false
        case "file": isFile = true
        case let other?: throw .invalid("IPC format is \"stream\" or \"file\", not \"\(other)\"")
        }
        let options = try IPCWriteOptions(&given)
        try given.finish()
        let footer = try customMetadata(footerMetadata)
        let writer = try IPCWriter(
            try object(sink, SinkHandle.self).sink, schema: schema, container: isFile ? .file : .stream,
            options: options, footerMetadata: footer)
        try give(IPCWriterHandle(writer), to: out)
    }
}

extension IPCWriteOptions {
    /// Takes the writer's keys from the caller's options.
    init(_ given: inout Options) throws(MartletError) {
        self.init()
        if let name = given.text("compression") { compression = try BodyCompression(Codec(named: name)) }
        compressionLevel = try given.integer("compression_level")
        alignment = try given.integer("alignment") ?? alignment
        usesThreads = try given.flag("use_threads") ?? usesThreads
        allowsLongColumns = try given.flag("allow_64bit") ?? allowsLongColumns
        emitsDictionaryDeltas = try given.flag("emit_dictionary_deltas") ?? emitsDictionaryDeltas
        usesLegacyFormat = try given.flag("use_legacy_format") ?? usesLegacyFormat
        switch given.text("metadata_version") {
        case nil, "V5": metadataVersion = .v5
        case "V4": metadataVersion = .v4
        case let other?: throw .invalid("IPC metadata version \(other); V4 and V5 are written")
        }
    }
}

/// The metadata of a schema handle; none for NULL.
private func customMetadata(_ schema: OpaquePointer?) throws(MartletError) -> Metadata {
    schema == nil ? Metadata() : try object(schema, SchemaHandle.self).field.metadata
}

/// Hands out metadata as a schema without fields, NULL when there is none.
private func give(_ metadata: Metadata, to out: HandleOut?) throws(MartletError) {
    if metadata.isEmpty { return try giveNothing(to: out) }
    try give(SchemaHandle(Schema([], metadata: metadata)), to: out)
}

@_cdecl("martlet_ipc_writer_write")
public func ipcWriterWrite(
    _ writer: OpaquePointer?, _ batch: OpaquePointer?, _ metadata: OpaquePointer?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let batch = try object(batch, ArrayHandle.self).batch()
        try object(writer, IPCWriterHandle.self).writer.write(batch, metadata: try customMetadata(metadata))
    }
}

@_cdecl("martlet_ipc_writer_write_stream")
public func ipcWriterWriteStream(
    _ writer: OpaquePointer?, _ stream: OpaquePointer?, _ maxRows: Int64, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let writer = try object(writer, IPCWriterHandle.self).writer
        let batches = try ArrayStreamReader(try object(stream, StreamHandle.self).stream)
        let step = maxRows > 0 ? Int(maxRows) : Int.max
        while let batch = try batches.next() {
            if batch.rowCount <= step {
                try writer.write(batch)
                continue
            }
            for start in stride(from: 0, to: batch.rowCount, by: step) {
                try writer.write(batch.slice(at: start, count: min(step, batch.rowCount - start)))
            }
        }
    }
}

@_cdecl("martlet_ipc_writer_statistics")
public func ipcWriterStatistics(_ writer: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_ipc_statistics>?) {
    guard let out, let writer = (try? object(writer, IPCWriterHandle.self))?.writer else { return }
    out.pointee = martlet_ipc_statistics(writer.statistics)
}

extension martlet_ipc_statistics {
    fileprivate init(_ statistics: IPCStatistics) {
        self.init(
            messages: Int64(statistics.messageCount), record_batches: Int64(statistics.recordBatchCount),
            dictionary_batches: Int64(statistics.dictionaryBatchCount),
            dictionary_deltas: Int64(statistics.dictionaryDeltaCount),
            replaced_dictionaries: Int64(statistics.replacedDictionaryCount))
    }
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
        ensuresNativeByteOrder = try options.flag("ensure_native_endian") ?? ensuresNativeByteOrder
        alignment = try options.integer("alignment") ?? alignment
        guard let text = options.text("included_fields") else { return }
        includedFields = try text.split(separator: ",").map { item throws(MartletError) in
            guard let index = Int(item) else { throw .invalid("included_fields lists numbers, not \"\(item)\"") }
            return index
        }
    }
}

@_cdecl("martlet_ipc_stream_open")
public func ipcStreamOpen(
    _ source: OpaquePointer?, _ schema: OpaquePointer?, _ options: UnsafePointer<martlet_option>?,
    _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let parsed = try readOptions(options, optionCount)
        let source = try object(source, SourceHandle.self).stream
        let reader: IPCStreamReader
        if schema == nil {
            reader = try IPCStreamReader(source, options: parsed)
        } else {
            reader = try IPCStreamReader(source, schema: try object(schema, SchemaHandle.self).schema(), options: parsed)
        }
        try give(StreamHandle(reader), to: out)
    }
}

private func readOptions(_ options: UnsafePointer<martlet_option>?, _ count: Int64) throws(MartletError) -> IPCReadOptions {
    var options = try Options(options, count)
    let parsed = try IPCReadOptions(&options)
    try options.finish()
    return parsed
}

/// The reader behind a stream that a function of this file made.
private func reader<Reader: RecordBatchReader>(_ stream: OpaquePointer?, _ type: Reader.Type) throws(MartletError) -> Reader {
    guard let batches = try object(stream, StreamHandle.self).stream as? BatchArrayStream,
        let reader = batches.reader as? Reader
    else { throw .type("the stream does not come from the IPC function that makes such streams") }
    return reader
}

@_cdecl("martlet_ipc_stream_batch_metadata")
public func ipcStreamBatchMetadata(_ stream: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in try give(try reader(stream, IPCStreamReader.self).lastMetadata, to: out) }
}

@_cdecl("martlet_ipc_stream_statistics")
public func ipcStreamStatistics(
    _ stream: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_ipc_statistics>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try required(out, "out").pointee = martlet_ipc_statistics(try reader(stream, IPCStreamReader.self).statistics)
    }
}

@_cdecl("martlet_ipc_recover")
public func ipcRecover(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let source = try object(source, SourceHandle.self).positional()
        try give(StreamHandle(try IPCRecoveryReader(source, options: readOptions(options, optionCount))), to: out)
    }
}

@_cdecl("martlet_ipc_recover_losses")
public func ipcRecoverLosses(_ stream: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var text = ""
        for loss in try reader(stream, IPCRecoveryReader.self).losses {
            text += "\(loss.position)\t\(loss.byteCount)\t\(loss.reason)\n"
        }
        try give(text, to: out)
    }
}

@_cdecl("martlet_ipc_file_open")
public func ipcFileOpen(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let source = try object(source, SourceHandle.self).positional()
        try give(IPCFileHandle(try IPCFileReader(source, options: readOptions(options, optionCount))), to: out)
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

@_cdecl("martlet_ipc_file_read")
public func ipcFileRead(
    _ file: OpaquePointer?, _ out: HandleOut?, _ rows: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let file = try object(file, IPCFileHandle.self).file
        let (out, rows) = (try required(out, "out"), try required(rows, "rows"))
        let field = SchemaHandle(file.schema).field
        var batches = HandedOut()
        for batch in try file.readAll() {
            try batches.append(ArrayData(type: field.type, count: batch.rowCount, children: batch.columns), field)
        }
        batches.give(to: out)
        rows.pointee = Int64(batches.rows)
    }
}

@_cdecl("martlet_ipc_file_batch_with_metadata")
public func ipcFileBatchWithMetadata(
    _ file: OpaquePointer?, _ index: Int64, _ out: HandleOut?, _ metadata: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let found = try object(file, IPCFileHandle.self).file.batchWithMetadata(at: Int(index))
        try give(found.metadata, to: metadata)
        try give(ArrayHandle(found.batch), to: out)
    }
}

@_cdecl("martlet_ipc_file_row_count")
public func ipcFileRowCount(_ file: OpaquePointer?, _ out: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try required(out, "out").pointee = Int64(try object(file, IPCFileHandle.self).file.rowCount())
    }
}

@_cdecl("martlet_ipc_file_statistics")
public func ipcFileStatistics(_ file: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_ipc_statistics>?) {
    guard let out, let file = (try? object(file, IPCFileHandle.self))?.file else { return }
    out.pointee = martlet_ipc_statistics(file.statistics)
}

@_cdecl("martlet_ipc_file_metadata")
public func ipcFileMetadata(_ file: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SchemaHandle(Schema([], metadata: try object(file, IPCFileHandle.self).file.metadata)), to: out)
    }
}

@_cdecl("martlet_ipc_file_release")
public func ipcFileRelease(_ file: OpaquePointer?) { release(file, IPCFileHandle.self) }

// MARK: - Single messages

@_cdecl("martlet_ipc_message_read")
public func ipcMessageRead(
    _ source: OpaquePointer?, _ out: UnsafeMutablePointer<martlet_ipc_message>?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let out = try required(out, "out")
        out.pointee = martlet_ipc_message()
        guard let message = try EncapsulatedMessage(from: try object(source, SourceHandle.self).stream) else { return }
        try give(BufferHandle(message.metadata), to: &out.pointee.metadata)
        try give(BufferHandle(message.body), to: &out.pointee.body)
        out.pointee.type = Int32(message.headerType)
        out.pointee.version = Int32(message.version.rawValue)
    }
}

@_cdecl("martlet_ipc_batch_serialize")
public func ipcBatchSerialize(
    _ batch: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let batch = try object(batch, ArrayHandle.self).batch()
        var given = try Options(options, optionCount)
        let options = try IPCWriteOptions(&given)
        try given.finish()
        try give(BufferHandle(try IPCWriter.message(of: batch, options: options)), to: out)
    }
}

@_cdecl("martlet_ipc_batch_size")
public func ipcBatchSize(_ batch: OpaquePointer?, _ out: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let batch = try object(batch, ArrayHandle.self).batch()
        try required(out, "out").pointee = Int64(try IPCWriter.messageByteCount(of: batch))
    }
}
