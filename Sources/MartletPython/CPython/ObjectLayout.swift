import Glibc

/// Where CPython keeps what hot loops read, proven by looking at objects of known value when the process starts.
///
/// What is not proven (other builds, future versions) is read through functions instead; nothing is guessed. The
/// environment variable MARTLET_PYTHON_LAYOUT=0 takes nothing as proven.
struct ObjectLayout {
    enum Integers {
        /// Read through functions only.
        case opaque
        /// Until 3.11: the signed number of 30-bit digits, then the digits.
        case signedSize
        /// From 3.12: the number of digits times 8, plus 0 for positive, 1 for zero, 2 for negative; then the digits.
        case tagged
    }

    /// `ob_type` lies at byte 8: builds with the GIL.
    private(set) var hasTypes = false
    private(set) var integers = Integers.opaque
    /// A float's value at byte 16.
    private(set) var hasFloats = false
    /// A list's size at 16 and its items behind the pointer at 24; a tuple's size at 16 and its items from 24.
    private(set) var hasLists = false
    private(set) var hasTuples = false
    /// A compact ASCII string's length at 16, its state at 32, and its bytes from here; 0: not proven.
    private(set) var asciiOffset = 0
    /// A `bytes` object's length at 16 and its bytes from 32.
    private(set) var hasBytes = false
    /// A type's name behind the pointer at 24.
    private(set) var hasTypeNames = false

    /// The bits `compact` and `ascii` of a string's state.
    static let asciiMask: UInt32 = 0b110_0000

    init() {}

    init(provenIn python: CPython) {
        if let wish = getenv("MARTLET_PYTHON_LAYOUT"), strcmp(wish, "0") == 0 { return }
        typealias Known = (object: Object?, type: Object)
        func word(_ object: Object, _ offset: Int) -> Int { object.load(fromByteOffset: offset, as: Int.self) }
        var made: [Object] = []
        func keep(_ object: Object?) -> Object? {
            if let object { made.append(object) }
            return object
        }
        defer {
            for object in made { python.decref(object) }
            python.clearError()
        }
        let samples: [Int64] = [
            0, 1, -1, 5, -300, 1 << 30 - 1, -(1 << 30) + 1, 1 << 30, -(1 << 30), 1 << 59, 1 << 60 - 1, -(1 << 60) + 1,
        ]
        let integers = samples.map { keep(python.makeInt64($0)) }
        let float = keep(python.makeDouble(-1234.5678))
        guard let list = keep(python.makeList(3)), let tuple = keep(python.makeTuple(2)), let float,
            let one = integers[1], let five = integers[3], !integers.contains(nil)
        else { return }
        for i in 0..<3 {
            python.incref(five)
            _ = python.setListItem(list, i, five)
        }
        for i in 0..<2 {
            python.incref(one)
            _ = python.setTupleItem(tuple, i, one)
        }
        let texts: [[UInt8]] = [Array("x".utf8), Array("hello".utf8), Array(repeating: 0x61, count: 1000)]
        let others = ["é", "ł", "😀", "hello ł"].map { Array($0.utf8) }
        let ascii = texts.map { keep(python.makeText($0, $0.count)) }
        let wide = others.map { keep(python.makeText($0, $0.count)) }
        guard !ascii.contains(nil), !wide.contains(nil) else { return }

        let known: [Known] =
            integers.map { ($0, python.intType) } + ascii.map { ($0, python.strType) } + [
                (float, python.floatType), (list, python.listType), (tuple, python.tupleType),
                (python.true, python.boolType),
            ]
        hasTypes = known.allSatisfy { word($0.object!, 8) == Int(bitPattern: $0.type) }
        guard hasTypes else { return }

        hasFloats = float.load(fromByteOffset: 16, as: Double.self) == -1234.5678
        for style in [Integers.signedSize, .tagged] {
            self.integers = style
            if zip(samples, integers).allSatisfy({ smallInteger($1!) == $0 }) { break }
            self.integers = .opaque
        }
        if word(list, 16) == 3, let items = list.load(fromByteOffset: 24, as: UnsafePointer<Object?>?.self) {
            hasLists = (0..<3).allSatisfy { items[$0] == five }
        }
        hasTuples =
            word(tuple, 16) == 2 && word(tuple, 24) == Int(bitPattern: one) && word(tuple, 32) == Int(bitPattern: one)
        if let bytes = keep(python.makeBytes(texts[1], texts[1].count)) {
            hasBytes =
                word(bytes, 8) == Int(bitPattern: python.bytesType) && word(bytes, 16) == 5
                && (0..<5).allSatisfy { bytes.load(fromByteOffset: 32 + $0, as: UInt8.self) == texts[1][$0] }
        }
        let names: [(Object, StaticString)] = [
            (python.intType, "int"), (python.floatType, "float"), (python.dictType, "dict"),
        ]
        hasTypeNames = names.allSatisfy { type, name in
            guard let text = type.load(fromByteOffset: 24, as: UnsafePointer<UInt8>?.self) else { return false }
            return (0...name.utf8CodeUnitCount).allSatisfy {
                text[$0] == ($0 == name.utf8CodeUnitCount ? 0 : name.utf8Start[$0])
            }
        }

        var offsets: Set<Int> = []
        for (object, text) in zip(ascii, texts) {
            guard let object, let bytes = python.utf8(object, nil), word(object, 16) == text.count,
                object.load(fromByteOffset: 32, as: UInt32.self) & Self.asciiMask == Self.asciiMask
            else { return }
            offsets.insert(Int(bitPattern: bytes) - Int(bitPattern: object))
        }
        guard offsets.count == 1, let offset = offsets.first, offset == 40 || offset == 48,
            wide.allSatisfy({ $0!.load(fromByteOffset: 32, as: UInt32.self) & Self.asciiMask != Self.asciiMask })
        else { return }
        asciiOffset = offset
    }

    /// Whether an exact `str` is compact ASCII, so that its bytes lie at `asciiOffset`.
    @inline(__always)
    static func isASCII(_ text: Object) -> Bool {
        text.load(fromByteOffset: 32, as: UInt32.self) & asciiMask == asciiMask
    }

    /// The value of an exact `int` of at most two digits; nil when it is larger or the layout is not proven.
    @inline(__always)
    func smallInteger(_ object: Object) -> Int64? {
        let head = object.load(fromByteOffset: 16, as: Int.self)
        switch integers {
        case .opaque: return nil
        case .signedSize:
            if head == 1 { return Int64(object.load(fromByteOffset: 24, as: UInt32.self)) }
            if head == 0 { return 0 }
            if head == -1 { return -Int64(object.load(fromByteOffset: 24, as: UInt32.self)) }
            if head == 2 { return Self.twoDigits(object) }
            if head == -2 { return -Self.twoDigits(object) }
            return nil
        case .tagged:
            let count = head >> 3
            let sign = Int64(1 - (head & 3))
            if count <= 1 { return sign &* Int64(object.load(fromByteOffset: 24, as: UInt32.self)) }
            if count == 2 { return sign &* Self.twoDigits(object) }
            return nil
        }
    }

    @inline(__always)
    private static func twoDigits(_ object: Object) -> Int64 {
        Int64(object.load(fromByteOffset: 24, as: UInt32.self)) | Int64(
            object.load(fromByteOffset: 28, as: UInt32.self)) << 30
    }
}
