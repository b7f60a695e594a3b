package import MartletBase

/// A writer of Thrift's compact protocol. Fields go in ascending order of their ids; those that are nil are left out.
package struct ThriftWriter: ~Copyable {
    private var bytes: BufferBuilder
    private var last: Int16 = 0

    package init() throws(MartletError) { bytes = try BufferBuilder(byteCapacity: 256) }

    package var byteCount: Int { bytes.byteCount }

    /// A whole struct, stop byte included.
    package mutating func write<Value: ThriftStruct>(_ value: Value) throws(MartletError) {
        let outer = last
        last = 0
        try value.write(to: &self)
        try bytes.append(ThriftType.stop.rawValue)
        last = outer
    }

    package mutating func bool(_ id: Int16, _ value: Bool?) throws(MartletError) {
        if let value { try head(id, value ? .boolTrue : .boolFalse) }
    }

    package mutating func int8(_ id: Int16, _ value: Int8?) throws(MartletError) {
        guard let value else { return }
        try head(id, .int8)
        try bytes.append(value)
    }

    package mutating func int16(_ id: Int16, _ value: Int16?) throws(MartletError) {
        guard let value else { return }
        try head(id, .int16)
        try zigZag(Int64(value))
    }

    package mutating func int32(_ id: Int16, _ value: Int32?) throws(MartletError) {
        guard let value else { return }
        try head(id, .int32)
        try zigZag(Int64(value))
    }

    package mutating func int64(_ id: Int16, _ value: Int64?) throws(MartletError) {
        guard let value else { return }
        try head(id, .int64)
        try zigZag(value)
    }

    package mutating func double(_ id: Int16, _ value: Double?) throws(MartletError) {
        guard let value else { return }
        try head(id, .double)
        try bytes.append(value.bitPattern)
    }

    package mutating func bytes(_ id: Int16, _ value: [UInt8]?) throws(MartletError) {
        guard let value else { return }
        try head(id, .binary)
        try binary(value)
    }

    package mutating func string(_ id: Int16, _ value: String?) throws(MartletError) {
        guard let value else { return }
        try head(id, .binary)
        try binary(Array(value.utf8))
    }

    package mutating func value<Value: ThriftStruct>(_ id: Int16, _ value: Value?) throws(MartletError) {
        guard let value else { return }
        try head(id, .struct)
        try write(value)
    }

    package mutating func structs<Value: ThriftStruct>(_ id: Int16, _ values: [Value]?) throws(MartletError) {
        guard let values else { return }
        try listHead(id, .struct, values.count)
        for value in values { try write(value) }
    }

    package mutating func int32s(_ id: Int16, _ values: [Int32]?) throws(MartletError) {
        guard let values else { return }
        try listHead(id, .int32, values.count)
        for value in values { try zigZag(Int64(value)) }
    }

    package mutating func int64s(_ id: Int16, _ values: [Int64]?) throws(MartletError) {
        guard let values else { return }
        try listHead(id, .int64, values.count)
        for value in values { try zigZag(value) }
    }

    package mutating func bools(_ id: Int16, _ values: [Bool]?) throws(MartletError) {
        guard let values else { return }
        // Readers disagree about which of the two bool types names the elements; Thrift's own writers use this one.
        try listHead(id, .boolTrue, values.count)
        for value in values { try bytes.append((value ? ThriftType.boolTrue : .boolFalse).rawValue) }
    }

    package mutating func strings(_ id: Int16, _ values: [String]?) throws(MartletError) {
        guard let values else { return }
        try listHead(id, .binary, values.count)
        for value in values { try binary(Array(value.utf8)) }
    }

    package mutating func byteStrings(_ id: Int16, _ values: [[UInt8]]?) throws(MartletError) {
        guard let values else { return }
        try listHead(id, .binary, values.count)
        for value in values { try binary(value) }
    }

    package consuming func finish() -> Buffer { bytes.finish() }

    private mutating func head(_ id: Int16, _ type: ThriftType) throws(MartletError) {
        let delta = id &- last
        if delta > 0 && delta <= 15 {
            try bytes.append(UInt8(delta) << 4 | type.rawValue)
        } else {
            try bytes.append(type.rawValue)
            try zigZag(Int64(id))
        }
        last = id
    }

    private mutating func listHead(_ id: Int16, _ type: ThriftType, _ count: Int) throws(MartletError) {
        try head(id, .list)
        if count < 15 {
            try bytes.append(UInt8(count) << 4 | type.rawValue)
        } else {
            try bytes.append(0xF0 | type.rawValue)
            try varint(UInt64(count))
        }
    }

    private mutating func binary(_ value: [UInt8]) throws(MartletError) {
        try varint(UInt64(value.count))
        try unsafe bytes.append(value.span.bytes)
    }

    private mutating func zigZag(_ value: Int64) throws(MartletError) {
        try varint(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }

    private mutating func varint(_ value: UInt64) throws(MartletError) {
        var rest = value
        while rest >= 0x80 {
            try bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        try bytes.append(UInt8(rest))
    }
}
