import MartletBase

/// The modules of a file, by their numbers (Encryption.md, 4.4.2).
enum ModuleType: UInt8, Sendable {
    case footer = 0
    case columnMetaData = 1
    case dataPage = 2
    case dictionaryPage = 3
    case dataPageHeader = 4
    case dictionaryPageHeader = 5
    case columnIndex = 6
    case offsetIndex = 7
    case bloomFilterHeader = 8
    case bloomFilterBitset = 9
}

/// The key of a column chunk and the place that its modules are bound to: a module from elsewhere cannot stand in.
struct ModuleCipher: Sendable {
    let key: AESKey
    /// Whether pages are under CTR.
    let usesCounterForPages: Bool
    /// Prefix and number of the file.
    let aad: [UInt8]
    let rowGroup: Int16
    let column: Int16

    private func aad(_ module: ModuleType, page: Int?) throws(MartletError) -> [UInt8] {
        var bytes = aad + [module.rawValue]
        func add(_ number: Int16) {
            bytes.append(UInt8(truncatingIfNeeded: number))
            bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        }
        add(rowGroup)
        add(column)
        if let page {
            guard let number = Int16(exactly: page) else {
                throw .capacity("Encrypted Parquet files can't have more than 32767 pages per chunk: page \(page)")
            }
            add(number)
        }
        return bytes
    }

    // MARK: Sealing

    /// A module with its length in front.
    func seal(_ module: ModuleType, _ text: Buffer, page: Int? = nil) throws(MartletError) -> Buffer {
        let isPage = module == .dataPage || module == .dictionaryPage
        if isPage && usesCounterForPages { return try key.sealCounter(text.bytes) }
        return try key.seal(text.bytes, aad: try aad(module, page: page))
    }

    // MARK: Opening

    /// The text of the module that starts at the first of `bytes`, and how many bytes it takes with its length.
    func open(_ module: ModuleType, _ bytes: Buffer, page: Int? = nil) throws(MartletError) -> (Buffer, byteCount: Int)
    {
        var cursor = ByteCursor(bytes.bytes)
        let length = Int(try cursor.read(UInt32.self))
        guard length <= cursor.remaining else {
            throw .corrupt("an encrypted module of \(length) bytes, \(cursor.remaining) are left")
        }
        let span = try cursor.readSpan(length)
        let isPage = module == .dataPage || module == .dictionaryPage
        let text =
            isPage && usesCounterForPages
            ? try key.openCounter(span) : try key.open(span, aad: try aad(module, page: page))
        guard let text else { throw Self.wrong(module) }
        return (text, AESKey.lengthByteCount + length)
    }

    static func wrong(_ module: ModuleType) -> MartletError {
        MartletError(
            .ioError,
            "Failed decryption finalization: the \(module.name) does not fit its key; the key or the AAD prefix is wrong, or the "
                + "file was changed")
    }
}

extension ModuleType {
    var name: String {
        switch self {
        case .footer: "footer"
        case .columnMetaData: "column metadata"
        case .dataPage: "data page"
        case .dictionaryPage: "dictionary page"
        case .dataPageHeader: "data page header"
        case .dictionaryPageHeader: "dictionary page header"
        case .columnIndex: "column index"
        case .offsetIndex: "offset index"
        case .bloomFilterHeader: "Bloom filter header"
        case .bloomFilterBitset: "Bloom filter"
        }
    }
}
