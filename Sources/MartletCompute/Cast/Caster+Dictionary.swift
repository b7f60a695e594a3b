import MartletArrow
import MartletBase

extension Caster {
    /// The values that the indices point at, cast once for each entry of the dictionary.
    func decoded() throws(MartletError) -> ArrayData {
        guard let values = source.dictionary, case .dictionary(let index, _, _) = source.type else {
            throw unsupported()
        }
        let cast = try inner(values, to: target)
        return try take(cast, source.reinterpreted(as: index))
    }

    /// Another type of index or of value. Entries that nobody points at are cast as well.
    func betweenDictionaries() throws(MartletError) -> ArrayData {
        guard let values = source.dictionary, case .dictionary(let from, _, _) = source.type,
            case .dictionary(let to, let value, _) = target
        else { throw unsupported() }
        let dictionary = try inner(values, to: value)
        let indices = try Caster(
            source: ArrayData(
                type: from, count: count, offset: source.offset, validity: source.validity,
                nullCount: source.knownNullCount, buffers: source.buffers),
            target: to, options: .safe, place: place
        ).run()
        return ArrayData(
            type: target, count: count, offset: indices.offset, validity: indices.validity,
            nullCount: source.knownNullCount, buffers: indices.buffers, dictionary: dictionary)
    }

    func encoded() throws(MartletError) -> ArrayData {
        guard case .dictionary(let index, let value, _) = target else { throw unsupported() }
        let values = try Caster(source: source, target: value, options: options, place: place).run()
        let encoded = try dictionaryEncode(values, index: index)
        return encoded.reinterpreted(as: target)
    }
}
