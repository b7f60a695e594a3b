import CLz4
import Glibc
import MartletBase

/// Reading LZ4: one block, Hadoop's framing, and the frame format.
///
/// The frame is walked here and not by the library's streaming decoder, which would unpack each last block
/// into memory of its own and copy it.
enum Lz4 {
    static let frameMagic: UInt32 = 0x184D_2204

    /// One block that fills `destination`.
    static func decompressBlock(_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer)
        throws(MartletError)
    {
        let written = unsafe decompress(source, into: destination, window: nil)
        guard written >= 0 else { throw Codec.lz4Raw.corrupt("") }
        guard written == destination.count else { throw Codec.lz4Raw.wrongSize(destination.count, written) }
    }

    /// Blocks, each behind its unpacked and its packed length (32 bits, big-endian). False when the bytes are not
    /// of this shape.
    static func decompressHadoop(_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer)
        throws(MartletError) -> Bool
    {
        var consumed = 0
        var produced = 0
        while source.count - consumed >= 8 {
            let unpacked = unsafe bigEndian(source, at: consumed)
            let packed = unsafe bigEndian(source, at: consumed + 4)
            consumed += 8
            guard packed <= source.count - consumed, unpacked <= destination.count - produced else { return false }
            let block = unsafe UnsafeRawBufferPointer(rebasing: source[consumed..<consumed + packed])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[produced..<produced + unpacked])
            guard unsafe decompress(block, into: room, window: nil) == unpacked else { return false }
            consumed += packed
            produced += unpacked
        }
        return consumed == source.count && produced == destination.count
    }

    static func isFrame(_ source: UnsafeRawBufferPointer) -> Bool {
        unsafe source.count >= 7 && littleEndian(source, at: 0) == frameMagic
    }

    /// One or more frames (LZ4 Frame Format 1.6), checksums verified; skippable frames are passed over.
    static func decompressFrame(_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer)
        throws(MartletError)
    {
        var cursor = ByteCursor(unsafe RawSpan(_unsafeBytes: source))
        var produced = 0
        repeat {
            let magic = try cursor.read(UInt32.self)
            if magic & 0xFFFF_FFF0 == 0x184D_2A50 {
                try cursor.skip(Int(cursor.read(UInt32.self)))
                continue
            }
            guard magic == frameMagic else { throw corrupt("ERROR_frameType_unknown") }
            let header = try readHeader(&cursor)
            let start = produced
            try unsafe decompressBlocks(&cursor, source, header, destination, from: start, &produced)
            if let promised = header.contentSize, promised != UInt64(produced - start) {
                throw corrupt("a frame promises \(promised) bytes and holds \(produced - start)")
            }
            if header.hasContentChecksum {
                let content = unsafe UnsafeRawBufferPointer(rebasing: destination[start..<produced])
                let sum = Checksums.xxh32(unsafe RawSpan(_unsafeBytes: content))
                if try cursor.read(UInt32.self) != sum { throw corrupt("ERROR_contentChecksum_invalid") }
            }
        } while !cursor.isAtEnd
        guard produced == destination.count else { throw Codec.lz4Frame.wrongSize(destination.count, produced) }
    }

    private struct Header {
        var blocksAreIndependent: Bool
        var hasBlockChecksums: Bool
        var hasContentChecksum: Bool
        var contentSize: UInt64?
        var maximumBlockSize: Int
    }

    /// The frame descriptor, up to its checksum.
    private static func readHeader(_ cursor: inout ByteCursor) throws(MartletError) -> Header {
        let start = cursor.position
        let flags = try cursor.readByte()
        let blockByte = try cursor.readByte()
        guard flags >> 6 == 1 else { throw corrupt("ERROR_headerVersion_wrong") }
        guard flags & 0b10 == 0, blockByte & 0b1000_1111 == 0 else { throw corrupt("ERROR_reservedFlag_set") }
        guard blockByte >> 4 >= 4 else { throw corrupt("ERROR_maxBlockSize_invalid") }
        let contentSize: UInt64? = flags & 0b1000 != 0 ? try cursor.read(UInt64.self) : nil
        if flags & 1 != 0 {
            throw .notImplemented("LZ4 frame with a dictionary (id \(try cursor.read(UInt32.self)))")
        }
        let sum = Checksums.xxh32(cursor.bytes.extracting(start..<cursor.position))
        if try cursor.readByte() != UInt8(truncatingIfNeeded: sum >> 8) {
            throw corrupt("ERROR_headerChecksum_invalid")
        }
        return Header(
            blocksAreIndependent: flags & 0b10_0000 != 0, hasBlockChecksums: flags & 0b1_0000 != 0,
            hasContentChecksum: flags & 0b100 != 0, contentSize: contentSize,
            maximumBlockSize: 1 << (8 + 2 * Int(blockByte >> 4)))
    }

    private static func decompressBlocks(
        _ cursor: inout ByteCursor, _ source: UnsafeRawBufferPointer, _ header: Header,
        _ destination: UnsafeMutableRawBufferPointer, from start: Int, _ produced: inout Int
    ) throws(MartletError) {
        while true {
            let word = try cursor.read(UInt32.self)
            if word == 0 { return }
            let size = Int(word & 0x7FFF_FFFF)
            let isStored = word >> 31 != 0
            guard size <= header.maximumBlockSize else { throw corrupt("ERROR_maxBlockSize_invalid") }
            let position = cursor.position
            try cursor.skip(size)
            // Safety: `skip` checked that the block lies within `source`.
            let block = unsafe UnsafeRawBufferPointer(rebasing: source[position..<position + size])
            if header.hasBlockChecksums {
                let sum = Checksums.xxh32(unsafe RawSpan(_unsafeBytes: block))
                if try cursor.read(UInt32.self) != sum { throw corrupt("ERROR_blockChecksum_invalid") }
            }
            let space = min(destination.count - produced, header.maximumBlockSize)
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[produced..<produced + space])
            if isStored {
                guard size <= space else {
                    throw corrupt("it holds more than the expected \(destination.count) bytes")
                }
                if size > 0 { unsafe memcpy(room.baseAddress!, block.baseAddress!, size) }
                produced += size
            } else {
                let reach = header.blocksAreIndependent ? 0 : min(produced - start, 65_536)
                let window = unsafe UnsafeRawBufferPointer(rebasing: destination[produced - reach..<produced])
                let written = unsafe decompress(block, into: room, window: reach > 0 ? window : nil)
                guard written >= 0 else {
                    throw corrupt("it is damaged or holds more than the expected \(destination.count) bytes")
                }
                produced += written
            }
        }
    }

    /// How many bytes a block gave, negative when it is damaged or needs more room. `window` is what stands
    /// right before `room`.
    private static func decompress(
        _ block: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer, window: UnsafeRawBufferPointer?
    ) -> Int {
        let count = Int32(clamping: block.count)
        guard Int(count) == block.count, count > 0 else { return -1 }
        let space = Int32(clamping: room.count)
        let input = unsafe block.baseAddress!.assumingMemoryBound(to: CChar.self)
        let output = unsafe (room.baseAddress ?? nowhere).assumingMemoryBound(to: CChar.self)
        // Safety: the library reads `count` bytes and writes at most `space`.
        if let window = unsafe window, let before = window.baseAddress {
            return unsafe Int(
                LZ4_decompress_safe_usingDict(
                    input, output, count, space, before.assumingMemoryBound(to: CChar.self), Int32(window.count)))
        }
        return unsafe Int(LZ4_decompress_safe(input, output, count, space))
    }

    private static func littleEndian(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    private static func bigEndian(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        unsafe Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    private static func corrupt(_ detail: String) -> MartletError {
        .corrupt("LZ4 decompress failed: \(detail)")
    }
}
