import Glibc
import MartletArrow
import MartletBase

extension Caster {
    /// Between strings and binaries of any offsets and width. Bytes stay what they are; offsets are made anew only
    /// where their width differs.
    func bytes() throws(MartletError) -> ArrayData {
        if case .fixedSizeBinary(let width) = source.type { return try fromFixed(width) }
        if case .fixedSizeBinary(let width) = target { return try toFixed(width) }
        if Self.family(source.type) == .binary, Self.family(target) == .text, !options.allowInvalidUTF8 {
            try checkText()
        }
        switch (isWide(source.type), isWide(target)) {
        case (false, false), (true, true): return source.reinterpreted(as: target)
        case (false, true): return try withOffsets(Int32.self, Int64.self)
        case (true, false): return try withOffsets(Int64.self, Int32.self)
        }
    }

    private func isWide(_ type: DataType) -> Bool { type.layout.buffers.first == .offsets64 }

    private func withOffsets<From: OffsetValue, To: OffsetValue>(
        _ from: From.Type, _ to: To.Type
    ) throws(MartletError) -> ArrayData {
        let range = source.offsetRange
        guard To(exactly: range.count) != nil else {
            throw .invalid(
                "Failed casting from \(source.type) to \(target): input array too large; "
                    + "\(range.count) bytes do not fit 32-bit offsets, cast slices of it")
        }
        let view = try BytesArray<From>(source)
        let start = range.lowerBound
        let offsets = try unsafe makeValues(to, count: count + 1) { target in
            for i in 0..<count { unsafe target[i] = To(truncatingIfNeeded: view.range(i).lowerBound &- start) }
            unsafe target[count] = To(truncatingIfNeeded: range.count)
        }
        let bytes = try source.buffers[1].slice(at: start, count: range.count)
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: [offsets, bytes])
    }

    private func fromFixed(_ width: Int) throws(MartletError) -> ArrayData {
        if case .fixedSizeBinary(let other) = target {
            throw .invalid("Failed casting from \(source.type) to \(target): widths must match, \(width) and \(other)")
        }
        let total = try count.multiplied(checked: width)
        func offsets<To: OffsetValue>(_ type: To.Type) throws(MartletError) -> Buffer {
            guard To(exactly: total) != nil else {
                throw .invalid("Failed casting from \(source.type) to \(target): input array too large")
            }
            return try unsafe makeValues(type, count: count + 1) { target in
                for i in 0...count { unsafe target[i] = To(truncatingIfNeeded: i &* width) }
            }
        }
        let bytes = try source.buffers[0].slice(at: source.offset * width, count: total)
        let result = ArrayData(
            type: isWide(target) ? .largeBinary : .binary, count: count, validity: try source.rebasedValidity(),
            nullCount: source.knownNullCount,
            buffers: [isWide(target) ? try offsets(Int64.self) : try offsets(Int32.self), bytes])
        return try Caster(source: result, target: target, options: options, place: place).run()
    }

    private func toFixed(_ width: Int) throws(MartletError) -> ArrayData {
        if !isWide(source.type) {
            let wide: DataType = .largeBinary
            return try Caster(
                source: try Caster(source: source, target: wide, options: options, place: place).run(), target: target,
                options: options, place: place
            ).toFixed(width)
        }
        let view = try BytesArray<Int64>(source)
        let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
        let to = unsafe builder.pointer(to: UInt8.self)
        let from = unsafe source.buffers[1].pointer(to: UInt8.self)
        for i in 0..<count {
            let range = view.range(i)
            if view.isValid(i) {
                guard range.count == width else {
                    throw .invalid(
                        "Failed casting from \(source.type) to \(target): widths must match, "
                            + "but \(place.text(i)) has \(range.count) bytes")
                }
                unsafe _ = memcpy(to + i &* width, from + range.lowerBound, width)
            } else {
                unsafe _ = memset(to + i &* width, 0, width)
            }
        }
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: [builder.finish()])
    }

    /// Refuses bytes that are not UTF-8, slot by slot only where the whole is not.
    private func checkText() throws(MartletError) {
        let range = source.offsetRange
        let all = try source.buffers[1].slice(at: range.lowerBound, count: range.count)
        if source.nullCount == 0 && isASCII(all) { return }
        func check<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) {
            let view = try BytesArray<Offset>(source)
            for i in 0..<count where view.isValid(i) {
                let bytes = view.bytes(i)
                let isText = unsafe bytes.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) != nil }
                if !isText {
                    throw .invalid(
                        "Invalid UTF8 payload (\(place.text(i))): \(hexadecimalText(bytes)); "
                            + "keep the column binary, or decode the bytes before")
                }
            }
        }
        if isWide(source.type) { try check(Int64.self) } else { try check(Int32.self) }
    }

    private func isASCII(_ buffer: Buffer) -> Bool {
        let bytes = unsafe buffer.pointer(to: UInt8.self)
        var all: UInt8 = 0
        // Safety: every index is below the buffer's count.
        for i in 0..<buffer.count { unsafe all |= bytes[i] }
        return all < 0x80
    }
}
