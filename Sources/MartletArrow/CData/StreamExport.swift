public import CMartlet
import Glibc
import MartletBase

/// What an exported C stream holds: the stream, and the text of the last error for `get_last_error`.
@safe private final class ExportedStream {
    let stream: any ArrayStream
    var lastError: UnsafeMutablePointer<CChar>?
    init(_ stream: any ArrayStream) { self.stream = stream }
    deinit { unsafe free(lastError) }

    static func behind(_ pointer: UnsafeMutablePointer<ArrowArrayStream>) -> ExportedStream {
        unsafe Unmanaged.fromOpaque(pointer.pointee.private_data).takeUnretainedValue()
    }

    func attempt(_ body: () throws(MartletError) -> Void) -> Int32 {
        unsafe free(lastError)
        unsafe lastError = nil
        do throws(MartletError) {
            try body()
            return 0
        } catch {
            unsafe lastError = strdup(error.message)
            switch error.code {
            case .outOfMemory: return ENOMEM
            case .notImplemented: return ENOSYS
            case .ioError: return error.systemError != 0 ? error.systemError : EIO
            case .cancelled: return ECANCELED
            case .keyError, .typeError, .invalid, .capacityError, .indexError, .unknown, .serializationError,
                .alreadyExists:
                return EINVAL
            }
        }
    }
}

/// Fills `out` with a C stream that reads `stream` (CStreamInterface.rst).
@unsafe
public func export(_ stream: any ArrayStream, to out: UnsafeMutablePointer<ArrowArrayStream>) {
    unsafe out.initialize(
        to: ArrowArrayStream(
            get_schema: { pointer, out in
                guard let pointer = unsafe pointer, let out = unsafe out else { return EINVAL }
                let exported = unsafe ExportedStream.behind(pointer)
                return exported.attempt { () throws(MartletError) in try unsafe exported.stream.field.export(to: out) }
            },
            get_next: { pointer, out in
                guard let pointer = unsafe pointer, let out = unsafe out else { return EINVAL }
                let exported = unsafe ExportedStream.behind(pointer)
                return exported.attempt { () throws(MartletError) in
                    unsafe out.initialize(to: ArrowArray())
                    if let array = try exported.stream.next() { unsafe array.export(to: out) }
                }
            },
            get_last_error: { pointer in
                guard let pointer = unsafe pointer else { return nil }
                let exported = unsafe ExportedStream.behind(pointer)
                return unsafe UnsafePointer(exported.lastError)
            },
            release: { pointer in
                guard let pointer = unsafe pointer else { return }
                unsafe Unmanaged<ExportedStream>.fromOpaque(pointer.pointee.private_data).release()
                unsafe pointer.pointee.release = nil
            },
            private_data: Unmanaged.passRetained(ExportedStream(stream)).toOpaque()))
}
