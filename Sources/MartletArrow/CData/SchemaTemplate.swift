package import CMartlet
import Glibc
package import MartletBase

/// A field as the C Data interface tells it, made once: exports copy it, imports are held against it.
///
/// The structures of one export lie in one block, the texts in the template, which all exports share.
@safe package final class SchemaTemplate: Sendable {
    package let field: Field
    private struct Node {
        var format = 0
        var name = 0
        /// Where the encoded metadata begins in the texts, -1 for none.
        var metadata = -1
        var flags: Int64 = 0
        /// The nodes of the children; the first node is the root.
        var children: [Int] = []
        var dictionary: Int?
    }
    private let nodes: [Node]
    private let pointerCount: Int
    // Safety: written by `init`, freed by `deinit`, only read between.
    private nonisolated(unsafe) let texts: UnsafeMutableRawPointer

    package init(_ field: Field) throws(MartletError) {
        var nodes: [Node] = []
        var bytes: [UInt8] = []
        try Self.add(field, to: &nodes, &bytes, depth: 1)
        self.field = field
        self.nodes = nodes
        pointerCount = nodes.reduce(0) { $0 + $1.children.count }
        unsafe texts = .allocate(byteCount: bytes.count, alignment: 8)
        unsafe bytes.withUnsafeBytes { unsafe texts.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    }

    deinit { unsafe texts.deallocate() }

    @discardableResult
    private static func add(
        _ field: Field, to nodes: inout [Node], _ bytes: inout [UInt8], depth: Int
    ) throws(MartletError) -> Int {
        guard depth <= DataType.maximumDepth else {
            throw .invalid("Recursion level in ArrowSchema struct exceeded: more than \(DataType.maximumDepth)")
        }
        if case .extension = field.type {
            return try add(field.withExtensionAsMetadata, to: &nodes, &bytes, depth: depth)
        }
        let place = nodes.count
        var node = Node()
        node.flags = field.isNullable ? Int64(ARROW_FLAG_NULLABLE) : 0
        if case .map(_, keysSorted: true) = field.type { node.flags |= Int64(ARROW_FLAG_MAP_KEYS_SORTED) }
        node.format = bytes.count
        bytes += Array(field.type.formatString.utf8) + [0]
        node.name = bytes.count
        // A C text ends at its first zero.
        bytes += Array(field.name.utf8.prefix { $0 != 0 }) + [0]
        if !field.metadata.isEmpty {
            node.metadata = bytes.count
            field.metadata.encode(to: &bytes)
        }
        nodes.append(node)
        for child in field.type.childFields {
            nodes[place].children.append(try add(child, to: &nodes, &bytes, depth: depth + 1))
        }
        if case .dictionary(_, let value, let isOrdered) = field.type {
            if isOrdered { nodes[place].flags |= Int64(ARROW_FLAG_DICTIONARY_ORDERED) }
            nodes[place].dictionary = try add(Field("", value), to: &nodes, &bytes, depth: depth + 1)
        }
        return place
    }

    /// Fills `out`; its `release` frees everything (CDataInterface.rst, "The ArrowSchema structure").
    @unsafe
    package func export(to out: UnsafeMutablePointer<ArrowSchema>) {
        let block = SchemaBlock(self, structures: nodes.count - 1, pointers: pointerCount)
        func structure(_ node: Int) -> UnsafeMutablePointer<ArrowSchema> {
            unsafe node == 0 ? out : block.structures + (node - 1)
        }
        var pointers = unsafe block.pointers
        for (i, node) in nodes.enumerated() {
            for (k, child) in node.children.enumerated() { unsafe pointers[k] = structure(child) }
            unsafe structure(i).initialize(
                to: ArrowSchema(
                    format: text(node.format), name: text(node.name),
                    metadata: node.metadata < 0 ? nil : text(node.metadata), flags: node.flags,
                    n_children: Int64(node.children.count), children: node.children.isEmpty ? nil : pointers,
                    dictionary: node.dictionary.map { unsafe structure($0) },
                    release: { schema in if let schema = unsafe schema { unsafe releaseSchema(schema) } },
                    // Each structure keeps the block, so that a consumer may move children out.
                    private_data: Unmanaged.passRetained(block).toOpaque()))
            unsafe pointers += node.children.count
        }
    }

    private func text(_ place: Int) -> UnsafePointer<CChar> {
        unsafe UnsafePointer((texts + place).assumingMemoryBound(to: CChar.self))
    }

    /// Whether a structure tells this field. The name of the whole does not count, nor whether it may be null.
    @unsafe
    package func isTold(by schema: UnsafePointer<ArrowSchema>) -> Bool { unsafe isSame(0, schema) }

    private func isSame(_ place: Int, _ schema: UnsafePointer<ArrowSchema>) -> Bool {
        let node = nodes[place]
        let raw = unsafe schema.pointee
        let flags = unsafe place == 0 ? (raw.flags ^ node.flags) & ~Int64(ARROW_FLAG_NULLABLE) : raw.flags ^ node.flags
        guard flags == 0, unsafe raw.release != nil, let format = unsafe raw.format,
            unsafe raw.n_children == Int64(node.children.count), unsafe strcmp(format, text(node.format)) == 0
        else { return false }
        if place > 0 {
            if let name = unsafe raw.name {
                guard unsafe strcmp(name, text(node.name)) == 0 else { return false }
            } else {
                guard unsafe text(node.name)[0] == 0 else { return false }
            }
        }
        if let metadata = unsafe raw.metadata {
            guard node.metadata >= 0, unsafe isSame(metadata: metadata, text(node.metadata)) else { return false }
        } else if node.metadata >= 0 {
            return false
        }
        for (k, child) in node.children.enumerated() {
            guard let theirs = unsafe raw.children?[k], unsafe isSame(child, theirs) else { return false }
        }
        guard let dictionary = node.dictionary else { return unsafe raw.dictionary == nil }
        guard let theirs = unsafe raw.dictionary else { return false }
        return unsafe isSame(dictionary, theirs)
    }

    /// Both are read as long as they are the same, so neither is read beyond its end.
    private func isSame(metadata a: UnsafePointer<CChar>, _ b: UnsafePointer<CChar>) -> Bool {
        var (a, b) = unsafe (UnsafeRawPointer(a), UnsafeRawPointer(b))
        let count = unsafe b.loadUnaligned(as: Int32.self)
        guard unsafe a.loadUnaligned(as: Int32.self) == count else { return false }
        for _ in 0..<2 * Int(count) {
            unsafe a += 4
            unsafe b += 4
            let size = unsafe b.loadUnaligned(as: Int32.self)
            guard unsafe a.loadUnaligned(as: Int32.self) == size, unsafe memcmp(a + 4, b + 4, Int(size)) == 0 else {
                return false
            }
            unsafe a += Int(size)
            unsafe b += Int(size)
        }
        return true
    }
}

/// The structures of one export, but for the root, which lies where the consumer wants it.
@safe private final class SchemaBlock {
    private let template: SchemaTemplate
    let structures: UnsafeMutablePointer<ArrowSchema>
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>

    init(_ template: SchemaTemplate, structures count: Int, pointers pointerCount: Int) {
        self.template = template
        unsafe structures = .allocate(capacity: count)
        unsafe pointers = .allocate(capacity: pointerCount)
    }

    deinit {
        unsafe structures.deallocate()
        unsafe pointers.deallocate()
    }
}

/// Releases a structure and what it still has of others; children that a consumer has moved out are skipped.
private func releaseSchema(_ schema: UnsafeMutablePointer<ArrowSchema>) {
    if let children = unsafe schema.pointee.children {
        for i in 0..<Int(unsafe schema.pointee.n_children) {
            if let child = unsafe children[i] { unsafe child.pointee.release?(child) }
        }
    }
    if let dictionary = unsafe schema.pointee.dictionary { unsafe dictionary.pointee.release?(dictionary) }
    unsafe schema.pointee.release = nil
    if let block = unsafe schema.pointee.private_data { unsafe Unmanaged<SchemaBlock>.fromOpaque(block).release() }
}

extension Metadata {
    /// The interface's encoding: a count, then keys and values behind their lengths, as native 32-bit integers.
    fileprivate func encode(to bytes: inout [UInt8]) {
        func append(_ count: Int) {
            unsafe withUnsafeBytes(of: Int32(clamping: count)) { unsafe bytes.append(contentsOf: $0) }
        }
        append(pairs.count)
        for pair in pairs {
            append(pair.key.count)
            bytes += pair.key
            append(pair.value.count)
            bytes += pair.value
        }
    }
}
