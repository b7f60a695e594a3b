/// Key-value metadata of schemas, fields and files: ordered pairs of byte strings, usually UTF-8.
public struct Metadata: Sendable, Hashable {
    public struct Pair: Sendable, Hashable {
        public var key: [UInt8]
        public var value: [UInt8]
        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }
    public var pairs: [Pair]

    public init(_ pairs: [Pair] = []) { self.pairs = pairs }

    public var isEmpty: Bool { pairs.isEmpty }

    /// The first value of `key` as text.
    public subscript(key: String) -> String? {
        bytes(of: key).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value of `key`.
    public func bytes(of key: String) -> [UInt8]? {
        pairs.first { $0.key.elementsEqual(key.utf8) }?.value
    }

    public mutating func append(_ key: String, _ value: String) {
        pairs.append(Pair(key: Array(key.utf8), value: Array(value.utf8)))
    }

    public mutating func remove(_ key: String) { pairs.removeAll { $0.key.elementsEqual(key.utf8) } }

    /// Equal whatever the order of the pairs.
    public static func == (a: Metadata, b: Metadata) -> Bool {
        a.pairs == b.pairs || (a.pairs.count == b.pairs.count && Set(a.pairs) == Set(b.pairs))
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(pairs.count) }
}
