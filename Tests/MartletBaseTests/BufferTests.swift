import MartletBase
import Testing

@Suite struct BufferTests {
    @Test func growsKeepsAndPads() throws {
        var builder = try BufferBuilder()
        for i in 0..<1000 { try builder.append(Int32(i)) }
        let buffer = builder.finish()
        #expect(buffer.count == 4000)
        #expect(buffer.isAligned(to: 64))
        let values = buffer.span(of: Int32.self)
        for i in 0..<1000 { #expect(values[i] == Int32(i)) }
    }

    @Test func slicesShareMemoryAndRefuseToLeaveIt() throws {
        let buffer = try Buffer([1, 2, 3, 4] as [UInt8])
        let part = try buffer.slice(at: 1, count: 2)
        #expect(part.addressBits == buffer.addressBits + 1)
        #expect(throws: MartletError.self) { try buffer.slice(at: 3, count: 2) }
        #expect(throws: MartletError.self) { try buffer.slice(at: -1, count: 1) }
        #expect(throws: MartletError.self) { try buffer.slice(at: 1, count: .max) }
    }

    @Test func anAbsurdSizeIsAnErrorNotAnAbort() {
        #expect(throws: MartletError.self) { _ = try BufferBuilder(byteCapacity: .max).byteCount }
        #expect(throws: MartletError.self) { _ = try BufferBuilder(byteCapacity: 1 << 60).byteCount }
        #expect(throws: MartletError.self) { _ = try BufferBuilder(byteCapacity: -1).byteCount }
    }

    /// Big blocks come back from the pool; what is held is counted.
    @Test func bigBlocksAreRecycled() throws {
        let before = MemoryStatistics.liveByteCount
        for _ in 0..<100 {
            let buffer = try Buffer(zeroed: 5 << 20)
            #expect(buffer.count == 5 << 20)
            #expect(MemoryStatistics.liveByteCount >= 5 << 20)
        }
        MemoryStatistics.releaseUnused()
        #expect(MemoryStatistics.liveByteCount < before + (64 << 20))
    }

    @Test func aCursorNeverReadsPastTheEnd() throws {
        let buffer = try Buffer([0xE5, 0x8E, 0x26, 0xFF] as [UInt8])
        var cursor = ByteCursor(buffer.bytes)
        let first = try cursor.readVarint()
        #expect(first == 624_485)
        #expect(throws: MartletError.self) { try cursor.readVarint() }
        var other = ByteCursor(buffer.bytes)
        #expect(throws: MartletError.self) { try other.read(UInt64.self) }
        #expect(throws: MartletError.self) { try other.skip(5) }
        #expect(throws: MartletError.self) { try other.skip(-1) }
        #expect(try other.read(UInt32.self) == 0xFF26_8EE5)
        let isAtEnd = other.isAtEnd
        #expect(isAtEnd)
    }

    @Test func tooLongVarintsAreRefused() throws {
        let eleven = try Buffer([UInt8](repeating: 0x80, count: 10) + [1])
        var cursor = ByteCursor(eleven.bytes)
        #expect(throws: MartletError.self) { try cursor.readVarint() }
        let tooBig = try Buffer([UInt8](repeating: 0xFF, count: 9) + [2])
        var second = ByteCursor(tooBig.bytes)
        #expect(throws: MartletError.self) { try second.readVarint() }
        let largest = try Buffer([UInt8](repeating: 0xFF, count: 9) + [1])
        var third = ByteCursor(largest.bytes)
        #expect(try third.readVarint() == .max)
    }
}
