/// Types of libraries that may or may not be loaded. What is not loaded has no objects, so nothing is imported here.
/// All are borrowed from their modules.
struct ForeignTypes {
    let decimal, uuid, monthDayNano, relativeDelta: Object?
    let numpyGeneric, numpyArray, numpyBool, numpyInteger, numpyFloating, numpyFloat16: Object?
    let pandasNA, pandasNaT, pandasTimestamp, pandasTimedelta, pandasDateOffset, pandasSeries: Object?

    init(_ python: CPython) {
        decimal = python.constant(python.loadedModule("decimal"), "Decimal")
        uuid = python.constant(python.loadedModule("uuid"), "UUID")
        monthDayNano = python.constant(python.loadedModule("martlet._interval"), "MonthDayNano")
        relativeDelta = python.constant(python.loadedModule("dateutil.relativedelta"), "relativedelta")
        let numpy = python.loadedModule("numpy")
        numpyGeneric = python.constant(numpy, "generic")
        numpyArray = python.constant(numpy, "ndarray")
        numpyBool = python.constant(numpy, "bool_")
        numpyInteger = python.constant(numpy, "integer")
        numpyFloating = python.constant(numpy, "floating")
        numpyFloat16 = python.constant(numpy, "float16")
        let pandas = python.loadedModule("pandas")
        pandasNA = python.constant(pandas, "NA")
        pandasNaT = python.constant(pandas, "NaT")
        pandasTimestamp = python.constant(pandas, "Timestamp")
        pandasTimedelta = python.constant(pandas, "Timedelta")
        pandasDateOffset = python.constant(pandas, "DateOffset")
        pandasSeries = python.constant(pandas, "Series")
    }
}

extension CPython {
    /// Whether `type` is `base` or below it; false when there is no `base`.
    func isSubtype(_ type: Object, of base: Object?) -> Bool {
        guard let base else { return false }
        return type == base || isSubtype(type, base) != 0
    }
}
