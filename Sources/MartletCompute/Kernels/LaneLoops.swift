/// `out[i] = operate(a[i], b[i])`.
@inline(__always)
func zipLanes<A, B, Out>(
    _ a: UnsafePointer<A>, _ b: UnsafePointer<B>, _ out: UnsafeMutablePointer<Out>, _ count: Int,
    _ operate: (A, B) -> Out
) {
    for i in 0..<count { unsafe out[i] = operate(a[i], b[i]) }
}

/// `out[i] = operate(a[i])`.
@inline(__always)
func mapLanes<A, Out>(
    _ a: UnsafePointer<A>, _ out: UnsafeMutablePointer<Out>, _ count: Int, _ operate: (A) -> Out
) {
    for i in 0..<count { unsafe out[i] = operate(a[i]) }
}

/// Whether all lanes lie in `low ... high`, compared with or without sign.
@inline(never)
func lanesFit(_ lanes: UnsafePointer<Int64>, _ count: Int, _ range: (low: Int64, high: Int64), isUnsigned: Bool) -> Bool
{
    var isOutside = false
    if isUnsigned {
        let high = UInt64(bitPattern: range.high)
        if high == .max { return true }
        for i in 0..<count { unsafe isOutside = isOutside || UInt64(bitPattern: lanes[i]) > high }
    } else {
        // One comparison: distances from the low end.
        let span = UInt64(bitPattern: range.high &- range.low)
        if span == .max { return true }
        for i in 0..<count { unsafe isOutside = isOutside || UInt64(bitPattern: lanes[i] &- range.low) > span }
    }
    return !isOutside
}
