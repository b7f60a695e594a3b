public import CMartlet
import Glibc
public import MartletBase

// The C Device interface (CDeviceDataInterface.rst), in: for memory of the CPU. `DeviceExport.swift` is the way out.

extension ArrayData {
    /// Takes over `array`, also when this throws. Memory of another device, and memory that is not ready yet, is refused.
    @unsafe
    public static func importing(
        _ array: UnsafeMutablePointer<ArrowDeviceArray>, type: DataType
    ) throws(MartletError) -> ArrayData {
        do throws(MartletError) {
            try unsafe checkDevice(array.pointee.device_type, event: array.pointee.sync_event)
        } catch {
            unsafe withUnsafeMutablePointer(to: &array.pointee.array) { unsafe $0.pointee.release?($0) }
            unsafe array.pointee.array.release = nil
            throw error
        }
        return try unsafe importing(&array.pointee.array, type: type)
    }
}

private func checkDevice(_ device: ArrowDeviceType, event: UnsafeMutableRawPointer?) throws(MartletError) {
    guard device == ARROW_DEVICE_CPU else {
        throw .notImplemented(
            "Device type \(device) is not supported, only the CPU (\(ARROW_DEVICE_CPU)); copy the data to the CPU first")
    }
    guard unsafe event == nil else {
        throw .invalid("ArrowDeviceArray of the CPU has a sync_event; there is nothing on the CPU to wait for")
    }
}

extension ImportedStream {
    /// Takes over a C Device stream of CPU memory, also when this throws.
    @unsafe
    public convenience init(moving source: UnsafeMutablePointer<ArrowDeviceArrayStream>) throws(MartletError) {
        guard unsafe source.pointee.release != nil else {
            throw .invalid("Cannot import released ArrowDeviceArrayStream")
        }
        let moved = unsafe ForeignDeviceStream(moving: source)
        try unsafe checkDevice(moved.stream.device_type, event: nil)
        var plain = unsafe ArrowArrayStream(
            get_schema: { pointer, out in
                guard let pointer = unsafe pointer else { return EINVAL }
                return unsafe ForeignDeviceStream.behind(pointer).withStream { unsafe $0.pointee.get_schema($0, out) }
            },
            get_next: { pointer, out in
                guard let pointer = unsafe pointer, let out = unsafe out else { return EINVAL }
                return unsafe ForeignDeviceStream.behind(pointer).next(into: out)
            },
            get_last_error: { pointer in
                guard let pointer = unsafe pointer else { return nil }
                return unsafe ForeignDeviceStream.behind(pointer).lastError()
            },
            release: { pointer in
                guard let pointer = unsafe pointer else { return }
                unsafe Unmanaged<ForeignDeviceStream>.fromOpaque(pointer.pointee.private_data).release()
                unsafe pointer.pointee.release = nil
            },
            private_data: Unmanaged.passRetained(moved).toOpaque())
        try unsafe self.init(moving: &plain)
    }
}

/// A foreign device stream that was moved to us, seen as a plain C stream; released once, with this object.
@safe private final class ForeignDeviceStream {
    // Safety: ours alone since the move, at an address that stays; used by one caller at a time.
    private let pointer: UnsafeMutablePointer<ArrowDeviceArrayStream>
    private var refusal: UnsafeMutablePointer<CChar>?

    init(moving source: UnsafeMutablePointer<ArrowDeviceArrayStream>) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: source.pointee)
        unsafe source.pointee.release = nil
    }

    deinit {
        unsafe free(refusal)
        unsafe pointer.pointee.release(pointer)
        unsafe pointer.deallocate()
    }

    static func behind(_ pointer: UnsafeMutablePointer<ArrowArrayStream>) -> ForeignDeviceStream {
        unsafe Unmanaged.fromOpaque(pointer.pointee.private_data).takeUnretainedValue()
    }

    var stream: ArrowDeviceArrayStream { unsafe pointer.pointee }

    func withStream<Result>(_ body: (UnsafeMutablePointer<ArrowDeviceArrayStream>) -> Result) -> Result {
        unsafe body(pointer)
    }

    /// The next array, checked to be the CPU's.
    func next(into out: UnsafeMutablePointer<ArrowArray>) -> Int32 {
        unsafe free(refusal)
        unsafe refusal = nil
        var next = unsafe ArrowDeviceArray()
        let status = unsafe pointer.pointee.get_next(pointer, &next)
        if status != 0 { return status }
        // The end of the stream is a released array, whose device means nothing.
        if unsafe next.array.release != nil {
            do throws(MartletError) { try unsafe checkDevice(next.device_type, event: next.sync_event) } catch {
                unsafe next.array.release(&next.array)
                unsafe refusal = strdup(error.message)
                return error.code == .notImplemented ? ENOSYS : EINVAL
            }
        }
        unsafe out.initialize(to: next.array)
        return 0
    }

    func lastError() -> UnsafePointer<CChar>? {
        if let refusal = unsafe refusal { return unsafe UnsafePointer(refusal) }
        return unsafe pointer.pointee.get_last_error(pointer)
    }
}
