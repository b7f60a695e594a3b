import MartletBase

/// A reference that is dropped when this goes out of scope.
struct Owned: ~Copyable {
    let object: Object
    private let decref: @convention(c) (Object?) -> Void

    /// Takes over a new reference; throws the Python exception that came instead of one.
    init(_ object: Object?, _ python: CPython) throws(MartletError) {
        guard let object else { throw python.takeError() }
        self.object = object
        decref = python.decref
    }

    /// Takes over a new reference; nil, and the exception cleared, when there is none.
    init?(orNil object: Object?, _ python: CPython) {
        guard let object else {
            python.clearError()
            return nil
        }
        self.object = object
        decref = python.decref
    }

    deinit { decref(object) }

    /// Hands the reference to somebody else.
    consuming func give() -> Object {
        let object = object
        discard self
        return object
    }
}
