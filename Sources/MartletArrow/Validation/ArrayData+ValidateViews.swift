import MartletBase

// Layouts in which slots say where their values lie.

extension ArrayData {
    /// What makes a run-end encoded array safe to look into: ends for all values, up to the last slot at least.
    func validateRunsReach() throws(MartletError) {
        let (ends, values) = (children[0], children[1])
        guard ends.nullCount == 0 else { throw .invalid("Null count must be 0 for run ends array, but is \(ends.nullCount)") }
        guard ends.count <= values.count else {
            throw .invalid("Length of run_ends is greater than the length of values: \(ends.count) > \(values.count)")
        }
        try ends.validateLevel()
        let end = try offset.adding(checked: count)
        guard end > 0 else { return }
        guard ends.count > 0 else {
            throw .invalid("Run-end encoded array has non-zero length \(count), but run ends array has zero length")
        }
        let last = try RunEndArray(self).end(ofRun: ends.count - 1)
        guard last >= end else {
            throw .invalid("Last run end is \(last) but it should match \(end) (offset: \(offset), length: \(count))")
        }
    }

    func validateRuns() throws(MartletError) {
        let runs = try RunEndArray(self)
        var last = 0
        for run in 0..<children[0].count {
            let end = runs.end(ofRun: run)
            guard end >= 1 else { throw .invalid("All run ends must be greater than 0 but run end \(run) is \(end)") }
            guard end > last else {
                throw .invalid("Every run end must be strictly greater than the previous run end, but run_ends[\(run)] is "
                    + "\(end) and run_ends[\(run - 1)] is \(last)")
            }
            last = end
        }
    }

    func validateListViews<Offset: OffsetValue>(_ kind: Offset.Type) throws(MartletError) {
        let lists = try ListViewArray<Offset>(self)
        for i in 0..<count where lists.isValid(i) && lists.checkedRange(i) == nil {
            // Safety: the typed view checked that there is a start and a size for each slot.
            throw unsafe .invalid("Offset invariant failure: slot \(i) of \(type) starts at \(lists.starts[i]) with size "
                + "\(lists.sizes[i]), but there are \(lists.values.count) values")
        }
    }

    func validateUnion() throws(MartletError) {
        let union = try UnionArray(self)
        guard case .union(_, _, let ids) = type.storage else { return }
        // The starts of a dense union's slots increase within each child.
        var last = [Int](repeating: -1, count: children.count)
        for i in 0..<count {
            guard let place = union.place(i) else {
                let id = union.typeID(i)
                guard ids.contains(id) else { throw .invalid("Union value at position \(i) has invalid type id \(id)") }
                throw .invalid("Union value at position \(i) has an offset outside of the child of type id \(id)")
            }
            guard place.slot >= last[place.child] else {
                throw .invalid("Union value at position \(i) has non-monotonic offset \(place.slot)")
            }
            if union.mode == .dense { last[place.child] = place.slot }
        }
    }

    /// Lengths, padding, prefixes, buffers and, for text, UTF-8.
    func validateViews() throws(MartletError) {
        let array = try BinaryViewArray(self)
        let isText = type.storage == .stringView
        for i in 0..<count where array.isValid(i) {
            // Safety: the typed view checked that there are `count` views.
            let view = unsafe array.views + i * BinaryViewArray.viewWidth
            let length = Int(unsafe view.load(as: Int32.self))
            guard length >= 0 else { throw .invalid("View at slot \(i) has negative size \(length)") }
            guard let bytes = unsafe array.location(i) else {
                let target = Int(unsafe view.load(fromByteOffset: 8, as: Int32.self))
                let start = Int(unsafe view.load(fromByteOffset: 12, as: Int32.self))
                guard target >= 0, unsafe target < array.targets.count else {
                    throw unsafe .invalid("View at slot \(i) references buffer \(target) but there are only "
                        + "\(array.targets.count) data buffers")
                }
                throw unsafe .invalid("View at slot \(i) references range \(start)-\(start + length) of buffer \(target) but "
                    + "that buffer is only \(array.targets[target].count) bytes long")
            }
            if length <= BinaryViewArray.inlineCapacity {
                for k in length..<BinaryViewArray.inlineCapacity where unsafe view.load(fromByteOffset: 4 + k, as: UInt8.self) != 0 {
                    throw .invalid("View at slot \(i) was inline with size \(length) but its padding bytes are not zero")
                }
            } else {
                for k in 0..<4 where unsafe view.load(fromByteOffset: 4 + k, as: UInt8.self) != bytes[k] {
                    throw .invalid("View at slot \(i) has inlined prefix that does not match its bytes")
                }
            }
            guard unsafe !isText || isValidUTF8(bytes) else { throw .invalid("Invalid UTF8 sequence at string index \(i)") }
        }
    }

    func validateDigits() throws(MartletError) {
        guard let (precision, _) = type.storage.decimalDigits else { return }
        func check<Value: NativeValue & SignedInteger>(_ kind: Value.Type) throws(MartletError) {
            let values = try PrimitiveArray<Value>(self)
            let limit = powerOfTen(precision)
            for i in 0..<count where values.isValid(i) {
                let value = Int128(truncatingIfNeeded: values[i])
                guard value < limit, value > -limit else {
                    throw .invalid("Decimal value \(value) in slot \(i) does not fit in precision of \(type)")
                }
            }
        }
        switch type.nativeKind {
        case .int32: try check(Int32.self)
        case .int64: try check(Int64.self)
        case .int128: try check(Int128.self)
        case _:
            let values = try FixedBytesArray(self)
            for i in 0..<count where values.isValid(i) {
                let text = MartletArrow.text(ofDecimal256: values.bytes(i), scale: 0)
                guard text.utf8.count - (text.hasPrefix("-") ? 1 : 0) <= precision else {
                    throw .invalid("Decimal value \(text) in slot \(i) does not fit in precision of \(type)")
                }
            }
        }
    }
}
