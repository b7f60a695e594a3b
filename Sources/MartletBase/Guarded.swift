import Glibc

/// A value that one thread at a time may read and change.
///
/// It stands where `Synchronization.Mutex` would: that one remembers the thread's number in the kernel, which is another
/// one in a forked child, and stops the process there as soon as two threads meet at it. A `ForkSafeLock` is for what
/// has to be whole in a child; a guarded value is whole there unless a thread was changing it during the fork.
@safe
package final class Guarded<Value>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
    }

    /// Keep it short: no callback and no work of another lock inside.
    package func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }
}
