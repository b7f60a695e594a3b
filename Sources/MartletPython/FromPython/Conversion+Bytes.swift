import CPrefetch
import Glibc
import MartletArrow
import MartletBase

extension Conversion {
    /// Strings and binaries: `str`, `bytes` and whatever shows its bytes.
    func bytes<Offset: OffsetValue>(_ items: Items, _ type: DataType, _: Offset.Type) throws(ItemFailure) -> ArrayData {
        let isText = type == .string || type == .largeString
        let count = items.count
        let none = python.none
        let layout = python.layout
        let hasTypes = layout.hasTypes
        let asciiOffset = layout.asciiOffset
        let strType = python.strType
        // What is no text needs a look before it may join a column of text.
        let bytesType = !isText && layout.hasBytes ? python.bytesType : python.strType
        let utf8 = python.utf8
        let offsetBuilder = try at { () throws(MartletError) in
            try BufferBuilder(uninitializedCount: try (count + 1).multiplied(checked: MemoryLayout<Offset>.stride))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        let offsets = offsetBuilder.pointer(to: Offset.self)
        var data = try at { () throws(MartletError) in try GrowingBytes(capacity: min(count, 1 << 40) * 8) }
        var sawBytes = false
        let largest = Int(clamping: Offset.max)
        var base = items.base
        offsets[0] = 0
        for i in 0..<count {
            if i &+ 16 < count { martlet_prefetch(base[i &+ 16]) }
            let object = base[i] ?? none
            let type = hasTypes ? object.load(fromByteOffset: 8, as: Object.self) : none
            if type == strType {
                let source: UnsafeRawPointer
                var length = 0
                if asciiOffset != 0, ObjectLayout.isASCII(object) {
                    length = object.load(fromByteOffset: 16, as: Int.self)
                    source = UnsafeRawPointer(object + asciiOffset)
                } else if let text = utf8(object, &length) {
                    source = UnsafeRawPointer(text)
                } else {
                    throw ItemFailure(i, python.takeError(), fix: "replace lone surrogates first")
                }
                if !data.appendFast(source, length) { try data.appendGrowing(source, length, itemsDone: i, of: count) }
            } else if type == bytesType {
                let length = object.load(fromByteOffset: 16, as: Int.self)
                if !data.appendFast(object + 32, length) {
                    try data.appendGrowing(object + 32, length, itemsDone: i, of: count)
                }
            } else if object == none {
                validity.setNull(i)
            } else {
                try slowStep(items, i) { () throws(ItemFailure) in
                    let object = items[i]
                    try at { () throws(MartletError) in
                        guard try !isNull(object) else { return validity.setNull(i) }
                        try withBytes(of: object) { (bytes, isStr) throws(MartletError) in
                            if isText && !isStr {
                                if isStrict {
                                    guard isValidUTF8(bytes) else {
                                        throw invalidValue(object, "was not a utf8 string")
                                    }
                                } else {
                                    sawBytes = true
                                }
                            }
                            try data.reserve(bytes.count, itemsDone: i, of: count)
                            _ = data.appendFast(bytes.baseAddress, bytes.count)
                        }
                    }
                }
                base = items.base
            }
            guard data.count <= largest else {
                throw ItemFailure(
                    i, .capacity("array cannot contain more than \(largest) bytes, have \(data.count)"),
                    fix: "give the type large_\(isText ? "string" : "binary"), or split the items")
            }
            offsets[i &+ 1] = Offset(truncatingIfNeeded: data.count)
        }
        var resultType = type
        if sawBytes { resultType = type == .string ? .binary : .largeBinary }
        return ArrayData(
            type: resultType, count: count, validity: validity.buffer, nullCount: validity.nullCount,
            buffers: [offsetBuilder.finish(), data.finish()])
    }

    func fixedBytes(_ items: Items, _ type: DataType, _ width: Int) throws(ItemFailure) -> ArrayData {
        let count = items.count
        let builder = try at { () throws(MartletError) in
            try BufferBuilder(uninitializedCount: try count.multiplied(checked: width))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        let out = builder.address
        for i in 0..<count {
            let object = items[i]
            var isNull = object == python.none
            if !isNull {
                try slowStep(items, i) { () throws(ItemFailure) in
                    try at { () throws(MartletError) in
                        isNull = try self.isNull(object)
                        if isNull { return }
                        try withBytes(of: object) { (bytes, _) throws(MartletError) in
                            guard bytes.count == width else {
                                throw invalidValue(object, "expected to be length \(width) was \(bytes.count)")
                            }
                            if let start = bytes.baseAddress { memcpy(out + i * width, start, width) }
                        }
                    }
                }
            }
            if isNull {
                memset(out + i * width, 0, width)
                validity.setNull(i)
            }
        }
        return ArrayData(
            type: type, count: count, validity: validity.buffer, nullCount: validity.nullCount,
            buffers: [builder.finish()])
    }

    /// The bytes of a `str` (in UTF-8), `bytes`, `bytearray`, `memoryview` or NumPy string, for the time of the call.
    func withBytes(
        of object: Object, _ body: (UnsafeRawBufferPointer, _ isStr: Bool) throws(MartletError) -> Void
    ) throws(MartletError) {
        let type = python.type(of: object)
        var count = 0
        if type == python.strType || python.isKind(type, .str) {
            guard let text = python.utf8(object, &count) else { throw python.takeError() }
            return try body(UnsafeRawBufferPointer(start: text, count: count), true)
        }
        if type == python.bytesType || python.isKind(type, .bytes) {
            var start: UnsafeMutablePointer<CChar>?
            guard python.bytesView(object, &start, &count) == 0, let start else { throw python.takeError() }
            return try body(UnsafeRawBufferPointer(start: start, count: count), false)
        }
        guard python.isSubtype(type, of: python.byteArrayType) || type == python.memoryViewType else {
            throw .type("Expected bytes, got a '\(python.typeName(of: object))' object")
        }
        // A view that is not contiguous is copied together by `bytes`.
        var view = BufferView()
        if python.getBuffer(object, &view, 0) == 0 {
            defer { python.releaseBuffer(&view) }
            return try body(UnsafeRawBufferPointer(start: view.address, count: view.count), false)
        }
        python.clearError()
        let copy = try Owned(try python.call(python.bytesType, object), python)
        try withBytes(of: copy.object, body)
    }
}

/// Bytes that grow by a look at how far the items have come.
struct GrowingBytes: ~Copyable {
    private var builder: BufferBuilder
    private var end: UnsafeMutableRawPointer
    private var room: Int
    private(set) var count = 0

    init(capacity: Int) throws(MartletError) {
        builder = try BufferBuilder(byteCapacity: capacity)
        end = builder.address
        room = builder.capacity
    }

    /// Appends when there is room.
    @inline(__always)
    mutating func appendFast(_ source: UnsafeRawPointer?, _ length: Int) -> Bool {
        guard length <= room else { return false }
        if let source {
            // Short texts, which most are, cost less copied as two overlapping words than by a call.
            if length <= 16 {
                if length >= 8 {
                    let head = source.loadUnaligned(as: UInt64.self)
                    let tail = source.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self)
                    end.storeBytes(of: head, as: UInt64.self)
                    end.storeBytes(of: tail, toByteOffset: length &- 8, as: UInt64.self)
                } else if length >= 4 {
                    let head = source.loadUnaligned(as: UInt32.self)
                    let tail = source.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self)
                    end.storeBytes(of: head, as: UInt32.self)
                    end.storeBytes(of: tail, toByteOffset: length &- 4, as: UInt32.self)
                } else {
                    for k in 0..<length {
                        end.storeBytes(
                            of: source.load(fromByteOffset: k, as: UInt8.self), toByteOffset: k, as: UInt8.self)
                    }
                }
            } else {
                memcpy(end, source, length)
            }
        }
        end += length
        room &-= length
        count &+= length
        return true
    }

    @inline(never)
    mutating func appendGrowing(_ source: UnsafeRawPointer, _ length: Int, itemsDone: Int, of items: Int)
        throws(ItemFailure)
    {
        do throws(MartletError) { try reserve(length, itemsDone: itemsDone, of: items) } catch {
            throw ItemFailure(itemsDone, error)
        }
        _ = appendFast(source, length)
    }

    /// Makes room for `length` more bytes, and for the items still to come at the length of those before.
    mutating func reserve(_ length: Int, itemsDone: Int, of items: Int) throws(MartletError) {
        guard length > room else { return }
        let rest =
            itemsDone > 0 ? Int(min(Double(count) / Double(itemsDone) * Double(items - itemsDone) * 1.05, 1e15)) : 0
        builder.count = count
        try builder.reserve(try length.adding(checked: max(rest, 64)))
        end = builder.address + count
        room = builder.capacity - count
    }

    consuming func finish() -> Buffer {
        builder.count = count
        return builder.finish()
    }
}
