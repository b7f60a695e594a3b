import Glibc
import MartletBase

/// Some bytes in memory that whoever hands them out keeps alive. Indices are the caller's care, as in all kernels.
@safe
struct Bytes: @unchecked Sendable {
    // Safety: `count` bytes that do not change.
    let start: UnsafePointer<UInt8>
    let count: Int

    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        unsafe self.start = start
        self.count = count
    }

    var isEmpty: Bool { count == 0 }
    /// As text, for messages.
    var text: String { unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }
    @inline(__always) subscript(index: Int) -> UInt8 { unsafe start[index] }
    @inline(__always) subscript(range: Range<Int>) -> Bytes { unsafe Bytes(start + range.lowerBound, range.count) }
    subscript(range: PartialRangeFrom<Int>) -> Bytes { self[range.lowerBound..<count] }

    /// Whether `other` stands at `place`, which is not negative.
    @inline(__always)
    func has(_ other: Bytes, at place: Int) -> Bool {
        unsafe place + other.count <= count && memcmp(start + place, other.start, other.count) == 0
    }
}

extension [UInt8] {
    /// The elements, for as long as `body` runs.
    @inline(__always)
    func withBytes<Result>(_ body: (Bytes) -> Result) -> Result {
        unsafe withUnsafeBufferPointer { all in
            if let start = all.baseAddress { return unsafe body(Bytes(start, all.count)) }
            return unsafe body(Bytes(Buffer.empty.pointer(to: UInt8.self), 0))
        }
    }
}

/// The scalar that starts at `index` and its length; what is no UTF-8 is a scalar of one byte above all others.
@inline(__always)
func scalar(_ bytes: Bytes, _ index: Int) -> (value: UInt32, length: Int) {
    // Safety: indices are compared with the count.
    let first = bytes[index]
    if first < 0x80 { return (UInt32(first), 1) }
    return longScalar(bytes, index, first)
}

@inline(never)
private func longScalar(_ bytes: Bytes, _ index: Int, _ first: UInt8) -> (value: UInt32, length: Int) {
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    let broken = (0x11_0000 | UInt32(first), 1)
    guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return broken }
    var value = UInt32(first) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for i in 1..<length {
        let next = bytes[index + i]
        if next & 0xC0 != 0x80 { return broken }
        value = value << 6 | UInt32(next & 0x3F)
    }
    return (value, length)
}

/// How many scalars there are: bytes that do not continue one.
@inline(__always)
func scalarCount(_ bytes: Bytes) -> Int {
    var count = 0
    for i in 0..<bytes.count { count &+= bytes[i] & 0xC0 != 0x80 ? 1 : 0 }
    return count
}

/// Where the first `pattern` at or behind `start` is; -1 for nowhere.
func find(_ pattern: Bytes, in bytes: Bytes, from start: Int = 0) -> Int {
    if pattern.isEmpty { return start <= bytes.count ? start : -1 }
    var place = start
    while place &+ pattern.count <= bytes.count {
        let base = unsafe bytes.start + place
        // Safety: what is searched lies inside the bytes.
        guard let hit = unsafe memchr(base, Int32(pattern[0]), bytes.count &- pattern.count &- place &+ 1) else {
            return -1
        }
        unsafe place &+= UnsafeRawPointer(hit) - UnsafeRawPointer(base)
        if bytes.has(pattern, at: place) { return place }
        place &+= 1
    }
    return -1
}

enum LetterCase: Sendable { case upper, lower, title }

/// The scalar in another case, where that is one scalar.
func mapped(_ value: UInt32, to letterCase: LetterCase) -> UInt32 {
    if value < 0x80 {
        let isLower = value >= 97 && value <= 122
        let isUpper = value >= 65 && value <= 90
        return letterCase == .lower ? (isUpper ? value | 32 : value) : (isLower ? value & ~32 : value)
    }
    guard let scalar = Unicode.Scalar(value) else { return value }
    if value == 0xDF && letterCase != .lower { return 0x1E9E }
    let properties = scalar.properties
    let text =
        switch letterCase {
        case .upper: properties.uppercaseMapping
        case .lower: properties.lowercaseMapping
        case .title: properties.titlecaseMapping
        }
    var scalars = text.unicodeScalars.makeIterator()
    guard let first = scalars.next(), scalars.next() == nil else { return value }
    return first.value
}

/// What `string_is_...` asks of scalars.
enum ScalarClass: String, Sendable, CaseIterable {
    case alnum, alpha, decimal, digit, lower, numeric, printable, space, title, upper

    func holds(_ value: UInt32, isASCII: Bool) -> Bool {
        if value < 0x80 {
            let isLower = value >= 97 && value <= 122
            let isUpper = value >= 65 && value <= 90
            let isDigit = value >= 48 && value <= 57
            switch self {
            case .alnum: return isLower || isUpper || isDigit
            case .alpha: return isLower || isUpper
            case .decimal, .digit, .numeric: return isDigit
            case .lower: return isLower
            case .printable: return value >= 32 && value < 127
            case .space: return value == 32 || (value >= 9 && value <= 13) || (!isASCII && value >= 28 && value < 32)
            case .title, .upper: return isUpper
            }
        }
        if isASCII { return false }
        guard let scalar = Unicode.Scalar(value) else { return false }
        let category = scalar.properties.generalCategory
        switch self {
        case .alnum: return Self.isLetter(category) || Self.isNumber(category)
        case .alpha: return Self.isLetter(category)
        case .decimal: return category == .decimalNumber
        case .digit: return category == .decimalNumber || category == .otherNumber
        case .lower: return category == .lowercaseLetter
        case .numeric: return Self.isNumber(category)
        case .printable:
            return ![
                .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
                .spaceSeparator,
            ].contains(category)
        case .space: return [.spaceSeparator, .lineSeparator, .paragraphSeparator].contains(category) || value == 0x85
        case .title, .upper: return category == .uppercaseLetter || category == .titlecaseLetter
        }
    }

    private static func isLetter(_ category: Unicode.GeneralCategory) -> Bool {
        [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter].contains(category)
    }
    private static func isNumber(_ category: Unicode.GeneralCategory) -> Bool {
        [.decimalNumber, .letterNumber, .otherNumber].contains(category)
    }
}

/// White space as string functions split and trim it.
@inline(__always)
func isSpace(_ value: UInt32, isASCII: Bool) -> Bool { ScalarClass.space.holds(value, isASCII: isASCII) }
