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
    let dictionaries: IPCBlocks
    let recordBatches: IPCBlocks
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
        dictionaries = IPCBlocks(try table.vector(2, elementSize: 24), limit: limit, name: "dictionary batch")
        recordBatches = IPCBlocks(try table.vector(3, elementSize: 24), limit: limit, name: "record batch")
        metadata = try SchemaDecoder.metadata(table, slot: 4)
    }
}

/// The blocks of a footer, each read and checked when it is asked for: opening a file costs the same however many there
/// are.
struct IPCBlocks: Sendable {
    private let vector: FlatVector?
    private let limit: Int
    private let name: String
    let count: Int

    init(_ vector: FlatVector?, limit: Int, name: String) {
        self.vector = vector
        self.limit = limit
        self.name = name
        count = vector?.count ?? 0
    }

    /// Block `index`, one of `count`.
    func block(_ index: Int) throws(MartletError) -> IPCBlock {
        guard let vector else { throw .index("\(name) \(index) is none of \(count)") }
        let offset = Int(try vector.load(Int64.self, at: index))
        let metadataByteCount = Int(try vector.load(Int32.self, at: index, offset: 8))
        let bodyByteCount = Int(try vector.load(Int64.self, at: index, offset: 16))
        let end = try offset.adding(checked: metadataByteCount).adding(checked: bodyByteCount)
        guard offset >= 0, metadataByteCount >= 0, bodyByteCount >= 0, end <= limit else {
            throw .corrupt("\(name) \(index) has offset \(offset), \(metadataByteCount) bytes of metadata and "
                + "\(bodyByteCount) of body, but the footer starts at \(limit)")
        }
        return IPCBlock(offset: offset, metadataByteCount: metadataByteCount, bodyByteCount: bodyByteCount)
    }
}
