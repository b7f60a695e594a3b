import MartletBase

/// One `key=value` directory of a hive-partitioned dataset.
public struct PartitionSegment: Sendable, Hashable {
    public var key: String
    /// nil for the null key.
    public var value: String?
}

/// The texts of hive directories: `key=value`, both percent-encoded, with a name of its own for null.
public enum HivePath {
    public static let nullName = "__HIVE_DEFAULT_PARTITION__"

    public static func encode(_ segment: PartitionSegment) -> String {
        percentEncoded(segment.key) + "=" + (segment.value.map(percentEncoded) ?? nullName)
    }

    /// nil when `name` is no `key=value` directory.
    public static func decode(_ name: String) -> PartitionSegment? {
        guard let equals = name.firstIndex(of: "="), equals != name.startIndex else { return nil }
        let value = String(name[name.index(after: equals)...])
        return PartitionSegment(
            key: percentDecoded(String(name[..<equals])), value: value == nullName ? nil : percentDecoded(value))
    }

    /// RFC 3986: letters, digits and `-._~` stand for themselves.
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func percentDecoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[i + 1...i + 2], as: UTF8.self), radix: 16)
            {
                result.append(byte)
                i += 3
            } else {
                result.append(bytes[i])
                i += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
