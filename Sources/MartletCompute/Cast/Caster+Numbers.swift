import Glibc
import MartletArrow
import MartletBase

extension Caster {
    /// Between numbers. Narrow kinds go through 64 bits, which hold all of them, so that there is code for a few sources
    /// only and not for every pair.
    func numbers() throws(MartletError) -> ArrayData {
        guard let from = source.type.nativeKind, let to = target.nativeKind else { throw unsupported() }
        switch from {
        case .int32: return try to.acceptNumber(ToNumber<Int32>(caster: self))
        case .int64: return try to.acceptNumber(ToNumber<Int64>(caster: self))
        case .uint64: return try to.acceptNumber(ToNumber<UInt64>(caster: self))
        case .float64: return try to.acceptNumber(ToNumber<Double>(caster: self))
        case .float32 where to == .float64: return try widened(Float.self, Double.self, .float64)
        case .float32: return try afterWidening(try widened(Float.self, Double.self, .float64))
        case .float16: return try afterWidening(try widened(Float16.self, Double.self, .float64))
        case .int8: return try afterWidening(try widened(Int8.self, Int64.self, .int64))
        case .int16: return try afterWidening(try widened(Int16.self, Int64.self, .int64))
        case .uint8: return try afterWidening(try widened(UInt8.self, UInt64.self, .uint64))
        case .uint16: return try afterWidening(try widened(UInt16.self, UInt64.self, .uint64))
        case .uint32: return try afterWidening(try widened(UInt32.self, UInt64.self, .uint64))
        case .int128: throw unsupported()
        }
    }

    private func afterWidening(_ wide: ArrayData) throws(MartletError) -> ArrayData {
        try Caster(source: wide, target: target, options: options, place: place).run()
    }

    /// The same numbers in a kind that holds all of them.
    private func widened<From: NumberValue, To: NumberValue>(
        _ from: From.Type, _ to: To.Type, _ type: DataType
    ) throws(MartletError) -> ArrayData {
        let values = try unsafe Shared(source.values(of: from))
        let buffer = try unsafe makeValues(to, count: count) { target throws(MartletError) in
            let output = unsafe Shared(target)
            // Safety: both hold `count` values; pieces are disjoint.
            try forEachPiece(of: count) { start, length in
                let (input, output) = unsafe (values.value, output.value)
                for i in start..<start &+ length { unsafe output[i] = To(converting: input[i]) }
            }
        }
        return ArrayData(
            type: type, count: count, validity: try source.rebasedValidity(), nullCount: source.knownNullCount,
            buffers: [buffer])
    }

    func booleansToNumbers() throws(MartletError) -> ArrayData {
        guard let kind = target.nativeKind else { throw unsupported() }
        return try kind.acceptNumber(FromBoolean(caster: self))
    }

    func numbersToBooleans() throws(MartletError) -> ArrayData {
        guard let kind = source.type.nativeKind else { throw unsupported() }
        return try kind.acceptNumber(ToBoolean(caster: self))
    }
}

private struct ToNumber<From: NumberValue>: NumberVisitor {
    let caster: Caster

    func visit<To: NumberValue>(_ type: To.Type) throws(MartletError) -> ArrayData {
        let (options, place, target) = (caster.options, caster.place, caster.target)
        switch (From.isInteger, To.isInteger) {
        case (true, true):
            if options.allowIntOverflow { return try plain(type) }
            return try caster.mapped(From.self, To.self) { value in
                let result = To(converting: value)
                return (result, From(converting: result) == value && (result < .zero) == (value < .zero))
            } failure: { value, row in
                let (low, high) = Self.sharedRange(To.self)
                return .invalid(
                    "Integer value \(value.text) not in range: \(low) to \(high) (\(place.text(row))); "
                        + "cast to a wider type, or pass safe=False to keep the low bits")
            }
        case (true, false):
            let exactBits = MemoryLayout<To>.size == 8 ? 53 : MemoryLayout<To>.size == 4 ? 24 : 11
            if options.allowFloatTruncate || MemoryLayout<From>.size * 8 - (From.isSigned ? 1 : 0) <= exactBits {
                return try plain(type)
            }
            let limit = Int64(1) << Int64(exactBits)
            return try caster.mapped(From.self, To.self) { value in
                let isExact =
                    From.isSigned
                    ? value.bits >= -limit && value.bits <= limit
                    : UInt64(bitPattern: value.bits) <= UInt64(limit)
                return (To(converting: value), isExact)
            } failure: { value, row in
                .invalid(
                    "Integer value \(value.text) not in range: \(From.isSigned ? -limit : 0) to \(limit) "
                        + "(\(place.text(row))); pass safe=False to round to the next \(target)")
            }
        case (false, true):
            if options.allowFloatTruncate { return try plain(type) }
            return try caster.mapped(From.self, To.self) { value in
                let result = To(converting: value)
                return (result, From(converting: result) == value)
            } failure: { value, row in
                .invalid(
                    "Float value \(fixedText(value.double)) was truncated converting to \(target) "
                        + "(\(place.text(row))); round the values first, or pass safe=False")
            }
        case (false, false): return try plain(type)
        }
    }

    private func plain<To: NumberValue>(_ type: To.Type) throws(MartletError) -> ArrayData {
        try caster.mapped(From.self, To.self) { (To(converting: $0), true) } failure: { _, _ in .cancelled }
    }

    /// The whole numbers that both kinds hold, as text.
    private static func sharedRange<To: NumberValue>(_ type: To.Type) -> (String, String) {
        let unsignedTop = MemoryLayout<To>.size < MemoryLayout<From>.size ? top(To.self) : top(From.self)
        let sameWidth = MemoryLayout<To>.size == MemoryLayout<From>.size
        let high = sameWidth ? min(top(To.self), top(From.self)) : unsignedTop
        guard From.isSigned && To.isSigned else { return ("0", "\(high)") }
        return ("-\(high + 1)", "\(high)")
    }

    private static func top<Value: NumberValue>(_ type: Value.Type) -> UInt64 {
        UInt64.max >> UInt64(64 - MemoryLayout<Value>.size * 8 + (Value.isSigned ? 1 : 0))
    }
}

/// C's `%f`: six digits behind the point.
func fixedText(_ value: Double) -> String {
    var text = [CChar](repeating: 0, count: 512)
    let length = unsafe withVaList([value]) { arguments in unsafe vsnprintf(&text, 512, "%f", arguments) }
    return String(decoding: text.prefix(Int(max(0, min(length, 511)))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private struct FromBoolean: NumberVisitor {
    let caster: Caster
    func visit<To: NumberValue>(_ type: To.Type) throws(MartletError) -> ArrayData {
        let bits = try caster.source.bits()
        let buffer = try unsafe makeValues(type, count: caster.count) { target in
            for i in 0..<bits.count { unsafe target[i] = To(signed: bits[i] ? 1 : 0) }
        }
        return ArrayData(
            type: caster.target, count: caster.count, validity: try caster.source.rebasedValidity(), buffers: [buffer])
    }
}

private struct ToBoolean: NumberVisitor {
    let caster: Caster
    func visit<From: NumberValue>(_ type: From.Type) throws(MartletError) -> ArrayData {
        let values = try unsafe Shared(caster.source.values(of: type))
        // Safety: `word` asks for slots below the count only.
        let bits = try makeBits(count: caster.count) { start, length in
            var word: UInt64 = 0
            for i in 0..<length {
                let bit: UInt64 = unsafe values.value[start &+ i] != .zero ? 1 : 0
                word |= bit &<< UInt64(truncatingIfNeeded: i)
            }
            return word
        }
        return .booleans(bits, count: caster.count, validity: try caster.source.rebasedValidity())
    }
}
