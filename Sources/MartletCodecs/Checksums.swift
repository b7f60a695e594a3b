import CDeflate

/// The checksums that the formats use.
public enum Checksums {
    /// CRC-32 as in gzip and in Parquet's page headers; `previous` is the sum of the bytes before these.
    public static func crc32(_ bytes: RawSpan, continuing previous: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { source in
            unsafe libdeflate_crc32(previous, source.baseAddress ?? UnsafeRawPointer(nowhere), source.count)
        }
    }

    /// xxHash with 64 bits, as in Parquet's bloom filters.
    public static func xxh64(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
        unsafe bytes.withUnsafeBytes { source in
            var hash: UInt64
            var position = 0
            let count = source.count
            if count >= 32 {
                var v1 = seed &+ prime1 &+ prime2
                var v2 = seed &+ prime2
                var v3 = seed
                var v4 = seed &- prime1
                while position <= count &- 32 {
                    v1 = round(v1, unsafe word(source, position))
                    v2 = round(v2, unsafe word(source, position &+ 8))
                    v3 = round(v3, unsafe word(source, position &+ 16))
                    v4 = round(v4, unsafe word(source, position &+ 24))
                    position &+= 32
                }
                hash = rotated(v1, 1) &+ rotated(v2, 7) &+ rotated(v3, 12) &+ rotated(v4, 18)
                for v in [v1, v2, v3, v4] { hash = (hash ^ round(0, v)) &* prime1 &+ prime4 }
            } else {
                hash = seed &+ prime5
            }
            hash &+= UInt64(count)
            while position <= count &- 8 {
                hash = rotated(hash ^ round(0, unsafe word(source, position)), 27) &* prime1 &+ prime4
                position &+= 8
            }
            if position <= count &- 4 {
                let half = unsafe UInt64(source.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                hash = rotated(hash ^ (half &* prime1), 23) &* prime2 &+ prime3
                position &+= 4
            }
            while position < count {
                hash = rotated(hash ^ (UInt64(unsafe source[position]) &* prime5), 11) &* prime1
                position &+= 1
            }
            return avalanche(hash)
        }
    }

    /// `xxh64` of the 8 bytes of `value`, the hash of one number in a bloom filter.
    @inlinable
    public static func xxh64(of value: UInt64, seed: UInt64 = 0) -> UInt64 {
        let mixed = rotated(value &* prime2, 31) &* prime1
        return avalanche(rotated((seed &+ prime5 &+ 8) ^ mixed, 27) &* prime1 &+ prime4)
    }

    /// `xxh64` of the 4 bytes of `value`.
    @inlinable
    public static func xxh64(of value: UInt32, seed: UInt64 = 0) -> UInt64 {
        avalanche(rotated((seed &+ prime5 &+ 4) ^ (UInt64(value) &* prime1), 23) &* prime2 &+ prime3)
    }

    /// xxHash with 32 bits, as in LZ4 frames.
    public static func xxh32(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { source in
            let p1: UInt32 = 0x9E37_79B1, p2: UInt32 = 0x85EB_CA77, p3: UInt32 = 0xC2B2_AE3D
            let p4: UInt32 = 0x27D4_EB2F, p5: UInt32 = 0x1656_67B1
            func turn(_ value: UInt32, _ bits: UInt32) -> UInt32 { value &<< bits | value &>> (32 &- bits) }
            func load(_ position: Int) -> UInt32 {
                unsafe source.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            }
            var hash: UInt32
            var position = 0
            let count = source.count
            if count >= 16 {
                var v1 = seed &+ p1 &+ p2
                var v2 = seed &+ p2
                var v3 = seed
                var v4 = seed &- p1
                while position <= count &- 16 {
                    v1 = turn(v1 &+ load(position) &* p2, 13) &* p1
                    v2 = turn(v2 &+ load(position &+ 4) &* p2, 13) &* p1
                    v3 = turn(v3 &+ load(position &+ 8) &* p2, 13) &* p1
                    v4 = turn(v4 &+ load(position &+ 12) &* p2, 13) &* p1
                    position &+= 16
                }
                hash = turn(v1, 1) &+ turn(v2, 7) &+ turn(v3, 12) &+ turn(v4, 18)
            } else {
                hash = seed &+ p5
            }
            hash &+= UInt32(truncatingIfNeeded: count)
            while position <= count &- 4 {
                hash = turn(hash &+ load(position) &* p3, 17) &* p4
                position &+= 4
            }
            while position < count {
                hash = turn(hash &+ UInt32(unsafe source[position]) &* p5, 11) &* p1
                position &+= 1
            }
            hash = (hash ^ (hash &>> 15)) &* p2
            hash = (hash ^ (hash &>> 13)) &* p3
            return hash ^ (hash &>> 16)
        }
    }

    // xxHash's constants.
    @usableFromInline static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    @usableFromInline static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    @usableFromInline static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    @usableFromInline static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    @usableFromInline static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inlinable @inline(__always)
    static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value &<< bits | value &>> (64 &- bits) }

    @inline(__always)
    private static func round(_ sum: UInt64, _ input: UInt64) -> UInt64 {
        rotated(sum &+ input &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func word(_ source: UnsafeRawBufferPointer, _ position: Int) -> UInt64 {
        unsafe source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
    }

    @inlinable
    static func avalanche(_ hash: UInt64) -> UInt64 {
        var mixed = (hash ^ (hash &>> 33)) &* prime2
        mixed = (mixed ^ (mixed &>> 29)) &* prime3
        return mixed ^ (mixed &>> 32)
    }
}
