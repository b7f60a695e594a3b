import Glibc
import Synchronization

/// A fork-join pool of plain threads in which the caller works too.
///
/// Threads are made at the first use and stay parked. A forked child starts with none and makes its own.
/// Nested calls are fine: a caller only ever waits for items that are being worked on.
public enum WorkerPool {
    /// How many threads an operation uses, the caller included. At least 1.
    public static var threadCount: Int {
        get { max(1, configuredThreadCount.load(ordering: .relaxed)) }
        set { configuredThreadCount.store(max(1, min(newValue, 1024)), ordering: .relaxed) }
    }

    /// Runs `body(0) ... body(count - 1)`, each once, on up to `threads` threads, and returns when all are done.
    ///
    /// After an error no new item starts; the error of the lowest item that failed is thrown.
    public static func forEach(
        _ count: Int, threads: Int? = nil, _ body: @Sendable (Int) throws(MartletError) -> Void
    ) throws(MartletError) {
        let width = min(threads ?? threadCount, count)
        if width <= 1 {
            var index = 0
            while index < count {
                try body(index)
                index += 1
            }
            return
        }
        // The job lives only until `run` returns, and so does its borrowed closure.
        let failure: MartletError? = withoutActuallyEscaping(body) { body in
            let job = Job(count: count, body: body)
            Crew.shared.offer(job, helpers: width - 1)
            job.work()
            Crew.shared.withdraw(job)
            return job.waitForAll()
        }
        if let failure { throw failure }
    }

    /// The results of `body` for `0 ..< count`, in order.
    public static func map<Result: Sendable>(
        _ count: Int, threads: Int? = nil, _ body: @Sendable (Int) throws(MartletError) -> Result
    ) throws(MartletError) -> [Result] {
        let slots = ResultSlots<Result>(count: count)
        try forEach(count, threads: threads) { index throws(MartletError) in slots.set(index, try body(index)) }
        return slots.take()
    }
}

private let configuredThreadCount = Atomic<Int>(
    {
        if let text = unsafe getenv("MARTLET_NUM_THREADS"), let count = Int(unsafe String(cString: text)), count > 0 {
            return min(count, 1024)
        }
        return usableProcessorCount()
    }())

/// The processors this process may use, not those that the machine has. The call stands behind _GNU_SOURCE in
/// the C headers, so it is looked up by its name.
private func usableProcessorCount() -> Int {
    typealias GetAffinity = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32
    guard let symbol = unsafe dlsym(nil, "sched_getaffinity") else { return 1 }
    let getAffinity = unsafe unsafeBitCast(symbol, to: GetAffinity.self)
    var mask = [UInt8](repeating: 0, count: 1024)
    let status = unsafe mask.withUnsafeMutableBytes { unsafe getAffinity(0, $0.count, $0.baseAddress!) }
    return status == 0 ? max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount }) : 1
}

/// One slot per item; items are distinct, so no two threads write the same slot.
@safe private final class ResultSlots<Result: Sendable>: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Result?>
    private let count: Int
    init(count: Int) {
        self.count = count
        unsafe slots = .allocate(capacity: max(count, 1))
        unsafe slots.initialize(repeating: nil, count: count)
    }
    func set(_ index: Int, _ result: Result) { unsafe slots[index] = result }
    func take() -> [Result] { (0..<count).compactMap { unsafe slots[$0] } }
    deinit {
        unsafe slots.deinitialize(count: count)
        unsafe slots.deallocate()
    }
}

/// The items of one `forEach`, handed out one by one.
final class Job: @unchecked Sendable {
    let count: Int
    // Safety: cleared by the caller in `waitForAll`, when no helper is inside the job any more.
    private nonisolated(unsafe) var body: (@Sendable (Int) throws(MartletError) -> Void)?
    private let next = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)
    private let failure = Guarded<(index: Int, error: MartletError)?>(nil)
    private let failed = Atomic<Bool>(false)

    init(count: Int, body: @escaping @Sendable (Int) throws(MartletError) -> Void) {
        self.count = count
        unsafe self.body = body
    }

    /// Works on items until there are none left to start.
    @inline(never)
    func work() {
        guard let body = unsafe body else { return }
        while !failed.load(ordering: .relaxed) {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            if index >= count { break }
            do throws(MartletError) {
                try body(index)
            } catch {
                failure.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
                failed.store(true, ordering: .relaxed)
            }
        }
    }

    /// A helper counts as busy from the moment it takes the job, under the crew's lock, so that the caller's
    /// wait after `withdraw` sees it.
    func enter() { busy.wrappingAdd(1, ordering: .sequentiallyConsistent) }

    func leave() {
        if busy.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 { Crew.shared.wakeWaiters() }
    }

    /// Whether a helper is inside.
    var isBusy: Bool { busy.load(ordering: .sequentiallyConsistent) > 0 }

    /// Waits until no helper is inside, then lets go of the caller's closure. Only after `Crew.withdraw`, so
    /// that none can enter. A caller that `helps` works on other jobs meanwhile.
    func waitForAll(helping helps: Bool = false) -> MartletError? {
        Crew.shared.wait(helping: helps) { !self.isBusy }
        unsafe body = nil
        return failure.withLock { $0?.error }
    }
}

/// The threads, and the jobs that want help.
final class Crew: @unchecked Sendable {
    static let shared = Crew()

    private let lock: ForkSafeLock
    private let state: State

    /// Guarded by `lock`.
    @safe private final class State: @unchecked Sendable {
        var offers: [(job: Job, helpers: Int)] = []
        var threadCount = 0
        var idleCount = 0
        /// Callers that wait for their own job and would work on others.
        var helpingCount = 0
        let wake: UnsafeMutablePointer<pthread_cond_t>
        let done: UnsafeMutablePointer<pthread_cond_t>
        init() {
            unsafe wake = .allocate(capacity: 1)
            unsafe done = .allocate(capacity: 1)
            renew()
        }
        /// A forked child has no threads, and nobody waits there.
        func renew() {
            unsafe pthread_cond_init(wake, nil)
            unsafe pthread_cond_init(done, nil)
            offers = []
            threadCount = 0
            idleCount = 0
            helpingCount = 0
        }
    }

    private init() {
        let state = State()
        self.state = state
        lock = ForkSafeLock(inChild: { state.renew() })
    }

    func offer(_ job: Job, helpers: Int) {
        guard helpers > 0 else { return }
        lock.withLock {
            state.offers.append((job, helpers))
            var missing = helpers - state.idleCount
            while missing > 0 && state.threadCount < WorkerPool.threadCount - 1 && startThread() { missing -= 1 }
            unsafe pthread_cond_broadcast(state.wake)
        }
    }

    func withdraw(_ job: Job) {
        lock.withLock { state.offers.removeAll { $0.job === job } }
    }

    func wakeWaiters() {
        lock.withLock {
            unsafe pthread_cond_broadcast(state.done)
            // Those who help wait where the others wait for work.
            if state.helpingCount > 0 { unsafe pthread_cond_broadcast(state.wake) }
        }
    }

    func wait(helping helps: Bool, until condition: () -> Bool) {
        if condition() { return }
        while true {
            var job: Job?
            lock.withLock {
                while !condition() {
                    if helps { job = takeOffer() }
                    if job != nil { return }
                    state.helpingCount += helps ? 1 : 0
                    unsafe pthread_cond_wait(helps ? state.wake : state.done, lock.rawMutex)
                    state.helpingCount -= helps ? 1 : 0
                }
            }
            guard let job else { return }
            job.work()
            job.leave()
        }
    }

    /// The oldest job that wants help, entered; a job that has all of its helpers is no offer any more. Called under the lock.
    private func takeOffer() -> Job? {
        guard let job = state.offers.first?.job else { return nil }
        state.offers[0].helpers -= 1
        if state.offers[0].helpers == 0 { state.offers.removeFirst() }
        job.enter()
        return job
    }

    /// Called under the lock.
    private func startThread() -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // Signals belong to the caller's own threads.
        var all = sigset_t()
        var old = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &old)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, &attributes,
            { _ in
                Crew.shared.serve()
                return nil
            }, nil)
        unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
        unsafe pthread_attr_destroy(&attributes)
        if status == 0 { state.threadCount += 1 }
        return status == 0
    }

    /// A worker's life: take the oldest job that wants help, work on it, park.
    private func serve() {
        while true {
            var job: Job?
            lock.withLock {
                while true {
                    job = takeOffer()
                    if job != nil { return }
                    state.idleCount += 1
                    unsafe pthread_cond_wait(state.wake, lock.rawMutex)
                    state.idleCount -= 1
                }
            }
            job?.work()
            job?.leave()
        }
    }
}
