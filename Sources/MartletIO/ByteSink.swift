import Glibc
public import MartletBase

/// Where bytes go, one after the other. One thread at a time.
///
/// `close()` commits what was written; `abort()`, and letting go of a sink that was not closed, give it up.
/// After an error nothing more is written, and `close()` throws instead of committing.
public protocol ByteSink: AnyObject, Sendable {
    /// What error messages call this sink.
    var name: String { get }
    /// How many bytes have been written, or where an appending sink stands in its file.
    var position: Int { get }

    func write(_ bytes: RawSpan) throws(MartletError)
    /// Writes the buffers in order, with few system calls. They are free again when the call returns.
    func write(_ buffers: [Buffer]) throws(MartletError)
    /// Commits. A second call does nothing.
    func close() throws(MartletError)
    func abort()
}

extension ByteSink {
    public func write(_ buffer: Buffer) throws(MartletError) { try write(buffer.bytes) }
}

/// Writing whole ranges to a descriptor.
struct DescriptorWriter: Sendable {
    let system: SystemCalls
    let name: String

    func write(_ bytes: RawSpan, to descriptor: Int32) throws(MartletError) {
        try unsafe bytes.withUnsafeBytes { source throws(MartletError) in
            var done = 0
            while done < source.count {
                // Safety: `done` stays below `source.count`.
                let result = unsafe system.write(descriptor, source.baseAddress! + done, source.count - done)
                guard result > 0 else { throw failed(result) }
                done += result
            }
        }
    }

    func write(_ buffers: [Buffer], to descriptor: Int32) throws(MartletError) {
        // POSIX lets a system take as few as 16; Linux takes 1,024.
        let most = 1_024
        var parts: [iovec] = unsafe []
        unsafe parts.reserveCapacity(min(buffers.count, most))
        var next = 0
        while next < buffers.count {
            unsafe parts.removeAll(keepingCapacity: true)
            let first = next
            while next < buffers.count, next - first < most {
                let buffer = buffers[next]
                if buffer.count > 0 {
                    let address = unsafe UnsafeMutableRawPointer(mutating: buffer.pointer(to: UInt8.self))
                    unsafe parts.append(iovec(iov_base: address, iov_len: buffer.count))
                }
                next += 1
            }
            try withExtendedLifetime(buffers) { () throws(MartletError) in
                try unsafe write(&parts, to: descriptor)
            }
        }
    }

    /// Writes the buffers at `position` while another thread has the kernel start to write back what lies between
    /// `writtenBack` and there, if that is worth a call.
    func write(
        _ buffers: [Buffer], to descriptor: Int32, at position: Int, writtenBack: inout Int
    ) throws(MartletError) {
        let earlier = writtenBack..<position
        guard earlier.count >= 1 << 20 else { return try write(buffers, to: descriptor) }
        try WorkerPool.forEach(2, threads: 2) { step throws(MartletError) in
            if step == 0 {
                try write(buffers, to: descriptor)
            } else {
                system.startWriteback(descriptor, from: earlier.lowerBound, count: earlier.count)
            }
        }
        writtenBack = position
    }

    /// Writes all of `parts`, using them up.
    private func write(_ parts: inout [iovec], to descriptor: Int32) throws(MartletError) {
        let system = self.system
        let count = unsafe parts.count
        let failure: Int = unsafe parts.withUnsafeMutableBufferPointer { parts in
            var start = 0
            while start < count {
                // Safety: `start` stays below the count of parts.
                var left = unsafe system.writev(descriptor, parts.baseAddress! + start, count - start)
                if left <= 0 { return left == 0 ? -Int(EIO) : left }
                while start < count, unsafe left >= parts[start].iov_len {
                    unsafe left -= parts[start].iov_len
                    start += 1
                }
                if left > 0 {
                    unsafe parts[start].iov_base += left
                    unsafe parts[start].iov_len -= left
                }
            }
            return 0
        }
        if failure < 0 { throw failed(failure) }
    }

    private func failed(_ result: Int) -> MartletError {
        .system(result == 0 ? -Int(EIO) : result, "Error writing bytes to file '\(name)'")
    }
}

func totalByteCount(_ buffers: [Buffer]) -> Int { buffers.reduce(0) { $0 + $1.count } }

func sinkIsClosed(_ name: String) -> MartletError { .invalid("Operation on closed file '\(name)'") }
