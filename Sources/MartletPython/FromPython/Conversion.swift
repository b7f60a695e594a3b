import CPrefetch
import Glibc
import MartletArrow
import MartletBase

/// What went wrong with one item, and where: its index among the items in hand, and the way down from there.
struct ItemFailure: Error {
    var index: Int
    var path = ""
    var error: MartletError
    var fix = ""

    init(_ index: Int, _ error: MartletError, fix: String = "") {
        self.index = index
        self.error = error
        self.fix = fix
    }

    /// The error with its place and its remedy behind pyarrow's words.
    var told: MartletError {
        var told = error
        told.message += "; item \(index)"
        if !path.isEmpty { told.message += " at \(path)" }
        if !fix.isEmpty { told.message += "; \(fix)" }
        return told
    }

    /// The same failure seen from the container: item `outer` of it, then `step`, then what follows.
    func inside(_ outer: Int, _ step: String) -> ItemFailure {
        var failure = self
        failure.index = outer
        failure.path = step + path
        return failure
    }
}

/// One conversion of Python objects to an array: the interpreter, the rules, the types of other libraries.
final class Conversion {
    let python: CPython
    /// NaN, NaT and NA are null, as pandas means them.
    let fromPandas: Bool
    /// The type was given: bytes among strings are an error unless they are UTF-8. Otherwise they turn the column to
    /// binary.
    var isStrict = true
    private(set) lazy var foreign = ForeignTypes(python)
    private(set) lazy var numpyTypes = NumPyTypeCache(python)
    private(set) lazy var dateTime: Result<DateTimeTypes, MartletError> = DateTimeTypes.known(python)
    /// Without the module there are no dates and times among the items.
    private(set) lazy var hasDateTime =
        python.loadedModule("datetime") != nil || python.loadedModule("_datetime") != nil
    private var slowItems = 0

    init(_ python: CPython, fromPandas: Bool) {
        self.python = python
        self.fromPandas = fromPandas
    }

    /// Converts `items` to an array of `type`.
    func array(_ items: Items, _ type: DataType) throws(ItemFailure) -> ArrayData {
        func seen(_ array: ArrayData, as type: DataType) throws(ItemFailure) -> ArrayData {
            try at { () throws(MartletError) in try array.viewed(as: type) }
        }
        return switch type {
        case .null: try nulls(items)
        case .boolean: try booleans(items)
        case .int8: try integers(items, type, Int8.self)
        case .int16: try integers(items, type, Int16.self)
        case .int32: try integers(items, type, Int32.self)
        case .int64: try integers(items, type, Int64.self)
        case .uint8: try integers(items, type, UInt8.self)
        case .uint16: try integers(items, type, UInt16.self)
        case .uint32: try integers(items, type, UInt32.self)
        case .uint64: try integers(items, type, UInt64.self)
        case .float16: try floats(items, type, Float16.self, name: "float16")
        case .float32: try floats(items, type, Float.self, name: "float32")
        case .float64: try floats(items, type, Double.self, name: "double")
        case .string, .binary: try bytes(items, type, Int32.self)
        case .largeString, .largeBinary: try bytes(items, type, Int64.self)
        case .stringView: try views(items, type, through: .largeString)
        case .binaryView: try views(items, type, through: .largeBinary)
        case .fixedSizeBinary(let width): try fixedBytes(items, type, width)
        case .date32: try date32s(items)
        case .date64: try date64s(items)
        case .time32(let unit): try times(items, type, unit, Int32.self)
        case .time64(let unit): try times(items, type, unit, Int64.self)
        case .timestamp(let unit, _): try timestamps(items, type, unit)
        case .duration(let unit): try durations(items, type, unit)
        case .interval(let unit): try intervals(items, type, unit)
        case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
            .decimal128(let precision, let scale):
            try decimals(items, type, precision, scale)
        case .decimal256(let precision, let scale): try wideDecimals(items, type, precision, scale)
        case .list(let field): try lists(items, type, field, Int32.self)
        case .largeList(let field): try lists(items, type, field, Int64.self)
        case .listView(let field): try listViews(items, type, field, Int32.self)
        case .largeListView(let field): try listViews(items, type, field, Int64.self)
        case .fixedSizeList(let field, let count): try fixedSizeLists(items, type, field, count)
        case .struct(let fields): try structs(items, type, fields)
        case .map(let entries, _): try maps(items, type, entries)
        case .dictionary(let index, let value, _): try dictionaries(items, type, index, value)
        case .union(let mode, _, _):
            throw ItemFailure(
                -1,
                .notImplemented(
                    "\(mode)_union: which of its types an item has is not known; make the children arrays, and use "
                        + "UnionArray.from_\(mode)"))
        case .runEndEncoded(let runEnds, let values): try runs(items, type, runEnds, values)
        case .extension(let ext): try extensions(items, type, ext)
        }
    }

    // MARK: - Nulls

    /// Whether the item is null by the rules of this conversion.
    func isNull(_ object: Object) throws(MartletError) -> Bool {
        if object == python.none { return true }
        return fromPandas ? try isPandasNull(object) : false
    }

    private func isPandasNull(_ object: Object) throws(MartletError) -> Bool {
        let type = python.type(of: object)
        if type == python.floatType || python.isSubtype(type, python.floatType) != 0 {
            return python.asDouble(object).isNaN
        }
        if type == python.intType || type == python.strType || type == python.bytesType { return false }
        if object == foreign.pandasNA { return true }
        if let nat = foreign.pandasNaT, type == python.type(of: nat) { return true }
        if let decimal = foreign.decimal, python.isSubtype(type, decimal) != 0 {
            let answer = try Owned(try python.callMethod(object, "is_nan"), python)
            return answer.object == python.true
        }
        return false
    }

    // MARK: - Walking

    /// Counts an item that took the slow road, and lets signals in now and then. Items are pinned by then.
    func countSlowItem() throws(MartletError) {
        slowItems += 1
        if slowItems & 0xFFFF == 0 { try python.runSignalHandlers() }
    }

    /// One native value for each item, into new memory: `fast` writes it and returns true, or leaves it to `slow`,
    /// which may call Python and whose nil is null.
    @inline(__always)
    func walk<Value: BitwiseCopyable>(
        _ items: Items, zero: Value,
        fast: (_ object: Object, _ type: Object, _ out: UnsafeMutablePointer<Value>) -> Bool,
        slow: (Object) throws(ItemFailure) -> Value?
    ) throws(ItemFailure) -> (values: Buffer, validity: ValidityBits) {
        let count = items.count
        let builder = try at { () throws(MartletError) in
            try BufferBuilder(uninitializedCount: try count.multiplied(checked: MemoryLayout<Value>.stride))
        }
        let validity = try at { () throws(MartletError) in try ValidityBits(count: count) }
        let out = builder.pointer(to: Value.self)
        let none = python.none
        let hasTypes = python.layout.hasTypes
        var base = items.base
        var i = 0
        while i < count {
            if i &+ 16 < count { martlet_prefetch(base[i &+ 16]) }
            let object = base[i] ?? none
            if hasTypes, fast(object, object.load(fromByteOffset: 8, as: Object.self), out + i) {
                i &+= 1
                continue
            }
            if object == none {
                out[i] = zero
                validity.setNull(i)
                i &+= 1
                continue
            }
            try slowStep(items, i) { () throws(ItemFailure) in
                if let value = try slow(items[i]) {
                    out[i] = value
                } else {
                    out[i] = zero
                    validity.setNull(i)
                }
            }
            base = items.base
            i &+= 1
        }
        return (builder.finish(), validity)
    }

    /// Everything around one item that takes the slow road.
    @inline(never)
    func slowStep(_ items: Items, _ index: Int, _ body: () throws(ItemFailure) -> Void) throws(ItemFailure) {
        do throws(MartletError) {
            try items.pin()
            try countSlowItem()
        } catch { throw ItemFailure(index, error) }
        do throws(ItemFailure) { try body() } catch {
            var failure = error
            failure.index = index
            throw failure
        }
    }

    // MARK: - Words

    /// pyarrow's sentence for a value of the wrong kind.
    func invalidValue(_ object: Object, _ why: String) -> MartletError {
        .invalid("Could not convert \(python.reprText(object)) with type \(python.typeName(of: object)): \(why)")
    }

    func invalidType(_ object: Object, _ why: String) -> MartletError {
        .type("Could not convert \(python.reprText(object)) with type \(python.typeName(of: object)): \(why)")
    }
}

/// Runs what concerns no item in particular, or the item `index`.
func at<Result: ~Copyable>(_ index: Int = 0, fix: String = "", _ body: () throws(MartletError) -> Result)
    throws(ItemFailure) -> Result
{
    do throws(MartletError) { return try body() } catch { throw ItemFailure(index, error, fix: fix) }
}

/// The validity of an array that is being filled: all bits set, cleared where nulls come.
final class ValidityBits {
    private let memory: HeapMemory
    private let bits: UnsafeMutablePointer<UInt8>
    private let count: Int
    private(set) var nullCount = 0

    init(count: Int) throws(MartletError) {
        self.count = count
        let byteCount = (count + 7) / 8
        memory = try HeapMemory(byteCount: byteCount)
        bits = memory.address.assumingMemoryBound(to: UInt8.self)
        memset(bits, 0xFF, byteCount)
        if count & 7 != 0 { bits[byteCount - 1] = UInt8(1 << (count & 7) - 1) }
        memset(bits + byteCount, 0, min(byteCount.roundedUp(to: 64), memory.capacity) - byteCount)
    }

    /// Safety: `index` lies below `count`, and each index is cleared once.
    @inline(__always)
    func setNull(_ index: Int) {
        bits[index &>> 3] &= ~(1 &<< UInt8(truncatingIfNeeded: index & 7))
        nullCount &+= 1
    }

    func isNull(_ index: Int) -> Bool { bits[index &>> 3] & (1 &<< UInt8(truncatingIfNeeded: index & 7)) == 0 }

    /// The bitmap, nil when nothing is null.
    var buffer: Buffer? {
        nullCount == 0 ? nil : Buffer(unsafeAddress: bits, count: (count + 7) / 8, owner: memory)
    }
}
