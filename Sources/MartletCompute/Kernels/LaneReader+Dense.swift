import MartletArrow
import MartletBase

extension LaneReader {
    /// The valid integers of the block one behind the other, and how many there are.
    func dense(_ block: LaneBlock, _ validity: Bitmap?) -> (lanes: UnsafePointer<Int64>, count: Int) {
        let lanes = unsafe integers(block, 0)
        guard let validity else { return unsafe (lanes, block.count) }
        return unsafe compacted(lanes, block, validity)
    }

    /// The valid numbers of the block as doubles, one behind the other, and how many there are.
    func denseDoubles(_ block: LaneBlock, _ validity: Bitmap?) -> (lanes: UnsafePointer<Double>, count: Int) {
        let lanes = unsafe doubles(block, 0)
        guard let validity else { return unsafe (lanes, block.count) }
        let (dense, count) = unsafe compacted(
            UnsafeRawPointer(lanes).assumingMemoryBound(to: Int64.self), block, validity)
        return unsafe (UnsafeRawPointer(dense).assumingMemoryBound(to: Double.self), count)
    }

    @inline(never)
    private func compacted(
        _ lanes: UnsafePointer<Int64>, _ block: LaneBlock, _ validity: Bitmap
    ) -> (lanes: UnsafePointer<Int64>, count: Int) {
        let to = unsafe block.lanes(1, Int64.self)
        var (next, start) = (0, 0)
        while start < block.count {
            let length = min(64, block.count &- start)
            var word = validity.word(at: block.start &+ start, length: length)
            // Safety: never more lanes than the block has.
            if word == .max {
                unsafe (to + next).update(from: lanes + start, count: 64)
                next &+= 64
            } else {
                for i in start..<start &+ length {
                    unsafe to[next] = lanes[i]
                    next &+= Int(truncatingIfNeeded: word & 1)
                    word &>>= 1
                }
            }
            start &+= length
        }
        return unsafe (UnsafePointer(to), next)
    }
}

/// Words whose unsigned order is the order of the numbers: NaN, whatever its bits, is largest, and -0.0 is 0.0.
func orderWords(_ array: ArrayData) throws(MartletError) -> Buffer {
    let reader = try LaneReader(array)
    let flip: Int64 = reader.isUnsigned ? 0 : .min
    return try makeLanes(.uint64, count: array.count) { block, writer in
        let out = unsafe writer.integers(block, 1)
        if reader.isFloat {
            unsafe mapLanes(reader.doubles(block, 0), out, block.count) { value in
                let bits = Int64(bitPattern: (value + 0.0).bitPattern)
                return value != value ? -1 : bits < 0 ? ~bits : bits ^ .min
            }
        } else {
            unsafe mapLanes(reader.integers(block, 0), out, block.count) { $0 ^ flip }
        }
        return true
    }
}
