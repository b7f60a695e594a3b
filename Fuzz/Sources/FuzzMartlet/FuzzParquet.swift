import Martlet

/// A whole Parquet file.
func fuzzParquet(_ input: Buffer) throws(MartletError) { try readParquet(input) }

/// The input as the footer of a file whose pages are zeros.
func fuzzParquetFooter(_ input: Buffer) throws(MartletError) {
    let body = try Buffer(zeroed: 1 << 12)
    var file = try BufferBuilder()
    try file.append(magic.bytes)
    try file.append(body.bytes)
    try file.append(input.bytes)
    try file.append(Int32(input.count))
    try file.append(magic.bytes)
    try readParquet(file.finish())
}

/// A column of which the first five bytes say type, shape, codec, rows and values; the rest are its pages with their
/// headers.
func fuzzParquetPages(_ input: Buffer) throws(MartletError) {
    guard input.count > 5 else { return }
    let head = input.pointer(to: UInt8.self)
    let pages = try input.slice(at: 5, count: input.count - 5)
    let column = Column(type: head[0], shape: head[1], codec: head[2], rows: head[3], values: head[4])
    try readParquet(column.file(pages: pages, uncompressedByteCount: 1 << 16))
}

/// A page of which the first seven bytes say type, shape, codec, rows, values, encoding and the bytes of its
/// dictionary; the rest is the dictionary and the page. Every encoding meets every type.
func fuzzParquetEncoding(_ input: Buffer) throws(MartletError) {
    guard input.count > 7 else { return }
    let head = input.pointer(to: UInt8.self)
    let column = Column(type: head[0], shape: head[1], codec: 0, rows: head[3], values: head[4])
    let encodings = Encoding.allCases
    let encoding = encodings[Int(head[5]) % encodings.count]
    let dictionaryByteCount = min(Int(head[6]), input.count - 7)
    let dictionary = try input.slice(at: 7, count: dictionaryByteCount)
    let body = try input.slice(at: 7 + dictionaryByteCount, count: input.count - 7 - dictionaryByteCount)
    let levels = Int(head[2] >> 4)
    var pages = try BufferBuilder()
    if encoding == .rleDictionary || encoding == .plainDictionary {
        try append(.dictionary, Thrift([1: .int(Int(head[2])), 2: .int(0)]), dictionary, to: &pages)
    }
    if head[2] & 1 == 0 {
        let header = Thrift([
            1: .int(Int(head[4])), 2: .int(Int(encoding.rawValue)), 3: .int(rle), 4: .int(rle),
        ])
        try append(.data, header, body, to: &pages)
    } else {
        let header = Thrift([
            1: .int(Int(head[4])), 2: .int(Int(head[2] >> 1 & 7)), 3: .int(Int(head[3])),
            4: .int(Int(encoding.rawValue)), 5: .int(levels), 6: .int(column.isRepeated ? levels : 0), 7: .bool(false),
        ])
        try append(.dataV2, header, body, to: &pages)
    }
    let bytes = pages.finish()
    try readParquet(column.file(pages: bytes, uncompressedByteCount: bytes.count))
}

private let rle = Int(Encoding.rle.rawValue)

private let magic: Buffer = {
    guard let bytes = try? Buffer(Array("PAR1".utf8)) else { fatalError("out of memory") }
    return bytes
}()

/// Checksums are not verified, or few changes would get past them.
func readParquet(_ file: Buffer, decryption: DecryptionOptions? = nil) throws(MartletError) {
    var options = ReadOptions()
    options.decryption = decryption
    options.verifiesChecksums = false
    options.usesThreads = false
    options.unshredsVariants = true
    let file = try ParquetFile(MemorySource(file), options: options)
    // A page of a few bytes may well unpack to gigabytes (one of the known files does), but not in a fuzzer's time.
    let unpacked = file.metadata.rowGroups.map { Double($0.totalByteSize) }.reduce(0, +)
    if unpacked < 64e6 { use(try file.read()) }
}

private func append(
    _ type: PageType, _ header: Thrift, _ body: Buffer, to pages: inout BufferBuilder
) throws(MartletError) {
    // PageHeader: the type's own header stands in the field that its number tells.
    let field = [.data: 5, .dictionary: 7, .dataV2: 8][type] ?? 6
    let page = Thrift([
        1: .int(Int(type.rawValue)), 2: .int(body.count), 3: .int(body.count), field: .struct(header),
    ])
    try pages.append(page.bytes.span.bytes)
    try pages.append(body.bytes)
}

/// A struct in Thrift's compact protocol, fields by their numbers.
struct Thrift {
    enum Value {
        case bool(Bool)
        case int(Int)
        case long(Int)
        case string(String)
        case `struct`(Thrift)
        case structs([Thrift])
        case ints([Int])
        case strings([String])
    }

    let bytes: [UInt8]

    init(_ fields: [Int: Value]) {
        var bytes: [UInt8] = []
        for (id, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .bool(let value): bytes += [value ? 1 : 2] + Thrift.number(id)
            case .int(let value): bytes += [5] + Thrift.number(id) + Thrift.number(value)
            case .long(let value): bytes += [6] + Thrift.number(id) + Thrift.number(value)
            case .string(let value): bytes += [8] + Thrift.number(id) + Thrift.string(value)
            case .struct(let value): bytes += [12] + Thrift.number(id) + value.bytes
            case .structs(let values): bytes += Thrift.list(id, 12, values.map(\.bytes))
            case .ints(let values): bytes += Thrift.list(id, 5, values.map(Thrift.number))
            case .strings(let values): bytes += Thrift.list(id, 8, values.map(Thrift.string))
            }
        }
        self.bytes = bytes + [0]
    }

    private static func list(_ id: Int, _ type: UInt8, _ items: [[UInt8]]) -> [UInt8] {
        [9] + number(id) + [UInt8(items.count) << 4 | type] + items.joined()
    }

    private static func string(_ value: String) -> [UInt8] { varint(UInt64(value.utf8.count)) + Array(value.utf8) }

    private static func number(_ value: Int) -> [UInt8] { varint(UInt64(bitPattern: Int64(value << 1 ^ value >> 63))) }

    private static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }
}

/// The one column of a file, as the input's first bytes choose it.
struct Column {
    let physicalType: PhysicalType
    let shape: UInt8
    let codec: Int
    let rowCount: Int
    let valueCount: Int
    var isRepeated: Bool { shape % 4 >= 2 }

    init(type: UInt8, shape: UInt8, codec: UInt8, rows: UInt8, values: UInt8) {
        let types = PhysicalType.allCases
        physicalType = types[Int(type) % types.count]
        self.shape = shape
        self.codec = Int(codec % 8)
        rowCount = Int(rows)
        valueCount = Int(values)
    }

    /// A required or optional value, a repeated one, or a list of optional ones.
    var schema: (elements: [Thrift], path: [String]) {
        func leaf(_ name: String, _ repetition: Repetition) -> Thrift {
            var fields: [Int: Thrift.Value] = [
                1: .int(Int(physicalType.rawValue)), 3: .int(Int(repetition.rawValue)), 4: .string(name),
            ]
            if physicalType == .fixedLengthByteArray { fields[2] = .int(Int(shape >> 2)) }
            return Thrift(fields)
        }
        func group(_ name: String, _ repetition: Repetition, _ other: [Int: Thrift.Value] = [:]) -> Thrift {
            Thrift([3: .int(Int(repetition.rawValue)), 4: .string(name), 5: .int(1)].merging(other) { $1 })
        }
        let root = Thrift([4: .string("schema"), 5: .int(1)])
        switch shape % 4 {
        case 0: return ([root, leaf("a", .required)], ["a"])
        case 1: return ([root, leaf("a", .optional)], ["a"])
        case 2: return ([root, leaf("a", .repeated)], ["a"])
        default:
            let list = group("a", .optional, [6: .int(Int(ConvertedType.list.rawValue))])
            return ([root, list, group("list", .repeated), leaf("element", .optional)], ["a", "list", "element"])
        }
    }

    /// The chunk's metadata, and what stands around it in the footer; `crypto` says how the chunk is encrypted.
    func footer(pageByteCount: Int, uncompressedByteCount: Int, crypto: Thrift? = nil) -> Thrift {
        let metadata = Thrift([
            1: .int(Int(physicalType.rawValue)), 2: .ints([0]), 3: .strings(schema.path), 4: .int(codec),
            5: .long(valueCount), 6: .long(uncompressedByteCount), 7: .long(pageByteCount), 9: .long(4),
        ])
        var fields: [Int: Thrift.Value] = [2: .long(0), 3: .struct(metadata)]
        if let crypto { fields[8] = .struct(crypto) }
        let chunk = Thrift(fields)
        let group = Thrift([1: .structs([chunk]), 2: .long(uncompressedByteCount), 3: .long(rowCount)])
        return Thrift([1: .int(2), 2: .structs(schema.elements), 3: .long(rowCount), 4: .structs([group])])
    }

    func file(pages: Buffer, uncompressedByteCount: Int) throws(MartletError) -> Buffer {
        let footer = footer(pageByteCount: pages.count, uncompressedByteCount: uncompressedByteCount)
        var file = try BufferBuilder()
        try file.append(magic.bytes)
        try file.append(pages.bytes)
        try file.append(footer.bytes.span.bytes)
        try file.append(Int32(footer.bytes.count))
        try file.append(magic.bytes)
        return file.finish()
    }
}
