import MartletArrow
import MartletBase

/// Numbers or booleans of any kind, read as lanes.
@safe
struct LaneReader: @unchecked Sendable {
    /// What the values are; booleans are nil.
    let kind: NativeKind?
    private let isScalar: Bool
    private let array: ArrayData
    private let bits: Bitmap?
    // Safety: slot 0, in memory that `array` keeps alive and that was found long enough.
    private let base: UnsafeRawPointer

    /// The values of an array whose type stores one number, or one bit, in each slot.
    init(_ array: ArrayData, isScalar: Bool = false) throws(MartletError) {
        self.array = array
        self.isScalar = isScalar
        if array.type == .boolean {
            kind = nil
            bits = try array.bits()
            unsafe base = Buffer.empty.pointer(to: UInt8.self).rawPointer
            return
        }
        guard let kind = array.type.nativeKind, let buffer = array.buffers.first else {
            throw .type("array of \(array.type) does not hold numbers")
        }
        let end = try array.offset.adding(checked: array.count).multiplied(checked: kind.byteWidth)
        guard buffer.count >= end, buffer.isAligned(to: kind.byteWidth) || buffer.count == 0 else {
            throw .invalid(
                "values buffer of \(array.type) is too short or misaligned: \(buffer.count) bytes for \(end)")
        }
        self.kind = kind
        bits = nil
        unsafe base = buffer.pointer(to: UInt8.self).rawPointer + array.offset * kind.byteWidth
    }

    init(_ datum: Datum) throws(MartletError) { try self.init(datum.array, isScalar: datum.isScalar) }

    var isFloat: Bool { kind?.isFloat ?? false }
    var isUnsigned: Bool { kind?.isUnsigned ?? true }

    /// The integers of the block (the whole parts of floats), sign- or zero-extended; in row `row` unless they lie so.
    func integers(_ block: LaneBlock, _ row: Int) -> UnsafePointer<Int64> {
        let to = unsafe block.lanes(row, Int64.self)
        let count = isScalar ? 1 : block.count
        let start = isScalar ? 0 : block.start
        // Safety: blocks lie inside the array, and rows hold a block.
        switch kind {
        case .int8: unsafe widen(Int8.self, start, count, to)
        case .int16: unsafe widen(Int16.self, start, count, to)
        case .int32: unsafe widen(Int32.self, start, count, to)
        case .uint8: unsafe widen(UInt8.self, start, count, to)
        case .uint16: unsafe widen(UInt16.self, start, count, to)
        case .uint32: unsafe widen(UInt32.self, start, count, to)
        case .int64, .uint64, .int128:
            let place = unsafe base.assumingMemoryBound(to: Int64.self) + start
            if !isScalar { return unsafe place }
            unsafe to[0] = place[0]
        case .float16, .float32, .float64:
            let from = unsafe doubles(block, row)
            for i in 0..<count { unsafe to[i] = Int64(lane: from[i]) }
        case nil:
            if let bits { for i in 0..<count { unsafe to[i] = bits[start &+ i] ? 1 : 0 } }
        }
        if isScalar { for i in 1..<max(1, block.count) { unsafe to[i] = to[0] } }
        return unsafe UnsafePointer(to)
    }

    /// The numbers of the block as doubles, in row `row` unless they lie so.
    func doubles(_ block: LaneBlock, _ row: Int) -> UnsafePointer<Double> {
        let to = unsafe block.lanes(row, Double.self)
        let count = isScalar ? 1 : block.count
        let start = isScalar ? 0 : block.start
        // Safety: as above.
        switch kind {
        case .float64:
            let place = unsafe base.assumingMemoryBound(to: Double.self) + start
            if !isScalar { return unsafe place }
            unsafe to[0] = place[0]
        case .float32:
            let from = unsafe base.assumingMemoryBound(to: Float.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .float16:
            let from = unsafe base.assumingMemoryBound(to: Float16.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .int32:
            let from = unsafe base.assumingMemoryBound(to: Int32.self) + start
            for i in 0..<count { unsafe to[i] = Double(from[i]) }
        case .int8, .int16, .int64, .int128, .uint8, .uint16, .uint32, .uint64, nil:
            let from = unsafe integers(block, row)
            if kind == .uint64 {
                for i in 0..<count { unsafe to[i] = Double(UInt64(bitPattern: from[i])) }
            } else {
                for i in 0..<count { unsafe to[i] = Double(from[i]) }
            }
        }
        if isScalar { for i in 1..<max(1, block.count) { unsafe to[i] = to[0] } }
        return unsafe UnsafePointer(to)
    }

    /// The values of the block as they lie, for kernels that have a loop for their kind; scalars are repeated.
    func plain<Value: BitwiseCopyable>(_ block: LaneBlock, _ row: Int, _ type: Value.Type) -> UnsafePointer<Value> {
        let values = unsafe base.assumingMemoryBound(to: type)
        if !isScalar { return unsafe values + block.start }
        let to = unsafe block.lanes(row, type)
        unsafe to.update(repeating: values[0], count: block.count)
        return unsafe UnsafePointer(to)
    }

    @inline(never)
    private func widen<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, _ start: Int, _ count: Int, _ to: UnsafeMutablePointer<Int64>
    ) {
        let from = unsafe base.assumingMemoryBound(to: type) + start
        for i in 0..<count { unsafe to[i] = Int64(truncatingIfNeeded: from[i]) }
    }

    /// One value, for messages and rare paths.
    func integer(at row: Int) -> Int64 {
        var memory: Int64 = 0
        return unsafe withUnsafeMutablePointer(to: &memory) { memory in
            unsafe integers(LaneBlock(start: row, count: 1, scratch: UnsafeMutableRawPointer(memory)), 0)[0]
        }
    }
    func double(at row: Int) -> Double {
        var memory: Int64 = 0
        return unsafe withUnsafeMutablePointer(to: &memory) { memory in
            unsafe doubles(LaneBlock(start: row, count: 1, scratch: UnsafeMutableRawPointer(memory)), 0)[0]
        }
    }

    /// The value of `row` as people read it.
    func text(at row: Int) -> String {
        if isFloat { return "\(double(at: row))" }
        return isUnsigned ? "\(UInt64(bitPattern: integer(at: row)))" : "\(integer(at: row))"
    }
}

extension UnsafePointer where Pointee == UInt8 {
    var rawPointer: UnsafeRawPointer { unsafe UnsafeRawPointer(self) }
}

extension Int64 {
    /// The whole part of a float; 0 when 64 bits cannot hold it.
    @inline(__always)
    init(lane value: Double) {
        self = value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 ? Int64(value) : 0
    }
}
