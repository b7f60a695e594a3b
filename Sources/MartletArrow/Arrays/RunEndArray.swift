public import MartletBase

/// The slots of a run-end encoded array, already sliced (Columnar.rst, "Run-End Encoded Layout").
@safe
public struct RunEndArray: @unchecked Sendable {
    public let data: ArrayData
    /// Number of slots.
    public let count: Int
    /// One value for each run, whole.
    public let values: ArrayData
    // Safety: `totalRuns` run ends of `width` bytes, in memory that `data` keeps alive.
    private let ends: UnsafeRawPointer
    private let width: Int
    private let totalRuns: Int

    public init(_ data: ArrayData) throws(MartletError) {
        guard data.type.layout.children == .runs else { throw .type("array of \(data.type) is not run-end encoded") }
        let runEnds = data.children[0]
        let width = runEnds.type.nativeKind?.byteWidth ?? 0
        let end = try runEnds.offset.adding(checked: runEnds.count).multiplied(checked: width)
        guard [2, 4, 8].contains(width), runEnds.buffers[0].count >= end,
            runEnds.buffers[0].isAligned(to: width) || runEnds.count == 0
        else { throw .invalid("run ends of \(data.type) are too short or misaligned: \(runEnds.count) runs") }
        self.data = data
        count = data.count
        values = data.children[1]
        self.width = width
        totalRuns = Swift.min(runEnds.count, values.count)
        unsafe ends = UnsafeRawPointer(runEnds.buffers[0].pointer(to: UInt8.self)) + runEnds.offset * width
    }

    /// Where run `run` of `values` ends, counted from the first slot of the unsliced array.
    package func end(ofRun run: Int) -> Int {
        // Safety: the initialiser checked that there are `totalRuns` ends, and callers keep below.
        switch width {
        case 2: unsafe Int(ends.load(fromByteOffset: run &* 2, as: Int16.self))
        case 4: unsafe Int(ends.load(fromByteOffset: run &* 4, as: Int32.self))
        case _: unsafe Int(ends.load(fromByteOffset: run &* 8, as: Int64.self))
        }
    }

    /// The run of `values` that slot `index` belongs to: O(log runs). Nil when no run reaches that far.
    public func run(of index: Int) -> Int? {
        let target = data.offset &+ index
        var (low, high) = (0, totalRuns)
        while low < high {
            let middle = (low &+ high) &>> 1
            if end(ofRun: middle) > target { high = middle } else { low = middle &+ 1 }
        }
        return low < totalRuns ? low : nil
    }

    /// The runs that the slots touch.
    public var runRange: Range<Int> {
        guard count > 0, let first = run(of: 0), let last = run(of: count - 1), first <= last else { return 0..<0 }
        return first..<last + 1
    }

    /// The slots of run `run`, one of `runRange`, cut to this array's.
    public func slots(ofRun run: Int) -> Range<Int> {
        let start = run == 0 ? 0 : Swift.max(0, end(ofRun: run - 1) &- data.offset)
        let stop = Swift.min(count, end(ofRun: run) &- data.offset)
        return start < stop ? start..<stop : 0..<0
    }
}
