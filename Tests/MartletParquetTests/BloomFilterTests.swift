import Foundation
import MartletCodecs
import Testing

@testable import MartletBase
@testable import MartletParquet

@Suite struct BloomFilterTests {
    static let file = ProcessInfo.processInfo.environment["PARQUET_TEST_DATA"].map { $0 + "/bloom_filter.xxhash.bin" }

    private func hash(_ text: String) throws -> UInt64 {
        let bytes = try Buffer(Array(text.utf8))
        return Checksums.xxh64(bytes.bytes)
    }

    @Test(.enabled(if: file != nil)) func conformanceFile() throws {
        let path = try #require(Self.file)
        let data = try #require(FileManager.default.contents(atPath: path))
        let bytes = try Buffer([UInt8](data))
        let (header, count) = try BloomFilterHeader.read(from: bytes.bytes)
        #expect(header.isSupported)
        let filter = try BloomFilter(bits: try bytes.slice(at: count, count: Int(header.byteCount)))
        for text in ["hello", "parquet", "bloom", "filter"] { #expect(filter.mayContain(hash: try hash(text))) }
        for text in ["martlet", "", "Hello"] { #expect(!filter.mayContain(hash: try hash(text))) }
        // The same values make the same bits.
        var builder = try BloomFilterBuilder(byteCount: Int(header.byteCount))
        for text in ["hello", "parquet", "bloom", "filter"] { builder.insert(try hash(text)) }
        let bits = builder.finish(falsePositiveRate: 0)
        #expect(bits.hasSameBytes(as: filter.bits))
    }

    @Test(arguments: [0.1, 0.05, 0.01, 0.001]) func rateIsKept(_ rate: Double) throws {
        let size = BloomFilter.byteCount(distinctCount: 20_000, falsePositiveRate: rate)
        // Made for 32 times as many values as there are.
        for initial in [size, size * 32] {
            var builder = try BloomFilterBuilder(byteCount: initial)
            for i in 0..<20_000 { builder.insert(Checksums.xxh64(of: UInt64(i))) }
            let filter = try BloomFilter(bits: builder.finish(falsePositiveRate: rate))
            #expect(filter.bits.count <= size)
            for i in 0..<20_000 { #expect(filter.mayContain(hash: Checksums.xxh64(of: UInt64(i)))) }
            let wrong = (20_000..<120_000).filter { filter.mayContain(hash: Checksums.xxh64(of: UInt64($0))) }.count
            #expect(Double(wrong) / 100_000 < rate * 1.3)
        }
    }

    @Test func sizes() {
        #expect(BloomFilter.byteCount(distinctCount: 1, falsePositiveRate: 0.5) == 32)
        #expect(BloomFilter.byteCount(distinctCount: .max, falsePositiveRate: 0.01) == 128 << 20)
        #expect(BloomFilter.byteCount(distinctCount: 1_000, falsePositiveRate: 0.01) == 2_048)
    }

    @Test(arguments: [0, 1, 31, 33]) func onlyWholeBlocks(_ count: Int) throws {
        let bits = try Buffer(zeroed: count)
        #expect(throws: MartletError.self) { try BloomFilter(bits: bits) }
    }
}
