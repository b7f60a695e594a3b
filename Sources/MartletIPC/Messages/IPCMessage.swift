import MartletArrow
import MartletBase

/// A message's metadata (Message.fbs `Message`), read but for its header.
struct IPCMessage {
    let headerType: UInt8
    let header: FlatTable
    let bodyByteCount: Int
    let version: IPCMetadataVersion
    let metadata: Metadata

    /// Reads the metadata of a message, without continuation mark and length.
    init(metadata bytes: Buffer) throws(MartletError) {
        let message = try FlatTable(rootOf: bytes)
        let number = try message.scalar(0, default: 0 as Int16)
        try SchemaMessage.checkVersion(number)
        version = IPCMetadataVersion(rawValue: number) ?? .v5
        headerType = try message.scalar(1, default: 0 as UInt8)
        guard let header = try message.table(2) else {
            throw .corrupt("Header-pointer of flatbuffer-encoded Message is null.")
        }
        self.header = header
        bodyByteCount = try Int(size: message.scalar(3, default: 0 as Int64), "body length of the message")
        metadata = try SchemaDecoder.metadata(message, slot: 4)
    }

    /// Reads an encapsulated message that `bytes` starts with; what follows its metadata is not looked at. nil for the
    /// end-of-stream mark.
    init?(encapsulated bytes: Buffer) throws(MartletError) {
        var cursor = ByteCursor(bytes.bytes)
        var length = try cursor.read(UInt32.self)
        // Before format 0.15 the length stood first.
        if length == SchemaFormat.continuation { length = try cursor.read(UInt32.self) }
        if length == 0 { return nil }
        let (start, available) = (cursor.position, cursor.remaining)
        guard Int(length) <= available else {
            throw .corrupt("Expected to read \(length) metadata bytes, but only read \(available)")
        }
        try self.init(metadata: bytes.slice(at: start, count: Int(length)))
    }

    static func name(ofHeader type: UInt8) -> String {
        let names = ["NONE", "schema", "dictionary", "record batch", "tensor", "sparse tensor"]
        return Int(type) < names.count ? names[Int(type)] : "unknown type \(type)"
    }

    func expect(_ type: UInt8) throws(MartletError) {
        guard headerType == type else {
            throw .invalid("Message not expected type: \(Self.name(ofHeader: type)), was: \(Self.name(ofHeader: headerType))")
        }
    }
}
