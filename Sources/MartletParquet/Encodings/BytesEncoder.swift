import Glibc
import MartletBase

/// The encoders of byte strings (Encodings.md: PLAIN, DELTA_LENGTH_BYTE_ARRAY = 6, DELTA_BYTE_ARRAY = 7).
enum BytesEncoder {
    /// A byte string where it lies.
    @safe
    struct Item {
        var start: UnsafePointer<UInt8>
        var count: Int32
    }

    /// Lengths, then all bytes.
    static func appendDeltaLength(
        _ items: UnsafeBufferPointer<Item>, to builder: inout BufferBuilder
    ) throws(MartletError) {
        let lengths = try BufferBuilder(uninitializedCount: items.count * 4)
        let length = unsafe lengths.pointer(to: Int32.self)
        var total = 0
        for i in 0..<items.count {
            unsafe length[i] = items[i].count
            total &+= unsafe Int(items[i].count)
        }
        try unsafe DeltaEncoder.append(UnsafePointer(length), count: items.count, to: &builder)
        var target = try unsafe builder.extend(by: total)
        for i in 0..<items.count {
            let item = unsafe items[i]
            unsafe memcpy(target, item.start, Int(item.count))
            unsafe target += Int(item.count)
        }
    }

    /// How much of the first few strings' bytes the strings before them begin with too, from 0 to 1.
    static func sharedShare(_ items: UnsafeBufferPointer<Item>) -> Double {
        var shared = 0
        var total = 0
        for i in 1..<max(1, min(items.count, 256)) {
            let (before, item) = unsafe (items[i &- 1], items[i])
            let most = Int(min(before.count, item.count))
            var k = 0
            while k < most, unsafe before.start[k] == item.start[k] { k &+= 1 }
            shared &+= k
            total &+= Int(item.count)
        }
        return total == 0 ? 0 : Double(shared) / Double(total)
    }

    /// How much each string shares with the one before, then the rest of each as above.
    static func appendDeltaBytes(
        _ items: UnsafeBufferPointer<Item>, to builder: inout BufferBuilder
    ) throws(MartletError) {
        let prefixes = try BufferBuilder(uninitializedCount: items.count * 4)
        let prefix = unsafe prefixes.pointer(to: Int32.self)
        let suffixes = try BufferBuilder(uninitializedCount: items.count * MemoryLayout<Item>.stride)
        let suffix = unsafe suffixes.pointer(to: Item.self)
        for i in 0..<items.count {
            let item = unsafe items[i]
            var shared: Int32 = 0
            if i > 0 {
                let before = unsafe items[i &- 1]
                let most = min(before.count, item.count)
                while shared < most, unsafe before.start[Int(shared)] == item.start[Int(shared)] { shared &+= 1 }
            }
            unsafe prefix[i] = shared
            unsafe suffix[i] = Item(start: item.start + Int(shared), count: item.count &- shared)
        }
        try unsafe DeltaEncoder.append(UnsafePointer(prefix), count: items.count, to: &builder)
        try unsafe appendDeltaLength(UnsafeBufferPointer(start: suffix, count: items.count), to: &builder)
    }
}
