public import MartletArrow
public import MartletBase

/// Rows to take, in order: row numbers of 32 bits (64 beyond 2^31 rows), and which of them are null.
///
/// Made once and used for every column of a batch.
public struct Rows: Sendable {
    /// One row number for each row of the result; 0 where the row is null. Empty where `runs` says it all.
    let buffer: Buffer
    let isWide: Bool
    public let count: Int
    /// Bit 0 means a null row; nil without null rows.
    let validity: Bitmap?
    /// The same rows as ranges of rows that follow each other, where these are few.
    public let runs: [Range<Int>]?

    init(buffer: Buffer, isWide: Bool, count: Int, validity: Bitmap? = nil) {
        self.buffer = buffer
        self.isWide = isWide
        self.count = count
        self.validity = validity
        runs = nil
    }

    /// The rows of `runs`, which are not empty.
    public init(runs: [Range<Int>]) {
        buffer = .empty
        isWide = false
        count = runs.reduce(0) { $0 + $1.count }
        validity = nil
        self.runs = runs
    }

    /// Row `row`, `count` times.
    init(repeating row: Int, count: Int) throws(MartletError) {
        let buffer = try unsafe makeValues(Int32.self, count: count) { target in
            unsafe target.update(repeating: Int32(truncatingIfNeeded: row), count: count)
        }
        self.init(buffer: buffer, isWide: false, count: count)
    }

    /// Row numbers as an integer array: none negative, none beyond `rowCount`; nulls make null rows.
    ///
    /// Errors: `Index 7 out of bounds`, the text of pyarrow.
    public init(indices: ArrayData, rowCount: Int) throws(MartletError) {
        guard indices.type.isInteger else {
            throw .notImplemented("take: indices are integers, not \(indices.type)")
        }
        let (reader, isWide, validity) = (
            try LaneReader(indices), rowCount > Int(Int32.max), indices.usedValidityBitmap
        )
        let buffer = try makeLanes(isWide ? .int64 : .int32, count: indices.count, validity: validity) {
            block, writer in
            let (lanes, out) = unsafe (reader.integers(block, 0), writer.integers(block, 1))
            // A negative index is a huge unsigned one. Those of null rows lead to row 0.
            var isInside = true
            for i in 0..<block.count {
                let fits = unsafe UInt64(bitPattern: lanes[i]) < UInt64(rowCount)
                unsafe out[i] = fits ? lanes[i] : 0
                isInside = isInside && fits
            }
            unsafe writer.store(out, block)
            return isInside
        } failure: { row in
            .index(
                "Index \(reader.text(at: row)) out of bounds (row \(row) of the indices; there are \(rowCount) values)")
        }
        var present: Bitmap?
        if let bits = try indices.rebasedValidity() { present = try Bitmap(bits, count: indices.count) }
        self.init(buffer: buffer, isWide: isWide, count: indices.count, validity: present)
    }

    /// The rows where `mask` is true. A null in the mask drops its row, or makes it a null row.
    public init(mask: ArrayData, keepNulls: Bool = false) throws(MartletError) {
        if mask.type == .null {
            self = keepNulls ? try Rows(indices: .nulls(.int32, count: mask.count), rowCount: 0) : Rows(runs: [])
            return
        }
        guard mask.type == .boolean else {
            throw .notImplemented("Filter argument must be boolean type, not \(mask.type)")
        }
        let bits = try mask.bits()
        let validity = mask.usedValidityBitmap
        if keepNulls, let validity {
            self = try Rows(bits: bits, validity: validity)
        } else if let validity, let both = try intersection(bits, validity, count: mask.count) {
            self = try Rows(bits: Bitmap(both, count: mask.count))
        } else {
            self = try Rows(bits: bits)
        }
    }

    /// The rows whose bit is set.
    public init(bits: Bitmap) throws(MartletError) {
        var total = 0
        var runCount = 0
        var last: UInt64 = 0
        try bits.forEachWord { _, _, word throws(MartletError) in
            total &+= word.nonzeroBitCount
            runCount &+= (word & ~(word &<< 1 | last)).nonzeroBitCount
            last = word &>> 63
        }
        if runCount * 16 <= total {
            self.init(runs: Self.runs(of: bits, count: runCount))
            return
        }
        let isWide = bits.count > Int(Int32.max)
        let buffer = isWide ? try Self.rows(of: bits, Int64.self, total) : try Self.rows(of: bits, Int32.self, total)
        self.init(buffer: buffer, isWide: isWide, count: total)
    }

    private static func runs(of bits: Bitmap, count: Int) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        runs.reserveCapacity(count)
        var index = 0
        var start = -1
        while index < bits.count {
            let length = Swift.min(64, bits.count - index)
            var place = 0
            while place < length {
                let word = bits.word(at: index + place, length: length - place)
                if start < 0 {
                    place += Swift.min(word.trailingZeroBitCount, length - place)
                    if place < length { start = index + place }
                } else {
                    place += Swift.min((~word).trailingZeroBitCount, length - place)
                    if place < length {
                        runs.append(start..<index + place)
                        start = -1
                    }
                }
            }
            index += length
        }
        if start >= 0 { runs.append(start..<bits.count) }
        return runs
    }

    private static func rows<Index: OffsetValue>(
        of bits: Bitmap, _ type: Index.Type, _ total: Int
    ) throws(MartletError) -> Buffer {
        try unsafe makeValues(type, count: total) { target throws(MartletError) in
            var next = 0
            try bits.forEachWord { start, _, bits throws(MartletError) in
                var word = bits
                // Safety: one slot for each of the `total` bits that are set.
                while word != 0 {
                    unsafe target[next] = Index(truncatingIfNeeded: start &+ word.trailingZeroBitCount)
                    next &+= 1
                    word &= word &- 1
                }
            }
        }
    }

    /// Rows where the bit is set, and a null row for each null.
    private init(bits: Bitmap, validity: Bitmap) throws(MartletError) {
        let kept = try makeBits(count: bits.count) { start, length in
            let word = bits.word(at: start, length: length) | ~validity.word(at: start, length: length)
            return length == 64 ? word : word & ((1 &<< UInt64(length)) &- 1)
        }
        let rows = try Rows(bits: try Bitmap(kept, count: bits.count)).spelledOut()
        var present = try BitmapBuilder(capacity: rows.count)
        for row in 0..<rows.count { try present.append(validity[rows[row]]) }
        let bitmap = try Bitmap(present.finish(), count: rows.count)
        self.init(buffer: rows.buffer, isWide: rows.isWide, count: rows.count, validity: bitmap)
    }

    /// The row number of row `index` of the result; only where rows are spelled out.
    subscript(index: Int) -> Int {
        // Safety: the buffer holds `count` row numbers, and the caller keeps `index` below it.
        unsafe isWide ? Int(buffer.pointer(to: Int64.self)[index]) : Int(buffer.pointer(to: Int32.self)[index])
    }

    /// These rows as row numbers, one each.
    package func spelledOut() throws(MartletError) -> Rows {
        guard let runs else { return self }
        let isWide = (runs.last?.upperBound ?? 0) > Int(Int32.max)
        func fill<Index: OffsetValue>(_ type: Index.Type) throws(MartletError) -> Buffer {
            try unsafe makeValues(type, count: count) { target in
                var next = 0
                for run in runs {
                    for row in run {
                        unsafe target[next] = Index(truncatingIfNeeded: row)
                        next &+= 1
                    }
                }
            }
        }
        return Rows(buffer: isWide ? try fill(Int64.self) : try fill(Int32.self), isWide: isWide, count: count)
    }

    /// The rows `start ..< start + length` of these.
    package func window(_ start: Int, _ length: Int) throws(MartletError) -> Rows {
        let rows = try spelledOut()
        let width = rows.isWide ? 8 : 4
        let part = try rows.buffer.slice(at: start * width, count: length * width)
        var present: Bitmap?
        if let validity = rows.validity { present = try validity.slice(at: start, count: length) }
        return Rows(buffer: part, isWide: rows.isWide, count: length, validity: present)
    }

    /// The rows as an array of row numbers: uint64, as pyarrow's `sort_indices` gives.
    public func indices() throws(MartletError) -> ArrayData {
        let rows = try spelledOut()
        let buffer = try unsafe makeValues(UInt64.self, count: count) { target in
            for i in 0..<count { unsafe target[i] = UInt64(rows[i]) }
        }
        var present: Buffer?
        if let validity { present = try validity.rebased() }
        return ArrayData(type: .uint64, count: count, validity: present, buffers: [buffer])
    }
}
