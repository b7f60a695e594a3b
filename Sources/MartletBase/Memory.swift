import Glibc
import Synchronization

/// Something that keeps a range of bytes alive: heap memory, a mapped file, memory of a foreign library.
///
/// Reference counting is the only lifetime rule: the last buffer that looks at the bytes frees them.
open class MemoryOwner: @unchecked Sendable {
    public init() {}
}

/// 64-byte aligned heap memory.
///
/// Blocks from `Recycler.smallestBlock` up are taken from and given back to a bounded pool: fresh pages cost
/// more than any copy into them, and big blocks live in 2 MiB pages where the kernel has them.
@safe @usableFromInline
package final class HeapMemory: MemoryOwner, @unchecked Sendable {
    @usableFromInline package let address: UnsafeMutableRawPointer
    @usableFromInline package let capacity: Int

    /// At least `byteCount` bytes, not initialised. Throws `outOfMemory` instead of aborting.
    package init(byteCount: Int) throws(MartletError) {
        guard byteCount >= 0, byteCount < Int.max / 2 else { throw .outOfMemory(byteCount) }
        if byteCount >= Recycler.smallestBlock {
            unsafe (address, capacity) = try Recycler.take(byteCount)
        } else {
            capacity = max(byteCount.roundedUp(to: 64), 64)
            guard let block = unsafe aligned_alloc(64, capacity) else { throw .outOfMemory(byteCount) }
            unsafe address = block
        }
        super.init()
        liveBytes.wrappingAdd(capacity, ordering: .relaxed)
        let live = liveBytes.load(ordering: .relaxed)
        if live > peakBytes.load(ordering: .relaxed) { peakBytes.store(live, ordering: .relaxed) }
    }

    deinit {
        liveBytes.wrappingSubtract(capacity, ordering: .relaxed)
        if capacity >= Recycler.smallestBlock {
            unsafe Recycler.give(address, capacity)
        } else {
            unsafe free(address)
        }
    }
}

private let liveBytes = Atomic<Int>(0)
private let peakBytes = Atomic<Int>(0)

/// What the heap holds for Martlet's buffers, in bytes.
public enum MemoryStatistics {
    public static var liveByteCount: Int { liveBytes.load(ordering: .relaxed) }
    public static var peakByteCount: Int { peakBytes.load(ordering: .relaxed) }
    /// Gives the recycled blocks back to the operating system.
    public static func releaseUnused() { Recycler.trim(to: 0) }
}

/// The pool of big blocks. Sizes are rounded to an eighth of their power of two, so a block fits the next
/// request of about its size.
///
/// The first `limit` idle bytes stay as they are. What is idle beyond them, up to what all buffers once took together, the
/// kernel may take away whenever it needs memory (`MADV_FREE`), and costs no page fault if it did not.
private enum Recycler {
    static let smallestBlock = 1 << 20
    static let hugePage = 2 << 20
    static let limit = 256 << 20

    @safe struct Block {
        var address: UnsafeMutableRawPointer
        var capacity: Int
    }
    struct State: @unchecked Sendable {
        var idle: [Block] = []
        var idleByteCount = 0
    }
    static let lock = ForkSafeLock()
    // Safety: read and written only under `lock`.
    nonisolated(unsafe) static var state = State()

    static func rounded(_ byteCount: Int) -> Int {
        let step = max(1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 3), 1 << 16)
        let size = byteCount.roundedUp(to: step)
        return size >= hugePage ? size.roundedUp(to: 1 << 18) : size
    }

    static func take(_ byteCount: Int) throws(MartletError) -> (UnsafeMutableRawPointer, Int) {
        let wanted = rounded(byteCount)
        let found: Block? = lock.withLock {
            // From the last one given back on: its pages are the likeliest to be there still.
            var (best, least) = (-1, wanted + wanted / 4 + 1)
            var i = unsafe state.idle.count - 1
            while i >= 0, least > wanted {
                let capacity = unsafe state.idle[i].capacity
                if capacity >= wanted, capacity < least { (best, least) = (i, capacity) }
                i -= 1
            }
            if best < 0 { return nil }
            let block = unsafe state.idle.remove(at: best)
            unsafe state.idleByteCount -= block.capacity
            return block
        }
        if let found { return unsafe (found.address, found.capacity) }
        trim(to: room(for: wanted))
        var address: UnsafeMutableRawPointer?
        // Safety: posix_memalign writes the pointer it returns; the block is released by munmap's twin, free().
        guard unsafe posix_memalign(&address, wanted >= hugePage ? hugePage : 4096, wanted) == 0,
            let block = unsafe address
        else { throw .outOfMemory(byteCount) }
        if wanted >= hugePage { unsafe _ = madvise(block, wanted & ~(hugePage - 1), MADV_HUGEPAGE) }
        return unsafe (block, wanted)
    }

    static func give(_ address: UnsafeMutableRawPointer, _ capacity: Int) {
        let idle = lock.withLock { unsafe state.idleByteCount }
        if idle + capacity > limit { unsafe _ = madvise(address, capacity, MADV_FREE) }
        lock.withLock {
            unsafe state.idle.append(Block(address: address, capacity: capacity))
            unsafe state.idleByteCount += capacity
        }
        trim(to: room(for: 0))
    }

    /// How many bytes may be idle beside those of the buffers and `wanted` new ones.
    private static func room(for wanted: Int) -> Int {
        let (live, peak) = (liveBytes.load(ordering: .relaxed), peakBytes.load(ordering: .relaxed))
        return max(limit, peak - live - wanted)
    }

    static func trim(to byteCount: Int) {
        while true {
            let oldest: Block? = lock.withLock {
                guard unsafe state.idleByteCount > byteCount, unsafe !state.idle.isEmpty else { return nil }
                let block = unsafe state.idle.removeFirst()
                unsafe state.idleByteCount -= block.capacity
                return block
            }
            guard let oldest else { return }
            unsafe free(oldest.address)
        }
    }
}
