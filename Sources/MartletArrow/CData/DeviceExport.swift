public import CMartlet
import Glibc
import MartletBase

// The C Device interface for data in main memory (CDeviceDataInterface.rst).

extension ArrayData {
    /// Fills `out` as `export(to:)` does, and says that the memory is the CPU's.
    @unsafe
    public func export(to out: UnsafeMutablePointer<ArrowDeviceArray>) {
        unsafe out.initialize(to: ArrowDeviceArray())
        unsafe withUnsafeMutablePointer(to: &out.pointee.array) { unsafe export(to: $0) }
        unsafe out.pointee.device_id = -1
        unsafe out.pointee.device_type = ARROW_DEVICE_CPU
    }
}

/// The plain stream that an exported device stream asks.
private func plainStream(_ stream: UnsafeMutablePointer<ArrowDeviceArrayStream>?) -> UnsafeMutablePointer<ArrowArrayStream>? {
    unsafe stream?.pointee.private_data?.assumingMemoryBound(to: ArrowArrayStream.self)
}

/// Fills `out` with a C device stream in main memory that reads `stream`.
@unsafe
public func export(_ stream: any ArrayStream, to out: UnsafeMutablePointer<ArrowDeviceArrayStream>) {
    let plain = UnsafeMutablePointer<ArrowArrayStream>.allocate(capacity: 1)
    unsafe export(stream, to: plain)
    unsafe out.initialize(
        to: ArrowDeviceArrayStream(
            device_type: ARROW_DEVICE_CPU,
            get_schema: { stream, out in
                guard let plain = unsafe plainStream(stream) else { return EINVAL }
                return unsafe plain.pointee.get_schema(plain, out)
            },
            get_next: { stream, out in
                guard let plain = unsafe plainStream(stream), let out = unsafe out else { return EINVAL }
                unsafe out.initialize(to: ArrowDeviceArray())
                unsafe out.pointee.device_id = -1
                unsafe out.pointee.device_type = ARROW_DEVICE_CPU
                return unsafe withUnsafeMutablePointer(to: &out.pointee.array) { unsafe plain.pointee.get_next(plain, $0) }
            },
            get_last_error: { stream in
                guard let plain = unsafe plainStream(stream) else { return nil }
                return unsafe plain.pointee.get_last_error(plain)
            },
            release: { stream in
                guard let plain = unsafe plainStream(stream) else { return }
                unsafe plain.pointee.release?(plain)
                unsafe plain.deallocate()
                unsafe stream?.pointee.private_data = nil
                unsafe stream?.pointee.release = nil
            },
            private_data: plain))
}
