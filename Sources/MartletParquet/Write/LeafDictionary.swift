import MartletArrow
import MartletBase

/// The dictionary of a column chunk, and the codes of the values that it covers.
struct LeafDictionary: Sendable {
    /// The PLAIN form of the values.
    let entries: Buffer
    let entryCount: Int
    /// `UInt32` for each value, from the first on.
    let codes: Buffer
    /// How many values have a code: all, or those before the dictionary was full.
    let codeCount: Int
    /// Of byte strings: where each lies in `entries`.
    let places: Buffer?
    /// How many entries the codes name; the others are an Arrow dictionary's that no value points at.
    let usedCount: Int

    init(entries: Buffer, entryCount: Int, codes: Buffer, codeCount: Int, places: Buffer?, usedCount: Int? = nil) {
        self.entries = entries
        self.entryCount = entryCount
        self.codes = codes
        self.codeCount = codeCount
        self.places = places
        self.usedCount = usedCount ?? entryCount
    }

    var bitWidth: Int { entryCount <= 1 ? 0 : BitPacking.width(of: entryCount - 1) }
}

/// Tries whether a leaf's values are worth a dictionary, and makes it.
struct LeafDictionaryMaker {
    let values: LeafValues
    let valueCount: Int
    let slotCount: Int
    let maximumByteCount: Int
    /// The Arrow dictionary that the values came with: its order is kept, which may mean something.
    var given: ArrayData?
    /// Whether the order of `given` surely does.
    var isOrdered = false

    private static let sampleCount = 2_048
    private static let sampleWindow = 16
    private static let blockCount = 8_192
    /// Tables over a range of values are no larger than this.
    private static let widestRange: UInt64 = 1 << 17
    /// From this many values on, a dictionary that is nearly as long as what it covers is given up.
    private static let trialCount = 32_768

    /// Nil when a dictionary does not pay.
    func make() throws(MartletError) -> LeafDictionary? {
        guard valueCount > 0 else { return nil }
        switch values.form {
        case .nothing, .bits: return nil
        case .lanes32(let kind): return try lanes(UInt32.self, isSigned: kind != .uint32, isInteger: kind != .float32)
        case .lanes64(let kind): return try lanes(UInt64.self, isSigned: kind != .uint64, isInteger: kind != .float64)
        case .fixedBytes(let width): return width == 0 ? nil : try bytes(hasLengths: false)
        case .bytes32, .bytes64: return try bytes(hasLengths: true)
        }
    }

    /// Short windows of slots, spread evenly.
    private func sample() -> [SlotSpan] {
        if slotCount <= Self.sampleCount { return [SlotSpan(first: 0, skip: 0, count: slotCount)] }
        let windows = Self.sampleCount / Self.sampleWindow
        var spans: [SlotSpan] = []
        spans.reserveCapacity(windows)
        var range = 0
        var before = 0
        for i in 0..<windows {
            let slot = (slotCount - Self.sampleWindow) / windows * i
            while slot >= before + values.ranges[range].count {
                before += values.ranges[range].count
                range += 1
            }
            spans.append(SlotSpan(first: range, skip: slot - before, count: Self.sampleWindow))
        }
        return spans
    }

    /// A few repetitions in the sample are a sign of a dictionary that fits its page; values without any would fill it.
    private func isPromising(distinct: Int, of sampled: Int) -> Bool {
        slotCount <= Self.sampleCount ? true : sampled - distinct >= 3 || sampled == 0
    }

    private func isHopeless(entries: Int, of done: Int) -> Bool { done >= Self.trialCount && entries > done / 4 * 3 }

    // MARK: Lanes

    private func lanes<L: Lane>(
        _ type: L.Type, isSigned: Bool, isInteger: Bool
    ) throws(MartletError) -> LeafDictionary? {
        var scratch = try BufferBuilder()
        let width = MemoryLayout<L>.size
        let maximumCount = max(1, maximumByteCount / width)
        let most: UInt64
        do {
            var trial = try LaneDictionaryBuilder<L>(maximumCount: Self.sampleCount + 1)
            let ignored = try BufferBuilder(uninitializedCount: Self.sampleCount * 4)
            var sampled = 0
            for span in sample() {
                let lanes = try unsafe values.lanes(span, as: L.self, scratch: &scratch)
                _ = try unsafe trial.encode(lanes, into: ignored.pointer(to: UInt32.self))
                sampled += lanes.count
            }
            guard isPromising(distinct: trial.entryCount, of: sampled) else { return nil }
            // Of the sample; the whole is at least as wide.
            let entries = unsafe UnsafePointer(trial.entries.pointer(to: L.self))
            most = unsafe isInteger ? Self.spread(entries, trial.entryCount, isSigned: isSigned) : .max
        }
        let limit = min(Self.widestRange, UInt64(max(1_024, valueCount * 2)))
        if most < limit, let (least, spread) = try range(L.self, isSigned: isSigned, limit: limit, &scratch) {
            let dictionary = try LaneDictionaryBuilder<L>(least: least, spread: spread, maximumCount: maximumCount)
            return try encode(dictionary, &scratch)
        }
        return try encode(try LaneDictionaryBuilder<L>(maximumCount: maximumCount), &scratch)
    }

    private static func spread<L: Lane>(_ entries: UnsafePointer<L>, _ count: Int, isSigned: Bool) -> UInt64 {
        if count == 0 { return 0 }
        let (low, high) = unsafe extremes(entries, count, isSigned: isSigned)
        return UInt64(truncatingIfNeeded: high &- low)
    }

    private static func extremes<L: Lane>(_ values: UnsafePointer<L>, _ count: Int, isSigned: Bool) -> (L, L) {
        if !isSigned { return unsafe BoundsScan.extremes(values, count) }
        let signed = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: L.Signed.self)
        let (low, high) = unsafe BoundsScan.extremes(signed, count)
        return (L(truncatingIfNeeded: low), L(truncatingIfNeeded: high))
    }

    /// The least value and the distance to the greatest, if that is below `limit`.
    private func range<L: Lane>(
        _ type: L.Type, isSigned: Bool, limit: UInt64, _ scratch: inout BufferBuilder
    ) throws(MartletError) -> (L, Int)? {
        var found: (L, L)?
        var isTooWide = false
        try unsafe forEachBlock(&scratch) { (lanes: UnsafeBufferPointer<L>) throws(MartletError) -> Bool in
            guard let base = lanes.baseAddress, !lanes.isEmpty else { return true }
            var (low, high) = unsafe Self.extremes(base, lanes.count, isSigned: isSigned)
            if let (a, b) = found {
                low = Self.isLess(a, low, isSigned) ? a : low
                high = Self.isLess(high, b, isSigned) ? b : high
            }
            found = (low, high)
            isTooWide = UInt64(truncatingIfNeeded: high &- low) >= limit
            return !isTooWide
        }
        guard let (low, high) = found, !isTooWide else { return nil }
        return (low, Int(truncatingIfNeeded: high &- low))
    }

    private static func isLess<L: Lane>(_ a: L, _ b: L, _ isSigned: Bool) -> Bool {
        isSigned ? L.Signed(truncatingIfNeeded: a) < L.Signed(truncatingIfNeeded: b) : a < b
    }

    /// All values, a block at a time, until `body` says false.
    private func forEachBlock<L: Lane>(
        _ scratch: inout BufferBuilder, _ body: (UnsafeBufferPointer<L>) throws(MartletError) -> Bool
    ) throws(MartletError) {
        for (i, range) in values.ranges.enumerated() {
            var start = 0
            while start < range.count {
                let count = min(Self.blockCount, range.count &- start)
                let span = SlotSpan(first: i, skip: start, count: count)
                guard try unsafe body(try values.lanes(span, as: L.self, scratch: &scratch)) else { return }
                start &+= count
            }
        }
    }

    private func encode<L: Lane>(
        _ dictionary: consuming LaneDictionaryBuilder<L>, _ scratch: inout BufferBuilder
    ) throws(MartletError) -> LeafDictionary? {
        var dictionary = dictionary
        let codes = try BufferBuilder(uninitializedCount: try valueCount.multiplied(checked: 4))
        let target = unsafe codes.pointer(to: UInt32.self)
        var done = 0
        for (i, range) in values.ranges.enumerated() {
            var start = 0
            while start < range.count {
                let count = min(Self.blockCount, range.count &- start)
                let span = SlotSpan(first: i, skip: start, count: count)
                let lanes = try unsafe values.lanes(span, as: L.self, scratch: &scratch)
                // Safety: all blocks together hold `valueCount` values.
                let taken = try unsafe dictionary.encode(lanes, into: target + done)
                done &+= taken
                if taken < lanes.count {
                    let count = dictionary.entryCount
                    return LeafDictionary(
                        entries: dictionary.finishEntries(), entryCount: count, codes: codes.finish(), codeCount: done,
                        places: nil)
                }
                if isHopeless(entries: dictionary.entryCount, of: done) { return nil }
                start &+= count
            }
        }
        let count = dictionary.entryCount
        return LeafDictionary(
            entries: dictionary.finishEntries(), entryCount: count, codes: codes.finish(), codeCount: done, places: nil)
    }

    // MARK: Byte strings

    private func bytes(hasLengths: Bool) throws(MartletError) -> LeafDictionary? {
        var dictionary = try BytesDictionaryBuilder(hasLengths: hasLengths, maximumByteCount: maximumByteCount)
        if let given { try enter(given, into: &dictionary) }
        let isGiven = dictionary.entryCount > 0
        if !isGiven {
            var trial = try BytesDictionaryBuilder(hasLengths: false, maximumByteCount: Int(Int32.max))
            var sampled = 0
            for span in sample() {
                unsafe sampled += try add(span, to: &trial, codes: nil)
            }
            guard isPromising(distinct: trial.entryCount, of: sampled) else { return nil }
        }
        let codes = try BufferBuilder(uninitializedCount: try valueCount.multiplied(checked: 4))
        let target = unsafe codes.pointer(to: UInt32.self)
        var done = 0
        blocks: for (i, range) in values.ranges.enumerated() {
            var start = 0
            while start < range.count {
                let count = min(Self.blockCount, range.count &- start)
                let span = SlotSpan(first: i, skip: start, count: count)
                let wanted = try values.validCount(span)
                // Safety: all blocks together hold `valueCount` values.
                let taken = try unsafe add(span, to: &dictionary, codes: target + done)
                done &+= taken
                if taken < wanted { break blocks }
                if !isGiven, isHopeless(entries: dictionary.entryCount, of: done) { return nil }
                start &+= count
            }
        }
        let count = dictionary.entryCount
        let (entries, places) = dictionary.finish()
        var used: Int?
        if isGiven {
            var flags = [Bool](repeating: false, count: count)
            for i in 0..<done { unsafe flags[Int(target[i])] = true }
            used = flags.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        return LeafDictionary(
            entries: entries, entryCount: count, codes: codes.finish(), codeCount: done, places: places, usedCount: used)
    }

    /// Enters the values of an Arrow dictionary in their order. Where that may mean nothing, not if they are many beside the
    /// values that point at them.
    private func enter(_ given: ArrayData, into dictionary: inout BytesDictionaryBuilder) throws(MartletError) {
        guard isOrdered || given.count <= max(1_000, valueCount * 2), given.type.isVariableBinary else { return }
        func all<Offset: OffsetValue>(_ values: BytesArray<Offset>) throws(MartletError) {
            for i in 0..<values.count where given.isValid(i) {
                let range = values.range(i)
                // Safety: ranges lie inside the bytes, which `given` keeps.
                let start = unsafe given.buffers[1].pointer(to: UInt8.self) + range.lowerBound
                if try unsafe dictionary.code(start, range.count) == nil { return }
            }
        }
        if given.type.layout.buffers[0] == .offsets64 {
            try all(try BytesArray<Int64>(given))
        } else {
            try all(try BytesArray<Int32>(given))
        }
    }

    /// Codes of the values of `span`, until the dictionary is full; how many there were.
    private func add(
        _ span: SlotSpan, to dictionary: inout BytesDictionaryBuilder, codes: UnsafeMutablePointer<UInt32>?
    ) throws(MartletError) -> Int {
        var done = 0
        var isFull = false
        var failure: MartletError?
        try unsafe values.forEachBytes(span) { start, count in
            if isFull { return }
            do throws(MartletError) {
                if let code = try unsafe dictionary.code(start, count) {
                    if let codes = unsafe codes { unsafe codes[done] = code }
                    done &+= 1
                } else {
                    isFull = true
                }
            } catch {
                failure = error
                isFull = true
            }
        }
        if let failure { throw failure }
        return done
    }
}
