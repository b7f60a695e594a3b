import MartletArrow

extension NativeKind {
    var isFloat: Bool {
        switch self {
        case .float16, .float32, .float64: true
        case .int8, .int16, .int32, .int64, .int128, .uint8, .uint16, .uint32, .uint64: false
        }
    }
    var isUnsigned: Bool {
        switch self {
        case .uint8, .uint16, .uint32, .uint64: true
        case .int8, .int16, .int32, .int64, .int128, .float16, .float32, .float64: false
        }
    }
    /// The type whose values are plain numbers of this kind.
    var type: DataType {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .int128: .decimal128(precision: 38, scale: 0)
        }
    }
    /// The smallest and the largest integer, as the bits of a lane.
    var range: (low: Int64, high: Int64) {
        let bits = Int64(byteWidth * 8)
        if bits >= 64 { return isUnsigned ? (0, -1) : (.min, .max) }
        return isUnsigned ? (0, 1 << bits - 1) : (-(1 << (bits - 1)), 1 << (bits - 1) - 1)
    }
}
