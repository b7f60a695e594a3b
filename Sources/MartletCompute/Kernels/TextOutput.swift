import Glibc
import MartletArrow
import MartletBase

/// Bytes that grow; the first failure is kept for `finish`.
struct TextOutput: ~Copyable {
    private var bytes: BufferBuilder
    private var failure: MartletError?

    init(byteCapacity: Int) throws(MartletError) { bytes = try BufferBuilder(byteCapacity: byteCapacity) }

    var byteCount: Int { bytes.byteCount }

    /// The first failure wins.
    mutating func fail(_ error: MartletError) { failure = failure ?? error }

    /// Room for `count` bytes, counted as written; nil when there is no memory.
    @inline(__always)
    private mutating func extend(by count: Int) -> UnsafeMutablePointer<UInt8>? {
        do throws(MartletError) {
            return try unsafe bytes.extend(by: count).assumingMemoryBound(to: UInt8.self)
        } catch {
            fail(error)
            return nil
        }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if let place = unsafe extend(by: 1) { unsafe place[0] = byte }
    }

    mutating func append(_ part: Bytes) {
        if part.isEmpty { return }
        if let place = unsafe extend(by: part.count) { unsafe _ = memcpy(place, part.start, part.count) }
    }

    /// Bytes with the 26 letters that begin with `first` in the other case.
    mutating func append(letters part: Bytes, from first: UInt8) {
        guard let place = unsafe extend(by: part.count) else { return }
        for i in 0..<part.count {
            let byte = part[i]
            unsafe place[i] = byte ^ (byte &- first < 26 ? 0x20 : 0)
        }
    }

    mutating func append(contentsOf text: String) {
        var text = text
        text.withUTF8 { utf8 in
            if let start = utf8.baseAddress { unsafe append(Bytes(start, utf8.count)) }
        }
    }

    mutating func append(repeating part: Bytes, count: Int) {
        guard count > 0, !part.isEmpty else { return }
        let (total, overflows) = part.count.multipliedReportingOverflow(by: count)
        guard !overflows else { return fail(.capacity("\(count) times \(part.count) bytes are too many")) }
        guard let place = unsafe extend(by: total) else { return }
        if part.count == 1 {
            unsafe _ = memset(place, Int32(part[0]), total)
        } else {
            for i in 0..<count { unsafe _ = memcpy(place + i &* part.count, part.start, part.count) }
        }
    }

    /// A scalar as UTF-8.
    mutating func append(scalar value: UInt32) {
        if value < 0x80 { return append(UInt8(value)) }
        if value < 0x800 {
            append(UInt8(0xC0 | value >> 6))
        } else {
            if value < 0x10000 {
                append(UInt8(0xE0 | value >> 12))
            } else {
                append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
                append(UInt8(0x80 | value >> 12 & 63))
            }
            append(UInt8(0x80 | value >> 6 & 63))
        }
        append(UInt8(0x80 | value & 63))
    }

    /// The shortest digits; Swift's own text where it has the form wanted.
    mutating func append<Value: BinaryFloatingPoint & LosslessStringConvertible>(float value: Value) {
        let magnitude = value.magnitude
        guard magnitude >= 0.001, magnitude < 1e15 else { return append(contentsOf: text(ofFloat: value)) }
        var text = value.description
        text.withUTF8 { utf8 in
            guard let start = utf8.baseAddress else { return }
            let isWhole =
                unsafe utf8.count > 2 && utf8[utf8.count - 1] == 48 && utf8[utf8.count - 2] == UInt8(ascii: ".")
            unsafe append(Bytes(start, utf8.count - (isWhole ? 2 : 0)))
        }
    }

    mutating func append(integer value: Int64, isSigned: Bool = true) {
        var magnitude = isSigned ? value.magnitude : UInt64(bitPattern: value)
        let isNegative = isSigned && value < 0
        var (count, limit) = (isNegative ? 2 : 1, 10 as UInt64)
        while magnitude >= limit {
            count &+= 1
            if limit > UInt64.max / 10 { break }
            limit &*= 10
        }
        guard let place = unsafe extend(by: count) else { return }
        var next = count
        repeat {
            next &-= 1
            let rest = magnitude / 10
            unsafe place[next] = UInt8(truncatingIfNeeded: 48 &+ magnitude &- rest &* 10)
            magnitude = rest
        } while magnitude != 0
        if isNegative { unsafe place[0] = UInt8(ascii: "-") }
    }

    /// A number of at least `width` digits, zeros first.
    mutating func append(padded value: Int64, _ width: Int, with filler: UInt8 = 48) {
        var (limit, missing) = (10 as Int64, width - 1)
        while missing > 0, value >= limit {
            limit &*= 10
            missing -= 1
        }
        for _ in 0..<missing { append(filler) }
        append(integer: value)
    }

    consuming func finish() throws(MartletError) -> Buffer {
        if let failure { throw failure }
        return bytes.finish()
    }
}

/// Strings or binaries of `type` that `print` appends for each valid row, made piece by piece in parallel.
func makeText(
    _ type: DataType, count: Int, validity: Bitmap?, _ print: @escaping @Sendable (inout TextOutput, Int) -> Void
) throws(MartletError) -> ArrayData {
    try makeText(type, count: count, validity: validity, printer: { print })
}

/// As above, where each thread needs something of its own to print with.
func makeText(
    _ type: DataType, count: Int, validity: Bitmap?,
    printer: @escaping @Sendable () throws(MartletError) -> (inout TextOutput, Int) -> Void
) throws(MartletError) -> ArrayData {
    let isWide = type.layout.buffers.first == .offsets64
    let size = 1 << 16
    let parts = try WorkerPool.map((count + size - 1) / size) { piece throws(MartletError) in
        let rows = piece * size..<min(count, (piece + 1) * size)
        let print = try printer()
        var output = try TextOutput(byteCapacity: rows.count * 8)
        let offsets = try BufferBuilder(uninitializedCount: (rows.count + 1) * (isWide ? 8 : 4))
        let (wide, narrow) = unsafe (offsets.pointer(to: Int64.self), offsets.pointer(to: Int32.self))
        for row in rows {
            if validity?[row] ?? true { print(&output, row) }
            // Safety: one slot more than rows.
            let place = row &- rows.lowerBound &+ 1
            if isWide {
                unsafe wide[place] = Int64(output.byteCount)
            } else {
                unsafe narrow[place] = Int32(truncatingIfNeeded: output.byteCount)
            }
        }
        if isWide { unsafe wide[0] = 0 } else { unsafe narrow[0] = 0 }
        guard isWide || output.byteCount <= Int(Int32.max) else {
            throw .capacity("array cannot contain more than 2147483646 bytes; cast to large_string first")
        }
        return ArrayData(type: type, count: rows.count, buffers: [offsets.finish(), try output.finish()])
    }
    if parts.count == 1 {
        return ArrayData(type: type, count: count, validity: try validity?.rebased(), buffers: parts[0].buffers)
    }
    let buffers =
        try isWide
        ? joined(parts, Int64.self, count: count, size: size) : joined(parts, Int32.self, count: count, size: size)
    return ArrayData(type: type, count: count, validity: try validity?.rebased(), buffers: buffers)
}

/// The offsets and bytes of parts of `size` strings each, one behind the other; parts are copied side by side.
private func joined<Offset: OffsetValue>(
    _ parts: [ArrayData], _: Offset.Type, count: Int, size: Int
) throws(MartletError) -> [Buffer] {
    var places = [0]
    for part in parts { places.append(places[places.count - 1] + part.buffers[1].count) }
    let (starts, total) = (places, places[parts.count])
    guard Offset(exactly: total) != nil else {
        throw .capacity("array cannot contain more than 2147483646 bytes; cast to large_string first")
    }
    let offsets = try BufferBuilder(uninitializedCount: (count + 1) * MemoryLayout<Offset>.stride)
    let bytes = try BufferBuilder(uninitializedCount: total)
    let target = unsafe Shared((offsets.pointer(to: Offset.self), bytes.pointer(to: UInt8.self)))
    // Safety: each part writes its own offsets and bytes; the one offset more is the first of the next part's, which
    // leaves it alone.
    unsafe target.value.0[0] = 0
    try WorkerPool.forEach(parts.count) { index throws(MartletError) in
        let part = parts[index]
        // The copy must not come last: see CONTRIBUTING.md.
        unsafe memcpy(
            target.value.1 + starts[index], part.buffers[1].pointer(to: UInt8.self), starts[index + 1] - starts[index])
        let source = unsafe part.buffers[0].pointer(to: Offset.self)
        let (base, first) = (Offset(truncatingIfNeeded: starts[index]), index * size)
        for i in 1..<part.count + 1 { unsafe target.value.0[first &+ i] = source[i] &+ base }
    }
    return [offsets.finish(), bytes.finish()]
}
