import Glibc
import MartletBase

/// Finding the least and the greatest value of a page.
enum BoundsScan {
    /// Safety: `values` has `count` values; `count` is not 0.
    @inline(__always)
    static func extremes<Value: FixedWidthInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, _ count: Int
    ) -> (Value, Value) {
        // Two of each, so that one comparison need not wait for the one before.
        var (min0, max0) = unsafe (values[0], values[0])
        var (min1, max1) = (min0, max0)
        var i = 0
        while i &+ 2 <= count {
            let a = unsafe values[i]
            let b = unsafe values[i &+ 1]
            min0 = a < min0 ? a : min0
            max0 = a > max0 ? a : max0
            min1 = b < min1 ? b : min1
            max1 = b > max1 ? b : max1
            i &+= 2
        }
        if i < count {
            let a = unsafe values[i]
            min0 = a < min0 ? a : min0
            max0 = a > max0 ? a : max0
        }
        return (min(min0, min1), max(max0, max1))
    }

    /// Bounds of floating point values without NaN, and how many are NaN. A zero bound gets the sign that covers both
    /// zeros.
    @inline(__always)
    static func reals<Value: BinaryFloatingPoint & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, _ count: Int
    ) -> (ValueBounds, Int) {
        if count == 0 { return (.empty, 0) }
        // Comparisons with NaN are false, so that it never becomes a bound. Four of each, as above.
        var low: (Value, Value, Value, Value) = (.infinity, .infinity, .infinity, .infinity)
        var high: (Value, Value, Value, Value) = (-.infinity, -.infinity, -.infinity, -.infinity)
        var nans: (Int, Int, Int, Int) = (0, 0, 0, 0)
        var i = 0
        while i &+ 4 <= count {
            let a = unsafe values[i]
            let b = unsafe values[i &+ 1]
            let c = unsafe values[i &+ 2]
            let d = unsafe values[i &+ 3]
            low.0 = a < low.0 ? a : low.0
            low.1 = b < low.1 ? b : low.1
            low.2 = c < low.2 ? c : low.2
            low.3 = d < low.3 ? d : low.3
            high.0 = a > high.0 ? a : high.0
            high.1 = b > high.1 ? b : high.1
            high.2 = c > high.2 ? c : high.2
            high.3 = d > high.3 ? d : high.3
            nans.0 &+= a != a ? 1 : 0
            nans.1 &+= b != b ? 1 : 0
            nans.2 &+= c != c ? 1 : 0
            nans.3 &+= d != d ? 1 : 0
            i &+= 4
        }
        while i < count {
            let a = unsafe values[i]
            low.0 = a < low.0 ? a : low.0
            high.0 = a > high.0 ? a : high.0
            nans.0 &+= a != a ? 1 : 0
            i &+= 1
        }
        let nanCount = nans.0 &+ nans.1 &+ nans.2 &+ nans.3
        if nanCount == count { return (.onlyNaN, nanCount) }
        let least = min(min(low.0, low.1), min(low.2, low.3))
        let greatest = max(max(high.0, high.1), max(high.2, high.3))
        return (.reals(Double(least), Double(greatest)), nanCount)
    }

    static func halves(_ values: UnsafePointer<UInt8>, _ count: Int) -> (ValueBounds, Int) {
        if count == 0 { return (.empty, 0) }
        var low = Float.infinity
        var high = -Float.infinity
        var nanCount = 0
        let raw = unsafe UnsafeRawPointer(values)
        for i in 0..<count {
            let bits = unsafe raw.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self)
            let v = Float(Float16(bitPattern: bits))
            if v < low { low = v }
            if v > high { high = v }
            if v != v { nanCount &+= 1 }
        }
        if nanCount == count { return (.onlyNaN, nanCount) }
        return (.reals(Double(low), Double(high)), nanCount)
    }
}

extension ValueBounds {
    fileprivate static func reals(_ low: Double, _ high: Double) -> ValueBounds {
        .known(min: .real(low == 0 ? -0.0 : low), max: .real(high == 0 ? 0.0 : high))
    }
}

/// The least and the greatest of byte strings that are shown one after the other. Most comparisons end at the first
/// eight bytes.
@safe
struct BytesExtremes {
    private var least: UnsafePointer<UInt8>?
    private var leastCount = 0
    private var leastHead: UInt64 = 0
    private var greatest: UnsafePointer<UInt8>?
    private var greatestCount = 0
    private var greatestHead: UInt64 = 0
    private let flip: UInt64

    init(_ order: BoundsOrder) { flip = order == .signedBytes ? 1 &<< 63 : 0 }

    /// The first bytes as a number that compares as they do.
    @inline(__always)
    static func head(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        if count >= 8 { return unsafe UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self).byteSwapped }
        var value: UInt64 = 0
        for i in 0..<count { unsafe value |= UInt64(bytes[i]) &<< UInt64(truncatingIfNeeded: 56 &- i &* 8) }
        return value
    }

    /// Safety: the bytes stay where they are until `bounds` is asked for.
    @inline(__always)
    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let head = unsafe Self.head(bytes, count) ^ flip
        guard let low = unsafe least, let high = unsafe greatest else {
            unsafe (least, leastCount, leastHead) = unsafe (bytes, count, head)
            unsafe (greatest, greatestCount, greatestHead) = unsafe (bytes, count, head)
            return
        }
        if unsafe head < leastHead || (head == leastHead && Self.isLess(bytes, count, low, leastCount)) {
            unsafe (least, leastCount, leastHead) = unsafe (bytes, count, head)
        }
        if unsafe head > greatestHead || (head == greatestHead && Self.isLess(high, greatestCount, bytes, count)) {
            unsafe (greatest, greatestCount, greatestHead) = unsafe (bytes, count, head)
        }
    }

    /// Whose heads are equal.
    private static func isLess(
        _ a: UnsafePointer<UInt8>, _ aCount: Int, _ b: UnsafePointer<UInt8>, _ bCount: Int
    ) -> Bool {
        let order = unsafe memcmp(a, b, min(aCount, bCount))
        return order < 0 || (order == 0 && aCount < bCount)
    }

    /// `isFixed`: values have one length, and so must bounds.
    func bounds(isText: Bool, isFixed: Bool) -> ValueBounds {
        guard let low = unsafe least, let high = unsafe greatest else { return .empty }
        // No more is looked at than what could be kept, so that huge values are not copied.
        let limit = BoundTruncation.longestWhole + 4
        func taken(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bound {
            unsafe .bytes(Array(UnsafeBufferPointer(start: bytes, count: min(count, limit))), isExact: count <= limit)
        }
        if isFixed && leastCount > BoundTruncation.longestWhole { return .unknown }
        let bounds = unsafe ValueBounds.known(min: taken(low, leastCount), max: taken(high, greatestCount))
        return isFixed ? bounds : bounds.truncated(to: BoundTruncation.chunkLength, isText: isText)
    }
}
