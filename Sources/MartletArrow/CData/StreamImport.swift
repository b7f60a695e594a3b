public import CMartlet
import Glibc
public import MartletBase

/// A foreign C stream that was moved to us (CStreamInterface.rst). Errors keep the producer's errno and text.
@safe
public final class ImportedStream: ArrayStream {
    // Safety: ours alone since the move; used by one caller at a time, as the specification demands.
    private let stream: UnsafeMutablePointer<ArrowArrayStream>
    public let field: Field

    /// Takes over `source`, also when this throws.
    @unsafe
    public init(moving source: UnsafeMutablePointer<ArrowArrayStream>) throws(MartletError) {
        guard unsafe source.pointee.release != nil else { throw .invalid("Cannot import released ArrowArrayStream") }
        let owned = UnsafeMutablePointer<ArrowArrayStream>.allocate(capacity: 1)
        unsafe owned.initialize(to: source.pointee)
        unsafe source.pointee.release = nil
        do throws(MartletError) {
            var schema = unsafe ArrowSchema()
            try unsafe Self.check(owned, owned.pointee.get_schema(owned, &schema))
            defer { unsafe schema.release?(&schema) }
            field = try unsafe Field(reading: &schema)
        } catch {
            unsafe owned.pointee.release(owned)
            unsafe owned.deallocate()
            throw error
        }
        unsafe stream = owned
    }

    deinit {
        unsafe stream.pointee.release(stream)
        unsafe stream.deallocate()
    }

    public func next() throws(MartletError) -> ArrayData? {
        var array = unsafe ArrowArray()
        try unsafe Self.check(stream, stream.pointee.get_next(stream, &array))
        guard unsafe array.release != nil else { return nil }
        return try unsafe ArrayData.importing(&array, type: field.type)
    }

    private static func check(_ stream: UnsafeMutablePointer<ArrowArrayStream>, _ status: Int32) throws(MartletError) {
        if status == 0 { return }
        let text = unsafe stream.pointee.get_last_error(stream).map { unsafe String(cString: $0) }
        let code: MartletError.Code =
            switch status {
            case ENOMEM: .outOfMemory
            case ENOSYS, ENOTSUP: .notImplemented
            case EINVAL: .invalid
            case ECANCELED: .cancelled
            default: .ioError
            }
        let fallback = unsafe String(cString: strerror(status))
        throw MartletError(code, text ?? fallback, systemError: code == .ioError ? status : 0)
    }
}
