/// Fixed parts of streams and files (Columnar format, "Serialization and Interprocess Communication").
enum IPCFormat {
    /// What files begin and end with.
    static let magic: [UInt8] = Array("ARROW1".utf8)
    /// The end of a stream: a message without metadata.
    static let endOfStream: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
    /// The same before format 0.15.
    static let legacyEndOfStream: [UInt8] = [0, 0, 0, 0]
}
