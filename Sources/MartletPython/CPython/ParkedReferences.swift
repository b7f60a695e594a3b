package import MartletBase
import Synchronization

/// References to Python objects that were let go on a thread that does not hold the GIL. They wait on a lock-free list
/// for the next call from Python; when the interpreter is on its way out they are left alone for ever.
package enum ParkedReferences {
    private struct Node {
        var object: Object
        var next: UnsafeMutablePointer<Node>?
    }

    /// The head of the list as a number.
    private static let head = Atomic<UInt>(0)

    static func park(_ object: Object) {
        let node = UnsafeMutablePointer<Node>.allocate(capacity: 1)
        var top = head.load(ordering: .relaxed)
        while true {
            node.initialize(to: Node(object: object, next: UnsafeMutablePointer(bitPattern: top)))
            let (done, seen) = head.weakCompareExchange(
                expected: top, desired: UInt(bitPattern: node), ordering: .acquiringAndReleasing)
            if done { return }
            top = seen
        }
    }

    /// Drops what is parked. The caller holds the GIL.
    static func drain(_ python: CPython) {
        guard head.load(ordering: .relaxed) != 0, python.isAlive else { return }
        var node = UnsafeMutablePointer<Node>(bitPattern: head.exchange(0, ordering: .acquiring))
        while let current = node {
            node = current.pointee.next
            python.decref(current.pointee.object)
            current.deallocate()
        }
    }

    package static func drain() {
        if let python = try? CPython.shared() { drain(python) }
    }
}

/// Keeps a Python object alive for as long as buffers look at its memory.
package final class PythonOwner: MemoryOwner, @unchecked Sendable {
    private let object: Object

    private init(_ object: Object) {
        self.object = object
        super.init()
    }

    deinit { ParkedReferences.park(object) }

    /// `count` bytes at `address`, which lie in memory that `object` keeps alive.
    package static func buffer(of object: Object, _ address: UnsafeRawPointer, count: Int) throws(MartletError)
        -> Buffer
    {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        python.incref(object)
        return Buffer(unsafeAddress: address, count: count, owner: PythonOwner(object))
    }
}
