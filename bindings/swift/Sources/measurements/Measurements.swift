import Martlet

/// Writes a Parquet file batch by batch and reads two of its columns back.
@main
struct Measurements {
    static let rows = 1_000
    static let batches = 3
    static let stations = ["Oslo", "Bern", "Lisbon"]

    static let schema = Schema([
        Field("id", .int64),
        Field("temperature", .float64),
        Field("station", .string),
    ])

    static func main() {
        let path = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "measurements.parquet"
        do throws(MartletError) {
            try write(to: path)
            print("wrote \(path)")
            try read(from: path)
        } catch {
            print("martlet failed: \(error)")
        }
    }

    /// Ids, temperatures that are missing in every tenth row, and stations.
    static func batch(from first: Int) throws(MartletError) -> RecordBatch {
        let ids = (0..<rows).map { Int64(first + $0) }
        let temperatures = (0..<rows).map { $0 % 10 == 0 ? nil : 10 + Double((first + $0) % 25) / 2 }
        let names: [String?] = (0..<rows).map { stations[(first + $0) % 3] }
        return try RecordBatch(
            schema: schema, columns: [ArrayData.of(ids), ArrayData.of(temperatures), ArrayData.of(names)])
    }

    static func write(to path: String) throws(MartletError) {
        var options = ParquetWriterOptions()
        options.compression = .zstd
        options.compressionLevel = 3
        // The file appears under its name when the writer is closed, whole or not at all.
        let writer = try ParquetWriter(AtomicFileSink(path: path), schema: schema, options: options)
        for index in 0..<batches { try writer.write(batch(from: index * rows)) }
        try writer.close()
    }

    static func read(from path: String) throws(MartletError) {
        let file = try ParquetFile(path: path)
        let reader = try file.batches(columns: ["id", "temperature"])
        var rows = 0
        var nulls = 0
        var idSum: Int64 = 0
        var temperatureSum = 0.0
        while let batch = try reader.next() {
            rows += batch.rowCount
            for id in try batch.column("id").values(as: Int64.self) { idSum += id ?? 0 }
            for temperature in try batch.column("temperature").values(as: Double.self) {
                if let temperature { temperatureSum += temperature } else { nulls += 1 }
            }
        }
        print("rows \(rows), nulls \(nulls), sum of id \(idSum), sum of temperature \(temperatureSum)")
    }
}
