import Glibc
import MartletBase

/// A real that ALP encodes, and the integer it becomes.
protocol AlpReal: BinaryFloatingPoint & BitwiseCopyable where Packed.Magnitude == Packed {
    associatedtype Whole: FixedWidthInteger & SignedInteger & BitwiseCopyable
    associatedtype Packed: FixedWidthInteger & UnsignedInteger & BitwiseCopyable

    init(_ whole: Whole)
    var bitPattern: Packed { get }
    /// Rounded to the nearest integer; `self` is of magnitude `limit` at most.
    var nearest: Whole { get }
    /// Added and taken away again, leaves an integer.
    static var magic: Self { get }
    /// Integers up to here fit `Whole`.
    static var limit: Self { get }
    /// 10 to the power of the index, and of minus the index: the reals nearest to these decimal numbers. One more than the
    /// largest exponent.
    static var powers: [Self] { get }
    static var inversePowers: [Self] { get }
}

extension Float: AlpReal {
    var nearest: Int32 { Int32(self) }
    static let magic: Float = 8_388_608
    static let limit: Float = 2_147_483_520
    static let powers: [Float] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]
    static let inversePowers: [Float] = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10]
}

extension Double: AlpReal {
    var nearest: Int64 { Int64(self) }
    static let magic: Double = 4_503_599_627_370_496
    static let limit: Double = 9_223_372_036_854_774_784
    static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    ]
    static let inversePowers: [Double] = [
        1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16,
        1e-17, 1e-18,
    ]
}

/// The encoder of ALP (AlpEncoding.md): reals that are decimal numbers of few digits, as integers.
///
/// Vectors of 1,024 values; exponent and factor are chosen among those that are good for samples of the page.
struct AlpEncoder<Real: AlpReal> {
    private static var vectorCount: Int { 1_024 }
    private static var headerCount: Int { 7 }
    /// Exponent, factor, exceptions, frame of reference, bit width.
    private static var vectorHeaderCount: Int { 5 + MemoryLayout<Real>.size }
    private static var sampleCount: Int { 256 }
    private static var candidateCount: Int { 5 }

    /// 10 to the power of `exponent - factor`, in the two steps of the format.
    private struct Scale {
        let exponent: Int
        let factor: Int
        let up: Real
        let down: Real
        let backUp: Real
        let backDown: Real

        init(_ exponent: Int, _ factor: Int) {
            self.exponent = exponent
            self.factor = factor
            up = Real.powers[exponent]
            down = Real.inversePowers[factor]
            backUp = Real.powers[factor]
            backDown = Real.inversePowers[exponent]
        }

        /// The integer that stands for `value`; nil for an exception.
        @inline(__always)
        func whole(_ value: Real) -> Real.Whole? {
            let scaled = value * up * down
            guard scaled.magnitude <= Real.limit else { return nil }
            let rounded =
                scaled >= 0 ? (scaled + Real.magic) - Real.magic : (scaled - Real.magic) + Real.magic
            guard rounded.magnitude <= Real.limit else { return nil }
            let whole = rounded.nearest
            return (Real(whole) * backUp * backDown).bitPattern == value.bitPattern ? whole : nil
        }
    }

    /// Appends `count` values.
    ///
    /// Safety: `values` has `count` values.
    static func append(
        _ values: UnsafePointer<Real>, count: Int, to builder: inout BufferBuilder
    ) throws(MartletError) {
        guard let elementCount = Int32(exactly: count) else {
            throw .capacity("a page of \(count) values is longer than Parquet's limit; one row holds too much")
        }
        let vectors = (count + vectorCount - 1) / vectorCount
        try builder.append(0 as UInt8)
        try builder.append(0 as UInt8)
        try builder.append(UInt8(vectorCount.trailingZeroBitCount))
        try builder.append(elementCount)
        if count == 0 { return }
        let offsets = builder.byteCount
        try builder.appendZeros(vectors * 4)
        let scales = unsafe candidates(values, count)
        var scratch = try BufferBuilder()
        let deltas = try unsafe scratch.extend(by: vectorCount * (MemoryLayout<Real>.size + 1))
            .assumingMemoryBound(to: Real.Packed.self)
        for vector in 0..<vectors {
            let start = vector * vectorCount
            let length = min(vectorCount, count - start)
            guard let offset = UInt32(exactly: builder.byteCount - offsets) else {
                throw .capacity("a page of more than 4 GiB; write smaller pages")
            }
            // Safety: room for the offsets was made above.
            unsafe (builder.address + offsets + vector * 4).storeBytes(of: offset, as: UInt32.self)
            let scale = unsafe scales.count == 1 ? scales[0] : best(scales, values + start, length)
            try unsafe append(values + start, length, scale, deltas, to: &builder)
        }
    }

    /// A vector. `deltas` has room for one of them, and a flag for each value behind.
    private static func append(
        _ values: UnsafePointer<Real>, _ count: Int, _ scale: Scale, _ deltas: UnsafeMutablePointer<Real.Packed>,
        to builder: inout BufferBuilder
    ) throws(MartletError) {
        let width = MemoryLayout<Real>.size
        let isException = unsafe UnsafeMutableRawPointer(deltas + vectorCount).assumingMemoryBound(to: Bool.self)
        var least = Real.Whole.max
        for i in 0..<count {
            let whole = unsafe scale.whole(values[i])
            unsafe deltas[i] = Real.Packed(truncatingIfNeeded: whole ?? 0)
            unsafe isException[i] = whole == nil
            least = min(least, whole ?? .max)
        }
        // There are exceptions only.
        if least == .max { least = 0 }
        let bits = unsafe narrowest(deltas, isException, count, least)
        var exceptionCount = 0
        for i in 0..<count {
            let isOne = unsafe isException[i] || BitPacking.width(of: deltas[i]) > bits
            unsafe isException[i] = isOne
            unsafe deltas[i] = isOne ? 0 : deltas[i]
            exceptionCount &+= isOne ? 1 : 0
        }
        for i in count..<count.roundedUp(to: 8) { unsafe deltas[i] = 0 }

        let before = builder.byteCount
        let start = try unsafe builder.extend(
            by: vectorHeaderCount + count.roundedUp(to: 8) * width + BitPacking.slack + exceptionCount * (2 + width))
        unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: scale.exponent), as: UInt8.self)
        unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: scale.factor), toByteOffset: 1, as: UInt8.self)
        unsafe start.storeBytes(of: UInt16(truncatingIfNeeded: exceptionCount), toByteOffset: 2, as: UInt16.self)
        unsafe start.storeBytes(of: least, toByteOffset: 4, as: Real.Whole.self)
        unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: bits), toByteOffset: 4 + width, as: UInt8.self)
        var out = unsafe start + vectorHeaderCount
        _ = unsafe BitPacking.pack(UnsafePointer(deltas), groups: (count + 7) / 8, width: bits, into: out)
        unsafe out += (count &* bits &+ 7) / 8
        for i in 0..<count where unsafe isException[i] {
            unsafe out.storeBytes(of: UInt16(truncatingIfNeeded: i), as: UInt16.self)
            unsafe out += 2
        }
        for i in 0..<count where unsafe isException[i] {
            unsafe out.storeBytes(of: values[i].bitPattern, as: Real.Packed.self)
            unsafe out += width
        }
        builder.truncate(to: before + (unsafe out - start))
    }

    /// Turns integers into differences from `least`, and says how many bits of them are best: what needs more becomes an
    /// exception.
    private static func narrowest(
        _ deltas: UnsafeMutablePointer<Real.Packed>, _ isException: UnsafeMutablePointer<Bool>, _ count: Int,
        _ least: Real.Whole
    ) -> Int {
        let base = Real.Packed(truncatingIfNeeded: least)
        return unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: Real.Packed.bitWidth + 1) { counts in
            unsafe counts.initialize(repeating: 0)
            for i in 0..<count {
                unsafe deltas[i] &-= base
                unsafe counts[BitPacking.width(of: deltas[i])] &+= isException[i] ? 0 : 1
            }
            var best = (bits: 0, cost: Int.max)
            var exceptions = 0
            for bits in (0...Real.Packed.bitWidth).reversed() {
                let cost = bits &* count &+ exceptions &* (16 &+ Real.Packed.bitWidth)
                if cost <= best.cost { best = (bits, cost) }
                unsafe exceptions &+= counts[bits]
            }
            return best.bits
        }
    }

    // MARK: Exponent and factor

    /// The scales that are best for samples of the page, the best first.
    private static func candidates(_ values: UnsafePointer<Real>, _ count: Int) -> [Scale] {
        let step = max(1, count / sampleCount)
        var found: [(bits: Int, scale: Scale)] = []
        for exponent in Real.powers.indices.reversed() {
            for factor in (0...exponent).reversed() {
                let scale = Scale(exponent, factor)
                // A look at a few tells most scales apart.
                let quick = unsafe bitCount(scale, values, count, step * 8)
                if found.count == candidateCount, quick > found[candidateCount - 1].bits / 4 { continue }
                let bits = unsafe bitCount(scale, values, count, step)
                let place = found.firstIndex { bits < $0.bits } ?? found.count
                if place < candidateCount {
                    found.insert((bits, scale), at: place)
                    if found.count > candidateCount { found.removeLast() }
                }
            }
        }
        // Those that are much worse on the whole are seldom best for a vector.
        return found.filter { $0.bits <= found[0].bits + found[0].bits / 4 }.map(\.scale)
    }

    private static func best(_ scales: [Scale], _ values: UnsafePointer<Real>, _ count: Int) -> Scale {
        var best = (bits: Int.max, scale: scales[0])
        for scale in scales {
            let bits = unsafe bitCount(scale, values, count, max(1, count / 32))
            if bits < best.bits { best = (bits, scale) }
        }
        return best.scale
    }

    /// Bits that every `step`th value takes, about.
    private static func bitCount(_ scale: Scale, _ values: UnsafePointer<Real>, _ count: Int, _ step: Int) -> Int {
        var least = Real.Whole.max
        var greatest = Real.Whole.min
        var sampled = 0
        var exceptions = 0
        var i = 0
        while i < count {
            if let whole = unsafe scale.whole(values[i]) {
                least = min(least, whole)
                greatest = max(greatest, whole)
            } else {
                exceptions &+= 1
            }
            sampled &+= 1
            i &+= step
        }
        let spread =
            least > greatest ? 0 : Real.Packed(truncatingIfNeeded: greatest) &- Real.Packed(truncatingIfNeeded: least)
        return sampled &* BitPacking.width(of: spread) &+ exceptions &* (16 &+ Real.Packed.bitWidth)
    }
}
