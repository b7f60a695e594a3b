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

    /// The bytes for another body, which are these, changed; nil when that has another shape.
    ///
    /// A sink is done with them when its `write` returns, and nobody else has them.
    func filled(_ body: IPCWriter.Body, rowCount: Int) -> Buffer? {
        let (nodes, ranges) = (body.parts.nodes, body.encoded.ranges)
        guard !hasMetadata, body.parts.variadicCounts.isEmpty, nodes.count == nodeCount, ranges.count == rangeCount else {
            return nil
        }
        // Safety: the memory is the writer's own, and all places were found when these bytes were made.
        let target = unsafe UnsafeMutableRawPointer(mutating: bytes.pointer(to: UInt8.self))
        func put(_ number: Int64, _ place: Int) {
            unsafe target.storeBytes(of: number.littleEndian, toByteOffset: end - place, as: Int64.self)
        }
        put(Int64(rowCount), places.rowCount)
        put(Int64(body.encoded.byteCount), bodyLength)
        for (i, number) in nodes.enumerated() { put(number, places.nodes - 8 * i) }
        for (i, number) in ranges.enumerated() { put(number, places.ranges - 8 * i) }
        return bytes
    }
}
