/// How a union's children lie. Raw values are those of Schema.fbs `UnionMode`.
public enum UnionMode: Int16, Sendable, Hashable, CaseIterable {
    /// Every child is as long as the union; slot i of the union is slot i of the child that its type id names.
    case sparse = 0
    /// An offset per slot says which slot of the child it is.
    case dense = 1
}
