public import MartletBase

/// The slots of a sparse or dense union, already sliced (Columnar.rst, "Union Layout").
@safe
public struct UnionArray: @unchecked Sendable {
    public let data: ArrayData
    public let count: Int
    public let mode: UnionMode
    public let fields: [Field]
    /// The children: of a sparse union cut to its slots, of a dense one whole.
    public let children: [ArrayData]
    // Safety: `count` type ids, and for dense unions as many starts, in memory that `data` keeps alive.
    private let ids: UnsafePointer<Int8>
    private let starts: UnsafePointer<Int32>?
    /// The child of each type id 0 ... 127; -1 for ids that are not in use.
    private let childOfID: [Int16]

    public init(_ data: ArrayData) throws(MartletError) {
        guard case .union(let mode, let fields, let typeIDs) = data.type.storage else {
            throw .type("array of \(data.type) is not a union")
        }
        let end = try data.offset.adding(checked: data.count)
        guard data.buffers[0].count >= end else {
            throw .invalid("type ids buffer of \(data.type) is too short: \(data.buffers[0].count) bytes for \(end)")
        }
        if mode == .dense {
            guard data.buffers[1].count >= (try end.multiplied(checked: 4)),
                data.buffers[1].isAligned(to: 4) || data.count == 0
            else {
                throw .invalid("offsets buffer of \(data.type) is too short or misaligned: \(data.buffers[1].count) bytes")
            }
        }
        var table = [Int16](repeating: -1, count: 128)
        for (child, id) in typeIDs.enumerated() where id >= 0 { table[Int(id)] = Int16(truncatingIfNeeded: child) }
        self.data = data
        self.mode = mode
        self.fields = fields
        count = data.count
        children = data.children.indices.map { data.child($0) }
        unsafe ids = data.buffers[0].pointer(to: Int8.self) + data.offset
        unsafe starts = mode == .dense ? data.buffers[1].pointer(to: Int32.self) + data.offset : nil
        childOfID = table
    }

    public func typeID(_ index: Int) -> Int8 {
        assert(index >= 0 && index < count)
        return unsafe ids[index]
    }

    /// Which child has the value of slot `index`, and in which of its slots; nil when there is no such child or slot.
    public func place(_ index: Int) -> (child: Int, slot: Int)? {
        let id = typeID(index)
        guard id >= 0 else { return nil }
        let child = Int(childOfID[Int(id)])
        guard child >= 0, child < children.count else { return nil }
        let slot = unsafe starts.map { unsafe Int($0[index]) } ?? index
        return slot >= 0 && slot < children[child].count ? (child, slot) : nil
    }

    /// From the first to the last slot of each child that the slots of this array use; what names no value does not count.
    package var usedRanges: [Range<Int>] {
        var used = [Range<Int>](repeating: 0..<0, count: children.count)
        for i in 0..<count {
            guard let (child, slot) = place(i) else { continue }
            used[child] = used[child].spanning(slot..<slot + 1)
        }
        return used
    }

    /// Slot `index` as an array of one slot, of the type of its child.
    public func value(_ index: Int) throws(MartletError) -> ArrayData {
        guard let (child, slot) = place(index) else {
            throw .invalid("slot \(index) of \(data.type) has type id \(typeID(index)), which names no value")
        }
        return children[child].window(slot, 1)
    }
}
