import MartletArrow
import MartletBase
import MartletCodecs

/// Where the bytes of a body come from: one buffer, or a source from which only what is wanted is read.
typealias BodyBytes = (_ offset: Int, _ count: Int) throws(MartletError) -> Buffer

/// A `RecordBatch` table, checked as far as it goes without looking at the body.
struct BatchHeader {
    let rowCount: Int
    let compression: BodyCompression?
    /// Length and null count of each node; offset and length of each buffer.
    private let nodes: [Int64]
    private let buffers: [Int64]
    let bodyByteCount: Int
    let version: IPCMetadataVersion

    init(_ table: FlatTable, _ message: IPCMessage) throws(MartletError) {
        rowCount = try Int(size: table.scalar(0, default: 0 as Int64), "length of the record batch")
        nodes = try table.vector(1, elementSize: 16)?.all(Int64.self) ?? []
        buffers = try table.vector(2, elementSize: 16)?.all(Int64.self) ?? []
        if let stated = try table.table(3) {
            compression = try BodyCompression(stated)
        } else {
            compression = message.version == .v4 ? try BodyCompression(experimental: message.metadata) : nil
        }
        bodyByteCount = message.bodyByteCount
        version = message.version
    }

    var nodeCount: Int { nodes.count / 2 }
    var bufferCount: Int { buffers.count / 2 }

    /// Length and null count of a node; nil for a count that the writer did not know.
    func node(_ index: Int) throws(MartletError) -> (count: Int, nullCount: Int?) {
        guard index < nodeCount else {
            throw .corrupt("record batch has no field metadata for node \(index); it has \(nodeCount)")
        }
        let count = try Int(size: nodes[2 * index], "length of node \(index)")
        let nullCount = nodes[2 * index + 1]
        guard nullCount >= -1, nullCount <= count else {
            throw .corrupt("node \(index) has \(nullCount) nulls in \(count) slots")
        }
        return (count, nullCount == -1 ? nil : Int(nullCount))
    }

    /// Where a buffer lies in the body.
    func buffer(_ index: Int) throws(MartletError) -> (offset: Int, count: Int) {
        guard index < bufferCount else {
            throw .corrupt("Out of bounds buffer index: \(index); the record batch has \(bufferCount) buffers")
        }
        let offset = try Int(size: buffers[2 * index], "offset of buffer \(index)")
        let count = try Int(size: buffers[2 * index + 1], "length of buffer \(index)")
        guard offset <= bodyByteCount, count <= bodyByteCount - offset else {
            throw .corrupt("buffer \(index) at \(offset) with \(count) bytes leaves the body of \(bodyByteCount) bytes")
        }
        return (offset, count)
    }
}

/// Makes arrays of a record batch's body (Columnar format, "RecordBatch message"), in O(1) for each buffer: what is not
/// compressed stays where it lies.
struct BatchDecoder {
    private let header: BatchHeader
    private let options: BodyOptions
    private let body: BodyBytes
    private var nextNode = 0
    private var nextBuffer = 0
    /// The decompressed buffers by index; empty when the body is not compressed.
    private var decompressed: [Buffer?] = []

    private init(_ header: BatchHeader, _ options: BodyOptions, _ body: @escaping BodyBytes) {
        self.header = header
        self.options = options
        self.body = body
    }

    /// The columns of the fields that are included, without their dictionaries: they are attached and validated next.
    static func columns(
        _ fields: [FieldPlan], _ isIncluded: [Bool], _ header: BatchHeader, _ options: BodyOptions,
        body: @escaping BodyBytes
    ) throws(MartletError) -> [ArrayData] {
        var decoder = BatchDecoder(header, options, body)
        if let compression = header.compression {
            try decoder.decompress(fields, isIncluded, compression.codec)
        }
        var columns: [ArrayData] = []
        for (field, isIncluded) in zip(fields, isIncluded) {
            guard isIncluded else {
                decoder.skip(field)
                continue
            }
            let column: ArrayData
            do throws(MartletError) {
                column = try decoder.array(field)
            } catch {
                throw error.within("column \(field.name)")
            }
            guard column.count == header.rowCount else {
                throw .corrupt("Array length did not match record batch length: column \(field.name) has \(column.count) "
                    + "slots, expected \(header.rowCount)")
            }
            columns.append(column)
        }
        return columns
    }

    private mutating func skip(_ field: FieldPlan) {
        nextNode += field.nodeCount
        nextBuffer += field.bufferCount
    }

    private mutating func array(_ field: FieldPlan) throws(MartletError) -> ArrayData {
        let (count, nullCount) = try header.node(nextNode)
        nextNode += 1
        let layout = field.layout
        var validity: Buffer?
        if layout.hasValidity {
            if nullCount != 0 && count > 0 {
                validity = try buffer()
                let needed = count / 8 + (count % 8 == 0 ? 0 : 1)
                if nullCount == nil, validity?.isEmpty == true { validity = nil }
                if let validity, validity.count < needed {
                    throw .corrupt("validity buffer of \(field.type) has \(validity.count) bytes, expected \(needed) for \(count) slots")
                }
            } else {
                nextBuffer += 1
            }
        }
        var buffers: [Buffer] = []
        for role in layout.buffers {
            let found = try buffer()
            switch role {
            case .offsets32 where count == 0 && found.count < 4: buffers.append(noOffsets)
            case .offsets64 where count == 0 && found.count < 8: buffers.append(noOffsets)
            case .views:
                throw .notImplemented("\(field.type) columns cannot be read from IPC yet; cast to large_string before writing")
            case .values, .fixedBytes, .bits, .offsets32, .offsets64, .bytes, .typeIds, .starts32, .starts64, .sizes32,
                .sizes64:
                let ordered = options.isSwapped ? try found.fromBigEndian(role) : found
                buffers.append(try ordered.aligned(to: max(role.alignment, options.alignment)))
            }
        }
        var children: [ArrayData] = []
        children.reserveCapacity(field.children.count)
        for child in field.children { children.append(try array(child)) }
        return ArrayData(
            type: field.type, count: count, validity: validity, nullCount: count == 0 ? 0 : nullCount, buffers: buffers,
            children: children)
    }

    private mutating func buffer() throws(MartletError) -> Buffer {
        let index = nextBuffer
        nextBuffer += 1
        if header.compression != nil {
            guard index < decompressed.count, let buffer = decompressed[index] else {
                throw .corrupt("Out of bounds buffer index: \(index); the record batch has \(header.bufferCount) buffers")
            }
            return buffer
        }
        let (offset, count) = try header.buffer(index)
        return count == 0 ? .empty : try body(offset, count)
    }
}

/// A buffer with one offset, 0, for arrays of no slots.
private let noOffsets: Buffer = (try? Buffer(zeroed: 8)) ?? .empty

extension BatchDecoder {
    /// Below this the caller works alone: waking others costs more.
    private static let smallestParallelByteCount = 1 << 16

    /// Decompresses the buffers of the included fields.
    private mutating func decompress(
        _ fields: [FieldPlan], _ isIncluded: [Bool], _ codec: Codec
    ) throws(MartletError) {
        var compressed: [(index: Int, bytes: Buffer)] = []
        var index = 0
        var total = 0
        for (field, isIncluded) in zip(fields, isIncluded) {
            let end = index + field.bufferCount
            while isIncluded && index < end {
                let (offset, count) = try header.buffer(index)
                total = try total.adding(checked: count)
                compressed.append((index, count == 0 ? .empty : try body(offset, count)))
                index += 1
            }
            index = end
        }
        // Buffers that lie on top of each other would unfold a small body many times over.
        guard total <= header.bodyByteCount else { throw .corrupt("compressed buffers of the record batch overlap") }
        let parts = compressed
        let isSmall = total < Self.smallestParallelByteCount
        let results = try WorkerPool.map(parts.count, threads: isSmall || !options.usesThreads ? 1 : nil) {
            i throws(MartletError) in try Self.decompress(parts[i].bytes, codec, parts[i].index)
        }
        decompressed = Array(repeating: nil, count: index)
        for (part, result) in zip(parts, results) { decompressed[part.index] = result }
    }

    /// The uncompressed length, -1 for bytes that are stored as they are, and the bytes (Message.fbs,
    /// `BodyCompressionMethod.BUFFER`).
    private static func decompress(_ bytes: Buffer, _ codec: Codec, _ index: Int) throws(MartletError) -> Buffer {
        if bytes.isEmpty { return .empty }
        guard bytes.count >= 8 else {
            throw .corrupt("Likely corrupted message, compressed buffers are larger than 8 bytes by construction: "
                + "buffer \(index) has \(bytes.count)")
        }
        let expected = unsafe bytes.bytes.unsafeLoadUnaligned(as: Int64.self)
        let rest = try bytes.slice(at: 8, count: bytes.count - 8)
        if expected == -1 { return rest }
        let count = try Int(size: expected, "uncompressed length of buffer \(index)")
        if count == 0 { return .empty }
        do throws(MartletError) { return try codec.decompress(rest.bytes, expectedCount: count) } catch {
            throw error.within("buffer \(index)")
        }
    }
}
