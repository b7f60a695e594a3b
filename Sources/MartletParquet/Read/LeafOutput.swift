import MartletArrow
import MartletBase

/// What one leaf gave for a range of rows: slots in Arrow's order, with the levels when someone above needs them.
@safe
final class LeafOutput {
    let plan: LeafPlan
    /// Slots so far; for repeated leaves only after `placeSlots`.
    var slots = 0
    var validity: SlotValidity
    let keepsLevels: Bool
    /// A byte for each level, when kept.
    var definitions: BufferBuilder
    var repetitions: BufferBuilder
    /// Values of fixed width: memory of this output, unless there is a window.
    private var fixed: BufferBuilder
    private let window: UnsafeMutableRawPointer?
    var bytes: BytesValues
    /// What indices point into.
    var dictionary: BytesDictionary?
    /// Values without gaps in the memory of a repeated leaf.
    var denseCount = 0

    /// - Parameters:
    ///   - rows: the slots to come; nil for repeated leaves.
    ///   - window: where the values go, with room for `rows`; nil lets the output have its own memory.
    init(_ plan: LeafPlan, rows: Int?, window: UnsafeMutableRawPointer? = nil, keepsLevels: Bool) throws(MartletError) {
        self.plan = plan
        unsafe self.window = window
        self.keepsLevels = keepsLevels
        validity = SlotValidity(capacity: rows ?? 0)
        let width = unsafe window == nil ? plan.fixedWidth ?? 0 : 0
        let fixed = try BufferBuilder(byteCapacity: try (rows ?? 0).multiplied(checked: width))
        var bytes = try BytesValues(capacity: plan.fixedWidth == nil ? rows ?? 0 : 0)
        if case .bytes(let limit) = plan.family { bytes.limit = limit }
        let definitions = try BufferBuilder(byteCapacity: keepsLevels ? rows ?? 0 : 0)
        let repetitions = try BufferBuilder()
        self.fixed = fixed
        self.bytes = bytes
        self.definitions = definitions
        self.repetitions = repetitions
    }

    /// Room for as much as is expected to come, so that it need not be moved while it grows.
    func reserve(slots: Int, byteCount: Int) throws(MartletError) {
        if keepsLevels {
            try definitions.reserve(slots)
            try repetitions.reserve(slots)
        }
        if plan.fixedWidth == nil {
            try bytes.lengths.reserve(try slots.multiplied(checked: 4))
            try bytes.bytes.reserve(min(byteCount, bytes.limit).adding(checked: BytesValues.slack))
        } else if unsafe window == nil {
            try fixed.reserve(try slots.multiplied(checked: plan.fixedWidth ?? 0))
        }
    }

    /// Room for `count` values of fixed width from slot `slot` on.
    func fixedRoom(at slot: Int, _ count: Int) throws(MartletError) -> UnsafeMutableRawPointer {
        let width = plan.fixedWidth ?? 0
        if let window = unsafe window { return unsafe window + slot * width }
        let missing = try (slot + count).multiplied(checked: width) - fixed.byteCount
        if missing > 0 { _ = try unsafe fixed.extend(by: missing) }
        return unsafe fixed.address + slot * width
    }

    /// Takes the memory of values of fixed width, which is this output's own.
    func takeFixed() throws(MartletError) -> Buffer {
        var taken = try BufferBuilder()
        swap(&taken, &fixed)
        return taken.finish()
    }

    /// Takes the byte strings.
    func takeBytes() throws(MartletError) -> BytesValues {
        var taken = try BytesValues(capacity: 0)
        swap(&taken, &bytes)
        return taken
    }

    /// Takes the validity: nil without nulls.
    func takeValidity() -> (Buffer?, nullCount: Int) {
        var taken = SlotValidity(capacity: 0)
        swap(&taken, &validity)
        let nulls = taken.nullCount
        return (taken.finish(), nulls)
    }
}
