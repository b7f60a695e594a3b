public import CMartlet
import Glibc
import MartletArrow
import MartletBase
import MartletIO

// martlet.h, "sources and sinks of bytes".

/// Bytes at positions, a stream, or both.
final class SourceHandle {
    private let positions: (any ByteSource)?
    /// The same bytes as a stream; what is read through it stays read.
    let stream: any ByteStreamSource

    init(_ source: any ByteSource, at start: Int = 0) {
        positions = source
        stream = PositionalStreamSource(source, at: start)
    }

    init(_ source: any ByteStreamSource) {
        positions = nil
        stream = source
    }

    /// For formats that need random access. Throws for pipes and sockets.
    func positional() throws(MartletError) -> any ByteSource {
        guard let positions else {
            throw .init(.ioError, "'\(stream.name)' is a stream: it has no random access; read it into memory or use the stream format")
        }
        return positions
    }

    /// The same source, whose stream begins at `start`.
    func at(_ start: Int) -> SourceHandle { positions.map { SourceHandle($0, at: start) } ?? SourceHandle(stream) }

    var byteCount: Int? { positions?.byteCount }
}

final class SinkHandle {
    let sink: any ByteSink
    init(_ sink: any ByteSink) { self.sink = sink }
    deinit { sink.abort() }
}

/// The caller's object behind callbacks, let go when the last user is gone.
private final class CallbackContext: @unchecked Sendable {
    let context: UnsafeMutableRawPointer?
    private let release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?

    init(_ context: UnsafeMutableRawPointer?, _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?) {
        self.context = context
        self.release = release
    }

    deinit { release?(context) }
}

// MARK: - Sources

@_cdecl("martlet_source_open")
public func sourceOpen(
    _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let path = try requiredText(path, "path")
        var options = try Options(options, optionCount)
        let isMapped = try options.flag("memory_map") ?? false
        try options.finish()
        if isMapped {
            try give(SourceHandle(try MappedFileSource(path: path)), to: out)
        } else if try FileSystem.status(of: path)?.kind == .other {
            try give(SourceHandle(try DescriptorStreamSource(path: path)), to: out)
        } else {
            try give(SourceHandle(try FileSource(path: path)), to: out)
        }
    }
}

@_cdecl("martlet_source_from_buffer")
public func sourceFromBuffer(_ buffer: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SourceHandle(MemorySource(try object(buffer, BufferHandle.self).buffer)), to: out)
    }
}

@_cdecl("martlet_source_from_buffers")
public func sourceFromBuffers(
    _ buffers: UnsafePointer<OpaquePointer?>?, _ bufferCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let parts = try objects(buffers, bufferCount, BufferHandle.self).map(\.buffer)
        try give(SourceHandle(BufferStreamSource(parts)), to: out)
    }
}

@_cdecl("martlet_source_from_descriptor")
public func sourceFromDescriptor(_ descriptor: Int32, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SourceHandle(try DescriptorStreamSource(descriptor: descriptor)), to: out)
    }
}

@_cdecl("martlet_source_from_callbacks")
public func sourceFromCallbacks(
    _ callbacks: UnsafePointer<martlet_source_callbacks>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let table = callbacks?.pointee else { throw .invalid("callbacks is NULL") }
        let owner = CallbackContext(table.context, table.release)
        guard let read = table.read else { throw .invalid("callbacks.read is NULL") }
        func fill(_ position: Int, _ target: UnsafeMutableRawBufferPointer) throws(MartletError) -> Int {
            let count = Int(read(owner.context, Int64(position), target.baseAddress, Int64(target.count)))
            guard count >= 0, count <= target.count else {
                throw MartletError(.ioError, "reading \(target.count) bytes at \(position) from the file object failed", systemError: EIO)
            }
            return count
        }
        if table.seekable {
            let source = CallbackSource(byteCount: try Int(size: table.size, "callbacks.size")) {
                (position, target) throws(MartletError) in try fill(position, target)
            }
            try give(SourceHandle(source), to: out)
        } else {
            var position = 0
            let source = CallbackStreamSource { (target) throws(MartletError) in
                let count = try fill(position, target)
                position += count
                return count
            }
            try give(SourceHandle(source), to: out)
        }
    }
}

@_cdecl("martlet_source_size")
public func sourceSize(_ source: OpaquePointer?) -> Int64 {
    Int64((try? object(source, SourceHandle.self))?.byteCount ?? -1)
}

@_cdecl("martlet_source_at")
public func sourceAt(_ source: OpaquePointer?, _ position: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(try object(source, SourceHandle.self).at(Int(size: position, "position")), to: out)
    }
}

@_cdecl("martlet_source_position")
public func sourcePosition(_ source: OpaquePointer?) -> Int64 {
    Int64((try? object(source, SourceHandle.self))?.stream.position ?? 0)
}

@_cdecl("martlet_source_read")
public func sourceRead(
    _ source: OpaquePointer?, _ position: Int64, _ size: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(source, SourceHandle.self)
        let size = try Int(size: size)
        let buffer: Buffer
        if let end = handle.byteCount {
            let start = min(try Int(size: position, "position"), end)
            buffer = try handle.positional().read(at: start, count: min(size, end - start))
        } else {
            buffer = try handle.stream.read(size)
        }
        try give(BufferHandle(buffer), to: out)
    }
}

@_cdecl("martlet_source_release")
public func sourceRelease(_ source: OpaquePointer?) { release(source, SourceHandle.self) }

// MARK: - Sinks

@_cdecl("martlet_sink_create")
public func sinkCreate(
    _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let path = try requiredText(path, "path")
        var options = try Options(options, optionCount)
        let append = try options.flag("append") ?? false
        let atomic = try options.flag("atomic") ?? !append
        let durable = try options.flag("durable") ?? true
        try options.finish()
        if atomic && append { throw .invalid("a file is appended to in place: append and atomic exclude each other") }
        let sink: any ByteSink = atomic ? try AtomicFileSink(path: path, isDurable: durable) : try FileSink(path: path, append: append)
        try give(SinkHandle(sink), to: out)
    }
}

@_cdecl("martlet_sink_to_memory")
public func sinkToMemory(_ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in try give(SinkHandle(try MemorySink()), to: out) }
}

@_cdecl("martlet_sink_to_descriptor")
public func sinkToDescriptor(_ descriptor: Int32, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(SinkHandle(try DescriptorSink(descriptor: descriptor)), to: out)
    }
}

@_cdecl("martlet_sink_to_callbacks")
public func sinkToCallbacks(
    _ callbacks: UnsafePointer<martlet_sink_callbacks>?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let table = callbacks?.pointee else { throw .invalid("callbacks is NULL") }
        let owner = CallbackContext(table.context, table.release)
        guard let write = table.write else { throw .invalid("callbacks.write is NULL") }
        func check(_ status: Int32, _ what: String) throws(MartletError) {
            if status != 0 { throw MartletError(.ioError, "\(what) the file object failed", systemError: status) }
        }
        let sink = CallbackSink(
            write: { (bytes) throws(MartletError) in
                try check(write(owner.context, bytes.baseAddress, Int64(bytes.count)), "writing to")
            },
            close: { (commits) throws(MartletError) in
                guard commits else { return }
                if let flush = table.flush { try check(flush(owner.context), "flushing") }
                if let close = table.close { try check(close(owner.context), "closing") }
            })
        try give(SinkHandle(sink), to: out)
    }
}

@_cdecl("martlet_sink_write")
public func sinkWrite(_ sink: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ size: Int64, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(sink, SinkHandle.self)
        let size = try Int(size: size)
        if size == 0 { return }
        guard let bytes else { throw .invalid("bytes is NULL") }
        try handle.sink.write(RawSpan(_unsafeStart: bytes, byteCount: size))
    }
}

@_cdecl("martlet_sink_position")
public func sinkPosition(_ sink: OpaquePointer?) -> Int64 {
    Int64((try? object(sink, SinkHandle.self))?.sink.position ?? -1)
}

@_cdecl("martlet_sink_flush")
public func sinkFlush(_ sink: OpaquePointer?, _ error: ErrorOut?) -> Int32 {
    // Nothing is held back: every write has reached the system or the caller's object.
    guarded(error) { () throws(MartletError) in _ = try object(sink, SinkHandle.self) }
}

@_cdecl("martlet_sink_close")
public func sinkClose(_ sink: OpaquePointer?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let sink = try object(sink, SinkHandle.self).sink
        // The bytes of a memory sink stay there to be taken.
        if !(sink is MemorySink) { try sink.close() }
    }
}

@_cdecl("martlet_sink_abort")
public func sinkAbort(_ sink: OpaquePointer?) { (try? object(sink, SinkHandle.self))?.sink.abort() }

@_cdecl("martlet_sink_take")
public func sinkTake(_ sink: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let memory = try object(sink, SinkHandle.self).sink as? MemorySink else {
            throw .invalid("only a memory sink has bytes to take")
        }
        try give(BufferHandle(try memory.finish()), to: out)
    }
}

@_cdecl("martlet_sink_release")
public func sinkRelease(_ sink: OpaquePointer?) { release(sink, SinkHandle.self) }
