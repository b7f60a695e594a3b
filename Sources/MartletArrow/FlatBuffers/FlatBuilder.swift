/// Writes a FlatBuffer from its end to its start, as the format wants: what is referred to comes first.
///
/// Objects are named by their distance from the end.
package struct FlatBuilder {
    package enum Value {
        case bool(Bool)
        case uint8(UInt8)
        case int16(Int16)
        case int32(Int32)
        case int64(Int64)
        /// A struct of two 64-bit numbers.
        case pair(Int64, Int64)
        /// An object written before.
        case reference(Int)

        fileprivate var byteWidth: Int {
            switch self {
            case .bool, .uint8: 1
            case .int16: 2
            case .int32, .reference: 4
            case .int64: 8
            case .pair: 16
            }
        }
    }

    /// The fields of a table by slot. They are few: a list is quicker than a dictionary.
    package struct Slots: ExpressibleByDictionaryLiteral {
        fileprivate var fields: [(slot: Int, value: Value)]

        package init(dictionaryLiteral elements: (Int, Value)...) {
            fields = elements.map { (slot: $0.0, value: $0.1) }
        }

        /// Sets a slot that is not set yet.
        package subscript(slot: Int) -> Value? {
            get { fields.first { $0.slot == slot }?.value }
            set { if let newValue { fields.append((slot, newValue)) } }
        }
    }

    /// The last `used` bytes are written, those before are 0.
    private var storage = [UInt8](repeating: 0, count: 512)
    private var used = 0
    /// Where vtables lie: tables of one form share one.
    private var vtables: [(entries: [UInt16], place: Int)] = []

    /// Where the values of the last table lie by slot, from the end.
    package private(set) var places: [Int] = []

    package init() {}

    /// Makes room for `count` bytes before those that are written.
    private mutating func make(room count: Int) {
        if storage.count - used >= count { return }
        let larger = max(2 * storage.count, used + count)
        var grown = [UInt8](repeating: 0, count: larger)
        grown.replaceSubrange((larger - used)..., with: storage[(storage.count - used)...])
        storage = grown
    }

    /// Pads so that, after `count` more bytes, the position is a multiple of `alignment`, a power of two.
    private mutating func align(_ alignment: Int, before count: Int = 0) {
        let missing = -(used + count) & (alignment - 1)
        make(room: missing)
        used += missing
    }

    private mutating func put<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
        let width = MemoryLayout<Number>.size
        align(width)
        make(room: width)
        used += width
        let place = storage.count - used
        // Safety: there is room for `width` bytes at `place`.
        unsafe storage.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: number.littleEndian, toByteOffset: place, as: Number.self)
        }
    }

    private mutating func put(_ value: Value) {
        switch value {
        case .bool(let flag): put(flag ? 1 as UInt8 : 0)
        case .uint8(let number): put(number)
        case .int16(let number): put(number)
        case .int32(let number): put(number)
        case .int64(let number): put(number)
        case .pair(let first, let second):
            put(second)
            put(first)
        case .reference(let object):
            align(4)
            put(UInt32(used + 4 - object))
        }
    }

    package mutating func string(_ bytes: some Collection<UInt8>) -> Int {
        let bytes = Array(bytes)
        align(4, before: bytes.count + 1)
        make(room: bytes.count + 1)
        used += bytes.count + 1
        let place = storage.count - used
        storage.replaceSubrange(place..<place + bytes.count, with: bytes)
        put(UInt32(bytes.count))
        return used
    }

    package mutating func vector(_ objects: [Int]) -> Int {
        align(4)
        for object in objects.reversed() as ReversedCollection { put(.reference(object)) }
        put(UInt32(objects.count))
        return used
    }

    package mutating func vector(_ numbers: [Int32]) -> Int {
        align(4)
        for number in numbers.reversed() as ReversedCollection { put(number) }
        put(UInt32(numbers.count))
        return used
    }

    /// A vector of structs that are made of 64-bit numbers; `elements` holds those of all structs in order.
    package mutating func vector(structsOf elements: [Int64], perStruct: Int) -> Int {
        align(8)
        make(room: 8 * elements.count + 256)
        for element in elements.reversed() as ReversedCollection { put(element) }
        put(UInt32(elements.count / max(perStruct, 1)))
        return used
    }

    /// A table with `fields` by slot; absent slots take their defaults.
    package mutating func table(_ slots: Slots) -> Int {
        let end = used
        let slotCount = (slots.fields.map(\.slot).max() ?? -1) + 1
        // Wide values first, so that none needs padding behind another.
        places = Array(repeating: 0, count: slotCount)
        for width in [16, 8, 4, 2, 1] {
            for (slot, value) in slots.fields where value.byteWidth == width {
                put(value)
                places[slot] = used
            }
        }
        // The table starts with the distance to its vtable, which is written right before it unless there is one.
        align(4)
        let table = used + 4
        var vtable = [UInt16(4 + 2 * slotCount), UInt16(table - end)]
        for place in places { vtable.append(place == 0 ? 0 : UInt16(table - place)) }
        if let known = vtables.first(where: { $0.entries == vtable }) {
            put(Int32(known.place - table))
            return table
        }
        put(Int32(2 * vtable.count))
        for entry in vtable.reversed() as ReversedCollection { put(entry) }
        vtables.append((vtable, used))
        return table
    }

    /// The buffer, a multiple of 8 bytes long, whose root is `root`.
    package consuming func finish(root: Int) -> [UInt8] {
        align(8, before: 4)
        put(UInt32(used + 4 - root))
        return Array(storage[(storage.count - used)...])
    }
}
