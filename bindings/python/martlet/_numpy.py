"""NumPy out: memory is shared where both lay values out alike, and copied where not. What comes in is in `_numpy_in`."""

import numpy as np

from . import _abi
from . import _types as t
from ._errors import ArrowIndexError, ArrowInvalid, ArrowNotImplementedError, ArrowTypeError

_lib = _abi.lib

# ---- types -----------------------------------------------------------------------------------------------------------

_DTYPES = {
    t.Type_INT8: np.dtype("i1"), t.Type_UINT8: np.dtype("u1"), t.Type_INT16: np.dtype("i2"),
    t.Type_UINT16: np.dtype("u2"), t.Type_INT32: np.dtype("i4"), t.Type_UINT32: np.dtype("u4"),
    t.Type_INT64: np.dtype("i8"), t.Type_UINT64: np.dtype("u8"), t.Type_HALF_FLOAT: np.dtype("f2"),
    t.Type_FLOAT: np.dtype("f4"), t.Type_DOUBLE: np.dtype("f8"),
}
_FLAT = {
    np.dtype("i1"): t.int8(), np.dtype("u1"): t.uint8(), np.dtype("i2"): t.int16(), np.dtype("u2"): t.uint16(),
    np.dtype("i4"): t.int32(), np.dtype("u4"): t.uint32(), np.dtype("i8"): t.int64(), np.dtype("u8"): t.uint64(),
    np.dtype("f2"): t.float16(), np.dtype("f4"): t.float32(), np.dtype("f8"): t.float64(),
    np.dtype("longlong"): t.int64(), np.dtype("ulonglong"): t.uint64(),
}
_UNITS = ("s", "ms", "us", "ns")


def dtype_of(type):
    """The dtype whose values lie in memory as those of a type of fixed width; None for other types."""
    found = _DTYPES.get(type.id)
    if found is not None:
        return found
    if type.id == t.Type_TIMESTAMP:
        return np.dtype(f"M8[{type.unit}]")
    if type.id == t.Type_DURATION:
        return np.dtype(f"m8[{type.unit}]")
    return None


def pandas_dtype(type):
    """What `DataType.to_pandas_dtype` returns."""
    if type.id in _DTYPES:
        return _DTYPES[type.id].type
    if type.id == t.Type_TIMESTAMP and type.tz:
        import pandas as pd
        return pd.DatetimeTZDtype(type.unit, type.tz)
    if type.id in (t.Type_TIMESTAMP, t.Type_DURATION):
        return dtype_of(type)
    if type.id in (t.Type_DATE32, t.Type_DATE64):
        return np.dtype("M8[ms]")
    if type.id == t.Type_BOOL:
        return np.bool_
    if type.id in (t.Type_TIME32, t.Type_TIME64, t.Type_DICTIONARY):
        raise NotImplementedError(str(type))
    return np.object_


def from_numpy_dtype(dtype):
    """The type that arrays of a dtype become."""
    dtype = np.dtype(dtype)
    flat = _FLAT.get(dtype.newbyteorder("="))
    if flat is not None:
        return flat
    kind = dtype.kind
    if kind == "b":
        return t.bool_()
    if kind in "UT":
        return t.string()
    if kind == "S":
        return t.binary()
    if kind in "mM":
        unit = np.datetime_data(dtype)[0]
        if kind == "M" and unit == "D":
            return t.date32()
        if unit in _UNITS and np.datetime_data(dtype)[1] == 1:
            return t.timestamp(unit) if kind == "M" else t.duration(unit)
        raise ArrowNotImplementedError(
            f"Unsupported {'datetime64' if kind == 'M' else 'timedelta64'} time unit: {dtype}; use astype with one of "
            "s, ms, us, ns")
    raise ArrowNotImplementedError(f"Unsupported numpy type {dtype.num}: {dtype} has no Arrow type")


# ---- out -------------------------------------------------------------------------------------------------------------


class _Memory:
    """Memory of the engine for NumPy, with whatever keeps it alive."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, owner, address, count, dtype, writable=False):
        self.owner = owner
        self.__array_interface__ = {
            "shape": (count,), "typestr": dtype, "data": (address, not writable), "version": 3,
        }


_TYPESTR = {dtype: dtype.str for dtype in _DTYPES.values()}


def memory_view(owner, address, count, dtype):
    """A read-only ndarray of `count` values at an address, which keeps `owner` alive."""
    if not count or not address:
        empty = np.empty(0 if not count else count, dtype=dtype)
        empty.flags.writeable = False
        return empty
    return np.asarray(_Memory(owner, address, count, _TYPESTR.get(dtype) or dtype.str))


def values_view(array, dtype):
    """A read-only ndarray over an array's values of fixed width, nulls included."""
    address, _ = array._buffer_at(1)
    offset = array.offset
    return memory_view(array, address and address + offset * dtype.itemsize, len(array), dtype)


def null_mask(array):
    """Booleans that tell the nulls of an array; None when there are none."""
    if array.null_count == 0:
        return None
    if array.type.id == t.Type_NA:
        return np.ones(len(array), dtype=bool)
    address, size = array._buffer_at(0)
    return ~_bits(array, address, size)


def _bits(array, address, size):
    offset, count = array.offset, len(array)
    start = offset // 8
    packed = memory_view(array, address + start, (offset + count + 7) // 8 - start, np.dtype("u1"))
    return np.unpackbits(packed, bitorder="little")[offset - 8 * start:offset - 8 * start + count].view(bool)


def boolean_values(array):
    """The booleans of a BooleanArray, whatever its nulls hold."""
    if not len(array):
        return np.empty(0, dtype=bool)
    return _bits(array, *array._buffer_at(1))


def _refused(chunks, nulls):
    return ArrowInvalid(
        f"Needed to copy {chunks} chunks with {nulls} nulls, but zero_copy_only was True; pass zero_copy_only=False")


_INDIRECT = frozenset((
    t.Type_EXTENSION, t.Type_RUN_END_ENCODED, t.Type_STRING_VIEW, t.Type_BINARY_VIEW, t.Type_LIST_VIEW,
    t.Type_LARGE_LIST_VIEW))


def plain(array):
    """The same values without extension types, runs and views, which NumPy and pandas do not know."""
    type = array.type
    if type.id not in _INDIRECT:
        return array
    if type.id == t.Type_EXTENSION:
        return plain(array.storage)
    if type.id == t.Type_RUN_END_ENCODED:
        return plain(array.cast(type.value_type))
    if type.id in (t.Type_STRING_VIEW, t.Type_BINARY_VIEW):
        return array.cast(t.large_string() if type.id == t.Type_STRING_VIEW else t.large_binary())
    return array.cast(_plain_type(type))


def _plain_type(type):
    if type.id == t.Type_EXTENSION:
        return _plain_type(type.storage_type)
    if type.id == t.Type_RUN_END_ENCODED:
        return _plain_type(type.value_type)
    if type.id == t.Type_STRING_VIEW:
        return t.large_string()
    if type.id == t.Type_BINARY_VIEW:
        return t.large_binary()
    if type.id in (t.Type_LIST_VIEW, t.Type_LARGE_LIST_VIEW):
        make = t.list_ if type.id == t.Type_LIST_VIEW else t.large_list
        return make(type.value_field.with_type(_plain_type(type.value_type)))
    return type


def from_array(array, zero_copy_only, writable=False):
    """What `Array.to_numpy` returns."""
    if array.type.id in _INDIRECT:
        if zero_copy_only and array.type.id != t.Type_EXTENSION:
            raise _refused(1, array.null_count)
        return plain(array).to_numpy(zero_copy_only, writable)
    if zero_copy_only and writable:
        raise ValueError("Cannot return a writable array if asking for zero-copy")
    nulls = array.null_count
    dtype = dtype_of(array.type)
    if dtype is not None and nulls == 0:
        result = values_view(array, dtype)
        return result.copy() if writable else result
    if zero_copy_only:
        if array.type.id == t.Type_BOOL and nulls == 0:
            raise ArrowInvalid("Zero copy conversions not possible with boolean types; pass zero_copy_only=False")
        raise _refused(1, nulls)
    return copied(array, nulls > 0)


def from_chunked(chunked, zero_copy_only):
    """What `ChunkedArray.to_numpy` returns: a view for one chunk where that is possible."""
    chunks = chunked._chunks
    if len(chunks) == 1:
        return chunks[0].to_numpy(zero_copy_only)
    if not chunks:
        from ._array import nulls_of
        return copied(nulls_of(chunked.type, 0), False)
    if chunked.type.id in _INDIRECT:
        return gathered([plain(c) for c in chunks])
    if zero_copy_only:
        raise ArrowInvalid(
            f"zero_copy_only must be False for martlet.ChunkedArray.to_numpy of {len(chunks)} chunks: call combine_chunks() "
            "first")
    return gathered(chunks)


def gathered(chunks):
    """One ndarray with the values of all chunks, with a dtype that suits them together."""
    nulls = any(c.null_count for c in chunks)
    dtype = _copy_dtype(chunks[0].type, nulls)
    if chunks[0].type.id in _NESTED or chunks[0].type.id == t.Type_STRUCT:
        return all_objects(chunks)
    result = np.empty(sum(len(c) for c in chunks), dtype=dtype)
    start = 0
    for c in chunks:
        part = values_view(c, dtype) if not nulls and dtype_of(c.type) == dtype else copied(c, nulls)
        result[start:start + len(c)] = part
        start += len(c)
    return result


def _copy_dtype(type, nulls):
    """The dtype of `copied`."""
    if type.id == t.Type_BOOL:
        return np.dtype(object if nulls else bool)
    if type.id == t.Type_DATE32:
        return np.dtype("M8[D]")
    if type.id == t.Type_DATE64:
        return np.dtype("M8[ms]")
    if type.id == t.Type_DICTIONARY:
        return _copy_dtype(type.value_type, nulls)
    dtype = dtype_of(type)
    if dtype is None:
        return np.dtype(object)
    return np.dtype("f8") if nulls and dtype.kind in "iu" else dtype


def copied(array, nulls):
    """A new ndarray; with `nulls` of a dtype that has room for them: float64 for integers, objects for booleans."""
    type = array.type
    if type.id == t.Type_DICTIONARY:
        return _decoded(array, nulls)
    dtype = _copy_dtype(type, nulls)
    if dtype == object and type.id != t.Type_BOOL:
        return objects(array)
    missing = null_mask(array)
    if type.id == t.Type_BOOL:
        result = boolean_values(array).astype(dtype)
        if missing is not None:
            result[missing] = None
        return result
    source = np.dtype("i4") if type.id == t.Type_DATE32 else np.dtype("i8") if type.id == t.Type_DATE64 else dtype_of(type)
    values = values_view(array, source)
    if type.id in (t.Type_DATE32, t.Type_DATE64):
        result = values.astype("i8").view(dtype)
    else:
        result = values.astype(dtype)
    if missing is not None:
        result[missing] = np.datetime64("NaT") if dtype.kind == "M" else np.timedelta64("NaT") if dtype.kind == "m" else np.nan
    return result


def _decoded(array, nulls):
    """The values that the indices of a dictionary array point to."""
    values = array.dictionary
    table = copied(values, nulls or values.null_count > 0)
    indices = array.indices
    missing = null_mask(indices)
    places = checked_places(indices, missing, len(values))
    if missing is not None:
        places = np.where(missing, 0, places)
        if not len(table):
            table = np.full(1, None if table.dtype == object else np.nan, dtype=table.dtype)
    result = table.take(places.astype(np.intp, copy=False))
    if missing is not None:
        result[missing] = None if result.dtype == object else np.datetime64("NaT") if result.dtype.kind in "mM" else np.nan
    return result


def checked_places(indices, missing, count):
    """The indices of a dictionary array, whatever its nulls hold. Errors: ArrowIndexError for one that has no entry."""
    places = values_view(indices, dtype_of(indices.type))
    used = places if missing is None else places[~missing]
    if len(used) and (used.min() < 0 or used.max() >= count):
        bad = used.min() if used.min() < 0 else used.max()
        raise ArrowIndexError(f"Index {bad} is out of bounds: the dictionary has {count} entries")
    return places


# Types whose values are turned to Python objects natively.
_TEXTS = frozenset((t.Type_STRING, t.Type_LARGE_STRING, t.Type_BINARY, t.Type_LARGE_BINARY, t.Type_FIXED_SIZE_BINARY))
_NESTED = frozenset((t.Type_LIST, t.Type_LARGE_LIST, t.Type_FIXED_SIZE_LIST))


def objects(array, maps_as_pydicts=None, nulls=False):
    """An ndarray of Python objects, None for nulls; lists become ndarrays, as in pyarrow.

    nulls: lists get a dtype that has room for nulls even if this array has none inside its lists.
    """
    count = len(array)
    result = np.empty(count, dtype=object)
    if count == 0 or array.type.id == t.Type_NA:
        return result
    if array.type.id in _TEXTS:
        _abi.check(_lib.martlet_python_fill_objects, array, result.ctypes.data, id(None))
        return result
    if array.type.id in _NESTED:
        return _lists(array, result, maps_as_pydicts, nulls)
    if array.type.id == t.Type_STRUCT:
        return _records(array, result, maps_as_pydicts)
    if array.type.id in _INDIRECT:
        return objects(plain(array), maps_as_pydicts, nulls)
    values = array.to_pylist(maps_as_pydicts=maps_as_pydicts)
    if array.type.id == t.Type_INTERVAL_MONTH_DAY_NANO:
        values = _date_offsets(values)
    for i, value in enumerate(values):
        result[i] = value
    return result


def _date_offsets(values):
    """pandas' DateOffsets of intervals; the values themselves without pandas."""
    try:
        from pandas import DateOffset
    except ImportError:
        return values
    return [None if v is None else DateOffset(months=v[0], days=v[1], nanoseconds=v[2]) for v in values]


def nulls_inside(array):
    """Whether any value inside lists is null."""
    if array.type.id not in _NESTED:
        return False
    values = array.flatten()
    return values.null_count > 0 or nulls_inside(values)


def all_objects(chunks, maps_as_pydicts=None):
    """`objects` of all chunks, with one dtype for all lists."""
    nulls = len(chunks) > 1 and any(nulls_inside(c) for c in chunks)
    parts = [objects(c, maps_as_pydicts, nulls) for c in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _lists(array, result, maps_as_pydicts, nulls):
    """Each list as an ndarray: slices of one conversion of all values."""
    offsets = array.offsets.to_pylist() if array.type.id == t.Type_FIXED_SIZE_LIST else (
        values_view(array.offsets, dtype_of(array.offsets.type)).tolist())
    values = array.values
    start, end = offsets[0], offsets[-1]
    values = values.slice(start, end - start)
    whole = list_values(values, maps_as_pydicts, nulls)
    missing = null_mask(array)
    for i in range(len(array)):
        if missing is None or not missing[i]:
            result[i] = whole[offsets[i] - start:offsets[i + 1] - start]
    return result


def list_values(values, maps_as_pydicts=None, nulls=False):
    """The values of lists: numbers as they are, dates and times of day as objects."""
    values = plain(values)
    if _copy_dtype(values.type, True) == object and values.type.id != t.Type_BOOL and values.type.id != t.Type_DICTIONARY:
        return objects(values, maps_as_pydicts, nulls)
    if values.type.id in (t.Type_DATE32, t.Type_DATE64):
        return objects(values, maps_as_pydicts)
    return copied(values, nulls or values.null_count > 0)


def _records(array, result, maps_as_pydicts):
    """Each record as a dictionary; lists inside are ndarrays, integers of a field with nulls floats."""
    names = array.type.names
    missing = null_mask(array)
    columns = [_field_values(array._child(i, f.type), missing, maps_as_pydicts) for i, f in enumerate(array.type)]
    for i, row in enumerate(zip(*columns) if columns else [()] * len(array)):
        if missing is None or not missing[i]:
            result[i] = dict(zip(names, row))
    return result


def _field_values(child, outside, maps_as_pydicts):
    """The values of a record's field; nulls where the record itself is null (`outside`) do not count."""
    dtype = _DTYPES.get(child.type.id)
    if dtype is None:
        return objects(child, maps_as_pydicts)
    missing = null_mask(child)
    if missing is None or (outside is not None and not (missing & ~outside).any()):
        return values_view(child, dtype).tolist()
    values = copied(child, True).tolist()
    for i in np.flatnonzero(missing):
        values[i] = None
    return values


# ---- protocols -------------------------------------------------------------------------------------------------------


def array_protocol(data, dtype, copy):
    """What `__array__` returns."""
    if copy is False:
        try:
            values = data.to_numpy(zero_copy_only=True)
        except ArrowInvalid:
            raise ValueError(
                "Unable to avoid a copy while creating a numpy array as requested.\nIf using `np.array(obj, "
                "copy=False)` replace it with `np.asarray(obj)` to allow a copy when needed") from None
        return values if dtype is None else np.array(values, dtype=dtype, copy=False)
    values = data.to_numpy(zero_copy_only=False)
    if copy is True and not values.flags.writeable:
        values = values.copy()
    return values if dtype is None else np.asarray(values, dtype=dtype)


def dlpack(array, stream, max_version, dl_device, copy):
    """A DLPack capsule over an array's values."""
    if stream is not None and stream != -1:
        raise NotImplementedError("Only stream=None is supported.")
    if dl_device not in (None, (1, 0)):
        raise BufferError(f"The values are in the CPU's memory, device (1, 0), not on {dl_device}")
    if array.null_count:
        raise ArrowTypeError("Can only use DLPack on arrays with no nulls.")
    if array.type.id == t.Type_BOOL:
        raise ArrowTypeError("Bit-packed boolean data type not supported by DLPack.")
    dtype = _DTYPES.get(array.type.id)
    if dtype is None:
        raise ArrowTypeError(f"DataType is not compatible with DLPack spec: {array.type}")
    address, _ = array._buffer_at(1)
    options = {} if copy is None else {"copy": copy}
    if max_version is not None and max_version[0] >= 1:
        return values_view(array, dtype).__dlpack__(max_version=max_version, **options)
    if copy or not len(array):
        return values_view(array, dtype).copy().__dlpack__()
    # DLPack before version 1 cannot say that memory is read-only; NumPy refuses to share such arrays.
    memory = _Memory(array, address + array.offset * dtype.itemsize, len(array), dtype.str, writable=True)
    return np.asarray(memory).__dlpack__()
