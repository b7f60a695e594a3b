import MartletBase

extension MartletError {
    /// The same error with its place behind the message. Errors of the operating system name theirs already.
    func placed(_ place: @autoclosure () -> String) -> MartletError {
        if code == .ioError || code == .cancelled { return self }
        return MartletError(code, "\(message) (\(place()))", systemError: systemError)
    }
}
