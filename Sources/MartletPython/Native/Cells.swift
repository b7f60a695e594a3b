import CMartlet
import Glibc
import MartletArrow
import MartletBase

/// The fields of Martlet's objects behind CPython's head of an object; arrays, batches and scalars share them.
///
/// None of these objects can be part of a cycle (they hold types, schemas, lists of arrays), so Python's collector does
/// not walk them, unless a class of the user's derives from one.
struct Cells {
    static let pointer = 0, weakReferences = 8, number = 16, first = 24, second = 32, size = 40

    private let base: UnsafeMutableRawPointer

    init(_ object: Object, _ native: NativeTypes) { base = object + native.headSize }

    /// The address of the `ArrayHandle`, 0 for none.
    var pointer: UInt {
        get { base.load(fromByteOffset: Self.pointer, as: UInt.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.pointer, as: UInt.self) }
    }
    var weakReferences: Object? { base.load(fromByteOffset: Self.weakReferences, as: Object?.self) }
    /// The length of an array or batch, the slot of a scalar.
    var number: Int {
        get { base.load(fromByteOffset: Self.number, as: Int.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.number, as: Int.self) }
    }
    /// The type of an array, the schema of a batch, the array of a scalar; owned.
    var first: Object? {
        get { base.load(fromByteOffset: Self.first, as: Object?.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.first, as: Object?.self) }
    }
    /// The list of a batch's columns, a scalar's array of its own; owned.
    var second: Object? { base.load(fromByteOffset: Self.second, as: Object?.self) }
}

/// One of the three heap types, as `PyType_FromSpec` wants it. The memory that describes it is never freed.
struct CellType {
    private enum Slot: Int32 {
        case subscript_ = 5, sequenceItem = 44, sequenceLength = 45, deallocate = 52, iterate = 62, methods = 64
        case members = 72
    }
    enum Member: Int32 {
        case objectOrNone = 6, object = 16, address = 18, size = 19
    }

    private var members: [(StaticString, Member, Int, Bool)] = []
    private var methods: [(StaticString, UnsafeMutableRawPointer, Int32)] = []
    private var slots: [(Slot, UnsafeMutableRawPointer)] = []

    mutating func member(_ name: StaticString, _ kind: Member, _ offset: Int, isReadOnly: Bool = false) {
        members.append((name, kind, offset, isReadOnly))
    }

    mutating func method(_ name: StaticString, _ function: NativeTypes.Fast) {
        methods.append((name, unsafeBitCast(function, to: UnsafeMutableRawPointer.self), NativeTypes.fastKeywords))
    }

    mutating func subscripted(_ function: @convention(c) (Object?, Object?) -> Object?) {
        slots.append((.subscript_, unsafeBitCast(function, to: UnsafeMutableRawPointer.self)))
    }

    mutating func sequence(
        _ item: @convention(c) (Object?, Int) -> Object?, _ length: @convention(c) (Object?) -> Int,
        iterator: UnsafeMutableRawPointer
    ) {
        slots.append((.sequenceItem, unsafeBitCast(item, to: UnsafeMutableRawPointer.self)))
        slots.append((.sequenceLength, unsafeBitCast(length, to: UnsafeMutableRawPointer.self)))
        slots.append((.iterate, iterator))
    }

    /// The type, as a new reference; NULL and an exception when Python refuses.
    consuming func make(
        _ name: StaticString, headSize: Int, _ api: TypeFunctions,
        _ deallocate: @convention(c) (Object?) -> Void
    ) -> Object? {
        func text(_ name: StaticString) -> UInt { UInt(bitPattern: name.utf8Start) }
        // PyMemberDef: name, int type, Py_ssize_t offset, int flags, doc; ended by a zero one.
        let memberTable = UnsafeMutablePointer<UInt>.allocate(capacity: 5 * (members.count + 1))
        memberTable.initialize(repeating: 0, count: 5 * (members.count + 1))
        for (i, (name, kind, offset, isReadOnly)) in members.enumerated() {
            memberTable[5 * i] = text(name)
            memberTable[5 * i + 1] = UInt(kind.rawValue)
            memberTable[5 * i + 2] = UInt(headSize + offset)
            memberTable[5 * i + 3] = isReadOnly ? 1 : 0
        }
        // PyMethodDef: name, function, int flags, doc.
        let methodTable = UnsafeMutablePointer<UInt>.allocate(capacity: 4 * (methods.count + 1))
        methodTable.initialize(repeating: 0, count: 4 * (methods.count + 1))
        for (i, (name, function, flags)) in methods.enumerated() {
            methodTable[4 * i] = text(name)
            methodTable[4 * i + 1] = UInt(bitPattern: function)
            methodTable[4 * i + 2] = UInt(flags)
        }
        slots.append((.deallocate, unsafeBitCast(deallocate, to: UnsafeMutableRawPointer.self)))
        slots.append((.members, UnsafeMutableRawPointer(memberTable)))
        if !methods.isEmpty { slots.append((.methods, UnsafeMutableRawPointer(methodTable))) }
        // PyType_Slot: int, pointer.
        let slotTable = UnsafeMutablePointer<UInt>.allocate(capacity: 2 * (slots.count + 1))
        slotTable.initialize(repeating: 0, count: 2 * (slots.count + 1))
        for (i, (slot, function)) in slots.enumerated() {
            slotTable[2 * i] = UInt(slot.rawValue)
            slotTable[2 * i + 1] = UInt(bitPattern: function)
        }
        // PyType_Spec: name, int basicsize, int itemsize, unsigned flags, slots.
        let spec = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8)
        spec.storeBytes(of: text(name), as: UInt.self)
        spec.storeBytes(of: Int32(headSize + Cells.size), toByteOffset: 8, as: Int32.self)
        spec.storeBytes(of: 0, toByteOffset: 12, as: Int32.self)
        // Py_TPFLAGS_HAVE_VERSION_TAG and Py_TPFLAGS_BASETYPE
        spec.storeBytes(of: 1 << 18 | 1 << 10, toByteOffset: 16, as: UInt32.self)
        spec.storeBytes(of: UInt(bitPattern: slotTable), toByteOffset: 24, as: UInt.self)
        return api.typeFromSpec(spec)
    }
}
