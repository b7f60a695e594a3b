import Glibc
import MartletBase
import MartletIO
import Testing

enum SinkKind: CaseIterable {
    case file, atomic, descriptor, memory, callback
}

@Suite struct SinkTests {
    /// Writes single ranges and lists of buffers, more than one system call takes.
    @Test(arguments: SinkKind.allCases)
    func writes(kind: SinkKind) throws {
        let scratch = try Scratch()
        var received: [UInt8] = []
        var commits: [Bool] = []
        var memory: MemorySink?
        let sink: any ByteSink
        switch kind {
        case .file: sink = try FileSink(path: scratch.file("f"))
        case .atomic: sink = try AtomicFileSink(path: scratch.file("f"))
        case .descriptor:
            sink = try unsafe DescriptorSink(
                descriptor: open(scratch.file("f"), O_WRONLY | O_CREAT, 0o600), ownsDescriptor: true)
        case .memory:
            memory = try MemorySink()
            sink = memory!
        case .callback:
            sink = unsafe CallbackSink(write: { unsafe received.append(contentsOf: $0) }, close: { commits.append($0) })
        }
        var expected: [UInt8] = []
        for (index, size) in [0, 1, 100, 70_000, 3, 2_000_000].enumerated() {
            let part = pattern(size + index)
            expected += part
            try sink.write(Buffer(part))
        }
        let parts = (0..<3_000).map { pattern($0 % 40) } + [pattern(300_000), [], pattern(9)]
        expected += parts.flatMap { $0 }
        try sink.write(parts.map { part in try Buffer(part) })
        try sink.write([])
        #expect(sink.position == expected.count)
        try sink.close()
        try sink.close()
        switch kind {
        case .file, .atomic, .descriptor: #expect(try scratch.read("f") == expected)
        case .memory: #expect(try bytes(memory!.finish()) == expected)
        case .callback:
            #expect(received == expected)
            #expect(commits == [true])
        }
        let error = #expect(throws: MartletError.self) { try sink.write(Buffer([1 as UInt8])) }
        #expect(error?.message.hasPrefix("Operation on closed file") == true)
    }

    @Test func appending() throws {
        let scratch = try Scratch()
        _ = try scratch.write([1, 2, 3], to: "f")
        let sink = try FileSink(path: scratch.file("f"), append: true)
        #expect(sink.position == 3)
        try sink.write(Buffer([4, 5] as [UInt8]))
        try sink.close()
        #expect(try scratch.read("f") == [1, 2, 3, 4, 5])
    }

    @Test func aCallbackThatThrowsEndsTheWrite() throws {
        var commits: [Bool] = []
        let sink = unsafe CallbackSink(
            write: { _ throws(MartletError) in throw .invalid("no") }, close: { commits.append($0) })
        #expect(throws: MartletError.self) { try sink.write(Buffer([1 as UInt8])) }
        #expect(throws: MartletError.self) { try sink.close() }
        #expect(commits == [false])
    }

    @Test(arguments: [SystemCalls.Fault.error(EINTR), .short(1), .short(5_000)])
    func interruptedAndShortWrites(fault: SystemCalls.Fault) throws {
        let scratch = try Scratch()
        for name in [SystemCalls.Name.write, .writev] {
            let sink = try AtomicFileSink(path: scratch.file("f"), system: faulting(name, every: 2, fault))
            let parts = (0..<40).map { pattern($0 * 100) }
            for part in parts { try sink.write(Buffer(part)) }
            try sink.write(parts.map { part in try Buffer(part) })
            try sink.close()
            #expect(try scratch.read("f") == parts.flatMap { $0 } + parts.flatMap { $0 })
        }
    }
}

@Suite struct AtomicFileSinkTests {
    @Test func theOldFileStaysUntilTheEnd() throws {
        let scratch = try Scratch()
        _ = try scratch.write([1], to: "f")
        let sink = try AtomicFileSink(path: scratch.file("f"))
        try sink.write(Buffer([2, 3] as [UInt8]))
        #expect(try scratch.read("f") == [1])
        #expect(try scratch.names.count == 2)
        #expect(try scratch.names.contains { $0.hasPrefix(".f.martlet-\(getpid())-") })
        try sink.close()
        #expect(try scratch.read("f") == [2, 3])
        #expect(try scratch.names == ["f"])
    }

    @Test func givingUp() throws {
        let scratch = try Scratch()
        _ = try scratch.write([1], to: "f")
        let sink = try AtomicFileSink(path: scratch.file("f"))
        try sink.write(Buffer([2] as [UInt8]))
        sink.abort()
        try sink.close()
        #expect(throws: MartletError.self) { try sink.write(Buffer([2] as [UInt8])) }
        do {
            let forgotten = try AtomicFileSink(path: scratch.file("f"))
            try forgotten.write(Buffer([2] as [UInt8]))
        }
        #expect(try scratch.read("f") == [1])
        #expect(try scratch.names == ["f"])
    }

    /// Whatever call fails, at whatever point: an error, the old file, and nothing left behind.
    @Test(arguments: [SystemCalls.Name.open, .write, .writev, .fsync, .rename, .seek])
    func everyFailureLeavesTheOldFile(name: SystemCalls.Name) throws {
        let scratch = try Scratch()
        for first in 0..<20 {
            _ = try scratch.write([1], to: "f")
            let counter = Counter()
            let system = SystemCalls { call in
                call == name && counter.next() == first ? .error(ENOSPC) : nil
            }
            func write() throws(MartletError) {
                let sink = try AtomicFileSink(path: scratch.file("f"), system: system)
                for _ in 0..<5 {
                    try sink.write(Buffer([2, 3] as [UInt8]))
                    try sink.write([Buffer([4] as [UInt8]), Buffer([5] as [UInt8])])
                    sink.suspend()
                }
                try sink.close()
            }
            do throws(MartletError) {
                try write()
                if counter.count > first { #expect(name == .open, "an opening that only syncs may fail") }
                break
            } catch {
                #expect(error.systemError == ENOSPC)
                // The directory is synced after the rename: then the new file is there, whole.
                if !(name == .fsync && first == 1) { #expect(try scratch.read("f") == [1]) }
                #expect(try scratch.names == ["f"])
            }
        }
    }

    @Test func aFailedWriteNeverCommits() throws {
        let scratch = try Scratch()
        let sink = try AtomicFileSink(path: scratch.file("f"), system: faulting(.write, from: 1, .error(ENOSPC)))
        try sink.write(Buffer([1] as [UInt8]))
        let error = #expect(throws: MartletError.self) { try sink.write(Buffer([2] as [UInt8])) }
        #expect(error?.message.contains("No space left on device") == true)
        #expect(throws: MartletError.self) { try sink.write(Buffer([3] as [UInt8])) }
        #expect(throws: MartletError.self) { try sink.close() }
        #expect(try scratch.names == [])
    }

    @Test func modeAndLinksAreKept() throws {
        let scratch = try Scratch()
        _ = try scratch.write([1], to: "real")
        unsafe chmod(scratch.file("real"), 0o640)
        try FileSystem.createDirectories(scratch.file("sub"))
        unsafe symlink("../real", scratch.file("sub/link"))
        unsafe symlink("sub/link", scratch.file("chain"))
        let sink = try AtomicFileSink(path: scratch.file("chain"))
        try sink.write(Buffer([2] as [UInt8]))
        try sink.close()
        #expect(try scratch.read("real") == [2])
        var status = stat()
        unsafe lstat(scratch.file("chain"), &status)
        #expect(status.st_mode & S_IFMT == S_IFLNK)
        unsafe stat(scratch.file("real"), &status)
        #expect(status.st_mode & 0o7777 == 0o640)
    }

    @Test func aLinkToNothingMakesWhatItNames() throws {
        let scratch = try Scratch()
        unsafe symlink("new", scratch.file("link"))
        let sink = try AtomicFileSink(path: scratch.file("link"))
        try sink.write(Buffer([2] as [UInt8]))
        try sink.close()
        #expect(try scratch.read("new") == [2])
        unsafe symlink("b", scratch.file("a"))
        unsafe symlink("a", scratch.file("b"))
        let error = #expect(throws: MartletError.self) { try AtomicFileSink(path: scratch.file("a")) }
        #expect(error?.systemError == ELOOP)
    }

    @Test func devicesAndPipesAreWrittenPlainly() throws {
        let scratch = try Scratch()
        let null = try AtomicFileSink(path: "/dev/null")
        try null.write(Buffer(pattern(1_000)))
        null.suspend()
        try null.write([Buffer(pattern(1_000))])
        try null.close()
        unsafe mkfifo(scratch.file("fifo"), 0o600)
        // Held open for reading, or the writer would wait for one.
        let reader = unsafe open(scratch.file("fifo"), O_RDWR)
        let sink = try AtomicFileSink(path: scratch.file("fifo"))
        try sink.write(Buffer([1, 2, 3] as [UInt8]))
        try sink.close()
        let stream = try DescriptorStreamSource(descriptor: reader, ownsDescriptor: true)
        #expect(try bytes(stream.read(3)) == [1, 2, 3])
        #expect(try scratch.names == ["fifo"])
    }

    @Test func whatCannotBeWritten() throws {
        let scratch = try Scratch()
        for path in [scratch.path, scratch.file("missing/f"), "", "a\0"] {
            #expect(throws: MartletError.self) { try AtomicFileSink(path: path) }
        }
        let error = #expect(throws: MartletError.self) { try AtomicFileSink(path: scratch.path) }
        #expect(
            error?.message == "Failed to open local file '\(scratch.path)'. Detail: [errno 21] Is a directory")
        let long = String(repeating: "n", count: 255)
        let sink = try AtomicFileSink(path: scratch.file(long))
        try sink.close()
        #expect(try scratch.names == [long])
    }

    @Test func thousandsOfFilesWithFewDescriptors() throws {
        let scratch = try Scratch()
        var old = rlimit()
        unsafe getrlimit(__rlimit_resource_t(7), &old)
        let status = inForkedChild {
            var few = rlimit(rlim_cur: 64, rlim_max: old.rlim_max)
            unsafe setrlimit(__rlimit_resource_t(7), &few)
            do throws(MartletError) {
                var sinks: [AtomicFileSink] = []
                for index in 0..<2_000 { sinks.append(try AtomicFileSink(path: scratch.file("\(index)"))); sinks[index].suspend() }
                for round in 0..<2 {
                    for sink in sinks {
                        try sink.write(Buffer([UInt8(round)]))
                        sink.suspend()
                    }
                }
                try AtomicFileSink.commitAll(sinks)
            } catch {
                return 1
            }
            return 0
        }
        #expect(status == 0)
        #expect(try scratch.names.count == 2_000)
        #expect(try scratch.read("1999") == [0, 1])
    }

    @Test func commitAllIsAllOrNothingUntilTheRenames() throws {
        let scratch = try Scratch()
        let good = try (0..<3).map { try AtomicFileSink(path: scratch.file("\($0)")) }
        let bad = try AtomicFileSink(path: scratch.file("bad"), system: faulting(.fsync, .error(EIO)))
        for sink in good + [bad] { try sink.write(Buffer([1] as [UInt8])) }
        #expect(throws: MartletError.self) { try AtomicFileSink.commitAll(good + [bad]) }
        #expect(try scratch.names == [])
        let again = try (0..<3).map { try AtomicFileSink(path: scratch.file("\($0)")) }
        try AtomicFileSink.commitAll(again)
        #expect(try scratch.names == ["0", "1", "2"])
    }

    @Test func aForkedChildNeitherCommitsNorRemoves() throws {
        let scratch = try Scratch()
        var sink: AtomicFileSink? = try AtomicFileSink(path: scratch.file("f"))
        try sink?.write(Buffer([1] as [UInt8]))
        let status = inForkedChild {
            var refusals: Int32 = 0
            do throws(MartletError) { try sink?.write(Buffer([2] as [UInt8])) } catch { refusals += 1 }
            do throws(MartletError) { try sink?.close() } catch { refusals += 1 }
            sink = nil
            return refusals
        }
        #expect(status == 2)
        try sink?.write(Buffer([3] as [UInt8]))
        try sink?.close()
        #expect(try scratch.read("f") == [1, 3])
    }

    @Test func aKilledWriterLeavesTheOldFileOrNone() throws {
        let scratch = try Scratch()
        let content = pattern(200_000)
        for round in 0..<60 {
            let hadOne = round % 2 == 0
            if hadOne { _ = try scratch.write([9, 9], to: "f") } else { unsafe unlink(scratch.file("f")) }
            let status = inForkedChild {
                do throws(MartletError) {
                    let sink = try AtomicFileSink(path: scratch.file("f"))
                    for _ in 0..<20 { try sink.write(Buffer(content)) }
                    try sink.close()
                } catch {
                    return 1
                }
                return 0
            } parent: { child in
                usleep(UInt32.random(in: 0...12_000))
                kill(child, SIGKILL)
            }
            #expect(status == 0 || status == -SIGKILL)
            let found = try FileSystem.status(of: scratch.file("f")).map { _ in try scratch.read("f") }
            let isOld = hadOne ? found == [9, 9] : found == nil
            #expect(isOld || found?.count == 20 * content.count)
            #expect(status != 0 || !isOld)
        }
    }
}

@Suite struct FileSystemTests {
    @Test func directoriesAndFiles() throws {
        let scratch = try Scratch()
        try FileSystem.createDirectories(scratch.file("a/b/c/"))
        try FileSystem.createDirectories(scratch.file("a/b"))
        _ = try scratch.write([1, 2], to: "a/b/z")
        _ = try scratch.write([1], to: "a/y")
        _ = try scratch.write([], to: "x")
        let listed = try FileSystem.list(scratch.path, recursive: true)
        #expect(listed.map { String($0.path.dropFirst(scratch.path.count + 1)) } == ["a", "a/b", "a/b/c", "a/b/z", "a/y", "x"])
        #expect(listed.map(\.status.kind) == [.directory, .directory, .directory, .file, .file, .file])
        #expect(listed[3].status.byteCount == 2)
        #expect(try FileSystem.list(scratch.path).count == 2)
        #expect(throws: MartletError.self) { try FileSystem.list(scratch.path, recursive: true, limit: 5) }
        #expect(throws: MartletError.self) { try FileSystem.list(scratch.file("nothing")) }
        #expect(throws: MartletError.self) { try FileSystem.list(scratch.file("x")) }
        #expect(throws: MartletError.self) { try FileSystem.createDirectories(scratch.file("x/d")) }
        #expect(throws: MartletError.self) { try FileSystem.createDirectories(scratch.file("x")) }
        #expect(try FileSystem.status(of: scratch.file("nothing")) == nil)
        #expect(try FileSystem.status(of: scratch.file("x/below")) == nil)
        try FileSystem.removeFile(scratch.file("x"))
        #expect(throws: MartletError.self) { try FileSystem.removeFile(scratch.file("x")) }
        unsafe symlink(scratch.file("a"), scratch.file("link"))
        try FileSystem.removeDirectory(scratch.file("a/b"), keepingRoot: true)
        #expect(try FileSystem.list(scratch.file("a/b")) == [])
        try FileSystem.removeDirectory(scratch.file("a"))
        #expect(try scratch.names == [])
    }

    @Test func aLinkThatLeadsBackEnds() throws {
        let scratch = try Scratch()
        unsafe symlink(scratch.path, scratch.file("self"))
        // The kernel ends such a path after 40 links.
        _ = try? FileSystem.list(scratch.path, recursive: true)
        try FileSystem.removeDirectory(scratch.path)
    }

    @Test func manyEntries() throws {
        let scratch = try Scratch()
        for index in 0..<500 { _ = try scratch.write([], to: "\(index)") }
        #expect(try scratch.names.count == 500)
    }
}
