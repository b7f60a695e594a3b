import Glibc
import MartletBase

/// Slots for new references, empty at first. Those that nobody has taken are dropped at the end.
final class Slots {
    let base: UnsafeMutablePointer<Object?>
    let count: Int
    private let memory: HeapMemory
    private let python: CPython

    init(count: Int, _ python: CPython) throws(MartletError) {
        memory = try HeapMemory(byteCount: try count.multiplied(checked: 8))
        base = memory.address.assumingMemoryBound(to: Object?.self)
        base.initialize(repeating: nil, count: count)
        self.count = count
        self.python = python
    }

    deinit {
        for i in 0..<count { if let object = base[i] { python.decref(object) } }
    }

    subscript(index: Int) -> Object { base[index] ?? python.none }

    /// The reference in the slot, which is empty then; a second taker of the same slot gets a reference of its own when
    /// `shared` says that there may be one.
    @inline(__always)
    func take(_ index: Int, shared: Bool) -> Object {
        guard let object = base[index] else {
            python.incref(python.none)
            return python.none
        }
        if shared {
            python.incref(object)
        } else {
            base[index] = nil
        }
        return object
    }
}
