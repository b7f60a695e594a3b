package import Glibc

/// A mutex that a forked child can use: the child's copy is made anew, whoever held it in the parent.
///
/// Locks of this kind are few and live for ever. `fork` itself takes them all, so that what they guard is
/// whole in the child.
@safe
package final class ForkSafeLock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let childHandler: (@Sendable () -> Void)?

    /// `inChild` runs in a forked child while this lock is held there: it makes the guarded state usable again.
    package init(inChild: (@Sendable () -> Void)? = nil) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        childHandler = inChild
        ForkRegistry.add(self)
    }

    package func withLock<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// The mutex itself, for a condition variable that waits on it.
    package var rawMutex: UnsafeMutablePointer<pthread_mutex_t> { unsafe mutex }

    fileprivate func lock() { unsafe pthread_mutex_lock(mutex) }
    fileprivate func unlock() { unsafe pthread_mutex_unlock(mutex) }
    fileprivate func renewInChild() {
        unsafe pthread_mutex_init(mutex, nil)
        childHandler?()
    }
}

/// All fork-safe locks, in the order of their making, which is also the order in which `fork` takes them.
private enum ForkRegistry {
    // Safety: appended to under `guardMutex`, read in the fork handlers, which hold it.
    nonisolated(unsafe) static var locks: [ForkSafeLock] = []
    nonisolated(unsafe) static let guardMutex: UnsafeMutablePointer<pthread_mutex_t> = {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        pthread_atfork(
            {
                unsafe pthread_mutex_lock(ForkRegistry.guardMutex)
                for lock in unsafe ForkRegistry.locks { lock.lock() }
            },
            {
                for lock in unsafe ForkRegistry.locks.reversed() { lock.unlock() }
                unsafe pthread_mutex_unlock(ForkRegistry.guardMutex)
            },
            {
                for lock in unsafe ForkRegistry.locks { lock.renewInChild() }
                unsafe pthread_mutex_init(ForkRegistry.guardMutex, nil)
            })
        return unsafe mutex
    }()

    static func add(_ lock: ForkSafeLock) {
        unsafe pthread_mutex_lock(guardMutex)
        unsafe locks.append(lock)
        unsafe pthread_mutex_unlock(guardMutex)
    }
}
