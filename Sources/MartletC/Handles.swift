import CMartlet
import Glibc
import MartletArrow
import MartletBase
import MartletPython

// What every exported function is made of: handles in, Swift called, handles out, errors told.

/// `martlet_error *` as raw memory: two 32-bit numbers, then text.
public typealias ErrorOut = UnsafeMutableRawPointer
public typealias HandleOut = UnsafeMutablePointer<OpaquePointer?>

final class BufferHandle {
    let buffer: Buffer
    init(_ buffer: Buffer) { self.buffer = buffer }
}

// Python's objects hold arrays and schemas themselves, so `ArrayHandle` and `SchemaHandle` are of the room below.

extension SchemaHandle {
    convenience init(_ schema: Schema) {
        self.init(Field("", schema.structType, isNullable: false, metadata: schema.metadata))
    }

    /// The schema of batches that this handle describes.
    func schema() throws(MartletError) -> Schema {
        guard case .struct(let fields) = field.type else {
            throw .type("a schema of record batches is a struct, not \(field.type)")
        }
        return Schema(fields, metadata: field.metadata)
    }
}

extension ArrayHandle {
    convenience init(_ batch: RecordBatch) {
        let data = batch.structArray
        self.init(data, field: Field("", data.type, isNullable: false, metadata: batch.schema.metadata))
    }

    func batch() throws(MartletError) -> RecordBatch {
        try RecordBatch(structArray: data, metadata: field.metadata)
    }
}

final class StreamHandle {
    let stream: any ArrayStream
    init(_ stream: any ArrayStream) { self.stream = stream }
    convenience init(_ reader: any RecordBatchReader) { self.init(BatchArrayStream(reader)) }
}

// MARK: - Errors

/// Runs `body`; what it throws goes to `error`, its code is returned.
func guarded(_ error: ErrorOut?, _ body: () throws(MartletError) -> Void) -> Int32 {
    do throws(MartletError) {
        try body()
        return MARTLET_OK
    } catch let failure {
        report(failure, to: error)
        return failure.code.rawValue
    }
}

private func report(_ failure: MartletError, to error: ErrorOut?) {
    guard let error = error else { return }
    error.storeBytes(of: failure.code.rawValue, as: Int32.self)
    error.storeBytes(of: failure.systemError, toByteOffset: 4, as: Int32.self)
    let capacity = MemoryLayout<martlet_error>.size - 8
    var text = Array(failure.message.utf8.prefix(capacity - 1).map { $0 == 0 ? UInt8(ascii: " ") : $0 })
    // A character that the cut splits goes whole.
    if failure.message.utf8.count >= capacity {
        while let last = text.last, last & 0xC0 == 0x80 { text.removeLast() }
        if let last = text.last, last >= 0xC0 { text.removeLast() }
    }
    text.append(0)
    text.withUnsafeBytes { _ = memcpy(error + 8, $0.baseAddress!, $0.count) }
}

// MARK: - Handles

/// The object behind a handle that the caller owns.
func object<Handle: AnyObject>(_ pointer: OpaquePointer?, _ type: Handle.Type = Handle.self)
    throws(MartletError) -> Handle
{
    guard let pointer else { throw .invalid("\(Handle.self) is NULL") }
    // Safety: the header's law: a handle is what a martlet function handed out and nobody has released yet.
    return Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
}

/// Hands `handle` out to the caller, who releases it.
func give(_ handle: some AnyObject, to out: HandleOut?) throws(MartletError) {
    guard let out = out else { throw .invalid("the output pointer is NULL") }
    out.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
}

/// Hands out NULL.
func giveNothing(to out: HandleOut?) throws(MartletError) {
    guard let out = out else { throw .invalid("the output pointer is NULL") }
    out.pointee = nil
}

func release<Handle: AnyObject>(_ pointer: OpaquePointer?, _ type: Handle.Type) {
    guard let pointer else { return }
    Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(pointer)).release()
}

/// The objects behind `count` handles.
func objects<Handle: AnyObject>(
    _ pointers: UnsafePointer<OpaquePointer?>?, _ count: Int64, _ type: Handle.Type = Handle.self
) throws(MartletError) -> [Handle] {
    let count = try Int(size: count, "count")
    if count == 0 { return [] }
    guard let pointers = pointers else { throw .invalid("an array of \(count) handles is NULL") }
    var result: [Handle] = []
    for i in 0..<count { result.append(try object(pointers[i])) }
    return result
}

/// A pointer that must not be NULL.
func required<Pointee>(_ pointer: UnsafeMutablePointer<Pointee>?, _ name: String) throws(MartletError)
    -> UnsafeMutablePointer<Pointee>
{
    guard let pointer = pointer else { throw .invalid("\(name) is NULL") }
    return pointer
}

// MARK: - Text and options

func requiredText(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(MartletError) -> String {
    guard let pointer = pointer else { throw .invalid("\(name) is NULL") }
    guard let text = String(validatingCString: pointer) else { throw .invalid("\(name) is not valid UTF-8") }
    return text
}

/// `count` texts; nil for a NULL array.
func texts(_ pointers: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int64, _ name: String) throws(MartletError)
    -> [String]?
{
    guard let pointers = pointers else { return nil }
    var result: [String] = []
    for i in 0..<(try Int(size: count, name)) { result.append(try requiredText(pointers[i], name)) }
    return result
}

/// A text for the caller, as a buffer.
func give(_ text: String, to out: HandleOut?) throws(MartletError) {
    try give(BufferHandle(try Buffer(Array(text.utf8))), to: out)
}

/// The caller's key-value options. Each function takes the keys that it knows; `finish` refuses the rest.
struct Options {
    private(set) var pairs: [(key: String, value: String)] = []
    private var isUsed: [Bool] = []

    init(_ options: UnsafePointer<martlet_option>?, _ count: Int64) throws(MartletError) {
        let count = try Int(size: count, "option_count")
        guard count > 0 else { return }
        guard let options = options else { throw .invalid("options is NULL, but option_count is \(count)") }
        for i in 0..<count {
            pairs.append(
                (try requiredText(options[i].key, "option key"), try requiredText(options[i].value, "option value")))
        }
        isUsed = Array(repeating: false, count: count)
    }

    /// The last value of `key`.
    mutating func text(_ key: String) -> String? {
        var result: String?
        for (i, pair) in pairs.enumerated() where pair.key == key {
            isUsed[i] = true
            result = pair.value
        }
        return result
    }

    mutating func flag(_ key: String) throws(MartletError) -> Bool? {
        switch text(key) {
        case nil: return nil
        case "true": return true
        case "false": return false
        case let other?: throw .invalid("option \(key) is \"true\" or \"false\", not \"\(other)\"")
        }
    }

    mutating func integer(_ key: String) throws(MartletError) -> Int? {
        guard let value = text(key) else { return nil }
        guard let number = Int(value) else { throw .invalid("option \(key) is an integer, not \"\(value)\"") }
        return number
    }

    /// All pairs that are left, for a room that reads them itself.
    mutating func takeAll() -> [String: String] {
        var result: [String: String] = [:]
        for (i, pair) in pairs.enumerated() where !isUsed[i] {
            isUsed[i] = true
            result[pair.key] = pair.value
        }
        return result
    }

    /// Throws when a key was not asked for.
    func finish() throws(MartletError) {
        if let place = isUsed.firstIndex(of: false) { throw .invalid("unknown option \"\(pairs[place].key)\"") }
    }

    /// The pairs as metadata.
    var metadata: Metadata {
        var metadata = Metadata()
        for pair in pairs { metadata.append(pair.key, pair.value) }
        return metadata
    }
}

extension Operation {
    /// An operation that tells the caller's callback.
    init(_ progress: UnsafePointer<martlet_progress>?) {
        guard let progress = progress, let callback = progress.pointee.callback else {
            self.init()
            return
        }
        let context = progress.pointee.context
        self.init { done, total in callback(context, Int64(done), Int64(total)) == 0 }
    }
}
