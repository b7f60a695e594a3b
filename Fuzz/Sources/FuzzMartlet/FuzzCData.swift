import CMartlet
import Glibc
import Martlet

/// The input tells the structures of the C Data interface: a type, and for each level lengths, counts and pointers, some
/// of them wrong. The interface does not say how long buffers are, so all are long, and offsets into bytes end within them.
func fuzzCData(_ input: Buffer) throws(MartletError) {
    var bytes = Bytes(input)
    let maker = Maker()
    defer { maker.freeAll() }
    let schema = maker.schema(&bytes, depth: 0)
    let array = maker.array(&bytes, like: schema.pointee, depth: 0)
    let field = try Field(reading: schema)
    let data = try ArrayData.importing(array, type: field.type)
    look(at: try RecordBatch(schema: Schema([Field("c", data.type)]), columns: [data]))
}

/// Numbers from the input, 0 when it is used up.
private struct Bytes {
    let input: Buffer
    var position = 0

    init(_ input: Buffer) { self.input = input }

    mutating func next() -> Int {
        guard position < input.count else { return 0 }
        defer { position += 1 }
        return Int(input.pointer(to: UInt8.self)[position])
    }

    /// 0 ..< limit, now and then something else.
    mutating func number(below limit: Int) -> Int {
        let byte = next()
        guard byte < 250 else { return [-1, Int.max, Int.min, limit, limit + 1, -limit][byte - 250] }
        return byte % max(limit, 1)
    }
}

private let formats = [
    "n", "b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g", "u", "U", "z", "Z", "vu", "vz", "d:5,2",
    "d:9,2,32",
    "d:60,2,256", "w:3", "w:0", "tdD", "tdm", "tts", "ttn", "tsu:UTC", "tDn", "tiM", "tiD", "tin", "+l", "+L", "+vl",
    "+vL",
    "+w:2", "+s", "+m", "+us:0,1", "+ud:5,7", "+r", "", "w:-1", "d:x", "+w:99999999999", "+ud:300", "q",
]

/// Makes structures, and frees them all in the end.
private final class Maker {
    private static let bufferByteCount = 1 << 17
    private var blocks: [UnsafeMutableRawPointer] = []
    private var texts: [UnsafeMutablePointer<CChar>] = []

    func freeAll() {
        for block in blocks { free(block) }
        for text in texts { free(text) }
    }

    private func take<Value>(_ type: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value> {
        let byteCount = max(count, 1) * MemoryLayout<Value>.stride
        guard let block = calloc(1, byteCount) else { fatalError("no memory") }
        blocks.append(block)
        return block.bindMemory(to: Value.self, capacity: max(count, 1))
    }

    private func text(_ string: String) -> UnsafePointer<CChar>? {
        guard let copy = strdup(string) else { return nil }
        texts.append(copy)
        return UnsafePointer(copy)
    }

    func schema(_ bytes: inout Bytes, depth: Int) -> UnsafeMutablePointer<ArrowSchema> {
        let schema = take(ArrowSchema.self, 1)
        let format = formats[bytes.next() % (depth < 4 ? formats.count : 20)]
        schema.pointee.format = text(format)
        schema.pointee.name = bytes.next() < 250 ? text("x") : nil
        schema.pointee.flags = Int64(bytes.next() & 7)
        var count =
            format.hasPrefix("+")
            ? (format == "+s" ? bytes.next() % 3 : format.hasPrefix("+u") || format == "+r" ? 2 : 1) : 0
        if bytes.next() > 252 { count += 1 }
        schema.pointee.n_children = Int64(count)
        let children = take(UnsafeMutablePointer<ArrowSchema>?.self, count)
        for i in 0..<count { children[i] = self.schema(&bytes, depth: depth + 1) }
        if format == "+m", count > 0, bytes.next() < 240 {
            // A map's child is a struct of two.
            let entries = children[0]!
            entries.pointee.format = text("+s")
            let pair = take(UnsafeMutablePointer<ArrowSchema>?.self, 2)
            for i in 0..<2 { pair[i] = self.schema(&bytes, depth: depth + 2) }
            entries.pointee.n_children = 2
            entries.pointee.children = pair
        }
        schema.pointee.children = children
        if bytes.next() > 230, depth < 4 { schema.pointee.dictionary = self.schema(&bytes, depth: depth + 1) }
        schema.pointee.release = { $0?.pointee.release = nil }
        return schema
    }

    func array(_ bytes: inout Bytes, like schema: ArrowSchema, depth: Int) -> UnsafeMutablePointer<ArrowArray> {
        let array = take(ArrowArray.self, 1)
        let format = schema.format.map { String(cString: $0) } ?? ""
        array.pointee.length = Int64(bytes.number(below: 40))
        array.pointee.offset = Int64(bytes.next() < 128 ? 0 : bytes.number(below: 20))
        array.pointee.null_count = Int64(bytes.number(below: 3) &- 1)
        let variadic = format.hasPrefix("v") ? bytes.next() % 4 : 0
        var count = ["n": 0, "+r": 0, "+s": 1, "+w:2": 1, "+us:0,1": 1, "+ud:5,7": 2, "+vl": 3, "+vL": 3][format] ?? 2
        if "uUzZ".contains(format) && !format.isEmpty && schema.dictionary == nil { count = 3 }
        if format.hasPrefix("v") { count = 3 + variadic }
        if bytes.next() > 250 { count += bytes.next() % 2 == 0 ? 1 : -1 }
        count = max(count, 0)
        array.pointee.n_buffers = Int64(count)
        let buffers = take(UnsafeRawPointer?.self, count)
        let hasOffsets = ["u", "U", "z", "Z", "+l", "+L", "+m"].contains(format)
        for i in 0..<count where bytes.next() < 248 {
            let block = take(UInt8.self, Self.bufferByteCount)
            // Few bytes of the input make up the whole buffer.
            let pattern = (0..<1 + bytes.next() % 24).map { _ in UInt8(bytes.next()) }
            for k in 0..<2048 { block[k] = pattern[k % pattern.count] }
            if hasOffsets && i == 1 { tame(block, isWide: "UZ+L".contains(format), &bytes) }
            if format.hasPrefix("v"), i == count - 1 {
                let lengths = UnsafeMutableRawPointer(block).assumingMemoryBound(to: Int64.self)
                for k in 0..<256 { lengths[k] = Int64(bytes.number(below: 200)) % Int64(Self.bufferByteCount) }
            }
            buffers[i] = UnsafeRawPointer(block)
        }
        array.pointee.buffers = buffers
        let children = Int(schema.n_children)
        array.pointee.n_children = Int64(bytes.next() > 252 ? children + 1 : children)
        let pointers = take(UnsafeMutablePointer<ArrowArray>?.self, children + 1)
        for i in 0..<children {
            guard let child = schema.children?[i] else { continue }
            pointers[i] = self.array(&bytes, like: child.pointee, depth: depth + 1)
        }
        array.pointee.children = pointers
        if let dictionary = schema.dictionary, bytes.next() < 250 {
            array.pointee.dictionary = self.array(&bytes, like: dictionary.pointee, depth: depth + 1)
        }
        array.pointee.release = { $0?.pointee.release = nil }
        return array
    }

    /// Offsets that mostly go upwards, some backwards or below zero, none beyond the buffers.
    private func tame(_ block: UnsafeMutablePointer<UInt8>, isWide: Bool, _ bytes: inout Bytes) {
        let step = bytes.next() % 8
        var last = 0
        for k in 0..<256 {
            let byte = k < 70 ? bytes.next() : 0
            last += byte < 200 ? byte % (step + 1) : byte < 230 ? 0 : byte < 240 ? -3 : 100
            last = min(max(last, -10), Self.bufferByteCount / 2)
            if isWide {
                UnsafeMutableRawPointer(block).storeBytes(of: Int64(last), toByteOffset: k * 8, as: Int64.self)
            } else {
                UnsafeMutableRawPointer(block).storeBytes(of: Int32(last), toByteOffset: k * 4, as: Int32.self)
            }
        }
    }
}
