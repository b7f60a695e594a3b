import Glibc
package import MartletBase

/// `PyObject *`.
package typealias Object = UnsafeMutableRawPointer

/// CPython's C functions, found in the running process: nothing links against libpython.
///
/// All of them belong to the stable ABI or have been exported by every CPython since 3.9 (optional ones may be nil).
/// The caller holds the GIL wherever one is called.
package final class CPython: @unchecked Sendable {
    package typealias Predicate = @convention(c) (Object?) -> Int32
    package typealias Size = @convention(c) (Object?) -> Int
    package typealias Maker = @convention(c) (Object?) -> Object?
    package typealias Maker2 = @convention(c) (Object?, Object?) -> Object?
    package typealias Text = UnsafePointer<CChar>

    // References.
    package let incref: @convention(c) (Object?) -> Void
    package let decref: @convention(c) (Object?) -> Void
    let isInitialized: @convention(c) () -> Int32
    let isFinalizing: (@convention(c) () -> Int32)?

    // Errors and signals.
    let errorOccurred: @convention(c) () -> Object?
    let fetchError:
        @convention(c) (UnsafeMutablePointer<Object?>, UnsafeMutablePointer<Object?>, UnsafeMutablePointer<Object?>) ->
            Void
    let normalizeError:
        @convention(c) (UnsafeMutablePointer<Object?>, UnsafeMutablePointer<Object?>, UnsafeMutablePointer<Object?>) ->
            Void
    let clearError: @convention(c) () -> Void
    let matchesException: @convention(c) (Object?, Object?) -> Int32
    let checkSignals: @convention(c) () -> Int32

    // Any object.
    let typeOf: Maker
    let typeFlags: @convention(c) (Object?) -> UInt
    let isSubtype: @convention(c) (Object?, Object?) -> Int32
    let isInstance: @convention(c) (Object?, Object?) -> Int32
    let str: Maker
    let repr: Maker
    let attribute: @convention(c) (Object?, Text) -> Object?
    let iterator: Maker
    let next: Maker
    let isTrue: Predicate
    let isEqual: @convention(c) (Object?, Object?, Int32) -> Int32
    let call: @convention(c) (Object?, Object?, Object?) -> Object?
    let callOne: Maker2?
    let getBuffer: @convention(c) (Object?, _ view: UnsafeMutableRawPointer, Int32) -> Int32
    let releaseBuffer: @convention(c) (_ view: UnsafeMutableRawPointer) -> Void

    // Numbers.
    let asInt64: @convention(c) (Object?, UnsafeMutablePointer<Int32>) -> Int64
    let asUInt64: @convention(c) (Object?) -> UInt64
    let makeInt64: @convention(c) (Int64) -> Object?
    let makeUInt64: @convention(c) (UInt64) -> Object?
    let index: Maker
    let long: Maker
    let asDouble: @convention(c) (Object?) -> Double
    let makeDouble: @convention(c) (Double) -> Object?

    // Text and bytes.
    let utf8: @convention(c) (Object?, UnsafeMutablePointer<Int>?) -> Text?
    let makeText: @convention(c) (UnsafeRawPointer?, Int) -> Object?
    /// Not in the stable ABI; used only when `ObjectLayout` proves where the characters go.
    let newText: (@convention(c) (Int, UInt32) -> Object?)?
    let encode: @convention(c) (Object?, Text, Text) -> Object?
    let makeBytes: @convention(c) (UnsafeRawPointer?, Int) -> Object?
    let bytesView:
        @convention(c) (Object?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, UnsafeMutablePointer<Int>) -> Int32

    // Containers.
    let isSequence: Predicate
    let sequenceSize: Size
    let listFrom: Maker
    let tupleFrom: Maker
    let makeList: @convention(c) (Int) -> Object?
    let setListItem: @convention(c) (Object?, Int, Object?) -> Int32
    let listSize: Size
    let listItem: @convention(c) (Object?, Int) -> Object?
    let makeTuple: @convention(c) (Int) -> Object?
    let setTupleItem: @convention(c) (Object?, Int, Object?) -> Int32
    let tupleSize: Size
    let tupleItem: @convention(c) (Object?, Int) -> Object?
    let makeDict: @convention(c) () -> Object?
    let setDictItem: @convention(c) (Object?, Object?, Object?) -> Int32
    let dictItem: Maker2
    let dictItemByText: @convention(c) (Object?, Text) -> Object?
    let dictContains: @convention(c) (Object?, Object?) -> Int32
    let dictSize: Size
    let dictItems: Maker
    let nextDictItem:
        @convention(c) (
            Object?, UnsafeMutablePointer<Int>, UnsafeMutablePointer<Object?>, UnsafeMutablePointer<Object?>
        ) -> Int32

    // Modules, capsules, the collector of cycles.
    let importModule: @convention(c) (Text) -> Object?
    let modules: @convention(c) () -> Object?
    let makeCapsule: @convention(c) (UnsafeMutableRawPointer?, Text, (@convention(c) (Object?) -> Void)?) -> Object?
    let capsulePointer: @convention(c) (Object?, Text) -> UnsafeMutableRawPointer?
    let importCapsule: @convention(c) (Text, Int32) -> UnsafeMutableRawPointer?
    let disableCollector: (@convention(c) () -> Int32)?
    let enableCollector: (@convention(c) () -> Int32)?

    // Constants and types, alive as long as the process.
    package let none: Object
    let `true`, `false`: Object
    let intType, floatType, boolType, strType, bytesType, byteArrayType, memoryViewType: Object
    let listType, tupleType, dictType, setType, dictValuesType: Object
    let keyboardInterrupt, memoryError, typeError, valueError, overflowError: Object

    /// How objects lie in memory, as far as it is proven for this interpreter.
    private(set) var layout = ObjectLayout()

    private init() throws(MartletError) {
        var symbols = Symbols()
        incref = symbols.function("Py_IncRef")
        decref = symbols.function("Py_DecRef")
        isInitialized = symbols.function("Py_IsInitialized")
        isFinalizing = symbols.optional("Py_IsFinalizing") ?? symbols.optional("_Py_IsFinalizing")
        errorOccurred = symbols.function("PyErr_Occurred")
        fetchError = symbols.function("PyErr_Fetch")
        normalizeError = symbols.function("PyErr_NormalizeException")
        clearError = symbols.function("PyErr_Clear")
        matchesException = symbols.function("PyErr_GivenExceptionMatches")
        checkSignals = symbols.function("PyErr_CheckSignals")
        typeOf = symbols.function("PyObject_Type")
        typeFlags = symbols.function("PyType_GetFlags")
        isSubtype = symbols.function("PyType_IsSubtype")
        isInstance = symbols.function("PyObject_IsInstance")
        str = symbols.function("PyObject_Str")
        repr = symbols.function("PyObject_Repr")
        attribute = symbols.function("PyObject_GetAttrString")
        iterator = symbols.function("PyObject_GetIter")
        next = symbols.function("PyIter_Next")
        isTrue = symbols.function("PyObject_IsTrue")
        isEqual = symbols.function("PyObject_RichCompareBool")
        call = symbols.function("PyObject_Call")
        callOne = symbols.optional("PyObject_CallOneArg")
        getBuffer = symbols.function("PyObject_GetBuffer")
        releaseBuffer = symbols.function("PyBuffer_Release")
        asInt64 = symbols.function("PyLong_AsLongLongAndOverflow")
        asUInt64 = symbols.function("PyLong_AsUnsignedLongLong")
        makeInt64 = symbols.function("PyLong_FromLongLong")
        makeUInt64 = symbols.function("PyLong_FromUnsignedLongLong")
        index = symbols.function("PyNumber_Index")
        long = symbols.function("PyNumber_Long")
        asDouble = symbols.function("PyFloat_AsDouble")
        makeDouble = symbols.function("PyFloat_FromDouble")
        utf8 = symbols.function("PyUnicode_AsUTF8AndSize")
        makeText = symbols.function("PyUnicode_FromStringAndSize")
        newText = symbols.optional("PyUnicode_New")
        encode = symbols.function("PyUnicode_AsEncodedString")
        makeBytes = symbols.function("PyBytes_FromStringAndSize")
        bytesView = symbols.function("PyBytes_AsStringAndSize")
        isSequence = symbols.function("PySequence_Check")
        sequenceSize = symbols.function("PySequence_Size")
        listFrom = symbols.function("PySequence_List")
        tupleFrom = symbols.function("PySequence_Tuple")
        makeList = symbols.function("PyList_New")
        setListItem = symbols.function("PyList_SetItem")
        listSize = symbols.function("PyList_Size")
        listItem = symbols.function("PyList_GetItem")
        makeTuple = symbols.function("PyTuple_New")
        setTupleItem = symbols.function("PyTuple_SetItem")
        tupleSize = symbols.function("PyTuple_Size")
        tupleItem = symbols.function("PyTuple_GetItem")
        makeDict = symbols.function("PyDict_New")
        setDictItem = symbols.function("PyDict_SetItem")
        dictItem = symbols.function("PyDict_GetItemWithError")
        dictItemByText = symbols.function("PyDict_GetItemString")
        dictContains = symbols.function("PyDict_Contains")
        dictSize = symbols.function("PyDict_Size")
        dictItems = symbols.function("PyDict_Items")
        nextDictItem = symbols.function("PyDict_Next")
        importModule = symbols.function("PyImport_ImportModule")
        modules = symbols.function("PyImport_GetModuleDict")
        makeCapsule = symbols.function("PyCapsule_New")
        capsulePointer = symbols.function("PyCapsule_GetPointer")
        importCapsule = symbols.function("PyCapsule_Import")
        disableCollector = symbols.optional("PyGC_Disable")
        enableCollector = symbols.optional("PyGC_Enable")
        none = symbols.object("_Py_NoneStruct")
        `true` = symbols.object("_Py_TrueStruct")
        `false` = symbols.object("_Py_FalseStruct")
        intType = symbols.object("PyLong_Type")
        floatType = symbols.object("PyFloat_Type")
        boolType = symbols.object("PyBool_Type")
        strType = symbols.object("PyUnicode_Type")
        bytesType = symbols.object("PyBytes_Type")
        byteArrayType = symbols.object("PyByteArray_Type")
        memoryViewType = symbols.object("PyMemoryView_Type")
        listType = symbols.object("PyList_Type")
        tupleType = symbols.object("PyTuple_Type")
        dictType = symbols.object("PyDict_Type")
        setType = symbols.object("PySet_Type")
        dictValuesType = symbols.object("PyDictValues_Type")
        keyboardInterrupt = symbols.pointee("PyExc_KeyboardInterrupt")
        memoryError = symbols.pointee("PyExc_MemoryError")
        typeError = symbols.pointee("PyExc_TypeError")
        valueError = symbols.pointee("PyExc_ValueError")
        overflowError = symbols.pointee("PyExc_OverflowError")
        guard symbols.missing.isEmpty else {
            throw .notImplemented(
                "conversions of Python objects need CPython 3.9 or later in this process; it does not show "
                    + symbols.missing.prefix(5).joined(separator: ", ")
                    + (symbols.missing.count > 5 ? " and \(symbols.missing.count - 5) more" : ""))
        }
    }

    private static let loaded: Result<CPython, MartletError> = {
        do throws(MartletError) {
            let python = try CPython()
            python.layout = ObjectLayout(provenIn: python)
            return .success(python)
        } catch {
            return .failure(error)
        }
    }()

    /// The functions of the interpreter in this process. Throws `notImplemented` when there is none.
    package static func shared() throws(MartletError) -> CPython { try loaded.get() }

    /// Whether references may be dropped: there is an interpreter and it is not on its way out.
    var isAlive: Bool { isInitialized() != 0 && (isFinalizing?() ?? 0) == 0 }
}

/// `Py_buffer`, the same since Python 3.0.
package struct BufferView {
    var address: UnsafeMutableRawPointer?
    var owner: Object?
    var count = 0
    var itemSize = 0
    var isReadOnly: Int32 = 0
    var dimensions: Int32 = 0
    var format: UnsafeMutablePointer<CChar>?
    var shape: UnsafeMutablePointer<Int>?
    var strides: UnsafeMutablePointer<Int>?
    var suboffsets: UnsafeMutablePointer<Int>?
    var hidden: UnsafeMutableRawPointer?
}

/// Looks symbols up and remembers which are missing; what it returns for a missing one is never used.
struct Symbols {
    var missing: [String] = []
    private let anything: UnsafeMutableRawPointer = dlsym(nil, "dlsym")

    mutating func object(_ name: String) -> Object {
        if let found = dlsym(nil, name) { return found }
        missing.append(name)
        return anything
    }

    mutating func pointee(_ name: String) -> Object {
        guard let found = dlsym(nil, name), let object = found.load(as: Object?.self) else {
            missing.append(name)
            return anything
        }
        return object
    }

    /// Safety: the prototypes above are those of CPython's headers.
    mutating func function<Function>(_ name: String) -> Function { unsafeBitCast(object(name), to: Function.self) }

    func optional<Function>(_ name: String) -> Function? {
        dlsym(nil, name).map { unsafeBitCast($0, to: Function.self) }
    }
}
