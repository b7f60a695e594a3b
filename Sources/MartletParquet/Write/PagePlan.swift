import MartletBase

/// Which part of a leaf goes into one data page.
struct PagePlan: Sendable {
    var firstRow = 0
    var rowCount = 0
    /// Entries of levels; the rows themselves where nothing repeats.
    var firstEntry = 0
    var entryCount = 0
    var slots = SlotSpan()
    /// Values that are not null, counted over the whole leaf.
    var firstValue = 0
    var valueCount = 0

    var nullCount: Int { entryCount &- valueCount }
}

/// Cuts a leaf into pages.
struct PagePlanner {
    let values: LeafValues
    let maximumRows: Int
    let maximumBytes: Int
    /// Bytes of one encoded value; nil where that has to be measured.
    let valueByteCount: Int?
    /// Rows at which pages begin whatever else, in order.
    var starts: [Int] = []

    /// The pages of a leaf whose slots are the rows.
    func flatPages(rowCount: Int) throws(MartletError) -> [PagePlan] {
        var pages: [PagePlan] = []
        var page = PagePlan()
        var row = 0
        var place = SlotSpan()
        var nextStart = 0
        while row < rowCount {
            var count = min(rowCount &- row, maximumRows)
            while nextStart < starts.count, starts[nextStart] <= row { nextStart &+= 1 }
            if nextStart < starts.count { count = min(count, starts[nextStart] &- row) }
            if let width = valueByteCount {
                count = min(count, max(1, maximumBytes / max(width, 1)))
            } else {
                count = try fittingCount(from: place, most: count)
            }
            page.firstRow = row
            page.rowCount = count
            page.firstEntry = row
            page.entryCount = count
            page.slots = SlotSpan(first: place.first, skip: place.skip, count: count)
            page.valueCount = try values.validCount(page.slots)
            pages.append(page)
            page.firstValue &+= page.valueCount
            row &+= count
            advance(&place, by: count)
        }
        return pages
    }

    /// How many slots from `place` on fit a page: at least one.
    private func fittingCount(from place: SlotSpan, most: Int) throws(MartletError) -> Int {
        func fits(_ count: Int) throws(MartletError) -> Bool {
            let span = SlotSpan(first: place.first, skip: place.skip, count: count)
            return try values.byteCount(span) &+ count &* 4 <= maximumBytes
        }
        if try fits(most) { return most }
        var low = 1
        var high = most
        while low &+ 1 < high {
            let middle = low &+ (high &- low) / 2
            if try fits(middle) { low = middle } else { high = middle }
        }
        return low
    }

    private func advance(_ place: inout SlotSpan, by count: Int) {
        var left = place.skip &+ count
        while place.first < values.ranges.count, left >= values.ranges[place.first].count {
            left &-= values.ranges[place.first].count
            place.first &+= 1
        }
        place.skip = left
    }

    /// The pages of a leaf with level arrays. Pages begin where rows do.
    ///
    /// Safety: the level arrays hold `entryCount` levels.
    func nestedPages(
        definition: UnsafePointer<UInt8>, repetition: UnsafePointer<UInt8>?, entryCount: Int,
        maxDefinitionLevel: Int, slotDefinitionLevel: Int, averageByteCount: Int
    ) -> [PagePlan] {
        let most = max(1, maximumBytes / max(valueByteCount ?? (averageByteCount &+ 4), 1))
        let full = UInt8(truncatingIfNeeded: maxDefinitionLevel)
        let slot = UInt8(truncatingIfNeeded: slotDefinitionLevel)
        var pages: [PagePlan] = []
        var page = PagePlan()
        var place = SlotSpan()
        var entry = 0
        var nextStart = 0
        while entry < entryCount {
            let startsRow = unsafe repetition.map { unsafe $0[entry] == 0 } ?? true
            if startsRow {
                let row = page.firstRow &+ page.rowCount
                let isStart = nextStart < starts.count && starts[nextStart] == row
                if isStart { nextStart &+= 1 }
                if page.rowCount == maximumRows || (page.rowCount > 0 && (page.valueCount >= most || isStart)) {
                    pages.append(page)
                    advance(&place, by: page.slots.count)
                    page = PagePlan(
                        firstRow: page.firstRow &+ page.rowCount, firstEntry: entry, slots: place,
                        firstValue: page.firstValue &+ page.valueCount)
                    page.slots.count = 0
                }
                page.rowCount &+= 1
            }
            let level = unsafe definition[entry]
            page.entryCount &+= 1
            page.slots.count &+= level >= slot ? 1 : 0
            page.valueCount &+= level == full ? 1 : 0
            entry &+= 1
        }
        if page.entryCount > 0 { pages.append(page) }
        return pages
    }
}
