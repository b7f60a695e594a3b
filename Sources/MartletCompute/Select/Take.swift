import Glibc
public import MartletArrow
public import MartletBase

/// The slots of `array` at `indices`, in that order; a null index gives a null.
///
/// `indices` is an integer array of any width. Errors: `Index 7 out of bounds`; 32-bit offsets that overflow.
public func take(_ array: ArrayData, _ indices: ArrayData) throws(MartletError) -> ArrayData {
    try take(array, rows: try Rows(indices: indices, rowCount: array.count))
}

/// The slots of `array` where `mask` is true. `keepNulls`: a null in the mask gives a null instead of nothing.
public func filter(_ array: ArrayData, _ mask: ArrayData, keepNulls: Bool = false) throws(MartletError) -> ArrayData {
    guard array.count == mask.count else {
        throw .invalid("Filter inputs must all be the same length: \(array.count) values, \(mask.count) in the mask")
    }
    return try take(array, rows: try Rows(mask: mask, keepNulls: keepNulls))
}

/// The chosen rows of every column, columns in parallel.
public func take(_ batch: RecordBatch, rows: Rows) throws(MartletError) -> RecordBatch {
    if let runs = rows.runs, runs.count == 1 { return try batch.slice(at: runs[0].lowerBound, count: runs[0].count) }
    let columns = batch.columns
    let taken = try WorkerPool.map(columns.count) { i throws(MartletError) in try take(columns[i], rows: rows) }
    return RecordBatch(unchecked: batch.schema, columns: taken, rowCount: rows.count)
}

/// The rows of `batch` where `mask` is true.
public func filter(_ batch: RecordBatch, _ mask: ArrayData, keepNulls: Bool = false) throws(MartletError) -> RecordBatch
{
    guard batch.rowCount == mask.count else {
        throw .invalid("Filter inputs must all be the same length: \(batch.rowCount) rows, \(mask.count) in the mask")
    }
    return try take(batch, rows: try Rows(mask: mask, keepNulls: keepNulls))
}

/// The chosen rows of `array`. `rows` were made for an array of this length.
public func take(_ array: ArrayData, rows: Rows) throws(MartletError) -> ArrayData {
    if let runs = rows.runs {
        if runs.isEmpty { return try .empty(array.type) }
        let windows = runs.map { array.window($0.lowerBound, $0.count) }
        return try concatenate(windows, type: array.type)
    }
    if array.count == 0 { return try .nulls(array.type, count: rows.count) }
    return rows.isWide
        ? try RowTaking<Int64>(source: array, rows: rows).run() : try RowTaking<Int32>(source: array, rows: rows).run()
}

/// Takes row by row, buffer by buffer as the type's layout says.
@safe
private struct RowTaking<Index: OffsetValue>: @unchecked Sendable {
    let source: ArrayData
    let rows: Rows
    let count: Int
    // Safety: `count` row numbers inside `source`, kept alive by `rows`.
    private let index: UnsafePointer<Index>

    init(source: ArrayData, rows: Rows) {
        self.source = source
        self.rows = rows
        count = rows.count
        unsafe index = rows.buffer.pointer(to: Index.self)
    }

    func run() throws(MartletError) -> ArrayData {
        let type = source.type
        let layout = type.layout
        if type == .null { return ArrayData(type: type, count: count) }
        if layout.children == .runs { return try runs() }
        if layout.children == .picked { return try picked() }
        let (validity, nullCount) = layout.hasValidity ? try validity() : (nil, nil)
        var buffers: [Buffer] = []
        var children: [ArrayData] = []
        switch layout.children {
        case .offsets:
            let (offsets, items) = layout.buffers == [.offsets32] ? try lists(Int32.self) : try lists(Int64.self)
            buffers = [offsets]
            children = [items]
        case .ranges:
            // Slots say where their values lie; the values stay.
            for (i, role) in layout.buffers.enumerated() { buffers.append(try fixed(i, role.byteWidth ?? 0)) }
            children = source.children
        case .picked, .runs: break
        case .parallel:
            // Those of a sparse union have a type id too.
            for (i, role) in layout.buffers.enumerated() { buffers.append(try fixed(i, role.byteWidth ?? 0)) }
            for i in source.children.indices { children.append(try take(source.child(i), rows: rows)) }
        case .fixed(let width): children.append(try take(source.child(0), rows: try widened(by: width)))
        case .none:
            for (i, role) in layout.buffers.enumerated() {
                switch role {
                case .values, .fixedBytes, .views: buffers.append(try fixed(i, role.byteWidth!))
                case .bits: buffers.append(try gather(try source.bits()))
                case .offsets32: buffers += try strings(Int32.self)
                case .offsets64: buffers += try strings(Int64.self)
                case .bytes, .typeIds, .starts32, .starts64, .sizes32, .sizes64: break
                }
            }
            buffers += source.variadicBuffers
        }
        return ArrayData(
            type: type, count: count, validity: validity, nullCount: nullCount, buffers: buffers, children: children,
            dictionary: source.dictionary)
    }

    /// Of a dense union: the chosen values of each child in the order of the rows. Null rows are nulls of the first child.
    private func picked() throws(MartletError) -> ArrayData {
        guard case .union(_, _, let ids) = source.type.storage, let first = ids.first else {
            throw .invalid("\(source.type) has no children and so no values")
        }
        let view = try UnionArray(source)
        var places = [[Int64]](repeating: [], count: ids.count)
        var nulls: [Int] = []
        var (types, starts): ([Int8], [Int32]) = ([], [])
        types.reserveCapacity(count)
        starts.reserveCapacity(count)
        for i in 0..<count {
            let isNull = !(rows.validity?[i] ?? true)
            let row = unsafe Int(truncatingIfNeeded: index[i])
            guard let (child, slot) = isNull ? (0, 0) : view.place(row) else {
                throw .invalid("slot \(row) of \(source.type) has type id \(view.typeID(row)), which names no value")
            }
            if isNull { nulls.append(places[0].count) }
            types.append(isNull ? first : ids[child])
            starts.append(Int32(truncatingIfNeeded: places[child].count))
            places[child].append(Int64(slot))
        }
        var children: [ArrayData] = []
        for (child, slots) in places.enumerated() {
            var validity: Buffer?
            if child == 0 && !nulls.isEmpty {
                var bits = try BitmapBuilder(capacity: slots.count)
                var next = 0
                for i in slots.indices {
                    let isNull = next < nulls.count && nulls[next] == i
                    try bits.append(!isNull)
                    if isNull { next += 1 }
                }
                validity = bits.finish()
            }
            let indices = ArrayData(type: .int64, count: slots.count, validity: validity, buffers: [try Buffer(slots)])
            children.append(try take(view.children[child], indices))
        }
        return ArrayData(
            type: source.type, count: count, buffers: [try Buffer(types), try Buffer(starts)], children: children)
    }

    /// Of runs: the runs that the rows belong to, those that follow each other as one.
    private func runs() throws(MartletError) -> ArrayData {
        guard case .runEndEncoded(let endField, _) = source.type.storage else {
            throw .type("no runs in \(source.type)")
        }
        let view = try RunEndArray(source)
        var (ends, values): ([Int], [Int64]) = ([], [])
        var present = try BitmapBuilder()
        var last = Int64.min
        for i in 0..<count {
            var run: Int64 = -1
            if rows.validity?[i] ?? true {
                guard let found = unsafe view.run(of: Int(truncatingIfNeeded: index[i])) else {
                    throw .invalid("no run of \(source.type) reaches row \(unsafe index[i])")
                }
                run = Int64(found)
            }
            if run == last {
                ends[ends.count - 1] = i + 1
                continue
            }
            last = run
            ends.append(i + 1)
            values.append(max(0, run))
            try present.append(run >= 0)
        }
        let indices = ArrayData(
            type: .int64, count: values.count, validity: present.finish(), buffers: [try Buffer(values)])
        return ArrayData(
            type: source.type, count: count,
            children: [try .runEnds(ends, endField.type), try take(view.values, indices)])
    }

    private func validity() throws(MartletError) -> (Buffer?, Int?) {
        guard let bitmap = source.usedValidityBitmap else {
            guard let validity = rows.validity else { return (nil, 0) }
            return (try validity.rebased(), nil)
        }
        let gathered = try gather(bitmap)
        guard let validity = rows.validity else { return (gathered, nil) }
        return (try intersection(try Bitmap(gathered, count: count), validity, count: count), nil)
    }

    private func gather(_ bits: Bitmap) throws(MartletError) -> Buffer {
        // Safety: every row number is below `source.count`, which is the count of `bits`.
        try makeBits(count: count) { start, length in
            var word: UInt64 = 0
            for i in 0..<length {
                let bit: UInt64 = unsafe bits[Int(truncatingIfNeeded: index[start &+ i])] ? 1 : 0
                word |= bit &<< UInt64(truncatingIfNeeded: i)
            }
            return word
        }
    }

    private func fixed(_ buffer: Int, _ width: Int) throws(MartletError) -> Buffer {
        let bytes = try source.buffers[buffer].slice(at: source.offset * width, count: source.count * width)
        switch width {
        case 1: return try copy(bytes, UInt8.self)
        case 2 where bytes.isAligned(to: 2): return try copy(bytes, UInt16.self)
        case 4 where bytes.isAligned(to: 4): return try copy(bytes, UInt32.self)
        case 8 where bytes.isAligned(to: 8): return try copy(bytes, UInt64.self)
        case 16 where bytes.isAligned(to: 16): return try copy(bytes, Int128.self)
        case _:
            let builder = try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
            let (from, to) = unsafe (bytes.pointer(to: UInt8.self), builder.pointer(to: UInt8.self))
            for i in 0..<count {
                unsafe _ = memcpy(to + i &* width, from + Int(truncatingIfNeeded: index[i]) &* width, width)
            }
            return builder.finish()
        }
    }

    private func copy<Value: BitwiseCopyable>(_ bytes: Buffer, _ type: Value.Type) throws(MartletError) -> Buffer {
        let from = unsafe Shared(bytes.pointer(to: Value.self))
        return try unsafe makeValues(type, count: count) { target throws(MartletError) in
            let to = unsafe Shared(target)
            // Safety: pieces are disjoint; row numbers are below the source's count.
            try forEachPiece(of: count) { start, length in
                let (from, to, index) = unsafe (from.value, to.value, index)
                for i in start..<start &+ length { unsafe to[i] = from[Int(truncatingIfNeeded: index[i])] }
            }
        }
    }

    /// The offsets of the chosen slots: one behind the other.
    private func offsets<Offset: OffsetValue>(
        _ type: Offset.Type, _ range: (Int) -> Range<Int>
    ) throws(MartletError) -> (Buffer, Int) {
        let validity = rows.validity
        var total = 0
        let buffer = try unsafe makeValues(type, count: count + 1) { target in
            for i in 0..<count {
                // Safety: one slot more than rows; a sum beyond the offset's range is refused below.
                unsafe target[i] = Offset(truncatingIfNeeded: total)
                if validity?[i] ?? true { unsafe total &+= range(Int(truncatingIfNeeded: index[i])).count }
            }
            unsafe target[count] = Offset(truncatingIfNeeded: total)
        }
        guard Offset(exactly: total) != nil else {
            throw .capacity(
                "offset overflow while taking from \(source.type): \(total) elements do not fit 32-bit offsets; "
                    + "cast to the type with 64-bit offsets, or take fewer rows at once")
        }
        return (buffer, total)
    }

    private func strings<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) -> [Buffer] {
        let view = try BytesArray<Offset>(source)
        let bytes = source.buffers[1]
        let (offsets, total) = try offsets(type) { view.range($0) }
        var builder = try BufferBuilder(uninitializedCount: total)
        let slots = unsafe Shared(offsets.pointer(to: Offset.self))
        let (from, to) = unsafe (Shared(bytes.pointer(to: UInt8.self)), Shared(builder.pointer(to: UInt8.self)))
        let safeEnd = bytes.count - 16
        try forEachPiece(of: count) { start, length in
            let (slots, from, to, index) = unsafe (slots.value, from.value, to.value, index)
            let pieceEnd = unsafe Int(truncatingIfNeeded: slots[start &+ length])
            for i in start..<start &+ length {
                let place = unsafe Int(truncatingIfNeeded: slots[i])
                let size = unsafe Int(truncatingIfNeeded: slots[i &+ 1]) &- place
                if size == 0 { continue }
                let origin = unsafe view.range(Int(truncatingIfNeeded: index[i])).lowerBound
                // Safety: the block read stays inside the source, the block written inside this piece's own bytes;
                // what it writes too much is written over by the values that follow.
                if size <= 16 && origin <= safeEnd && place &+ 16 <= pieceEnd {
                    let block = unsafe UnsafeRawPointer(from + origin).loadUnaligned(as: SIMD16<UInt8>.self)
                    unsafe UnsafeMutableRawPointer(to + place).storeBytes(of: block, as: SIMD16<UInt8>.self)
                } else {
                    unsafe _ = memcpy(to + place, from + origin, size)
                }
            }
        }
        builder.truncate(to: total)
        return [offsets, builder.finish()]
    }

    private func lists<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) -> (Buffer, ArrayData) {
        let view = try ListArray<Offset>(source)
        let validity = rows.validity
        let (offsets, total) = try offsets(type) { view.range($0) }
        func items<Item: OffsetValue>(_ type: Item.Type) throws(MartletError) -> Buffer {
            try unsafe makeValues(type, count: total) { target in
                var next = 0
                for i in 0..<count where validity?[i] ?? true {
                    for item in unsafe view.range(Int(truncatingIfNeeded: index[i])) {
                        unsafe target[next] = Item(truncatingIfNeeded: item)
                        next &+= 1
                    }
                }
            }
        }
        let isWide = view.values.count > Int(Int32.max)
        let buffer = isWide ? try items(Int64.self) : try items(Int32.self)
        return (offsets, try take(view.values, rows: Rows(buffer: buffer, isWide: isWide, count: total)))
    }

    /// The rows of the child of a fixed-size list.
    private func widened(by width: Int) throws(MartletError) -> Rows {
        let total = try count.multiplied(checked: width)
        let isWide = try source.count.multiplied(checked: width) > Int(Int32.max)
        func fill<Item: OffsetValue>(_ type: Item.Type) throws(MartletError) -> Buffer {
            try unsafe makeValues(type, count: total) { target in
                for i in 0..<count {
                    let first = unsafe Int(truncatingIfNeeded: index[i]) &* width
                    for k in 0..<width { unsafe target[i &* width &+ k] = Item(truncatingIfNeeded: first &+ k) }
                }
            }
        }
        return Rows(buffer: isWide ? try fill(Int64.self) : try fill(Int32.self), isWide: isWide, count: total)
    }
}
