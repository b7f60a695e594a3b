import MartletBase

// Equality of layouts in which the same values can lie in many ways: what counts is what the slots say.

extension ArrayData {
    func viewsMatch(_ start: Int, _ other: ArrayData, _ length: Int) -> Bool {
        guard let x = try? BinaryViewArray(self), let y = try? BinaryViewArray(other) else { return false }
        for i in 0..<length {
            guard let a = unsafe x.location(start + i), let b = unsafe y.location(start + i), a.count == b.count else {
                return false
            }
            // Safety: both ranges were found inside their buffers.
            if unsafe !a.elementsEqual(b) { return false }
        }
        return true
    }

    /// Neighbouring lists that lie one behind the other on both sides are compared as one.
    func rangesMatch<Offset: OffsetValue>(
        _ type: Offset.Type, _ start: Int, _ other: ArrayData, _ length: Int
    ) -> Bool {
        guard let x = try? ListViewArray<Offset>(self), let y = try? ListViewArray<Offset>(other) else { return false }
        var (mine, theirs) = (0..<0, 0..<0)
        func agree() -> Bool {
            mine.isEmpty
                || x.values.window(mine.lowerBound, mine.count).isEqual(
                    to: y.values.window(theirs.lowerBound, theirs.count))
        }
        for i in start..<start + length {
            guard let a = x.checkedRange(i), let b = y.checkedRange(i), a.count == b.count else { return false }
            if a.isEmpty { continue }
            if mine.upperBound == a.lowerBound && theirs.upperBound == b.lowerBound && !mine.isEmpty {
                (mine, theirs) = (mine.lowerBound..<a.upperBound, theirs.lowerBound..<b.upperBound)
            } else {
                if !agree() { return false }
                (mine, theirs) = (a, b)
            }
        }
        return agree()
    }

    /// Slots are equal when their type ids and the values behind them are. Neighbours of one type are compared as one.
    func unionsMatch(_ start: Int, _ other: ArrayData, _ length: Int) -> Bool {
        guard let x = try? UnionArray(self), let y = try? UnionArray(other) else { return false }
        var (child, mine, theirs) = (0, 0..<0, 0..<0)
        func agree() -> Bool {
            mine.isEmpty
                || x.children[child].window(mine.lowerBound, mine.count).isEqual(
                    to: y.children[child].window(theirs.lowerBound, theirs.count))
        }
        for i in start..<start + length {
            guard let a = x.place(i), let b = y.place(i), a.child == b.child else { return false }
            if !mine.isEmpty && a.child == child && a.slot == mine.upperBound && b.slot == theirs.upperBound {
                (mine, theirs) = (mine.lowerBound..<a.slot + 1, theirs.lowerBound..<b.slot + 1)
            } else {
                if !agree() { return false }
                (child, mine, theirs) = (a.child, a.slot..<a.slot + 1, b.slot..<b.slot + 1)
            }
        }
        return agree()
    }

    /// Runs may be cut anywhere: the values of the parts that they have in common are compared.
    func runsMatch(_ start: Int, _ other: ArrayData, _ length: Int) -> Bool {
        guard length > 0 else { return true }
        guard let x = try? RunEndArray(window(start, length)), let y = try? RunEndArray(other.window(start, length)),
            var a = x.run(of: 0), var b = y.run(of: 0)
        else { return false }
        let (lastA, lastB) = (x.runRange.upperBound, y.runRange.upperBound)
        while a < lastA && b < lastB {
            if !x.values.window(a, 1).isEqual(to: y.values.window(b, 1)) { return false }
            let (endA, endB) = (x.slots(ofRun: a).upperBound, y.slots(ofRun: b).upperBound)
            if endA >= length && endB >= length { return true }
            if endA <= endB { a += 1 }
            if endB <= endA { b += 1 }
        }
        return false
    }
}
