import Glibc
import MartletBase
import MartletIO
import Testing

enum SourceKind: CaseIterable {
    case file, mapped, memory, callback

    func open(_ content: [UInt8], _ scratch: Scratch) throws -> any ByteSource {
        switch self {
        case .file: return try FileSource(path: scratch.write(content, to: "file"))
        case .mapped: return try MappedFileSource(path: scratch.write(content, to: "mapped"))
        case .memory: return try MemorySource(Buffer(content))
        case .callback:
            // At most 1,000 bytes at a time, as a Python file may do.
            return unsafe CallbackSource(byteCount: content.count) { offset, destination in
                let count = min(destination.count, 1_000)
                unsafe destination.copyBytes(from: content[offset..<offset + count])
                return count
            }
        }
    }
}

@Suite struct SourceTests {
    @Test(arguments: SourceKind.allCases)
    func windows(kind: SourceKind) throws {
        let scratch = try Scratch()
        let content = pattern(10_000)
        let source = try kind.open(content, scratch)
        #expect(source.byteCount == content.count)
        #expect(source.isThreadSafe == (kind != .callback))
        for (offset, count) in [(0, 0), (0, 1), (0, 10_000), (9_999, 1), (10_000, 0), (4_095, 4_097), (1, 9_998)] {
            source.willRead(at: offset, count: count)
            #expect(try bytes(source.read(at: offset, count: count)) == Array(content[offset..<offset + count]))
        }
        for (offset, count) in [(-1, 1), (0, -1), (0, 10_001), (10_001, 0), (Int.max, 1), (1, Int.max), (Int.min, 5)] {
            let error = #expect(throws: MartletError.self) { try source.read(at: offset, count: count) }
            #expect(error?.code == .ioError)
        }
    }

    @Test(arguments: SourceKind.allCases)
    func nothing(kind: SourceKind) throws {
        let scratch = try Scratch()
        let source = try kind.open([], scratch)
        #expect(source.byteCount == 0)
        #expect(try source.readAll().isEmpty)
    }

    @Test(arguments: [SystemCalls.Fault.error(EINTR), .short(1), .short(700)])
    func interruptedAndShortReads(fault: SystemCalls.Fault) throws {
        let scratch = try Scratch()
        let content = pattern(5_000)
        let path = try scratch.write(content, to: "f")
        let source = try FileSource(path: path, system: faulting(.pread, every: 2, fault))
        #expect(try bytes(source.readAll()) == content)
    }

    @Test func readErrorsAreReported() throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(100), to: "f")
        let source = try FileSource(path: path, system: faulting(.pread, .error(EIO)))
        let error = #expect(throws: MartletError.self) { try source.readAll() }
        #expect(error?.systemError == EIO)
        #expect(error?.message.contains(path) == true)
    }

    @Test func whatCannotBeOpened() throws {
        let scratch = try Scratch()
        let missing = scratch.file("nothing")
        let wanted = MartletError(
            .ioError, "Failed to open local file '\(missing)'. Detail: [errno 2] No such file or directory",
            systemError: ENOENT)
        #expect(throws: wanted) { try FileSource(path: missing) }
        #expect(throws: wanted) { try MappedFileSource(path: missing) }
        #expect(throws: wanted) { try DescriptorStreamSource(path: missing) }
        #expect(throws: MartletError.self) { try FileSource(path: "") }
        #expect(throws: MartletError.self) { try FileSource(path: "a\0b") }
        let directory = #expect(throws: MartletError.self) { try FileSource(path: scratch.path) }
        #expect(directory?.systemError == EISDIR)
        unsafe mkfifo(scratch.file("fifo"), 0o600)
        #expect(throws: MartletError.self) { try FileSource(path: scratch.file("fifo")) }
    }

    @Test func aFileThatShrinksIsNoticed() throws {
        let scratch = try Scratch()
        let source = try FileSource(path: scratch.write(pattern(5_000), to: "f"))
        unsafe truncate(scratch.file("f"), 100)
        #expect(throws: MartletError.self) { try source.readAll() }
        #expect(try source.read(at: 0, count: 100).count == 100)
    }

    @Test func mappedSlicesAreNotCopies() throws {
        let scratch = try Scratch()
        let source = try MappedFileSource(path: scratch.write(pattern(5_000), to: "f"))
        let part = try source.read(at: 64, count: 10)
        #expect(unsafe part.pointer(to: UInt8.self) == source.buffer.pointer(to: UInt8.self) + 64)
    }

    @Test func aMappedFileThatShrinksKillsNobody() throws {
        let scratch = try Scratch()
        for size in [1, 4_096, 100_000, 3_000_000] {
            let source = try MappedFileSource(path: scratch.write([UInt8](repeating: 7, count: size), to: "f\(size)"))
            let part = try source.read(at: 0, count: size)
            let other = try MappedFileSource(path: scratch.write(pattern(9_000), to: "other"))
            unsafe truncate(scratch.file("f\(size)"), 0)
            #expect(bytes(part).allSatisfy { $0 == 0 || $0 == 7 })
            #expect(size < 4_096 || bytes(part).contains(0))
            let error = #expect(throws: MartletError.self) { try source.read(at: 0, count: 1) }
            #expect(error?.message.hasPrefix("file changed while mapped") == true)
            #expect(try bytes(other.readAll()) == pattern(9_000))
        }
    }

    @Test func manyMappingsComeAndGo() throws {
        let scratch = try Scratch()
        let path = try scratch.write(pattern(5_000), to: "f")
        var held: [MappedFileSource] = []
        for round in 0..<3 {
            for _ in 0..<300 { held.append(try MappedFileSource(path: path)) }
            #expect(try bytes(held[round].read(at: 1, count: 2)) == Array(pattern(5_000)[1...2]))
            held.removeAll()
        }
    }

    @Test func threadsAndAForkedChildShareAFile() throws {
        let scratch = try Scratch()
        let content = pattern(1_000_000)
        let source = try FileSource(path: scratch.write(content, to: "f"))
        @Sendable func check(_ index: Int) throws(MartletError) {
            let start = index * 10_000
            guard try bytes(source.read(at: start, count: 10_000)) == Array(content[start..<start + 10_000]) else {
                throw .invalid("part \(index)")
            }
        }
        try WorkerPool.forEach(100, threads: 4, check)
        let status = inForkedChild {
            do throws(MartletError) { try WorkerPool.forEach(100, threads: 4, check) } catch { return 1 }
            return 0
        }
        #expect(status == 0)
    }
}

enum StreamKind: CaseIterable {
    case file, buffer, callback, positional

    func open(_ content: [UInt8], _ scratch: Scratch) throws -> any ByteStreamSource {
        switch self {
        case .file: return try DescriptorStreamSource(path: scratch.write(content, to: "stream"))
        case .buffer: return try BufferStreamSource(Buffer(content))
        case .positional: return try PositionalStreamSource(MemorySource(Buffer(content)))
        case .callback:
            var position = 0
            return unsafe CallbackStreamSource { destination in
                let count = min(destination.count, 77, content.count - position)
                unsafe destination.copyBytes(from: content[position..<position + count])
                position += count
                return count
            }
        }
    }
}

@Suite struct StreamSourceTests {
    @Test(arguments: StreamKind.allCases)
    func reads(kind: StreamKind) throws {
        let scratch = try Scratch()
        let content = pattern(100_000)
        let stream = try kind.open(content, scratch)
        #expect(try bytes(stream.read(8)) == Array(content[..<8]))
        #expect(try stream.read(0).isEmpty)
        #expect(try bytes(stream.read(50_000)) == Array(content[8..<50_008]))
        #expect(stream.position == 50_008)
        #expect(throws: MartletError.self) { try stream.read(-1) }
        // A promise that the stream does not keep costs no memory.
        #expect(try bytes(stream.read(1 << 40)) == Array(content[50_008...]))
        #expect(try stream.read(10).isEmpty)
        let again = try kind.open(content, scratch)
        #expect(try bytes(again.readAll()) == content)
    }

    @Test func aPipeGivesWhatIsThereUpToTheEnd() throws {
        var ends: [Int32] = [0, 0]
        unsafe pipe(&ends)
        let content = pattern(3_000_000)
        let (readEnd, writeEnd) = (ends[0], ends[1])
        // One of the two items writes while the other reads.
        try WorkerPool.forEach(2, threads: 2) { index throws(MartletError) in
            if index == 0 {
                let sink = try DescriptorSink(descriptor: writeEnd, ownsDescriptor: true)
                try sink.write(Buffer(Array(content[..<5])))
                try sink.write([Buffer(Array(content[5..<70_000])), .empty, Buffer(Array(content[70_000...]))])
                if sink.position != content.count { throw .invalid("position") }
                try sink.close()
            } else {
                let stream = try DescriptorStreamSource(descriptor: readEnd, ownsDescriptor: true)
                guard try bytes(stream.read(10)) == Array(content[..<10]) else { throw .invalid("head") }
                guard try bytes(stream.readAll()) == Array(content[10...]) else { throw .invalid("rest") }
            }
        }
    }

    @Test func descriptorsThatDoNotBlockAreWaitedFor() throws {
        var ends: [Int32] = [0, 0]
        unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        let content = pattern(5_000_000)
        try WorkerPool.forEach(2, threads: 2) { index throws(MartletError) in
            if index == 0 {
                let sink = try DescriptorSink(descriptor: writeEnd, ownsDescriptor: true)
                try sink.write([Buffer(content)])
                try sink.close()
            } else {
                let stream = try DescriptorStreamSource(descriptor: readEnd, ownsDescriptor: true)
                guard try bytes(stream.readAll()) == content else { throw .invalid("differs") }
            }
        }
    }

    @Test func badDescriptors() {
        #expect(throws: MartletError.self) { try DescriptorStreamSource(descriptor: -1) }
        #expect(throws: MartletError.self) { try DescriptorSink(descriptor: 9_999) }
        #expect(throws: MartletError.self) { try DescriptorStreamSource(path: "/") }
    }
}
