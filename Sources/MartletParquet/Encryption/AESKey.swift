import Glibc
public import MartletBase

/// A key of AES, and the two ciphers of modules (Encryption.md, 4.1 and 5.1).
public struct AESKey: Sendable, Hashable {
    private let bytes: [UInt8]

    static let nonceByteCount = 12
    static let tagByteCount = 16
    /// What GCM adds to a text, and the length before it.
    static let gcmOverhead = 28
    static let lengthByteCount = 4

    /// Throws `invalid` unless there are 16, 24 or 32 bytes.
    public init(_ bytes: [UInt8]) throws(MartletError) {
        guard [16, 24, 32].contains(bytes.count) else {
            throw .invalid("Wrong key length \(bytes.count): keys of AES have 16, 24 or 32 bytes")
        }
        self.bytes = bytes
    }

    /// Nonce, text and tag, with their length in front where `hasLength`.
    public func seal(_ text: RawSpan, aad: [UInt8], hasLength: Bool = true) throws(MartletError) -> Buffer {
        try sealed(text, nonce: try Self.nonce(), aad: aad, hasLength: hasLength)
    }

    /// The text of a module: nonce, text and tag. nil when key, text or `aad` is not the one it was sealed with.
    public func open(_ module: RawSpan, aad: [UInt8]) throws(MartletError) -> Buffer? {
        guard module.byteCount >= Self.gcmOverhead else { return nil }
        let count = module.byteCount - Self.gcmOverhead
        let output = try BufferBuilder(uninitializedCount: count)
        var tag: [UInt8]? = unsafe module.withUnsafeBytes { unsafe [UInt8]($0[(count + Self.nonceByteCount)...]) }
        let isGood = try unsafe run(
            module.extracting(Self.nonceByteCount..<Self.nonceByteCount + count),
            iv: unsafe module.withUnsafeBytes { unsafe [UInt8]($0[..<Self.nonceByteCount]) }, aad: aad,
            into: output.pointer(to: UInt8.self),
            tag: &tag, encrypts: false)
        return isGood ? output.finish() : nil
    }

    /// The tag of `text` under a nonce that is known: a footer's signature.
    func tag(of text: RawSpan, nonce: [UInt8], aad: [UInt8]) throws(MartletError) -> [UInt8] {
        let module = try sealed(text, nonce: nonce, aad: aad, hasLength: false)
        return unsafe module.bytes.withUnsafeBytes { unsafe [UInt8]($0[($0.count - Self.tagByteCount)...]) }
    }

    private func sealed(_ text: RawSpan, nonce: [UInt8], aad: [UInt8], hasLength: Bool) throws(MartletError) -> Buffer {
        let count = text.byteCount
        var module = try BufferBuilder(byteCapacity: try count.adding(checked: Self.gcmOverhead + Self.lengthByteCount))
        if hasLength { try module.append(try Self.length(count + Self.gcmOverhead).littleEndian) }
        try unsafe module.append(nonce.span.bytes)
        let output = try BufferBuilder(uninitializedCount: count)
        var tag: [UInt8]? = []
        guard try unsafe run(text, iv: nonce, aad: aad, into: output.pointer(to: UInt8.self), tag: &tag, encrypts: true)
        else { throw Self.failure }
        try unsafe module.append(RawSpan(_unsafeStart: output.address, byteCount: count))
        let found = tag ?? []
        try unsafe module.append(found.span.bytes)
        return module.finish()
    }

    /// Length, nonce and text under CTR, which is not authenticated.
    func sealCounter(_ text: RawSpan) throws(MartletError) -> Buffer {
        let count = text.byteCount
        let nonce = try Self.nonce()
        var module = try BufferBuilder(byteCapacity: try count.adding(checked: 16))
        try module.append(try Self.length(count + Self.nonceByteCount).littleEndian)
        try unsafe module.append(nonce.span.bytes)
        let output = try BufferBuilder(uninitializedCount: count)
        var noTag: [UInt8]? = nil
        guard
            try unsafe run(
                text, iv: nonce + [0, 0, 0, 1], into: output.pointer(to: UInt8.self), tag: &noTag, encrypts: true)
        else { throw Self.failure }
        try unsafe module.append(RawSpan(_unsafeStart: output.address, byteCount: count))
        return module.finish()
    }

    /// The text of a module of nonce and text under CTR. A wrong key gives a wrong text.
    func openCounter(_ module: RawSpan) throws(MartletError) -> Buffer? {
        guard module.byteCount >= Self.nonceByteCount else { return nil }
        let count = module.byteCount - Self.nonceByteCount
        let output = try BufferBuilder(uninitializedCount: count)
        let nonce = unsafe module.withUnsafeBytes { unsafe [UInt8]($0[..<Self.nonceByteCount]) }
        var noTag: [UInt8]? = nil
        guard
            try unsafe run(
                module.extracting(Self.nonceByteCount..<module.byteCount), iv: nonce + [0, 0, 0, 1],
                into: output.pointer(to: UInt8.self),
                tag: &noTag, encrypts: false)
        else { throw Self.failure }
        return output.finish()
    }

    private static func length(_ count: Int) throws(MartletError) -> UInt32 {
        guard let length = Int32(exactly: count) else {
            throw .capacity("an encrypted module of \(count) bytes is longer than Parquet's limit of 2 GiB")
        }
        return UInt32(length)
    }

    private static var failure: MartletError { MartletError(.unknown, "libcrypto refused to work") }

    static func nonce() throws(MartletError) -> [UInt8] { try randomBytes(nonceByteCount) }

    /// Bytes that nobody can foretell.
    static func randomBytes(_ count: Int) throws(MartletError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let status = unsafe bytes.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress, $0.count) }
        guard status == 0 else { throw MartletError(.ioError, "the system gave no random bytes") }
        return bytes
    }

    // MARK: libcrypto

    /// - Parameter tag: GCM's, written or compared; nil for CTR.
    /// - Returns: whether libcrypto was content; deciphering, whether the tag was right.
    private func run(
        _ input: RawSpan, iv: [UInt8], aad: [UInt8] = [], into target: UnsafeMutablePointer<UInt8>, tag: inout [UInt8]?,
        encrypts: Bool
    ) throws(MartletError) -> Bool {
        let library = try LibCrypto.shared()
        guard let context = unsafe library.newContext() else { throw .outOfMemory(256) }
        defer { unsafe library.freeContext(context) }
        let cipher = unsafe library.cipher(keyByteCount: bytes.count, isGCM: tag != nil)
        let direction: Int32 = encrypts ? 1 : 0
        // Safety: key and iv have the lengths that the cipher wants, the output has room for the input, and lengths fit 32 bits.
        guard unsafe library.start(context, cipher, nil, bytes, iv, direction) == 1 else { return false }
        var written: Int32 = 0
        if !aad.isEmpty {
            guard unsafe library.update(context, nil, &written, aad, Int32(clamping: aad.count)) == 1 else {
                return false
            }
        }
        let isDone = unsafe input.withUnsafeBytes { source -> Bool in
            guard let base = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
            var done = 0
            while done < source.count {
                let count = min(source.count - done, 1 << 30)
                guard unsafe library.update(context, target + done, &written, base + done, Int32(count)) == 1 else {
                    return false
                }
                done += count
            }
            return true
        }
        guard isDone else { return false }
        if !encrypts, tag != nil {
            let isSet = unsafe tag!.withUnsafeMutableBytes {
                unsafe library.control(context, LibCrypto.setTag, Int32($0.count), $0.baseAddress)
            }
            guard isSet == 1 else { return false }
        }
        var rest = [UInt8](repeating: 0, count: 32)
        guard unsafe library.finish(context, &rest, &written) == 1 else { return false }
        if encrypts, tag != nil {
            var made = [UInt8](repeating: 0, count: Self.tagByteCount)
            let isGot = unsafe made.withUnsafeMutableBytes {
                unsafe library.control(context, LibCrypto.getTag, Int32($0.count), $0.baseAddress)
            }
            guard isGot == 1 else { return false }
            tag = made
        }
        return true
    }
}
