import MartletBase
@testable import MartletParquet
import MartletTestSupport
import Testing

@Suite struct GeometryBoundsTests {
    /// A geometry in WKB, its numbers in either order.
    private func wkb(_ type: UInt32, isLittle: Bool = true, counts: [UInt32] = [], _ coordinates: [Double] = []) -> [UInt8] {
        var bytes: [UInt8] = [isLittle ? 1 : 0]
        for number in [type] + counts { withUnsafeBytes(of: isLittle ? number : number.byteSwapped) { bytes += $0 } }
        for coordinate in coordinates {
            let bits = isLittle ? coordinate.bitPattern : coordinate.bitPattern.byteSwapped
            withUnsafeBytes(of: bits) { bytes += $0 }
        }
        return bytes
    }

    private func bounds(_ values: [[UInt8]]) -> GeometryBounds {
        var bounds = GeometryBounds()
        for value in values { bounds.add(value.span.bytes) }
        return bounds
    }

    @Test func coordinatesOfAllAxes() throws {
        var all = bounds([wkb(3001, [1, 2, 3, 4]), wkb(2, isLittle: false, counts: [2], [-5, 7, 9, .nan])])
        all.merge(bounds([wkb(4, counts: [1]) + wkb(1, [0, -1])]))
        let found = try #require(all.statistics(isGeography: false))
        #expect(found.types == [2, 4, 3001])
        #expect(
            found.boundingBox
                == BoundingBox(xmin: -5, xmax: 9, ymin: -1, ymax: 7, zmin: 3, zmax: 3, mmin: 4, mmax: 4))
        let globe = try #require(all.statistics(isGeography: true))
        #expect(globe.types == [2, 4, 3001] && globe.boundingBox == nil)
    }

    @Test func nothingIsSaidWithoutGeometries() {
        #expect(bounds([]).statistics(isGeography: false) == nil)
        #expect(bounds([wkb(1, [.nan, .nan])]).statistics(isGeography: false)?.boundingBox == nil)
        #expect(bounds([wkb(1, [1, 2]), [7]]).statistics(isGeography: false) == nil)
    }

    @Test func anyBytesEnd() {
        var random = SeededRandom(3)
        let whole = wkb(7, counts: [2]) + wkb(1, [1, 2]) + wkb(3, counts: [1, 2], [1, 2, 3, 4])
        #expect(bounds([whole]).statistics(isGeography: false)?.types == [7])
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            _ = bounds([bytes]).statistics(isGeography: false)
        }
    }

    @Test func statisticsThroughThrift() throws {
        var one = GeospatialStatistics()
        one.types = [1, 3007]
        one.boundingBox = BoundingBox(xmin: 170, xmax: -170, ymin: -0.0, ymax: .infinity, mmin: 1, mmax: 2)
        var writer = try ThriftWriter()
        try writer.write(one)
        let bytes = writer.finish()
        var reader = ThriftReader(bytes.bytes)
        #expect(try GeospatialStatistics(from: &reader) == one)
    }
}
