import CMartlet
package import MartletArrow
package import MartletBase

/// Capsules of the Arrow PyCapsule interface (CDataInterface/PyCapsuleInterface.rst). Whoever consumes one moves the
/// structure out; the destructor releases what is left.
package enum PythonCapsules {
    private static let schemaName = named("arrow_schema")
    private static let arrayName = named("arrow_array")
    private static let streamName = named("arrow_array_stream")

    /// A capsule keeps the pointer to its name, so names live for ever.
    private static func named(_ name: StaticString) -> UInt { UInt(bitPattern: name.utf8Start) }
    private static func text(_ name: UInt) -> CPython.Text { UnsafePointer(bitPattern: name)! }

    package static func schema(_ field: Field) throws(MartletError) -> Object {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let structure = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
        do throws(MartletError) { try field.export(to: structure) } catch {
            structure.deallocate()
            throw error
        }
        guard let capsule = python.makeCapsule(structure, text(schemaName), { PythonCapsules.dropSchema($0) }) else {
            structure.pointee.release?(structure)
            structure.deallocate()
            throw python.takeError()
        }
        return capsule
    }

    package static func array(_ data: ArrayData) throws(MartletError) -> Object {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let structure = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
        data.export(to: structure)
        guard let capsule = python.makeCapsule(structure, text(arrayName), { PythonCapsules.dropArray($0) }) else {
            structure.pointee.release?(structure)
            structure.deallocate()
            throw python.takeError()
        }
        return capsule
    }

    package static func stream(_ stream: any ArrayStream) throws(MartletError) -> Object {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let structure = UnsafeMutablePointer<ArrowArrayStream>.allocate(capacity: 1)
        export(stream, to: structure)
        guard let capsule = python.makeCapsule(structure, text(streamName), { PythonCapsules.dropStream($0) }) else {
            structure.pointee.release?(structure)
            structure.deallocate()
            throw python.takeError()
        }
        return capsule
    }

    /// Drops a reference to a capsule that cannot be handed out.
    package static func drop(_ capsule: Object) {
        if let python = try? CPython.shared() { python.decref(capsule) }
    }

    private static func structure<Structure>(_ capsule: Object?, _ name: UInt, _: Structure.Type)
        -> UnsafeMutablePointer<Structure>?
    {
        (try? CPython.shared())?.capsulePointer(capsule, text(name))?.assumingMemoryBound(to: Structure.self)
    }

    private static func dropSchema(_ capsule: Object?) {
        guard let structure = structure(capsule, schemaName, ArrowSchema.self) else { return }
        structure.pointee.release?(structure)
        structure.deallocate()
    }

    private static func dropArray(_ capsule: Object?) {
        guard let structure = structure(capsule, arrayName, ArrowArray.self) else { return }
        structure.pointee.release?(structure)
        structure.deallocate()
    }

    private static func dropStream(_ capsule: Object?) {
        guard let structure = structure(capsule, streamName, ArrowArrayStream.self) else { return }
        structure.pointee.release?(structure)
        structure.deallocate()
    }
}
