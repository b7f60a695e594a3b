import Glibc
import MartletBase

/// OpenSSL's libcrypto, loaded when the first encrypted file is met. Files in the clear never ask for it.
@safe
struct LibCrypto: @unchecked Sendable {
    // Safety: functions of a library that stays loaded; they are used as their manual says.
    let newContext: @convention(c) () -> OpaquePointer?
    let freeContext: @convention(c) (OpaquePointer?) -> Void
    /// EVP_CipherInit_ex: context, cipher, engine, key, iv, 1 to encrypt.
    let start:
        @convention(c) (
            OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?, Int32
        ) -> Int32
    /// EVP_CipherUpdate: context, output, its length, input, its length.
    let update:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int32>?, UnsafePointer<UInt8>?, Int32
        ) -> Int32
    /// EVP_CipherFinal_ex.
    let finish: @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int32>?) -> Int32
    /// EVP_CIPHER_CTX_ctrl.
    let control: @convention(c) (OpaquePointer?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
    private let ciphers: [@convention(c) () -> OpaquePointer?]

    static let getTag: Int32 = 0x10
    static let setTag: Int32 = 0x11

    /// The cipher for keys of so many bytes, which `AESKey` checked.
    func cipher(keyByteCount: Int, isGCM: Bool) -> OpaquePointer? {
        unsafe ciphers[(keyByteCount / 8 - 2) + (isGCM ? 0 : 3)]()
    }

    /// Throws `notImplemented` where the library is not installed.
    static func shared() throws(MartletError) -> LibCrypto { try loaded.get() }

    private static let loaded: Result<LibCrypto, MartletError> = {
        do throws(MartletError) { return .success(try LibCrypto()) } catch { return .failure(error) }
    }()

    private init() throws(MartletError) {
        let wish = unsafe getenv("MARTLET_LIBCRYPTO").map { unsafe String(cString: $0) }
        let name = wish ?? "libcrypto.so.3"
        let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL)
        guard let library = unsafe library else {
            throw .notImplemented(
                "encrypted Parquet needs OpenSSL 3, and '\(name)' cannot be loaded; install the package libssl3 (Debian, Ubuntu) "
                    + "or openssl-libs (Fedora), or set MARTLET_LIBCRYPTO to its path")
        }
        func symbol(_ symbol: String) throws(MartletError) -> UnsafeMutableRawPointer {
            guard let found = unsafe dlsym(library, symbol) else {
                throw .notImplemented("'\(name)' has no \(symbol); encrypted Parquet needs OpenSSL 3")
            }
            return unsafe found
        }
        unsafe newContext = unsafeBitCast(
            try symbol("EVP_CIPHER_CTX_new"), to: (@convention(c) () -> OpaquePointer?).self)
        unsafe freeContext = unsafeBitCast(
            try symbol("EVP_CIPHER_CTX_free"), to: (@convention(c) (OpaquePointer?) -> Void).self)
        unsafe start = unsafeBitCast(
            try symbol("EVP_CipherInit_ex"),
            to: (@convention(c) (
                OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?, Int32
            ) -> Int32).self)
        unsafe update = unsafeBitCast(
            try symbol("EVP_CipherUpdate"),
            to: (@convention(c) (
                OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int32>?, UnsafePointer<UInt8>?, Int32
            ) -> Int32).self)
        unsafe finish = unsafeBitCast(
            try symbol("EVP_CipherFinal_ex"),
            to: (@convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int32>?) -> Int32)
                .self)
        unsafe control = unsafeBitCast(
            try symbol("EVP_CIPHER_CTX_ctrl"),
            to: (@convention(c) (OpaquePointer?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32).self)
        var ciphers: [@convention(c) () -> OpaquePointer?] = unsafe []
        for name in ["128_gcm", "192_gcm", "256_gcm", "128_ctr", "192_ctr", "256_ctr"] {
            let function = unsafe try symbol("EVP_aes_" + name)
            unsafe ciphers.append(unsafeBitCast(function, to: (@convention(c) () -> OpaquePointer?).self))
        }
        unsafe self.ciphers = ciphers
    }
}
