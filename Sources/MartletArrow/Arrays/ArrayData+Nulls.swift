public import MartletBase

extension ArrayData {
    /// An array of no slots.
    public static func empty(_ type: DataType) throws(MartletError) -> ArrayData { try nulls(type, count: 0) }

    /// An array of `count` nulls. Those of a union are nulls of its first child; those of runs are one run.
    public static func nulls(_ type: DataType, count: Int) throws(MartletError) -> ArrayData {
        let layout = type.layout
        var buffers: [Buffer] = []
        for role in layout.buffers {
            switch role {
            case .bits: buffers.append(try Buffer(zeroed: (count + 7) / 8))
            case .bytes: buffers.append(.empty)
            case .offsets32, .offsets64:
                buffers.append(try Buffer(zeroed: try count.adding(checked: 1).multiplied(checked: role.byteWidth!)))
            case .typeIds: buffers.append(try typeIDs(type, count: count))
            case .values, .fixedBytes, .views, .starts32, .starts64, .sizes32, .sizes64:
                buffers.append(try Buffer(zeroed: try count.multiplied(checked: role.byteWidth!)))
            }
        }
        var children: [ArrayData] = []
        for (i, field) in type.childFields.enumerated() {
            let length: Int
            switch layout.children {
            case .parallel: length = count
            case .fixed(let width): length = try count.multiplied(checked: width)
            case .picked: length = i == 0 ? min(count, 1) : 0
            case .runs where i == 0:
                children.append(try runEnd(field.type, count: count))
                continue
            case .runs: length = min(count, 1)
            case .none, .offsets, .ranges: length = 0
            }
            children.append(try nulls(field.type, count: length))
        }
        var dictionary: ArrayData?
        if case .dictionary(_, let value, _) = type.storage { dictionary = try .empty(value) }
        return ArrayData(
            type: type, count: count,
            validity: layout.hasValidity && count > 0 ? try Buffer(zeroed: (count + 7) / 8) : nil, nullCount: count,
            buffers: buffers, children: children, dictionary: dictionary)
    }

    private static func typeIDs(_ type: DataType, count: Int) throws(MartletError) -> Buffer {
        guard case .union(_, _, let ids) = type.storage, count > 0 else { return .empty }
        guard let first = ids.first else { throw .invalid("\(type) has no children and so no nulls") }
        let builder = try BufferBuilder(uninitializedCount: count)
        // Safety: the builder has `count` bytes.
        unsafe builder.pointer(to: Int8.self).update(repeating: first, count: count)
        return builder.finish()
    }

    private static func runEnd(_ type: DataType, count: Int) throws(MartletError) -> ArrayData {
        guard count > 0 else { return try .nulls(type, count: 0) }
        return try ArrayData.runEnds([count], type)
    }

    /// The ends of runs as an array of `type`: int16, int32 or int64.
    package static func runEnds(_ ends: [Int], _ type: DataType) throws(MartletError) -> ArrayData {
        func array<End: FixedWidthInteger & NativeValue>(_ kind: End.Type) throws(MartletError) -> ArrayData {
            guard let last = ends.last else { return ArrayData(type: type, count: 0, buffers: [.empty]) }
            guard End(exactly: last) != nil else {
                throw .capacity("run end \(last) does not fit \(type); use run ends of int64")
            }
            return ArrayData(
                type: type, count: ends.count, nullCount: 0, buffers: [try Buffer(ends.map { End(truncatingIfNeeded: $0) })])
        }
        switch type {
        case .int16: return try array(Int16.self)
        case .int32: return try array(Int32.self)
        case .int64: return try array(Int64.self)
        case _: throw .type("run ends are int16, int32 or int64, not \(type)")
        }
    }
}
