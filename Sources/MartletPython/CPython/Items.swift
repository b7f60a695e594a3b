import Glibc
import MartletBase

/// Objects one after the other: the items of a list, a tuple or an object array, or items gathered from many of them.
///
/// Borrowed pointers are good until Python code runs, which may change the list that holds them. `pin` takes references
/// of our own before that; whoever calls Python while walking items pins first and reads `base` anew.
final class Items {
    private(set) var base: UnsafePointer<Object?>
    let count: Int
    private let python: CPython
    private var owned: HeapMemory?

    init(borrowing base: UnsafePointer<Object?>, count: Int, _ python: CPython) {
        self.base = base
        self.count = count
        self.python = python
    }

    /// Takes over references. None of the pointers may be nil.
    init(owning builder: ItemsBuilder, _ python: CPython) {
        let (memory, count) = builder.take()
        base = UnsafePointer(memory.address.assumingMemoryBound(to: Object?.self))
        self.count = count
        self.python = python
        owned = memory
    }

    deinit {
        guard owned != nil else { return }
        let decref = python.decref
        for i in 0..<count { decref(base[i]) }
    }

    func pin() throws(MartletError) {
        if owned != nil { return }
        let memory = try HeapMemory(byteCount: try count.multiplied(checked: 8))
        let copy = memory.address.assumingMemoryBound(to: Object?.self)
        let incref = python.incref
        for i in 0..<count {
            copy[i] = base[i] ?? python.none
            incref(copy[i])
        }
        base = UnsafePointer(copy)
        owned = memory
    }

    /// The item, None where a list under construction has none yet.
    subscript(index: Int) -> Object { base[index] ?? python.none }

    /// The items of any iterable. The object itself must be kept alive by the caller.
    static func of(_ object: Object, _ python: CPython) throws(MartletError) -> Items {
        let type = python.type(of: object)
        if type == python.listType, python.layout.hasLists {
            let items = object.load(fromByteOffset: 24, as: UnsafePointer<Object?>?.self)
            let count = object.load(fromByteOffset: 16, as: Int.self)
            guard let items, count > 0 else { return Items(owning: try ItemsBuilder(capacity: 0, python), python) }
            return Items(borrowing: items, count: count, python)
        }
        if type == python.tupleType, python.layout.hasTuples {
            let count = object.load(fromByteOffset: 16, as: Int.self)
            return Items(borrowing: (object + 24).assumingMemoryBound(to: Object?.self), count: count, python)
        }
        let tuple = try Owned(python.tupleFrom(object), python)
        let count = python.tupleSize(tuple.object)
        let builder = try ItemsBuilder(capacity: count, python)
        for i in 0..<count { try builder.append(python.tupleItem(tuple.object, i)!) }
        return Items(owning: builder, python)
    }
}

/// Gathers references. Those gathered are dropped when it is not finished.
final class ItemsBuilder {
    private var memory: HeapMemory
    private var capacity: Int
    private(set) var count = 0
    private let python: CPython

    init(capacity: Int, _ python: CPython) throws(MartletError) {
        self.capacity = max(capacity, 8)
        memory = try HeapMemory(byteCount: try self.capacity.multiplied(checked: 8))
        self.python = python
    }

    deinit {
        let slots = memory.address.assumingMemoryBound(to: Object?.self)
        for i in 0..<count { python.decref(slots[i]) }
    }

    func reserve(_ more: Int) throws(MartletError) {
        let needed = try count.adding(checked: more)
        guard needed > capacity else { return }
        capacity = max(needed, capacity * 2)
        let larger = try HeapMemory(byteCount: try capacity.multiplied(checked: 8))
        memcpy(larger.address, memory.address, count * 8)
        memory = larger
    }

    /// Takes a reference of its own to a borrowed object.
    func append(_ object: Object) throws(MartletError) {
        if count == capacity { try reserve(1) }
        python.incref(object)
        (memory.address.assumingMemoryBound(to: Object?.self) + count).pointee = object
        count += 1
    }

    /// Takes references to `count` borrowed objects; None for those that are missing.
    func append(_ objects: UnsafePointer<Object?>, count more: Int) throws(MartletError) {
        if count + more > capacity { try reserve(more) }
        let slots = memory.address.assumingMemoryBound(to: Object?.self) + count
        let (incref, none) = (python.incref, python.none)
        for i in 0..<more {
            let object = objects[i] ?? none
            incref(object)
            slots[i] = object
        }
        count += more
    }

    func append(_ object: Object, repeated times: Int) throws(MartletError) {
        for _ in 0..<times { try append(object) }
    }

    /// Hands the references over; the builder is empty then.
    func take() -> (HeapMemory, Int) {
        let result = (memory, count)
        count = 0
        return result
    }
}
