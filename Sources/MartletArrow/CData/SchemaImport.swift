public import CMartlet
import Glibc
public import MartletBase

extension Field {
    /// Takes over `schema` and reads what it says (CDataInterface.rst, "The ArrowSchema structure"). The structure is
    /// released, also when this throws.
    @unsafe
    public init(importing schema: UnsafeMutablePointer<ArrowSchema>) throws(MartletError) {
        defer { unsafe schema.pointee.release?(schema) }
        try unsafe self.init(reading: schema, depth: 1)
    }

    /// Reads a structure that stays the caller's.
    @unsafe
    public init(reading schema: UnsafePointer<ArrowSchema>, depth: Int = 1) throws(MartletError) {
        let raw = unsafe schema.pointee
        guard unsafe raw.release != nil else { throw .invalid("Cannot import released ArrowSchema") }
        guard depth <= DataType.maximumDepth else {
            throw .invalid("Recursion level in ArrowSchema struct exceeded: more than \(DataType.maximumDepth)")
        }
        guard let format = unsafe raw.format else { throw .invalid("ArrowSchema has no format string") }
        let childCount = try Int(size: unsafe raw.n_children, "ArrowSchema.n_children")
        var children: [Field] = []
        if childCount > 0 {
            guard let pointers = unsafe raw.children else { throw .invalid("ArrowSchema.children is NULL") }
            for i in 0..<childCount {
                guard let child = unsafe pointers[i] else { throw .invalid("child \(i) of ArrowSchema is NULL") }
                children.append(try unsafe Field(reading: child, depth: depth + 1))
            }
        }
        let flags = unsafe raw.flags
        var type = try DataType(
            formatString: unsafe String(cString: format), children: children,
            keysSorted: flags & Int64(ARROW_FLAG_MAP_KEYS_SORTED) != 0)
        if let dictionary = unsafe raw.dictionary {
            guard type.isInteger else { throw .invalid("ArrowSchema dictionary index type is \(type), not an integer") }
            let values = try unsafe Field(reading: dictionary, depth: depth + 1)
            type = .dictionary(
                index: type, value: values.type, isOrdered: flags & Int64(ARROW_FLAG_DICTIONARY_ORDERED) != 0)
        }
        let name = unsafe raw.name.map { unsafe String(cString: $0) } ?? ""
        let metadata = try unsafe raw.metadata.map { pointer throws(MartletError) in
            try unsafe Metadata(encoded: pointer)
        }
        let plain = Field(
            name, type, isNullable: flags & Int64(ARROW_FLAG_NULLABLE) != 0, metadata: metadata ?? Metadata())
        self = plain.withExtensionFromMetadata
    }
}

extension Metadata {
    /// Reads the interface's encoding: a count, then length-prefixed keys and values, as native 32-bit integers.
    fileprivate init(encoded start: UnsafePointer<CChar>) throws(MartletError) {
        var position = unsafe UnsafeRawPointer(start)
        func readCount() throws(MartletError) -> Int {
            let value = unsafe position.loadUnaligned(as: Int32.self)
            unsafe position += 4
            guard value >= 0 else { throw .invalid("negative length \(value) in ArrowSchema.metadata") }
            return Int(value)
        }
        func readBytes() throws(MartletError) -> [UInt8] {
            let count = try readCount()
            let bytes = unsafe Array(UnsafeRawBufferPointer(start: position, count: count))
            unsafe position += count
            return bytes
        }
        var pairs: [Pair] = []
        for _ in 0..<(try readCount()) {
            let key = try readBytes()
            pairs.append(Pair(key: key, value: try readBytes()))
        }
        self.init(pairs)
    }
}
