import MartletBase

/// Passes over values of Thrift's compact protocol without looking at them: the fast road through footers of many columns.
///
/// Anything odd is -1; `ThriftReader` then goes the slow road and says what is wrong.
@safe
struct ThriftSkipper {
    private let bytes: UnsafePointer<UInt8>
    private let end: Int

    /// Safety: `count` bytes lie at `bytes` as long as the skipper is used.
    init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        unsafe self.bytes = bytes
        end = count
    }

    /// Where the struct that starts at `start` ends.
    func structEnd(_ start: Int, depth: Int = 0) -> Int {
        guard depth < ThriftReader.maximumDepth else { return -1 }
        var position = start
        // Safety: each byte is looked at only below `end`, and positions never shrink but to -1.
        while position >= 0, position < end {
            let head = unsafe bytes[position]
            position &+= 1
            if head == 0 { return position }
            if head < 0x10 { position = varintEnd(position) }
            position = valueEnd(head & 0x0F, position, isField: true, depth: depth)
        }
        return -1
    }

    @inline(__always)
    private func varintEnd(_ start: Int) -> Int {
        var position = start
        guard position >= 0 else { return -1 }
        if position <= end &- 8 {
            // Safety: eight bytes lie there. The first without its top bit is the last of the number; lengths vary from
            // number to number, a branch for each byte would be foretold wrongly.
            let word = unsafe UInt64(
                littleEndian: UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let last = ~word & 0x8080_8080_8080_8080
            if last != 0 { return position &+ last.trailingZeroBitCount / 8 &+ 1 }
        }
        let limit = min(end, position &+ 10)
        while position < limit {
            if unsafe bytes[position] < 0x80 { return position &+ 1 }
            position &+= 1
        }
        return -1
    }

    @inline(__always)
    private func skip(_ count: Int, _ position: Int) -> Int {
        position >= 0 && count <= end &- position ? position &+ count : -1
    }

    @inline(__always)
    private func valueEnd(_ type: UInt8, _ position: Int, isField: Bool, depth: Int) -> Int {
        switch type {
        case ThriftType.boolTrue.rawValue, ThriftType.boolFalse.rawValue:
            // A field's truth is in its head.
            return isField ? position : skip(1, position)
        case ThriftType.int16.rawValue, ThriftType.int32.rawValue, ThriftType.int64.rawValue: return varintEnd(position)
        case ThriftType.binary.rawValue: return binaryEnd(position)
        case ThriftType.struct.rawValue: return structEnd(position, depth: depth &+ 1)
        case ThriftType.list.rawValue, ThriftType.set.rawValue: return listEnd(position, depth: depth &+ 1)
        case ThriftType.int8.rawValue: return skip(1, position)
        case ThriftType.double.rawValue: return skip(8, position)
        case ThriftType.uuid.rawValue: return skip(16, position)
        // Footers have no maps.
        case _: return -1
        }
    }

    @inline(__always)
    private func binaryEnd(_ position: Int) -> Int {
        guard position >= 0, position < end else { return -1 }
        let first = unsafe bytes[position]
        if first < 0x80 { return skip(Int(first), position &+ 1) }
        guard let (count, next) = number(position) else { return -1 }
        return skip(count, next)
    }

    /// A varint that counts bytes that are there.
    private func number(_ position: Int) -> (Int, Int)? {
        let next = varintEnd(position)
        guard next > 0, next &- position <= 5 else { return nil }
        var value = 0
        for i in (position..<next).reversed() { unsafe value = value &<< 7 | Int(bytes[i] & 0x7F) }
        return value <= end &- next ? (value, next) : nil
    }

    private func listEnd(_ position: Int, depth: Int) -> Int {
        guard depth < ThriftReader.maximumDepth, position >= 0, position < end else { return -1 }
        let head = unsafe bytes[position]
        var next = position &+ 1
        var count = Int(head >> 4)
        if count == 15 {
            guard let (long, after) = number(next) else { return -1 }
            (count, next) = (long, after)
        }
        switch head & 0x0F {
        case ThriftType.int16.rawValue, ThriftType.int32.rawValue, ThriftType.int64.rawValue:
            for _ in 0..<count {
                next = varintEnd(next)
                if next < 0 { return -1 }
            }
            return next
        case _: break
        }
        for _ in 0..<count {
            if next < 0 { return -1 }
            next = valueEnd(head & 0x0F, next, isField: false, depth: depth)
        }
        return next
    }
}
