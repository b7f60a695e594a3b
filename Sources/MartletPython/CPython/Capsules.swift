import CMartlet
package import MartletArrow
package import MartletBase

/// Capsules of the Arrow PyCapsule interface (CDataInterface/PyCapsuleInterface.rst). Whoever consumes one moves the
/// structure out; the destructor releases what is left.
package enum PythonCapsules {
    fileprivate static let schemaName = named("arrow_schema")
    fileprivate static let arrayName = named("arrow_array")
    fileprivate static let streamName = named("arrow_array_stream")
    fileprivate static let deviceArrayName = named("arrow_device_array")
    fileprivate static let deviceStreamName = named("arrow_device_array_stream")

    /// A capsule keeps the pointer to its name, so names live for ever.
    private static func named(_ name: StaticString) -> UInt { UInt(bitPattern: name.utf8Start) }
    private static func text(_ name: UInt) -> CPython.Text { UnsafePointer(bitPattern: name)! }

    package static func schema(_ field: Field) throws(MartletError) -> Object {
        try capsule(ArrowSchema.self, { PythonCapsules.drop($0, ArrowSchema.self) }) {
            structure throws(MartletError) in try template(of: field).export(to: structure)
        }
    }

    /// The template that was used last: what goes out one by one has the same schema, as a rule.
    private static let lastTemplate = Guarded<SchemaTemplate?>(nil)

    private static func template(of field: Field) throws(MartletError) -> SchemaTemplate {
        if let last = lastTemplate.withLock({ $0 }), last.field == field, last.field.metadata.pairs == field.metadata.pairs {
            return last
        }
        let made = try SchemaTemplate(field)
        lastTemplate.withLock { $0 = made }
        return made
    }

    package static func array(_ data: ArrayData) throws(MartletError) -> Object {
        try capsule(ArrowArray.self, { PythonCapsules.drop($0, ArrowArray.self) }) {
            data.export(to: $0)
        }
    }

    package static func stream(_ stream: any ArrayStream) throws(MartletError) -> Object {
        try capsule(ArrowArrayStream.self, { PythonCapsules.drop($0, ArrowArrayStream.self) }) {
            export(stream, to: $0)
        }
    }

    package static func deviceArray(_ data: ArrayData) throws(MartletError) -> Object {
        try capsule(
            ArrowDeviceArray.self, { PythonCapsules.drop($0, ArrowDeviceArray.self) }
        ) { data.export(to: $0) }
    }

    package static func deviceStream(_ stream: any ArrayStream) throws(MartletError) -> Object {
        try capsule(
            ArrowDeviceArrayStream.self,
            { PythonCapsules.drop($0, ArrowDeviceArrayStream.self) }
        ) { export(stream, to: $0) }
    }

    /// The tuple of a schema's capsule and its array's.
    package static func exported(_ data: ArrayData, _ field: Field, isDevice: Bool = false) throws(MartletError) -> Object {
        let python = try CPython.shared()
        let schema = try Owned(try schema(field), python)
        let array = try Owned(isDevice ? try deviceArray(data) : try array(data), python)
        let tuple = try Owned(python.makeTuple(2), python)
        _ = python.setTupleItem(tuple.object, 0, schema.give())
        _ = python.setTupleItem(tuple.object, 1, array.give())
        return tuple.give()
    }

    /// The structure in a capsule; nil, and a Python exception, when it holds something else.
    static func pointer<Structure: ExportedStructure>(
        _ capsule: Object, _: Structure.Type, _ python: CPython
    ) -> UnsafeMutablePointer<Structure>? {
        python.capsulePointer(capsule, text(Structure.capsuleName))?.assumingMemoryBound(to: Structure.self)
    }

    private static func capsule<Structure: ExportedStructure>(
        _: Structure.Type, _ destructor: @convention(c) (Object?) -> Void,
        fill: (UnsafeMutablePointer<Structure>) throws(MartletError) -> Void
    ) throws(MartletError) -> Object {
        let python = try CPython.shared()
        ParkedReferences.drain(python)
        let structure = UnsafeMutablePointer<Structure>.allocate(capacity: 1)
        do throws(MartletError) { try fill(structure) } catch {
            structure.deallocate()
            throw error
        }
        guard let capsule = python.makeCapsule(structure, text(Structure.capsuleName), destructor) else {
            Structure.releaseWhatIsLeft(structure)
            structure.deallocate()
            throw python.takeError()
        }
        return capsule
    }

    private static func drop<Structure: ExportedStructure>(_ capsule: Object?, _: Structure.Type) {
        guard let python = try? CPython.shared(),
            let structure = python.capsulePointer(capsule, text(Structure.capsuleName))?.assumingMemoryBound(to: Structure.self)
        else { return }
        Structure.releaseWhatIsLeft(structure)
        structure.deallocate()
    }

    /// Drops a reference to a capsule that cannot be handed out.
    package static func drop(_ capsule: Object) {
        if let python = try? CPython.shared() { python.decref(capsule) }
    }
}

/// A structure with a `release` of its own that is NULL when it was moved out.
protocol ExportedStructure {
    static var capsuleName: UInt { get }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>)
}

extension ArrowSchema: ExportedStructure {
    static var capsuleName: UInt { PythonCapsules.schemaName }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>) { structure.pointee.release?(structure) }
}

extension ArrowArray: ExportedStructure {
    static var capsuleName: UInt { PythonCapsules.arrayName }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>) { structure.pointee.release?(structure) }
}

extension ArrowArrayStream: ExportedStructure {
    static var capsuleName: UInt { PythonCapsules.streamName }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>) { structure.pointee.release?(structure) }
}

extension ArrowDeviceArray: ExportedStructure {
    static var capsuleName: UInt { PythonCapsules.deviceArrayName }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>) {
        withUnsafeMutablePointer(to: &structure.pointee.array) { $0.pointee.release?($0) }
    }
}

extension ArrowDeviceArrayStream: ExportedStructure {
    static var capsuleName: UInt { PythonCapsules.deviceStreamName }
    static func releaseWhatIsLeft(_ structure: UnsafeMutablePointer<Self>) { structure.pointee.release?(structure) }
}
