import MartletArrow
import MartletBase
import MartletCodecs

/// Where the bytes of a body come from: one buffer, or a source from which only what is wanted is read.
typealias BodyBytes = (_ offset: Int, _ count: Int) throws(MartletError) -> Buffer

/// A `RecordBatch` table, checked as far as it goes without looking at the body.
final class BatchHeader {
    let rowCount: Int
    let compression: BodyCompression?
    /// Length and null count of each node; offset and length of each buffer; how many buffers each column of views has.
    private let nodes: FlatVector?
    private let buffers: FlatVector?
    private let variadicCounts: FlatVector?
    let nodeCount: Int
    let bufferCount: Int
    let bodyByteCount: Int
    let version: IPCMetadataVersion

    init(_ table: FlatTable, _ message: IPCMessage) throws(MartletError) {
        rowCount = try Int(size: table.scalar(0, default: 0 as Int64), "length of the record batch")
        nodes = try table.vector(1, elementSize: 16)
        buffers = try table.vector(2, elementSize: 16)
        variadicCounts = try table.vector(4, elementSize: 8)
        nodeCount = nodes?.count ?? 0
        bufferCount = buffers?.count ?? 0
        if let stated = try table.table(3) {
            compression = try BodyCompression(stated)
        } else {
            compression = message.version == .v4 ? try BodyCompression(experimental: message.metadata) : nil
        }
        bodyByteCount = message.bodyByteCount
        version = message.version
    }

    /// Length and null count of a node; nil for a count that the writer did not know.
    func node(_ index: Int) throws(MartletError) -> (count: Int, nullCount: Int?) {
        guard let nodes, index < nodeCount else {
            throw .corrupt("record batch has no field metadata for node \(index); it has \(nodeCount)")
        }
        let length = try nodes.load(Int64.self, at: index)
        let nullCount = try nodes.load(Int64.self, at: index, offset: 8)
        guard length >= 0 else { throw .corrupt("node \(index) has a negative length, \(length)") }
        let count = Int(length)
        guard nullCount >= -1, nullCount <= count else {
            throw .corrupt("node \(index) has \(nullCount) nulls in \(count) slots")
        }
        return (count, nullCount == -1 ? nil : Int(nullCount))
    }

    /// Where a buffer lies in the body.
    func buffer(_ index: Int) throws(MartletError) -> (offset: Int, count: Int) {
        guard let buffers, index < bufferCount else {
            throw .corrupt("Out of bounds buffer index: \(index); the record batch has \(bufferCount) buffers")
        }
        let offset = try buffers.load(Int64.self, at: index)
        let count = try buffers.load(Int64.self, at: index, offset: 8)
        guard offset >= 0, count >= 0, offset <= bodyByteCount, count <= Int64(bodyByteCount) - offset else {
            throw .corrupt("buffer \(index) at \(offset) with \(count) bytes leaves the body of \(bodyByteCount) bytes")
        }
        return (Int(offset), Int(count))
    }

    /// How many buffers of bytes column of views number `index` has.
    func variadicCount(_ index: Int) throws(MartletError) -> Int {
        guard let variadicCounts, index < variadicCounts.count else {
            throw .corrupt("record batch has no variadic buffer count for column of views \(index)")
        }
        let count = try variadicCounts.load(Int64.self, at: index)
        guard count >= 0, count <= bufferCount else {
            throw .corrupt("column of views \(index) has \(count) buffers, the record batch \(bufferCount)")
        }
        return Int(count)
    }
}

/// Which node, buffer and count of buffers come next in a body.
struct BodyPlace {
    var node = 0
    var buffer = 0
    var variadic = 0

    /// Goes over a field and all below it.
    mutating func skip(_ field: FieldPlan, _ header: BatchHeader) throws(MartletError) {
        node += 1
        buffer += field.fixedBufferCount(header.version)
        if field.layout.hasVariadicBuffers {
            buffer += try header.variadicCount(variadic)
            variadic += 1
        }
        for child in field.children { try skip(child, header) }
    }
}

/// Makes arrays of a record batch's body (Columnar format, "RecordBatch message"), in O(1) for each buffer: what is not
/// compressed stays where it lies.
struct BatchDecoder {
    private let header: BatchHeader
    private let options: BodyOptions
    private let body: BodyBytes
    private var next = BodyPlace()
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
        columns.reserveCapacity(fields.count)
        for (field, isIncluded) in zip(fields, isIncluded) {
            guard isIncluded else {
                try decoder.next.skip(field, header)
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

    private mutating func array(_ field: FieldPlan) throws(MartletError) -> ArrayData {
        let (count, nullCount) = try header.node(next.node)
        next.node += 1
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
                next.buffer += 1
            }
        } else if field.fixedBufferCount(header.version) > layout.buffers.count {
            next.buffer += 1
            guard nullCount == 0 else {
                throw .notImplemented("Cannot read pre-1.0.0 Union array with top-level validity bitmap")
            }
        }
        var buffers: [Buffer] = []
        buffers.reserveCapacity(layout.buffers.count)
        for role in layout.buffers {
            let found = try buffer()
            switch role {
            case .offsets32 where count == 0 && found.count < 4: buffers.append(noOffsets)
            case .offsets64 where count == 0 && found.count < 8: buffers.append(noOffsets)
            case .values, .fixedBytes, .bits, .offsets32, .offsets64, .bytes, .views, .starts32, .starts64, .sizes32, .sizes64,
                .typeIds:
                let ordered = options.isSwapped ? try found.fromBigEndian(role, of: field.type) : found
                buffers.append(try ordered.aligned(to: max(role.alignment, options.alignment)))
            }
        }
        if layout.hasVariadicBuffers {
            let count = try header.variadicCount(next.variadic)
            next.variadic += 1
            for _ in 0..<count { buffers.append(try buffer()) }
        }
        var children: [ArrayData] = []
        children.reserveCapacity(field.children.count)
        for child in field.children { children.append(try array(child)) }
        return ArrayData(
            type: field.type, count: count, validity: validity, nullCount: count == 0 ? 0 : nullCount, buffers: buffers,
            children: children)
    }

    private mutating func buffer() throws(MartletError) -> Buffer {
        let index = next.buffer
        next.buffer += 1
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
        var place = BodyPlace()
        var total = 0
        for (field, isIncluded) in zip(fields, isIncluded) {
            let first = place.buffer
            try place.skip(field, header)
            for index in first..<place.buffer where isIncluded {
                let (offset, count) = try header.buffer(index)
                total = try total.adding(checked: count)
                compressed.append((index, count == 0 ? .empty : try body(offset, count)))
            }
        }
        guard place.buffer <= header.bufferCount else {
            throw .corrupt("record batch has \(header.bufferCount) buffers, expected \(place.buffer)")
        }
        // Buffers that lie on top of each other would unfold a small body many times over.
        guard total <= header.bodyByteCount else { throw .corrupt("compressed buffers of the record batch overlap") }
        let parts = compressed
        let isSmall = total < Self.smallestParallelByteCount
        let results = try WorkerPool.map(parts.count, threads: isSmall || !options.usesThreads ? 1 : nil) {
            i throws(MartletError) in try Self.decompress(parts[i].bytes, codec, parts[i].index)
        }
        decompressed = Array(repeating: nil, count: place.buffer)
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
