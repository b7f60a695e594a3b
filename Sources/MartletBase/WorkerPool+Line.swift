import Glibc

extension WorkerPool {
    /// Work that is done in order, one item at a time, by whatever thread is free, ahead of who takes the results.
    ///
    /// Where no thread is free an item is done when its result is asked for, so nobody ever waits for what nobody works on.
    /// Who drops the line stops it behind the item at hand.
    public final class Line<Item: Sendable, Result: Sendable>: Sendable {
        private let core: Core

        /// - Parameter body: never called by two threads at once. After an error it is not called again.
        public init(_ body: @escaping @Sendable (Item) throws(MartletError) -> Result) { core = Core(body) }

        /// Puts an item at the end of the line.
        ///
        /// - Parameter runsAhead: whether the pool may begin; if not, items are done when they are asked for.
        public func add(_ item: Item, runsAhead: Bool = true) {
            core.state.withLock {
                if $0.failure == nil { $0.items.append(item) }
                $0.runsAhead = runsAhead
            }
            core.offer()
        }

        /// The result of the oldest item whose result was not taken.
        ///
        /// Throws what the body throws, and `invalid` in a forked child whose parent's thread was at work on it.
        public func take() throws(MartletError) -> Result {
            while true {
                switch core.step() {
                case .found(let result): return result
                case .failed(let error): throw error
                case .begin(let item):
                    core.finish(item)
                case .wait:
                    guard getpid() == core.process else {
                        throw .invalid("the process was forked while data was read ahead; open the reader in the child")
                    }
                    Crew.shared.wait(helping: true) { core.state.withLock { !$0.isRunning || !$0.results.isEmpty } }
                }
            }
        }

        deinit { core.cancel() }

        fileprivate enum Step {
            case found(Result)
            case failed(MartletError)
            case begin(Item)
            case wait
        }

        /// What the line shares with the threads that work on it.
        private final class Core: Sendable {
            struct State {
                var items: [Item] = []
                var results: [Result] = []
                var failure: MartletError?
                var runsAhead = false
                /// Whether a thread is at work on an item.
                var isRunning = false
                /// The job that the crew may take, or has taken.
                var job: Job?

                /// The next item, which then is at work; nil where there is none, or one already is.
                mutating func begin() -> Item? {
                    guard !isRunning, !items.isEmpty else { return nil }
                    isRunning = true
                    return items.removeFirst()
                }
            }
            let state = Guarded(State())
            let process = getpid()
            private let body: @Sendable (Item) throws(MartletError) -> Result

            init(_ body: @escaping @Sendable (Item) throws(MartletError) -> Result) { self.body = body }

            /// Lets the crew work on the line, unless it may already.
            func offer() {
                let job: Job? = state.withLock { state in
                    guard state.runsAhead, state.job == nil, !state.items.isEmpty, WorkerPool.threadCount > 1 else {
                        return nil
                    }
                    let job = Job(count: 1) { (_) throws(MartletError) in self.run() }
                    state.job = job
                    return job
                }
                if let job { Crew.shared.offer(job, helpers: 1) }
            }

            /// A helper's part: items until none is left, or until another thread is at work on one.
            private func run() {
                while true {
                    let item = state.withLock { state in
                        let item = state.begin()
                        if item == nil { state.job = nil }
                        return item
                    }
                    guard let item else { return }
                    finish(item)
                }
            }

            /// What who wants a result has to do.
            func step() -> Step {
                state.withLock { state in
                    if !state.results.isEmpty { return .found(state.results.removeFirst()) }
                    if state.isRunning { return .wait }
                    if let item = state.begin() { return .begin(item) }
                    return .failed(state.failure ?? .invalid("nothing is left in the line"))
                }
            }

            /// Works on an item that has begun.
            func finish(_ item: Item) {
                do throws(MartletError) {
                    let result = try body(item)
                    state.withLock {
                        $0.results.append(result)
                        $0.isRunning = false
                    }
                } catch {
                    state.withLock {
                        ($0.failure, $0.isRunning) = (error, false)
                        $0.items.removeAll()
                    }
                }
                Crew.shared.wakeWaiters()
                offer()
            }

            func cancel() {
                let job = state.withLock { state in
                    state.items.removeAll()
                    return state.job.take()
                }
                if let job { Crew.shared.withdraw(job) }
            }
        }
    }
}
