public import CMartlet
import Glibc
public import MartletBase

extension Field {
    /// Fills `out` with this field; its `release` frees everything (CDataInterface.rst, "The ArrowSchema structure").
    @unsafe
    public func export(to out: UnsafeMutablePointer<ArrowSchema>) throws(MartletError) {
        if case .extension = type { return try unsafe withExtensionAsMetadata.export(to: out) }
        var flags: Int64 = isNullable ? Int64(ARROW_FLAG_NULLABLE) : 0
        var dictionary: UnsafeMutablePointer<ArrowSchema>?
        if case .map(_, keysSorted: true) = type { flags |= Int64(ARROW_FLAG_MAP_KEYS_SORTED) }
        if case .dictionary(_, let value, let isOrdered) = type {
            if isOrdered { flags |= Int64(ARROW_FLAG_DICTIONARY_ORDERED) }
            unsafe dictionary = .allocate(capacity: 1)
            try unsafe Field("", value).export(to: dictionary!)
        }
        let fields = type.childFields
        var children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>?
        if !fields.isEmpty {
            unsafe children = .allocate(capacity: fields.count)
            for (i, field) in fields.enumerated() {
                let child = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
                try unsafe field.export(to: child)
                unsafe children![i] = child
            }
        }
        unsafe out.initialize(
            to: ArrowSchema(
                format: strdup(type.formatString), name: strdup(name), metadata: metadata.encoded(), flags: flags,
                n_children: Int64(fields.count), children: children, dictionary: dictionary,
                release: { schema in if let schema = unsafe schema { unsafe releaseSchema(schema) } },
                private_data: nil))
    }
}

/// Frees what `export` allocated; children that a consumer has moved out are already released and skipped.
private func releaseSchema(_ schema: UnsafeMutablePointer<ArrowSchema>) {
    unsafe free(UnsafeMutableRawPointer(mutating: schema.pointee.format))
    unsafe free(UnsafeMutableRawPointer(mutating: schema.pointee.name))
    unsafe free(UnsafeMutableRawPointer(mutating: schema.pointee.metadata))
    if let children = unsafe schema.pointee.children {
        for i in 0..<Int(unsafe schema.pointee.n_children) {
            guard let child = unsafe children[i] else { continue }
            unsafe child.pointee.release?(child)
            unsafe child.deallocate()
        }
        unsafe children.deallocate()
    }
    if let dictionary = unsafe schema.pointee.dictionary {
        unsafe dictionary.pointee.release?(dictionary)
        unsafe dictionary.deallocate()
    }
    unsafe schema.pointee.release = nil
}

extension Metadata {
    /// The interface's encoding in malloc'ed memory; nil when there is none.
    fileprivate func encoded() -> UnsafePointer<CChar>? {
        if pairs.isEmpty { return nil }
        var bytes: [UInt8] = []
        func append(_ count: Int) {
            unsafe withUnsafeBytes(of: Int32(clamping: count)) { unsafe bytes.append(contentsOf: $0) }
        }
        append(pairs.count)
        for pair in pairs {
            append(pair.key.count)
            bytes += pair.key
            append(pair.value.count)
            bytes += pair.value
        }
        guard let copy = unsafe malloc(bytes.count) else { return nil }
        unsafe bytes.withUnsafeBytes { unsafe _ = memcpy(copy, $0.baseAddress!, $0.count) }
        return unsafe UnsafePointer(copy.assumingMemoryBound(to: CChar.self))
    }
}
