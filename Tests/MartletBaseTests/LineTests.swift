import MartletBase
import Synchronization
import Testing

struct LineTests {
    @Test(arguments: [1, 2, 4])
    func resultsComeInTheirOrder(threads: Int) throws {
        let before = WorkerPool.threadCount
        WorkerPool.threadCount = threads
        defer { WorkerPool.threadCount = before }
        for runsAhead in [true, false] {
            let atWork = Atomic<Int>(0)
            let lines = (0..<5).map { line in
                WorkerPool.Line { (item: Int) throws(MartletError) in
                    try WorkerPool.map(8) { (part) throws(MartletError) in part * line }.reduce(0, +) + item
                }
            }
            let single = WorkerPool.Line { (item: Int) throws(MartletError) in
                // Never two threads at once.
                let others = atWork.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
                defer { atWork.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
                return others == 0 ? item : -1
            }
            var (added, taken) = (0, 0)
            while taken < 500 {
                while added < min(500, taken + 1 + taken % 7) {
                    for line in lines { line.add(added, runsAhead: runsAhead) }
                    single.add(added, runsAhead: runsAhead)
                    added += 1
                }
                for (number, line) in lines.enumerated() { #expect(try line.take() == 28 * number + taken) }
                #expect(try single.take() == taken)
                taken += 1
            }
        }
    }

    @Test func anErrorEndsTheLine() throws {
        let calls = Atomic<Int>(0)
        let line = WorkerPool.Line { (item: Int) throws(MartletError) in
            calls.wrappingAdd(1, ordering: .relaxed)
            if item == 2 { throw .invalid("two") }
            return item
        }
        for item in 0..<5 { line.add(item) }
        #expect(try line.take() == 0)
        #expect(try line.take() == 1)
        for item in 5..<8 {
            // What is added behind the error is not done either.
            line.add(item)
            let error = #expect(throws: MartletError.self) { try line.take() }
            #expect(error?.message == "two")
        }
        #expect(calls.load(ordering: .relaxed) == 3)
    }

    @Test func whatNobodyTakesHurtsNobody() throws {
        for _ in 0..<1000 {
            let line = WorkerPool.Line { (item: Int) throws(MartletError) in item }
            for item in 0..<4 { line.add(item) }
        }
        #expect(try WorkerPool.map(4) { (part) throws(MartletError) in part } == [0, 1, 2, 3])
    }

    @Test func aDroppedLineLetsGo() async throws {
        final class Watched: Sendable {}
        weak var watched: Watched?
        do {
            let object = Watched()
            watched = object
            let line = WorkerPool.Line { [object] (item: Int) throws(MartletError) in
                _ = object
                return item
            }
            for item in 0..<100 { line.add(item) }
            #expect(try line.take() == 0)
        }
        // A thread may still be at the end of its item.
        for _ in 0..<1000 where watched != nil { try await Task.sleep(nanoseconds: 1_000_000) }
        #expect(watched == nil)
    }
}
