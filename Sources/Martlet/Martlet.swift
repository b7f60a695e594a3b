@_exported public import MartletBase
@_exported public import MartletArrow
