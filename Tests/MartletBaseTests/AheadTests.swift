import MartletBase
import Testing

struct AheadTests {
    @Test(arguments: [1, 2, 4])
    func resultsComeInOrder(threads: Int) throws {
        let before = WorkerPool.threadCount
        WorkerPool.threadCount = threads
        defer { WorkerPool.threadCount = before }
        for round in 0..<200 {
            let ahead = (0..<5).map { number in
                WorkerPool.Ahead { () throws(MartletError) in
                    // Work inside uses the pool too.
                    try WorkerPool.map(8) { (part) throws(MartletError) in part * number }.reduce(0, +) + round
                }
            }
            for (number, one) in ahead.enumerated() { #expect(try one.take() == 28 * number + round) }
        }
    }

    @Test func errorsComeWhereTheResultIsAsked() {
        let ahead = WorkerPool.Ahead { () throws(MartletError) -> Int in throw .invalid("none") }
        let error = #expect(throws: MartletError.self) { try ahead.take() }
        #expect(error?.message == "none")
    }

    @Test func aResultIsTakenOnce() throws {
        let ahead = WorkerPool.Ahead { () throws(MartletError) in 7 }
        #expect(try ahead.take() == 7)
        #expect(throws: MartletError.self) { try ahead.take() }
    }

    @Test func whatNobodyAsksForHurtsNobody() throws {
        for _ in 0..<1000 { _ = WorkerPool.Ahead { () throws(MartletError) in 1 } }
        #expect(try WorkerPool.map(4) { (part) throws(MartletError) in part } == [0, 1, 2, 3])
    }
}
