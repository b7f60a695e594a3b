import Glibc
import Martlet

/// Runs libFuzzer over the target that `MARTLET_FUZZ` names. Its arguments are libFuzzer's.
@main
struct FuzzMartlet {
    static let targets: [(name: String, body: @Sendable (Buffer) throws(MartletError) -> Void)] = [
        ("codec", fuzzCodec), ("ipc-stream", fuzzIPCStream), ("ipc-file", fuzzIPCFile),
        ("flatbuffers", fuzzFlatBuffers),
        ("c-data", fuzzCData), ("parquet", fuzzParquet), ("parquet-footer", fuzzParquetFooter),
        ("parquet-pages", fuzzParquetPages), ("parquet-encoding", fuzzParquetEncoding),
        ("parquet-encryption", fuzzParquetEncryption),
    ]

    nonisolated(unsafe) static var chosen: ((Buffer) throws(MartletError) -> Void)?

    static func main() {
        let name = getenv("MARTLET_FUZZ").map { String(cString: $0) } ?? ""
        guard let target = targets.first(where: { $0.name == name }) else {
            print("MARTLET_FUZZ must name one of: " + targets.map(\.name).joined(separator: " "))
            exit(2)
        }
        chosen = target.body
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = CommandLine.unsafeArgv
        exit(
            runDriver(&count, &arguments) { bytes, size in
                // A copy of exactly this size, so that a read beyond the end is seen.
                let block = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 1)
                memcpy(block, bytes, size)
                let buffer = Buffer(unsafeAddress: block, count: size, owner: Block(block))
                try? FuzzMartlet.chosen?(buffer)
                return 0
            })
    }
}

/// Frees a block with the last buffer that looks at it.
private final class Block: MemoryOwner, @unchecked Sendable {
    private let address: UnsafeMutableRawPointer
    init(_ address: UnsafeMutableRawPointer) {
        self.address = address
        super.init()
    }
    deinit { address.deallocate() }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The first byte chooses the codec, the next two how much is expected; the rest is to be unpacked.
private func fuzzCodec(_ input: Buffer) throws(MartletError) {
    guard input.count >= 3 else { return }
    let head = input.pointer(to: UInt8.self)
    let codecs = Codec.allCases
    let codec = codecs[codecs.index(codecs.startIndex, offsetBy: Int(head[0]) % codecs.count)]
    let packed = try input.slice(at: 3, count: input.count - 3)
    let unpacked = try codec.decompress(packed.bytes, expectedCount: Int(head[1]) << 8 | Int(head[2]))
    let again = try codec.compress(unpacked.bytes)
    guard try codec.decompress(again.bytes, expectedCount: unpacked.count).hasSameBytes(as: unpacked) else {
        fatalError("\(codec) does not round-trip")
    }
}

/// What a reader returns must be valid: everything is checked, and some of it is printed.
func use(_ table: Table) {
    for (index, column) in table.columns.enumerated() {
        for chunk in column.chunks {
            do throws(MartletError) {
                try chunk.validate(full: true)
                if chunk.count > 0 { _ = try chunk.slice(at: chunk.count / 2, count: 1).validate(full: true) }
            } catch {
                // A decimal with more digits than its type has is a strange value, but a value.
                if error.message.contains("does not fit in precision") || error.message.contains("UTF8") { continue }
                fatalError("column \(index) is not valid: \(error)")
            }
        }
    }
}
