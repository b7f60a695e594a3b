import CMartlet
import MartletBase
import MartletCodecs

// martlet.h, "compression".

@_cdecl("martlet_codec_compress")
public func codecCompress(
    _ codec: UnsafePointer<CChar>?, _ level: UnsafePointer<Int64>?, _ bytes: OpaquePointer?, _ out: HandleOut?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let codec = try Codec(named: requiredText(codec, "codec"))
        let level = level.map { Int($0.pointee) }
        try codec.validate(level: level)
        let bytes = try object(bytes, BufferHandle.self).buffer
        try give(BufferHandle(try codec.compress(bytes.bytes, level: level)), to: out)
    }
}

@_cdecl("martlet_codec_decompress")
public func codecDecompress(
    _ codec: UnsafePointer<CChar>?, _ bytes: OpaquePointer?, _ size: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let codec = try Codec(named: requiredText(codec, "codec"))
        let bytes = try object(bytes, BufferHandle.self).buffer
        try give(BufferHandle(try codec.decompress(bytes.bytes, expectedCount: Int(size: size, "size"))), to: out)
    }
}

@_cdecl("martlet_codec_levels")
public func codecLevels(_ codec: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<Int64>?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let out = try required(out, "levels")
        guard let levels = try Codec(named: requiredText(codec, "codec")).levels else {
            throw .invalid("The specified codec does not support the compression level parameter")
        }
        out[0] = Int64(levels.lowerBound)
        out[1] = Int64(levels.upperBound)
        out[2] = Int64(try Codec(named: requiredText(codec, "codec")).defaultLevel ?? 0)
    }
}
