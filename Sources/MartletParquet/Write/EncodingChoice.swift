import MartletArrow
import MartletBase
import MartletCodecs

/// Chooses how a column chunk is encoded when nobody said so: what takes the fewest bytes, by samples of the values and
/// through the codec.
///
/// Runs for booleans that have long ones. A dictionary where values repeat; else deltas for integers and split byte streams for reals, where they are clearly
/// smaller, and shared prefixes for byte strings where they are much smaller; else PLAIN. What was asked for is used or
/// refused, never ignored.
struct EncodingChoice {
    let values: LeafValues
    let column: LeafColumn
    let settings: LeafSettings
    let version: SchemaOptions.Version
    let pages: [PagePlan]
    /// Whether the column's type is a dictionary: readers make one of PLAIN pages, not of deltas.
    let isDictionary: Bool

    /// No more values of a page than this are looked at.
    private static let sampleCount = 4_096
    /// No more of a dictionary's bytes are compressed for a look.
    private static let sampleByteCount = 64 << 10

    /// The encoding of pages without dictionary, and `dictionary` if it is to be used.
    func choose(
        _ dictionary: LeafDictionary?, valueCount: Int
    ) throws(MartletError) -> (Encoding, LeafDictionary?) {
        // Pages without values have no head of any encoding either.
        if values.form == .nothing { return (.plain, nil) }
        if let encoding = settings.encoding { return (encoding, nil) }
        if valueCount == 0 { return (.plain, nil) }
        var samples = [pages.count / 3, pages.count * 2 / 3].map { pages[min($0, pages.count - 1)] }
        if pages.count < 3 { samples.removeLast() }
        var cost: Cost
        switch values.form {
        case .nothing: return (.plain, nil)
        case .bits: return (try bits(samples), nil)
        case .lanes32(let kind):
            cost = try lanes(UInt32.self, samples, isInteger: kind != .float32)
        case .lanes64(let kind):
            cost = try lanes(UInt64.self, samples, isInteger: kind != .float64)
        case .fixedBytes(let width): cost = Cost(encoding: .plain, bytesPerValue: Double(width))
        case .bytes32, .bytes64:
            // The order of an Arrow dictionary, and what no value points at, are the column's own.
            if isDictionary, let dictionary, dictionary.codeCount == valueCount { return (.plain, dictionary) }
            // A dictionary that is much shorter than what it stands for needs no other look.
            let total = try byteCount() + 4 * valueCount
            if let dictionary, dictionary.codeCount == valueCount, dictionary.entries.count < total / 16 {
                return (.plain, dictionary)
            }
            cost = try bytes(samples)
        }
        guard let dictionary, dictionary.codeCount > 0 else { return (cost.encoding, nil) }
        var spent = try codeBytesPerValue(dictionary, samples)
        let entries = Double(dictionary.entries.count) / Double(dictionary.codeCount)
        if spent + entries > cost.bytesPerValue / 4, settings.codec != .uncompressed {
            spent += entries * (try packedShare(of: dictionary.entries))
        } else {
            spent += entries
        }
        return spent > cost.bytesPerValue ? (cost.encoding, nil) : (cost.encoding, dictionary)
    }

    private struct Cost {
        var encoding: Encoding
        /// Behind the codec, as far as a look at samples tells.
        var bytesPerValue: Double
    }

    private func byteCount() throws(MartletError) -> Int {
        var total = 0
        for (i, range) in values.ranges.enumerated() {
            total += try values.byteCount(SlotSpan(first: i, skip: 0, count: range.count))
        }
        return total
    }

    /// How long the codec makes what is as long as 1.
    private func packedShare(of bytes: Buffer) throws(MartletError) -> Double {
        if bytes.count == 0 { return 1 }
        let sample = try bytes.slice(at: 0, count: min(bytes.count, Self.sampleByteCount))
        let packed = try settings.codec.compress(sample.bytes, level: settings.level)
        return min(1, Double(packed.count) / Double(sample.count))
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
            let codes = scratch.finish()
            bytes +=
                settings.codec == .uncompressed
                ? codes.count : min(codes.count, try settings.codec.compress(codes.bytes, level: settings.level).count)
            count += sampled
        }
        return count == 0 ? Double(dictionary.bitWidth) / 8 : Double(bytes) / Double(count)
    }

    /// Runs for booleans that come in long ones: packed bits are quick to read, and the codec finds runs in them too.
    private func bits(_ samples: [PagePlan]) throws(MartletError) -> Encoding {
        if version == .v1_0 { return .plain }
        var scratch = try BufferBuilder()
        var trial = Trial(codec: settings.codec, level: settings.level)
        for page in samples {
            var span = page.slots
            span.count = min(span.count, Self.sampleCount * 8)
            let (bits, count) = try unsafe values.bits(span, scratch: &scratch)
            if count == 0 { continue }
            var runs = try BufferBuilder()
            try unsafe HybridEncoder.append(bits: bits, count: count, to: &runs)
            let encoded = runs.finish()
            // Safety: the bits stay where they are until the next ones are gathered.
            let plain = unsafe RawSpan(_unsafeStart: bits, byteCount: (count + 7) / 8)
            try trial.add(plain: plain, other: encoded, valueCount: count)
        }
        return trial.valueCount > 0 && trial.otherShare < 0.95 ? .rle : .plain
    }

    private func lanes<L: Lane>(
        _ type: L.Type, _ samples: [PagePlan], isInteger: Bool
    ) throws(MartletError) -> Cost {
        let width = Double(MemoryLayout<L>.size)
        let plain = Cost(encoding: .plain, bytesPerValue: width)
        if version == .v1_0 || (!isInteger && (version != .v2_6 || settings.codec == .uncompressed)) { return plain }
        var scratch = try BufferBuilder()
        var trial = Trial(codec: settings.codec, level: settings.level)
        for page in samples {
            var span = page.slots
            span.count = min(span.count, Self.sampleCount)
            let lanes = try unsafe values.lanes(span, as: L.self, scratch: &scratch)
            guard let base = lanes.baseAddress, lanes.count > 0 else { continue }
            var other = try BufferBuilder()
            if isInteger {
                try unsafe DeltaEncoder.append(
                    UnsafeRawPointer(base).assumingMemoryBound(to: L.Signed.self), count: lanes.count, to: &other)
            } else {
                try unsafe ByteStreamSplitEncoder.append(
                    UnsafeRawPointer(base).assumingMemoryBound(to: UInt8.self), count: lanes.count,
                    width: MemoryLayout<L>.size, to: &other)
            }
            // Safety: the lanes stay where they are until the next ones are gathered.
            let raw = unsafe RawSpan(_unsafeStart: base, byteCount: lanes.count * MemoryLayout<L>.size)
            try trial.add(plain: raw, other: other.finish(), valueCount: lanes.count)
        }
        if trial.valueCount == 0 { return plain }
        // PLAIN is the quickest to read.
        if trial.otherShare < 0.98 {
            return Cost(encoding: isInteger ? .deltaBinaryPacked : .byteStreamSplit, bytesPerValue: trial.otherPerValue)
        }
        return Cost(encoding: .plain, bytesPerValue: trial.plainPerValue)
    }

    private func bytes(_ samples: [PagePlan]) throws(MartletError) -> Cost {
        var scratch = try BufferBuilder()
        var trial = Trial(codec: settings.codec, level: settings.level)
        var sharesPrefixes = version != .v1_0 && !isDictionary
        for page in samples {
            var span = page.slots
            span.count = min(span.count, Self.sampleCount)
            let items = try unsafe values.items(span, scratch: &scratch)
            if items.isEmpty { continue }
            var plain = try BufferBuilder()
            try values.appendPlainBytes(span, count: items.count, to: &plain)
            sharesPrefixes = unsafe sharesPrefixes && BytesEncoder.sharedShare(items) > 0.5
            var other = try BufferBuilder()
            if sharesPrefixes { try unsafe BytesEncoder.appendDeltaBytes(items, to: &other) }
            let bytes = plain.finish()
            try trial.add(plain: bytes.bytes, other: other.finish(), valueCount: items.count)
        }
        if trial.valueCount == 0 { return Cost(encoding: .plain, bytesPerValue: 4) }
        // Some readers take several times as long for shared prefixes, and none makes dictionaries of them.
        if sharesPrefixes, trial.otherShare < 1.0 / 3 {
            return Cost(encoding: .deltaByteArray, bytesPerValue: trial.otherPerValue)
        }
        return Cost(encoding: .plain, bytesPerValue: trial.plainPerValue)
    }
}

/// PLAIN against another encoding, by samples.
private struct Trial {
    let codec: Codec
    let level: Int?
    private(set) var valueCount = 0
    private var plainCount = 0
    private var otherCount = 0

    init(codec: Codec, level: Int?) {
        self.codec = codec
        self.level = level
    }

    mutating func add(plain: RawSpan, other: Buffer, valueCount: Int) throws(MartletError) {
        self.valueCount += valueCount
        if codec == .uncompressed {
            plainCount += plain.byteCount
            otherCount += other.count
        } else {
            plainCount += try codec.compress(plain, level: level).count
            otherCount += try codec.compress(other.bytes, level: level).count
        }
    }

    var otherShare: Double { Double(otherCount) / Double(max(plainCount, 1)) }
    var plainPerValue: Double { Double(plainCount) / Double(max(valueCount, 1)) }
    var otherPerValue: Double { Double(otherCount) / Double(max(valueCount, 1)) }
}
