"""Arrays: one class a type, all of them thin owners of a handle of the engine."""

from ctypes import byref, c_int64, c_void_p
from operator import index

from . import _abi
from . import _types as t
from ._errors import ArrowInvalid, ArrowTypeError

_lib = _abi.lib


class Array(_abi.ArrayHandle):
    """Immutable values of one type, any of which may be null."""

    __slots__ = ("type", "_length")

    def __init__(self):
        raise TypeError(
            f"Do not call {type(self).__name__}'s constructor directly, use one of the `martlet.Array.from_*` "
            "functions instead.")

    # ---- making ----

    @staticmethod
    def from_pandas(obj, mask=None, type=None, safe=True, memory_pool=None):
        """An array from a pandas Series or NumPy array; NaN and NaT become null."""
        from ._builders import array
        return array(obj, mask=mask, type=type, safe=safe, from_pandas=True)

    @staticmethod
    def from_buffers(type, length, buffers, null_count=-1, offset=0, children=None):
        """An array over Buffers in the order of the Arrow columnar format, validity first, None for absent ones."""
        type = t.ensure_type(type)
        children = list(children or ())
        if type.num_fields != len(children):
            raise ValueError(
                f"Type's expected number of children ({type.num_fields}) did not match the passed number "
                f"({len(children)}).")
        if type.num_buffers != len(buffers):
            raise ValueError(
                f"Type's expected number of buffers ({type.num_buffers}) did not match the passed number "
                f"({len(buffers)}).")
        handles = [None if b is None else b._handle for b in buffers]
        return make(type, length, handles, null_count, offset, children)

    @staticmethod
    def from_dlpack(tensor):
        """An array over the memory of a one-dimensional tensor (`__dlpack__`) in main memory."""
        import numpy as np
        from ._builders import array
        return array(np.from_dlpack(tensor))

    # ---- measures ----

    def __len__(self):
        return self._length

    @property
    def offset(self):
        """The position of the first value in the buffers."""
        return _lib.martlet_array_offset(self)

    @property
    def null_count(self):
        return _lib.martlet_array_null_count(self)

    @property
    def nbytes(self):
        """Bytes of the slots that this array (a slice, perhaps) uses."""
        return _lib.martlet_array_nbytes(self)

    def get_total_buffer_size(self):
        """Bytes of all buffers, whatever part of them is used; each buffer once."""
        seen = {}
        self._collect_buffers(seen)
        return sum(seen.values())

    def _collect_buffers(self, seen):
        for i in range(_lib.martlet_array_buffer_count(self)):
            address, size = self._buffer_at(i)
            if address:
                seen[address] = max(size, seen.get(address, 0))
        for child in self._children():
            child._collect_buffers(seen)

    is_cpu = True
    device_type = "cpu"
    statistics = None

    # ---- buffers and children ----

    def _buffer_at(self, i):
        """Address (None when absent) and size in bytes of buffer `i`, validity first."""
        address, size = c_void_p(), c_int64()
        _abi.check(_lib.martlet_array_buffer_address, self, i, byref(address), byref(size))
        return address.value, size.value

    def buffers(self):
        """All Buffers but the dictionary's, depth first, validity before values; None for absent ones."""
        from ._io import Buffer
        result = []
        for i in range(_lib.martlet_array_buffer_count(self)):
            pointer = _abi.new(_lib.martlet_array_buffer, self, i)
            result.append(None if pointer is None else Buffer._from_pointer(pointer))
        for i, f in enumerate(self.type._fields()):
            result += self._child(i, f.type).buffers()
        return result

    def _child(self, i, type):
        return wrap(_abi.new(_lib.martlet_array_child, self, i), type)

    def _children(self):
        """Children, and the dictionary, as arrays."""
        fields = self.type._fields()
        result = [self._child(i, f.type) for i, f in enumerate(fields)]
        if isinstance(self.type, t.DictionaryType):
            result.append(self.dictionary)
        return result

    # ---- values ----

    def __getitem__(self, key):
        """A Scalar for an index, an Array for a slice."""
        if isinstance(key, slice):
            return slice_of(self, key)
        return self._scalar(normalized_index(key, self._length))

    def _scalar(self, i):
        from ._scalar import scalar_at
        return scalar_at(self, i)

    def __iter__(self):
        for i in range(self._length):
            yield self._scalar(i)

    def slice(self, offset=0, length=None):
        """`length` values from `offset` on, cut to what is there; no copy."""
        offset, length = slice_bounds(offset, length, self._length)
        return wrap_known(_abi.new(_lib.martlet_array_slice, self, offset, length), self.type, length)

    def to_pylist(self, *, maps_as_pydicts=None):
        """A list of Python values, None for null."""
        options = maps_options(maps_as_pydicts)
        return _abi.new_object(_lib.martlet_python_array_to_list, self, *options)

    tolist = to_pylist

    def to_numpy(self, zero_copy_only=True, writable=False):
        """A NumPy array; with `zero_copy_only` a read-only view of this memory, or ArrowInvalid."""
        from . import _numpy
        return _numpy.from_array(self, zero_copy_only, writable)

    def __array__(self, dtype=None, copy=None):
        from . import _numpy
        return _numpy.array_protocol(self, dtype, copy)

    def to_pandas(self, memory_pool=None, categories=None, strings_to_categorical=False, zero_copy_only=False,
                  integer_object_nulls=False, date_as_object=True, timestamp_as_object=False, use_threads=True,
                  deduplicate_objects=True, ignore_metadata=False, safe=True, split_blocks=False,
                  self_destruct=False, maps_as_pydicts=None, types_mapper=None, coerce_temporal_nanoseconds=False):
        """A pandas Series; the options are those of pyarrow."""
        from . import _pandas
        options = {k: v for k, v in locals().items() if k not in ("self", "_pandas")}
        return _pandas.series_from_array(self, options)

    def __dlpack__(self, stream=None):
        """A DLPack capsule over the values: numbers without nulls only."""
        from . import _numpy
        return _numpy.dlpack(self, stream)

    def __dlpack_device__(self):
        return 1, 0

    # ---- comparing and checking ----

    def equals(self, other):
        """Whether both have the same type and values; NaN differs from NaN."""
        if not isinstance(other, Array):
            raise TypeError(
                f"Argument 'other' has incorrect type (expected martlet.lib.Array, got {type(other).__name__})")
        return self.type == other.type and _lib.martlet_array_equals(self, other)

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, Array) else NotImplemented

    __hash__ = None

    def validate(self, *, full=False):
        """Raises ArrowInvalid for a broken structure; with `full` every value is looked at."""
        _abi.check(_lib.martlet_array_validate, self, full)

    # ---- computing ----

    def _call(self, name, *arguments, type=None, **options):
        from ._compute import call
        return call(name, (self,) + arguments, type=type, options=options)

    def cast(self, target_type=None, safe=None, options=None, memory_pool=None):
        """The values as another type; `safe=False` lets them overflow and be cut."""
        from ._compute import cast
        return cast(self, target_type, safe=safe, options=options)

    def view(self, target_type):
        """The same memory as another type of the same layout."""
        target = t.ensure_type(target_type)
        if target == self.type:
            return self
        if target._bits is None or target._bits != self.type._bits or target.num_buffers != 2:
            raise ArrowInvalid(f"Can't view array of type {self.type} as {target}: types of one width are needed")
        handles = buffer_handles(self)
        return make(target, self._length, handles, -1, self.offset)

    def fill_null(self, fill_value):
        from ._compute import fill_null
        return fill_null(self, fill_value)

    def filter(self, mask, *, null_selection_behavior="drop"):
        """The values where `mask` is true; a null in it drops the value, or with "emit_null" gives null."""
        from ._compute import filter
        return filter(self, mask, null_selection_behavior)

    def take(self, indices):
        from ._compute import take
        return take(self, indices)

    def index(self, value, start=None, end=None, *, memory_pool=None):
        """The position of the first value equal to `value`, as an Int64Scalar; -1 when there is none."""
        from ._compute import index
        return index(self, value, start, end)

    def sort(self, order="ascending", null_placement="at_end", **kwargs):
        from ._compute import array_sort_indices
        return self.take(array_sort_indices(self, order=order, null_placement=null_placement))

    def is_null(self, *, nan_is_null=False):
        return self._call("is_null", nan_is_null=nan_is_null)

    def is_valid(self):
        return self._call("is_valid")

    def is_nan(self):
        return self._call("is_nan")

    def drop_null(self):
        return self._call("drop_null")

    def unique(self):
        return self._call("unique")

    def value_counts(self):
        return self._call("value_counts")

    def dictionary_encode(self, null_encoding="mask"):
        if isinstance(self.type, t.DictionaryType):
            return self
        return self._call("dictionary_encode", null_encoding=null_encoding)

    def sum(self, **kwargs):
        return self._call("sum", **kwargs)

    # ---- text ----

    def to_string(self, *, indent=2, top_level_indent=0, window=10, container_window=2, skip_new_lines=False,
                  element_size_limit=100):
        """The first and last `window` values, one a line, or all in one line with `skip_new_lines`."""
        return text_of(self, window, top_level_indent, skip_new_lines, indent)

    def __str__(self):
        return self.to_string()

    def __repr__(self):
        return f"<martlet.lib.{type(self).__name__} object at {hex(id(self))}>\n{self}"

    # ---- exchange ----

    def __arrow_c_array__(self, requested_schema=None):
        """Capsules of schema and array; `requested_schema` is cast to when that is possible."""
        return _abi.new_objects(_lib.martlet_python_array_capsules, self._requested(requested_schema))

    def _requested(self, capsule):
        if capsule is None:
            return self
        target = t._type_from_handle(_abi.schema_from_capsule(capsule))
        return self if target == self.type else self.cast(target)

    def __reduce__(self):
        from ._pickle import reduce_array
        return reduce_array(self)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def wrap(pointer, type=None):
    """The Array of a new `martlet_array *`, which it owns; the engine is asked when `type` is not known."""
    if type is None:
        type = type_of(pointer)
    self = object.__new__(_CLASSES[type.id])
    self._as_parameter_ = pointer
    self.type = type
    self._length = _lib.martlet_array_length(pointer)
    return self


def wrap_known(pointer, type, length):
    """As `wrap`, where the length is known."""
    self = object.__new__(_CLASSES[type.id])
    self._as_parameter_, self.type, self._length = pointer, type, length
    return self


def type_of(pointer):
    """The type of a `martlet_array *`."""
    return t._type_from_handle(_abi.SchemaHandle(_abi.new(_lib.martlet_array_schema, pointer)))


def make(type, length, buffers, null_count=-1, offset=0, children=(), dictionary=None):
    """An array from BufferHandles (None for absent ones), in the order of the columnar format."""
    pointer = _abi.new(
        _lib.martlet_array_make, type._handle, length, null_count, offset, _abi.handle_array(buffers), len(buffers),
        _abi.handle_array(children), len(children), dictionary)
    return wrap(pointer, type)


def make_flat(type, length, values, validity=None, null_count=-1):
    """An array of values of fixed width from BufferHandles; the short way for hot paths."""
    pointers = (c_void_p * 2)(None if validity is None else validity._as_parameter_, values._as_parameter_)
    pointer = _abi.new(
        _lib.martlet_array_make, type._handle, length, null_count, 0, pointers, 2, None, 0, None)
    return wrap_known(pointer, type, length)


def nulls_of(type, length):
    """An array of nulls."""
    return wrap(_abi.new(_lib.martlet_array_nulls, type._handle, length), type)


def concatenate(arrays):
    """One array with the values of all; they have one type."""
    if len(arrays) == 1:
        return arrays[0]
    pointer = _abi.new(_lib.martlet_array_concatenate, _abi.handle_array(arrays), len(arrays))
    return wrap(pointer, arrays[0].type)


def buffer_handles(array):
    """BufferHandles of an array's own buffers, None for absent ones."""
    result = []
    for i in range(_lib.martlet_array_buffer_count(array)):
        pointer = _abi.new(_lib.martlet_array_buffer, array, i)
        result.append(None if pointer is None else _abi.BufferHandle(pointer))
    return result


def maps_options(maps_as_pydicts):
    if maps_as_pydicts is None:
        return None, 0
    if maps_as_pydicts not in (None, "lossy", "strict"):
        raise ValueError(f"Invalid value for 'maps_as_pydicts': valid values are 'lossy', 'strict' or `None` (default). "
                         f"Received {maps_as_pydicts!r}.")
    return _abi.pack_options({"maps_as_pydicts": maps_as_pydicts})


def normalized_index(key, length):
    i = index(key)
    if i < 0:
        i += length
    if not 0 <= i < length:
        raise IndexError("index out of bounds")
    return i


def slice_bounds(offset, length, available):
    """Offset and length of a slice, cut to what is available."""
    if offset < 0:
        raise IndexError("Offset must be non-negative")
    offset = min(offset, available)
    if length is None:
        return offset, available - offset
    if length < 0:
        raise ValueError("Length must be non-negative")
    return offset, min(length, available - offset)


def slice_of(data, key):
    """`data[key]` for a slice: no copy for steps of 1, else a take."""
    start, stop, step = key.indices(len(data))
    if step == 1:
        return data.slice(start, max(0, stop - start))
    from ._builders import array
    return data.take(array(list(range(start, stop, step)), type=t.int64()))


def text_of(array, window, top_level_indent=0, one_line=False, indent=2):
    text = _abi.buffer_text(_abi.new(_lib.martlet_array_to_string, array, window, 0))
    if one_line:
        lines = [line.lstrip(" ") for line in text.split("\n")]
        return "".join("...," if line == "..." else line for line in lines)
    if indent != 2:
        lines = text.split("\n")
        text = "\n".join(" " * ((len(x) - len(x.lstrip(" "))) * indent // 2) + x.lstrip(" ") for x in lines)
    if top_level_indent:
        pad = " " * top_level_indent
        text = "\n".join(pad + line if line else line for line in text.split("\n"))
    return text


# ---- classes of types ------------------------------------------------------------------------------------------------


class NullArray(Array):
    __slots__ = ()

    def buffers(self):
        return [None]


class BooleanArray(Array):
    __slots__ = ()

    @property
    def true_count(self):
        return self._call("sum").as_py() or 0

    @property
    def false_count(self):
        return len(self) - self.null_count - self.true_count


class NumericArray(Array):
    __slots__ = ()


class IntegerArray(NumericArray):
    __slots__ = ()


class FloatingPointArray(NumericArray):
    __slots__ = ()


def _subclasses(base, names):
    for name in names.split():
        yield type(name, (base,), {"__slots__": (), "__module__": __name__})


(Int8Array, UInt8Array, Int16Array, UInt16Array, Int32Array, UInt32Array, Int64Array, UInt64Array) = _subclasses(
    IntegerArray, "Int8Array UInt8Array Int16Array UInt16Array Int32Array UInt32Array Int64Array UInt64Array")
(HalfFloatArray, FloatArray, DoubleArray) = _subclasses(FloatingPointArray, "HalfFloatArray FloatArray DoubleArray")
(Date32Array, Date64Array, TimestampArray, Time32Array, Time64Array, DurationArray) = _subclasses(
    NumericArray, "Date32Array Date64Array TimestampArray Time32Array Time64Array DurationArray")
(FixedSizeBinaryArray,) = _subclasses(Array, "FixedSizeBinaryArray")
(Decimal128Array,) = _subclasses(FixedSizeBinaryArray, "Decimal128Array")


class _BytesArray(Array):
    __slots__ = ()
    _offset_type = t.int32()

    @property
    def total_values_length(self):
        """Bytes of all values together."""
        from ._compute import call
        return call("sum", (call("binary_length", (self,)),)).as_py() or 0


class StringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class LargeStringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.large_string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class BinaryArray(_BytesArray):
    __slots__ = ()


class LargeBinaryArray(_BytesArray):
    __slots__ = ()


class BaseListArray(Array):
    __slots__ = ()

    @property
    def values(self):
        """All values, also those that no list of this array uses."""
        return self._child(0, self.type.value_type)

    def flatten(self, recursive=False):
        """The values of all lists that are not null, in one array."""
        result = self._flat()
        while recursive and isinstance(result, BaseListArray):
            result = result._flat()
        return result

    def _flat(self):
        offsets = self.offsets.to_pylist()
        if self.null_count == 0:
            return self.values.slice(offsets[0], offsets[-1] - offsets[0])
        values, valid = self.values, self.is_valid().to_pylist()
        parts = [values.slice(a, b - a) for a, b, ok in zip(offsets, offsets[1:], valid) if ok and b > a]
        return concatenate(parts) if parts else values.slice(0, 0)

    def value_lengths(self):
        """The length of each list, null for null."""
        from ._compute import call
        from ._scalar import scalar
        offsets = self.offsets
        lengths = call("subtract", (offsets.slice(1), offsets.slice(0, len(self))))
        if not self.null_count:
            return lengths
        return call("if_else", (self.is_valid(), lengths, scalar(None, lengths.type)))

    def value_parent_indices(self):
        """For each value of `flatten()` the position of its list."""
        from ._builders import array
        lengths = self.value_lengths().to_pylist()
        return array([i for i, n in enumerate(lengths) for _ in range(n or 0)], type=t.int64())


class _OffsetListArray(BaseListArray):
    __slots__ = ()
    _offset_type = t.int32()

    @property
    def offsets(self):
        """Where each list starts in `values`, and where the last one ends."""
        _, offsets = buffer_handles(self)
        if offsets is None or _lib.martlet_buffer_size(offsets) == 0:
            from ._builders import array
            return array([0], type=self._offset_type)
        return make(self._offset_type, len(self) + 1, [None, offsets], 0, self.offset)


def _list_from_arrays(cls, offsets, values, type, mask):
    from ._builders import asarray
    offsets, values = asarray(offsets, cls._offset_type), asarray(values)
    if type is None:
        type = t.large_list(values.type) if cls is LargeListArray else t.list_(values.type)
    if len(offsets) == 0:
        raise ArrowInvalid("List offsets must have non-zero length")
    length = len(offsets) - 1
    validity, offsets = _validity_of_offsets(offsets, mask, length)
    result = make(type, length, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [values])
    result.validate()
    return result


def _validity_of_offsets(offsets, mask, length):
    """A null offset makes its list null; so does a true in `mask`."""
    if mask is not None:
        if offsets.null_count:
            raise ValueError("Ambiguous to specify both validity map and offsets with nulls")
        if offsets.offset:
            raise NotImplementedError("Null bitmap with offsets slice not supported.")
        return validity_from_mask(mask, length), offsets
    if not offsets.null_count:
        return None, offsets
    from ._builders import array
    items = offsets.to_pylist()
    if items[-1] is None:
        raise ArrowInvalid("Last list offset should be non-null")
    valid = array([x is not None for x in items[:-1]])
    for i in range(len(items) - 1, -1, -1):
        items[i] = items[i + 1] if items[i] is None else items[i]
    return buffer_handles(valid)[1], array(items, type=offsets.type)


def validity_from_mask(mask, length):
    """A BufferHandle with a bit for each value that is not masked (true in `mask` is null)."""
    from ._builders import asarray
    mask = asarray(mask, t.bool_())
    if len(mask) != length:
        raise ArrowInvalid(f"Mask has different length ({len(mask)}) than the array ({length})")
    if mask.null_count:
        raise ValueError("Mask must not contain nulls")
    return buffer_handles(mask._call("invert"))[1]


class ListArray(_OffsetListArray):
    __slots__ = ()

    @classmethod
    def from_arrays(cls, offsets, values, type=None, pool=None, mask=None):
        """Lists that start at `offsets` (one more than lists) of `values`."""
        return _list_from_arrays(cls, offsets, values, type, mask)


class LargeListArray(_OffsetListArray):
    __slots__ = ()
    _offset_type = t.int64()

    @classmethod
    def from_arrays(cls, offsets, values, type=None, pool=None, mask=None):
        """Lists that start at `offsets` (one more than lists) of `values`."""
        return _list_from_arrays(cls, offsets, values, type, mask)


class MapArray(_OffsetListArray):
    __slots__ = ()

    @property
    def values(self):
        return self._child(0, self.type._entries.type)

    @property
    def keys(self):
        return self.values.field(0)

    @property
    def items(self):
        return self.values.field(1)

    @staticmethod
    def from_arrays(offsets, keys, items, type=None, pool=None, mask=None):
        """Maps whose entries start at `offsets` (one more than maps) of `keys` and `items`."""
        from ._builders import asarray
        keys, items = asarray(keys), asarray(items)
        type = type or t.map_(keys.type, items.type)
        entries = make(type._entries.type, len(keys), [None], 0, 0, [keys, items])
        offsets = asarray(offsets, t.int32())
        validity, offsets = _validity_of_offsets(offsets, mask, len(offsets) - 1)
        return make(type, len(offsets) - 1, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [entries])


class FixedSizeListArray(BaseListArray):
    __slots__ = ()

    @property
    def offsets(self):
        from ._builders import array
        size = self.type.list_size
        return array([i * size for i in range(len(self) + 1)], type=t.int32())

    @classmethod
    def from_arrays(cls, values, list_size=None, type=None, mask=None):
        """Lists of `list_size` values each."""
        from ._builders import asarray
        values = asarray(values)
        if (list_size is None) == (type is None):
            raise ValueError("Cannot specify both list_size and type" if type else
                             "Either list_size or type must be specified")
        type = type or t.list_(values.type, list_size)
        size = type.list_size
        if size and len(values) % size:
            raise ArrowInvalid(f"The length of the values Array needs to be a multiple of the list size ({size})")
        length = len(values) // size if size else 0
        validity = None if mask is None else validity_from_mask(mask, length)
        return make(type, length, [validity], -1, 0, [values])


class StructArray(Array):
    __slots__ = ()

    def field(self, index):
        """The child of a name or a position, without this array's own nulls."""
        if isinstance(index, (str, bytes)):
            place = self.type.get_field_index(index)
            if place < 0:
                raise KeyError(index)
            index = place
        elif not isinstance(index, int):
            raise TypeError("Expected integer or string index")
        if not -self.type.num_fields <= index < self.type.num_fields:
            raise IndexError(f"index out of bounds: {index}")
        index %= self.type.num_fields
        return self._child(index, self.type._members[index].type)

    def flatten(self, memory_pool=None):
        """The children, null also where this array is null."""
        children = [self.field(i) for i in range(self.type.num_fields)]
        if self.null_count == 0:
            return children
        from ._compute import call
        from ._scalar import scalar
        valid = self.is_valid()
        return [call("if_else", (valid, child, scalar(None, child.type))) for child in children]

    @staticmethod
    def from_arrays(arrays, names=None, fields=None, mask=None, memory_pool=None, type=None):
        """Records of `arrays`, with `names`, `fields` or a struct type."""
        from ._builders import asarray
        from ._field import field
        if type is not None:
            if names is not None or fields is not None:
                raise ValueError("Must pass only one of names, fields or type")
            fields = type.fields
        if (names is None) == (fields is None):
            raise ValueError("Must pass either names or fields" if names is None else
                             "Must pass either names or fields, not both")
        count = len(arrays)
        if len(names if fields is None else fields) != count:
            raise ValueError("Must pass same number of arrays as fields" if names is None else
                             "Must pass same number of names as arrays")
        arrays = [asarray(a, None if fields is None else fields[i].type) for i, a in enumerate(arrays)]
        if fields is None:
            fields = [field(name, a.type) for name, a in zip(names, arrays)]
        for f, a in zip(fields, arrays):
            if f.type != a.type:
                raise ValueError(f"Field {f.name} is of type {f.type}, its array of {a.type}")
            if not f.nullable and a.null_count:
                raise ValueError(f"field {f.name} is not nullable but has {a.null_count} nulls")
        length = len(arrays[0]) if arrays else (0 if mask is None else len(mask))
        if any(len(a) != length for a in arrays):
            raise ValueError(f"Mismatching child array lengths: {[len(a) for a in arrays]}")
        validity = None if mask is None else validity_from_mask(mask, length)
        return make(t.struct(fields), length, [validity], -1, 0, arrays)

    def sort(self, order="ascending", by=None, **kwargs):
        from ._table import RecordBatch
        from ._compute import sort_indices
        keys = [(by or self.type.names[0], order)] if not by or isinstance(by, str) else by
        return self.take(sort_indices(RecordBatch.from_struct_array(self), sort_keys=keys))


class DictionaryArray(Array):
    __slots__ = ()

    @property
    def indices(self):
        """The positions in `dictionary`, null where the value is null."""
        return make(self.type.index_type, self._length, buffer_handles(self), -1, self.offset)

    @property
    def dictionary(self):
        """The distinct values."""
        return wrap(_abi.new(_lib.martlet_array_dictionary, self), self.type.value_type)

    def dictionary_decode(self):
        """The values themselves."""
        return self.cast(self.type.value_type)

    def dictionary_encode(self, null_encoding="mask"):
        return self

    @staticmethod
    def from_arrays(indices, dictionary, mask=None, ordered=False, from_pandas=False, safe=True, memory_pool=None):
        """From positions (int64 unless they are an array) and the values that they point to."""
        from ._builders import array, asarray
        if not isinstance(indices, Array):
            if from_pandas and mask is None:
                mask = [i is None or i < 0 for i in (indices.tolist() if hasattr(indices, "tolist") else indices)]
            indices = array(indices, mask=mask)
        elif mask is not None:
            raise NotImplementedError("mask not implemented with Arrow array inputs yet")
        dictionary = dictionary if isinstance(dictionary, Array) else array(dictionary)
        type = t.dictionary(indices.type, dictionary.type, ordered)
        result = make(type, len(indices), buffer_handles(indices), -1, indices.offset, (), dictionary)
        if safe:
            result.validate(full=True)
        return result


def _class_table():
    table = {
        t.Type_NA: NullArray, t.Type_BOOL: BooleanArray, t.Type_UINT8: UInt8Array, t.Type_INT8: Int8Array,
        t.Type_UINT16: UInt16Array, t.Type_INT16: Int16Array, t.Type_UINT32: UInt32Array, t.Type_INT32: Int32Array,
        t.Type_UINT64: UInt64Array, t.Type_INT64: Int64Array, t.Type_HALF_FLOAT: HalfFloatArray,
        t.Type_FLOAT: FloatArray, t.Type_DOUBLE: DoubleArray, t.Type_STRING: StringArray, t.Type_BINARY: BinaryArray,
        t.Type_FIXED_SIZE_BINARY: FixedSizeBinaryArray, t.Type_DATE32: Date32Array, t.Type_DATE64: Date64Array,
        t.Type_TIMESTAMP: TimestampArray, t.Type_TIME32: Time32Array, t.Type_TIME64: Time64Array,
        t.Type_DECIMAL128: Decimal128Array, t.Type_LIST: ListArray, t.Type_STRUCT: StructArray,
        t.Type_DICTIONARY: DictionaryArray, t.Type_MAP: MapArray, t.Type_FIXED_SIZE_LIST: FixedSizeListArray,
        t.Type_DURATION: DurationArray, t.Type_LARGE_STRING: LargeStringArray,
        t.Type_LARGE_BINARY: LargeBinaryArray, t.Type_LARGE_LIST: LargeListArray,
    }
    return table


_CLASSES = _class_table()
