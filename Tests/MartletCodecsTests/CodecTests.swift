import Glibc
import MartletBase
import MartletCodecs
import Testing

/// Numbers that are the same in every run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

enum Sample: CaseIterable {
    case empty, one, text, zeros, noise, long
    var bytes: [UInt8] {
        var dice = Dice(state: 7)
        switch self {
        case .empty: return []
        case .one: return [42]
        case .text: return Array(String(repeating: "the martlet never lands. ", count: 700).utf8)
        case .zeros: return [UInt8](repeating: 0, count: 300_000)
        case .noise: return (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &dice) }
        case .long: return (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 9) }
        }
    }
}

private func pack(_ codec: Codec, _ bytes: [UInt8], level: Int? = nil) throws -> Buffer {
    let source = try Buffer(bytes)
    return try codec.compress(source.bytes, level: level)
}

private func pack(_ codec: Codec, _ bytes: [UInt8], into builder: inout BufferBuilder) throws {
    let source = try Buffer(bytes)
    try codec.compress(source.bytes, into: &builder)
}

private func crc32(_ bytes: [UInt8], continuing previous: UInt32 = 0) throws -> UInt32 {
    let source = try Buffer(bytes)
    return Checksums.crc32(source.bytes, continuing: previous)
}

private func xxh64<Element: BitwiseCopyable>(_ elements: [Element]) throws -> UInt64 {
    let source = try Buffer(elements)
    return Checksums.xxh64(source.bytes)
}

private func xxh32(_ bytes: [UInt8]) throws -> UInt32 {
    let source = try Buffer(bytes)
    return Checksums.xxh32(source.bytes)
}

private func unpack(_ codec: Codec, _ packed: Buffer, into count: Int) throws -> [UInt8] {
    // A guard zone behind the destination shows writes beyond it.
    var memory = [UInt8](repeating: 0xA5, count: count + 64)
    try unsafe memory.withUnsafeMutableBytes { memory in
        let destination = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[0..<count])
        defer { #expect(unsafe memory[count...].allSatisfy { $0 == 0xA5 }) }
        try unsafe codec.decompress(packed.bytes, into: destination)
    }
    return Array(memory[0..<count])
}

@Suite struct CodecTests {
    @Test(arguments: Codec.allCases, Sample.allCases)
    func roundTrip(codec: Codec, sample: Sample) throws {
        let bytes = sample.bytes
        let packed = try pack(codec, bytes)
        #expect(packed.count <= codec.maximumCompressedByteCount(bytes.count))
        #expect(try unpack(codec, packed, into: bytes.count) == bytes)
        let buffer = try codec.decompress(packed.bytes, expectedCount: bytes.count)
        #expect(try buffer.hasSameBytes(as: Buffer(bytes)))
    }

    @Test(arguments: Codec.allCases)
    func everyLevel(codec: Codec) throws {
        guard let levels = codec.levels else { return }
        let bytes = Sample.text.bytes
        for level in max(levels.lowerBound, -8)...levels.upperBound {
            let packed = try pack(codec, bytes, level: level)
            #expect(try unpack(codec, packed, into: bytes.count) == bytes, "level \(level)")
        }
    }

    @Test(arguments: Codec.allCases)
    func appendsBehindWhatIsThere(codec: Codec) throws {
        var builder = try BufferBuilder()
        try builder.append(0x0102_0304 as UInt32)
        let bytes = Sample.text.bytes
        try pack(codec, bytes, into: &builder)
        let all = builder.finish()
        #expect(unsafe all.bytes.unsafeLoad(as: UInt32.self) == 0x0102_0304)
        let packed = try all.slice(at: 4, count: all.count - 4)
        #expect(try unpack(codec, packed, into: bytes.count) == bytes)
    }

    @Test(arguments: Codec.allCases, Sample.allCases)
    func wrongSizesAreErrors(codec: Codec, sample: Sample) throws {
        let bytes = sample.bytes
        let packed = try pack(codec, bytes)
        for count in Set([0, 1, bytes.count - 1, bytes.count + 1, bytes.count + 70_000, bytes.count / 2])
        where count >= 0 && count != bytes.count {
            #expect(throws: MartletError.self, "\(count) for \(bytes.count)") { try unpack(codec, packed, into: count) }
        }
    }

    @Test(arguments: Codec.allCases)
    func truncatedInputIsAnError(codec: Codec) throws {
        let bytes = Sample.text.bytes
        let packed = try pack(codec, bytes)
        for count in stride(from: 0, to: packed.count, by: max(1, packed.count / 60)) {
            let part = try packed.slice(at: 0, count: count)
            #expect(throws: MartletError.self, "\(count)") { try unpack(codec, part, into: bytes.count) }
        }
    }

    /// Flipped bits and plain noise give an error or some bytes, never a crash or a write beyond the end.
    @Test(arguments: Codec.allCases)
    func garbageNeverEscapes(codec: Codec) throws {
        var dice = Dice(state: 99)
        let bytes = Sample.text.bytes
        let packed = try pack(codec, bytes)
        let good = (0..<packed.count).map { unsafe packed.bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        for _ in 0..<400 {
            var bad = good
            for _ in 0..<Int.random(in: 1...4, using: &dice) where !bad.isEmpty {
                bad[Int.random(in: 0..<bad.count, using: &dice)] ^= 1 << UInt8.random(in: 0...7, using: &dice)
            }
            _ = try? unpack(codec, Buffer(bad), into: bytes.count)
            let noise = (0..<Int.random(in: 0...200, using: &dice)).map { _ in
                UInt8.random(in: 0...255, using: &dice)
            }
            _ = try? unpack(codec, Buffer(noise), into: Int.random(in: 0...3_000, using: &dice))
        }
    }

    @Test(arguments: Codec.allCases)
    func impossiblePromisesAllocateNothing(codec: Codec) throws {
        let packed = try pack(codec, Sample.one.bytes)
        for count in [-1, Int.min, Int.max, 1 << 60] {
            #expect(throws: MartletError.self) { try codec.decompress(packed.bytes, expectedCount: count) }
        }
    }

    @Test func gzipReadsSeveralMembersAndZlib() throws {
        var builder = try BufferBuilder()
        try pack(Codec.gzip, le(1), into: &builder)
        try pack(Codec.gzip, [UInt8](), into: &builder)
        try pack(Codec.gzip, le(2) + le(3), into: &builder)
        let packed = builder.finish()
        #expect(try unpack(.gzip, packed, into: 24) == le(1) + le(2) + le(3))
        // zlib.compress(b"martlet")
        let zlib: [UInt8] = [
            0x78, 0x9C, 0xCB, 0x4D, 0x2C, 0x2A, 0xC9, 0x49, 0x2D, 0x01, 0x00, 0x0B, 0xD4, 0x02, 0xFA,
        ]
        #expect(try unpack(.gzip, Buffer(zlib), into: 7) == Array("martlet".utf8))
    }

    @Test func lz4FramesOfOthers() throws {
        // lz4 --content-size -BD -B4 -BX, that is linked blocks of 64 KiB with checksums, written for this test.
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 % 1000 / 3) }
        let frame = try linkedFrame(bytes)
        #expect(try unpack(.lz4Frame, frame, into: bytes.count) == bytes)
        let two = try Buffer(array(frame) + [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9] + array(frame))
        #expect(try unpack(.lz4Frame, two, into: 2 * bytes.count) == bytes + bytes)
        for place in [4, 6, 30, frame.count - 1, frame.count - 6] {
            var bad = array(frame)
            bad[place] ^= 0x10
            #expect(throws: MartletError.self, "\(place)") { try unpack(.lz4Frame, Buffer(bad), into: bytes.count) }
        }
    }

    @Test func oldParquetLz4IsReadInAllItsShapes() throws {
        let bytes = Sample.text.bytes
        for codec in [Codec.lz4Raw, .lz4Frame, .lz4Hadoop] {
            let packed = try pack(codec, bytes)
            #expect(try unpack(.lz4Hadoop, packed, into: bytes.count) == bytes)
        }
    }

    @Test func names() throws {
        for codec in Codec.allCases {
            #expect(try Codec(named: codec.name) == codec)
            #expect(try Codec(named: codec.name.uppercased()) == codec)
        }
        #expect(try Codec(named: "NONE") == .uncompressed)
        #expect(try Codec(named: "lz4") == .lz4Frame)
        let error = #expect(throws: MartletError.self) { try Codec(named: "lzo") }
        #expect(error?.code == .invalid)
        #expect(error?.message.hasPrefix("Invalid value for compression: 'lzo'. Supported are 'uncompressed'") == true)
    }

    @Test func levelsOutOfRange() throws {
        let error = #expect(throws: MartletError.self) { try Codec.snappy.validate(level: 1) }
        #expect(error?.message == "Codec 'snappy' doesn't support setting a compression level.")
        #expect(throws: MartletError.self) { try Codec.gzip.validate(level: 10) }
        try Codec.zstd.validate(level: 100)
        let bytes = Sample.text.bytes
        let packed = try pack(Codec.brotli, bytes, level: 100)
        #expect(try unpack(.brotli, packed, into: bytes.count) == bytes)
    }

    @Test func manyThreads() throws {
        let bytes = Sample.text.bytes
        let packed = try pack(Codec.zstd, bytes)
        let source = try Buffer(bytes)
        try WorkerPool.forEach(64, threads: 4) { index throws(MartletError) in
            let codec = Codec.allCases[index % Codec.allCases.count]
            let packed = try codec.compress(source.bytes)
            let unpacked = try codec.decompress(packed.bytes, expectedCount: bytes.count)
            if unpacked.count != bytes.count { throw .invalid("\(codec)") }
        }
        #expect(try unpack(.zstd, packed, into: bytes.count) == bytes)
    }
}

@Suite struct ChecksumTests {
    @Test func knownSums() throws {
        let text = Array("123456789".utf8)
        #expect(try crc32(text) == 0xCBF4_3926)
        let first = try crc32(Array(text[..<4]))
        #expect(try crc32(Array(text[4...]), continuing: first) == 0xCBF4_3926)
        #expect(try xxh64([UInt8]()) == 0xEF46_DB37_51D8_E999)
        #expect(try xxh32([UInt8]()) == 0x02CC_5D05)
        #expect(try xxh64(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
        #expect(try xxh32(Array("abc".utf8)) == 0x32D1_53FF)
    }

    @Test func shortFormsAgree() throws {
        for value: UInt64 in [0, 1, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF] {
            #expect(try Checksums.xxh64(of: value) == xxh64([value]))
            let half = UInt32(truncatingIfNeeded: value)
            #expect(try Checksums.xxh64(of: half) == xxh64([half]))
        }
    }
}

private func array(_ buffer: Buffer) -> [UInt8] {
    (0..<buffer.count).map { unsafe buffer.bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

private func le(_ number: Int) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
}

private func le(_ number: UInt32) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
}

/// A frame whose second and later blocks refer to the one before, each a single match at offset 1,000.
private func linkedFrame(_ bytes: [UInt8]) throws -> Buffer {
    let blockSize = 65_536
    var frame: [UInt8] = [0x04, 0x22, 0x4D, 0x18]
    let header: [UInt8] = [0b0101_1100, 0x40] + le(bytes.count)
    frame += try header + [UInt8(truncatingIfNeeded: xxh32(header) >> 8)]
    var start = 0
    while start < bytes.count {
        let part = Array(bytes[start..<min(start + blockSize, bytes.count)])
        var block: [UInt8]
        if start == 0 {
            block = array(try pack(Codec.lz4Raw, part))
        } else {
            // A match that reaches 1,000 bytes back into the block before, then the last 12 bytes as literals.
            var length = part.count - 12 - 4 - 15
            block = [0x0F, 0xE8, 0x03]
            while length >= 255 {
                block.append(255)
                length -= 255
            }
            block += [UInt8(length), 0xC0] + part.suffix(12)
        }
        frame += try le(UInt32(block.count)) + block + le(xxh32(block))
        start += part.count
    }
    frame += try le(0 as UInt32) + le(xxh32(bytes))
    return try Buffer(frame)
}
