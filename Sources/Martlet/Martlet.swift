// The Swift face: `import Martlet` brings every room.

@_exported public import MartletArrow
@_exported public import MartletBase
@_exported public import MartletCodecs
@_exported public import MartletCompute
@_exported public import MartletDataset
@_exported public import MartletIO
@_exported public import MartletIPC
@_exported public import MartletParquet
