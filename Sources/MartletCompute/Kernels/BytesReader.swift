import MartletArrow
import MartletBase

/// The bytes of strings and binaries of any layout, slot by slot.
@safe
struct BytesReader: @unchecked Sendable {
    let array: ArrayData
    private let isWide: Bool
    private let fixedWidth: Int?
    private let byteCount: Int
    // Safety: offsets (`count + 1`) and bytes, kept alive by `array`. `init` checks the ends.
    private let narrow: UnsafePointer<Int32>
    private let wide: UnsafePointer<Int64>
    private let bytes: UnsafePointer<UInt8>

    /// Whether arrays of the type can be read.
    static func reads(_ type: DataType) -> Bool {
        if case .fixedSizeBinary = type { return true }
        return type.isVariableBinary
    }

    init(_ array: ArrayData) throws(MartletError) {
        self.array = array
        let (noNarrow, noWide) = unsafe (Buffer.empty.pointer(to: Int32.self), Buffer.empty.pointer(to: Int64.self))
        if case .fixedSizeBinary(let width) = array.type {
            let view = try FixedBytesArray(array)
            unsafe bytes = view.base
            unsafe (narrow, wide) = (noNarrow, noWide)
            (fixedWidth, isWide, byteCount) = (width, false, width * array.count)
            return
        }
        guard array.type.isVariableBinary else { throw .type("array of \(array.type) does not hold bytes") }
        fixedWidth = nil
        byteCount = array.buffers[1].count
        unsafe bytes = array.buffers[1].pointer(to: UInt8.self)
        isWide = array.type.layout.buffers[0] == .offsets64
        unsafe narrow = isWide ? noNarrow : try checkedOffsets(array, end: byteCount)
        unsafe wide = isWide ? try checkedOffsets(array, end: byteCount) : noWide
    }

    /// Where slot `row` lies; the caller keeps `row` below the count. Slots with damaged offsets are empty.
    @inline(__always)
    func slot(_ row: Int) -> Bytes {
        var (start, end): (Int, Int)
        if let fixedWidth {
            (start, end) = (row &* fixedWidth, row &* fixedWidth &+ fixedWidth)
        } else if isWide {
            (start, end) = unsafe (Int(wide[row]), Int(wide[row &+ 1]))
        } else {
            (start, end) = unsafe (Int(narrow[row]), Int(narrow[row &+ 1]))
        }
        if start < 0 || start > end || end > byteCount { (start, end) = (0, 0) }
        return unsafe Bytes(bytes + start, end &- start)
    }

    /// A bit for each of `length` slots from `start` on, at most 64: whether it has `count` bytes. Damaged offsets may lie.
    @inline(__always)
    func slots(of count: Int, from start: Int, _ length: Int) -> UInt64 {
        if length < 64 || isWide || fixedWidth != nil {
            var word: UInt64 = 0
            for i in 0..<length {
                word |= (slot(start &+ i).count == count ? 1 : 0) &<< UInt64(truncatingIfNeeded: i)
            }
            return word
        }
        guard let count = Int32(exactly: count) else { return 0 }
        var word: UInt64 = 0
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { bytes in
            guard let out = bytes.baseAddress else { return }
            // Safety: 65 offsets, the last of which `init` found to be there.
            let offsets = unsafe narrow + start
            for i in 0..<64 { unsafe out[i] = offsets[i &+ 1] &- offsets[i] == count ? 1 : 0 }
            unsafe packBits(out, &word, 1)
        }
        return word
    }

    /// How many bytes can be read from the start of a slot on.
    @inline(__always)
    func readable(_ slot: Bytes) -> Int { unsafe byteCount &- (slot.start - bytes) }

    /// Slot `row` as text, for messages.
    func text(_ row: Int) -> String { slot(row).text }
}
