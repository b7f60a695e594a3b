"""Apache Arrow and Parquet with pyarrow's names, on an engine without dependencies: `import martlet as pa`."""

from . import _abi
from ._array import Array
from ._array_classes import (
    BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array,
    Decimal32Array, Decimal64Array, DictionaryArray, DoubleArray, DurationArray, FixedSizeBinaryArray,
    FixedSizeListArray, FloatArray, FloatingPointArray, HalfFloatArray, Int16Array, Int32Array, Int64Array,
    Int8Array, IntegerArray, LargeBinaryArray, LargeListArray, LargeListViewArray, LargeStringArray, ListArray,
    ListViewArray, MapArray, MonthDayNanoIntervalArray, NullArray, NumericArray, RunEndEncodedArray, StringArray,
    StringViewArray, StructArray, Time32Array, Time64Array, TimestampArray, UInt16Array, UInt32Array, UInt64Array,
    UInt8Array, UnionArray)
from ._builders import (
    arange, array, asarray, concat_arrays, concat_batches, concat_tables, infer_type, nulls, record_batch, repeat,
    table)
from ._chunked import ChunkedArray, chunked_array
from ._errors import (
    ArrowCancelled, ArrowCapacityError, ArrowException, ArrowIndexError, ArrowInvalid, ArrowIOError, ArrowKeyError,
    ArrowMemoryError, ArrowNotImplementedError, ArrowSerializationError, ArrowTypeError)
from ._field import Field, field
from ._metadata import KeyValueMetadata
from ._reader import RecordBatchReader
from ._scalar import (
    BinaryScalar, BinaryViewScalar, BooleanScalar, Date32Scalar, Date64Scalar, Decimal128Scalar, Decimal256Scalar,
    Decimal32Scalar, Decimal64Scalar, DictionaryScalar, DoubleScalar, DurationScalar, FixedSizeBinaryScalar,
    FixedSizeListScalar, FloatScalar, HalfFloatScalar, Int16Scalar, Int32Scalar, Int64Scalar, Int8Scalar,
    LargeBinaryScalar, LargeListScalar, LargeListViewScalar, LargeStringScalar, ListScalar, ListViewScalar,
    MapScalar, MonthDayNanoIntervalScalar, NullScalar, RunEndEncodedScalar, Scalar, StringScalar, StringViewScalar,
    StructScalar, Time32Scalar, Time64Scalar, TimestampScalar, UInt16Scalar, UInt32Scalar, UInt64Scalar,
    UInt8Scalar, UnionScalar, scalar)
from ._schema import Schema, schema, unify_schemas
from ._table import RecordBatch, Table
from ._types import (
    DataType, Decimal128Type, Decimal256Type, Decimal32Type, Decimal64Type, DenseUnionType, DictionaryType,
    DurationType, FixedSizeBinaryType, FixedSizeListType, LargeListType, LargeListViewType, ListType, ListViewType,
    MapType, RunEndEncodedType, SparseUnionType, StructType, Time32Type, Time64Type, TimestampType, UnionType,
    binary, binary_view, bool_, date32, date64, decimal128, decimal256, decimal32, decimal64, dense_union,
    dictionary, duration, float16, float32, float64, int16, int32, int64, int8, large_binary, large_list,
    large_list_view, large_string, large_utf8, list_, list_view, map_, month_day_nano_interval, null,
    run_end_encoded, sparse_union, string, string_view, struct, time32, time64, timestamp, type_for_alias, uint16,
    uint32, uint64, uint8, union, utf8)

__version__ = "0.1.0"

_IN_IPC = frozenset((
    "DictionaryMemo", "IpcReadOptions", "IpcWriteOptions", "Message", "MessageReader", "MetadataVersion",
    "RecordBatchFileReader", "RecordBatchFileWriter", "RecordBatchStreamReader", "RecordBatchStreamWriter",
    "deserialize_pandas", "serialize_pandas"))
_EXTENSION_TYPES = frozenset((
    "BaseExtensionType", "Bool8Type", "ExtensionType", "FixedShapeTensorType", "JsonType", "OpaqueType",
    "ParquetVariantType", "TimestampWithOffsetType", "UnknownExtensionType", "UuidType", "VariableShapeTensorType",
    "bool8", "fixed_shape_tensor", "json_", "opaque", "parquet_variant", "register_extension_type",
    "timestamp_with_offset", "unregister_extension_type", "uuid", "variable_shape_tensor"))
_EXTENSION_ARRAYS = frozenset(
    f"{kind}{what}" for what in ("Array", "Scalar") for kind in (
        "Bool8", "Extension", "FixedShapeTensor", "Json", "Opaque", "ParquetVariant", "TimestampWithOffset", "Uuid",
        "VariableShapeTensor"))
_STREAM_FILES = frozenset((
    "BufferedInputStream", "BufferedOutputStream", "CacheOptions", "CompressedInputStream", "CompressedOutputStream",
    "MockOutputStream", "TranscodingInputStream", "transcoding_input_stream"))
_MODULES = ("compute", "dataset", "feather", "fs", "ipc", "lib", "parquet", "types")


def __getattr__(name):
    # Modules and files are loaded when they are first used, which keeps the import short.
    import importlib
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _IN_IPC:
        from . import ipc
        found = getattr(ipc, name)
    elif name in _STREAM_FILES:
        from . import _stream_files
        found = getattr(_stream_files, name)
    elif name in ("Codec", "compress", "decompress"):
        from . import _codec
        found = getattr(_codec, name)
    elif name == "Tensor" or name in ("SparseCOOTensor", "SparseCSRMatrix", "SparseCSCMatrix", "SparseCSFTensor"):
        from . import _tensor
        found = getattr(_tensor, name)
    elif name in _EXTENSION_TYPES:
        from . import _extension_types
        found = getattr(_extension_types, name)
    elif name in _EXTENSION_ARRAYS:
        from . import _extension_arrays
        found = getattr(_extension_arrays, name)
    elif name == "MonthDayNano":
        from ._interval import MonthDayNano as found
    elif name in ("NA", "NULL"):
        found = scalar(None)
    elif name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    elif name == "TableGroupBy":
        from ._group import TableGroupBy as found
    elif name == "from_numpy_dtype":
        from ._numpy import from_numpy_dtype as found
    else:
        from . import _io
        found = getattr(_io, name, None)
        if found is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__():
    names = set(globals()) | set(_MODULES) | _IN_IPC | _EXTENSION_TYPES | _EXTENSION_ARRAYS | _STREAM_FILES | {"MonthDayNano"}
    try:
        from . import _io
        names |= {n for n in dir(_io) if not n.startswith("_")}
    except ImportError:
        pass
    return sorted(names)


def cpu_count():
    """Threads that one operation uses."""
    return _abi.lib.martlet_thread_count()


def set_cpu_count(count):
    """Sets how many threads one operation uses, at least 1."""
    if count < 1:
        raise ValueError("CPU count must be strictly positive")
    _abi.lib.martlet_set_thread_count(count)


io_thread_count, set_io_thread_count = cpu_count, set_cpu_count


def total_allocated_bytes():
    """Bytes that buffers of the engine hold now."""
    return _abi.lib.martlet_memory_live()


class MemoryPool:
    """The engine's memory."""

    backend_name = "martlet"

    def bytes_allocated(self):
        return _abi.lib.martlet_memory_live()

    def max_memory(self):
        return _abi.lib.martlet_memory_peak()

    def release_unused(self):
        """Gives recycled memory back to the system."""
        _abi.lib.martlet_memory_release_unused()


def supported_memory_backends():
    """The names of memory pools: the engine has one."""
    return [MemoryPool.backend_name]


def default_memory_pool():
    return MemoryPool()


system_memory_pool = default_memory_pool


def get_include():
    """The folder of the C headers, when they were installed with the package."""
    import os
    return os.path.join(os.path.dirname(__file__), "include")


def show_versions():
    """Prints the version of package and engine."""
    print(f"martlet {__version__}, engine {_abi.lib.martlet_version().decode()}")


def show_info():
    show_versions()
