import MartletArrow
import MartletBase
import MartletCodecs

/// A body as it goes out: where each buffer lies in it, and the pieces that make it up.
struct EncodedBody {
    /// Offset and length of each buffer.
    private(set) var ranges: [Int64] = []
    /// The first is kept free for the message's metadata.
    private var pieces: [Buffer] = [.empty]
    private(set) var byteCount = 0

    /// Bodies below this size are compressed by the caller alone: waking others costs more.
    private static let smallestParallelByteCount = 1 << 16

    /// The message to write: its metadata, and the body behind them.
    mutating func message(_ metadata: Buffer) -> [Buffer] {
        pieces[0] = metadata
        return pieces
    }

    mutating func clear() {
        ranges.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
        pieces.append(.empty)
        byteCount = 0
    }

    /// Takes in the buffers of a body; empty before.
    mutating func fill(
        _ buffers: [Buffer], options: IPCWriteOptions, alignment: Int, zeros: Buffer
    ) throws(MartletError) {
        ranges.reserveCapacity(2 * buffers.count)
        guard let compression = options.compression else {
            pieces.reserveCapacity(2 * buffers.count + 1)
            for buffer in buffers {
                if !buffer.isEmpty { pieces.append(buffer) }
                try close(buffer.count, alignment, zeros)
            }
            return
        }
        let isSmall = buffers.reduce(0) { $0 + $1.count } < Self.smallestParallelByteCount
        let compressed = try WorkerPool.map(buffers.count, threads: isSmall || !options.usesThreads ? 1 : nil) {
            index throws(MartletError) in
            try Self.compress(buffers[index], compression.codec, options.compressionLevel)
        }
        for parts in compressed {
            pieces.append(contentsOf: parts)
            try close(parts.reduce(0) { $0 + $1.count }, alignment, zeros)
        }
    }

    /// Ends a buffer of `length` bytes, whose pieces are there.
    private mutating func close(_ length: Int, _ alignment: Int, _ zeros: Buffer) throws(MartletError) {
        ranges.append(Int64(byteCount))
        ranges.append(Int64(length))
        let padding = length.roundedUp(to: alignment) - length
        if padding > 0 { pieces.append(try zeros.slice(at: 0, count: padding)) }
        byteCount = try byteCount.adding(checked: length + padding)
    }

    /// The uncompressed length and the compressed bytes; -1 and the bytes as they are where that is no longer.
    private static func compress(_ buffer: Buffer, _ codec: Codec, _ level: Int?) throws(MartletError) -> [Buffer] {
        if buffer.isEmpty { return [] }
        var builder = try BufferBuilder(byteCapacity: codec.maximumCompressedByteCount(buffer.count).adding(checked: 8))
        try builder.append(Int64(buffer.count))
        try codec.compress(buffer.bytes, level: level, into: &builder)
        if builder.byteCount < buffer.count + 8 { return [builder.finish()] }
        return [try Buffer([-1 as Int64]), buffer]
    }
}
