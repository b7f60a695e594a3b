import CBrotli
import CDeflate
import CLz4
import CSnappy
import CZstd
import Glibc
public import MartletBase

extension Codec {
    /// No compression of `byteCount` bytes is longer than this.
    public func maximumCompressedByteCount(_ byteCount: Int) -> Int {
        switch self {
        case .uncompressed: byteCount
        case .snappy: 32 + byteCount + byteCount / 6
        // A stored block for every 10,000 bytes at the least, the block's head of 5 bytes, and the wrapper.
        case .gzip: byteCount + 5 * (byteCount / 5_000 + 1) + 18 + 9 + 8
        // A meta-block's head for every 16 KiB, and what the stream begins and ends with.
        case .brotli: byteCount + 4 * (byteCount >> 14) + 16
        case .zstd: ZSTD_compressBound(byteCount)
        case .lz4Raw: byteCount + byteCount / 255 + 16
        case .lz4Hadoop: byteCount + byteCount / 255 + 24
        // A frame's head and end, and a length for each block of 64 KiB or more.
        case .lz4Frame: byteCount + byteCount / 255 + (byteCount >> 16 + 1) * 4 + 64
        }
    }

    /// Appends the compressed form of `bytes` to `builder`.
    ///
    /// `level` is the codec's own, nil its default. Throws what `validate(level:)` throws, `capacityError` for more
    /// than an LZ4 block can hold, and `outOfMemory`; the builder is then as it was.
    public func compress(_ bytes: RawSpan, level: Int? = nil, into builder: inout BufferBuilder) throws(MartletError) {
        try validate(level: level)
        if self == .uncompressed { return try builder.append(bytes) }
        switch self {
        case .lz4Raw, .lz4Hadoop:
            if bytes.byteCount > Int(LZ4_MAX_INPUT_SIZE) {
                throw .capacity("an LZ4 block holds at most \(LZ4_MAX_INPUT_SIZE) bytes, not \(bytes.byteCount)")
            }
        case .uncompressed, .snappy, .gzip, .brotli, .zstd, .lz4Frame: break
        }
        let before = builder.byteCount
        let room = maximumCompressedByteCount(bytes.byteCount)
        let target = try unsafe builder.extend(by: room)
        do throws(MartletError) {
            let written = try unsafe bytes.withUnsafeBytes { source throws(MartletError) -> Int in
                // Safety: `target` has `room` bytes of its own, and no codec is told of more.
                try unsafe compress(source, effective(level: level), target, room)
            }
            builder.truncate(to: before + written)
        } catch {
            builder.truncate(to: before)
            throw error
        }
    }

    /// The compressed form of `bytes` in a buffer of its own.
    public func compress(_ bytes: RawSpan, level: Int? = nil) throws(MartletError) -> Buffer {
        var builder = try BufferBuilder(byteCapacity: maximumCompressedByteCount(bytes.byteCount))
        try compress(bytes, level: level, into: &builder)
        return builder.finish()
    }

    private func compress(
        _ source: UnsafeRawBufferPointer, _ level: Int32, _ target: UnsafeMutableRawPointer, _ room: Int
    ) throws(MartletError) -> Int {
        let input = unsafe source.baseAddress ?? UnsafeRawPointer(target)
        let inputChars = unsafe input.assumingMemoryBound(to: CChar.self)
        let targetChars = unsafe target.assumingMemoryBound(to: CChar.self)
        switch self {
        case .uncompressed:
            unsafe memcpy(target, input, source.count)
            return source.count
        case .snappy:
            var written = room
            guard unsafe snappy_compress(inputChars, source.count, targetChars, &written) == SNAPPY_OK else {
                throw failed("")
            }
            return written
        case .gzip:
            let state = try unsafe CodecScratch.current.deflateCompression(level: level)
            let written = unsafe libdeflate_gzip_compress(state, input, source.count, target, room)
            if written == 0 { throw failed("") }
            return written
        case .brotli:
            var written = room
            let status = unsafe BrotliEncoderCompress(
                level, Int32(BROTLI_DEFAULT_WINDOW), BROTLI_MODE_GENERIC, source.count,
                input.assumingMemoryBound(to: UInt8.self), &written, target.assumingMemoryBound(to: UInt8.self))
            if status == 0 { throw failed("") }
            return written
        case .zstd:
            let state = try unsafe CodecScratch.current.zstdCompression()
            let written = unsafe ZSTD_compressCCtx(state, target, room, input, source.count, level)
            if ZSTD_isError(written) != 0 { throw failed(unsafe String(cString: ZSTD_getErrorName(written))) }
            return written
        case .lz4Raw:
            return try unsafe compressBlock(source, level, target, room)
        case .lz4Hadoop:
            let written = try unsafe compressBlock(source, level, target + 8, room - 8)
            unsafe target.storeBytes(of: UInt32(source.count).bigEndian, as: UInt32.self)
            unsafe target.storeBytes(of: UInt32(written).bigEndian, toByteOffset: 4, as: UInt32.self)
            return written + 8
        case .lz4Frame:
            // Big blocks that stand alone: a reader may then unpack straight into place.
            var preferences = LZ4F_preferences_t()
            preferences.compressionLevel = level
            preferences.frameInfo.blockSizeID = LZ4F_max4MB
            preferences.frameInfo.blockMode = LZ4F_blockIndependent
            preferences.frameInfo.contentSize = UInt64(source.count)
            let written = unsafe LZ4F_compressFrame(target, room, input, source.count, &preferences)
            if LZ4F_isError(written) != 0 { throw failed(unsafe String(cString: LZ4F_getErrorName(written))) }
            return written
        }
    }

    private func compressBlock(
        _ source: UnsafeRawBufferPointer, _ level: Int32, _ target: UnsafeMutableRawPointer, _ room: Int
    ) throws(MartletError) -> Int {
        let input = unsafe (source.baseAddress ?? UnsafeRawPointer(target)).assumingMemoryBound(to: CChar.self)
        let output = unsafe target.assumingMemoryBound(to: CChar.self)
        let count = Int32(source.count)
        let space = Int32(clamping: room)
        let written =
            level >= LZ4HC_CLEVEL_MIN
            ? unsafe LZ4_compress_HC(input, output, count, space, level)
            : unsafe LZ4_compress_default(input, output, count, space)
        if written <= 0 { throw failed("") }
        return Int(written)
    }

    private func failed(_ detail: String) -> MartletError {
        MartletError(.ioError, "\(name) compression failed" + (detail.isEmpty ? "" : ": " + detail))
    }
}
