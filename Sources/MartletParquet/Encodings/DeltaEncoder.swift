import Glibc
import MartletBase

/// The encoder of DELTA_BINARY_PACKED (Encodings.md, DELTA_BINARY_PACKED = 5): blocks of 128 values in 4 miniblocks.
enum DeltaEncoder {
    static let blockCount = 128
    static let miniblockCount = 32
    private static let miniblocks = 4

    /// No more bytes than this come of `count` values.
    static func maximumByteCount<Value: FixedWidthInteger>(
        _ count: Int, of type: Value.Type
    ) throws(MartletError) -> Int {
        let blocks = count / blockCount + 1
        return try blocks.multiplied(checked: 10 + miniblocks + blockCount * MemoryLayout<Value>.size).adding(
            checked: 48 + BitPacking.slack)
    }

    /// Appends `count` values. Differences wrap around, as the format says.
    ///
    /// Safety: `values` has `count` values.
    static func append<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, count: Int, to builder: inout BufferBuilder
    ) throws(MartletError) where Value.Magnitude: BitwiseCopyable & UnsignedInteger {
        let before = builder.byteCount
        let start = try unsafe builder.extend(by: try maximumByteCount(count, of: Value.self))
        let end = unsafe withUnsafeTemporaryAllocation(of: Value.Magnitude.self, capacity: blockCount) { block in
            unsafe store(values, count: count, block: block.baseAddress!, at: start)
        }
        builder.truncate(to: before + (unsafe end - start))
    }

    private static func store<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, count: Int, block: UnsafeMutablePointer<Value.Magnitude>,
        at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer where Value.Magnitude: BitwiseCopyable & UnsignedInteger {
        var out = unsafe storeVarint(UInt64(blockCount), at: target)
        unsafe out = storeVarint(UInt64(miniblocks), at: out)
        unsafe out = storeVarint(UInt64(count), at: out)
        unsafe out = storeZigZag(count == 0 ? 0 : Int64(truncatingIfNeeded: values[0]), at: out)
        var position = 1
        while position < count {
            let length = min(blockCount, count &- position)
            let current = unsafe values + position
            var smallest = Value.max
            for i in 0..<length {
                let delta = unsafe current[i] &- current[i &- 1]
                if delta < smallest { smallest = delta }
                unsafe block[i] = Value.Magnitude(truncatingIfNeeded: delta)
            }
            let base = Value.Magnitude(truncatingIfNeeded: smallest)
            for i in 0..<length { unsafe block[i] &-= base }
            for i in length..<blockCount { unsafe block[i] = 0 }
            unsafe out = storeZigZag(Int64(truncatingIfNeeded: smallest), at: out)
            let widths = unsafe out
            unsafe widths.storeBytes(of: 0, as: UInt32.self)
            unsafe out += miniblocks
            var miniblock = 0
            while miniblock &* miniblockCount < length {
                let start = unsafe block + miniblock &* miniblockCount
                var used: Value.Magnitude = 0
                for i in 0..<miniblockCount { unsafe used |= start[i] }
                let width = BitPacking.width(of: used)
                unsafe widths.storeBytes(of: UInt8(truncatingIfNeeded: width), toByteOffset: miniblock, as: UInt8.self)
                unsafe out = BitPacking.pack(start, groups: miniblockCount / 8, width: width, into: out)
                miniblock &+= 1
            }
            position &+= length
        }
        return unsafe out
    }
}
