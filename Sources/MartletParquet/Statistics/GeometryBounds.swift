import MartletBase

/// The ranges and kinds of geometries in ISO WKB (Geospatial.md, "Statistics").
struct GeometryBounds: Sendable {
    /// x, y, z and m; `low > high`: there is none.
    private var low = SIMD4<Double>(repeating: .infinity)
    private var high = SIMD4<Double>(repeating: -.infinity)
    private var types: Set<Int32> = []
    /// Whether there was a value that is no geometry, after which nothing can be said.
    private var isBroken = false

    mutating func add(_ value: RawSpan) {
        if isBroken { return }
        var cursor = ByteCursor(value)
        var type: Int32 = 0
        do {
            type = try addGeometry(&cursor, depth: 0)
            isBroken = !cursor.isAtEnd
        } catch {
            isBroken = true
        }
        types.insert(type)
    }

    mutating func merge(_ other: GeometryBounds) {
        low = pointwiseMin(low, other.low)
        high = pointwiseMax(high, other.high)
        types.formUnion(other.types)
        isBroken = isBroken || other.isBroken
    }

    /// Nil where nothing is known. Edges of geographies reach beyond their ends, so that these have no box.
    func statistics(isGeography: Bool) -> GeospatialStatistics? {
        if isBroken || types.isEmpty { return nil }
        var statistics = GeospatialStatistics()
        statistics.types = types.sorted()
        if !isGeography, low.x <= high.x, low.y <= high.y {
            let (hasZ, hasM) = (low.z <= high.z, low.w <= high.w)
            statistics.boundingBox = BoundingBox(
                xmin: low.x, xmax: high.x, ymin: low.y, ymax: high.y, zmin: hasZ ? low.z : nil,
                zmax: hasZ ? high.z : nil, mmin: hasM ? low.w : nil, mmax: hasM ? high.w : nil)
        }
        return statistics
    }

    // MARK: WKB

    private static let maximumDepth = 128

    /// The geometry at the cursor, and its type.
    private mutating func addGeometry(_ cursor: inout ByteCursor, depth: Int) throws(MartletError) -> Int32 {
        let order = try cursor.readByte()
        guard order <= 1, depth < Self.maximumDepth else { throw .invalid("not a geometry in WKB") }
        let isLittle = order == 1
        let type = try number(&cursor, isLittle)
        let (dimensions, kind) = type.quotientAndRemainder(dividingBy: 1_000)
        guard dimensions <= 3, 1...7 ~= kind else { throw .invalid("not a geometry in ISO WKB") }
        let (hasZ, hasM) = (dimensions & 1 == 1, dimensions & 2 == 2)
        switch kind {
        case 1: try addPoints(1, &cursor, isLittle, hasZ, hasM)
        case 2: try addPoints(number(&cursor, isLittle), &cursor, isLittle, hasZ, hasM)
        case 3:
            for _ in 0..<(try number(&cursor, isLittle)) {
                try addPoints(number(&cursor, isLittle), &cursor, isLittle, hasZ, hasM)
            }
        case _:
            for _ in 0..<(try number(&cursor, isLittle)) { _ = try addGeometry(&cursor, depth: depth + 1) }
        }
        return Int32(type)
    }

    private func number(_ cursor: inout ByteCursor, _ isLittle: Bool) throws(MartletError) -> UInt32 {
        let number = try cursor.read(UInt32.self)
        return isLittle ? number : number.byteSwapped
    }

    private mutating func addPoints(
        _ count: UInt32, _ cursor: inout ByteCursor, _ isLittle: Bool, _ hasZ: Bool, _ hasM: Bool
    ) throws(MartletError) {
        for _ in 0..<count {
            var point = SIMD4<Double>(repeating: .nan)
            for axis in 0..<4 where axis < 2 || (axis == 2 ? hasZ : hasM) {
                let bits = try cursor.read(UInt64.self)
                point[axis] = Double(bitPattern: isLittle ? bits : bits.byteSwapped)
            }
            // NaN, of which points without coordinates are made, is neither less nor more.
            low.replace(with: point, where: point .< low)
            high.replace(with: point, where: point .> high)
        }
    }
}
