// Sizes that come from outside are added, multiplied and converted here: an overflow is an error that the
// caller can report, never a trap.

extension Int {
    @inlinable
    package func adding(checked other: Int) throws(MartletError) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        if overflow { throw .invalid("size overflow: \(self) + \(other)") }
        return sum
    }

    @inlinable
    package func multiplied(checked other: Int) throws(MartletError) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        if overflow { throw .invalid("size overflow: \(self) * \(other)") }
        return product
    }

    /// `value` as an `Int` that can be a size: not negative.
    @inlinable
    package init(size value: some BinaryInteger, _ what: @autoclosure () -> String = "size") throws(MartletError) {
        guard let exact = Int(exactly: value), exact >= 0 else { throw .invalid("\(what()) out of range: \(value)") }
        self = exact
    }

    /// The smallest multiple of `alignment` (a power of two) that is not below `self`.
    @inlinable
    package func roundedUp(to alignment: Int) -> Int { (self &+ alignment &- 1) & ~(alignment &- 1) }
}

/// Refuses a window that leaves `count` elements.
@inlinable
package func checkWindow(offset: Int, length: Int, count: Int, _ what: @autoclosure () -> String = "slice")
    throws(MartletError)
{
    guard offset >= 0, length >= 0, offset <= count, length <= count &- offset else {
        throw .index("\(what()): offset \(offset) and length \(length) leave the \(count) there are")
    }
}
