import MartletArrow
import MartletBase
import MartletCodecs
import MartletIO
import MartletParquet
import MartletTestSupport
import Testing

/// Types that come back from a file as they went in.
private let keptTypes: [DataType] = sampleTypes.filter { type in
    switch type {
    case .date64, .time32(.second), .timestamp(.second, _): false
    case .dictionary(_, let value, _): value == .string
    case .null, .boolean, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
        .string, .largeString, .binary, .largeBinary, .fixedSizeBinary, .date32, .time32, .time64, .timestamp, .duration,
        .decimal128, .list, .largeList, .fixedSizeList, .struct, .map:
        true
    case .stringView, .binaryView, .interval, .decimal32, .decimal64, .decimal256, .listView, .largeListView, .union,
        .runEndEncoded, .extension:
        false
    }
}

@Suite struct WriterTests {
    @Test(arguments: keptTypes, LayoutCase.allCases)
    func roundTrip(_ type: DataType, _ layout: LayoutCase) throws {
        let array = try sampleArray(type, layout, count: 150)
        for version in ParquetWriterOptions.DataPageVersion.allCases {
            for usesDictionary in [true, false] {
                for chunk in [1_000, 41] {
                    var options = ParquetWriterOptions()
                    options.dataPageVersion = version
                    options.usesDictionary = usesDictionary
                    options.compression = usesDictionary ? .zstd : .uncompressed
                    options.maximumRowsPerPage = chunk == 41 ? 29 : 20_000
                    let back = try column(of: try file(array, options, chunk: chunk))
                    #expect(back.isEqual(to: array), "\(version), dictionary \(usesDictionary), chunks of \(chunk)")
                }
            }
        }
    }

    @Test(arguments: Codec.allCases.filter { $0 != .lz4Hadoop })
    func codecs(_ codec: Codec) throws {
        var options = ParquetWriterOptions()
        options.compression = codec
        let array = try sampleArray(.list(Field("item", .string)), .someNulls, count: 500)
        #expect(try column(of: try file(array, options)).isEqual(to: array))
    }

    @Test(arguments: [
        (DataType.int32, Encoding.deltaBinaryPacked), (.int64, .deltaBinaryPacked), (.uint16, .deltaBinaryPacked),
        (.int64, .byteStreamSplit), (.float64, .byteStreamSplit), (.float32, .byteStreamSplit),
        (.fixedSizeBinary(byteWidth: 5), .byteStreamSplit), (.string, .deltaLengthByteArray),
        (.largeBinary, .deltaByteArray), (.string, .deltaByteArray), (.fixedSizeBinary(byteWidth: 5), .deltaByteArray),
        (.boolean, .rle), (.decimal128(precision: 20, scale: 2), .byteStreamSplit), (.float16, .byteStreamSplit),
    ])
    func encodingsOnRequest(_ type: DataType, _ encoding: Encoding) throws {
        for layout in LayoutCase.allCases {
            let array = try sampleArray(type, layout, count: 300)
            var options = ParquetWriterOptions()
            options.encoding = encoding
            options.maximumRowsPerPage = 70
            let bytes = try file(array, options)
            #expect(try column(of: bytes).isEqual(to: array))
            if array.count > 0 {
                let chunk = try ParquetFile(MemorySource(bytes)).metadata.rowGroups[0].columns[0].metadata
                #expect(chunk?.encodings.contains(encoding) == true)
            }
        }
    }

    @Test func encodingsThatDoNotFit() throws {
        var options = ParquetWriterOptions()
        options.columns["x"] = .init()
        options.columns["x"]?.encoding = .deltaBinaryPacked
        let schema = Schema([Field("x", .string)])
        #expect(throws: MartletError.self) { try ParquetWriter(MemorySink(), schema: schema, options: options) }
    }

    @Test func smallBatchesMakeRowGroups() throws {
        let schema = Schema([Field("x", .int32)])
        let sink = try MemorySink()
        var options = ParquetWriterOptions()
        options.rowGroupRowCount = 100
        let writer = try ParquetWriter(sink, schema: schema, options: options)
        for i in 0..<27 {
            let values = (0..<10).map { Int32(i * 10 + $0) }
            try writer.write(RecordBatch(schema: schema, columns: [try int32s(values)]))
        }
        let metadata = try writer.close()
        #expect(metadata.rowGroups.map(\.rowCount) == [100, 100, 70])
        #expect(metadata.rowCount == 270)
        let read = try ParquetFile(MemorySource(try sink.finish())).read()
        #expect(try read.columns[0].combined().isEqual(to: int32s((0..<270).map { Int32($0) })))
    }

    @Test func sameBytesOnAnyNumberOfThreads() throws {
        var files: [Buffer] = []
        for threads in [1, 2, 5] {
            var options = ParquetWriterOptions()
            options.threadCount = threads
            options.maximumRowsPerPage = 50
            files.append(try file(try sampleArray(.struct([Field("a", .int32), Field("b", .string)]), .someNulls, count: 2_000), options))
        }
        #expect(files[0].hasSameBytes(as: files[1]) && files[0].hasSameBytes(as: files[2]))
    }

    @Test func schemasThatDiffer() throws {
        let writer = try ParquetWriter(MemorySink(), schema: Schema([Field("x", .int32), Field("y", .string)]))
        let x = try int32s([1])
        func error(_ fields: [Field], _ columns: [ArrayData]) -> String? {
            do {
                try writer.write(RecordBatch(schema: Schema(fields), columns: columns))
                return nil
            } catch {
                return "\(error)"
            }
        }
        let prefix = "Table schema does not match schema used to create file: "
        #expect(error([Field("x", .int32)], [x])?.hasPrefix(prefix) == true)
        #expect(
            error([Field("x", .int32), Field("y", .int32)], [x, x])
                == prefix + "column 'y' expected type string but got int32; cast it first")
        #expect(
            error([Field("x", .int32), Field("z", .int32)], [x, x])
                == prefix + "column 1 expected name 'y' but got 'z'")
        // The writer is still good.
        #expect(try writer.close().rowCount == 0)
    }

    @Test func nullsInNonNullableColumns() throws {
        let schema = Schema([Field("x", .int32, isNullable: false)])
        let writer = try ParquetWriter(MemorySink(), schema: schema)
        let array = try sampleArray(.int32, .allNull, count: 3)
        #expect(throws: MartletError.invalid("Column 'x' declared non-nullable contains nulls")) {
            try writer.write(RecordBatch(schema: schema, columns: [array]))
        }
    }

    @Test func timestampsThatWouldLoseData() throws {
        var options = ParquetWriterOptions()
        options.schema.coerceTimestamps = .millisecond
        let array = ArrayData(
            type: .timestamp(.nanosecond, timeZone: nil), count: 2, buffers: [try Buffer([1_000_000, 1_234_567] as [Int64])])
        #expect(throws: MartletError.self) { try file(array, options) }
        options.allowsTruncatedTimestamps = true
        let back = try column(of: try file(array, options))
        #expect(back.type.isSame(as: .timestamp(.millisecond, timeZone: nil)))
        #expect(try PrimitiveArray<Int64>(back)[1] == 1)
    }

    @Test func closedWritersSaySo() throws {
        let schema = Schema([Field("x", .int32)])
        let writer = try ParquetWriter(MemorySink(), schema: schema)
        try writer.close()
        #expect(throws: MartletError.self) { try writer.close() }
        #expect(throws: MartletError.self) {
            try writer.write(RecordBatch(schema: schema, columns: [try int32s([1])]))
        }
    }

    @Test func statisticsOfChunks() throws {
        let sink = try MemorySink()
        let values = ArrayData(
            type: .float64, count: 4, validity: try Buffer([0b1011] as [UInt8]),
            buffers: [try Buffer([0.0, .nan, 9, 5] as [Double])])
        let schema = Schema([Field("x", .float64)])
        let writer = try ParquetWriter(sink, schema: schema)
        try writer.write(RecordBatch(schema: schema, columns: [values]))
        let statistics = try #require(try writer.close().rowGroups[0].columns[0].metadata?.statistics)
        #expect(statistics.nullCount == 1 && statistics.nanCount == 1)
        // Zero as a lower bound stands for both zeros.
        #expect(statistics.minValue == [0, 0, 0, 0, 0, 0, 0, 0x80])
        #expect(statistics.maxValue == [0, 0, 0, 0, 0, 0, 0x14, 0x40])
    }

    private func int32s(_ values: [Int32]) throws -> ArrayData {
        ArrayData(type: .int32, count: values.count, buffers: [try Buffer(values)])
    }

    private func file(_ array: ArrayData, _ options: ParquetWriterOptions, chunk: Int = .max) throws -> Buffer {
        let schema = Schema([Field("x", array.type)])
        let sink = try MemorySink()
        let writer = try ParquetWriter(sink, schema: schema, options: options)
        var start = 0
        while start < array.count {
            let count = min(chunk, array.count - start)
            try writer.write(RecordBatch(schema: schema, columns: [try array.slice(at: start, count: count)]))
            start += count
        }
        try writer.close()
        return try sink.finish()
    }

    private func column(of bytes: Buffer) throws -> ArrayData {
        try ParquetFile(MemorySource(bytes)).read().columns[0].combined()
    }
}
