import Glibc
import MartletBase
import Synchronization
import Testing

@Suite(.serialized) struct WorkerPoolTests {
    @Test(arguments: [0, 1, 2, 3, 100, 10_000])
    func everyItemRunsOnce(count: Int) throws {
        let sum = Atomic<Int>(0)
        try WorkerPool.forEach(count, threads: 4) { i throws(MartletError) in sum.wrappingAdd(i + 1, ordering: .relaxed) }
        #expect(sum.load(ordering: .relaxed) == count * (count + 1) / 2)
        #expect(try WorkerPool.map(count, threads: 3) { i throws(MartletError) in i * 2 } == (0..<count).map { $0 * 2 })
    }

    @Test func theFirstErrorIsThrownAndTheRestIsLeft() {
        let started = Atomic<Int>(0)
        #expect(throws: MartletError.invalid("item 10")) {
            try WorkerPool.forEach(1_000_000, threads: 2) { i throws(MartletError) in
                started.wrappingAdd(1, ordering: .relaxed)
                if i == 10 { throw .invalid("item 10") }
            }
        }
        #expect(started.load(ordering: .relaxed) < 1_000_000)
    }

    @Test func callsNest() throws {
        let sum = Atomic<Int>(0)
        try WorkerPool.forEach(20) { _ throws(MartletError) in
            try WorkerPool.forEach(20) { _ throws(MartletError) in sum.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 400)
    }
}
