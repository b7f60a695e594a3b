public import CMartlet
import Glibc
import MartletBase

extension ArrayData {
    /// Fills `out` with this array without a copy; its memory lives until `release` is called, on whatever thread
    /// (CDataInterface.rst, "The ArrowArray structure").
    @unsafe
    public func export(to out: UnsafeMutablePointer<ArrowArray>) {
        // A struct may be a record batch, and some consumers take its children for columns as long as they are.
        if validity == nil, case .struct = type, offset > 0 || children.contains(where: { $0.count != count }) {
            let columns = children.indices.map { child($0) }
            return unsafe ArrayData(type: type, count: count, children: columns).export(to: out)
        }
        let layout = type.layout
        let (hasValidity, isView) = (layout.hasValidity, layout.hasVariadicBuffers)
        let bufferCount = buffers.count + (hasValidity ? 1 : 0) + (isView ? 1 : 0)
        let lengths = isView ? variadicBuffers.map(\.count) : []
        let pointers = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: bufferCount + lengths.count + 1)
        if hasValidity { unsafe pointers[0] = validity?.address }
        for (i, buffer) in buffers.enumerated() {
            // Arrays of nothing may lack their one offset, which consumers read.
            let lacksOffset = count == 0 && buffer.count < 8
            unsafe pointers[i + (hasValidity ? 1 : 0)] = (lacksOffset ? noOffset ?? buffer : buffer).address
        }
        if isView {
            // How long the buffers behind the views are; the numbers lie behind the pointers.
            let sizes = unsafe UnsafeMutableRawPointer(pointers + bufferCount)
            for (i, length) in lengths.enumerated() {
                unsafe sizes.storeBytes(of: Int64(length), toByteOffset: i * 8, as: Int64.self)
            }
            unsafe pointers[bufferCount - 1] = UnsafeRawPointer(sizes)
        }

        var childPointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>?
        if !children.isEmpty {
            unsafe childPointers = .allocate(capacity: children.count)
            for (i, child) in children.enumerated() {
                let copy = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
                unsafe child.export(to: copy)
                unsafe childPointers![i] = copy
            }
        }
        var dictionaryCopy: UnsafeMutablePointer<ArrowArray>?
        if let dictionary {
            unsafe dictionaryCopy = .allocate(capacity: 1)
            unsafe dictionary.export(to: dictionaryCopy!)
        }
        unsafe out.initialize(
            to: ArrowArray(
                // Consumers measure the buffers of empty arrays without their offset.
                length: Int64(count), null_count: Int64(knownNullCount ?? -1), offset: Int64(count == 0 ? 0 : offset),
                n_buffers: Int64(bufferCount), n_children: Int64(children.count), buffers: pointers,
                children: childPointers, dictionary: dictionaryCopy,
                release: { array in if let array = unsafe array { unsafe releaseArray(array) } },
                // Each level keeps its own data, so that a consumer may move children out (the specification's
                // "Moving child arrays").
                private_data: Unmanaged.passRetained(self).toOpaque()))
    }
}

/// An offset of 0, of either width.
private let noOffset = try? Buffer(zeroed: 8)

private func releaseArray(_ array: UnsafeMutablePointer<ArrowArray>) {
    unsafe array.pointee.buffers?.deallocate()
    // A consumer may have written into the structure: how many children there are, the data knows.
    let count = unsafe array.pointee.private_data.map {
        unsafe Unmanaged<ArrayData>.fromOpaque($0).takeUnretainedValue().children.count
    }
    if let children = unsafe array.pointee.children {
        for i in 0..<(count ?? 0) {
            guard let child = unsafe children[i] else { continue }
            unsafe child.pointee.release?(child)
            unsafe child.deallocate()
        }
        unsafe children.deallocate()
    }
    if let dictionary = unsafe array.pointee.dictionary {
        unsafe dictionary.pointee.release?(dictionary)
        unsafe dictionary.deallocate()
    }
    if let data = unsafe array.pointee.private_data { unsafe Unmanaged<ArrayData>.fromOpaque(data).release() }
    unsafe array.pointee.release = nil
}
