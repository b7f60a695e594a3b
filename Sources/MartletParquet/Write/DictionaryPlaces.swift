import MartletArrow
import MartletBase

/// Where the value of each slot of a dictionary array is in its dictionary: -1 for nulls, those of the dictionary included.
@safe
final class DictionaryPlaces {
    let count: Int
    private(set) var validity: Buffer?
    private(set) var nullCount = 0
    private let places: BufferBuilder

    /// Throws when an index is outside of `dictionary`.
    init(_ array: ArrayData, _ dictionary: ArrayData) throws(MartletError) {
        guard case .dictionary(let index, _, _) = array.type else { throw .type("\(array.type) is no dictionary") }
        count = array.count
        let room = try BufferBuilder(uninitializedCount: try array.count.multiplied(checked: 8))
        places = room
        switch index.nativeKind {
        case .int8: try find(array, dictionary, Int8.self)
        case .int16: try find(array, dictionary, Int16.self)
        case .int32: try find(array, dictionary, Int32.self)
        case .int64: try find(array, dictionary, Int64.self)
        case .uint8: try find(array, dictionary, UInt8.self)
        case .uint16: try find(array, dictionary, UInt16.self)
        case .uint32: try find(array, dictionary, UInt32.self)
        case .uint64: try find(array, dictionary, UInt64.self)
        case .int128, .float16, .float32, .float64, nil:
            throw .type("\(index) is not an index type of dictionaries")
        }
    }

    private func find<Index: NativeValue & FixedWidthInteger>(
        _ array: ArrayData, _ dictionary: ArrayData, _ type: Index.Type
    ) throws(MartletError) {
        let indices = try PrimitiveArray<Index>(array)
        let place = unsafe places.pointer(to: Int64.self)
        var bits = try BitmapBuilder(capacity: count)
        for i in 0..<count {
            var target: Int64 = -1
            if indices.isValid(i) {
                guard let position = Int(exactly: indices[i]), position >= 0, position < dictionary.count else {
                    throw .index(
                        "dictionary index \(indices[i]) of slot \(i) is out of bounds for \(dictionary.count) values")
                }
                if dictionary.isValid(position) { target = Int64(position) }
            }
            unsafe place[i] = target
            try bits.append(target >= 0)
        }
        nullCount = bits.falseCount
        validity = nullCount == 0 ? nil : bits.finish()
    }

    /// Safety: callers stay below `count`, for which there is room.
    @inline(__always)
    subscript(slot: Int) -> Int { unsafe Int(places.pointer(to: Int64.self)[slot]) }

    var pointer: UnsafePointer<Int64> { unsafe UnsafePointer(places.pointer(to: Int64.self)) }
}
