@testable import MartletBase
@testable import MartletParquet
import MartletTestSupport
import Testing

@Suite struct BoundTruncationTests {
    @Test func lowerBoundsShrink() {
        #expect(BoundTruncation.lower([1, 2, 3], length: 2, isText: false) == [1, 2])
        #expect(BoundTruncation.lower([1, 2], length: 2, isText: false) == [1, 2])
        // A character is kept whole or not at all.
        #expect(BoundTruncation.lower(Array("aé".utf8), length: 2, isText: true) == Array("a".utf8))
    }

    @Test func upperBoundsGrow() {
        #expect(BoundTruncation.upper([1, 2, 3], length: 2, isText: false) == [1, 3])
        #expect(BoundTruncation.upper([1, 0xFF, 3], length: 2, isText: false) == [2])
        #expect(BoundTruncation.upper([0xFF, 0xFF, 3], length: 2, isText: false) == nil)
        #expect(BoundTruncation.upper(Array("abc".utf8), length: 2, isText: true) == Array("ac".utf8))
        // U+D7FF is followed by U+E000; between them lie the surrogates.
        #expect(BoundTruncation.upper(Array("\u{D7FF}x".utf8), length: 3, isText: true) == Array("\u{E000}".utf8))
        #expect(BoundTruncation.upper(Array("\u{10FFFF}x".utf8), length: 4, isText: true) == nil)
        #expect(BoundTruncation.upper(Array("a\u{10FFFF}x".utf8), length: 5, isText: true) == Array("b".utf8))
        // U+7F has no successor of one byte.
        #expect(BoundTruncation.upper(Array("a\u{7F}b".utf8), length: 2, isText: true) == Array("b".utf8))
    }

    @Test(arguments: [false, true])
    func neverLie(_ isText: Bool) throws {
        var random = SeededRandom(5)
        let letters: [Character] = ["a", "b", "\u{7F}", "é", "\u{7FF}", "\u{D7FF}", "\u{FFFF}", "\u{10FFFF}"]
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...12, using: &random)
            let value =
                isText
                ? Array(String((0..<count).map { _ in letters.randomElement(using: &random)! }).utf8)
                : (0..<count).map { _ in [0, 1, 0xFE, 0xFF].randomElement(using: &random)! }
            let bounds = ValueBounds.known(min: .bytes(value, isExact: true), max: .bytes(value, isExact: true))
            let short = bounds.truncated(to: 5, isText: isText)
            guard case .known(.bytes(let low, let lowIsExact), .bytes(let high, let highIsExact)) = short else {
                Issue.record("no bounds")
                continue
            }
            #expect(!value.lexicographicallyPrecedes(low) && !high.lexicographicallyPrecedes(value))
            #expect(lowIsExact == (low == value) && highIsExact == (high == value))
            if isText {
                #expect(Array(String(decoding: low, as: UTF8.self).utf8) == low)
                #expect(Array(String(decoding: high, as: UTF8.self).utf8) == high)
            }
        }
    }
}

@Suite struct BoundsScanTests {
    @Test func realsWithoutNaN() throws {
        func scan(_ values: [Double]) throws -> (ValueBounds, Int) {
            let buffer = try Buffer(values)
            return unsafe BoundsScan.reals(buffer.pointer(to: Double.self), values.count)
        }
        for pad in 0..<9 {
            let filling = Array(repeating: Double.nan, count: pad)
            let (bounds, nans) = try scan(filling + [3, -2, .nan, 7.5] + filling)
            #expect(bounds == .known(min: .real(-2), max: .real(7.5)))
            #expect(nans == 2 * pad + 1)
        }
        #expect(try scan([.nan, .nan]) == (.onlyNaN, 2))
        #expect(try scan([]) == (.empty, 0))
        #expect(try scan([-.infinity, .infinity]).0 == .known(min: .real(-.infinity), max: .real(.infinity)))
    }

    @Test func zerosCoverBothSigns() throws {
        for values in [[0.0, 1], [-0.0, 1]] {
            let buffer = try Buffer(values)
            guard case .known(.real(let low), _) = unsafe BoundsScan.reals(buffer.pointer(to: Double.self), 2).0 else {
                Issue.record("no bounds")
                return
            }
            #expect(low.sign == .minus && low == 0)
        }
        let buffer = try Buffer([-1.0, -0.0])
        guard case .known(_, .real(let high)) = unsafe BoundsScan.reals(buffer.pointer(to: Double.self), 2).0 else {
            Issue.record("no bounds")
            return
        }
        #expect(high.sign == .plus && high == 0)
    }

    @Test func integersOfAnyCount() throws {
        var random = SeededRandom(9)
        for count in 1...40 {
            let values = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &random) }
            let buffer = try Buffer(values)
            #expect(unsafe BoundsScan.extremes(buffer.pointer(to: Int64.self), count) == (values.min()!, values.max()!))
        }
    }

    @Test func byteStringsCompareBytewise() throws {
        let values: [[UInt8]] = [[0x80], [], [0x7F, 1], [0xFF], [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8]]
        var extremes = BytesExtremes(.bytes)
        var kept: [Buffer] = []
        for value in values + [[0xFF, 0]] { kept.append(try Buffer(value)) }
        for buffer in kept { unsafe extremes.add(buffer.pointer(to: UInt8.self), buffer.count) }
        #expect(
            extremes.bounds(isText: false, isFixed: false)
                == .known(min: .bytes([], isExact: true), max: .bytes([0xFF, 0], isExact: true)))

        var signed = BytesExtremes(.signedBytes)
        var numbers: [Buffer] = []
        for value in [[0x00, 5], [0xFF, 0xFE], [0x80, 0], [0x7F, 1]] as [[UInt8]] { numbers.append(try Buffer(value)) }
        for buffer in numbers { unsafe signed.add(buffer.pointer(to: UInt8.self), 2) }
        #expect(
            signed.bounds(isText: false, isFixed: true)
                == .known(min: .bytes([0x80, 0], isExact: true), max: .bytes([0x7F, 1], isExact: true)))
    }

    @Test func merging() {
        var all = ValueBounds.empty
        all.merge(.onlyNaN, .float)
        #expect(all == .onlyNaN)
        all.merge(.known(min: .real(1), max: .real(2)), .float)
        all.merge(.onlyNaN, .float)
        all.merge(.empty, .float)
        all.merge(.known(min: .real(-1), max: .real(1.5)), .float)
        #expect(all == .known(min: .real(-1), max: .real(2)))
        all.merge(.unknown, .float)
        all.merge(.known(min: .real(-9), max: .real(9)), .float)
        #expect(all == .unknown)
    }
}
