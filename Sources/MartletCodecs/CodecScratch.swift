import CDeflate
import CZstd
import Glibc
import MartletBase

/// The working memory of the codecs, one set for each thread: made at first use, kept for the next call, freed
/// when the thread ends. No locks; a forked child goes on with the set of the thread that forked.
@safe
final class CodecScratch {
    private var zstdCompressor: OpaquePointer?
    private var zstdDecompressor: OpaquePointer?
    private var deflateDecompressor: OpaquePointer?
    /// One for each level, because a level is fixed when a compressor is made.
    private var deflateCompressors: [OpaquePointer?] = unsafe Array(repeating: nil, count: 10)

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key) { pointer in
            if let pointer = unsafe pointer { unsafe Unmanaged<CodecScratch>.fromOpaque(pointer).release() }
        }
        return key
    }()

    /// The calling thread's own.
    static var current: CodecScratch {
        if let known = unsafe pthread_getspecific(key) {
            // Safety: only this function stores under the key, and it stores a retained `CodecScratch`.
            return unsafe Unmanaged<CodecScratch>.fromOpaque(known).takeUnretainedValue()
        }
        let fresh = CodecScratch()
        unsafe pthread_setspecific(key, Unmanaged.passRetained(fresh).toOpaque())
        return fresh
    }

    func zstdCompression() throws(MartletError) -> OpaquePointer {
        if unsafe zstdCompressor == nil { unsafe zstdCompressor = ZSTD_createCCtx() }
        return try unsafe Self.made(zstdCompressor)
    }

    func zstdDecompression() throws(MartletError) -> OpaquePointer {
        if unsafe zstdDecompressor == nil { unsafe zstdDecompressor = ZSTD_createDCtx() }
        return try unsafe Self.made(zstdDecompressor)
    }

    func deflateDecompression() throws(MartletError) -> OpaquePointer {
        if unsafe deflateDecompressor == nil { unsafe deflateDecompressor = libdeflate_alloc_decompressor() }
        return try unsafe Self.made(deflateDecompressor)
    }

    /// `level` is 0 to 9.
    func deflateCompression(level: Int32) throws(MartletError) -> OpaquePointer {
        let place = Int(level)
        if unsafe deflateCompressors[place] == nil {
            unsafe deflateCompressors[place] = libdeflate_alloc_compressor(level)
        }
        return try unsafe Self.made(deflateCompressors[place])
    }

    private static func made(_ context: OpaquePointer?) throws(MartletError) -> OpaquePointer {
        guard let context = unsafe context else {
            throw MartletError(.outOfMemory, "no memory for the state of a compression codec")
        }
        return unsafe context
    }

    deinit {
        unsafe ZSTD_freeCCtx(zstdCompressor)
        unsafe ZSTD_freeDCtx(zstdDecompressor)
        if let state = unsafe deflateDecompressor { unsafe libdeflate_free_decompressor(state) }
        for unsafe state in unsafe deflateCompressors {
            if let state = unsafe state { unsafe libdeflate_free_compressor(state) }
        }
    }
}
