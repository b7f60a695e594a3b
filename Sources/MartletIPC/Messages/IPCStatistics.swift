/// What has passed through a reader or a writer so far.
public struct IPCStatistics: Sendable, Hashable {
    /// All messages, the schema included.
    public var messageCount = 0
    public var recordBatchCount = 0
    /// Dictionary batches of all kinds.
    public var dictionaryBatchCount = 0
    /// Those that add to a dictionary.
    public var dictionaryDeltaCount = 0
    /// Those that replace a dictionary.
    public var replacedDictionaryCount = 0
    /// Bytes of bodies before and after compression, padding included after it. Writers only.
    public var rawBodyByteCount = 0
    public var serializedBodyByteCount = 0

    public init(messageCount: Int = 0) { self.messageCount = messageCount }
}
