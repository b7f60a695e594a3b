import MartletArrow
import MartletBase

extension Caster {
    /// Lists, maps and structs: what they hold is cast, and where needed what holds it.
    func nested() throws(MartletError) -> ArrayData {
        switch (source.type, target) {
        case (.struct(let from), .struct(let to)): return try structs(from, to)
        case (.fixedSizeList(_, let width), .fixedSizeList(let field, let other)):
            guard width == other else {
                throw .type(
                    "Size of FixedSizeList is not the same. input list: \(source.type) output list: \(target)")
            }
            let items = try inner(source.child(0), to: field.type)
            return ArrayData(
                type: target, count: count, validity: try source.rebasedValidity(),
                nullCount: source.knownNullCount, children: [items])
        case (.fixedSizeList(_, let width), _): return try fixedToLists(width)
        case (_, .fixedSizeList(let field, let width)): return try listsToFixed(field, width)
        case (_, _): return try lists()
        }
    }

    private func structs(_ from: [Field], _ to: [Field]) throws(MartletError) -> ArrayData {
        var children: [ArrayData] = []
        for field in to {
            if let index = from.firstIndex(where: { $0.name == field.name }) {
                let child = source.child(index)
                if !field.isNullable && from[index].isNullable && child.nullCount > 0 {
                    throw .type(
                        "field '\(field.name)' of type \(from[index].type) has nulls, but the target allows none")
                }
                children.append(
                    try adding(fieldName: field.name) { () throws(MartletError) in try inner(child, to: field.type) })
            } else if field.isNullable {
                children.append(try .nulls(field.type, count: count))
            } else {
                throw .type(
                    "struct fields count or names do not match: \(source.type) has no field '\(field.name)', "
                        + "which \(target) demands")
            }
        }
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            children: children)
    }

    /// Errors of a field end with its name, so that they still begin with pyarrow's text.
    private func adding(
        fieldName: String, _ body: () throws(MartletError) -> ArrayData
    ) throws(MartletError) -> ArrayData {
        do throws(MartletError) { return try body() } catch {
            throw MartletError(error.code, error.message + " [field '\(fieldName)']", systemError: error.systemError)
        }
    }

    /// Lists and maps of either width of offsets.
    private func lists() throws(MartletError) -> ArrayData {
        guard let item = target.childFields.first else { throw unsupported() }
        let range = source.offsetRange
        let values = source.children[0].window(range.lowerBound, range.count)
        var items: ArrayData
        if case .map = target, case .struct(let to) = item.type, case .struct(let from) = values.type {
            // Keys and values go by their places, whatever they are called.
            guard from.count == 2, to.count == 2 else { throw unsupported() }
            let children = [try inner(values.child(0), to: to[0].type), try inner(values.child(1), to: to[1].type)]
            if children[0].nullCount > 0 { throw .invalid("Map keys cannot be null: cast from \(source.type)") }
            items = ArrayData(type: item.type, count: values.count, children: children)
        } else if case .map = target {
            throw unsupported()
        } else if case .map = source.type, case .struct(let to) = item.type, to.count == 2 {
            let children = [try inner(values.child(0), to: to[0].type), try inner(values.child(1), to: to[1].type)]
            items = ArrayData(type: item.type, count: values.count, children: children)
        } else {
            items = try inner(values, to: item.type)
        }
        let isWide = source.type.layout.buffers == [.offsets64]
        let toWide = target.layout.buffers == [.offsets64]
        let offsets: Buffer
        switch (isWide, toWide) {
        case (false, false): offsets = try rebased(Int32.self, Int32.self, range)
        case (false, true): offsets = try rebased(Int32.self, Int64.self, range)
        case (true, false): offsets = try rebased(Int64.self, Int32.self, range)
        case (true, true): offsets = try rebased(Int64.self, Int64.self, range)
        }
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: [offsets], children: [items])
    }

    private func rebased<From: OffsetValue, To: OffsetValue>(
        _ from: From.Type, _ to: To.Type, _ range: Range<Int>
    ) throws(MartletError) -> Buffer {
        guard To(exactly: range.count) != nil else {
            throw .invalid("Failed casting from \(source.type) to \(target): input array too large")
        }
        let view = try ListArray<From>(source)
        return try unsafe makeValues(to, count: count + 1) { target in
            for i in 0..<count {
                unsafe target[i] = To(truncatingIfNeeded: view.range(i).lowerBound &- range.lowerBound)
            }
            unsafe target[count] = To(truncatingIfNeeded: range.count)
        }
    }

    private func fixedToLists(_ width: Int) throws(MartletError) -> ArrayData {
        let total = try count.multiplied(checked: width)
        func offsets<To: OffsetValue>(_ type: To.Type) throws(MartletError) -> Buffer {
            guard To(exactly: total) != nil else {
                throw .invalid("Failed casting from \(source.type) to \(target): input array too large")
            }
            return try unsafe makeValues(type, count: count + 1) { target in
                for i in 0...count { unsafe target[i] = To(truncatingIfNeeded: i &* width) }
            }
        }
        guard let item = source.type.childFields.first else { throw unsupported() }
        let isWide = target.layout.buffers == [.offsets64]
        let list = ArrayData(
            type: isWide ? .largeList(item) : .list(item), count: count, validity: try source.rebasedValidity(),
            nullCount: source.knownNullCount, buffers: [isWide ? try offsets(Int64.self) : try offsets(Int32.self)],
            children: [source.child(0)])
        return try Caster(source: list, target: target, options: options, place: place).run()
    }

    private func listsToFixed(_ field: Field, _ width: Int) throws(MartletError) -> ArrayData {
        func items<Offset: OffsetValue>(_ type: Offset.Type) throws(MartletError) -> ArrayData {
            let view = try ListArray<Offset>(source)
            let places = try unsafe makeValues(Int64.self, count: try count.multiplied(checked: width)) {
                target throws(MartletError) in
                for i in 0..<count {
                    let range = view.range(i)
                    let isValid = view.isValid(i)
                    guard !isValid || range.count == width else {
                        throw .invalid(
                            "ListType can only be casted to FixedSizeListType if the lists are all the expected size. "
                                + "\(place.text(i)) has \(range.count) items, not \(width)")
                    }
                    for k in 0..<width {
                        unsafe target[i &* width &+ k] = isValid ? Int64(range.lowerBound &+ k) : -1
                    }
                }
            }
            var present = try BitmapBuilder(capacity: count * width)
            for i in 0..<count { try present.append(repeating: view.isValid(i), count: width) }
            let indices = ArrayData(
                type: .int64, count: count * width, validity: present.finish(), buffers: [places])
            return try take(view.values, indices)
        }
        let taken = source.type.layout.buffers == [.offsets64] ? try items(Int64.self) : try items(Int32.self)
        return ArrayData(
            type: target, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            children: [try inner(taken, to: field.type)])
    }
}
