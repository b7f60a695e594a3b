import Martlet

/// The input as a stream, read message by message, as batches, and as what is left of a damaged one.
func fuzzIPCStream(_ input: Buffer) throws(MartletError) {
    let messages = BufferStreamSource(input)
    while let message = try? EncapsulatedMessage(from: messages) { _ = try? TensorMessage(metadata: message.metadata) }
    if let saved = try? IPCRecoveryReader(MemorySource(input)) {
        while let batch = try? saved.next() { look(at: batch) }
    }
    let stream = try IPCStreamReader(BufferStreamSource(input))
    while let batch = try stream.next() { look(at: batch) }
}

/// The input as a file.
func fuzzIPCFile(_ input: Buffer) throws(MartletError) {
    let file = try IPCFileReader(MemorySource(input))
    _ = try? file.rowCount()
    for index in 0..<min(file.batchCount, 16) {
        if let batch = try? file.batch(at: index) { look(at: batch) }
    }
    if file.batchCount < 64 { _ = try file.readAll() }
}

/// The input as the metadata of each kind of message, and as the footer of a file.
func fuzzFlatBuffers(_ input: Buffer) throws(MartletError) {
    guard input.count < 1 << 16 else { return }
    _ = try? TensorMessage(metadata: input)
    let body = try Buffer(zeroed: 1 << 12)
    var message = try BufferBuilder()
    try message.append(UInt32.max)
    try message.append(UInt32(input.count))
    try message.append(input.bytes)
    try message.append(body.bytes)
    let bytes = message.finish()
    _ = try? IPCStreamReader(BufferStreamSource(bytes))
    for schema in schemas {
        if let reader = try? IPCStreamReader(BufferStreamSource(bytes), schema: schema) {
            if let batch = try? reader.next() { look(at: batch) }
        }
    }
    let magic = try Buffer(Array("ARROW1".utf8))
    var file = try BufferBuilder()
    try file.append(magic.bytes)
    try file.append(body.bytes)
    try file.append(input.bytes)
    try file.append(Int32(input.count))
    try file.append(magic.bytes)
    try fuzzIPCFile(file.finish())
}

/// Each kind of layout.
private let schemas: [Schema] = {
    let number = Field("a", .int32)
    let types: [DataType] = [
        .int32, .boolean, .string, .largeBinary, .stringView, .list(number), .largeListView(number),
        .struct([number, number]),
        .fixedSizeList(number, count: 3), .union(.dense, fields: [number, Field("b", .string)], typeIds: [0, 5]),
        .union(.sparse, fields: [number], typeIds: [3]), .null, .decimal256(precision: 50, scale: 3),
        .runEndEncoded(runEnds: Field("run_ends", .int16, isNullable: false), values: number),
        .dictionary(index: .int8, value: .string, isOrdered: false),
    ]
    return types.map { Schema([Field("f", $0)]) } + [Schema(types.map { Field("f", $0) })]
}()

/// A batch may hold anything that an O(1) check lets pass. What is valid in full goes through text, slices, both doors, and
/// comes back as it was.
func look(at batch: RecordBatch) {
    for column in batch.columns {
        guard column.count < 1 << 16 else { continue }
        let isValid = (try? column.validate(full: true)) != nil
        _ = column.isEqual(to: column)
        let part = try? column.slice(at: column.count / 2, count: min(column.count - column.count / 2, 100))
        _ = try? part?.text()
        guard isValid, let part, let some = try? RecordBatch(schema: Schema([Field("c", column.type)]), columns: [part])
        else {
            continue
        }
        do throws(MartletError) {
            let sink = try MemorySink()
            // Nulls take no memory: there may be any number of them.
            var options = IPCWriteOptions()
            options.allowsLongColumns = true
            let writer = try IPCWriter(sink, schema: some.schema, container: .stream, options: options)
            try writer.write(some)
            try writer.close()
            let again = try IPCStreamReader(BufferStreamSource(sink.finish())).next()
            guard let again else { fatalError("what was written is not there: \(column.type)") }
            try again.columns[0].validate(full: true)
            guard again.columns[0].isEqual(to: part) || hasNaN(part) else {
                fatalError("\(column.type) comes back as another")
            }
        } catch {
            // Dictionaries of dictionaries cannot be written.
            guard error.code == .notImplemented else {
                fatalError("\(column.type) does not go through a stream: \(error)")
            }
        }
    }
}

/// Whether the array is not equal to itself.
private func hasNaN(_ array: ArrayData) -> Bool {
    guard let copy = try? concatenate([array], type: array.type) else { return true }
    return !copy.isEqual(to: array) || !array.isEqual(to: copy) || "\(array.type)".contains("float")
}
