import MartletArrow
import MartletBase

// Children that are not cut with their parent: of a slice only what its slots point at goes out.

extension BodyBuilder {
    /// List views: where they begin, their sizes, and the items.
    mutating func appendRanges<Offset: OffsetValue>(_ array: ArrayData, _ type: Offset.Type) throws(MartletError) {
        let width = MemoryLayout<Offset>.stride
        guard array.isSlice(width: width) else {
            for i in 0..<2 { buffers.append(try slots(of: array, buffer: i, width: width)) }
            return try append(array.children[0])
        }
        let views = try ListViewArray<Offset>(array)
        var (low, high) = (Int.max, 0)
        for i in 0..<views.count {
            let range = views.range(i)
            if range.isEmpty { continue }
            (low, high) = (min(low, range.lowerBound), max(high, range.upperBound))
        }
        low = min(low, high)
        let starts = try BufferBuilder(uninitializedCount: views.count * width)
        let sizes = try BufferBuilder(uninitializedCount: views.count * width)
        // Safety: both hold `count` numbers.
        let (start, size) = unsafe (starts.pointer(to: Offset.self), sizes.pointer(to: Offset.self))
        for i in 0..<views.count {
            let range = views.range(i)
            unsafe start[i] = range.isEmpty ? 0 : Offset(truncatingIfNeeded: range.lowerBound - low)
            unsafe size[i] = Offset(truncatingIfNeeded: range.count)
        }
        buffers.append(starts.finish())
        buffers.append(sizes.finish())
        try append(views.values.slice(at: low, count: high - low))
    }

    /// Dense unions: type ids, the places in the children, and the children.
    mutating func appendPicked(_ array: ArrayData) throws(MartletError) {
        buffers.append(try slots(of: array, buffer: 0, width: 1))
        guard array.isSlice(width: 4) else {
            buffers.append(try slots(of: array, buffer: 1, width: 4))
            for child in array.children { try append(child) }
            return
        }
        let union = try UnionArray(array)
        var used = Array(repeating: (low: Int.max, high: 0), count: array.children.count)
        for i in 0..<union.count {
            guard let (child, slot) = union.place(i) else {
                throw .invalid("slot \(i) of \(array.type) has type id \(union.typeID(i)), which names no value")
            }
            used[child] = (min(used[child].low, slot), max(used[child].high, slot + 1))
        }
        let starts = try BufferBuilder(uninitializedCount: union.count * 4)
        // Safety: it holds `count` numbers.
        let start = unsafe starts.pointer(to: Int32.self)
        for i in 0..<union.count {
            let place = union.place(i)
            unsafe start[i] = place.map { Int32(truncatingIfNeeded: $0.slot - used[$0.child].low) } ?? 0
        }
        buffers.append(starts.finish())
        for (child, range) in zip(array.children, used) {
            try append(range.high == 0 ? child.slice(at: 0, count: 0) : child.slice(at: range.low, count: range.high - range.low))
        }
    }

    /// Run-end encoded arrays: where runs end, counted from the array's first slot, and their values.
    mutating func appendRuns(_ array: ArrayData) throws(MartletError) {
        let runs = try RunEndArray(array)
        let range = runs.runRange
        let ends = array.children[0]
        let isWhole = array.offset == 0 && range.count == ends.count
            && (range.isEmpty ? array.count == 0 : runs.end(ofRun: range.upperBound - 1) == array.count)
        if isWhole {
            for child in array.children { try append(child) }
            return
        }
        var last = 0
        let builder = try BufferBuilder(uninitializedCount: range.count * 8)
        // Safety: it holds as many numbers of up to 8 bytes.
        let target = unsafe builder.pointer(to: UInt8.self)
        let width = ends.type.nativeKind?.byteWidth ?? 8
        for (i, run) in range.enumerated() {
            last = runs.slots(ofRun: run).upperBound
            let end = UnsafeMutableRawPointer(unsafe target + i * width)
            switch width {
            case 2: unsafe end.storeBytes(of: Int16(truncatingIfNeeded: last), as: Int16.self)
            case 4: unsafe end.storeBytes(of: Int32(truncatingIfNeeded: last), as: Int32.self)
            case _: unsafe end.storeBytes(of: Int64(last), as: Int64.self)
            }
        }
        guard last == array.count else { throw .invalid("the runs of \(array.type) do not reach slot \(array.count)") }
        let bytes = try builder.finish().slice(at: 0, count: range.count * width)
        try append(ArrayData(type: ends.type, count: range.count, buffers: [bytes]))
        try append(runs.values.slice(at: range.lowerBound, count: range.count))
    }
}

extension ArrayData {
    /// Whether the first buffer has slots of `width` bytes that the array does not see, padding apart.
    fileprivate func isSlice(width: Int) -> Bool { offset > 0 || buffers[0].count > count * width + 64 }
}
