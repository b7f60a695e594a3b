public import CMartlet
public import MartletBase

extension Field {
    /// Fills `out` with this field; its `release` frees everything (CDataInterface.rst, "The ArrowSchema structure").
    @unsafe
    public func export(to out: UnsafeMutablePointer<ArrowSchema>) throws(MartletError) {
        try unsafe SchemaTemplate(self).export(to: out)
    }
}
