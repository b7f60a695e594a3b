import Glibc

/// The one error type of Martlet: an Arrow status code, a message that names what, where and the fix,
/// and the system's `errno` where the operating system was the cause.
///
/// Codes are Apache Arrow's status codes (`arrow::StatusCode`), so that every binding maps them to its
/// own exception classes in the same way.
public struct MartletError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Int32, Sendable {
        case outOfMemory = 1
        case keyError = 2
        case typeError = 3
        case invalid = 4
        case ioError = 5
        case capacityError = 6
        case indexError = 7
        case cancelled = 8
        case unknown = 9
        case notImplemented = 10
        case serializationError = 11
        case alreadyExists = 45
    }

    public var code: Code
    public var message: String
    /// The operating system's error number, `EBADMSG` for damaged bytes, 0 when neither had a part in this.
    public var systemError: Int32

    public init(_ code: Code, _ message: String, systemError: Int32 = 0) {
        self.code = code
        self.message = message
        self.systemError = systemError
    }

    public var description: String { message }

    public static func invalid(_ message: String) -> MartletError { .init(.invalid, message) }
    public static func type(_ message: String) -> MartletError { .init(.typeError, message) }
    public static func key(_ message: String) -> MartletError { .init(.keyError, message) }
    public static func index(_ message: String) -> MartletError { .init(.indexError, message) }
    public static func capacity(_ message: String) -> MartletError { .init(.capacityError, message) }
    public static func notImplemented(_ message: String) -> MartletError { .init(.notImplemented, message) }
    /// Damaged or forged bytes: pyarrow reports these as ArrowInvalid or OSError; we say `invalid`, with `EBADMSG` by which
    /// Python's exception is both.
    public static func corrupt(_ message: String) -> MartletError { .init(.invalid, message, systemError: EBADMSG) }
    public static func outOfMemory(_ byteCount: Int) -> MartletError {
        .init(.outOfMemory, "malloc of size \(byteCount) failed")
    }
    public static var cancelled: MartletError { .init(.cancelled, "Operation cancelled") }

    /// The same error with its place put in front: `context: message`.
    public func within(_ context: @autoclosure () -> String) -> MartletError {
        .init(code, context() + ": " + message, systemError: systemError)
    }
}

/// Runs `body` and puts `context` in front of the message of whatever it throws.
@inlinable
package func adding<Result: ~Copyable>(
    context: @autoclosure () -> String, _ body: () throws(MartletError) -> Result
) throws(MartletError) -> Result {
    do throws(MartletError) { return try body() } catch { throw error.within(context()) }
}
