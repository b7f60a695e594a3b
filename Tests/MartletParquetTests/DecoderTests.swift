import MartletBase
import MartletTestSupport
import Testing

@testable import MartletParquet

@Suite struct DecoderTests {
    /// Numbers of every width, packed bit by bit, from every position in a byte.
    @Test(arguments: 0...64)
    func bitsOfEveryWidth(_ width: Int) throws {
        var random = SeededRandom(UInt64(width))
        for start in 0..<8 {
            for count in [1, 7, 8, 9, 33, 100] {
                let mask: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
                let values = (0..<count).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) & mask }
                var bytes = [UInt8](repeating: 0, count: (start + count * width + 7) / 8)
                for (i, value) in values.enumerated() {
                    for bit in 0..<width where value >> UInt64(bit) & 1 == 1 {
                        let place = start + i * width + bit
                        bytes[place / 8] |= 1 << UInt8(place % 8)
                    }
                }
                let buffer = try Buffer(bytes)
                var unpacked = [UInt64](repeating: 1, count: count)
                unsafe unpacked.withUnsafeMutableBufferPointer { target in
                    unsafe unpackBits(
                        buffer.pointer(to: UInt8.self), byteCount: buffer.count, bit: start, width: width,
                        count: count, into: target.baseAddress!)
                }
                #expect(unpacked == values)
            }
        }
    }

    /// The two examples of Encodings.md, "Delta Encoding".
    @Test(arguments: [
        ([8, 1, 5, 2, 2, 0] as [UInt8], [1, 2, 3, 4, 5] as [UInt64]),
        ([8, 1, 8, 14, 3, 2, 0b1100_0000, 0b0011_1111], [7, 5, 3, 1, 2, 3, 4, 5]),
    ])
    func deltas(_ bytes: [UInt8], _ values: [UInt64]) throws {
        let buffer = try Buffer(bytes)
        var decoder = try unsafe DeltaDecoder(buffer.pointer(to: UInt8.self), byteCount: buffer.count)
        var decoded = [UInt64](repeating: 0, count: values.count)
        try unsafe decoded.withUnsafeMutableBufferPointer { target throws in
            try unsafe decoder.decode(3, into: target.baseAddress!)
            try unsafe decoder.decode(values.count - 3, into: target.baseAddress! + 3)
        }
        #expect(decoded == values)
        #expect(decoder.endPosition == bytes.count)
        var skipping = try unsafe DeltaDecoder(buffer.pointer(to: UInt8.self), byteCount: buffer.count)
        try skipping.skip(4)
        #expect(skipping.left == values.count - 4)
        #expect(throws: MartletError.self) { try skipping.skip(values.count) }
    }

    /// The example of AlpEncoding.md, "Worked Example: Exceptions and Non-Zero Factor".
    @Test func alpWorkedExample() throws {
        var bytes: [UInt8] = [0, 0, 10, 4, 0, 0, 0, 4, 0, 0, 0]
        bytes += [4, 3, 1, 0, 0x07, 0x0D, 0, 0, 0, 0, 0, 0, 15]
        var packed: UInt64 = 0
        for (i, delta) in [11_665, 11_665, 21_665, 0].enumerated() { packed |= UInt64(delta) << UInt64(i * 15) }
        withUnsafeBytes(of: packed.littleEndian) { unsafe bytes += $0 }
        bytes += [1, 0]
        withUnsafeBytes(of: Double.nan.bitPattern.littleEndian) { unsafe bytes += $0 }
        let decoder = try AlpDecoder<Double>(try Buffer(bytes), limit: 4)
        var values = [Double](repeating: 0, count: 4)
        try unsafe values.withUnsafeMutableBytes { try unsafe decoder.decode(4, into: $0.baseAddress!) }
        #expect(values[0] == 1500 && values[1].isNaN && values[2] == 2500 && values[3] == 333.5)
        #expect(throws: MartletError.self) { try decoder.skip(1) }
    }

    /// What the encoder makes of prices and of what is no price, in one piece and in pieces with gaps.
    @Test(arguments: [1, 7, 1_023, 1_024, 1_025, 5_000])
    func alpRoundTrip(_ count: Int) throws {
        try alpRoundTrip(count, Double.self)
        try alpRoundTrip(count, Float.self)
    }

    private func alpRoundTrip<Real: AlpReal>(_ count: Int, _ type: Real.Type) throws {
        var random = SeededRandom(UInt64(count))
        let values = (0..<count).map { _ -> Real in
            switch Int.random(in: 0..<20, using: &random) {
            case 0: [.nan, .infinity, -0.0, .leastNonzeroMagnitude, .pi].randomElement(using: &random) ?? 0
            case _: Real(Int.random(in: -99_999...99_999, using: &random)) * Real.inversePowers[2]
            }
        }
        var builder = try BufferBuilder()
        try unsafe values.withUnsafeBufferPointer {
            try unsafe AlpEncoder<Real>.append($0.baseAddress!, count: count, to: &builder)
        }
        let page = builder.finish()
        let whole = try AlpDecoder<Real>(page, limit: count)
        var decoded = [Real](repeating: 0, count: count)
        try unsafe decoded.withUnsafeMutableBytes { try unsafe whole.decode(count, into: $0.baseAddress!) }
        #expect(decoded.map(\.bitPattern) == values.map(\.bitPattern))
        let parts = try AlpDecoder<Real>(page, limit: count)
        var place = 0
        while place < count {
            let length = min(count - place, Int.random(in: 1...1_500, using: &random))
            if Bool.random(using: &random) {
                try parts.skip(length)
            } else {
                var some = [Real](repeating: 0, count: length)
                try unsafe some.withUnsafeMutableBytes { try unsafe parts.decode(length, into: $0.baseAddress!) }
                #expect(some.map(\.bitPattern) == values[place..<place + length].map(\.bitPattern))
            }
            place += length
        }
    }

    @Test func runsAndPackedGroups() throws {
        // Five times 3, then eight packed numbers of 3 bits: 0 ... 7.
        let buffer = try Buffer([10, 3, 3, 0b1000_1000, 0b1100_0110, 0b1111_1010] as [UInt8])
        var runs = try unsafe HybridDecoder(buffer.pointer(to: UInt8.self), byteCount: buffer.count, width: 3)
        var values = [UInt32](repeating: 9, count: 13)
        try unsafe values.withUnsafeMutableBufferPointer { target throws in
            try unsafe runs.decode(13, into: target.baseAddress!)
        }
        #expect(values == [3, 3, 3, 3, 3, 0, 1, 2, 3, 4, 5, 6, 7])
        #expect(throws: MartletError.self) { try runs.skip(1) }
    }

    /// A first length that takes what is meant for the others.
    @Test func forgedLengths() throws {
        var bytes: [UInt8] = [60, 0, 0, 0]
        bytes += [UInt8](repeating: 7, count: 60)
        let decoder = PlainBytesDecoder(try Buffer(bytes))
        var values = try BytesValues(capacity: 16)
        #expect(throws: MartletError.self) { try decoder.decode(16, into: &values) }
    }

    @Test func spacing() throws {
        var random = SeededRandom(5)
        for count in [1, 63, 64, 65, 300] {
            for chance in [0.0, 0.1, 0.9, 1.0] {
                let valid = (0..<count).map { _ in random.chance(chance) }
                var validity = SlotValidity(capacity: count)
                for bit in valid {
                    if bit { validity.appendValid(1) } else { try validity.appendNull(1) }
                }
                let dense = valid.filter { $0 }.count
                var values = (0..<count).map { Int32($0 + 1) }
                if let bits = unsafe validity.pointer {
                    unsafe values.withUnsafeMutableBytes { room in
                        unsafe spaceValues(
                            room.baseAddress!, width: 4, count: count, valid: dense, bits: bits, at: 0)
                    }
                }
                var next: Int32 = 0
                let expected: [Int32] = valid.map { bit in
                    if bit { next += 1 }
                    return bit ? next : 0
                }
                #expect(values == expected)
            }
        }
    }
}
