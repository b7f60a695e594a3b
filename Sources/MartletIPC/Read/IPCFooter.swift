import MartletArrow
import MartletBase
import MartletIO

/// Where a message lies in a file (File.fbs `Block`).
struct IPCBlock: Sendable {
    let offset: Int
    /// Continuation mark and length included.
    let metadataByteCount: Int
    let bodyByteCount: Int
}

/// The footer of a file (File.fbs `Footer`).
struct IPCFooter: Sendable {
    let schema: SchemaDecoder.Decoded
    let dictionaries: [IPCBlock]
    let recordBatches: [IPCBlock]
    let metadata: Metadata

    /// Finds and reads the footer: it stands at the end, before its length and the magic.
    init(_ source: any ByteSource) throws(MartletError) {
        let magic = IPCFormat.magic
        let tailByteCount = 4 + magic.count
        guard source.byteCount >= tailByteCount + magic.count else {
            throw .invalid("File is too small: \(source.byteCount)")
        }
        let tail = try source.read(at: source.byteCount - tailByteCount, count: tailByteCount)
        var cursor = ByteCursor(tail.bytes)
        let length = Int(try cursor.read(Int32.self))
        for byte in magic {
            guard try cursor.readByte() == byte else { throw .invalid("Not an Arrow file") }
        }
        let footerEnd = source.byteCount - tailByteCount
        guard length > 0, length <= footerEnd - magic.count else {
            throw .invalid("File is smaller than indicated metadata size: \(length) bytes of footer in \(source.byteCount)")
        }
        try self.init(source.read(at: footerEnd - length, count: length), limit: footerEnd - length)
    }

    /// Reads the `Footer` table; `limit` is where it starts, and what it speaks of ends before.
    private init(_ bytes: Buffer, limit: Int) throws(MartletError) {
        let table = try FlatTable(rootOf: bytes)
        // Old writers left the version of the footer out; messages have their own.
        try SchemaMessage.checkVersion(max(table.scalar(0, default: 0 as Int16), SchemaFormat.metadataVersion))
        guard let schemaTable = try table.table(1) else { throw .corrupt("Schema-pointer of the footer is null") }
        schema = try SchemaDecoder.schema(schemaTable)
        dictionaries = try Self.blocks(table.vector(2, elementSize: 24), limit: limit, "dictionary batch")
        recordBatches = try Self.blocks(table.vector(3, elementSize: 24), limit: limit, "record batch")
        metadata = try SchemaDecoder.metadata(table, slot: 4)
    }

    private static func blocks(_ vector: FlatVector?, limit: Int, _ what: String) throws(MartletError) -> [IPCBlock] {
        guard let vector else { return [] }
        var blocks: [IPCBlock] = []
        blocks.reserveCapacity(vector.count)
        for i in 0..<vector.count {
            let block = IPCBlock(
                offset: try Int(size: vector.load(Int64.self, at: i), "offset of \(what) \(i)"),
                metadataByteCount: try Int(size: vector.load(Int32.self, at: i, offset: 8), "metadata length of \(what) \(i)"),
                bodyByteCount: try Int(size: vector.load(Int64.self, at: i, offset: 16), "body length of \(what) \(i)"))
            let end = try block.offset.adding(checked: block.metadataByteCount).adding(checked: block.bodyByteCount)
            guard end <= limit else {
                throw .corrupt("\(what) \(i) ends at byte \(end) of the file, behind the start of the footer at \(limit)")
            }
            blocks.append(block)
        }
        return blocks
    }
}
