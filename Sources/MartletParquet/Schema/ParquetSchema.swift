public import MartletBase

/// The tree of a file's schema and its leaves (README.md of the format, "Nested Encoding").
public struct ParquetSchema: Sendable {
    public let root: SchemaNode
    /// The columns that pages hold, depth first.
    public let leaves: [LeafColumn]

    /// The deepest nesting that is accepted from outside; a list takes two levels.
    static let maximumDepth = 192

    /// The tree of the nodes that a footer lists. Throws when counts and nodes do not fit each other.
    public init(elements: [SchemaElement]) throws(MartletError) {
        var builder = TreeBuilder(elements: elements)
        root = try builder.build()
        leaves = builder.leaves
    }

    /// The nodes as a footer lists them.
    public var elements: [SchemaElement] {
        var list: [SchemaElement] = []
        func add(_ node: SchemaNode) {
            list.append(node.element)
            node.children.forEach(add)
        }
        add(root)
        return list
    }
}

/// A node of the schema tree.
public struct SchemaNode: Sendable {
    public let element: SchemaElement
    public let children: [SchemaNode]
    /// The definition level from which on this node is there.
    public let definitionLevel: Int
    /// How many repeated nodes lie between the root and this node, itself included.
    public let repetitionLevel: Int
    /// Positions in `ParquetSchema.leaves` of the leaves below.
    public let leaves: Range<Int>

    public var name: String { element.name }
    public var isLeaf: Bool { element.physicalType != nil }
    /// Levels from this node to the deepest leaf, both included.
    var depth: Int { 1 + (children.map(\.depth).max() ?? 0) }
    /// Required for the root.
    public var repetition: Repetition { element.repetition ?? .required }
}

/// A column of the file: a leaf of the schema tree.
public struct LeafColumn: Sendable, Hashable {
    /// Position in `ParquetSchema.leaves` and in the columns of each row group.
    public let index: Int
    /// Names from the root's child to the leaf.
    public let path: [String]
    public let element: SchemaElement
    public let physicalType: PhysicalType
    /// Bytes of a value of FIXED_LEN_BYTE_ARRAY, 0 for other types.
    public let typeLength: Int
    public let maxDefinitionLevel: Int
    public let maxRepetitionLevel: Int

    /// The path as people write it: `a.list.element`.
    public var dottedPath: String { path.joined(separator: ".") }

    /// Bytes of a value, nil where that differs from value to value and for booleans.
    public var byteWidth: Int? {
        switch physicalType {
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .fixedLengthByteArray: typeLength
        case .boolean, .byteArray: nil
        }
    }
}

private struct TreeBuilder {
    let elements: [SchemaElement]
    var next = 0
    var leaves: [LeafColumn] = []
    var path: [String] = []

    init(elements: [SchemaElement]) { self.elements = elements }

    mutating func build() throws(MartletError) -> SchemaNode {
        guard let first = elements.first else { throw .corrupt("Invalid Parquet schema: it has no root") }
        guard first.physicalType == nil else { throw .corrupt("Invalid Parquet schema: its root is not a group") }
        let root = try node(depth: 0, definitionLevel: 0, repetitionLevel: 0)
        guard next == elements.count else {
            throw .corrupt("Invalid Parquet schema: \(elements.count) nodes are listed, its groups hold \(next)")
        }
        return root
    }

    private mutating func node(depth: Int, definitionLevel: Int, repetitionLevel: Int) throws(MartletError)
        -> SchemaNode
    {
        guard next < elements.count else {
            throw .corrupt("Invalid Parquet schema: groups hold more than the \(elements.count) nodes listed")
        }
        guard depth <= ParquetSchema.maximumDepth else {
            throw .corrupt("Invalid Parquet schema: deeper than \(ParquetSchema.maximumDepth) levels")
        }
        let element = elements[next]
        next += 1
        let isRoot = depth == 0
        if !isRoot {
            guard element.repetition != nil else {
                throw .corrupt("Invalid Parquet schema: node '\(element.name)' has no repetition type")
            }
            path.append(element.name)
        }
        defer { if !isRoot { path.removeLast() } }
        let repetition = isRoot ? .required : element.repetition ?? .required
        let definition = definitionLevel + (repetition == .required ? 0 : 1)
        let repeats = repetitionLevel + (repetition == .repeated ? 1 : 0)
        let firstLeaf = leaves.count
        var children: [SchemaNode] = []
        if let type = element.physicalType {
            try addLeaf(element, type, definition, repeats)
        } else {
            let count = Int(element.childCount ?? 0)
            guard count >= 0, count <= elements.count - next else {
                throw .corrupt(
                    "Invalid Parquet schema: group '\(element.name)' has \(count) children, "
                        + "\(elements.count - next) nodes are left")
            }
            for _ in 0..<count {
                children.append(
                    try node(depth: depth + 1, definitionLevel: definition, repetitionLevel: repeats))
            }
        }
        return SchemaNode(
            element: element, children: children, definitionLevel: definition, repetitionLevel: repeats,
            leaves: firstLeaf..<leaves.count)
    }

    private mutating func addLeaf(
        _ element: SchemaElement, _ type: PhysicalType, _ definitionLevel: Int, _ repetitionLevel: Int
    ) throws(MartletError) {
        if let children = element.childCount, children != 0 {
            throw .corrupt("Invalid Parquet schema: leaf '\(element.name)' has \(children) children")
        }
        var length = 0
        if type == .fixedLengthByteArray {
            length = Int(element.typeLength ?? -1)
            guard length >= 0 else {
                throw .corrupt("Invalid FIXED_LEN_BYTE_ARRAY length of column '\(element.name)': \(length)")
            }
        }
        leaves.append(
            LeafColumn(
                index: leaves.count, path: path, element: element, physicalType: type, typeLength: length,
                maxDefinitionLevel: definitionLevel, maxRepetitionLevel: repetitionLevel))
    }
}
