import MartletBase

/// Gives equal byte strings equal indices.
@safe
final class BytesInterner {
    private var values: BytesValues
    private var starts: [Int] = []
    /// Places in `starts`, or -1; a power of two of them.
    private var table: [Int32]

    /// Starts with the values of `dictionary`, at the same indices.
    init(_ dictionary: BytesDictionary?) throws(MartletError) {
        values = try BytesValues(capacity: dictionary?.count ?? 0)
        table = Array(repeating: -1, count: 64)
        if let dictionary {
            for i in 0..<dictionary.count { try append(dictionary.value(i)) }
        }
    }

    var count: Int { starts.count }

    /// The index of `bytes`, which are taken in when they are new.
    func index(of bytes: UnsafeRawBufferPointer) throws(MartletError) -> Int32 {
        let hash = unsafe Self.hash(bytes)
        var place = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while true {
            let index = table[place]
            if index < 0 { break }
            if unsafe equals(Int(index), bytes) { return index }
            place = (place + 1) & (table.count - 1)
        }
        try unsafe append(bytes)
        return Int32(truncatingIfNeeded: count - 1)
    }

    /// Takes `bytes` in at the next index, also when they are there already: dictionaries of files may repeat values.
    private func append(_ bytes: UnsafeRawBufferPointer) throws(MartletError) {
        guard count < Int(Int32.max) else { throw .capacity("a dictionary of more than \(Int32.max) values") }
        if (count + 1) * 2 > table.count { grow() }
        starts.append(values.bytes.byteCount)
        try unsafe values.extendLengths(1)[0] = Int32(truncatingIfNeeded: bytes.count)
        let room = try unsafe values.extendBytes(bytes.count)
        if let source = bytes.baseAddress {
            unsafe UnsafeMutableRawPointer(room).copyMemory(from: source, byteCount: bytes.count)
        }
        unsafe enter(count - 1, Self.hash(bytes))
    }

    private func append(_ bytes: RawSpan) throws(MartletError) {
        try unsafe bytes.withUnsafeBytes { source throws(MartletError) in try unsafe append(source) }
    }

    private func enter(_ index: Int, _ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[place] >= 0 { place = (place + 1) & (table.count - 1) }
        table[place] = Int32(truncatingIfNeeded: index)
    }

    private func grow() {
        table = Array(repeating: -1, count: table.count * 2)
        for i in 0..<count { unsafe enter(i, Self.hash(stored(i))) }
    }

    private func stored(_ index: Int) -> UnsafeRawBufferPointer {
        // Safety: `append` wrote these bytes.
        let length = unsafe Int(values.lengths.pointer(to: Int32.self)[index])
        return unsafe UnsafeRawBufferPointer(start: values.bytes.address + starts[index], count: length)
    }

    private func equals(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let known = unsafe stored(index)
        guard known.count == bytes.count else { return false }
        return unsafe known.elementsEqual(bytes)
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
        var position = 0
        while position &+ 8 <= bytes.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            hash = mixed(hash ^ word)
            position &+= 8
        }
        var rest: UInt64 = 0
        while position < bytes.count {
            rest = unsafe rest << 8 | UInt64(bytes[position])
            position &+= 1
        }
        return mixed(hash ^ rest)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }

    /// All values so far.
    func dictionary() throws(MartletError) -> BytesDictionary {
        var copy = try BytesValues(capacity: count)
        // Safety: both sources hold what their counts say.
        let lengths = unsafe RawSpan(_unsafeStart: values.lengths.address, byteCount: values.lengths.byteCount)
        try copy.lengths.append(lengths)
        let bytes = unsafe RawSpan(_unsafeStart: values.bytes.address, byteCount: values.bytes.byteCount)
        try copy.bytes.append(bytes)
        return try BytesDictionary(copy)
    }
}

extension BytesDictionary {
    /// The bytes of value `index`, which is below `count`.
    @_lifetime(borrow self)
    func value(_ index: Int) -> RawSpan {
        // Safety: entries lie within `bytes`, which live as long as this dictionary.
        let (start, length) = entry(index)
        let span = unsafe RawSpan(_unsafeStart: bytes.pointer(to: UInt8.self) + start, byteCount: length)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

/// Indices into the chunk's dictionary as numbers of 4 bytes.
@safe
final class DictionaryIndexDecoder: FixedDecoder {
    private let page: Buffer
    private var indices: IndexDecoder

    init(_ page: Buffer, dictionaryCount: Int) throws(MartletError) {
        self.page = page
        indices = try IndexDecoder(page, dictionaryCount: dictionaryCount)
        super.init(width: 4)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        let numbers = unsafe target.assumingMemoryBound(to: UInt32.self)
        var done = 0
        while done < count {
            switch try unsafe indices.next(limit: count - done) {
            case .repeated(let index, let length):
                unsafe (numbers + done).update(repeating: UInt32(truncatingIfNeeded: index), count: length)
                done += length
            case .distinct(let block, let length):
                unsafe (numbers + done).update(from: block, count: length)
                done += length
            }
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try indices.skip(count) }
}

/// Byte strings as indices, for pages that a writer did not encode with its dictionary.
@safe
final class InterningDecoder: FixedDecoder {
    private let inner: BytesDecoder
    private let interner: BytesInterner

    init(_ inner: BytesDecoder, _ interner: BytesInterner) {
        self.inner = inner
        self.interner = interner
        super.init(width: 4)
    }

    override func decode(_ count: Int, into target: UnsafeMutableRawPointer) throws(MartletError) {
        var values = try BytesValues(capacity: count)
        try inner.decode(count, into: &values)
        let numbers = unsafe target.assumingMemoryBound(to: Int32.self)
        let lengths = unsafe values.lengths.pointer(to: Int32.self)
        var position = 0
        for i in 0..<count {
            let length = unsafe Int(lengths[i])
            let bytes = unsafe UnsafeRawBufferPointer(start: values.bytes.address + position, count: length)
            unsafe numbers[i] = try interner.index(of: bytes)
            position += length
        }
    }

    override func skip(_ count: Int) throws(MartletError) { try inner.skip(count) }
}
