import MartletArrow
import MartletBase
import MartletParquet
import MartletPython

// martlet.h, "Parquet": what a file tells besides its footer, of pages and of values.

@_cdecl("martlet_parquet_column_pages")
public func parquetColumnPages(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ column: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let handle = try object(file, ParquetFileHandle.self)
        _ = try handle.rowGroup(rowGroup)
        _ = try handle.leaf(column)
        guard let pages = try handle.readable().pageStatistics(rowGroup: Int(rowGroup), leaf: Int(column)) else {
            return try giveNothing(to: out)
        }
        var fields = [Field("first_row", .int64, isNullable: false), Field("row_count", .int64, isNullable: false)]
        var columns = [
            try ArrayData.of(pages.rows.map { Int64($0.lowerBound) }), try ArrayData.of(pages.rows.map { Int64($0.count) }),
        ]
        if let known = pages.statistics {
            fields += [Field("null_count", .int64), Field("min", known.type), Field("max", known.type)]
            columns += [try ArrayData.of(known.nullCounts.map { $0.map { Int64($0) } }), known.minimum, known.maximum]
        }
        let batch = try RecordBatch(schema: Schema(fields), columns: columns, rowCount: pages.rows.count)
        try give(ArrayHandle(batch), to: out)
    }
}

@_cdecl("martlet_parquet_bloom_filter_may_contain")
public func parquetBloomFilterMayContain(
    _ file: OpaquePointer?, _ rowGroup: Int64, _ column: Int64, _ value: OpaquePointer?, _ out: UnsafeMutablePointer<Bool>?,
    _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let out else { throw .invalid("the output pointer is NULL") }
        let handle = try object(file, ParquetFileHandle.self)
        _ = try handle.rowGroup(rowGroup)
        _ = try handle.leaf(column)
        let wanted = try object(value, ArrayHandle.self).data
        let opened = try handle.readable()
        guard wanted.count == 1 else { throw .invalid("the value is an array of length 1, not \(wanted.count)") }
        let type = try opened.leafType(Int(column))
        guard wanted.type == type else { throw .type("the column holds \(type), not \(wanted.type): cast the value first") }
        guard let filter = try opened.bloomFilter(rowGroup: Int(rowGroup), leaf: Int(column)),
            let hashes = try opened.bloomHashes(of: wanted, leaf: Int(column), distinguishesZeros: false)
        else {
            out.pointee = true
            return
        }
        out.pointee = hashes.contains { filter.mayContain(hash: $0) }
    }
}
