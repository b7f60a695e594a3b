import Glibc
import MartletBase
import Testing

@testable import MartletIO

@Suite struct AppendingSinkTests {
    private func append(_ path: String, _ added: [UInt8], _ system: SystemCalls = SystemCalls()) throws {
        let sink = try AppendingSink(path: path, isDurable: true, system: system)
        try sink.write([Buffer(Array(added[..<(added.count / 2)]))])
        try sink.write(Buffer(Array(added[(added.count / 2)...])))
        try sink.close()
    }

    @Test(arguments: [0, 1, 3_000_000])
    func bytesFollowTheFile(_ count: Int) throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(1_000), to: "f")
        let added = pattern(count).map { ~$0 }
        try append(path, added)
        #expect(try scratch.read("f") == pattern(1_000) + added)
        #expect(try scratch.names == ["f"])
    }

    @Test(arguments: [SystemCalls.Fault.error(EINTR), .short(1), .short(700)])
    func interruptedAndShortCalls(_ fault: SystemCalls.Fault) throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(100), to: "f")
        for name in [SystemCalls.Name.write, .writev, .pread] {
            let before = try scratch.read("f")
            try append(path, pattern(5_000), faulting(name, every: 2, fault))
            #expect(try scratch.read("f") == before + pattern(5_000))
        }
    }

    /// Whatever call fails, the file is the old one or, when its error came last of all, the new one.
    @Test(arguments: [SystemCalls.Name.open, .write, .writev, .fsync, .truncate, .seek, .stat, .pread])
    func everyFailureLeavesTheOldFile(_ name: SystemCalls.Name) throws {
        for k in 0..<12 {
            let scratch = try Scratch()
            let path = try scratch.write(pattern(1_000), to: "f")
            let added = pattern(100_000)
            do {
                try append(path, added, faulting(name, from: k, .error(EIO)))
                #expect(try scratch.read("f") == pattern(1_000) + added)
            } catch {
                #expect(try scratch.read("f") == pattern(1_000))
            }
            #expect(try scratch.names == ["f"])
        }
    }

    @Test func oneAtATime() throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(10), to: "f")
        let first = try AppendingSink(path: path)
        #expect(throws: MartletError.self) { try AppendingSink(path: path) }
        first.abort()
        let second = try AppendingSink(path: path)
        second.abort()
        #expect(throws: MartletError.self) { try second.write(Buffer([1])) }
        #expect(try scratch.read("f") == pattern(10) && scratch.names == ["f"])
        #expect(throws: MartletError.self) { try AppendingSink(path: scratch.file("none")) }
    }

    @Test func aForkedChildCannotCommit() throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(10), to: "f")
        let sink = try AppendingSink(path: path)
        try sink.write(Buffer(pattern(5)))
        let status = inForkedChild {
            do { try sink.close() } catch { return 7 }
            return 0
        }
        #expect(status == 7)
        try sink.close()
        #expect(try scratch.read("f") == pattern(10) + pattern(5))
    }
}
