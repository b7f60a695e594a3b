import MartletArrow
import MartletBase
import MartletTestSupport
import Testing

@testable import MartletParquet

@Suite struct SchemaTests {
    /// With the Arrow schema beside it, a Parquet schema says what was written, but for what Parquet cannot hold.
    @Test(arguments: sampleTypes)
    func thereAndBack(_ type: DataType) throws {
        let schema = Schema([Field("before", .int32, isNullable: false), Field("x", type)])
        let parquet = try ParquetSchema(arrow: schema)
        let elements = try ParquetSchema(elements: parquet.elements)
        #expect(elements.leaves == parquet.leaves)
        let mapped = try ArrowMapping(parquet, original: schema).schema.fields[1].type
        switch type {
        case .date64: #expect(mapped == .date32)
        case .time32(.second): #expect(mapped == .time32(.millisecond))
        case .timestamp(.second, let zone): #expect(mapped == .timestamp(.millisecond, timeZone: zone))
        case .dictionary(_, let value, _) where !value.isVariableBinary: #expect(mapped == value)
        case .dictionary(let index, _, let ordered):
            #expect(mapped == .dictionary(index: index, value: .string, isOrdered: ordered))
        default: #expect(mapped.holdsSameValues(as: type))
        }
    }

    @Test func oldShapesOfLists() throws {
        func mapped(_ elements: [SchemaElement]) throws -> DataType {
            let root = SchemaElement("root", childCount: 1)
            return try ArrowMapping(try ParquetSchema(elements: [root] + elements)).schema.fields[0].type
        }
        let list = SchemaElement("a", repetition: .optional, childCount: 1, convertedType: .list)
        let item = SchemaElement("element", .int32, repetition: .optional)
        #expect(
            try mapped([list, SchemaElement("bag", repetition: .repeated, childCount: 1), item])
                == .list(Field("element", .int32)))
        #expect(
            try mapped([list, SchemaElement("element", .int32, repetition: .repeated)])
                == .list(Field("element", .int32, isNullable: false)))
        #expect(
            try mapped([list, SchemaElement("array", repetition: .repeated, childCount: 1), item])
                == .list(Field("array", .struct([Field("element", .int32)]), isNullable: false)))
        #expect(
            try mapped([SchemaElement("a", .int32, repetition: .repeated)])
                == .list(Field("a", .int32, isNullable: false)))
    }

    @Test func treesThatCannotBe() {
        let leaf = SchemaElement("x", .int32, repetition: .optional)
        for elements in [
            [], [leaf], [SchemaElement("root", childCount: 2), leaf], [SchemaElement("root", childCount: 0), leaf],
            [SchemaElement("root", childCount: -1)],
            [SchemaElement("root", childCount: 1), SchemaElement("x", .fixedLengthByteArray, repetition: .optional)],
            [SchemaElement("root", childCount: 1)]
                + Array(repeating: SchemaElement("g", repetition: .optional, childCount: 1), count: 10_000) + [leaf],
        ] as [[SchemaElement]] {
            #expect(throws: MartletError.self) { try ParquetSchema(elements: elements) }
        }
    }

    @Test func base64() {
        for text in ["", "a", "ab", "abc", "hello world"] {
            #expect(Base64.decode(Base64.encode(Array(text.utf8))) == Array(text.utf8))
        }
        #expect(Base64.encode(Array("ab".utf8)) == Array("YWI=".utf8))
        #expect(Base64.decode(Array("§".utf8)) == nil)
    }

    @Test func footerThereAndBack() throws {
        var column = ColumnMetaData(
            physicalType: .int64, encodings: [.plain, .rle], path: ["x"], codec: .zstd, valueCount: 5,
            totalUncompressedSize: 100, totalCompressedSize: 90, dataPageOffset: 4)
        var statistics = Statistics()
        statistics.minValue = [1, 2]
        statistics.maxValue = [3]
        statistics.nullCount = 0
        statistics.isMinValueExact = false
        column.statistics = statistics
        column.encodingStatistics = [PageEncodingStatistics(pageType: .data, encoding: .plain, count: 3)]
        var size = SizeStatistics()
        size.definitionLevelHistogram = [1, Int64.max, -7]
        column.sizeStatistics = size
        let schema = Schema([Field("x", .timestamp(.nanosecond, timeZone: "UTC")), Field("d", .decimal128(precision: 5, scale: 2))])
        let file = FileMetaData(
            schema: try ParquetSchema(arrow: schema).elements, rowCount: 5,
            rowGroups: [RowGroup(columns: [ColumnChunk(metadata: column)], totalByteSize: 100, rowCount: 5)],
            keyValueMetadata: [KeyValue(key: [1], value: nil)], createdBy: "test",
            columnOrders: [.typeDefined, .ieee754Total])
        let bytes = try file.encoded()
        let (back, byteCount) = try FileMetaData.read(from: bytes.bytes)
        #expect(back == file)
        #expect(byteCount == bytes.count)
        for length in 0..<bytes.count {
            let cut = try bytes.slice(at: 0, count: length)
            #expect(throws: MartletError.self) { try FileMetaData.read(from: cut.bytes).0 }
        }
    }
}
