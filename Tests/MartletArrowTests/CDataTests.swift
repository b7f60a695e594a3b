import CMartlet
import Glibc
import MartletArrow
import MartletBase
import MartletTestSupport
import Synchronization
import Testing

@Suite struct CDataTests {
    /// Out through the C structures and back in: equal, and the same memory.
    @Test(arguments: everySampleType, LayoutCase.allCases)
    func roundTrip(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        var metadata = Metadata()
        metadata.append("key", "value")
        let field = Field("name", type, isNullable: layout != .noNulls, metadata: metadata)

        var schema = unsafe ArrowSchema()
        try unsafe field.export(to: &schema)
        let back = try unsafe Field(importing: &schema)
        #expect(back == field)
        #expect(unsafe schema.release == nil)

        var raw = unsafe ArrowArray()
        unsafe array.export(to: &raw)
        let imported = try unsafe ArrayData.importing(&raw, type: back.type)
        #expect(unsafe raw.release == nil)
        try imported.validate(full: true)
        #expect(imported.isEqual(to: array))
        for (a, b) in zip(array.buffers, imported.buffers) where b.count > 0 { #expect(a.addressBits == b.addressBits) }
    }

    @Test func streamRoundTrip() throws {
        let schema = Schema([Field("a", .int64), Field("b", .string)])
        var batches: [RecordBatch] = []
        for seed in 1...3 as ClosedRange<UInt64> {
            batches.append(
                try RecordBatch(
                    schema: schema,
                    columns: [try sampleArray(.int64, .someNulls, seed: seed), try sampleArray(.string, .sliced, seed: seed)]))
        }
        var raw = unsafe ArrowArrayStream()
        unsafe export(BatchArrayStream(BatchesReader(schema: schema, batches)), to: &raw)
        let reader = try unsafe ArrayStreamReader(ImportedStream(moving: &raw))
        #expect(reader.schema.isSame(as: schema))
        let back = try reader.readAll()
        #expect(back.count == 3)
        #expect(zip(back, batches).allSatisfy { $0.isEqual(to: $1) })
        #expect(try reader.next() == nil)
    }

    /// The producer's text arrives at the consumer.
    @Test func streamErrors() throws {
        final class Failing: ArrayStream {
            let field = Field("", .int8)
            func next() throws(MartletError) -> ArrayData? { throw .invalid("no more of this") }
        }
        var raw = unsafe ArrowArrayStream()
        unsafe export(Failing(), to: &raw)
        let stream = try unsafe ImportedStream(moving: &raw)
        #expect(throws: MartletError.invalid("no more of this")) { try stream.next() }
    }

    /// Structures that lie about themselves are refused, and released all the same.
    @Test(arguments: ["n_buffers", "length", "null_count", "n_children", "offset", "offsets", "missing buffer"])
    func damagedStructures(what: String) throws {
        let array = try sampleArray(.list(Field("item", .int64)), .noNulls)
        var raw = unsafe ArrowArray()
        unsafe array.export(to: &raw)
        switch what {
        case "n_buffers": unsafe raw.n_buffers = 3
        case "length": unsafe raw.length = -1
        case "null_count": unsafe raw.null_count = 101
        case "n_children": unsafe raw.n_children = 0
        case "offset": unsafe raw.offset = .max
        case "offsets": unsafe raw.children[0]!.pointee.length = 3
        default: unsafe raw.buffers[1] = nil
        }
        let children = unsafe raw.n_children
        #expect(throws: MartletError.self) { try unsafe ArrayData.importing(&raw, type: array.type) }
        #expect(unsafe raw.release == nil)
        _ = children
    }

    /// What a consumer may do between the two doors: say less than is known, move children out, use the device structures.
    @Test(arguments: everySampleType, [LayoutCase.someNulls, .sliced, .slicedNoNulls, .empty])
    func otherRoads(type: DataType, layout: LayoutCase) throws {
        let array = try sampleArray(type, layout)
        var raw = unsafe ArrowArray()
        unsafe array.export(to: &raw)
        if type != .null && type.layout.hasValidity { unsafe raw.null_count = -1 }
        #expect(try unsafe ArrayData.importing(&raw, type: type).isEqual(to: array))

        var device = unsafe ArrowDeviceArray()
        unsafe array.export(to: &device)
        #expect(unsafe device.device_type == ARROW_DEVICE_CPU && device.device_id == -1 && device.sync_event == nil)
        let back = try unsafe ArrayData.importing(&device, type: type)
        try back.validate(full: true)
        #expect(back.isEqual(to: array))
        #expect(throws: MartletError.self) { try unsafe ArrayData.importing(&device, type: type) }
    }

    /// Another device, or an event to wait for: an error, and the array is released.
    @Test func otherDevices() throws {
        let array = try sampleArray(.int64, .noNulls)
        for device in [2, 10, 0, -1] as [ArrowDeviceType] {
            var raw = unsafe ArrowDeviceArray()
            unsafe array.export(to: &raw)
            unsafe raw.device_type = device
            let error = #expect(throws: MartletError.self) { try unsafe ArrayData.importing(&raw, type: .int64) }
            #expect(error?.code == .notImplemented)
            #expect(unsafe raw.array.release == nil)
        }
        var raw = unsafe ArrowDeviceArray()
        unsafe array.export(to: &raw)
        unsafe raw.sync_event = UnsafeMutableRawPointer(bitPattern: 8)
        #expect(throws: MartletError.self) { try unsafe ArrayData.importing(&raw, type: .int64) }
    }

    @Test func deviceStreams() throws {
        let field = Field("x", .stringView)
        let arrays = try (1...3).map { try sampleArray(.stringView, .someNulls, seed: $0) }
        var raw = unsafe ArrowDeviceArrayStream()
        unsafe export(ArraysStream(field: field, arrays), to: &raw)
        #expect(unsafe raw.device_type == ARROW_DEVICE_CPU)
        let stream = try unsafe ImportedStream(moving: &raw)
        #expect(unsafe raw.release == nil)
        #expect(stream.field == field)
        for array in arrays { #expect(try stream.next()?.isEqual(to: array) == true) }
        #expect(try stream.next() == nil)
        #expect(throws: MartletError.self) { try unsafe ImportedStream(moving: &raw) }

        final class Failing: ArrayStream {
            let field = Field("", .int8)
            func next() throws(MartletError) -> ArrayData? { throw .invalid("no more of this") }
        }
        var failing = unsafe ArrowDeviceArrayStream()
        unsafe export(Failing(), to: &failing)
        let broken = try unsafe ImportedStream(moving: &failing)
        #expect(throws: MartletError.invalid("no more of this")) { try broken.next() }

        var other = unsafe ArrowDeviceArrayStream()
        unsafe export(ArraysStream(field: field, arrays), to: &other)
        unsafe other.device_type = 2
        #expect(throws: MartletError.self) { try unsafe ImportedStream(moving: &other) }
        #expect(unsafe other.release == nil)
    }

    /// Every structure lies about one number at a time: an error or a valid array, and one release each.
    @Test(arguments: everySampleType)
    func damagedNumbers(type: DataType) throws {
        let array = try sampleArray(type, .someNulls)
        func damaged(_ change: (inout ArrowArray) -> Void) {
            var raw = unsafe ArrowArray()
            unsafe array.export(to: &raw)
            unsafe change(&raw)
            let imported = try? unsafe ArrayData.importing(&raw, type: type)
            #expect(unsafe raw.release == nil)
            guard let imported else { return }
            _ = try? imported.validate(full: true)
            _ = imported.isEqual(to: array)
            _ = imported.byteCount
            _ = try? imported.text()
            _ = try? imported.contiguousStrings()
            _ = try? concatenate([imported, imported], type: type)
        }
        for number in [-1, .min, .max, .max / 2, .max / 8] as [Int64] {
            // Lengths of arrays that have no memory of their own are what they say.
            if number < 0 || !array.buffers.isEmpty { unsafe damaged { unsafe $0.offset = number } }
            if number < 0 || !array.buffers.isEmpty { unsafe damaged { unsafe $0.length = number } }
            unsafe damaged { unsafe $0.null_count = number }
            unsafe damaged { unsafe $0.n_children = number }
        }
        for count in [0, 1, 2, 4, -1, Int64.min] where count != Int64(array.buffers.count + 1) {
            if type.layout.hasVariadicBuffers && count > 1 { continue }
            unsafe damaged { unsafe $0.n_buffers = count }
        }
        unsafe damaged { unsafe $0.buffers = nil }
        unsafe damaged { unsafe $0.children = nil }
        unsafe damaged { unsafe $0.dictionary = nil }
        unsafe damaged { if unsafe $0.n_buffers > 1 { unsafe $0.buffers[1] = nil } }
    }

    @Test func unsortedViewsAreNoTrap() throws {
        // Views whose numbers are random: slots read as empty, and the check names them.
        var random = SeededRandom(7)
        for _ in 0..<200 {
            var bytes: [UInt8] = []
            for _ in 0..<160 { bytes.append(UInt8.random(in: 0...255, using: &random)) }
            let targets = [try Buffer(zeroed: 40), try Buffer(zeroed: 1)]
            let views = ArrayData(type: .binaryView, count: 10, buffers: [try Buffer(bytes)] + targets)
            #expect(throws: MartletError.self) { try views.validate(full: true) }
            _ = try? views.text()
            _ = try? views.contiguousStrings()
            _ = try concatenate([views, views.slice(at: 2, count: 3)], type: .binaryView)
            let child = try sampleArray(.int8, .noNulls, count: 9)
            let lists = ArrayData(
                type: .listView(Field("item", .int8)), count: 20,
                buffers: [try Buffer(bytes), try Buffer(bytes.reversed())], children: [child])
            #expect(throws: MartletError.self) { try lists.validate(full: true) }
            _ = try? lists.text()
            _ = try concatenate([lists, lists.slice(at: 2, count: 3)], type: lists.type)
            let union = ArrayData(
                type: .union(.dense, fields: [Field("a", .int8)], typeIds: [5]), count: 40,
                buffers: [try Buffer(bytes), try Buffer(bytes)], children: [child])
            #expect(throws: MartletError.self) { try union.validate(full: true) }
            _ = try? union.text()
            _ = try? concatenate([union, union], type: union.type)
            _ = try union.isEqual(to: union.slice(at: 0, count: 39)) || union.byteCount > 0
            let runs = ArrayData(
                type: .runEndEncoded(runEnds: Field("r", .int32, isNullable: false), values: Field("v", .int8)), count: 30,
                offset: 3,
                children: [ArrayData(type: .int32, count: 9, nullCount: 0, buffers: [try Buffer(bytes)]), child])
            _ = try? runs.validate()
            #expect(throws: MartletError.self) { try runs.validate(full: true) }
            _ = try? runs.text()
            _ = try? runs.contiguousStrings()
            _ = try? concatenate([runs, runs], type: runs.type)
            _ = try runs.isEqual(to: runs.slice(at: 0, count: 29)) || runs.byteCount > 0
        }
    }

    // MARK: - Lifetimes

    /// Memory that counts its end.
    private final class Counted: MemoryOwner, @unchecked Sendable {
        static let releases = Atomic<Int>(0)
        private let memory: Buffer
        init(_ memory: Buffer) { self.memory = memory }
        deinit { Self.releases.add(1, ordering: .relaxed) }
    }

    /// An array over memory of which each buffer is counted.
    private func counted(_ array: ArrayData, _ made: inout Int) throws -> ArrayData {
        var buffers: [Buffer] = []
        for buffer in array.buffers {
            made += 1
            buffers.append(
                unsafe Buffer(unsafeAddress: buffer.pointer(to: UInt8.self), count: buffer.count, owner: Counted(buffer)))
        }
        return ArrayData(
            type: array.type, count: array.count, offset: array.offset, validity: array.validity,
            nullCount: array.knownNullCount, buffers: buffers,
            children: try array.children.map { try counted($0, &made) },
            dictionary: try array.dictionary.map { try counted($0, &made) })
    }

    /// Each road through the doors, all types: what was made is released, once, on whatever thread.
    @Test func everyExportIsReleasedOnce() throws {
        var made = 0
        let before = Counted.releases.load(ordering: .relaxed)
        for type in everySampleType {
            func fresh() throws -> ArrayData { try counted(try sampleArray(type, .someNulls, count: 20), &made) }
            // Released by the consumer at once.
            var raw = unsafe ArrowArray()
            try unsafe fresh().export(to: &raw)
            unsafe raw.release(&raw)
            #expect(unsafe raw.release == nil)
            // In again, sliced, and let go of on another thread.
            try unsafe fresh().export(to: &raw)
            let imported = try unsafe ArrayData.importing(&raw, type: type).slice(at: 3, count: 9)
            onAnotherThread(holding: imported)
            // Refused: released all the same.
            try unsafe fresh().export(to: &raw)
            _ = try? unsafe ArrayData.importing(&raw, type: .decimal256(precision: 50, scale: 1))
            // As a stream that nobody reads to its end.
            var stream = unsafe ArrowArrayStream()
            let (first, second) = (try fresh(), try fresh())
            unsafe export(ArraysStream(field: Field("", type), [first, second]), to: &stream)
            _ = try unsafe ImportedStream(moving: &stream).next()
            var device = unsafe ArrowDeviceArrayStream()
            let (third, fourth) = (try fresh(), try fresh())
            unsafe export(ArraysStream(field: Field("", type), [third, fourth]), to: &device)
            _ = try unsafe ImportedStream(moving: &device).next()
            // A child that the consumer moved out lives on by itself.
            try unsafe fresh().export(to: &raw)
            if unsafe raw.n_children > 0 {
                var child = unsafe raw.children[0]!.pointee
                unsafe raw.children[0]!.pointee.release = nil
                unsafe raw.release(&raw)
                unsafe child.release(&child)
            } else {
                unsafe raw.release(&raw)
            }
        }
        #expect(Counted.releases.load(ordering: .relaxed) - before == made)
    }

    @Test func releasedStructuresAreRefused() throws {
        var raw = unsafe ArrowArray()
        unsafe try sampleArray(.int8, .noNulls).export(to: &raw)
        unsafe raw.release(&raw)
        #expect(throws: MartletError.invalid("Cannot import released ArrowArray")) {
            try unsafe ArrayData.importing(&raw, type: .int8)
        }
        var schema = unsafe ArrowSchema()
        try unsafe Field("a", .int8).export(to: &schema)
        unsafe schema.release(&schema)
        #expect(throws: MartletError.invalid("Cannot import released ArrowSchema")) { try unsafe Field(reading: &schema) }
        var stream = unsafe ArrowArrayStream()
        #expect(throws: MartletError.self) { try unsafe ImportedStream(moving: &stream) }
    }

    private func onAnotherThread(holding array: consuming ArrayData) {
        let held = unsafe Unmanaged.passRetained(array).toOpaque()
        var thread = pthread_t()
        let started = unsafe pthread_create(&thread, nil, { pointer in
            if let pointer = unsafe pointer { unsafe Unmanaged<ArrayData>.fromOpaque(pointer).release() }
            return nil
        }, unsafe held)
        #expect(started == 0)
        pthread_join(thread, nil)
    }

    @Test func unknownFormats() throws {
        for format in ["", "x", "+z", "w:", "w:-1", "d:0,1", "d:39,1", "d:5,1,512", "ts", "tsx:", "+w:x", "tdX", "+us:0"] {
            #expect(throws: MartletError.self) {
                try format.withCString { text in
                    var schema = unsafe ArrowSchema()
                    unsafe schema.format = text
                    unsafe schema.release = { unsafe $0!.pointee.release = nil }
                    _ = try unsafe Field(importing: &schema)
                }
            }
        }
    }
}
