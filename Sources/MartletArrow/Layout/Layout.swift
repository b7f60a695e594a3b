/// What one buffer of an array holds.
public enum BufferRole: Sendable, Hashable {
    /// One native value per slot.
    case values(NativeKind)
    /// That many opaque bytes per slot.
    case fixedBytes(Int)
    /// One bit per slot.
    case bits
    /// `count + 1` offsets into the bytes or the child that follows.
    case offsets32, offsets64
    /// The bytes that offsets point into.
    case bytes

    /// Bytes per slot, where slots have a fixed width of whole bytes.
    public var byteWidth: Int? {
        switch self {
        case .values(let kind): kind.byteWidth
        case .fixedBytes(let width): width
        case .offsets32: 4
        case .offsets64: 8
        case .bits, .bytes: nil
        }
    }

    /// The alignment that typed access needs.
    public var alignment: Int {
        switch self {
        case .values(let kind): kind.byteWidth
        case .offsets32: 4
        case .offsets64: 8
        case .fixedBytes, .bits, .bytes: 1
        }
    }
}

/// How the slots of children relate to those of their parent.
public enum ChildRelation: Sendable, Hashable {
    case none
    /// Slot i of the parent is slot i of every child (struct).
    case parallel
    /// Slot i of the parent is slots `i * n ..< (i + 1) * n` of the child.
    case fixed(Int)
    /// Slot i of the parent is what the offsets say.
    case offsets
}

/// How the values of a type lie in memory, as data (Columnar format, "Physical memory layout" and its table of
/// buffers). IPC, the C Data interface, validation, slicing, sizes, equality and concatenation loop over it.
public struct Layout: Sendable, Hashable {
    /// Whether a validity bitmap comes before the buffers.
    public var hasValidity: Bool
    /// The buffers after validity, in the format's order.
    public var buffers: [BufferRole]
    public var children: ChildRelation
    public var hasDictionary: Bool

    init(_ buffers: [BufferRole], validity: Bool = true, children: ChildRelation = .none, dictionary: Bool = false) {
        self.hasValidity = validity
        self.buffers = buffers
        self.children = children
        self.hasDictionary = dictionary
    }
}

extension DataType {
    /// The layout of the type. A new type is one row here.
    public var layout: Layout {
        switch self {
        case .null: Layout([], validity: false)
        case .boolean: Layout([.bits])
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .decimal128:
            Layout([.values(nativeKind!)])
        case .string, .binary: Layout([.offsets32, .bytes])
        case .largeString, .largeBinary: Layout([.offsets64, .bytes])
        case .fixedSizeBinary(let width): Layout([.fixedBytes(width)])
        case .list, .map: Layout([.offsets32], children: .offsets)
        case .largeList: Layout([.offsets64], children: .offsets)
        case .fixedSizeList(_, let count): Layout([], children: .fixed(count))
        case .struct: Layout([], children: .parallel)
        case .dictionary(let index, _, _): Layout([.values(index.nativeKind ?? .int32)], dictionary: true)
        }
    }

    /// The native kind of the values, for types that hold one native value per slot; for a dictionary, that of
    /// its indices.
    public var nativeKind: NativeKind? {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32, .date32, .time32: .int32
        case .int64, .date64, .time64, .timestamp, .duration: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .decimal128: .int128
        case .dictionary(let index, _, _): index.nativeKind
        case .null, .boolean, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .list, .largeList,
            .fixedSizeList, .struct, .map:
            nil
        }
    }
}
