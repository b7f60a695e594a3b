import Martlet

/// The first byte chooses what the rest is: a whole file, a footer or the modules of a column chunk. Footers and modules are sealed
/// with the known key, so that what comes behind decryption is reached; no flip of a bit would get there.
func fuzzParquetEncryption(_ input: Buffer) throws(MartletError) {
    guard input.count > 1 else { return }
    let choice = input.pointer(to: UInt8.self)[0]
    let rest = try input.slice(at: 1, count: input.count - 1)
    switch choice % 4 {
    case 0: try readParquet(rest, decryption: keys)
    case 1: try readParquet(file(pages: try Buffer(zeroed: 1 << 12), footer: rest), decryption: keys)
    case 2: try readParquet(signed(rest), decryption: keys)
    default: try fuzzModules(rest)
    }
}

/// As the specification's files have them.
private let footerKey = Array("0123456789012345".utf8)

private let keys: DecryptionOptions = {
    var keys = DecryptionOptions()
    keys.footerKey = footerKey
    keys.checksFooterSignature = false
    keys.columnKeys = [
        "a": Array("1234567890123450".utf8), "double_field": Array("1234567890123450".utf8),
        "float_field": Array("1234567890123451".utf8),
    ]
    return keys
}()

private let unique: [UInt8] = Array("unique".utf8)

/// EncryptionAlgorithm: AES_GCM_V1 or AES_GCM_CTR_V1, with the number of the file.
private func algorithm(usesCounter: Bool) -> Thrift {
    Thrift([usesCounter ? 2 : 1: .struct(Thrift([2: .string("unique")]))])
}

/// The first five bytes say type, shape, codec, rows and values, as in `parquet-pages`; then come modules, each behind two
/// bytes that say how long it is: headers and pages in turn. The highest bit of the codec stands for a dictionary.
private func fuzzModules(_ input: Buffer) throws(MartletError) {
    guard input.count > 5 else { return }
    let head = input.pointer(to: UInt8.self)
    let column = Column(type: head[0], shape: head[1], codec: head[2] & 7, rows: head[3], values: head[4])
    let hasDictionary = head[2] & 0x80 != 0
    let usesCounter = head[2] & 0x40 != 0
    let key = try AESKey(footerKey)
    var pages = try BufferBuilder()
    var place = 5
    var index = 0
    while place + 2 <= input.count, index < 64 {
        let wanted = Int(head[place]) | Int(head[place + 1]) << 8
        let text = try input.slice(at: place + 2, count: min(wanted, input.count - place - 2))
        let isDictionary = hasDictionary && index < 2
        let isHeader = index % 2 == 0
        // 2 and 3 are pages, 4 and 5 their headers; row group 0, column 0, and the number of a data page.
        var bound = unique + [(isHeader ? 4 : 2) + (isDictionary ? 1 : 0), 0, 0, 0, 0]
        let number = index / 2 - (hasDictionary ? 1 : 0)
        if !isDictionary { bound += [UInt8(number & 255), UInt8(number >> 8)] }
        if usesCounter && !isHeader {
            // Length and nonce, and the bytes as they are: they are as good as any others after decryption.
            try pages.append(UInt32(text.count + 12))
            let nonce = try Buffer(zeroed: 12)
            try pages.append(nonce.bytes)
            try pages.append(text.bytes)
        } else {
            let sealed = try key.seal(text.bytes, aad: bound)
            try pages.append(sealed.bytes)
        }
        place += 2 + text.count
        index += 1
    }
    let bytes = pages.finish()
    // ColumnCryptoMetaData: the footer's key.
    let crypto = Thrift([1: .struct(Thrift([:]))])
    let footer = column.footer(pageByteCount: bytes.count, uncompressedByteCount: 1 << 16, crypto: crypto)
    let text = try Buffer(footer.bytes)
    try readParquet(file(pages: bytes, footer: text, usesCounter: usesCounter), decryption: keys)
}

/// A file with an encrypted footer.
private func file(pages: Buffer, footer: Buffer, usesCounter: Bool = false) throws(MartletError) -> Buffer {
    let crypto = Thrift([1: .struct(algorithm(usesCounter: usesCounter))])
    let sealed = try AESKey(footerKey).seal(footer.bytes, aad: unique + [0])
    var file = try BufferBuilder()
    let magic = try Buffer(Array("PARE".utf8))
    try file.append(magic.bytes)
    try file.append(pages.bytes)
    try file.append(crypto.bytes.span.bytes)
    try file.append(sealed.bytes)
    try file.append(Int32(crypto.bytes.count + sealed.count))
    try file.append(magic.bytes)
    return file.finish()
}

/// A file whose footer is in the clear; its signature is not looked at.
private func signed(_ footer: Buffer) throws(MartletError) -> Buffer {
    var file = try BufferBuilder()
    let magic = try Buffer(Array("PAR1".utf8))
    try file.append(magic.bytes)
    try file.append(footer.bytes)
    let signature = try Buffer(zeroed: 28)
    try file.append(signature.bytes)
    try file.append(Int32(footer.count + 28))
    try file.append(magic.bytes)
    return file.finish()
}
