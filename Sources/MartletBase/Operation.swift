/// How a caller follows and stops a long operation.
///
/// `report` is called on the calling thread only, between units of work, with what is done and what there is
/// (in the operation's own unit: rows for reads and writes); returning `false` cancels with `.cancelled`.
public struct Operation {
    private let report: ((_ done: Int, _ total: Int) -> Bool)?

    public init(report: ((_ done: Int, _ total: Int) -> Bool)? = nil) { self.report = report }

    /// Nobody watches.
    public static var unwatched: Operation { Operation() }

    /// Whether anybody does; then the calling thread does the work.
    public var isWatched: Bool { report != nil }

    /// Tells the caller how far things are; throws `.cancelled` when it wants no more.
    public func advance(to done: Int, of total: Int) throws(MartletError) {
        if let report, !report(done, total) { throw .cancelled }
    }
}
