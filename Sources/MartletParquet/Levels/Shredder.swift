import Glibc
import MartletArrow
import MartletBase

/// Takes a nested column apart into the levels of one of its leaves (README.md of the format, "Nested Encoding").
///
/// Works down the path in runs: a run of slots that share their fate is written at once.
@safe
struct Shredder: ~Copyable {
    /// A node of the path with its memory resolved for one chunk.
    @safe
    private struct Node {
        @unsafe enum Shape {
            case group
            case offsets32(UnsafePointer<Int32>)
            case offsets64(UnsafePointer<Int64>)
            case fixed(Int)
            case leaf
        }
        var shape: Shape
        var isNullable: Bool
        var validity: ValidityWindow?
        /// Slots of the child below a list, for clamping offsets.
        var childCount: Int
        /// The null type: no slot is valid, and there is no bitmap to say so.
        var isAllNull = false
    }

    var slots: LeafSlots
    private let path: LeafPath
    private var nodes: [Node] = []
    private var chunk = 0
    private var hasForbiddenNull = false

    init(_ path: LeafPath, maxDefinitionLevel: Int, maxRepetitionLevel: Int) throws(MartletError) {
        self.path = path
        var leafIsNullable = false
        if case .leaf(let isNullable)? = path.steps.last { leafIsNullable = isNullable }
        slots = try LeafSlots(
            maxDefinitionLevel: maxDefinitionLevel, slotDefinitionLevel: maxDefinitionLevel - (leafIsNullable ? 1 : 0),
            isFlat: path.isFlat, repeats: maxRepetitionLevel > 0)
    }

    consuming func finish() -> LeafSlots { slots }

    /// Appends the rows of one chunk. Throws when a node that may not be null is.
    mutating func append(_ column: ArrayData, chunk index: Int) throws(MartletError) {
        chunk = index
        if path.isFlat {
            if case .leaf(false) = path.steps[0], column.nullCount > 0 { throw Self.forbiddenNull }
            slots.addSlots(chunk: index, start: 0, count: column.count)
            slots.entryCount += column.count
            return
        }
        nodes = []
        var array = column
        for step in path.steps {
            var node: Node
            switch step {
            case .group(let child, let isNullable):
                node = unsafe Node(shape: .group, isNullable: isNullable, childCount: 0)
                node.validity = array.usedValidityBitmap.map { ValidityWindow($0) }
                nodes.append(node)
                array = array.child(child)
                continue
            case .list(let isNullable):
                // Safety: the views check that the offsets of all slots are there.
                if array.type.layout.buffers.first == .offsets64 {
                    let list = try ListArray<Int64>(array)
                    node = unsafe Node(
                        shape: .offsets64(list.offsets), isNullable: isNullable, childCount: list.values.count)
                } else {
                    let list = try ListArray<Int32>(array)
                    node = unsafe Node(
                        shape: .offsets32(list.offsets), isNullable: isNullable, childCount: list.values.count)
                }
            case .fixedSizeList(let count, let isNullable):
                node = unsafe Node(shape: .fixed(count), isNullable: isNullable, childCount: 0)
            case .leaf(let isNullable):
                node = unsafe Node(shape: .leaf, isNullable: isNullable, childCount: 0)
                node.isAllNull = array.type == .null
            }
            node.validity = array.usedValidityBitmap.map { ValidityWindow($0) }
            nodes.append(node)
            if case .leaf = step { break }
            array = array.child(0)
        }
        try withExtendedLifetime(column) { () throws(MartletError) in
            try emit(0, start: 0, count: column.count, first: 0, definition: 0, repetition: 0)
        }
        if hasForbiddenNull { throw Self.forbiddenNull }
    }

    private static var forbiddenNull: MartletError { .invalid("declared non-nullable contains nulls") }

    /// `count` entries that end here, all at the same definition level. The first has repetition level `first`, the
    /// others `repetition`.
    private mutating func end(count: Int, first: UInt8, definition: UInt8, repetition: UInt8) throws(MartletError) {
        if count == 0 { return }
        if let target = unsafe try slots.definition?.extend(by: count) { unsafe memset(target, Int32(definition), count) }
        if let target = unsafe try slots.repetition?.extend(by: count) {
            unsafe memset(target, Int32(repetition), count)
            unsafe target.storeBytes(of: first, as: UInt8.self)
        }
        slots.entryCount += count
    }

    /// The slots `start ..< start + count` of node `index`.
    private mutating func emit(
        _ index: Int, start: Int, count: Int, first: UInt8, definition: UInt8, repetition: UInt8
    ) throws(MartletError) {
        if count == 0 { return }
        let node = nodes[index]
        switch unsafe node.shape {
        case .leaf:
            try emitLeaf(node, start: start, count: count, first: first, definition: definition, repetition: repetition)
        case .group:
            guard let validity = node.validity, node.isNullable else {
                if let validity = node.validity, validity.validCount(from: start, count: count) < count {
                    hasForbiddenNull = true
                }
                return try emit(
                    index + 1, start: start, count: count, first: first,
                    definition: definition &+ (node.isNullable ? 1 : 0), repetition: repetition)
            }
            var position = 0
            while position < count {
                let isValid = validity.isValid(start &+ position)
                var next = position &+ 1
                while next < count, validity.isValid(start &+ next) == isValid { next &+= 1 }
                let head = position == 0 ? first : repetition
                if isValid {
                    try emit(
                        index + 1, start: start &+ position, count: next &- position, first: head,
                        definition: definition &+ 1, repetition: repetition)
                } else {
                    try end(count: next &- position, first: head, definition: definition, repetition: repetition)
                }
                position = next
            }
        case .offsets32, .offsets64, .fixed:
            try emitLists(
                index, node, start: start, count: count, first: first, definition: definition, repetition: repetition)
        }
    }

    private mutating func emitLists(
        _ index: Int, _ node: Node, start: Int, count: Int, first: UInt8, definition: UInt8, repetition: UInt8
    ) throws(MartletError) {
        let empty = definition &+ (node.isNullable ? 1 : 0)
        for i in 0..<count {
            let slot = start &+ i
            let head = i == 0 ? first : repetition
            if let validity = node.validity, !validity.isValid(slot) {
                if !node.isNullable { hasForbiddenNull = true }
                try end(count: 1, first: head, definition: definition, repetition: repetition)
                continue
            }
            var from: Int
            var length: Int
            switch unsafe node.shape {
            case .offsets32(let offsets):
                from = unsafe Int(offsets[slot])
                length = unsafe Int(offsets[slot &+ 1]) &- from
            case .offsets64(let offsets):
                from = unsafe Int(offsets[slot])
                length = unsafe Int(offsets[slot &+ 1]) &- from
            case .fixed(let width):
                from = slot &* width
                length = width
            case .group, .leaf: (from, length) = (0, 0)
            }
            if case .fixed = unsafe node.shape {
            } else if from < 0 || length < 0 || from > node.childCount &- length {
                (from, length) = (0, 0)
            }
            if length == 0 {
                try end(count: 1, first: head, definition: empty, repetition: repetition)
            } else {
                try emit(
                    index + 1, start: from, count: length, first: head, definition: empty &+ 1,
                    repetition: repetition &+ 1)
            }
        }
    }

    private mutating func emitLeaf(
        _ node: Node, start: Int, count: Int, first: UInt8, definition: UInt8, repetition: UInt8
    ) throws(MartletError) {
        let present = definition &+ (node.isNullable ? 1 : 0)
        let before = slots.definition?.byteCount ?? 0
        try end(count: count, first: first, definition: node.isAllNull ? definition : present, repetition: repetition)
        slots.addSlots(chunk: chunk, start: start, count: count)
        if node.isAllNull && !node.isNullable { hasForbiddenNull = true }
        guard let validity = node.validity else { return }
        guard node.isNullable else {
            if validity.validCount(from: start, count: count) < count { hasForbiddenNull = true }
            return
        }
        guard let levels = unsafe slots.definition?.pointer(to: UInt8.self) else { return }
        // Safety: `end` made room for `count` levels from `before` on.
        for i in 0..<count where !validity.isValid(start &+ i) { unsafe levels[before &+ i] = definition }
    }
}
