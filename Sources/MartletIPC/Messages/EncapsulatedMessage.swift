import MartletArrow
public import MartletBase
public import MartletIO

/// One message as it lies in a stream (Columnar format, "Encapsulated message format"): its metadata, and its body
/// that nobody has looked into.
public struct EncapsulatedMessage: Sendable {
    /// The `Message` table, without continuation mark and length.
    public let metadata: Buffer
    public let body: Buffer
    /// The number of Message.fbs `MessageHeader`: 1 schema, 2 dictionary batch, 3 record batch, 4 tensor, 5 sparse tensor.
    public let headerType: UInt8
    public let version: IPCMetadataVersion

    /// "schema", "record batch" and so on.
    public var typeName: String { IPCMessage.name(ofHeader: headerType) }

    /// Reads the next message of a source; nil at the end-of-stream mark and at the end of the source.
    public init?(from source: any ByteStreamSource) throws(MartletError) {
        var framing = MessageFraming()
        let start = source.position
        do throws(MartletError) {
            guard let (metadata, message) = try framing.next(source) else { return nil }
            self.metadata = metadata
            body = try MessageFraming.body(of: message, source)
            headerType = message.headerType
            version = message.version
        } catch {
            throw error.placed("message at byte \(start) of '\(source.name)'")
        }
    }
}

/// Takes messages from a source one by one, and not a byte of what follows them.
struct MessageFraming {
    /// Whether the last message had the continuation mark, so that the next is read with its length in one go.
    private(set) var isMarked = false

    /// The metadata of the next message; nil at the end.
    mutating func next(_ source: any ByteStreamSource) throws(MartletError) -> (bytes: Buffer, message: IPCMessage)? {
        let step = isMarked ? 8 : 4
        var head = try source.read(step)
        if head.isEmpty { return nil }
        guard head.count == step else { throw .invalid("Corrupted message, only \(head.count) bytes available") }
        var length = number(head, at: 0)
        // Before format 0.15 the length stood first. What was read beyond it is the start of the metadata.
        var early: Buffer?
        if length == SchemaFormat.continuation {
            isMarked = true
            if step == 4 {
                head = try source.read(4)
                guard head.count == 4 else { throw .invalid("Corrupted message, no length after the continuation mark") }
            }
            length = number(head, at: head.count - 4)
        } else if step == 8 {
            early = try head.slice(at: 4, count: 4)
        }
        if length == 0 { return nil }
        guard length <= Int32.max else { throw .invalid("Corrupted message, negative length of metadata") }
        let wanted = Int(length) - (early?.count ?? 0)
        var metadata = try source.read(max(wanted, 0))
        guard wanted >= 0, metadata.count == wanted else {
            throw .invalid("Expected to read \(length) metadata bytes, but only read \(metadata.count)")
        }
        if let early {
            var builder = try BufferBuilder(byteCapacity: Int(length))
            try builder.append(early.bytes)
            try builder.append(metadata.bytes)
            metadata = builder.finish()
        }
        return (metadata, try IPCMessage(metadata: metadata))
    }

    private func number(_ bytes: Buffer, at offset: Int) -> UInt32 {
        unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }

    static func body(of message: IPCMessage, _ source: any ByteStreamSource) throws(MartletError) -> Buffer {
        let body = try source.read(message.bodyByteCount)
        guard body.count == message.bodyByteCount else {
            throw .invalid("Expected to be able to read \(message.bodyByteCount) bytes for message body, got \(body.count)")
        }
        return body
    }
}
