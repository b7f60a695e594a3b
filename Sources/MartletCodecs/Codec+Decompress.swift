import CBrotli
import CDeflate
import CLz4
import CSnappy
import CZstd
import Glibc
public import MartletBase

extension Codec {
    /// Unpacks `bytes` into `destination`, which is exactly as long as what they hold.
    ///
    /// Never writes outside `destination`. Throws `ioError` when the bytes are damaged and when they hold more or
    /// fewer; what `destination` then contains is unspecified.
    public func decompress(_ bytes: RawSpan, into destination: UnsafeMutableRawBufferPointer) throws(MartletError) {
        try unsafe bytes.withUnsafeBytes { source throws(MartletError) in
            try unsafe decompress(source, destination)
        }
    }

    /// Unpacks `bytes`, which hold `expectedCount` bytes, into a buffer of its own.
    ///
    /// `expectedCount` may come from a file: when no input of this length can hold that much, nothing is allocated.
    public func decompress(_ bytes: RawSpan, expectedCount: Int) throws(MartletError) -> Buffer {
        try checkPlausible(expectedCount, compressedCount: bytes.byteCount)
        let builder = try BufferBuilder(uninitializedCount: expectedCount)
        // Safety: the builder holds `expectedCount` bytes, all of which `decompress` writes or else throws.
        try unsafe decompress(bytes, into: UnsafeMutableRawBufferPointer(start: builder.address, count: expectedCount))
        return builder.finish()
    }

    /// Throws when `compressedCount` bytes of this codec cannot hold `expectedCount` bytes, whatever they say.
    public func checkPlausible(_ expectedCount: Int, compressedCount: Int) throws(MartletError) {
        guard expectedCount >= 0 else { throw corrupt("a negative length of \(expectedCount) bytes is promised") }
        // The longest run that the fewest bytes can describe, and some bytes for what stands around them.
        let ratio =
            switch self {
            case .uncompressed: 1
            case .snappy: 32  // 64 bytes in 3
            case .gzip: 1_032  // 258 bytes in 2 bits
            case .lz4Raw, .lz4Frame, .lz4Hadoop: 255
            case .zstd: 1 << 16  // 128 KiB in 4 bytes
            case .brotli: 1 << 23  // 16 MiB in a few bytes
            }
        let slack = self == .uncompressed ? 0 : 16
        if (expectedCount - 1) / ratio > compressedCount + slack {
            throw corrupt("\(compressedCount) bytes cannot hold the \(expectedCount) that are promised")
        }
    }

    private func decompress(_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer)
        throws(MartletError)
    {
        let expected = destination.count
        // Some libraries refuse null pointers even beside a length of 0.
        let input = unsafe source.baseAddress ?? UnsafeRawPointer(nowhere)
        let output = unsafe destination.baseAddress ?? nowhere
        let inputChars = unsafe input.assumingMemoryBound(to: CChar.self)
        let outputChars = unsafe output.assumingMemoryBound(to: CChar.self)
        switch self {
        case .uncompressed:
            guard source.count == expected else { throw wrongSize(expected, source.count) }
            unsafe memcpy(output, input, expected)
        case .snappy:
            var promised = 0
            guard unsafe snappy_uncompressed_length(inputChars, source.count, &promised) == SNAPPY_OK else {
                throw corrupt("")
            }
            // Safety: snappy writes `promised` bytes, checked here to be what there is room for.
            guard promised == expected else { throw wrongSize(expected, promised) }
            var written = expected
            guard unsafe snappy_uncompress(inputChars, source.count, outputChars, &written) == SNAPPY_OK else {
                throw corrupt("")
            }
        case .gzip:
            try unsafe inflate(source, destination)
        case .brotli:
            var written = expected
            let status = unsafe BrotliDecoderDecompress(
                source.count, input.assumingMemoryBound(to: UInt8.self), &written,
                output.assumingMemoryBound(to: UInt8.self))
            guard status == BROTLI_DECODER_RESULT_SUCCESS else {
                throw corrupt("it is damaged or holds more than the expected \(expected) bytes")
            }
            guard written == expected else { throw wrongSize(expected, written) }
        case .zstd:
            let state = try unsafe CodecScratch.current.zstdDecompression()
            let written = unsafe ZSTD_decompressDCtx(state, output, expected, input, source.count)
            if ZSTD_isError(written) != 0 { throw corrupt(unsafe String(cString: ZSTD_getErrorName(written))) }
            guard written == expected else { throw wrongSize(expected, written) }
        case .lz4Raw:
            try unsafe Lz4.decompressBlock(source, destination)
        case .lz4Frame:
            try unsafe Lz4.decompressFrame(source, destination)
        case .lz4Hadoop:
            // Writers of Parquet's old LZ4 did not agree: Hadoop's framing, a bare block and a frame all occur.
            if try unsafe Lz4.decompressHadoop(source, destination) { return }
            if unsafe Lz4.isFrame(source) { return try unsafe Lz4.decompressFrame(source, destination) }
            try unsafe Lz4.decompressBlock(source, destination)
        }
    }

    /// gzip, member after member; also a zlib stream, which some writers leave where gzip is meant.
    private func inflate(_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer)
        throws(MartletError)
    {
        let state = try unsafe CodecScratch.current.deflateDecompression()
        let isZlib = unsafe source.count >= 2 && source[0] & 0x0F == 8 && source[0] != 0x1F
        var consumed = 0
        var produced = 0
        repeat {
            var used = 0
            var made = 0
            // Safety: both offsets stay within the ranges, because libdeflate is told what is left of each.
            let input = unsafe (source.baseAddress ?? UnsafeRawPointer(nowhere)) + consumed
            let output = unsafe (destination.baseAddress ?? nowhere) + produced
            let left = source.count - consumed
            let room = destination.count - produced
            let status =
                isZlib
                ? unsafe libdeflate_zlib_decompress_ex(state, input, left, output, room, &used, &made)
                : unsafe libdeflate_gzip_decompress_ex(state, input, left, output, room, &used, &made)
            switch status {
            case LIBDEFLATE_SUCCESS: break
            case LIBDEFLATE_INSUFFICIENT_SPACE:
                throw corrupt("it holds more than the expected \(destination.count) bytes")
            default: throw corrupt("incorrect data at or after byte \(consumed)")
            }
            consumed += used
            produced += made
        } while consumed < source.count
        guard produced == destination.count else { throw wrongSize(destination.count, produced) }
    }

    func corrupt(_ detail: String) -> MartletError {
        .corrupt("Corrupt \(name) compressed data." + (detail.isEmpty ? "" : " \(detail)"))
    }

    func wrongSize(_ expected: Int, _ found: Int) -> MartletError {
        corrupt("It holds \(found) bytes, expected \(expected)")
    }
}

/// An address for ranges of no bytes.
nonisolated(unsafe) let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
