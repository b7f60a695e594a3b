import MartletArrow

/// A new buffer of numbers, written as lanes.
@safe
struct LaneWriter: @unchecked Sendable {
    let kind: NativeKind
    // Safety: memory for all slots; blocks write their own.
    private let base: UnsafeMutableRawPointer

    init(_ kind: NativeKind, _ base: UnsafeMutableRawPointer) {
        self.kind = kind
        unsafe self.base = base
    }

    /// Where the block's lanes are to be computed: in place, or in row `row`.
    func integers(_ block: LaneBlock, _ row: Int) -> UnsafeMutablePointer<Int64> {
        kind.byteWidth == 8
            ? unsafe base.assumingMemoryBound(to: Int64.self) + block.start : unsafe block.lanes(row, Int64.self)
    }
    func doubles(_ block: LaneBlock, _ row: Int) -> UnsafeMutablePointer<Double> {
        kind == .float64
            ? unsafe base.assumingMemoryBound(to: Double.self) + block.start : unsafe block.lanes(row, Double.self)
    }

    /// The block's values as they will lie.
    func plain<Value: BitwiseCopyable>(_ block: LaneBlock, _ type: Value.Type) -> UnsafeMutablePointer<Value> {
        unsafe base.assumingMemoryBound(to: type) + block.start
    }

    /// Writes the low bits of integers.
    func store(_ from: UnsafePointer<Int64>, _ block: LaneBlock) {
        // Safety: the block lies inside the result.
        switch kind.byteWidth {
        case 1: unsafe narrow(from, UInt8.self, block)
        case 2: unsafe narrow(from, UInt16.self, block)
        case 4: unsafe narrow(from, UInt32.self, block)
        case _:
            let to = unsafe base.assumingMemoryBound(to: Int64.self) + block.start
            if unsafe to != from { unsafe to.update(from: from, count: block.count) }
        }
    }

    /// Writes floats, rounded to their kind.
    func store(_ from: UnsafePointer<Double>, _ block: LaneBlock) {
        // Safety: the block lies inside the result.
        if kind == .float16 {
            let to = unsafe base.assumingMemoryBound(to: Float16.self) + block.start
            for i in 0..<block.count { unsafe to[i] = Float16(from[i]) }
        } else if kind == .float32 {
            let to = unsafe base.assumingMemoryBound(to: Float.self) + block.start
            for i in 0..<block.count { unsafe to[i] = Float(from[i]) }
        } else {
            let to = unsafe base.assumingMemoryBound(to: Double.self) + block.start
            if unsafe to != from { unsafe to.update(from: from, count: block.count) }
        }
    }

    @inline(never)
    private func narrow<Value: FixedWidthInteger & BitwiseCopyable>(
        _ from: UnsafePointer<Int64>, _ type: Value.Type, _ block: LaneBlock
    ) {
        let to = unsafe base.assumingMemoryBound(to: type) + block.start
        for i in 0..<block.count { unsafe to[i] = Value(truncatingIfNeeded: from[i]) }
    }
}
