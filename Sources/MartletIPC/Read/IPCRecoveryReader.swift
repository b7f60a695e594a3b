public import MartletArrow
public import MartletBase
public import MartletIO

/// Saves what is whole of a file or a stream that is not: a file without footer, an end that was cut off, a damaged
/// message in the middle.
///
/// Messages are read from front to back. What cannot be read is noted in `losses` and left out. Every batch is validated
/// in full, because files that were not written to the end may have holes of zeros. When a part is lost that may have
/// held dictionaries, those before it count no more.
public final class IPCRecoveryReader: RecordBatchReader {
    /// A part that could not be saved.
    public struct Loss: Sendable {
        public let position: Int
        public let byteCount: Int
        public let reason: String
    }

    public let schema: Schema
    public private(set) var losses: [Loss] = []

    private let source: any ByteSource
    private let plan: SchemaPlan
    private var dictionaries: DictionaryStore
    private var position = 0
    private var isAtEnd = false
    private let isMarked: Bool

    /// Throws `invalid` when not even the schema can be read.
    public init(_ source: any ByteSource, options: IPCReadOptions = IPCReadOptions()) throws(MartletError) {
        self.source = source
        do throws(MartletError) {
            let start = try Self.start(source)
            guard let found = try Self.message(source, at: start) else {
                throw .invalid("Tried reading schema message, was null or length 0")
            }
            try found.message.expect(SchemaFormat.Header.schema)
            plan = try SchemaPlan(SchemaDecoder.schema(found.message.header), options: options)
            position = found.bodyStart
            isMarked = found.isMarked
        } catch {
            throw error.placed("nothing can be recovered from '\(source.name)'")
        }
        schema = plan.schema
        dictionaries = DictionaryStore(plan)
    }

    /// The next batch that is whole; nil at the end.
    public func next() throws(MartletError) -> RecordBatch? {
        while !isAtEnd {
            let start = position
            let found: Found
            do throws(MartletError) {
                guard let next = try Self.message(source, at: start), next.isMarked || !isMarked else {
                    // An end mark, or nothing. A hole of zeros is no end mark of a stream that marks its messages.
                    isAtEnd = start >= source.byteCount || !isMarked
                    if isAtEnd { continue }
                    isAtEnd = try isEndMark(start)
                    if !isAtEnd { try skip(from: start, "no message begins here") }
                    continue
                }
                found = next
            } catch {
                try skip(from: start, error.message)
                continue
            }
            position = found.bodyEnd
            do throws(MartletError) {
                if let batch = try read(found) { return batch }
            } catch {
                losses.append(Loss(position: start, byteCount: position - start, reason: error.message))
                if found.message.headerType != SchemaFormat.Header.recordBatch { dictionaries = DictionaryStore(plan) }
            }
        }
        return nil
    }

    /// A batch, or nil for a dictionary.
    private func read(_ found: Found) throws(MartletError) -> RecordBatch? {
        let source = self.source
        let start = found.bodyStart
        let body: BodyBytes = { offset, count throws(MartletError) in try source.read(at: start + offset, count: count) }
        guard found.message.headerType != SchemaFormat.Header.dictionaryBatch else {
            let dictionary = try DictionaryBatch(found.message)
            guard let values = try dictionary.values(plan, body: body) else { return nil }
            _ = try dictionaries.update(dictionary.id, values, isDelta: dictionary.isDelta)
            return nil
        }
        try found.message.expect(SchemaFormat.Header.recordBatch)
        let header = try BatchHeader(found.message.header, found.message)
        let columns = try BatchDecoder.columns(plan.fields, plan.isIncluded, header, plan.bodyOptions, body: body)
        let batch = try dictionaries.batch(columns, rowCount: header.rowCount)
        for column in batch.columns { try column.validate(full: true) }
        return batch
    }

    /// Goes on behind `start` where a message begins again, or to the end.
    private func skip(from start: Int, _ reason: String) throws(MartletError) {
        var next = start.roundedUp(to: 8) + 8
        while next < source.byteCount {
            if try isMessage(next) { break }
            next += 8
        }
        position = min(next, source.byteCount)
        losses.append(Loss(position: start, byteCount: position - start, reason: reason))
        dictionaries = DictionaryStore(plan)
    }

    private func isMessage(_ place: Int) throws(MartletError) -> Bool {
        guard source.byteCount - place >= 16, try number(place) == SchemaFormat.continuation else { return false }
        if try number(place + 4) == 0 { return try isEndMark(place) }
        guard let found = try? Self.message(source, at: place) else { return false }
        return [SchemaFormat.Header.recordBatch, SchemaFormat.Header.dictionaryBatch].contains(found.message.headerType)
    }

    private func isEndMark(_ place: Int) throws(MartletError) -> Bool {
        guard source.byteCount - place >= 8 else { return false }
        let (mark, length) = (try number(place), try number(place + 4))
        return mark == SchemaFormat.continuation && length == 0
    }

    private func number(_ place: Int) throws(MartletError) -> UInt32 {
        let bytes = try source.read(at: place, count: 4)
        return unsafe bytes.bytes.unsafeLoadUnaligned(as: UInt32.self)
    }

    private struct Found {
        let message: IPCMessage
        let isMarked: Bool
        let bodyStart: Int
        let bodyEnd: Int
    }

    /// Where the schema message is: behind the magic of a file and its padding, or at the start.
    private static func start(_ source: any ByteSource) throws(MartletError) -> Int {
        let magic = IPCFormat.magic
        guard source.byteCount >= magic.count else { throw .invalid("File is too small: \(source.byteCount)") }
        let head = try source.read(at: 0, count: magic.count)
        guard unsafe head.bytes.withUnsafeBytes({ unsafe $0.elementsEqual(magic) }) else { return 0 }
        var start = 8
        while start <= source.byteCount - 8, start < 1 << 16 {
            let word = try source.read(at: start, count: 8)
            if unsafe word.bytes.unsafeLoadUnaligned(as: UInt64.self) != 0 { break }
            start += 8
        }
        return start
    }

    /// The message at `place`, whose body is there in full; nil for an end mark and at the end.
    private static func message(_ source: any ByteSource, at place: Int) throws(MartletError) -> Found? {
        let stream = PositionalStreamSource(source, at: place)
        var framing = MessageFraming()
        guard let message = try framing.next(stream)?.message else { return nil }
        let (start, available) = (stream.position, source.byteCount - stream.position)
        guard message.bodyByteCount <= available else {
            throw .invalid("Expected to be able to read \(message.bodyByteCount) bytes for message body, got \(available)")
        }
        return Found(
            message: message, isMarked: framing.isMarked, bodyStart: start, bodyEnd: start + message.bodyByteCount)
    }
}
