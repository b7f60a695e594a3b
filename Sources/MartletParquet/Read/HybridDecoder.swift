import Glibc
import MartletBase

/// Runs of equal numbers and groups of bit-packed ones (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid").
///
/// The bytes stay with whoever made the decoder for as long as it is used.
@safe
struct HybridDecoder {
    private let source: UnsafePointer<UInt8>
    private let byteCount: Int
    let width: Int
    private var position = 0
    /// What is left of the current run.
    private var runLength = 0
    private var runIsPacked = false
    private var runValue: UInt32 = 0
    /// Bit position of the next number of a packed run.
    private var packedBit = 0

    /// Throws when `width` is not in 0 ... 32.
    init(_ source: UnsafePointer<UInt8>, byteCount: Int, width: Int) throws(MartletError) {
        guard width >= 0, width <= 32 else { throw .corrupt("Invalid or corrupted bit width \(width), at most 32") }
        unsafe self.source = source
        self.byteCount = byteCount
        self.width = width
    }

    /// A part of a run.
    enum Run {
        case repeated(UInt32, count: Int)
        /// Numbers from bit position `bit` on.
        case packed(bit: Int, count: Int)
    }

    /// The next numbers that lie together, at most `limit` (not 0).
    @inline(__always)
    mutating func next(limit: Int) throws(MartletError) -> Run {
        if runLength == 0 { try startRun() }
        let count = min(runLength, limit)
        runLength &-= count
        guard runIsPacked else { return .repeated(runValue, count: count) }
        let bit = packedBit
        packedBit &+= count &* width
        return .packed(bit: bit, count: count)
    }

    @inline(never)
    private mutating func startRun() throws(MartletError) {
        if width == 0 {
            // All numbers are 0, and nothing needs to be said about them.
            runLength = Int.max
            runIsPacked = false
            runValue = 0
            return
        }
        while runLength == 0 {
            var header: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                guard position < byteCount, shift < 35 else { throw ended() }
                let byte = unsafe source[position]
                position += 1
                header |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { break }
                shift += 7
            }
            if header & 1 == 1 {
                let wanted = Int(header >> 1) * width
                let there = min(wanted, byteCount - position)
                // A last group may be cut off behind the numbers that are needed.
                runLength = there == wanted ? Int(header >> 1) * 8 : there * 8 / width
                guard runLength > 0 || wanted == 0 else { throw ended() }
                runIsPacked = true
                packedBit = position * 8
                position += there
            } else {
                let valueBytes = (width + 7) / 8
                guard valueBytes <= byteCount - position else { throw ended() }
                runLength = Int(header >> 1)
                runIsPacked = false
                runValue = 0
                for i in 0..<valueBytes {
                    unsafe runValue |= UInt32(source[position + i]) << UInt32(i * 8)
                }
                position += valueBytes
            }
        }
    }

    private func ended() -> MartletError {
        .corrupt("Unexpected end of run-length encoded data after \(position) of \(byteCount) bytes")
    }

    /// Numbers of a packed run.
    @inline(__always)
    func unpack<Value: FixedWidthInteger & UnsignedInteger>(
        bit: Int, count: Int, into target: UnsafeMutablePointer<Value>
    ) {
        // Safety: `next` gave the window, which `startRun` checked to lie within the bytes.
        unsafe unpackBits(source, byteCount: byteCount, bit: bit, width: width, count: count, into: target)
    }

    /// The bytes, for packed runs of single bits.
    var bytes: UnsafePointer<UInt8> { unsafe source }

    /// The next `count` numbers; `target` has room for them.
    mutating func decode<Value: FixedWidthInteger & UnsignedInteger>(
        _ count: Int, into target: UnsafeMutablePointer<Value>
    ) throws(MartletError) {
        var done = 0
        while done < count {
            switch try next(limit: count - done) {
            case .repeated(let value, let length):
                unsafe (target + done).update(repeating: Value(truncatingIfNeeded: value), count: length)
                done += length
            case .packed(let bit, let length):
                unsafe unpack(bit: bit, count: length, into: target + done)
                done += length
            }
        }
    }

    mutating func skip(_ count: Int) throws(MartletError) {
        var left = count
        while left > 0 {
            switch try next(limit: left) {
            case .repeated(_, let length), .packed(_, let length): left -= length
            }
        }
    }
}
