package import MartletBase

/// A table of a FlatBuffer, read in place (FlatBuffers' internals, "Tables"). Every access is checked against the buffer;
/// nothing is believed that was not looked at.
package struct FlatTable: Sendable {
    private let buffer: Buffer
    private let position: Int
    private let fieldOffsets: Int
    private let fieldCount: Int
    private let budget: FlatBudget

    /// The root table of `buffer`.
    package init(rootOf buffer: Buffer) throws(MartletError) {
        let root = try Int(Self.load(buffer, at: 0, UInt32.self))
        // Parts may be shared: without a budget a few hundred bytes could be read as billions of tables, or one long
        // string be copied for every field.
        try self.init(buffer, at: root, FlatBudget(byteCount: 8 * buffer.count + 64))
    }

    fileprivate init(_ buffer: Buffer, at position: Int, _ budget: FlatBudget) throws(MartletError) {
        try budget.spend(8)
        let back = try Int(Self.load(buffer, at: position, Int32.self))
        let vtable = position - back
        let size = try Int(Self.load(buffer, at: vtable, UInt16.self))
        guard size >= 4, size % 2 == 0, vtable >= 0, vtable <= buffer.count - size else {
            throw .corrupt("FlatBuffer table at byte \(position) has a damaged vtable")
        }
        self.buffer = buffer
        self.position = position
        fieldOffsets = vtable + 4
        fieldCount = (size - 4) / 2
        self.budget = budget
    }

    fileprivate static func load<Value: BitwiseCopyable>(_ buffer: Buffer, at position: Int, _ type: Value.Type)
        throws(MartletError) -> Value
    {
        guard position >= 0, position <= buffer.count - MemoryLayout<Value>.size else {
            throw .corrupt("FlatBuffer is damaged: byte \(position) is outside its \(buffer.count) bytes")
        }
        // Safety: the guard keeps the load inside the buffer.
        return unsafe buffer.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: Value.self)
    }

    /// Where field `slot` lies; nil when it is absent.
    private func place(_ slot: Int) throws(MartletError) -> Int? {
        guard slot < fieldCount else { return nil }
        let offset = try Int(Self.load(buffer, at: fieldOffsets + 2 * slot, UInt16.self))
        return offset == 0 ? nil : position + offset
    }

    /// Where the object that field `slot` refers to lies.
    private func target(_ slot: Int) throws(MartletError) -> Int? {
        guard let place = try place(slot) else { return nil }
        return place + Int(try Self.load(buffer, at: place, UInt32.self))
    }

    package func scalar<Value: BitwiseCopyable>(_ slot: Int, default value: Value) throws(MartletError) -> Value {
        guard let place = try place(slot) else { return value }
        return try Self.load(buffer, at: place, Value.self)
    }

    /// A struct of two 64-bit numbers; nil when it is absent.
    package func pair(_ slot: Int) throws(MartletError) -> (Int64, Int64)? {
        guard let place = try place(slot) else { return nil }
        return (try Self.load(buffer, at: place, Int64.self), try Self.load(buffer, at: place + 8, Int64.self))
    }

    package func flag(_ slot: Int, default value: Bool = false) throws(MartletError) -> Bool {
        try scalar(slot, default: value ? 1 as UInt8 : 0) != 0
    }

    package func table(_ slot: Int) throws(MartletError) -> FlatTable? {
        guard let target = try target(slot) else { return nil }
        return try FlatTable(buffer, at: target, budget)
    }

    package func bytes(_ slot: Int) throws(MartletError) -> [UInt8]? {
        guard let vector = try vector(slot, elementSize: 1) else { return nil }
        return try vector.all(UInt8.self)
    }

    package func string(_ slot: Int) throws(MartletError) -> String? {
        guard let bytes = try bytes(slot) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .corrupt("a string of the metadata is not valid UTF-8")
        }
        return text
    }

    /// The vector of field `slot`, whose elements take `elementSize` bytes each.
    package func vector(_ slot: Int, elementSize: Int) throws(MartletError) -> FlatVector? {
        guard let target = try target(slot) else { return nil }
        let count = Int(try Self.load(buffer, at: target, UInt32.self))
        guard count <= (buffer.count - target - 4) / elementSize else {
            throw .corrupt("FlatBuffer vector at byte \(target) has \(count) elements, more than fit")
        }
        try budget.spend(count * elementSize)
        return FlatVector(buffer: buffer, start: target + 4, count: count, elementSize: elementSize, budget: budget)
    }
}

/// Elements of a FlatBuffer one after the other: scalars, structs, or references to tables.
package struct FlatVector: Sendable {
    fileprivate let buffer: Buffer
    fileprivate let start: Int
    package let count: Int
    fileprivate let elementSize: Int
    fileprivate let budget: FlatBudget

    /// The table that element `index` refers to.
    package func table(_ index: Int) throws(MartletError) -> FlatTable {
        let place = start + index * elementSize
        return try FlatTable(buffer, at: place + Int(try FlatTable.load(buffer, at: place, UInt32.self)), budget)
    }

    /// All elements as the `Value`s that they are made of.
    package func all<Value: BitwiseCopyable>(_ type: Value.Type) throws(MartletError) -> [Value] {
        let part = try buffer.slice(at: start, count: count * elementSize)
        let width = MemoryLayout<Value>.size
        var values: [Value] = []
        values.reserveCapacity(part.count / width)
        for i in 0..<part.count / width {
            // Safety: value `i` lies inside the slice.
            values.append(unsafe part.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i * width, as: Value.self))
        }
        return values
    }

    /// The `Value` at `offset` bytes into element `index`.
    package func load<Value: BitwiseCopyable>(_ type: Value.Type, at index: Int, offset: Int = 0)
        throws(MartletError) -> Value
    {
        try FlatTable.load(buffer, at: start + index * elementSize + offset, Value.self)
    }
}

/// What reading a buffer may still cost, in bytes looked at.
private final class FlatBudget: @unchecked Sendable {
    // Safety: a FlatBuffer is read by one thread.
    private var left: Int
    init(byteCount: Int) { left = byteCount }
    func spend(_ byteCount: Int) throws(MartletError) {
        guard left >= byteCount else { throw .corrupt("FlatBuffer unfolds to far more than its own size") }
        left -= byteCount
    }
}
