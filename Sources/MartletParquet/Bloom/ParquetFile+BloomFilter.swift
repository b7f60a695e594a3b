public import MartletArrow
public import MartletBase
import MartletCodecs
import MartletIO

extension ParquetFile {
    /// The Bloom filter of a column chunk; nil when there is none, or none that is known here. Reads it from the file.
    ///
    /// Throws `corrupt` when it does not lie in the file.
    public func bloomFilter(rowGroup: Int, leaf: Int) throws(MartletError) -> BloomFilter? {
        let group = try checkedRowGroups([rowGroup])[0]
        guard metadata.rowGroups[group].columns.indices.contains(leaf),
            let chunk = metadata.rowGroups[group].columns[leaf].metadata, let start = chunk.bloomFilterOffset
        else { return nil }
        let size = source.byteCount
        func broken(_ detail: String) -> MartletError {
            .corrupt(
                "Bloom filter of column '\(parquetSchema.leaves[leaf].dottedPath)' in row group \(group): \(detail)")
        }
        guard start > 0, start < size else { throw broken("byte \(start) is not in the file of \(size) bytes") }
        let offset = Int(start)
        // Older writers do not say how long header and bits are together.
        let known = chunk.bloomFilterLength.flatMap { $0 > 0 && Int($0) <= size - offset ? Int($0) : nil }
        let first = try source.read(at: offset, count: known ?? min(64, size - offset))
        if metadata.rowGroups[group].columns[leaf].isEncrypted {
            guard let cipher = try? cipher(rowGroup: group, leaf: leaf) else { return nil }
            return try sealedBloomFilter(cipher, at: offset, known.map { offset + $0 } ?? size)
        }
        let (header, headerCount) = try BloomFilterHeader.read(from: first.bytes)
        guard header.isSupported else { return nil }
        let count = Int(header.byteCount)
        guard count <= size - offset - headerCount else {
            throw broken("\(count) bytes are more than the file has left")
        }
        let bits =
            headerCount + count <= first.count
            ? try first.slice(at: headerCount, count: count) : try source.read(at: offset + headerCount, count: count)
        do throws(MartletError) { return try BloomFilter(bits: bits) } catch { throw broken(error.message) }
    }

    /// A filter whose header and bits are encrypted modules, somewhere between two bytes of the file.
    private func sealedBloomFilter(_ cipher: ModuleCipher, at start: Int, _ end: Int) throws(MartletError)
        -> BloomFilter?
    {
        func module(_ type: ModuleType, at offset: Int) throws(MartletError) -> (Buffer, byteCount: Int) {
            guard end - offset >= AESKey.lengthByteCount else { throw ModuleCipher.wrong(type) }
            let head = try source.read(at: offset, count: AESKey.lengthByteCount)
            var cursor = ByteCursor(head.bytes)
            let length = Int(try cursor.read(UInt32.self))
            guard length <= end - offset - AESKey.lengthByteCount else { throw ModuleCipher.wrong(type) }
            return try cipher.open(type, try source.read(at: offset, count: AESKey.lengthByteCount + length))
        }
        let (text, headerCount) = try module(.bloomFilterHeader, at: start)
        let (header, _) = try BloomFilterHeader.read(from: text.bytes)
        guard header.isSupported else { return nil }
        let (bits, _) = try module(.bloomFilterBitset, at: start + headerCount)
        guard bits.count == Int(header.byteCount) else { throw ModuleCipher.wrong(.bloomFilterBitset) }
        return try BloomFilter(bits: bits)
    }

    /// The hashes under which a Bloom filter of the leaf may know `value`, which is one slot; nil when that cannot be told.
    ///
    /// A number is hashed as the file stores it. Both zeros are equal, and stored differently; no NaN is equal to another.
    /// - Parameter distinguishesZeros: whether the zero with the other sign is another value.
    public func bloomHashes(of value: ArrayData, leaf: Int, distinguishesZeros: Bool) throws(MartletError) -> [UInt64]?
    {
        let column = parquetSchema.leaves[leaf]
        let type = try leafType(leaf)
        // Decimals of any length have more than one form, INT96 and booleans no filter.
        guard value.count == 1, value.isValid(0), value.type == type, column.physicalType != .boolean,
            column.physicalType != .int96
        else { return nil }
        if column.physicalType == .byteArray, case .decimal = column.meaning { return nil }
        let conversion = try LeafConversion(type, column, allowsTruncatedTimestamps: false)
        let (form, order) = LeafStorage.form(of: conversion.target, column)
        // A value that cannot be stored exactly is not there, but pruning leaves that to the bounds.
        guard let stored = try? conversion.convert(value), let chunk = try? LeafChunk(stored, form: form) else {
            return nil
        }
        let values = LeafValues(form: form, chunks: [chunk], ranges: [SlotRange(chunk: 0, start: 0, count: 1)])
        if order == .float || order == .float16 {
            guard let number = realValue(stored, column.physicalType), !number.isNaN else { return nil }
            if number == 0, !distinguishesZeros { return zeroHashes(column.physicalType) }
        }
        var hashes: [UInt64] = []
        try values.forEachHash(SlotSpan(first: 0, skip: 0, count: 1)) { hashes.append($0) }
        return hashes.count == 1 ? hashes : nil
    }

    private func realValue(_ stored: ArrayData, _ type: PhysicalType) -> Double? {
        let slot = stored.offset
        // Safety: `LeafChunk` checked that the buffer holds the slot.
        switch type {
        case .float: return unsafe Double(stored.buffers[0].pointer(to: Float.self)[slot])
        case .double: return unsafe stored.buffers[0].pointer(to: Double.self)[slot]
        case .fixedLengthByteArray: return unsafe Double(stored.buffers[0].pointer(to: Float16.self)[slot])
        case .boolean, .int32, .int64, .int96, .byteArray: return nil
        }
    }

    private func zeroHashes(_ type: PhysicalType) -> [UInt64]? {
        switch type {
        case .float: [Checksums.xxh64(of: 0 as UInt32), Checksums.xxh64(of: 1 << 31 as UInt32)]
        case .double: [Checksums.xxh64(of: 0 as UInt64), Checksums.xxh64(of: 1 << 63 as UInt64)]
        case .boolean, .int32, .int64, .int96, .byteArray, .fixedLengthByteArray: nil
        }
    }
}
