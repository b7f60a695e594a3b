import MartletBase

/// The metadata of a batch that went out, for the next of the same shape: only its numbers are written anew.
struct MessageHead {
    /// Where numbers lie, from the end of the message.
    struct Places {
        let rowCount: Int
        let nodes: Int
        let ranges: Int
    }

    let bytes: Buffer
    /// Where the message ends in `bytes`; padding follows.
    let end: Int
    let places: Places
    let bodyLength: Int
    let nodeCount: Int
    let rangeCount: Int
    let hasMetadata: Bool

    /// The bytes for another body; nil when that has another shape.
    func filled(_ body: IPCWriter.Body, rowCount: Int) throws(MartletError) -> Buffer? {
        guard !hasMetadata, body.variadicCounts.isEmpty, body.nodes.count == nodeCount,
            body.encoded.ranges.count == rangeCount
        else { return nil }
        let builder = try BufferBuilder(uninitializedCount: bytes.count)
        // Safety: the builder holds as many bytes, and all places were found when these bytes were made.
        let target = unsafe UnsafeMutableRawPointer(builder.pointer(to: UInt8.self))
        unsafe target.copyMemory(from: bytes.pointer(to: UInt8.self), byteCount: bytes.count)
        func put(_ number: Int64, _ place: Int) {
            unsafe target.storeBytes(of: number.littleEndian, toByteOffset: end - place, as: Int64.self)
        }
        put(Int64(rowCount), places.rowCount)
        put(Int64(body.encoded.byteCount), bodyLength)
        for (i, number) in body.nodes.enumerated() { put(number, places.nodes - 8 * i) }
        for (i, number) in body.encoded.ranges.enumerated() { put(number, places.ranges - 8 * i) }
        return builder.finish()
    }
}
