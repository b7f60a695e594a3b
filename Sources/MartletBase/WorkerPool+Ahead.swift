import Glibc

extension WorkerPool {
    /// Work that a thread of the pool may do before its result is asked for.
    ///
    /// Where no thread is free it is done when it is asked for, so nobody ever waits for what nobody works on. Who drops it
    /// unasked stops it if it has not begun; what has begun ends by itself.
    public final class Ahead<Result: Sendable>: Sendable {
        private let job: Job
        private let result: Guarded<Result?>
        private let process = getpid()

        public init(_ body: @escaping @Sendable () throws(MartletError) -> Result) {
            let result = Guarded<Result?>(nil)
            self.result = result
            job = Job(count: 1) { (_) throws(MartletError) in
                let made = try body()
                result.withLock { $0 = made }
            }
            if WorkerPool.threadCount > 1 { Crew.shared.offer(job, helpers: 1) }
        }

        /// The result, once; works on it or on other things until it is there.
        ///
        /// Throws what the body throws, and `invalid` in a forked child whose parent's thread was at work on it.
        public func take() throws(MartletError) -> Result {
            Crew.shared.withdraw(job)
            if job.isBusy, getpid() != process {
                throw .invalid("the process was forked while data was read ahead; open the reader in the child")
            }
            job.work()
            if let failure = job.waitForAll(helping: true) { throw failure }
            guard let made = result.withLock({ $0.take() }) else { throw .invalid("what was read ahead is taken already") }
            return made
        }

        deinit { Crew.shared.withdraw(job) }
    }
}
