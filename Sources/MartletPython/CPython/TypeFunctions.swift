import MartletBase

/// What the stable ABI has for types and functions that are made while a program runs.
struct TypeFunctions {
    let typeFromSpec: @convention(c) (UnsafeMutableRawPointer?) -> Object?
    let slot: @convention(c) (Object?, Int32) -> UnsafeMutableRawPointer?
    let allocate: @convention(c) (Object?, Int) -> Object?
    let clearWeakReferences: @convention(c) (Object?) -> Void
    let sequenceIterator: UnsafeMutableRawPointer
    let makeFunction: @convention(c) (UnsafeMutableRawPointer?, Object?, Object?) -> Object?
    let attribute: @convention(c) (Object?, Object?) -> Object?
    let intern: @convention(c) (CPython.Text) -> Object?
    let setError: @convention(c) (Object?, Object?) -> Void
    let setErrorText: @convention(c) (Object?, CPython.Text) -> Void
    let restoreError: @convention(c) (Object?, Object?, Object?) -> Void
    let saveThread: @convention(c) () -> UnsafeMutableRawPointer?
    let restoreThread: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let indexError, attributeError: Object
    /// In no stable ABI before 3.12, exported since 3.9: a call without a tuple of arguments.
    let callFast:
        (@convention(c) (Object?, UnsafePointer<Object?>?, UInt, Object?) -> Object?)?

    init() throws(MartletError) {
        var symbols = Symbols()
        typeFromSpec = symbols.function("PyType_FromSpec")
        slot = symbols.function("PyType_GetSlot")
        allocate = symbols.function("PyType_GenericAlloc")
        clearWeakReferences = symbols.function("PyObject_ClearWeakRefs")
        sequenceIterator = symbols.object("PySeqIter_New")
        makeFunction = symbols.function("PyCFunction_NewEx")
        attribute = symbols.function("PyObject_GetAttr")
        intern = symbols.function("PyUnicode_InternFromString")
        setError = symbols.function("PyErr_SetObject")
        setErrorText = symbols.function("PyErr_SetString")
        restoreError = symbols.function("PyErr_Restore")
        saveThread = symbols.function("PyEval_SaveThread")
        restoreThread = symbols.function("PyEval_RestoreThread")
        indexError = symbols.pointee("PyExc_IndexError")
        attributeError = symbols.pointee("PyExc_AttributeError")
        callFast = symbols.optional("PyObject_Vectorcall")
        guard symbols.missing.isEmpty else {
            throw .notImplemented("types of Martlet need CPython 3.9 or later; it does not show \(symbols.missing)")
        }
    }
}
