public import MartletBase
import Synchronization

/// An immutable array of any type: what batches hold, what a C handle points at, what every format reads and
/// writes.
///
/// Laws:
/// - `buffers` are those of `type.layout`, validity apart, and behind views the buffers that they point into;
///   `children` are those of `type.childFields`.
/// - Slot `i` of the array is slot `offset + i` of the buffers. Children of structs, sparse unions and fixed-size
///   lists are not sliced with their parent; `child(_:)` and the typed views are.
/// - An absent `validity` means no nulls; unions and run-end encoded arrays have none, their nulls are in the children.
///   Values under nulls are unspecified.
/// - Typed buffers are aligned for their values; whoever makes an array from outside memory sees to it.
public final class ArrayData: Sendable {
    public let type: DataType
    /// Number of slots.
    public let count: Int
    public let offset: Int
    public let validity: Buffer?
    public let buffers: [Buffer]
    public let children: [ArrayData]
    public let dictionary: ArrayData?
    private let cachedNullCount: Atomic<Int>

    private static let unknownNullCount = -1

    /// An array whose parts are known to be right, as they are when Martlet itself made them. Parts from outside
    /// go through `validate` next. `nullCount` nil means that it is counted when it is asked for.
    public init(
        type: DataType, count: Int, offset: Int = 0, validity: Buffer? = nil, nullCount: Int? = nil,
        buffers: [Buffer] = [], children: [ArrayData] = [], dictionary: ArrayData? = nil
    ) {
        self.type = type
        self.count = count
        self.offset = offset
        self.buffers = buffers
        self.children = children
        self.dictionary = dictionary
        let nulls = validity == nil ? (type.isNullType ? count : 0) : (nullCount ?? Self.unknownNullCount)
        self.validity = nulls == 0 ? nil : validity
        cachedNullCount = Atomic(nulls)
    }

    /// How many slots are null by the validity bitmap; all of them for the null type. O(n) the first time.
    public var nullCount: Int {
        let known = cachedNullCount.load(ordering: .relaxed)
        if known >= 0 { return known }
        let counted = count - (validityBitmap?.trueCount ?? count)
        cachedNullCount.store(counted, ordering: .relaxed)
        return counted
    }

    /// The null count if nobody needs to count for it.
    public var knownNullCount: Int? {
        let known = cachedNullCount.load(ordering: .relaxed)
        return known >= 0 ? known : nil
    }

    /// The validity of the slots, bit 0 for slot 0; nil when there are no nulls.
    public var validityBitmap: Bitmap? {
        validity.map { Bitmap(unchecked: $0, offset: offset, count: count) }
    }

    /// `validityBitmap`, nil as well when all its bits turn out to be 1.
    public var usedValidityBitmap: Bitmap? { nullCount == 0 ? nil : validityBitmap }

    /// The caller keeps `index` in `0 ..< count`.
    public func isValid(_ index: Int) -> Bool {
        if let validity { return Bitmap(unchecked: validity, offset: offset, count: count)[index] }
        return !type.isNullType
    }

    /// The slots `start ..< start + length`, O(1).
    public func slice(at start: Int, count length: Int) throws(MartletError) -> ArrayData {
        try checkWindow(offset: start, length: length, count: count, "array slice")
        return window(start, length)
    }

    /// `slice` for a window that is known to fit.
    package func window(_ start: Int, _ length: Int) -> ArrayData {
        if start == 0 && length == count { return self }
        let nulls = knownNullCount
        return ArrayData(
            type: type, count: length, offset: offset + start, validity: validity,
            nullCount: nulls == 0 ? 0 : (nulls == count ? length : nil),
            buffers: buffers, children: children, dictionary: dictionary)
    }

    /// The same memory seen as another type of the same layout.
    package func reinterpreted(as other: DataType) -> ArrayData {
        ArrayData(
            type: other, count: count, offset: offset, validity: validity, nullCount: knownNullCount, buffers: buffers,
            children: children, dictionary: dictionary)
    }

    /// Child `index` cut to this array's slots; for lists, dense unions and runs the child as it is.
    public func child(_ index: Int) -> ArrayData {
        switch type.layout.children {
        case .parallel: children[index].window(offset, count)
        case .fixed(let width): children[index].window(offset * width, count * width)
        case .none, .offsets, .ranges, .picked, .runs: children[index]
        }
    }
}
