public import MartletArrow
public import MartletBase

extension Compute {
    /// The aggregate `name` of the chunks of one column, together: an array of one value.
    ///
    /// Chunks are aggregated where they lie, in parallel, and the parts once more; only a function whose parts cannot
    /// be put together (a deviation, distinct values) joins the chunks first. Errors: those of `call`.
    public static func aggregate(
        _ name: String, chunks: [ArrayData], options: [String: String] = [:]
    ) throws(MartletError) -> ArrayData {
        guard let type = chunks.first?.type else { throw .invalid("\(name) takes at least one chunk") }
        guard chunks.count > 1, let parts = parts[name] else {
            return try call(name, [Datum(try concatenate(chunks, type: type))], options: options).array
        }
        let count = chunks.reduce(0) { $0 + $1.count }
        let nullCount = chunks.reduce(0) { $0 + $1.nullCount }
        // What `min_count` and `skip_nulls` mean for all chunks is asked of no single one.
        var partial = options
        partial["min_count"] = parts.hasMinimum ? "0" : nil
        let partialOptions = partial
        let results = try WorkerPool.map(chunks.count) { chunk throws(MartletError) in
            try call(parts.ofChunk, [Datum(chunks[chunk])], options: partialOptions).array
        }
        partial["mode"] = nil
        let whole = try call(parts.together, [Datum(try concatenate(results, type: results[0].type))], options: partial)
            .array
        guard parts.hasMinimum else { return whole }
        let known = try FunctionOptions(name, options, known: ["skip_nulls", "min_count"])
        let valid = type == .null ? 0 : count - nullCount
        let skipsNulls = try known.bool("skip_nulls", default: true)
        let isUnknown = !parts.isKleene && !skipsNulls && nullCount > 0
        let least = try known.integer("min_count", default: 1)
        if isUnknown || valid < least {
            return name == "mean" ? try Sums.mean(total: whole, count: 0, of: type) : try .nulls(whole.type, count: 1)
        }
        return name == "mean" ? try Sums.mean(total: whole, count: valid, of: type) : whole
    }

    /// How an aggregate of chunks is put together.
    private struct Parts {
        let ofChunk: String
        let together: String
        var hasMinimum = true
        var isKleene = false
    }

    private static let parts: [String: Parts] = [
        "sum": Parts(ofChunk: "sum", together: "sum"), "mean": Parts(ofChunk: "sum", together: "sum"),
        "product": Parts(ofChunk: "product", together: "product"),
        "min": Parts(ofChunk: "min", together: "min"), "max": Parts(ofChunk: "max", together: "max"),
        "any": Parts(ofChunk: "any", together: "any", isKleene: true),
        "all": Parts(ofChunk: "all", together: "all", isKleene: true),
        "count": Parts(ofChunk: "count", together: "sum", hasMinimum: false),
    ]
}
