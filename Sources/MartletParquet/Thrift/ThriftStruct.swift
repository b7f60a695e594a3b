package import MartletBase

/// A struct of the format's Thrift definition.
package protocol ThriftStruct {
    /// Reads the struct up to and with its stop byte.
    init(from reader: inout ThriftReader) throws(MartletError)
    /// Writes the fields, without the stop byte.
    func write(to writer: inout ThriftWriter) throws(MartletError)
}

extension ThriftStruct {
    /// Reads one struct at the start of `bytes` and tells how many bytes it took.
    package static func read(from bytes: RawSpan) throws(MartletError) -> (Self, byteCount: Int) {
        var reader = ThriftReader(bytes)
        let value = try Self(from: &reader)
        return (value, reader.position)
    }

    /// Reads one struct at the start of `bytes`; parts of it may be decoded when they are asked for.
    package static func read(from bytes: Buffer, limits: ThriftLimits = .none) throws(MartletError)
        -> (Self, byteCount: Int)
    {
        var reader = ThriftReader(bytes.bytes, owner: bytes, limits: limits)
        let value = try Self(from: &reader)
        return (value, reader.position)
    }

    /// The bytes of the struct, stop byte included.
    package func encoded() throws(MartletError) -> Buffer {
        var writer = try ThriftWriter()
        try writer.write(self)
        return writer.finish()
    }
}

/// A struct without fields, as unions use it for members that say all by being there.
package struct ThriftEmpty: ThriftStruct {
    package init() {}

    package init(from reader: inout ThriftReader) throws(MartletError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) { try reader.skip(field) }
    }

    package func write(to writer: inout ThriftWriter) throws(MartletError) {}
}
