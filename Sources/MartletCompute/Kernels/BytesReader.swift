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

    /// How many bytes can be read from the start of a slot on.
    @inline(__always)
    func readable(_ slot: Bytes) -> Int { unsafe byteCount &- (slot.start - bytes) }

    /// Slot `row` as text, for messages.
    func text(_ row: Int) -> String { slot(row).text }
}
