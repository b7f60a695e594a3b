/// Bytes by their length and one word: up to 8 bytes the word is the value itself, beyond it is a hash.
struct BytesKey: BitwiseCopyable, Equatable {
    let word: UInt64
    let length: UInt32

    /// `limit` bytes can be read from `bytes`.
    @inline(__always)
    init(_ bytes: UnsafePointer<UInt8>, _ count: Int, limit: Int) {
        length = UInt32(truncatingIfNeeded: count)
        let raw = unsafe UnsafeRawPointer(bytes)
        if count <= 8 {
            if limit >= 8 {
                let all = unsafe raw.loadUnaligned(as: UInt64.self)
                word = count == 8 ? all : all & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
            } else {
                var low: UInt64 = 0
                for i in 0..<count { unsafe low |= UInt64(bytes[i]) &<< UInt64(truncatingIfNeeded: i &* 8) }
                word = low
            }
            return
        }
        var state: UInt64 = 0xA076_1D64_78BD_642F
        var index = 0
        while index &+ 8 <= count {
            unsafe state = mix(state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        word = unsafe mix(state ^ raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
    }

    @inline(__always) var hash: UInt64 { mix(word ^ UInt64(length) &<< 56) }
}
