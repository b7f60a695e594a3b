public import CMartlet
import MartletArrow
import MartletBase
import MartletParquet

// martlet.h, "Parquet": the keys of encrypted files. Keys and other bytes are hexadecimal text.

extension Options {
    /// The bytes of a hexadecimal value.
    mutating func bytes(_ key: String) throws(MartletError) -> [UInt8]? {
        guard let value = text(key) else { return nil }
        guard let bytes = bytesOf(hexadecimal: value) else { throw .invalid("option \(key) is not bytes in hexadecimal") }
        return bytes
    }

    /// The columns of keys "prefix:column".
    fileprivate func columns(_ prefix: String) -> [String] {
        pairs.filter { $0.key.hasPrefix(prefix + ":") }.map { String($0.key.dropFirst(prefix.count + 1)) }
    }
}

extension DecryptionOptions {
    /// Takes the keys for reading from the caller's options; nil when there are none.
    static func taken(from options: inout Options) throws(MartletError) -> DecryptionOptions? {
        var result = DecryptionOptions()
        result.footerKey = try options.bytes("decryption_footer_key")
        for column in options.columns("decryption_column_key") {
            result.columnKeys[column] = try options.bytes("decryption_column_key:" + column)
        }
        for column in options.columns("decryption_column_failure") {
            result.columnFailures[column] = options.text("decryption_column_failure:" + column)
        }
        let noted = try notedKeys(&options)
        if !noted.isEmpty {
            result.keyRetriever = { note throws(MartletError) in
                switch noted[note] {
                case .key(let key)?: return key
                case .failure(let reason)?: throw .invalid("HiddenColumnException: \(reason)")
                case nil:
                    throw MartletError(.ioError, "the file is encrypted, and no key was given for what it notes of it")
                }
            }
        }
        result.aadPrefix = try options.bytes("decryption_aad_prefix")
        let checks = try options.flag("decryption_check_footer")
        result.checksFooterSignature = checks ?? true
        result.allowsPlaintextFiles = try options.flag("decryption_allow_plaintext") ?? true
        let isGiven =
            result.footerKey != nil || !result.columnKeys.isEmpty || result.aadPrefix != nil || checks != nil || !noted.isEmpty
        return isGiven ? result : nil
    }

    private enum Noted: Sendable {
        case key([UInt8])
        case failure(String)
    }

    /// Keys by what files note of them.
    private static func notedKeys(_ options: inout Options) throws(MartletError) -> [[UInt8]: Noted] {
        var noted: [[UInt8]: Noted] = [:]
        for note in options.columns("decryption_key_failure") {
            noted[try hexadecimal(note)] = options.text("decryption_key_failure:" + note).map { .failure($0) }
        }
        for note in options.columns("decryption_key") {
            noted[try hexadecimal(note)] = try options.bytes("decryption_key:" + note).map { .key($0) }
        }
        return noted
    }

    private static func hexadecimal(_ note: String) throws(MartletError) -> [UInt8] {
        guard let bytes = bytesOf(hexadecimal: note) else { throw .invalid("decryption_key:\(note) does not name a note in hexadecimal") }
        return bytes
    }
}

/// nil when the text is not hexadecimal.
private func bytesOf(hexadecimal text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
        let digit: UInt8
        switch character {
        case 0x30...0x39: digit = character - 0x30
        case 0x41...0x46: digit = character - 0x37
        case 0x61...0x66: digit = character - 0x57
        case _: return nil
        }
        if let first = high {
            bytes.append(first << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    return high == nil ? bytes : nil
}

extension EncryptionOptions {
    /// Takes the keys for writing from the caller's options; nil when there are none.
    static func taken(from options: inout Options) throws(MartletError) -> EncryptionOptions? {
        guard let footerKey = try options.bytes("encryption_footer_key") else { return nil }
        var result = EncryptionOptions(footerKey: footerKey)
        result.footerKeyMetadata = try options.bytes("encryption_footer_key_metadata")
        for column in options.columns("encryption_column_key") {
            guard let key = try options.bytes("encryption_column_key:" + column) else { continue }
            result.columnKeys[column] = ColumnKey(
                key: key, keyMetadata: try options.bytes("encryption_column_key_metadata:" + column))
        }
        result.aadPrefix = try options.bytes("encryption_aad_prefix")
        result.storesAADPrefix = try options.flag("encryption_store_aad_prefix") ?? true
        result.leavesFooterPlain = try options.flag("encryption_plaintext_footer") ?? false
        switch options.text("encryption_algorithm") {
        case nil, "AES_GCM_V1"?: break
        case "AES_GCM_CTR_V1"?: result.usesCounterForPages = true
        case let other?:
            throw .invalid("Invalid encryption algorithm: \(other); there are AES_GCM_V1 and AES_GCM_CTR_V1")
        }
        return result
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

@_cdecl("martlet_parquet_key_metadata")
public func parquetKeyMetadata(
    _ source: OpaquePointer?, _ options: UnsafePointer<martlet_option>?, _ optionCount: Int64, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let (source, parsed) = try openable(source, options, optionCount)
        var lines = ""
        for one in try ParquetFile.keyMetadata(source, options: parsed) {
            lines += hexadecimal(one.bytes) + " " + (one.path ?? "") + "\n"
        }
        try give(lines, to: out)
    }
}

@_cdecl("martlet_aes_gcm")
public func aesGCM(
    _ key: UnsafePointer<UInt8>?, _ keyByteCount: Int64, _ input: UnsafePointer<UInt8>?, _ inputByteCount: Int64,
    _ aad: UnsafePointer<UInt8>?, _ aadByteCount: Int64, _ seals: Bool, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        func bytes(_ pointer: UnsafePointer<UInt8>?, _ count: Int64, _ name: String) throws(MartletError) -> [UInt8] {
            let count = try Int(size: count, name)
            guard count > 0 else { return [] }
            guard let pointer else { throw .invalid("\(name) is NULL") }
            return Array(UnsafeBufferPointer(start: pointer, count: count))
        }
        let aes = try AESKey(try bytes(key, keyByteCount, "key"))
        let text = try Buffer(try bytes(input, inputByteCount, "input"))
        let bound = try bytes(aad, aadByteCount, "aad")
        if seals { return try give(BufferHandle(try aes.seal(text.bytes, aad: bound, hasLength: false)), to: out) }
        guard let opened = try aes.open(text.bytes, aad: bound) else {
            throw .invalid("Failed decryption finalization: the key or the data is wrong")
        }
        try give(BufferHandle(opened), to: out)
    }
}
