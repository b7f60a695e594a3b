/// Shortening of long byte strings that stay bounds: a lower bound may only shrink, an upper bound only grow, and text
/// stays text.
enum BoundTruncation {
    /// Byte strings of pages and chunks are kept up to this length.
    static let chunkLength = 256
    /// Those of the page index, of which there are many.
    static let indexLength = 64
    /// An upper bound that cannot be shortened is kept up to this length and given up beyond.
    static let longestWhole = 4_096

    /// `bytes` cut to at most `length` bytes.
    static func lower(_ bytes: [UInt8], length: Int, isText: Bool) -> [UInt8] {
        bytes.count <= length ? bytes : Array(bytes[..<cut(bytes, length, isText)])
    }

    /// A string of at most `length` bytes that is above every string that starts as `bytes` does up to there; nil
    /// when there is none.
    static func upper(_ bytes: [UInt8], length: Int, isText: Bool) -> [UInt8]? {
        var prefix = Array(bytes[..<cut(bytes, length, isText)])
        if !isText {
            while let last = prefix.last {
                if last < 0xFF {
                    prefix[prefix.count - 1] = last + 1
                    return prefix
                }
                prefix.removeLast()
            }
            return nil
        }
        // The last character that has a successor of the same length takes its place.
        while !prefix.isEmpty {
            let start = characterStart(prefix, prefix.count - 1)
            if let next = successor(Array(prefix[start...])) { return Array(prefix[..<start]) + next }
            prefix.removeSubrange(start...)
        }
        return nil
    }

    /// Where to cut for at most `length` bytes.
    private static func cut(_ bytes: [UInt8], _ length: Int, _ isText: Bool) -> Int {
        if bytes.count <= length { return bytes.count }
        return isText ? characterStart(bytes, length) : length
    }

    /// The start of the character that holds byte `index`; at most 3 bytes before it, whatever the bytes are.
    private static func characterStart(_ bytes: [UInt8], _ index: Int) -> Int {
        var start = index
        while start > 0, index - start < 3, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// The UTF-8 of the next scalar value, if it takes as many bytes.
    private static func successor(_ character: [UInt8]) -> [UInt8]? {
        let text = String(decoding: character, as: UTF8.self)
        guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first,
            Array(text.utf8) == character
        else { return nil }
        let value = scalar.value == 0xD7FF ? 0xE000 : scalar.value + 1
        guard let next = Unicode.Scalar(value) else { return nil }
        let encoded = Array(String(Character(next)).utf8)
        return encoded.count == character.count ? encoded : nil
    }
}

extension ValueBounds {
    /// The same bounds with byte strings of at most `length` bytes.
    func truncated(to length: Int, isText: Bool) -> ValueBounds {
        guard case .known(.bytes(let min, let minIsExact), .bytes(let max, let maxIsExact)) = self else { return self }
        if min.count <= length && max.count <= length { return self }
        let lower = BoundTruncation.lower(min, length: length, isText: isText)
        var upper = max
        var upperIsExact = maxIsExact
        if max.count > length {
            if let shorter = BoundTruncation.upper(max, length: length, isText: isText) {
                upper = shorter
                upperIsExact = false
            } else if max.count > BoundTruncation.longestWhole {
                return .unknown
            }
        }
        return .known(
            min: .bytes(lower, isExact: minIsExact && lower.count == min.count),
            max: .bytes(upper, isExact: upperIsExact))
    }
}
