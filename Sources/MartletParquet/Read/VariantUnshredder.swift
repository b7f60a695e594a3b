import MartletArrow
import MartletBase

/// Puts shredded variants together again (VariantShredding.md, "Reconstructing a Shredded Variant"): what lies in
/// `typed_value` columns becomes part of the binary `value`.
///
/// Where a field is shredded, what `value` says of it does not count. Contradictions that the specification leaves no
/// reading for are errors.
struct VariantUnshredder {
    private let metadata: BytesArray<Int32>
    private let top: ShreddedVariant
    private var dictionary = VariantDictionary()
    /// The value that is being made.
    private var out: [UInt8] = []

    /// - Parameter variants: a struct of `metadata`, `value` and `typed_value` with offsets of 32 bits.
    private init(_ variants: ArrayData) throws(MartletError) {
        guard case .struct(let fields) = variants.type, let place = fields.firstIndex(where: { $0.name == "metadata" })
        else { throw .type("\(variants.type) is no variant") }
        metadata = try BytesArray<Int32>(variants.child(place))
        top = try ShreddedVariant(variants, fields)
    }

    /// The variants as a struct of type `type`: `metadata` and `value`, both binary.
    static func unshredded(_ variants: ArrayData, as type: DataType) throws(MartletError) -> ArrayData {
        var unshredder = try VariantUnshredder(variants)
        let count = variants.count
        let offsets = try BufferBuilder(uninitializedCount: (count + 1) * 4)
        var bytes = try BufferBuilder()
        let ends = unsafe offsets.pointer(to: Int32.self)
        unsafe ends[0] = 0
        for i in 0..<count {
            if variants.isValid(i) {
                do throws(MartletError) { try unshredder.rebuild(i) } catch { throw error.within("row \(i)") }
                let value = unshredder.out.span
                try unsafe bytes.append(value.bytes)
            }
            guard let end = Int32(exactly: bytes.byteCount) else {
                throw .capacity("variants of more than \(Int32.max) bytes in one array: read smaller batches")
            }
            // Safety: there is room for `count + 1` offsets.
            unsafe ends[i + 1] = end
        }
        let values = ArrayData(
            type: .binary, count: count, validity: try variants.usedValidityBitmap?.rebased(),
            nullCount: variants.nullCount, buffers: [offsets.finish(), bytes.finish()])
        return ArrayData(
            type: type, count: count, validity: try variants.usedValidityBitmap?.rebased(),
            nullCount: variants.nullCount, children: [unshredder.metadata.data, values])
    }

    /// Leaves the value of slot `slot` in `out`.
    private mutating func rebuild(_ slot: Int) throws(MartletError) {
        out.removeAll(keepingCapacity: true)
        let metadata = self.metadata
        let header = metadata.bytes(slot)
        try dictionary.read(header)
        // A variant that is nowhere is the variant's own null.
        if try !emit(top, slot) { out.append(0) }
    }

    /// Appends the value of a slot; false when it is missing.
    private mutating func emit(_ node: ShreddedVariant, _ slot: Int) throws(MartletError) -> Bool {
        let value = node.value.flatMap { $0.isValid(slot) ? $0 : nil }
        switch node.typed {
        case .object(let object, let fields) where object.isValid(slot):
            try emitObject(fields, slot, rest: value)
        case .list(let list, let element) where list.isValid(slot):
            guard value == nil else { throw .invalid("Invalid variant, conflicting value and typed_value") }
            try emitList(element, list.range(slot))
        case .primitive(let primitive) where primitive.data.isValid(slot):
            guard value == nil else { throw .invalid("Invalid variant, conflicting value and typed_value") }
            primitive.append(slot, to: &out)
        case .object, .list, .primitive, nil:
            guard let value else { return false }
            let bytes = value.bytes(slot)
            guard bytes.byteCount > 0 else { throw .invalid("Invalid variant, a value of no bytes") }
            out.append(bytes)
        }
        return true
    }

    private mutating func emitList(_ element: ShreddedVariant, _ slots: Range<Int>) throws(MartletError) {
        let start = out.count
        var offsets = [0]
        for slot in slots {
            if try !emit(element, slot) { out.append(0) }
            offsets.append(out.count - start)
        }
        let width = byteWidth(of: out.count - start)
        let isLarge = slots.count > 255
        var head: [UInt8] = [UInt8((isLarge ? 4 : 0) | (width - 1)) << 2 | 3]
        head.append(slots.count, width: isLarge ? 4 : 1)
        for offset in offsets { head.append(offset, width: width) }
        out.insert(contentsOf: head, at: start)
    }

    /// A field of an object that is being made.
    private struct Entry {
        let id: Int
        let start: Int
    }

    private mutating func emitObject(
        _ fields: [ShreddedVariant.Field], _ slot: Int, rest: BytesArray<Int32>?
    ) throws(MartletError) {
        let start = out.count
        var entries: [Entry] = []
        for field in fields {
            let before = out.count
            guard try emit(field.variant, slot) else { continue }
            entries.append(Entry(id: try dictionary.id(of: field.name), start: before - start))
        }
        if let rest {
            let value = rest.bytes(slot)
            let object = try VariantObject(value)
            for i in 0..<object.count {
                let id = object.ids[i]
                let name = try dictionary.name(id)
                if fields.contains(where: { $0.name == name }) { continue }
                entries.append(Entry(id: id, start: out.count - start))
                let part = value.extracting(object.ranges[i])
                out.append(part)
            }
        }
        var names: [Int: [UInt8]] = [:]
        for entry in entries { names[entry.id] = try dictionary.name(entry.id) }
        entries.sort { (names[$0.id] ?? []).lexicographicallyPrecedes(names[$1.id] ?? []) }
        let (isLarge, idWidth) = (entries.count > 255, byteWidth(of: entries.map(\.id).max() ?? 0))
        let width = byteWidth(of: out.count - start)
        var head: [UInt8] = [UInt8((isLarge ? 16 : 0) | (idWidth - 1) << 2 | (width - 1)) << 2 | 2]
        head.append(entries.count, width: isLarge ? 4 : 1)
        for entry in entries { head.append(entry.id, width: idWidth) }
        for entry in entries { head.append(entry.start, width: width) }
        head.append(out.count - start, width: width)
        out.insert(contentsOf: head, at: start)
    }
}

/// Bytes that a number takes, 1 ... 4.
private func byteWidth(of number: Int) -> Int { max(1, (Int.bitWidth - number.leadingZeroBitCount + 7) / 8) }

extension [UInt8] {
    /// A number, lowest byte first.
    fileprivate mutating func append(_ number: Int, width: Int) {
        for k in 0..<width { append(UInt8(truncatingIfNeeded: number >> (k * 8))) }
    }

    fileprivate mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

/// The columns of a variant or of a part of one.
private final class ShreddedVariant {
    struct Field {
        let name: [UInt8]
        let variant: ShreddedVariant
    }
    enum Typed {
        case object(ArrayData, [Field])
        case list(ListArray<Int32>, ShreddedVariant)
        case primitive(VariantPrimitive)
    }

    let value: BytesArray<Int32>?
    let typed: Typed?

    /// Of a struct with the fields `value`, `typed_value` or both.
    init(_ array: ArrayData, _ fields: [MartletArrow.Field]) throws(MartletError) {
        value = try fields.firstIndex { $0.name == "value" }.map { place throws(MartletError) in
            try BytesArray<Int32>(array.child(place))
        }
        guard let place = fields.firstIndex(where: { $0.name == "typed_value" }) else {
            typed = nil
            return
        }
        let column = array.child(place)
        switch column.type {
        case .struct(let parts):
            var found: [Field] = []
            for (i, part) in parts.enumerated() {
                found.append(Field(name: Array(part.name.utf8), variant: try Self.part(column.child(i))))
            }
            typed = .object(column, found)
        case .list:
            let list = try ListArray<Int32>(column)
            typed = .list(list, try Self.part(list.values))
        case _:
            typed = .primitive(try VariantPrimitive(column, fields[place]))
        }
    }

    private static func part(_ array: ArrayData) throws(MartletError) -> ShreddedVariant {
        guard case .struct(let fields) = array.type else {
            throw .invalid("Invalid variant, a shredded field is a group of value and typed_value, not \(array.type)")
        }
        return try ShreddedVariant(array, fields)
    }
}

/// A shredded column of a primitive type (VariantEncoding.md, "Variant primitive types").
private struct VariantPrimitive {
    private enum Form {
        /// Native values, or UUIDs, as they lie in memory behind the byte of the type.
        case fixed(type: UInt8, width: Int)
        case boolean(Bitmap)
        /// The scale and so many of the 16 bytes.
        case decimal(type: UInt8, width: Int, scale: Int)
        case text(BytesArray<Int32>)
        case bytes(BytesArray<Int32>)
    }

    let data: ArrayData
    private let form: Form

    init(_ data: ArrayData, _ field: Field) throws(MartletError) {
        self.data = data
        switch data.type {
        case .boolean: form = .boolean(try BooleanArray(data).values)
        case .int8: form = .fixed(type: 3, width: 1)
        case .int16: form = .fixed(type: 4, width: 2)
        case .int32: form = .fixed(type: 5, width: 4)
        case .int64: form = .fixed(type: 6, width: 8)
        case .float64: form = .fixed(type: 7, width: 8)
        case .decimal128(let precision, let scale):
            let width = precision <= 9 ? 4 : precision <= 18 ? 8 : 16
            form = .decimal(type: precision <= 9 ? 8 : precision <= 18 ? 9 : 10, width: width, scale: scale)
        case .date32: form = .fixed(type: 11, width: 4)
        case .timestamp(.microsecond, let zone): form = .fixed(type: zone == nil ? 13 : 12, width: 8)
        case .float32: form = .fixed(type: 14, width: 4)
        case .binary: form = .bytes(try BytesArray<Int32>(data))
        case .string: form = .text(try BytesArray<Int32>(data))
        case .time64(.microsecond): form = .fixed(type: 17, width: 8)
        case .timestamp(.nanosecond, let zone): form = .fixed(type: zone == nil ? 19 : 18, width: 8)
        case .fixedSizeBinary(byteWidth: 16) where field.metadata[ExtensionType.nameKey] == "arrow.uuid":
            form = .fixed(type: 20, width: 16)
        case let other: throw .notImplemented("Unsupported shredded value type: \(other)")
        }
        if let width = data.type.layout.buffers.first?.byteWidth {
            let end = try data.offset.adding(checked: data.count).multiplied(checked: width)
            guard data.buffers[0].count >= end else { throw .invalid("values buffer of \(data.type) is too short") }
        }
    }

    /// Appends the value of a slot that is not null.
    func append(_ slot: Int, to out: inout [UInt8]) {
        switch form {
        case .fixed(let type, let width):
            out.append(type << 2)
            append(slot, width: width, stride: width, to: &out)
        case .boolean(let values): out.append(values[slot] ? 1 << 2 : 2 << 2)
        case .decimal(let type, let width, let scale):
            out.append(type << 2)
            out.append(UInt8(truncatingIfNeeded: scale))
            append(slot, width: width, stride: 16, to: &out)
        case .text(let values):
            let text = values.bytes(slot)
            if text.byteCount < 64 {
                out.append(UInt8(text.byteCount) << 2 | 1)
            } else {
                out.append(16 << 2)
                out.append(text.byteCount, width: 4)
            }
            out.append(text)
        case .bytes(let values):
            let bytes = values.bytes(slot)
            out.append(15 << 2)
            out.append(bytes.byteCount, width: 4)
            out.append(bytes)
        }
    }

    private func append(_ slot: Int, width: Int, stride: Int, to out: inout [UInt8]) {
        // Safety: `init` checked that the values of all slots are there.
        let start = unsafe data.buffers[0].pointer(to: UInt8.self) + (data.offset + slot) * stride
        unsafe out.append(contentsOf: UnsafeBufferPointer(start: start, count: width))
    }
}

/// The names in the metadata of a variant (VariantEncoding.md, "Metadata encoding"). Rows that follow each other mostly have the
/// same: what was read last is kept.
private struct VariantDictionary {
    private var header: [UInt8] = []
    private var names: [[UInt8]] = []
    private var ids: [[UInt8]: Int] = [:]

    mutating func read(_ bytes: RawSpan) throws(MartletError) {
        let isKnown = unsafe bytes.withUnsafeBytes { unsafe !header.isEmpty && header.elementsEqual($0) }
        if isKnown { return }
        header = []
        names = []
        ids = [:]
        var cursor = ByteCursor(bytes)
        let head = try cursor.readByte()
        guard head & 15 == 1 else { throw .notImplemented("variants of version \(head & 15) are not supported") }
        let width = Int(head >> 6) + 1
        let count = try cursor.readNumber(width)
        guard count < cursor.remaining / width else {
            throw .corrupt("Invalid variant, metadata of \(count) names in \(bytes.byteCount) bytes")
        }
        var offsets: [Int] = []
        for _ in 0...count { offsets.append(try cursor.readNumber(width)) }
        let rest = bytes.extracting(cursor.position..<bytes.byteCount)
        for i in 0..<count {
            guard offsets[i] <= offsets[i + 1], offsets[i + 1] <= rest.byteCount else {
                throw .corrupt("Invalid variant, name \(i) of the metadata lies at \(offsets[i]) ... \(offsets[i + 1])")
            }
            let part = rest.extracting(offsets[i]..<offsets[i + 1])
            let name = unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
            names.append(name)
            if ids[name] == nil { ids[name] = i }
        }
        header = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    func id(of name: [UInt8]) throws(MartletError) -> Int {
        guard let id = ids[name] else {
            throw .corrupt("Invalid variant, the metadata lacks the name '\(String(decoding: name, as: UTF8.self))'")
        }
        return id
    }

    func name(_ id: Int) throws(MartletError) -> [UInt8] {
        guard id < names.count else { throw .corrupt("Invalid variant, name \(id) of \(names.count)") }
        return names[id]
    }
}

/// Where the fields of an encoded object are.
private struct VariantObject {
    var count = 0
    var ids: [Int] = []
    var ranges: [Range<Int>] = []

    init(_ value: RawSpan) throws(MartletError) {
        var cursor = ByteCursor(value)
        let head = try cursor.readByte()
        guard head & 3 == 2 else { throw .invalid("Invalid variant, non-object value with shredded fields") }
        let (width, idWidth) = (Int(head >> 2 & 3) + 1, Int(head >> 4 & 3) + 1)
        count = try cursor.readNumber(head >> 6 & 1 == 1 ? 4 : 1)
        guard count <= cursor.remaining / (width + idWidth) else {
            throw .corrupt("Invalid variant, an object of \(count) fields in \(value.byteCount) bytes")
        }
        for _ in 0..<count { ids.append(try cursor.readNumber(idWidth)) }
        var starts: [Int] = []
        for _ in 0...count { starts.append(try cursor.readNumber(width)) }
        // Values may lie in any order: each ends where the next one starts.
        let sorted = starts.sorted()
        let base = cursor.position
        for start in starts.dropLast() {
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] <= start { low = middle + 1 } else { high = middle }
            }
            guard low < sorted.count, sorted[low] <= value.byteCount - base else {
                throw .corrupt("Invalid variant, a field at byte \(start) of \(value.byteCount - base)")
            }
            ranges.append(base + start..<base + sorted[low])
        }
    }
}

extension ByteCursor {
    /// An unsigned number of 1 to 4 bytes.
    fileprivate mutating func readNumber(_ width: Int) throws(MartletError) -> Int {
        var number = 0
        for k in 0..<width { number |= Int(try readByte()) << (k * 8) }
        return number
    }
}
