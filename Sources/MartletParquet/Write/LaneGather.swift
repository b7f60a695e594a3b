import Glibc
import MartletArrow
import MartletBase

/// A value as it is stored: the bits of an INT32 or FLOAT, or those of an INT64 or DOUBLE.
protocol Lane: FixedWidthInteger, UnsignedInteger, BitwiseCopyable, Sendable {
    associatedtype Signed: FixedWidthInteger & SignedInteger & BitwiseCopyable where Signed.Magnitude == Self
    associatedtype Real: BinaryFloatingPoint & BitwiseCopyable
}
extension UInt32: Lane {
    typealias Signed = Int32
    typealias Real = Float
}
extension UInt64: Lane {
    typealias Signed = Int64
    typealias Real = Double
}

/// Part of a leaf's slots: `count` slots that start `skip` slots into range `first`.
struct SlotSpan: Sendable {
    var first = 0
    var skip = 0
    var count = 0
}

/// The chunks of a leaf over a row group, with the slots that count.
@safe
struct LeafValues: Sendable {
    let form: LeafForm
    let chunks: [LeafChunk]
    let ranges: [SlotRange]

    /// The pieces of `span`: `body(chunk, start, count)`.
    @inline(__always)
    func forEachPiece(
        _ span: SlotSpan, _ body: (LeafChunk, Int, Int) throws(MartletError) -> Void
    ) throws(MartletError) {
        var left = span.count
        var index = span.first
        var skip = span.skip
        while left > 0 {
            let range = ranges[index]
            let count = min(left, range.count &- skip)
            try body(chunks[range.chunk], range.start &+ skip, count)
            left &-= count
            index &+= 1
            skip = 0
        }
    }

    /// The runs of valid slots in `span`, in order.
    @inline(__always)
    func forEachRun(_ span: SlotSpan, _ body: (LeafChunk, Int, Int) -> Void) throws(MartletError) {
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            if let validity = chunk.validity {
                validity.forEachValidRun(from: start, count: count) { body(chunk, $0, $1) }
            } else {
                body(chunk, start, count)
            }
        }
    }

    /// The valid slots of `span`, as many as there are.
    func validCount(_ span: SlotSpan) throws(MartletError) -> Int {
        if form == .nothing { return 0 }
        var total = 0
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            total &+= chunk.validity?.validCount(from: start, count: count) ?? count
        }
        return total
    }

    /// The piece of `span` when it is one and has no nulls: its values can be used where they lie.
    private func singlePiece(_ span: SlotSpan) -> (chunk: LeafChunk, start: Int)? {
        guard span.count > 0, ranges[span.first].count &- span.skip >= span.count else { return nil }
        let range = ranges[span.first]
        let chunk = chunks[range.chunk]
        let start = range.start &+ span.skip
        if let validity = chunk.validity, validity.validCount(from: start, count: span.count) < span.count { return nil }
        return (chunk, start)
    }

    // MARK: Lanes

    /// The valid values of `span` as lanes, one after the other: where they lie, or in `scratch`.
    ///
    /// Safety: the result is good until `scratch` changes or the chunks go.
    func lanes<L: Lane>(
        _ span: SlotSpan, as type: L.Type, scratch: inout BufferBuilder
    ) throws(MartletError) -> UnsafeBufferPointer<L> {
        switch form {
        case .lanes32(let kind), .lanes64(let kind):
            switch kind {
            case .int8: return try unsafe widened(span, from: Int8.self, scratch: &scratch)
            case .int16: return try unsafe widened(span, from: Int16.self, scratch: &scratch)
            case .uint8: return try unsafe widened(span, from: UInt8.self, scratch: &scratch)
            case .uint16: return try unsafe widened(span, from: UInt16.self, scratch: &scratch)
            case .int32, .float32: return try unsafe widened(span, from: Int32.self, scratch: &scratch)
            case .uint32: return try unsafe widened(span, from: UInt32.self, scratch: &scratch)
            case .int64, .uint64, .float64: return try unsafe widened(span, from: UInt64.self, scratch: &scratch)
            case .int128, .float16: break
            }
        case .nothing, .bits, .fixedBytes, .bytes32, .bytes64: break
        }
        throw .type("values of the form \(form) are not lanes")
    }

    private func widened<L: Lane, Source: FixedWidthInteger & BitwiseCopyable>(
        _ span: SlotSpan, from type: Source.Type, scratch: inout BufferBuilder
    ) throws(MartletError) -> UnsafeBufferPointer<L> {
        let isSame = MemoryLayout<Source>.size == MemoryLayout<L>.size
        if isSame, let (chunk, start) = singlePiece(span) {
            // Safety: `LeafChunk` checked alignment and length.
            let base = unsafe UnsafeRawPointer(chunk.values).assumingMemoryBound(to: L.self) + start
            return unsafe UnsafeBufferPointer(start: base, count: span.count)
        }
        scratch.truncate(to: 0)
        // One more: compaction writes each value before it knows whether to keep it.
        let target = try unsafe scratch.extend(by: (span.count + 1).multiplied(checked: MemoryLayout<L>.size))
            .assumingMemoryBound(to: L.self)
        var filled = 0
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            let source = unsafe UnsafeRawPointer(chunk.values).assumingMemoryBound(to: Source.self) + start
            let out = unsafe target + filled
            guard let validity = chunk.validity else {
                if isSame {
                    unsafe memcpy(out, source, count &* MemoryLayout<L>.size)
                } else {
                    for i in 0..<count { unsafe out[i] = L(truncatingIfNeeded: source[i]) }
                }
                filled &+= count
                return
            }
            var kept = 0
            var i = 0
            while i < count {
                let length = min(64, count &- i)
                var bits = validity.word(at: start &+ i, length: length)
                for j in 0..<length {
                    unsafe out[kept] = L(truncatingIfNeeded: source[i &+ j])
                    kept &+= Int(truncatingIfNeeded: bits & 1)
                    bits &>>= 1
                }
                i &+= length
            }
            filled &+= kept
        }
        return unsafe UnsafeBufferPointer(start: target, count: filled)
    }

    // MARK: Fixed bytes and bits

    /// The valid values of `span`, `width` bytes each, one after the other.
    func fixedBytes(
        _ span: SlotSpan, width: Int, scratch: inout BufferBuilder
    ) throws(MartletError) -> UnsafeBufferPointer<UInt8> {
        if let (chunk, start) = singlePiece(span) {
            return unsafe UnsafeBufferPointer(start: chunk.values + start &* width, count: span.count &* width)
        }
        scratch.truncate(to: 0)
        let target = try unsafe scratch.extend(by: span.count.multiplied(checked: width)).assumingMemoryBound(
            to: UInt8.self)
        var filled = 0
        try forEachRun(span) { chunk, start, count in
            unsafe memcpy(target + filled, chunk.values + start &* width, count &* width)
            filled &+= count &* width
        }
        return unsafe UnsafeBufferPointer(start: target, count: filled)
    }

    /// The valid values of `span` as a bitmap in `scratch`, and how many there are.
    func bits(_ span: SlotSpan, scratch: inout BufferBuilder) throws(MartletError) -> (UnsafePointer<UInt8>, Int) {
        scratch.truncate(to: 0)
        let target = try unsafe scratch.extend(by: span.count / 8 + 16).assumingMemoryBound(to: UInt8.self)
        var sink = unsafe BitSink(target)
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            var i = 0
            while i < count {
                let length = min(64, count &- i)
                let word = unsafe loadBits(chunk.values, at: chunk.bitOffset &+ start &+ i, length: length)
                if let validity = chunk.validity {
                    var bits = validity.word(at: start &+ i, length: length)
                    while bits != 0 {
                        let bit = UInt64(bits.trailingZeroBitCount)
                        sink.append((word &>> bit) & 1, length: 1)
                        bits &= bits &- 1
                    }
                } else {
                    sink.append(word, length: length)
                }
                i &+= length
            }
        }
        sink.flush()
        return unsafe (UnsafePointer(target), sink.count)
    }

    /// The validity of the slots of `span` as a bitmap: where it lies, or in `scratch`. Nil when all are valid.
    func validity(_ span: SlotSpan, scratch: inout BufferBuilder) throws(MartletError) -> UnsafePointer<UInt8>? {
        var hasNulls = false
        try forEachPiece(span) { chunk, _, _ throws(MartletError) in hasNulls = hasNulls || chunk.validity != nil }
        if !hasNulls { return nil }
        let range = ranges[span.first]
        if range.count &- span.skip >= span.count, let validity = chunks[range.chunk].validity {
            let bit = validity.offset &+ range.start &+ span.skip
            if bit & 7 == 0 { return unsafe validity.bits + bit / 8 }
        }
        scratch.truncate(to: 0)
        let target = try unsafe scratch.extend(by: span.count / 8 + 16).assumingMemoryBound(to: UInt8.self)
        var sink = unsafe BitSink(target)
        try forEachPiece(span) { chunk, start, count throws(MartletError) in
            var i = 0
            while i < count {
                let length = min(64, count &- i)
                let full: UInt64 = length == 64 ? .max : (1 &<< UInt64(length)) &- 1
                sink.append(chunk.validity?.word(at: start &+ i, length: length) ?? full, length: length)
                i &+= length
            }
        }
        sink.flush()
        return unsafe UnsafePointer(target)
    }
}

/// Bits written one after the other into memory that has room for them and 8 bytes more.
@safe
private struct BitSink {
    private let target: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var word: UInt64 = 0

    init(_ target: UnsafeMutablePointer<UInt8>) { unsafe self.target = unsafe target }

    /// The low `length` (1 ... 64) bits, the others being 0.
    @inline(__always)
    mutating func append(_ bits: UInt64, length: Int) {
        let filled = UInt64(count & 63)
        word |= bits &<< filled
        count &+= length
        if filled &+ UInt64(length) >= 64 {
            unsafe UnsafeMutableRawPointer(target + ((count &- length) & ~63) / 8).storeBytes(of: word, as: UInt64.self)
            word = filled == 0 ? 0 : bits &>> (64 &- filled)
        }
    }

    func flush() {
        unsafe UnsafeMutableRawPointer(target + (count & ~63) / 8).storeBytes(of: word, as: UInt64.self)
    }
}
