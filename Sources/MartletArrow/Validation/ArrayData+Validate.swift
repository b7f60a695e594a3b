public import MartletBase

extension ArrayData {
    /// Checks that the array is what its type says (Columnar format, "Physical memory layout").
    ///
    /// Without `full` O(1) per buffer: counts, sizes, alignment, the ends of offsets, children's lengths. With `full` O(n) as
    /// well: every offset, dictionary index, UTF-8 string, decimal and null count. The error names the child and slot.
    public func validate(full: Bool = false) throws(MartletError) {
        try validateTree(full: full, depth: 1)
    }

    private func validateTree(full: Bool, depth: Int) throws(MartletError) {
        guard depth <= DataType.maximumDepth else {
            throw .invalid("arrays are nested deeper than \(DataType.maximumDepth) levels")
        }
        try validateLevel()
        if case .extension(let type) = type { _ = try CanonicalExtension(type) }
        if full { try validateValues() }
        for (field, child) in zip(type.childFields, children) {
            try adding(context: "In child array \(field.name)") { () throws(MartletError) in
                try child.validateTree(full: full, depth: depth + 1)
            }
        }
        if let dictionary {
            try adding(context: "In dictionary") { () throws(MartletError) in
                try dictionary.validateTree(full: full, depth: depth + 1)
            }
        }
    }

    /// The O(1) checks of this array itself, children's lengths included.
    func validateLevel() throws(MartletError) {
        let layout = type.layout
        guard count >= 0, offset >= 0 else { throw .invalid("Array length \(count) or offset \(offset) is negative") }
        let end = try offset.adding(checked: count)
        guard layout.hasVariadicBuffers ? buffers.count >= 1 : buffers.count == layout.buffers.count else {
            throw .invalid("Expected \(layout.buffers.count) buffers in array of type \(type), got \(buffers.count)")
        }
        if let validity, validity.count < (try end.adding(checked: 7)) / 8 {
            throw .invalid("validity buffer of \(type) is too short: \(validity.count) bytes for \(end) slots")
        }
        for (i, role) in layout.buffers.enumerated() {
            let needed: Int
            switch role {
            case .values, .fixedBytes, .views, .typeIds, .starts32, .starts64, .sizes32, .sizes64:
                needed = try end.multiplied(checked: role.byteWidth!)
            case .bits: needed = try end.adding(checked: 7) / 8
            case .offsets32, .offsets64:
                needed = count == 0 ? 0 : try end.adding(checked: 1).multiplied(checked: role.byteWidth!)
            case .bytes: needed = 0
            }
            guard buffers[i].count >= needed else {
                throw .invalid("Buffer #\(i) too small in array of type \(type) and length \(count): expected at least "
                    + "\(needed) byte(s), got \(buffers[i].count)")
            }
            guard buffers[i].isAligned(to: role.alignment) || buffers[i].isEmpty else {
                throw .invalid("Buffer #\(i) of array of type \(type) is not aligned to \(role.alignment) bytes")
            }
        }
        let fields = type.childFields
        guard children.count == fields.count else {
            throw .invalid("Expected \(fields.count) child arrays in array of type \(type), got \(children.count)")
        }
        for (field, child) in zip(fields, children) where !child.type.holdsSameValues(as: field.type) {
            throw .invalid("child \(field.name) of \(type) holds \(child.type)")
        }
        switch layout.children {
        case .none: break
        case .parallel:
            for (field, child) in zip(fields, children) where child.count < end {
                throw .invalid("Struct child array \(field.name) has length smaller than expected for struct array "
                    + "(\(child.count) < \(end))")
            }
        case .fixed(let width):
            guard children[0].count >= (try end.multiplied(checked: width)) else {
                throw .invalid("Values length \(children[0].count) is less than the length \(end) multiplied by the list size \(width)")
            }
        case .offsets, .ranges, .picked: break
        case .runs: try validateRunsReach()
        }
        if let first = layout.buffers.first, first == .offsets32 || first == .offsets64 {
            let reach = layout.children == .offsets ? children[0].count : buffers[1].count
            if first == .offsets32 {
                let _: UnsafePointer<Int32> = try unsafe checkedOffsets(self, end: reach)
            } else {
                let _: UnsafePointer<Int64> = try unsafe checkedOffsets(self, end: reach)
            }
        }
        if case .dictionary(let index, let value, _) = type.storage {
            guard index.isInteger else { throw .invalid("dictionary indices are \(index), not integers") }
            guard let dictionary, dictionary.type.holdsSameValues(as: value) else {
                throw .invalid("array of type \(type) has no dictionary of that type")
            }
        }
    }

    /// The O(n) checks of this array itself.
    private func validateValues() throws(MartletError) {
        if let validityBitmap, let known = knownNullCount, count - validityBitmap.trueCount != known {
            throw .invalid("null_count value (\(known)) doesn't match actual number of nulls in array (\(count - validityBitmap.trueCount))")
        }
        switch type.layout.buffers.first {
        case .offsets32: try validateOffsets(Int32.self)
        case .offsets64: try validateOffsets(Int64.self)
        case .starts32: try validateListViews(Int32.self)
        case .starts64: try validateListViews(Int64.self)
        case .views: try validateViews()
        case .typeIds: try validateUnion()
        case .values, .fixedBytes, .bits, .bytes, .sizes32, .sizes64, nil: break
        }
        if type.layout.children == .runs { try validateRuns() }
        let storage = type.storage
        if case .string = storage { try validateText(Int32.self) }
        if case .largeString = storage { try validateText(Int64.self) }
        if case .dictionary = storage, let dictionary {
            for i in 0..<count where isValid(i) {
                let index = dictionaryIndex(i) ?? -1
                guard index >= 0, index < dictionary.count else {
                    throw .index("Dictionary index \(index) in slot \(i) is out of bounds for \(dictionary.count) values")
                }
            }
        }
        if storage.decimalDigits != nil { try validateDigits() }
    }

    private func validateOffsets<Offset: OffsetValue>(_ kind: Offset.Type) throws(MartletError) {
        if count == 0 { return }
        let reach = type.layout.children == .offsets ? children[0].count : buffers[1].count
        let offsets: UnsafePointer<Offset> = try unsafe checkedOffsets(self, end: reach)
        // Safety: `checkedOffsets` vouches for `count + 1` offsets.
        for i in 0..<count where unsafe offsets[i] > offsets[i + 1] {
            throw unsafe .invalid("Offset invariant failure: non-monotonic offset at slot \(i + 1): \(offsets[i + 1]) < \(offsets[i])")
        }
    }

    private func validateText<Offset: OffsetValue>(_ kind: Offset.Type) throws(MartletError) {
        let texts = try BytesArray<Offset>(self)
        for i in 0..<count where texts.isValid(i) {
            let isValid = unsafe texts.bytes(i).withUnsafeBytes { unsafe isValidUTF8($0) }
            guard isValid else { throw .invalid("Invalid UTF8 sequence at string index \(i)") }
        }
    }
}

/// 10 to the power of `exponent` (0 ... 38).
package func powerOfTen(_ exponent: Int) -> Int128 {
    var result: Int128 = 1
    for _ in 0..<max(0, min(exponent, 38)) { result *= 10 }
    return result
}

/// Whether the bytes are well-formed UTF-8 (The Unicode Standard, table 3-7). Eight ASCII bytes at a time.
package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var i = 0
    let count = bytes.count
    while i < count {
        if i + 8 <= count, unsafe bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
            i += 8
            continue
        }
        let first = unsafe bytes[i]
        if first < 0x80 {
            i += 1
            continue
        }
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED: (length, high) = (3, 0x9F)
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, high) = (4, 0x8F)
        default: return false
        }
        guard i + length <= count, unsafe bytes[i + 1] >= low, unsafe bytes[i + 1] <= high else { return false }
        for k in 2..<max(length, 2) where unsafe bytes[i + k] & 0xC0 != 0x80 { return false }
        i += length
    }
    return true
}
