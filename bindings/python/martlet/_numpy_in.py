"""NumPy in: memory is shared where both lay values out alike, and copied where not. What goes out is in `_numpy`."""

import numpy as np

from . import _abi
from . import _types as t
from ._array import Array, make, make_flat, wrap
from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError, ArrowTypeError
from ._numpy import _FLAT, _INDIRECT, from_numpy_dtype

_lib = _abi.lib

_FLOATS = frozenset((t.Type_HALF_FLOAT, t.Type_FLOAT, t.Type_DOUBLE))
# Types that hold the same integers as int64, and may be made of them without a look at the values.
_COUNTS_64 = frozenset((t.Type_TIMESTAMP, t.Type_DURATION, t.Type_TIME64, t.Type_DATE64))
_NAT = np.iinfo("i8").min


def to_array(values, type, mask, from_pandas, safe):
    """An Array of a one-dimensional NumPy array; see `martlet.array`."""
    flat = _FLAT.get(values.dtype)
    if values.__class__ is not np.ndarray:
        values, mask = _plain(values, mask)
    if values.ndim != 1:
        raise ArrowInvalid(f"only handle 1-dimensional arrays, not one of shape {values.shape}: make an array of each "
                           "column, or flatten it with ravel()")
    if mask is not None:
        mask = _checked_mask(mask, len(values))
    if flat is not None and mask is None and not (from_pandas and flat.id in _FLOATS):
        if type is None or type is flat:
            return make_flat(flat, values.size, shared(values), None, 0)
        if flat.id == t.Type_INT64 and type.id in _COUNTS_64:
            return make_flat(type, values.size, shared(values), None, 0)
    if isinstance(type, t.DictionaryType):
        from ._nested_arrays import encoded_as
        return encoded_as(to_array(values, type.value_type, mask, from_pandas, safe), type)
    if type is not None and type.id in _INDIRECT:
        if type.id != t.Type_EXTENSION or values.dtype == object:
            return _from_list(values.tolist(), type, mask)
        storage = type.storage_type
        values = values.view(np.int8) if values.dtype == bool and storage.id == t.Type_INT8 else values
        return type.wrap_array(to_array(values, storage, mask, from_pandas, safe))
    kind = values.dtype.kind
    if kind in "OTSUV":
        return _from_items(values, kind, type, mask, from_pandas, safe)
    if isinstance(type, t.StructType):
        raise TypeError(f"Expected struct array, got one of {values.dtype}: a structured dtype has the fields of {type}")
    found = _from_numbers(values, kind, type, mask, from_pandas)
    if type is None or found.type == type:
        return found
    if len(found) and found.null_count == len(found):
        from ._builders import nulls
        return nulls(len(found), type)
    if type.id in (t.Type_STRING, t.Type_LARGE_STRING, t.Type_BINARY, t.Type_LARGE_BINARY):
        raise ArrowTypeError(f"Expected a string or bytes dtype, got {values.dtype}: convert it with astype(str)")
    return found.cast(type, safe=safe)


def _plain(values, mask):
    """A plain ndarray, and the mask, of a masked array or another subclass."""
    if isinstance(values, np.ma.MaskedArray):
        if mask is not None:
            raise ValueError("Cannot pass a numpy masked array and specify a mask at the same time")
        masked = np.ma.getmask(values)
        return np.asarray(values.data), None if masked is np.ma.nomask else masked
    if isinstance(values, np.generic):
        raise TypeError(f"'numpy.{type(values).__name__}' object is not iterable: an array is made of a sequence")
    return np.asarray(values), mask


def _checked_mask(mask, length):
    if isinstance(mask, Array):
        mask = mask.to_numpy(zero_copy_only=False)
    if not isinstance(mask, np.ndarray):
        raise TypeError("Mask must be a numpy array when converting numpy arrays")
    if mask.dtype != bool:
        raise TypeError("Mask must be boolean dtype")
    if mask.ndim != 1:
        raise ValueError("Mask must be 1D array")
    if len(mask) != length:
        raise ValueError(f"Mask is a different length from sequence being converted: {len(mask)} and {length}")
    return mask


def shared(values):
    """A BufferHandle over an ndarray's bytes; a copy when they are strided, byte-swapped or unaligned."""
    flags = values.flags
    if not (flags.c_contiguous and flags.aligned and values.dtype.isnative):
        values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
        if not values.flags.aligned:
            values = values.copy()
    size = values.nbytes
    if size == 0:
        return _abi.copied_buffer(b"")
    return _abi.object_buffer(values, values.ctypes.data, size)


def _validity(is_null):
    """`(BufferHandle, null count)` of booleans that tell nulls; `(None, 0)` without nulls."""
    count = 0 if is_null is None else int(np.count_nonzero(is_null))
    if count == 0:
        return None, 0
    return shared(np.packbits(~is_null, bitorder="little")), count


def _from_numbers(values, kind, type, mask, from_pandas):
    """An Array of numbers, booleans, dates or times, in the type closest to the dtype."""
    natural = from_numpy_dtype(values.dtype)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    is_null = mask
    if kind in "mM" or (kind == "f" and from_pandas):
        missing = _missing(values, kind)
        if missing is not None:
            is_null = missing if mask is None else mask | missing
    validity, null_count = _validity(is_null)
    if kind == "b":
        return make(natural, len(values), [validity, shared(np.packbits(values, bitorder="little"))], null_count)
    if natural.id == t.Type_DATE32:
        days = values.view("i8")
        if null_count:
            days = np.where(is_null, 0, days)
        if len(days) and (days.max() > 2**31 - 1 or days.min() < -2**31):
            raise ArrowInvalid("a date does not fit in date32: it is more than 2^31 days from 1970")
        values = days.astype("i4")
    elif kind == "M" and type is not None and type.id == t.Type_TIMESTAMP and type.tz:
        natural = t.timestamp(natural.unit, type.tz)
    if natural.id == t.Type_INT64 and type is not None and type.id in _COUNTS_64:
        natural = type
    return make_flat(natural, len(values), shared(values), validity, null_count)


def _missing(values, kind):
    """Booleans that tell NaN and NaT, None when there are none: one pass without memory in that case."""
    if not len(values):
        return None
    if kind == "f":
        return np.isnan(values) if np.isnan(values.min()) else None
    return np.isnat(values) if values.view("i8").min() == _NAT else None


def _from_items(values, kind, type, mask, from_pandas, safe):
    """An Array of texts, bytes, Python objects or records."""
    if kind == "V":
        return _from_records(values, type, mask, from_pandas, safe)
    if kind == "U" and mask is None:
        texts = _from_unicode(values, type)
        return texts if type is None or texts.type == type else texts.cast(type, safe=safe)
    if kind == "S":
        # An item ends at its first NUL, as in pyarrow.
        items = [x.split(b"\0", 1)[0] for x in values.tolist()]
        found = _from_list(items, t.binary() if type is None else type, mask)
        return found
    if kind == "T" and type is not None and type.id not in _TEXT_IDS:
        raise ArrowTypeError(f"Expected an Arrow string type for strings of NumPy, got {type}: cast the array made of them")
    if kind in "TU":
        values = values.astype(object)
        type = t.string() if type is None else type
        from_pandas = True
    options = {"from_pandas": True} if from_pandas else {}
    if not safe:
        options["safe"] = False
    count = len(values)
    if count == 0:
        from ._builders import nulls
        return nulls(0, type)
    try:
        pointer = _abi.new(
            _lib.martlet_python_array_from_objects, values.ctypes.data, values.strides[0], count,
            None if mask is None else id(mask), None if type is None else type._handle, *_abi.pack_options(options))
    except (ArrowException, TypeError):
        if any(hasattr(x, "as_py") for x in values):  # Scalars are lists' matter
            return _from_list(values.tolist(), type, mask)
        raise
    return wrap(pointer, type)


_TEXT_IDS = frozenset((t.Type_STRING, t.Type_LARGE_STRING, t.Type_STRING_VIEW))


def _from_list(items, type, mask):
    from ._builders import array
    return array(items, type=type, mask=mask)


def _from_unicode(values, type):
    target = type if type is not None and type.id in (t.Type_STRING, t.Type_LARGE_STRING) else t.string()
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    pointer = _abi.new(
        _lib.martlet_python_array_from_unicode, values.ctypes.data, values.strides[0], values.itemsize, len(values),
        target._handle)
    return wrap(pointer, target)


def _from_records(values, type, mask, from_pandas, safe):
    from ._array_classes import StructArray
    names = values.dtype.names
    if names is None:
        raise ArrowNotImplementedError(f"Unsupported numpy type {values.dtype.num}: {values.dtype} has no Arrow type")
    fields = {f.name: f.type for f in type} if isinstance(type, t.StructType) else {}
    for name in fields:
        if name not in names:
            raise ValueError(f"Missing field {name!r} of {type}: the array has {', '.join(names)}")
    children = [to_array(np.ascontiguousarray(values[n]), fields.get(n), None, from_pandas, safe) for n in fields or names]
    names = list(fields or names)
    if not names and mask is None:
        mask = np.zeros(len(values), dtype=bool)
    return StructArray.from_arrays(children, names=list(names), mask=None if mask is None else to_array(mask, None, None, False, True))
