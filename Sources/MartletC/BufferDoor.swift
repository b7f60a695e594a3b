import CMartlet
import MartletBase

// martlet.h, "buffers".

/// Foreign memory with the release function of whoever gave it.
@safe private final class ForeignMemory: MemoryOwner, @unchecked Sendable {
    private let release: @convention(c) (UnsafeMutableRawPointer?) -> Void
    private let context: UnsafeMutableRawPointer?

    init(release: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void, context: UnsafeMutableRawPointer?) {
        self.release = release
        self.context = context
        super.init()
    }

    deinit { release(context) }
}

@_cdecl("martlet_buffer_wrap")
public func bufferWrap(
    _ address: UnsafeRawPointer?, _ size: Int64, _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
    _ context: UnsafeMutableRawPointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let size = try Int(size: size)
        guard address != nil || size == 0 else { throw .invalid("address is NULL") }
        let owner = release.map { ForeignMemory(release: $0, context: context) }
        let buffer = Buffer(unsafeAddress: address ?? UnsafeRawPointer(Buffer.empty.pointer(to: UInt8.self)), count: size, owner: owner)
        try give(BufferHandle(buffer), to: out)
    }
}

@_cdecl("martlet_buffer_copy")
public func bufferCopy(_ address: UnsafeRawPointer?, _ size: Int64, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let size = try Int(size: size)
        let buffer: Buffer
        if let address = address {
            buffer = try Buffer(copying: RawSpan(_unsafeStart: address, byteCount: size))
        } else {
            buffer = try Buffer(zeroed: size)
        }
        try give(BufferHandle(buffer), to: out)
    }
}

@_cdecl("martlet_buffer_slice")
public func bufferSlice(
    _ buffer: OpaquePointer?, _ offset: Int64, _ size: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let whole = try object(buffer, BufferHandle.self).buffer
        try give(BufferHandle(try whole.slice(at: Int(offset), count: Int(size))), to: out)
    }
}

@_cdecl("martlet_buffer_address")
public func bufferAddress(_ buffer: OpaquePointer?) -> UnsafeRawPointer? {
    guard let handle = try? object(buffer, BufferHandle.self) else { return nil }
    return UnsafeRawPointer(handle.buffer.pointer(to: UInt8.self))
}

@_cdecl("martlet_buffer_size")
public func bufferSize(_ buffer: OpaquePointer?) -> Int64 {
    Int64((try? object(buffer, BufferHandle.self))?.buffer.count ?? 0)
}

@_cdecl("martlet_buffer_release")
public func bufferRelease(_ buffer: OpaquePointer?) { release(buffer, BufferHandle.self) }
