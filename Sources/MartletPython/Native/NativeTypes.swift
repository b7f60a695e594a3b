import CMartlet
import Glibc
import MartletArrow
package import MartletBase

/// The types and functions that Python calls without `ctypes`: what happens once for each of very many small objects.
///
/// They are made when the package is imported, from CPython's stable ABI, and live as long as the process. Everything
/// here runs with the GIL held.
package final class NativeTypes: @unchecked Sendable {
    /// `METH_FASTCALL | METH_KEYWORDS`
    package typealias Fast = @convention(c) (Object?, UnsafePointer<Object?>?, Int, Object?) -> Object?
    static let fastKeywords: Int32 = 0x80 | 0x02

    let python: CPython
    let api: TypeFunctions
    let headSize: Int
    private var arrayType, batchType, scalarType: Object?
    private let arrowArrayName, requestedName, handleName, scalarName, getItemName, asPyName, sliceName: Object
    /// Python's `exception_for(code, system error, text)`.
    private var exceptionMaker: Object?
    /// `known` schemas: what came in last, for batches and for arrays.
    private let lastBatch = Guarded<Known?>(nil), lastArray = Guarded<Known?>(nil)
    /// `describe(address of a SchemaHandle)` is a tuple of what describes the objects (a Schema, a DataType) and their class.
    private var describeBatch, describeArray: Object?
    /// The class of the scalars of each class of arrays.
    private let scalarClasses = Guarded<[UInt: UInt]>([:])

    private static let made: Result<NativeTypes, MartletError> = {
        do throws(MartletError) { return .success(try NativeTypes()) } catch { return .failure(error) }
    }()

    package static func shared() throws(MartletError) -> NativeTypes { try made.get() }

    private init() throws(MartletError) {
        let python = try CPython.shared()
        let api = try TypeFunctions()
        self.python = python
        self.api = api
        // How large the head of an object is: `object` has nothing else.
        var symbols = Symbols()
        headSize = Int(try python.integerAttribute(symbols.object("PyBaseObject_Type"), "__basicsize__"))
        guard headSize >= 16, headSize <= 64, headSize % 8 == 0 else {
            throw .notImplemented("objects of this Python have a head of \(headSize) bytes")
        }
        func name(_ text: CPython.Text) throws(MartletError) -> Object {
            guard let name = api.intern(text) else { throw python.takeError() }
            return name
        }
        arrowArrayName = try name("__arrow_c_array__")
        requestedName = try name("_requested")
        handleName = try name("_handle")
        scalarName = try name("_scalar")
        getItemName = try name("_item")
        asPyName = try name("_as_py")
        sliceName = try name("_slice")
    }

    // MARK: - The door

    /// A dict of the types and functions: those of this room, and `more` of the room above.
    package func table(_ more: [(StaticString, Fast)]) throws(MartletError) -> Object {
        if arrayType == nil { try makeTypes() }
        let dict = try Owned(python.makeDict(), python)
        let target = dict.object
        func set(_ name: StaticString, _ object: Object?) throws(MartletError) {
            let value = try Owned(object, python)
            let key = try Owned(python.makeText(name.utf8Start, name.utf8CodeUnitCount), python)
            if python.setDictItem(target, key.object, value.object) != 0 { throw python.takeError() }
        }
        for (name, type) in [("ArrayCells", arrayType), ("BatchCells", batchType), ("ScalarCells", scalarType)]
            as [(StaticString, Object?)]
        {
            python.incref(type)
            try set(name, type)
        }
        let own: [(StaticString, Fast)] = [
            ("configure", nativeConfigure), ("set_scalar_class", nativeSetScalarClass), ("forget", nativeForget),
            ("imported_batch", nativeImportedBatch), ("imported_array", nativeImportedArray),
        ]
        for (name, function) in own + more { try set(name, makeFunction(name, function)) }
        return dict.give()
    }

    private func makeFunction(_ name: StaticString, _ function: Fast) -> Object? {
        let definition = UnsafeMutablePointer<UInt>.allocate(capacity: 4)
        definition[0] = UInt(bitPattern: name.utf8Start)
        definition[1] = UInt(bitPattern: unsafeBitCast(function, to: UnsafeMutableRawPointer.self))
        definition[2] = UInt(Self.fastKeywords)
        definition[3] = 0
        return api.makeFunction(definition, nil, nil)
    }

    private func makeTypes() throws(MartletError) {
        var array = CellType()
        array.member("__weaklistoffset__", .size, Cells.weakReferences, isReadOnly: true)
        array.member("_as_parameter_", .address, Cells.pointer)
        array.member("_length", .size, Cells.number)
        array.member("type", .object, Cells.first)
        array.method("__arrow_c_array__", nativeArrowArray)
        array.method("release", nativeRelease)
        array.method("slice", nativeSlice)
        array.subscripted(nativeGetItem)
        array.sequence(nativeItem, nativeLength, iterator: api.sequenceIterator)
        arrayType = try Owned(
            array.make("martlet.lib.ArrayCells", headSize: headSize, api, nativeDeallocate), python
        ).give()

        var batch = CellType()
        batch.member("__weaklistoffset__", .size, Cells.weakReferences, isReadOnly: true)
        batch.member("_as_parameter_", .address, Cells.pointer)
        batch.member("num_rows", .size, Cells.number)
        batch.member("schema", .object, Cells.first)
        batch.member("_columns", .objectOrNone, Cells.second)
        batch.method("__arrow_c_array__", nativeArrowArray)
        batch.method("release", nativeRelease)
        batch.method("slice", nativeSlice)
        batch.method("_children", nativeChildren)
        batch.method("_pieces", nativePieces)
        batchType = try Owned(
            batch.make("martlet.lib.BatchCells", headSize: headSize, api, nativeDeallocate), python
        ).give()

        var scalar = CellType()
        scalar.member("__weaklistoffset__", .size, Cells.weakReferences, isReadOnly: true)
        scalar.member("_slot", .size, Cells.number)
        scalar.member("_source", .object, Cells.first)
        scalar.member("_cut", .object, Cells.second)
        scalar.method("as_py", nativeAsPython)
        scalarType = try Owned(
            scalar.make("martlet.lib.ScalarCells", headSize: headSize, api, nativeDeallocate), python
        ).give()
    }

    /// `configure(exception_for, describe_batch, describe_array)`
    fileprivate func configure(_ arguments: UnsafePointer<Object?>?, _ count: Int) -> Object? {
        guard count == 3, let arguments else { return refuse("configure takes 3 arguments") }
        for i in 0..<3 { python.incref(arguments[i]) }
        exceptionMaker = arguments[0]
        describeBatch = arguments[1]
        describeArray = arguments[2]
        return none()
    }

    fileprivate func setScalarClass(_ arguments: UnsafePointer<Object?>?, _ count: Int) -> Object? {
        guard count == 2, let array = arguments?[0], let scalar = arguments?[1], let scalarType,
            python.isSubtype(scalar, scalarType) != 0
        else { return refuse("set_scalar_class takes a class of arrays and one of scalars") }
        python.incref(array)
        python.incref(scalar)
        let (key, value) = (UInt(bitPattern: array), UInt(bitPattern: scalar))
        scalarClasses.withLock { $0[key] = value }
        return none()
    }

    /// What came in before a name of an extension type was known comes in anew.
    fileprivate func forget() -> Object? {
        func taken(_ last: inout Known?) -> Known? {
            defer { last = nil }
            return last
        }
        for old in [lastBatch.withLock { taken(&$0) }, lastArray.withLock { taken(&$0) }] {
            guard let old else { continue }
            python.decref(old.described)
            python.decref(old.type)
        }
        return none()
    }

    // MARK: - Errors

    package func none() -> Object {
        python.incref(python.none)
        return python.none
    }

    /// Sets a TypeError and returns NULL.
    package func refuse(_ text: String) -> Object? {
        text.withCString { api.setErrorText(python.typeError, $0) }
        return nil
    }

    /// Sets Python's exception for an error and returns NULL.
    package func raise(_ error: MartletError) -> Object? {
        guard let exceptionMaker, let code = python.makeInt64(Int64(error.code.rawValue)),
            let system = python.makeInt64(Int64(error.systemError)), let text = try? python.makeText(error.message),
            let arguments = python.makeTuple(3)
        else { return refuse(error.message) }
        _ = python.setTupleItem(arguments, 0, code)
        _ = python.setTupleItem(arguments, 1, system)
        _ = python.setTupleItem(arguments, 2, text)
        defer { python.decref(arguments) }
        guard let exception = python.call(exceptionMaker, arguments, nil) else { return nil }
        let type = python.type(of: exception)
        api.setError(type, exception)
        python.decref(exception)
        return nil
    }

    // MARK: - Objects

    /// The handle of an array or batch; nil when it has none yet or any more.
    fileprivate func handle(_ object: Object) -> ArrayHandle? {
        guard let pointer = UnsafeRawPointer(bitPattern: Cells(object, self).pointer) else { return nil }
        return Unmanaged<ArrayHandle>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// A new object of a class over the cells, which owns `handle`.
    package func make(_ type: Object, _ handle: ArrayHandle, described: Object) -> Object? {
        guard let object = api.allocate(type, 0) else { return nil }
        let cells = Cells(object, self)
        cells.pointer = UInt(bitPattern: Unmanaged.passRetained(handle).toOpaque())
        cells.number = handle.data.count
        python.incref(described)
        cells.first = described
        return object
    }

    /// The arguments of a function of the room above: an address and objects. Nil: an exception is set.
    package func address(_ arguments: UnsafePointer<Object?>?, _ count: Int, expected: Int) -> UnsafeRawPointer? {
        guard count == expected, let first = arguments?[0], let number = try? python.int64(first),
            let address = UnsafeRawPointer(bitPattern: Int(number))
        else {
            python.clearError()
            _ = refuse("expected the address of a handle and \(expected - 1) more arguments")
            return nil
        }
        return address
    }

    package func integer(_ object: Object) -> Int64? { try? python.int64(object) }

    /// `object.slice(offset, length)` for numbers that fit; `_slice` knows the rest. An extension's arrays are those of
    /// the class, as all others.
    fileprivate func slice(
        _ object: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int, _ names: Object?
    ) -> Object? {
        if names == nil, count == 1 || count == 2, let arguments, let first = arguments[0], let handle = handle(object),
            let offset = smallIndex(first), offset <= handle.data.count
        {
            let rest = handle.data.count - offset
            var length: Int? = rest
            if count == 2, let second = arguments[1], second != python.none { length = smallIndex(second) }
            if let length, let described = Cells(object, self).first {
                return make(
                    python.type(of: object),
                    ArrayHandle(handle.data.window(offset, min(length, rest)), field: handle.field), described: described)
            }
        }
        guard let method = api.attribute(object, sliceName) else { return nil }
        defer { python.decref(method) }
        return call(method, arguments, count, names)
    }

    /// An `int` that is not negative and fits.
    private func smallIndex(_ object: Object) -> Int? {
        guard python.type(of: object) == python.intType, let value = python.layout.smallInteger(object), value >= 0 else {
            return nil
        }
        return Int(value)
    }

    /// `batch._children(kinds)`: a list of the columns; `kinds` is a tuple of a type and a class for each.
    fileprivate func children(_ object: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int) -> Object? {
        guard count == 1, let kinds = arguments?[0], let handle = handle(object),
            python.tupleSize(kinds) == 2 * handle.data.children.count
        else { return refuse("_children takes a type and a class for each column") }
        let fields = handle.data.type.childFields
        guard let list = python.makeList(handle.data.children.count) else { return nil }
        for i in handle.data.children.indices {
            guard let type = python.tupleItem(kinds, 2 * i), let kind = python.tupleItem(kinds, 2 * i + 1),
                let made = make(kind, ArrayHandle(handle.data.child(i), field: fields[i]), described: type)
            else {
                python.decref(list)
                return nil
            }
            _ = python.setListItem(list, i, made)
        }
        return list
    }

    /// `batch._pieces(rows)`: a list of slices of at most so many rows.
    fileprivate func pieces(_ object: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int) -> Object? {
        guard count == 1, let wish = arguments?[0], let rows = smallIndex(wish), rows > 0, let handle = handle(object),
            let schema = Cells(object, self).first
        else { return refuse("_pieces takes a number of rows above 0") }
        let total = handle.data.count
        let pieces = total / rows + (total % rows == 0 ? 0 : 1)
        guard let list = python.makeList(pieces) else { return nil }
        let type = python.type(of: object)
        for i in 0..<pieces {
            let data = handle.data.window(i * rows, min(rows, total - i * rows))
            guard let made = make(type, ArrayHandle(data, field: handle.field), described: schema) else {
                python.decref(list)
                return nil
            }
            _ = python.setListItem(list, i, made)
        }
        return list
    }

    /// Runs `body` while other threads of Python may run.
    package func withoutLock<Result>(_ body: () throws(MartletError) -> Result) throws(MartletError) -> Result {
        let state = api.saveThread()
        defer { api.restoreThread(state) }
        return try body()
    }

    fileprivate func deallocate(_ object: Object) {
        let cells = Cells(object, self)
        if cells.weakReferences != nil { api.clearWeakReferences(object) }
        if cells.pointer != 0 { dropHandle(cells) }
        if let first = cells.first { python.decref(first) }
        if let second = cells.second { python.decref(second) }
        let type = python.type(of: object)
        typealias Free = @convention(c) (Object?) -> Void
        unsafeBitCast(api.slot(type, 74), to: Free.self)(object)
        python.decref(type)
    }

    /// Memory from outside may be released by Python code, which must not see a pending exception.
    fileprivate func dropHandle(_ cells: Cells) {
        guard let pointer = UnsafeRawPointer(bitPattern: cells.pointer) else { return }
        cells.pointer = 0
        var (type, value, trace): (Object?, Object?, Object?) = (nil, nil, nil)
        let isPending = python.errorOccurred() != nil
        if isPending { python.fetchError(&type, &value, &trace) }
        Unmanaged<ArrayHandle>.fromOpaque(pointer).release()
        if isPending { api.restoreError(type, value, trace) }
    }

    // MARK: - Values

    fileprivate func length(_ array: Object) -> Int { Cells(array, self).number }

    /// The scalar of a slot: `array._scalar(i)` where that is not the plain one.
    fileprivate func item(_ array: Object, _ index: Int) -> Object? {
        guard index >= 0, index < length(array) else {
            api.setErrorText(api.indexError, "index out of bounds")
            return nil
        }
        let type = UInt(bitPattern: python.type(of: array))
        guard let found = scalarClasses.withLock({ $0[type] }), let scalarClass = Object(bitPattern: found) else {
            guard let number = python.makeInt64(Int64(index)) else { return nil }
            defer { python.decref(number) }
            return callMethod(array, scalarName, number)
        }
        guard let scalar = api.allocate(scalarClass, 0) else { return nil }
        let cells = Cells(scalar, self)
        cells.number = index
        python.incref(array)
        cells.first = array
        return scalar
    }

    fileprivate func getItem(_ array: Object, _ key: Object) -> Object? {
        if python.type(of: key) == python.intType, let index = python.layout.smallInteger(key), index >= 0,
            index < Int64(length(array))
        {
            return item(array, Int(index))
        }
        return callMethod(array, getItemName, key)
    }

    fileprivate func asPython(_ scalar: Object) -> Object? {
        let cells = Cells(scalar, self)
        guard let source = cells.first else { return refuse("a scalar without a value") }
        guard let arrayType, python.isSubtype(python.type(of: source), arrayType) != 0, let handle = handle(source) else {
            return nil
        }
        return try? PythonValues.item(of: handle.data, cells.number)
    }

    /// `object.name(argument)`
    fileprivate func callMethod(_ object: Object, _ name: Object, _ argument: Object?) -> Object? {
        guard let method = api.attribute(object, name) else { return nil }
        defer { python.decref(method) }
        return call(method, argument)
    }

    private func call(
        _ callable: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int, _ names: Object?
    ) -> Object? {
        if let callFast = api.callFast { return callFast(callable, arguments, UInt(count), names) }
        guard let tuple = python.makeTuple(count), let named = python.makeDict() else { return nil }
        defer {
            python.decref(tuple)
            python.decref(named)
        }
        for i in 0..<count {
            python.incref(arguments?[i])
            _ = python.setTupleItem(tuple, i, arguments?[i])
        }
        if let names {
            for i in 0..<python.tupleSize(names) {
                _ = python.setDictItem(named, python.tupleItem(names, i), arguments?[count + i])
            }
        }
        return python.call(callable, tuple, named)
    }

    private func call(_ callable: Object, _ argument: Object?) -> Object? {
        if let callFast = api.callFast {
            // The place before the arguments is the callee's to use.
            return withUnsafeTemporaryAllocation(of: Object?.self, capacity: 2) { arguments in
                arguments.initialize(repeating: nil)
                arguments[1] = argument
                return callFast(
                    callable, UnsafePointer(arguments.baseAddress! + 1), (argument == nil ? 0 : 1) | 1 << 63, nil)
            }
        }
        guard let arguments = python.makeTuple(argument == nil ? 0 : 1) else { return nil }
        defer { python.decref(arguments) }
        if let argument {
            python.incref(argument)
            _ = python.setTupleItem(arguments, 0, argument)
        }
        return python.call(callable, arguments, nil)
    }

    fileprivate func slowAsPython(
        _ scalar: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int, _ names: Object?
    ) -> Object? {
        guard count == 0 else { return refuse("as_py() takes keyword arguments only") }
        guard let names else { return callMethod(scalar, asPyName, nil) }
        guard python.tupleSize(names) == 1, let name = python.tupleItem(names, 0), let value = arguments?[0],
            python.text(name) == "maps_as_pydicts"
        else { return refuse("as_py() got an unexpected keyword argument") }
        return callMethod(scalar, asPyName, value)
    }

    // MARK: - Exchange

    fileprivate func arrowArray(
        _ object: Object, _ arguments: UnsafePointer<Object?>?, _ count: Int, _ names: Object?
    ) -> Object? {
        let named = names.map { python.tupleSize($0) } ?? 0
        guard count + named <= 1 else { return refuse("__arrow_c_array__() takes one argument, requested_schema") }
        if named == 1, let names, let name = python.tupleItem(names, 0), python.text(name) != "requested_schema" {
            return refuse("__arrow_c_array__() got an unexpected keyword argument '\(python.text(name))'")
        }
        if count + named == 1, let requested = arguments?[0], requested != python.none {
            guard let target = callMethod(object, requestedName, requested) else { return nil }
            defer { python.decref(target) }
            if target != object { return callMethod(target, arrowArrayName, nil) }
        }
        if Cells(object, self).pointer == 0 {
            // A batch that was made of columns becomes a struct array now.
            guard let made = api.attribute(object, handleName) else { return nil }
            python.decref(made)
        }
        guard let handle = handle(object) else { return raise(.invalid("the array was released")) }
        do throws(MartletError) {
            return try PythonCapsules.exported(handle.data, handle.field)
        } catch {
            return raise(error)
        }
    }

    /// A schema that came in, and the Python objects that were made for it.
    private struct Known: @unchecked Sendable {
        let template: SchemaTemplate
        let described: Object
        let type: Object
    }

    /// The batch or array behind `source.__arrow_c_array__()`; None when it has no such method.
    fileprivate func imported(_ source: Object, isBatch: Bool) -> Object? {
        guard let method = api.attribute(source, arrowArrayName) else {
            guard python.matchesException(python.errorOccurred(), api.attributeError) != 0 else { return nil }
            python.clearError()
            return none()
        }
        let capsules = call(method, nil)
        python.decref(method)
        guard let capsules else { return nil }
        defer { python.decref(capsules) }
        guard python.isKind(python.type(of: capsules), .tuple), python.tupleSize(capsules) == 2,
            let schemaCapsule = python.tupleItem(capsules, 0), let arrayCapsule = python.tupleItem(capsules, 1)
        else { return refuse("__arrow_c_array__() must return a tuple of two capsules") }
        guard let schema = PythonCapsules.pointer(schemaCapsule, ArrowSchema.self, python),
            let array = PythonCapsules.pointer(arrayCapsule, ArrowArray.self, python)
        else { return nil }

        do throws(MartletError) {
            var known = isBatch ? lastBatch.withLock { $0 } : lastArray.withLock { $0 }
            let isTold = known?.template.isTold(by: schema) ?? false
            // Last of all: Python code may be behind it.
            defer { if isTold { schema.pointee.release?(schema) } }
            if !isTold {
                guard let made = try remember(try Field(importing: schema), isBatch: isBatch) else { return nil }
                known = made
            }
            guard let known else { return nil }
            let field = known.template.field
            let data = try ArrayData.importing(array, type: field.type)
            return make(known.type, ArrayHandle(data, field: field), described: known.described)
        } catch {
            return raise(error)
        }
    }

    /// Makes Python's objects for a schema, and keeps them for the next that comes in. Nil: Python raised.
    private func remember(_ field: Field, isBatch: Bool) throws(MartletError) -> Known? {
        let template = try SchemaTemplate(field)
        guard let describe = isBatch ? describeBatch : describeArray else { return nil }
        let address = Unmanaged.passRetained(SchemaHandle(field)).toOpaque()
        guard let number = python.makeInt64(Int64(Int(bitPattern: address))) else { return nil }
        defer { python.decref(number) }
        guard let answer = call(describe, number) else { return nil }
        defer { python.decref(answer) }
        guard let described = python.tupleItem(answer, 0), let type = python.tupleItem(answer, 1) else { return nil }
        python.incref(described)
        python.incref(type)
        let known = Known(template: template, described: described, type: type)
        func replace(_ last: inout Known?) -> Known? {
            defer { last = known }
            return last
        }
        let old = isBatch ? lastBatch.withLock { replace(&$0) } : lastArray.withLock { replace(&$0) }
        if let old {
            python.decref(old.described)
            python.decref(old.type)
        }
        return known
    }
}

// MARK: - What CPython calls

private func native() -> NativeTypes? { try? NativeTypes.shared() }

private let nativeConfigure: NativeTypes.Fast = { _, arguments, count, _ in native()?.configure(arguments, count) }
private let nativeSetScalarClass: NativeTypes.Fast = { _, arguments, count, _ in
    native()?.setScalarClass(arguments, count)
}
private let nativeForget: NativeTypes.Fast = { _, _, _, _ in native()?.forget() }
private let nativeImportedBatch: NativeTypes.Fast = { _, arguments, count, _ in
    guard let native = native() else { return nil }
    guard count == 1, let source = arguments?[0] else { return native.refuse("imported_batch takes one argument") }
    return native.imported(source, isBatch: true)
}
private let nativeImportedArray: NativeTypes.Fast = { _, arguments, count, _ in
    guard let native = native() else { return nil }
    guard count == 1, let source = arguments?[0] else { return native.refuse("imported_array takes one argument") }
    return native.imported(source, isBatch: false)
}
private let nativeArrowArray: NativeTypes.Fast = { object, arguments, count, names in
    object.flatMap { native()?.arrowArray($0, arguments, count, names) }
}
private let nativeRelease: NativeTypes.Fast = { object, _, _, _ in
    guard let native = native(), let object else { return nil }
    native.dropHandle(Cells(object, native))
    return native.none()
}
private let nativeSlice: NativeTypes.Fast = { object, arguments, count, names in
    object.flatMap { native()?.slice($0, arguments, count, names) }
}
private let nativeChildren: NativeTypes.Fast = { object, arguments, count, _ in
    object.flatMap { native()?.children($0, arguments, count) }
}
private let nativePieces: NativeTypes.Fast = { object, arguments, count, _ in
    object.flatMap { native()?.pieces($0, arguments, count) }
}
private let nativeAsPython: NativeTypes.Fast = { scalar, arguments, count, names in
    guard let native = native(), let scalar else { return nil }
    if count == 0, names == nil, let value = native.asPython(scalar) { return value }
    native.python.clearError()
    // The long way knows the options, and says why there is no value.
    return native.slowAsPython(scalar, arguments, count, names)
}
private let nativeGetItem: @convention(c) (Object?, Object?) -> Object? = { array, key in
    guard let native = native(), let array, let key else { return nil }
    return native.getItem(array, key)
}
private let nativeItem: @convention(c) (Object?, Int) -> Object? = { array, index in
    array.flatMap { native()?.item($0, index) }
}
private let nativeLength: @convention(c) (Object?) -> Int = { array in array.flatMap { native()?.length($0) } ?? 0 }
private let nativeDeallocate: @convention(c) (Object?) -> Void = { object in
    if let object { native()?.deallocate(object) }
}
