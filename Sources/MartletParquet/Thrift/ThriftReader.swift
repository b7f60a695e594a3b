package import MartletBase

/// What a value is on the wire of Thrift's compact protocol.
package enum ThriftType: UInt8, Sendable {
    case stop = 0
    case boolTrue = 1
    case boolFalse = 2
    case int8 = 3
    case int16 = 4
    case int32 = 5
    case int64 = 6
    case double = 7
    case binary = 8
    case list = 9
    case set = 10
    case map = 11
    case `struct` = 12
    case uuid = 13
}

/// The head of a struct's field.
package struct ThriftField {
    package let id: Int16
    package let type: ThriftType
}

/// The longest string and list that are read: what a caller allows, beside what the bytes can hold.
package struct ThriftLimits: Sendable {
    var stringByteCount = Int.max
    var listCount = Int.max

    static let none = ThriftLimits()
}

/// A checked reader of Thrift's compact protocol.
///
/// Structs are read with `beginStruct` and then `nextField` until it says nil. A field whose type is not the one
/// asked for is an error; fields that nobody asks for are skipped. Counts are checked against the bytes that are
/// left before anything is allocated, and structs nest no deeper than `maximumDepth`.
package struct ThriftReader: ~Escapable {
    private var cursor: ByteCursor
    private var depth = 0
    /// What holds the bytes, all of them: parts may then be decoded later.
    private var owner: Buffer?
    private let limits: ThriftLimits

    static let maximumDepth = 64

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, owner: Buffer? = nil, limits: ThriftLimits = .none) {
        cursor = ByteCursor(bytes)
        self.owner = owner
        self.limits = limits
    }

    /// How many bytes have been read.
    package var position: Int { cursor.position }
    package var remaining: Int { cursor.remaining }

    /// Enters a struct; the result is the state that `nextField` carries.
    package mutating func beginStruct() throws(MartletError) -> Int16 {
        depth += 1
        guard depth <= Self.maximumDepth else { throw corrupt("structs nest deeper than \(Self.maximumDepth)") }
        return 0
    }

    /// The next field of the struct, nil when the struct ends.
    package mutating func nextField(_ last: inout Int16) throws(MartletError) -> ThriftField? {
        let head = try cursor.readByte()
        guard let type = ThriftType(rawValue: head & 0x0F) else { throw corrupt("unknown field type \(head & 0x0F)") }
        if type == .stop {
            // Everyone writes 0; anything else was changed.
            guard head == 0 else { throw corrupt("a stop byte of \(head)") }
            depth -= 1
            return nil
        }
        let delta = Int16(head >> 4)
        let id = delta == 0 ? try readInteger(Int16.self) : last &+ delta
        last = id
        return ThriftField(id: id, type: type)
    }

    package mutating func bool(_ field: ThriftField) throws(MartletError) -> Bool {
        guard field.type == .boolTrue || field.type == .boolFalse else { throw mismatch(field, "bool") }
        return field.type == .boolTrue
    }

    package mutating func int8(_ field: ThriftField) throws(MartletError) -> Int8 {
        guard field.type == .int8 else { throw mismatch(field, "i8") }
        return try cursor.read(Int8.self)
    }

    package mutating func int16(_ field: ThriftField) throws(MartletError) -> Int16 {
        guard field.type == .int16 else { throw mismatch(field, "i16") }
        return try readInteger(Int16.self)
    }

    package mutating func int32(_ field: ThriftField) throws(MartletError) -> Int32 {
        guard field.type == .int32 else { throw mismatch(field, "i32") }
        return try readInteger(Int32.self)
    }

    package mutating func int64(_ field: ThriftField) throws(MartletError) -> Int64 {
        guard field.type == .int64 else { throw mismatch(field, "i64") }
        return try cursor.readZigZag()
    }

    package mutating func double(_ field: ThriftField) throws(MartletError) -> Double {
        guard field.type == .double else { throw mismatch(field, "double") }
        return Double(bitPattern: try cursor.read(UInt64.self))
    }

    package mutating func bytes(_ field: ThriftField) throws(MartletError) -> [UInt8] {
        guard field.type == .binary else { throw mismatch(field, "binary") }
        return try readBytes()
    }

    /// Damaged UTF-8 is repaired.
    package mutating func string(_ field: ThriftField) throws(MartletError) -> String {
        guard field.type == .binary else { throw mismatch(field, "string") }
        return try readString()
    }

    package mutating func value<Value: ThriftStruct>(_ field: ThriftField) throws(MartletError) -> Value {
        guard field.type == .struct else { throw mismatch(field, "struct") }
        return try Value(from: &self)
    }

    package mutating func structs<Value: ThriftStruct>(_ field: ThriftField) throws(MartletError) -> [Value] {
        let count = try readListHead(field, .struct)
        var values: [Value] = []
        // A forged count costs bytes as it is read, not at once.
        values.reserveCapacity(min(count, 4_096))
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    /// Column chunks, decoded later where the bytes stay.
    mutating func columnChunks(_ field: ThriftField) throws(MartletError) -> ColumnChunkList {
        guard let owner, owner.count <= Int(UInt32.max) else { return ColumnChunkList(try structs(field)) }
        var ahead = self
        let count = try ahead.readListHead(field, .struct)
        var starts: [UInt32] = []
        starts.reserveCapacity(count)
        var position = ahead.position
        unsafe owner.bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            // Safety: the skipper stays inside the owner's bytes.
            let skipper = unsafe ThriftSkipper(base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
            while starts.count < count, position >= 0 {
                starts.append(UInt32(truncatingIfNeeded: position))
                position = skipper.structEnd(position)
            }
        }
        // The slow road says what is wrong.
        guard position >= 0, starts.count == count else { return ColumnChunkList(try structs(field)) }
        try ahead.cursor.skip(position - ahead.position)
        self = ahead
        return ColumnChunkList(owner, starts: starts)
    }

    package mutating func int32s(_ field: ThriftField) throws(MartletError) -> [Int32] {
        let count = try readListHead(field, .int32)
        var values: [Int32] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try readInteger(Int32.self)) }
        return values
    }

    package mutating func int64s(_ field: ThriftField) throws(MartletError) -> [Int64] {
        let count = try readListHead(field, .int64)
        var values: [Int64] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try cursor.readZigZag()) }
        return values
    }

    package mutating func bools(_ field: ThriftField) throws(MartletError) -> [Bool] {
        let count = try readListHead(field, .boolTrue, .boolFalse)
        var values: [Bool] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try cursor.readByte() == ThriftType.boolTrue.rawValue) }
        return values
    }

    package mutating func strings(_ field: ThriftField) throws(MartletError) -> [String] {
        let count = try readListHead(field, .binary)
        var values: [String] = []
        values.reserveCapacity(min(count, 4_096))
        for _ in 0..<count { values.append(try readString()) }
        return values
    }

    package mutating func byteStrings(_ field: ThriftField) throws(MartletError) -> [[UInt8]] {
        let count = try readListHead(field, .binary)
        var values: [[UInt8]] = []
        values.reserveCapacity(min(count, 4_096))
        for _ in 0..<count { values.append(try readBytes()) }
        return values
    }

    /// Passes over the value of a field, whatever it holds.
    package mutating func skip(_ field: ThriftField) throws(MartletError) {
        // A bool's value is in its head.
        if field.type == .boolTrue || field.type == .boolFalse { return }
        try skipValue(field.type, nesting: depth)
    }

    private mutating func skipValue(_ type: ThriftType, nesting: Int) throws(MartletError) {
        guard nesting <= Self.maximumDepth else { throw corrupt("values nest deeper than \(Self.maximumDepth)") }
        switch type {
        case .stop: throw corrupt("a value of no type")
        case .boolTrue, .boolFalse, .int8: try cursor.skip(1)
        case .int16, .int32, .int64: _ = try cursor.readVarint()
        case .double: try cursor.skip(8)
        case .uuid: try cursor.skip(16)
        case .binary: try cursor.skip(try readCount())
        case .list, .set:
            let (count, element) = try readListHead()
            for _ in 0..<count { try skipValue(element, nesting: nesting + 1) }
        case .map:
            let count = try readCount()
            if count == 0 { return }
            let types = try cursor.readByte()
            guard let key = ThriftType(rawValue: types >> 4), let value = ThriftType(rawValue: types & 0x0F) else {
                throw corrupt("unknown types \(types) of a map")
            }
            for _ in 0..<count {
                try skipValue(key, nesting: nesting + 1)
                try skipValue(value, nesting: nesting + 1)
            }
        case .struct:
            var last: Int16 = 0
            depth += 1
            while let field = try nextField(&last) {
                if field.type != .boolTrue && field.type != .boolFalse {
                    try skipValue(field.type, nesting: nesting + 1)
                }
            }
        }
    }

    private mutating func readInteger<Value: FixedWidthInteger>(_ type: Value.Type) throws(MartletError) -> Value {
        let wide = try cursor.readZigZag()
        guard let value = Value(exactly: wide) else { throw corrupt("\(wide) does not fit \(Value.bitWidth) bits") }
        return value
    }

    /// A count of things of at least one byte each.
    private mutating func readCount() throws(MartletError) -> Int {
        let count = try cursor.readVarint()
        guard count <= UInt64(cursor.remaining) else {
            throw corrupt("a count of \(count), but \(cursor.remaining) bytes are left")
        }
        return Int(count)
    }

    private mutating func readListHead() throws(MartletError) -> (Int, ThriftType) {
        let head = try cursor.readByte()
        guard let type = ThriftType(rawValue: head & 0x0F), type != .stop || head == 0 else {
            throw corrupt("unknown element type \(head & 0x0F) of a list")
        }
        let short = Int(head >> 4)
        if short < 15 {
            guard short <= cursor.remaining else { throw corrupt("a list of \(short) with nothing behind it") }
            return (short, type)
        }
        return (try readCount(), type)
    }

    private mutating func readListHead(_ field: ThriftField, _ wanted: ThriftType, _ other: ThriftType? = nil)
        throws(MartletError) -> Int
    {
        guard field.type == .list || field.type == .set else { throw mismatch(field, "list") }
        let (count, type) = try readListHead()
        guard count == 0 || type == wanted || type == other else {
            throw corrupt("field \(field.id) is a list of \(type), not of \(wanted)")
        }
        guard count <= limits.listCount else { throw exceeded("a list of \(count)", limits.listCount, "container") }
        return count
    }

    private mutating func readLength() throws(MartletError) -> Int {
        let count = try readCount()
        guard count <= limits.stringByteCount else {
            throw exceeded("a string of \(count) bytes", limits.stringByteCount, "string")
        }
        return count
    }

    private func exceeded(_ what: String, _ limit: Int, _ name: String) -> MartletError {
        corrupt("Exceeded size limit: \(what) is more than thrift_\(name)_size_limit=\(limit),")
    }

    private mutating func readBytes() throws(MartletError) -> [UInt8] {
        let span = try cursor.readSpan(try readLength())
        return unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    private mutating func readString() throws(MartletError) -> String {
        let span = try cursor.readSpan(try readLength())
        return unsafe span.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private func mismatch(_ field: ThriftField, _ wanted: String) -> MartletError {
        corrupt("field \(field.id) is \(field.type), not \(wanted)")
    }

    package func corrupt(_ detail: String) -> MartletError {
        .corrupt("Couldn't deserialize thrift: \(detail) at byte \(cursor.position)")
    }

    /// A field without which a struct means nothing.
    package func require<Value>(_ value: Value?, _ name: String) throws(MartletError) -> Value {
        guard let value else { throw corrupt("required field '\(name)' is missing") }
        return value
    }
}
