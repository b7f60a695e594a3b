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
    /// 16 bytes per slot: a length and the value, or a length, a prefix, a buffer's index and an offset into it. Any
    /// number of buffers of bytes come behind.
    case views
    /// Where each slot begins in its child: list views, and dense unions (32 bits).
    case starts32, starts64
    /// How many slots of the child each list view has.
    case sizes32, sizes64
    /// The type id of each slot of a union.
    case typeIds

    /// Bytes per slot, where slots have a fixed width of whole bytes.
    public var byteWidth: Int? {
        switch self {
        case .values(let kind): kind.byteWidth
        case .fixedBytes(let width): width
        case .typeIds: 1
        case .offsets32, .starts32, .sizes32: 4
        case .offsets64, .starts64, .sizes64: 8
        case .views: 16
        case .bits, .bytes: nil
        }
    }

    /// The alignment that typed access needs.
    public var alignment: Int {
        switch self {
        case .values(let kind): kind.byteWidth
        case .offsets32, .starts32, .sizes32: 4
        case .offsets64, .starts64, .sizes64, .views: 8
        case .fixedBytes, .bits, .bytes, .typeIds: 1
        }
    }
}

/// How the slots of children relate to those of their parent.
public enum ChildRelation: Sendable, Hashable {
    case none
    /// Slot i of the parent is slot i of every child (struct, sparse union).
    case parallel
    /// Slot i of the parent is slots `i * n ..< (i + 1) * n` of the child.
    case fixed(Int)
    /// Slot i of the parent is what the offsets say.
    case offsets
    /// Slot i of the parent is as many slots of the child as its size says, from where its start says.
    case ranges
    /// Slot i of the parent is one slot of the child that its type id names, where its start says (dense union).
    case picked
    /// The first child says where runs end, the second has one value a run; neither is cut with the parent.
    case runs
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
    /// Whether any number of buffers of bytes come behind `buffers`.
    public var hasVariadicBuffers: Bool { buffers.last == .views }

    init(_ buffers: [BufferRole], validity: Bool = true, children: ChildRelation = .none, dictionary: Bool = false) {
        self.hasValidity = validity
        self.buffers = buffers
        self.children = children
        self.hasDictionary = dictionary
    }

    // Those of most columns, made once: a layout is asked for whenever an array is looked at.
    fileprivate static let shortBytes = Layout([.offsets32, .bytes])
    fileprivate static let longBytes = Layout([.offsets64, .bytes])
    fileprivate static let views = Layout([.views])
    private static let natives = NativeKind.allCases.map { Layout([.values($0)]) }

    fileprivate static func native(_ kind: NativeKind) -> Layout {
        // The cases in the order of `allCases`.
        switch kind {
        case .int8: natives[0]
        case .int16: natives[1]
        case .int32: natives[2]
        case .int64: natives[3]
        case .int128: natives[4]
        case .uint8: natives[5]
        case .uint16: natives[6]
        case .uint32: natives[7]
        case .uint64: natives[8]
        case .float16: natives[9]
        case .float32: natives[10]
        case .float64: natives[11]
        }
    }
}

extension DataType {
    /// The layout of the type. A new type is one row here.
    public var layout: Layout {
        switch self {
        case .null: Layout([], validity: false)
        case .boolean: Layout([.bits])
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
            .date64, .time32, .time64, .timestamp, .duration, .decimal32, .decimal64, .decimal128, .interval(.months):
            .native(nativeKind!)
        // Values of more than one number, and of more than 128 bits, are bytes to kernels.
        case .interval(.dayTime): Layout([.fixedBytes(8)])
        case .interval(.monthDayNano): Layout([.fixedBytes(16)])
        case .decimal256: Layout([.fixedBytes(32)])
        case .string, .binary: .shortBytes
        case .largeString, .largeBinary: .longBytes
        case .stringView, .binaryView: .views
        case .fixedSizeBinary(let width): Layout([.fixedBytes(width)])
        case .list, .map: Layout([.offsets32], children: .offsets)
        case .largeList: Layout([.offsets64], children: .offsets)
        case .listView: Layout([.starts32, .sizes32], children: .ranges)
        case .largeListView: Layout([.starts64, .sizes64], children: .ranges)
        case .fixedSizeList(_, let count): Layout([], children: .fixed(count))
        case .struct: Layout([], children: .parallel)
        case .dictionary(let index, _, _): Layout([.values(index.nativeKind ?? .int32)], dictionary: true)
        case .union(.sparse, _, _): Layout([.typeIds], validity: false, children: .parallel)
        case .union(.dense, _, _): Layout([.typeIds, .starts32], validity: false, children: .picked)
        case .runEndEncoded: Layout([], validity: false, children: .runs)
        case .extension(let type): type.storage.layout
        }
    }

    /// The native kind of the values, for types that hold one native value per slot; for a dictionary, that of
    /// its indices.
    public var nativeKind: NativeKind? {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32, .date32, .time32, .decimal32, .interval(.months): .int32
        case .int64, .date64, .time64, .timestamp, .duration, .decimal64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .decimal128: .int128
        case .dictionary(let index, _, _): index.nativeKind
        case .extension(let type): type.storage.nativeKind
        case .null, .boolean, .string, .largeString, .binary, .largeBinary, .stringView, .binaryView, .fixedSizeBinary,
            .interval(.dayTime), .interval(.monthDayNano), .decimal256, .list, .largeList, .listView, .largeListView,
            .fixedSizeList, .struct, .map, .union, .runEndEncoded:
            nil
        }
    }
}
