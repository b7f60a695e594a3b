import Glibc
public import MartletBase
import MartletIO

/// Making files readable again whose writer died.
public enum ParquetRecovery {
    /// Makes the file at `path` end with its last whole footer, and returns what that says.
    ///
    /// - An append that died while it was copied behind the file is completed from its journal.
    /// - A file that was written as recoverable has a footer behind each row group: what follows the last one goes.
    /// - Where nothing has the name `path` yet, the newest file that a writer began to write for it takes it, if that
    ///   writer's process is gone.
    ///
    /// No keys are needed: nil is returned where the footer is encrypted. A recoverable encrypted file has a footer before its
    /// first row group too, by which those are known that belong to it.
    ///
    /// A file that is whole stays as it is. Throws `invalid` when there is no footer, and changes nothing then.
    public static func recover(path: String) throws(MartletError) -> FileMetaData? {
        guard try FileSystem.status(of: path) != nil else {
            let unfinished = try unfinishedFile(for: path)
            let metadata = try truncated(unfinished)
            try FileSystem.rename(unfinished, to: path)
            return metadata
        }
        _ = try AppendingSink.complete(path)
        return try truncated(path)
    }

    private static func truncated(_ path: String) throws(MartletError) -> FileMetaData? {
        let source = try FileSource(path: path)
        // A file may be cut off behind a value that is a Parquet file itself: being there is not enough for a footer.
        guard let (metadata, end) = try lastFooter(source) else {
            throw .invalid(
                "'\(path)' has no whole footer, so that nothing says where its rows are. Files that are written with "
                    + "recoverable=True have one behind each row group")
        }
        if end < source.byteCount { try FileSystem.truncate(path, to: end) }
        return metadata
    }

    private static func unfinishedFile(for path: String) throws(MartletError) -> String {
        let mark = ".martlet-"
        let stem = ".\(String(decoding: Path.name(path).utf8.prefix(200), as: UTF8.self))\(mark)"
        var newest: (path: String, time: Int64)?
        for entry in try FileSystem.list(Path.parent(path)) where entry.status.kind == .file {
            let name = Path.name(entry.path)
            guard name.hasPrefix(stem) else { continue }
            let process = name.dropFirst(stem.count).prefix { $0 != "-" }
            guard let id = Int32(process) else { continue }
            if kill(id, 0) == 0 || errno == EPERM {
                throw .invalid("'\(path)' is being written by process \(id); its file is '\(entry.path)'")
            }
            if entry.status.modificationTime > newest?.time ?? .min {
                newest = (entry.path, entry.status.modificationTime)
            }
        }
        guard let newest else { throw .invalid("there is neither a file '\(path)' nor one that was begun for it") }
        return newest.path
    }

    // MARK: Looking for a footer

    private static let blockByteCount = 1 << 20
    /// Places that look like the end of a footer are tried so often, so that no file costs more than that.
    private static let maximumTries = 1_000

    /// The last footer whose row groups are all there, and where it ends.
    private static func lastFooter(_ source: FileSource) throws(MartletError) -> (FileMetaData?, end: Int)? {
        let start = try StartOfFile(source)
        var tries = 0
        var blockEnd = source.byteCount
        while blockEnd > 12 {
            // Blocks overlap by the 7 bytes that a tail may begin before.
            let blockStart = max(0, blockEnd - blockByteCount)
            let block = try source.read(at: blockStart, count: blockEnd - blockStart)
            let bytes = unsafe block.pointer(to: UInt8.self)
            var place = block.count - 4
            while place >= 4 {
                // Safety: four bytes follow `place`, and four are before it.
                let word = unsafe UnsafeRawPointer(bytes + place).loadUnaligned(as: UInt32.self)
                // "PAR1" or "PARE", as the file begins.
                if word == start.magic {
                    let length = unsafe Int(UnsafeRawPointer(bytes + place - 4).loadUnaligned(as: UInt32.self))
                    let tail = blockStart + place - 4
                    if length > 0, length <= tail - 4 {
                        tries += 1
                        if start.isSealed {
                            if start.isOwn(source, sealed: tail - length, count: length) { return (nil, tail + 8) }
                        } else if let found = footer(source, from: tail - length, count: length, start) {
                            return (found, tail + 8)
                        }
                        if tries == maximumTries { return nil }
                    }
                }
                place -= 1
            }
            if blockStart == 0 { break }
            blockEnd = blockStart + 7
        }
        return nil
    }

    /// The footer in these bytes, if it is one and all that it speaks of lies before it.
    private static func footer(_ source: FileSource, from start: Int, count: Int, _ file: StartOfFile) -> FileMetaData? {
        guard let bytes = try? source.read(at: start, count: count),
            let (metadata, length) = try? FileMetaData.read(from: bytes.bytes),
            let schema = try? ParquetSchema(elements: metadata.schema)
        else { return nil }
        if let algorithm = metadata.encryptionAlgorithm {
            // Behind it is its signature, which only a key can tell.
            guard length == count - AESKey.gcmOverhead,
                file.isOwn(algorithm, isLast: start + count + 8 == source.byteCount)
            else { return nil }
        } else {
            guard length == count, file.unique == nil else { return nil }
        }
        for group in metadata.rowGroups {
            guard group.columns.count == schema.leaves.count else { return nil }
            for column in group.columns {
                // Nothing but a key tells of the pages of encrypted columns.
                if column.isEncrypted {
                    if let chunk = column.metadata, isBeyond(chunk, start) { return nil }
                    continue
                }
                guard let chunk = column.metadata, isWhole(chunk, source, end: start) else { return nil }
            }
        }
        return metadata
    }

    /// How the file begins, and the number of an encrypted one.
    private struct StartOfFile {
        let magic: UInt32
        /// From the footer before the first row group; nil where there is none.
        private(set) var unique: [UInt8]?
        var isSealed: Bool { magic == 0x4552_4150 }

        /// A footer of a hundred thousand columns is not longer.
        private static let longestFooter = 16 << 20

        init(_ source: FileSource) throws(MartletError) {
            let head = try source.read(at: 0, count: min(4, source.byteCount))
            var cursor = ByteCursor(head.bytes)
            let word = cursor.remaining < 4 ? 0 : try cursor.read(UInt32.self)
            magic = word == 0x4552_4150 ? word : 0x3152_4150
            if source.byteCount <= 12 { return }
            let bytes = try source.read(at: 4, count: min(source.byteCount - 4, Self.longestFooter))
            if isSealed {
                guard let (crypto, used) = try? FileCryptoMetaData.read(from: bytes.bytes),
                    let count = Self.moduleByteCount(bytes, at: used),
                    Self.ends(bytes, used + 4 + count, magic)
                else { return }
                unique = crypto.algorithm.aadFileUnique
            } else if let (metadata, used) = try? FileMetaData.read(from: bytes.bytes), metadata.rowGroups.isEmpty,
                Self.ends(bytes, used + AESKey.gcmOverhead, magic)
            {
                unique = metadata.encryptionAlgorithm?.aadFileUnique
            }
        }

        /// Whether a footer of `count` bytes is followed by its length and the magic.
        private static func ends(_ bytes: Buffer, _ count: Int, _ magic: UInt32) -> Bool {
            guard count + 8 <= bytes.count, let tail = try? bytes.slice(at: count, count: 8) else { return false }
            var cursor = ByteCursor(tail.bytes)
            guard let length = try? cursor.read(UInt32.self), let word = try? cursor.read(UInt32.self) else { return false }
            return Int(length) == count && word == magic
        }

        /// The length of the encrypted module that begins at `place`, if it can lie in `bytes`.
        private static func moduleByteCount(_ bytes: Buffer, at place: Int) -> Int? {
            guard place + 4 <= bytes.count, let head = try? bytes.slice(at: place, count: 4) else { return nil }
            var cursor = ByteCursor(head.bytes)
            guard let count = try? cursor.read(UInt32.self), Int(count) <= bytes.count - place - 4 else { return nil }
            return Int(count)
        }

        /// Whether a footer with this number is the file's. The last bytes of a file without number are believed: they are not
        /// cut off.
        func isOwn(_ algorithm: EncryptionAlgorithm, isLast: Bool) -> Bool {
            guard let unique else { return isLast }
            return algorithm.aadFileUnique == unique
        }

        func isOwn(_ source: FileSource, sealed start: Int, count: Int) -> Bool {
            guard let bytes = try? source.read(at: start, count: count),
                let (crypto, used) = try? FileCryptoMetaData.read(from: bytes.bytes),
                Self.moduleByteCount(bytes, at: used) == count - used - 4
            else { return false }
            return isOwn(crypto.algorithm, isLast: start + count + 8 == source.byteCount)
        }
    }

    private static func isBeyond(_ chunk: ColumnMetaData, _ end: Int) -> Bool {
        let (chunkEnd, isTooLarge) = chunk.dataPageOffset.addingReportingOverflow(1)
        return isTooLarge || chunkEnd > end
    }

    /// Whether the chunk's pages follow each other up to its end and hold its values.
    private static func isWhole(_ chunk: ColumnMetaData, _ source: FileSource, end: Int) -> Bool {
        guard let pages = try? PageStream(
                chunk, source: source, cipher: nil, windowByteCount: 0, verifiesChecksums: false),
            let chunkEnd = try? pages.range.lowerBound.adding(checked: Int(chunk.totalCompressedSize)), chunkEnd <= end
        else { return false }
        pages.limit(to: chunkEnd)
        var count: Int64 = 0
        while pages.position < chunkEnd {
            guard let page = try? pages.next() else { return false }
            switch page.header.kind {
            case .data(let header): count += Int64(header.valueCount)
            case .dataV2(let header): count += Int64(header.valueCount)
            case .dictionary, .index, .unrecognized: break
            }
        }
        return count == chunk.valueCount
    }
}
