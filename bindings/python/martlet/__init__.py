"""Apache Arrow and Parquet with pyarrow's names, on an engine without dependencies: `import martlet as pa`."""

from . import _abi
from ._array import Array
from ._array_classes import (
    BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray, DoubleArray,
    DurationArray, FixedSizeBinaryArray, FixedSizeListArray, FloatArray, FloatingPointArray, HalfFloatArray, Int8Array,
    Int16Array, Int32Array, Int64Array, IntegerArray, LargeBinaryArray, LargeListArray, LargeStringArray, ListArray,
    MapArray, NullArray, NumericArray, StringArray, StructArray, Time32Array, Time64Array, TimestampArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array)
from ._builders import (
    arange, array, asarray, concat_arrays, concat_batches, concat_tables, infer_type, nulls, record_batch, repeat,
    table)
from ._chunked import ChunkedArray, chunked_array
from ._errors import (
    ArrowCancelled, ArrowCapacityError, ArrowException, ArrowIndexError, ArrowInvalid, ArrowIOError, ArrowKeyError,
    ArrowMemoryError, ArrowNotImplementedError, ArrowSerializationError, ArrowTypeError)
from ._field import Field, field
from ._reader import RecordBatchReader
from ._scalar import (
    BinaryScalar, BooleanScalar, Date32Scalar, Date64Scalar, Decimal128Scalar, DictionaryScalar, DoubleScalar,
    DurationScalar, FixedSizeBinaryScalar, FixedSizeListScalar, FloatScalar, HalfFloatScalar, Int8Scalar, Int16Scalar,
    Int32Scalar, Int64Scalar, LargeBinaryScalar, LargeListScalar, LargeStringScalar, ListScalar, MapScalar, NullScalar,
    Scalar, StringScalar, StructScalar, Time32Scalar, Time64Scalar, TimestampScalar, UInt8Scalar, UInt16Scalar,
    UInt32Scalar, UInt64Scalar, scalar)
from ._schema import Schema, schema, unify_schemas
from ._table import RecordBatch, Table
from ._types import (
    DataType, Decimal128Type, DictionaryType, DurationType, FixedSizeBinaryType, FixedSizeListType, LargeListType,
    ListType, MapType, StructType, Time32Type, Time64Type, TimestampType, binary, bool_, date32, date64, decimal128,
    dictionary, duration, float16, float32, float64, int8, int16, int32, int64, large_binary, large_list, large_string,
    large_utf8, list_, map_, null, string, struct, time32, time64, timestamp, type_for_alias, uint8, uint16, uint32,
    uint64, utf8)

__version__ = "0.1.0"

_IN_IPC = frozenset((
    "IpcReadOptions", "IpcWriteOptions", "MetadataVersion", "RecordBatchFileReader", "RecordBatchFileWriter",
    "RecordBatchStreamReader", "RecordBatchStreamWriter", "deserialize_pandas", "serialize_pandas"))
_MODULES = ("compute", "dataset", "ipc", "lib", "parquet", "types")


def __getattr__(name):
    # Modules and files are loaded when they are first used, which keeps the import short.
    import importlib
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _IN_IPC:
        from . import ipc
        found = getattr(ipc, name)
    elif name == "Tensor" or name.startswith("Sparse"):
        from . import _tensor
        found = getattr(_tensor, name)
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
    names = set(globals()) | set(_MODULES)
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
