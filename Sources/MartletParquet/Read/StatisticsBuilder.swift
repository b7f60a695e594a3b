import MartletArrow
import MartletBase

/// Gathers the bounds of row groups or pages and keeps those that can be trusted.
struct StatisticsBuilder {
    private let leaf: LeafColumn
    private let type: DataType
    private let order: BoundOrder?
    private var minimum: [[UInt8]?] = []
    private var maximum: [[UInt8]?] = []
    private var minimumIsExact: [Bool] = []
    private var maximumIsExact: [Bool] = []
    private var nullCounts: [Int?] = []
    private var nanCounts: [Int?] = []
    private var distinctCounts: [Int?] = []
    private var valueCounts: [Int?] = []

    init(_ leaf: LeafColumn, _ type: DataType) {
        self.leaf = leaf
        self.type = type
        order = BoundOrder(leaf)
    }

    /// - Parameter isLegacy: whether the bounds are the deprecated ones, found by signed comparison.
    mutating func add(
        _ min: [UInt8]?, _ max: [UInt8]?, valueCount: Int?, _ statistics: Statistics, isLegacy: Bool
    ) {
        let bounds = trusted(min, max, isLegacy: isLegacy)
        minimum.append(bounds?.min)
        maximum.append(bounds?.max)
        // Only byte strings are ever shortened.
        let isWhole = leaf.physicalType != .byteArray && leaf.physicalType != .fixedLengthByteArray
        minimumIsExact.append(bounds != nil && (statistics.isMinValueExact ?? isWhole))
        maximumIsExact.append(bounds != nil && (statistics.isMaxValueExact ?? isWhole))
        func count(_ value: Int64?) -> Int? {
            guard let value, let exact = Int(exactly: value), exact >= 0, exact <= valueCount ?? Int.max else {
                return nil
            }
            return exact
        }
        nullCounts.append(count(statistics.nullCount))
        nanCounts.append(count(statistics.nanCount))
        distinctCounts.append(count(statistics.distinctCount))
        valueCounts.append(valueCount)
    }

    private func trusted(_ min: [UInt8]?, _ max: [UInt8]?, isLegacy: Bool) -> (min: [UInt8], max: [UInt8])? {
        guard let min, let max, let order else { return nil }
        if isLegacy && !order.isSignedPhysical { return nil }
        if let width = leaf.physicalType == .boolean ? 1 : leaf.byteWidth {
            guard min.count == width, max.count == width else { return nil }
        }
        guard order.fits(min), order.fits(max), order.areInOrder(min, max) else { return nil }
        return order.widened(min, max)
    }

    func finish() throws(MartletError) -> ColumnStatistics {
        ColumnStatistics(
            type: type, minimum: try array(minimum), maximum: try array(maximum), isMinimumExact: minimumIsExact,
            isMaximumExact: maximumIsExact, nullCounts: nullCounts, nanCounts: nanCounts,
            distinctCounts: distinctCounts, valueCounts: valueCounts)
    }

    /// The bounds as an array of the Arrow type.
    private func array(_ values: [[UInt8]?]) throws(MartletError) -> ArrayData {
        if type == .null || type.isNested { return try ArrayData.nulls(type, count: values.count) }
        let plan = try LeafPlan(leaf, type)
        let output = try unsafe LeafOutput(plan, rows: values.count, keepsLevels: false)
        for value in values {
            if value == nil { try output.validity.appendNull(1) } else { output.validity.appendValid(1) }
        }
        if let width = plan.fixedWidth {
            let empty = [UInt8](repeating: 0, count: leaf.byteWidth ?? 1)
            for (i, value) in values.enumerated() {
                let room = try unsafe output.fixedRoom(at: i, 1)
                let page = try Buffer(value ?? empty)
                switch leaf.physicalType {
                case .boolean: unsafe room.storeBytes(of: (value?.first ?? 0) & 1, as: UInt8.self)
                case .byteArray:
                    // Decimals of any length.
                    try unsafe storeBigEndian(
                        page.pointer(to: UInt8.self), byteCount: value?.count ?? 0, to: room, width: width)
                case .int32, .int64, .int96, .float, .double, .fixedLengthByteArray:
                    let plain = PlainFixedDecoder(page, width: leaf.byteWidth ?? 0)
                    if let conversion = plan.conversion {
                        try unsafe ConvertingDecoder(plain, conversion, width: width).decode(1, into: room)
                    } else {
                        try unsafe plain.decode(1, into: room)
                    }
                }
            }
        } else {
            for value in values {
                guard let value else { continue }
                try unsafe output.bytes.extendLengths(1)[0] = Int32(clamping: value.count)
                let room = try unsafe output.bytes.extendBytes(value.count)
                for (i, byte) in value.enumerated() { unsafe room[i] = byte }
            }
        }
        output.slots = values.count
        return try output.array(type)
    }
}

/// The order by which a column's bounds are found (parquet.thrift `ColumnOrder`, TYPE_ORDER), on PLAIN bytes.
struct BoundOrder {
    private enum Rule {
        case signed, unsigned, float, double, float16, bytes, decimalBytes, boolean
    }
    private let rule: Rule
    /// The numbers that the logical type has, for integers.
    private let range: ClosedRange<Int64>?
    private let typeLength: Int
    /// The most bytes that a decimal has beside those of its sign.
    private let decimalByteCount: Int

    /// nil for types whose order is not defined, or not known here.
    init?(_ leaf: LeafColumn) {
        typeLength = leaf.typeLength
        if case .decimal(let precision, _) = leaf.meaning, precision > 38 { decimalByteCount = 32 } else { decimalByteCount = 16 }
        var range: ClosedRange<Int64>?
        switch leaf.meaning {
        case .integer(let width, let isSigned):
            if isSigned {
                rule = .signed
                if width == 8 { range = -128...127 }
                if width == 16 { range = -32_768...32_767 }
            } else {
                rule = .unsigned
                if width == 8 { range = 0...255 }
                if width == 16 { range = 0...65_535 }
            }
            guard leaf.physicalType == .int32 || leaf.physicalType == .int64 else { return nil }
        case .decimal:
            let isInteger = leaf.physicalType == .int32 || leaf.physicalType == .int64
            rule = isInteger ? .signed : .decimalBytes
            guard isInteger || leaf.physicalType == .byteArray || leaf.physicalType == .fixedLengthByteArray else {
                return nil
            }
        case .date, .time, .timestamp:
            guard leaf.physicalType == .int32 || leaf.physicalType == .int64 else { return nil }
            rule = .signed
        case .float16:
            guard leaf.typeLength == 2 else { return nil }
            rule = .float16
        case .string, .enum, .json, .bson, .uuid:
            guard leaf.physicalType == .byteArray || leaf.physicalType == .fixedLengthByteArray else { return nil }
            rule = .bytes
        case .map, .list, .null, .variant, .geometry, .geography, .file, .unrecognized: return nil
        case nil:
            // INTERVAL has no order.
            if leaf.element.convertedType == .interval { return nil }
            switch leaf.physicalType {
            case .boolean: rule = .boolean
            case .int32, .int64: rule = .signed
            case .float: rule = .float
            case .double: rule = .double
            case .byteArray, .fixedLengthByteArray: rule = .bytes
            case .int96: return nil
            }
        }
        self.range = range
    }

    /// Whether signed comparison of the physical values, by which the deprecated bounds were found, is this order.
    var isSignedPhysical: Bool {
        switch rule {
        case .signed, .float, .double, .boolean: true
        case .unsigned, .float16, .bytes, .decimalBytes: false
        }
    }

    /// Whether the value is one of the type, and not NaN.
    func fits(_ bytes: [UInt8]) -> Bool {
        switch rule {
        case .signed: range?.contains(signed(bytes)) ?? true
        case .unsigned: range.map { unsigned(bytes) <= UInt64($0.upperBound) } ?? true
        case .float: !float(bytes).isNaN
        case .double: !double(bytes).isNaN
        case .float16: !half(bytes).isNaN
        case .decimalBytes: decimal(bytes) != nil
        case .bytes, .boolean: true
        }
    }

    /// Whether `min` is not above `max`.
    func areInOrder(_ min: [UInt8], _ max: [UInt8]) -> Bool {
        switch rule {
        case .signed: signed(min) <= signed(max)
        case .unsigned: unsigned(min) <= unsigned(max)
        case .float: float(min) <= float(max)
        case .double: double(min) <= double(max)
        case .float16: half(min) <= half(max)
        case .bytes: !max.lexicographicallyPrecedes(min)
        case .decimalBytes:
            if let min = decimal(min), let max = decimal(max) { !max.lexicographicallyPrecedes(min) } else { false }
        case .boolean: min[0] <= max[0]
        }
    }

    /// A minimum of 0 may stand for -0 too, and a maximum of -0 for 0.
    func widened(_ min: [UInt8], _ max: [UInt8]) -> (min: [UInt8], max: [UInt8]) {
        let isFloat =
            switch rule {
            case .float, .double, .float16: true
            case .signed, .unsigned, .bytes, .decimalBytes, .boolean: false
            }
        guard isFloat else { return (min, max) }
        func isZero(_ bytes: [UInt8]) -> Bool {
            bytes.dropLast().allSatisfy { $0 == 0 } && (bytes[bytes.count - 1] & 0x7F) == 0
        }
        var (low, high) = (min, max)
        if isZero(low) { low[low.count - 1] = 0x80 }
        if isZero(high) { high[high.count - 1] = 0 }
        return (low, high)
    }

    private func unsigned(_ bytes: [UInt8]) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func signed(_ bytes: [UInt8]) -> Int64 {
        let bits = unsigned(bytes)
        return bytes.count == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }

    private func float(_ bytes: [UInt8]) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: unsigned(bytes))) }
    private func double(_ bytes: [UInt8]) -> Double { Double(bitPattern: unsigned(bytes)) }
    private func half(_ bytes: [UInt8]) -> Float16 { Float16(bitPattern: UInt16(truncatingIfNeeded: unsigned(bytes))) }

    /// A decimal's bytes, as many for each and in an order that is the numbers'; nil when it is larger than its type.
    private func decimal(_ bytes: [UInt8]) -> [UInt8]? {
        guard let first = bytes.first, bytes.count <= 32 else { return nil }
        let sign: UInt8 = first >> 7 == 0 ? 0 : 0xFF
        let extra = max(0, bytes.count - decimalByteCount)
        guard bytes.prefix(extra).allSatisfy({ $0 == sign }) else { return nil }
        if extra > 0, bytes[extra] >> 7 != sign >> 7 { return nil }
        let digits = bytes.dropFirst(extra)
        var ordered = [UInt8](repeating: sign, count: decimalByteCount - digits.count) + digits
        ordered[0] ^= 0x80
        return ordered
    }
}
