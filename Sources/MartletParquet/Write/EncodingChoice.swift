import MartletArrow
import MartletBase
import MartletCodecs

/// Chooses how a column chunk is encoded when nobody said so: what takes the fewest bytes, by samples of the values.
struct EncodingChoice {
    let values: LeafValues
    let column: LeafColumn
    let settings: LeafSettings
    let version: SchemaOptions.Version
    let pages: [PagePlan]

    /// No more values of a page than this are looked at.
    private static let sampleCount = 4_096

    /// The encoding of pages without dictionary, and `dictionary` if it is to be used.
    func choose(
        _ dictionary: LeafDictionary?, valueCount: Int
    ) throws(MartletError) -> (Encoding, LeafDictionary?) {
        if let encoding = settings.encoding { return (encoding, nil) }
        if valueCount == 0 { return (.plain, nil) }
        let samples = [pages.count / 3, pages.count * 2 / 3].map { pages[min($0, pages.count - 1)] }
        let chosen = pages.count < 3 ? Array(samples.prefix(1)) : samples
        var cost: Cost
        switch values.form {
        case .nothing, .bits: return (.plain, nil)
        case .lanes32(let kind):
            cost = try lanes(UInt32.self, chosen, isInteger: kind != .float32)
        case .lanes64(let kind):
            cost = try lanes(UInt64.self, chosen, isInteger: kind != .float64)
        case .fixedBytes(let width): cost = Cost(encoding: .plain, bytesPerValue: Double(width))
        case .bytes32, .bytes64:
            var total = 0
            for (i, range) in values.ranges.enumerated() {
                total += try values.byteCount(SlotSpan(first: i, skip: 0, count: range.count))
            }
            // Codecs find repeated strings by themselves, so that the dictionary has to win clearly.
            cost = Cost(encoding: .plain, bytesPerValue: (4 + Double(total) / Double(valueCount)) * 0.8)
        }
        guard let dictionary else { return (cost.encoding, nil) }
        let codes = try codeBytesPerValue(dictionary, chosen)
        // The entries are compressed well, codes hardly at all.
        let entries = Double(dictionary.entries.count) * (settings.codec == .uncompressed ? 1 : 0.5)
        let spent = entries + codes * Double(dictionary.codeCount)
        if spent > cost.bytesPerValue * Double(dictionary.codeCount) { return (cost.encoding, nil) }
        return (cost.encoding, dictionary)
    }

    private struct Cost {
        var encoding: Encoding
        var bytesPerValue: Double
    }

    private func codeBytesPerValue(_ dictionary: LeafDictionary, _ samples: [PagePlan]) throws(MartletError) -> Double {
        var bytes = 0
        var count = 0
        for page in samples {
            let sampled = min(page.valueCount, Self.sampleCount)
            guard page.firstValue + sampled <= dictionary.codeCount else { continue }
            var scratch = try BufferBuilder()
            // Safety: the codes of these values are there.
            try unsafe HybridEncoder.append(
                dictionary.codes.pointer(to: UInt32.self) + page.firstValue, count: sampled, width: dictionary.bitWidth,
                to: &scratch)
            bytes += scratch.byteCount
            count += sampled
        }
        return count == 0 ? Double(dictionary.bitWidth) / 8 : Double(bytes) / Double(count)
    }

    private func lanes<L: Lane>(
        _ type: L.Type, _ samples: [PagePlan], isInteger: Bool
    ) throws(MartletError) -> Cost {
        let width = Double(MemoryLayout<L>.size)
        guard isInteger, version != .v1_0 else { return Cost(encoding: .plain, bytesPerValue: width) }
        var scratch = try BufferBuilder()
        var plainBytes = 0
        var deltaBytes = 0
        var count = 0
        var packedPlain = 0
        var packedDelta = 0
        for page in samples {
            var span = page.slots
            span.count = min(span.count, Self.sampleCount)
            let lanes = try unsafe values.lanes(span, as: L.self, scratch: &scratch)
            guard let base = lanes.baseAddress, lanes.count > 0 else { continue }
            var delta = try BufferBuilder()
            try unsafe DeltaEncoder.append(
                UnsafeRawPointer(base).assumingMemoryBound(to: L.Signed.self), count: lanes.count, to: &delta)
            let plainCount = lanes.count * MemoryLayout<L>.size
            plainBytes += plainCount
            deltaBytes += delta.byteCount
            count += lanes.count
            // Where the two are near each other, the codec decides.
            if settings.codec != .uncompressed, delta.byteCount > plainCount / 2 {
                let raw = unsafe RawSpan(_unsafeStart: base, byteCount: plainCount)
                packedPlain += try settings.codec.compress(raw, level: settings.level).count
                packedDelta += try settings.codec.compress(delta.finish().bytes, level: settings.level).count
            }
        }
        if count == 0 { return Cost(encoding: .plain, bytesPerValue: width) }
        let perValue = Double(deltaBytes) / Double(count)
        let deltaWins = packedPlain > 0 ? packedDelta < packedPlain : deltaBytes < plainBytes
        return deltaWins
            ? Cost(encoding: .deltaBinaryPacked, bytesPerValue: perValue)
            : Cost(encoding: .plain, bytesPerValue: width)
    }
}
