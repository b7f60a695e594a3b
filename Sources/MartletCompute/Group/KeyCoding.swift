import MartletArrow
import MartletBase

/// The values of one key column as dense numbers in the order of first appearance.
func keyCodes(_ key: ArrayData) throws(MartletError) -> KeyCodes {
    switch key.type {
    case .null: return try KeyCodes(constant: key.count)
    case .boolean:
        let values = try BooleanArray(key)
        return try codeWords(count: key.count) { row in values.isValid(row) ? (values[row] ? 1 : 0) : nil }
    case .string, .binary: return try codeBytes(try BytesArray<Int32>(key))
    case .largeString, .largeBinary: return try codeBytes(try BytesArray<Int64>(key))
    case .fixedSizeBinary: return try codeBytes(try FixedBytesArray(key))
    case .dictionary: return try dictionaryCodes(key)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .date32,
        .date64, .time32, .time64, .timestamp, .duration, .decimal128:
        return try key.type.nativeKind!.accept(NativeKeyCoding(key: key))
    case .list, .largeList, .fixedSizeList, .struct, .map:
        throw .notImplemented("Grouping by \(key.type) is not supported; group by its flat parts")
    }
}

private struct NativeKeyCoding: NativeVisitor {
    let key: ArrayData

    func visit<Value: NativeValue>(_ type: Value.Type) throws(MartletError) -> KeyCodes {
        let array = try PrimitiveArray<Value>(key)
        if MemoryLayout<Value>.size == 16 { return try codeBytes(try WideValues(key)) }
        guard array.validity != nil else { return try codeWords(count: key.count) { row in word(array[row]) } }
        return try codeWords(count: key.count) { row in array.isValid(row) ? word(array[row]) : nil }
    }

    /// Equal values have equal words.
    @inline(__always)
    private func word<Value: NativeValue>(_ value: Value) -> UInt64 {
        if let double = value as? Double { return double.isNaN ? 1 << 63 : (double + 0).bitPattern }
        if let float = value as? Float { return float.isNaN ? 1 << 63 : UInt64((float + 0).bitPattern) }
        if let half = value as? Float16 { return half.isNaN ? 1 << 63 : UInt64((half + 0).bitPattern) }
        var word: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &word) { target in
            unsafe withUnsafeBytes(of: value) { unsafe target.copyMemory(from: $0) }
        }
        return word
    }
}

/// 128-bit values as 16 bytes each.
private struct WideValues: ByteKeys {
    private let base: Buffer
    private let offset: Int
    private let validity: Bitmap?
    let count: Int

    init(_ data: ArrayData) throws(MartletError) {
        base = data.buffers[0]
        offset = data.offset
        validity = data.usedValidityBitmap
        count = data.count
    }

    func isValid(_ row: Int) -> Bool { validity?[row] ?? true }
    func key(_ row: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base.pointer(to: Int128.self) + offset + row, count: 16)
    }
}

/// Dictionary arrays: equal values of the dictionary get one code, then the indices are looked up.
private func dictionaryCodes(_ key: ArrayData) throws(MartletError) -> KeyCodes {
    guard let values = key.dictionary else { throw .invalid("dictionary array without a dictionary") }
    let valueCodes = try keyCodes(values)
    // Safety: a row is looked up only when its index lies in the dictionary.
    return try codeWords(count: key.count) { row in
        guard key.isValid(row), let index = key.dictionaryIndex(row), index >= 0, index < values.count,
            values.isValid(index)
        else { return nil }
        return unsafe UInt64(valueCodes.codes.pointer(to: UInt32.self)[index])
    }
}

// MARK: - Hashing

/// Keys that are runs of bytes.
protocol ByteKeys {
    var count: Int { get }
    func isValid(_ row: Int) -> Bool
    /// The bytes of row `row`; they live as long as the keys.
    func key(_ row: Int) -> UnsafeRawBufferPointer
}

extension BytesArray: ByteKeys {
    @inline(__always)
    func key(_ row: Int) -> UnsafeRawBufferPointer {
        let range = range(row)
        // Safety: `range` keeps inside the buffer.
        return unsafe UnsafeRawBufferPointer(start: bytes.pointer(to: UInt8.self) + range.lowerBound, count: range.count)
    }
}

extension FixedBytesArray: ByteKeys {
    func key(_ row: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + row * byteWidth, count: byteWidth)
    }
}

/// Rows are coded in pieces on all threads, each piece with codes of its own; then the pieces' keys are coded in order
/// and the rows' codes replaced.
private let pieceRowCount = 1 << 18

/// Codes rows by a 64-bit word each; nil is null.
func codeWords(count: Int, _ word: @Sendable (Int) -> UInt64?) throws(MartletError) -> KeyCodes {
    try coded(
        count: count,
        makeTable: { WordTable() },
        code: { table, row in table.code(of: word(row), row: row) })
}

private func codeBytes<Keys: ByteKeys & Sendable>(_ keys: Keys) throws(MartletError) -> KeyCodes {
    try coded(
        count: keys.count,
        makeTable: { BytesTable(keys: keys) },
        code: { table, row in table.code(row: row) })
}

private func coded<Table: KeyTable>(
    count: Int, makeTable: @Sendable () -> Table, code: @Sendable (inout Table, Int) -> UInt32
) throws(MartletError) -> KeyCodes {
    let builder = try BufferBuilder(uninitializedCount: count * 4)
    let target = unsafe SharedCodes(pointer: builder.pointer(to: UInt32.self))
    let pieceCount = max(1, (count + pieceRowCount - 1) / pieceRowCount)
    // Safety: pieces write disjoint ranges of `count` codes.
    let firstRows = try WorkerPool.map(pieceCount) { piece throws(MartletError) -> [Int] in
        var table = makeTable()
        for row in piece * pieceRowCount..<min((piece + 1) * pieceRowCount, count) {
            unsafe target.pointer[row] = code(&table, row)
        }
        return table.firstRows
    }
    if pieceCount == 1 { return KeyCodes(codes: builder.finish(), firstRows: firstRows[0]) }
    var whole = makeTable()
    let renumbering = firstRows.map { rows in rows.map { code(&whole, $0) } }
    try WorkerPool.forEach(pieceCount) { piece throws(MartletError) in
        let numbers = renumbering[piece]
        if numbers.indices.allSatisfy({ numbers[$0] == UInt32($0) }) { return }
        unsafe numbers.withUnsafeBufferPointer { numbers in
            for row in piece * pieceRowCount..<min((piece + 1) * pieceRowCount, count) {
                unsafe target.pointer[row] = numbers[Int(target.pointer[row])]
            }
        }
    }
    return KeyCodes(codes: builder.finish(), firstRows: whole.firstRows)
}

@safe private struct SharedCodes: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<UInt32>
}

private protocol KeyTable: Sendable {
    /// The row in which each code appeared first.
    var firstRows: [Int] { get }
}

/// 64-bit words to codes: open addressing, at most half full.
private struct WordTable: KeyTable {
    private(set) var firstRows: [Int] = []
    private var words: [UInt64] = []
    /// Code + 1; 0 is a free slot.
    private var slots = [UInt32](repeating: 0, count: 64)
    private var nullCode: UInt32?
    private var lastWord: UInt64 = 0
    private var lastCode: UInt32?

    @inline(__always)
    mutating func code(of word: UInt64?, row: Int) -> UInt32 {
        guard let word else { return nullCode ?? addNull(row) }
        if let lastCode, lastWord == word { return lastCode }
        lastWord = word
        let code = find(word, row)
        lastCode = code
        return code
    }

    private mutating func addNull(_ row: Int) -> UInt32 {
        let code = UInt32(firstRows.count)
        nullCode = code
        firstRows.append(row)
        words.append(0)
        return code
    }

    private mutating func find(_ word: UInt64, _ row: Int) -> UInt32 {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: mixed(word) >> 32) & mask
        while slots[place] != 0 {
            let code = slots[place] - 1
            if words[Int(code)] == word && code != nullCode { return code }
            place = (place + 1) & mask
        }
        let code = UInt32(firstRows.count)
        slots[place] = code + 1
        words.append(word)
        firstRows.append(row)
        if firstRows.count * 2 > slots.count { grow() }
        return code
    }

    private mutating func grow() {
        let mask = slots.count * 2 - 1
        slots = [UInt32](repeating: 0, count: mask + 1)
        for code in words.indices where UInt32(code) != nullCode {
            var place = Int(truncatingIfNeeded: mixed(words[code]) >> 32) & mask
            while slots[place] != 0 { place = (place + 1) & mask }
            slots[place] = UInt32(code) + 1
        }
    }
}

/// Byte strings to codes. The bytes stay where the keys hold them; a row stands for its key.
private struct BytesTable<Keys: ByteKeys & Sendable>: KeyTable {
    let keys: Keys
    private(set) var firstRows: [Int] = []
    private var hashes: [UInt64] = []
    /// Code + 1; 0 is a free slot.
    private var slots = [UInt32](repeating: 0, count: 64)
    private var nullCode: UInt32?

    init(keys: Keys) { self.keys = keys }

    @inline(__always)
    mutating func code(row: Int) -> UInt32 {
        guard keys.isValid(row) else { return nullCode ?? addNull(row) }
        let key = unsafe keys.key(row)
        let hash = unsafe hashed(key)
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash >> 32) & mask
        while slots[place] != 0 {
            let code = slots[place] - 1
            if hashes[Int(code)] == hash && code != nullCode {
                let known = unsafe keys.key(firstRows[Int(code)])
                if unsafe isSame(known, key) { return code }
            }
            place = (place + 1) & mask
        }
        return add(hash, row, at: place)
    }

    private mutating func addNull(_ row: Int) -> UInt32 {
        let code = UInt32(firstRows.count)
        nullCode = code
        firstRows.append(row)
        hashes.append(0)
        return code
    }

    private mutating func add(_ hash: UInt64, _ row: Int, at place: Int) -> UInt32 {
        let code = UInt32(firstRows.count)
        slots[place] = code + 1
        hashes.append(hash)
        firstRows.append(row)
        if firstRows.count * 2 > slots.count {
            let mask = slots.count * 2 - 1
            slots = [UInt32](repeating: 0, count: mask + 1)
            for code in hashes.indices where UInt32(code) != nullCode {
                var place = Int(truncatingIfNeeded: hashes[code] >> 32) & mask
                while slots[place] != 0 { place = (place + 1) & mask }
                slots[place] = UInt32(code) + 1
            }
        }
        return code
    }
}

/// Spreads the bits of a word (the finaliser of MurmurHash3).
@inline(__always)
private func mixed(_ word: UInt64) -> UInt64 {
    var x = word
    x = (x ^ (x &>> 33)) &* 0xFF51_AFD7_ED55_8CCD
    x = (x ^ (x &>> 33)) &* 0xC4CE_B9FE_1A85_EC53
    return x ^ (x &>> 33)
}

@inline(__always)
private func hashed(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var i = 0
    while i &+ 8 <= bytes.count {
        hash = unsafe mixed(hash ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
        i &+= 8
    }
    if i < bytes.count {
        var tail: UInt64 = 0
        while i < bytes.count {
            tail = unsafe tail &<< 8 | UInt64(bytes[i])
            i &+= 1
        }
        hash = mixed(hash ^ tail)
    }
    return hash
}

@inline(__always)
private func isSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    var i = 0
    while i &+ 8 <= a.count {
        guard unsafe a.loadUnaligned(fromByteOffset: i, as: UInt64.self) == b.loadUnaligned(fromByteOffset: i, as: UInt64.self)
        else { return false }
        i &+= 8
    }
    while i < a.count {
        guard unsafe a[i] == b[i] else { return false }
        i &+= 1
    }
    return true
}
