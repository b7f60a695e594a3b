import MartletArrow
import MartletBase

/// The way from a column of a batch down to one of its leaves.
struct LeafPath: Sendable {
    /// One node of the way; all but the last lead to one child.
    enum Step: Sendable {
        case group(child: Int, isNullable: Bool)
        case list(isNullable: Bool)
        case fixedSizeList(count: Int, isNullable: Bool)
        case leaf(isNullable: Bool)
    }

    /// Position of the column in the batch.
    let column: Int
    let steps: [Step]
    /// What the leaf holds; dictionaries are not looked through.
    let type: DataType

    /// Whether slots of the leaf are the rows themselves.
    var isFlat: Bool { steps.count == 1 }

    /// The leaves of all fields, depth first, as `ParquetSchema` lists them. Lengths, counts and depths were checked
    /// when that schema was made.
    static func leaves(of schema: Schema) -> [LeafPath] {
        var paths: [LeafPath] = []
        for (column, field) in schema.fields.enumerated() { add(field, [], column, &paths) }
        return paths
    }

    private static func add(_ field: Field, _ above: [Step], _ column: Int, _ paths: inout [LeafPath]) {
        let isNullable = field.isNullable
        switch field.type {
        case .struct(let children):
            for (i, child) in children.enumerated() {
                add(child, above + [.group(child: i, isNullable: isNullable)], column, &paths)
            }
        case .list(let item), .largeList(let item): add(item, above + [.list(isNullable: isNullable)], column, &paths)
        case .fixedSizeList(let item, let count):
            add(item, above + [.fixedSizeList(count: count, isNullable: isNullable)], column, &paths)
        case .map(let entries, _):
            // Entries are never null, and neither are keys, whatever their fields say.
            let list = above + [.list(isNullable: isNullable)]
            for (i, child) in entries.type.childFields.enumerated() {
                var part = child
                if i == 0 { part.isNullable = false }
                add(part, list + [.group(child: i, isNullable: false)], column, &paths)
            }
        case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64, .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .date64, .time32,
            .time64, .timestamp, .duration, .decimal128, .dictionary, .stringView, .binaryView, .interval, .decimal32,
            .decimal64, .decimal256, .listView, .largeListView, .union, .runEndEncoded, .extension:
            // The writer has written views and runs out; the schema refuses what Parquet cannot hold.
            paths.append(LeafPath(column: column, steps: above + [.leaf(isNullable: isNullable)], type: field.type))
        }
    }

    /// The leaf's array inside `column`, whose slots the shredder counts in.
    func leafArray(of column: ArrayData) -> ArrayData {
        var array = column
        for step in steps {
            switch step {
            case .group(let child, _): array = array.child(child)
            case .list, .fixedSizeList: array = array.child(0)
            case .leaf: break
            }
        }
        return array
    }
}
