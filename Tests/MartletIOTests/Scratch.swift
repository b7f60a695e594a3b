import Glibc
import MartletBase
import MartletIO
import Testing

/// A directory of its own for each test, removed at the end.
final class Scratch {
    let path: String
    init() throws {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        path = "\(base)/martlet-io-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try FileSystem.createDirectories(path)
    }
    deinit { try? FileSystem.removeDirectory(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let sink = try FileSink(path: file(name))
        try sink.write(Buffer(bytes))
        try sink.close()
        return file(name)
    }

    func read(_ name: String) throws -> [UInt8] { try bytes(FileSource(path: file(name)).readAll()) }

    /// The names in the directory, temporary ones included.
    var names: [String] { get throws { try FileSystem.list(path).map { Path.name($0.path) } } }
}

func bytes(_ buffer: Buffer) -> [UInt8] { unsafe buffer.bytes.withUnsafeBytes { unsafe Array($0) } }

func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) } }

/// `fork`, which Swift's C module hides. The child runs `body` and is gone; the result is its exit status, or
/// minus the signal that ended it.
func inForkedChild(_ body: () -> Int32, parent: (pid_t) -> Void = { _ in }) -> Int32 {
    typealias Fork = @convention(c) () -> pid_t
    let fork = unsafe unsafeBitCast(dlsym(nil, "fork")!, to: Fork.self)
    let child = fork()
    if child == 0 { _exit(body()) }
    parent(child)
    var status: Int32 = 0
    unsafe waitpid(child, &status, 0)
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
}

/// Faults for the calls of one kind, counted from 0.
func faulting(_ name: SystemCalls.Name, from first: Int = 0, every step: Int = 0, _ fault: SystemCalls.Fault)
    -> SystemCalls
{
    let counter = Counter()
    return SystemCalls { call in
        guard call == name else { return nil }
        let index = counter.next()
        if index == first || (step > 0 && index > first && (index - first) % step == 0) { return fault }
        return nil
    }
}

import Synchronization

final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    var count: Int { value.load(ordering: .relaxed) }
}
