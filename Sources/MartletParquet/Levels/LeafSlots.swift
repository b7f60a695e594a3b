import MartletBase

/// Consecutive slots of a leaf's array in one of a column's chunks.
struct SlotRange: Sendable {
    var chunk: Int
    var start: Int
    var count: Int
}

/// The levels of one leaf over the rows of a row group, and the slots of its arrays that they speak of.
///
/// A flat leaf has no level arrays: its definition levels are its validity.
@safe
struct LeafSlots: ~Copyable {
    /// One byte for each entry, nil for flat leaves.
    var definition: BufferBuilder?
    /// Nil when nothing repeats.
    var repetition: BufferBuilder?
    /// The slots that entries speak of, in order: an entry whose definition level reaches `slotDefinitionLevel` has one.
    var ranges: [SlotRange] = []
    var entryCount = 0
    let maxDefinitionLevel: Int
    let slotDefinitionLevel: Int

    init(maxDefinitionLevel: Int, slotDefinitionLevel: Int, isFlat: Bool, repeats: Bool) throws(MartletError) {
        self.maxDefinitionLevel = maxDefinitionLevel
        self.slotDefinitionLevel = slotDefinitionLevel
        definition = isFlat ? nil : try BufferBuilder()
        repetition = repeats ? try BufferBuilder() : nil
    }

    @inline(__always)
    mutating func addSlots(chunk: Int, start: Int, count: Int) {
        if count == 0 { return }
        let last = ranges.count &- 1
        if last >= 0, ranges[last].chunk == chunk, ranges[last].start &+ ranges[last].count == start {
            ranges[last].count &+= count
        } else {
            ranges.append(SlotRange(chunk: chunk, start: start, count: count))
        }
    }
}
