import MartletTestSupport
import Testing

@testable import MartletBase
@testable import MartletParquet

@Suite struct FooterTests {
    private func footer(columns: Int, groups: Int, _ random: inout SeededRandom) throws -> FileMetaData {
        var schema = [SchemaElement("schema")]
        schema[0].childCount = Int32(columns)
        var rowGroups: [RowGroup] = []
        for _ in 0..<groups {
            var chunks: [ColumnChunk] = []
            for c in 0..<columns {
                var metadata = ColumnMetaData(
                    physicalType: .int64, encodings: [.plain, .rle], path: ["a", "column \(c)"], codec: .zstd,
                    valueCount: .random(in: 0...Int64.max, using: &random), totalUncompressedSize: 7,
                    totalCompressedSize: .random(in: -9...(1 << 40), using: &random), dataPageOffset: 4)
                if Bool.random(using: &random) {
                    var statistics = Statistics()
                    statistics.minValue = [UInt8](repeating: 9, count: Int.random(in: 0...300, using: &random))
                    statistics.isMinValueExact = Bool.random(using: &random)
                    statistics.nullCount = 3
                    metadata.statistics = statistics
                }
                if Bool.random(using: &random) {
                    metadata.keyValueMetadata = (0..<Int.random(in: 0...20, using: &random)).map {
                        KeyValue(key: [UInt8($0)], value: nil)
                    }
                    var sizes = SizeStatistics()
                    sizes.definitionLevelHistogram = Array(repeating: Int64.max, count: 17)
                    metadata.sizeStatistics = sizes
                }
                var chunk = ColumnChunk(metadata: metadata)
                if Bool.random(using: &random) { chunk.cryptoMetadata = .columnKey(path: ["x"], keyMetadata: [1, 2]) }
                chunks.append(chunk)
            }
            rowGroups.append(RowGroup(columns: chunks, totalByteSize: 1, rowCount: 5))
        }
        return FileMetaData(schema: schema, rowCount: 5, rowGroups: rowGroups)
    }

    @Test(arguments: [(1, 1), (3, 0), (14, 2), (15, 3), (200, 4)])
    func chunksDecodedLaterAreTheSame(_ columns: Int, _ groups: Int) throws {
        var random = SeededRandom(UInt64(columns))
        let file = try footer(columns: columns, groups: groups, &random)
        let bytes = try file.encoded()
        let (later, laterCount) = try FileMetaData.read(from: bytes)
        let (atOnce, atOnceCount) = try FileMetaData.read(from: bytes.bytes)
        #expect(later == atOnce)
        #expect(later == file)
        #expect(laterCount == bytes.count && atOnceCount == bytes.count)
        let again = try later.encoded()
        #expect(again.hasSameBytes(as: bytes))
        var changed = later
        if groups > 0 {
            changed.rowGroups[0].columns[columns - 1].offsetIndexOffset = 77
            #expect(changed.rowGroups[0].columns[columns - 1].offsetIndexOffset == 77)
            #expect(changed != later)
        }
    }

    /// Whatever is damaged: opening throws as it does when all is decoded at once, or the chunk says it.
    @Test func damagedChunks() throws {
        var random = SeededRandom(3)
        let bytes = try footer(columns: 6, groups: 2, &random).encoded()
        let good = unsafe bytes.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        for _ in 0..<4_000 {
            var bad = good
            bad[Int.random(in: 0..<bad.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let damaged = try Buffer(bad)
            let atOnce = try? FileMetaData.read(from: damaged.bytes).0
            let later = try? FileMetaData.read(from: damaged).0
            if let atOnce {
                #expect(later == atOnce)
            } else if let later {
                #expect(later.rowGroups.contains { $0.columns.contains { $0.failure != nil && $0.metadata == nil } })
            }
        }
        for length in 0..<good.count {
            let cut = try Buffer(Array(good[..<length]))
            #expect(throws: MartletError.self) { try FileMetaData.read(from: cut).0 }
        }
    }
}

@Suite struct AESKeyTests {
    /// NIST SP 800-38D's test case 4 of GCM, by its key, nonce, text, AAD and tag.
    @Test func knownAnswer() throws {
        func bytes(_ text: String) -> [UInt8] {
            let digits = Array(text)
            return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
        }
        let key = try AESKey(bytes("feffe9928665731c6d6a8f9467308308"))
        let text = try Buffer(
            bytes(
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
                    + "ba637b39"))
        let tag = try key.tag(
            of: text.bytes, nonce: bytes("cafebabefacedbaddecaf888"), aad: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
        #expect(tag == bytes("5bc94fbc3221a5db94fae95ae7121a47"))
    }

    @Test(arguments: [16, 24, 32], [0, 1, 15, 16, 17, 1_000])
    func sealedOpens(_ keyLength: Int, _ count: Int) throws {
        let key = try AESKey([UInt8](repeating: 7, count: keyLength))
        let text = try Buffer((0..<count).map { UInt8(truncatingIfNeeded: $0) })
        let sealed = try key.seal(text.bytes, aad: [1, 2], hasLength: false)
        #expect(sealed.count == count + AESKey.gcmOverhead)
        let opened = try #require(try key.open(sealed.bytes, aad: [1, 2]))
        #expect(opened.hasSameBytes(as: text))
        let wrong = try key.open(sealed.bytes, aad: [1, 3])
        #expect(wrong == nil)
        let again = try key.seal(text.bytes, aad: [1, 2], hasLength: false)
        #expect(!again.hasSameBytes(as: sealed))
        for cut in [0, 27, sealed.count - 1] where cut < sealed.count {
            let short = try sealed.slice(at: 0, count: cut)
            let found = try key.open(short.bytes, aad: [1, 2])
            #expect(found == nil)
        }
    }

    @Test(arguments: [0, 15, 17, 33]) func wrongLengths(_ count: Int) {
        #expect(throws: MartletError.self) { try AESKey([UInt8](repeating: 1, count: count)) }
    }
}
