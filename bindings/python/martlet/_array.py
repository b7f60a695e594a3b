"""Arrays: one class a type, all of them thin owners of a handle of the engine."""

from ctypes import byref, c_int64, c_void_p
from operator import index

from . import _abi
from . import _types as t
from ._abi_capsules import exported_to_device
from ._c_pointers import ArrayPointers
from ._errors import ArrowInvalid
from ._operators import Operators

_lib = _abi.lib
_new = object.__new__


class Array(Operators, ArrayPointers, _abi.ArrayHandle):
    """Immutable values of one type, any of which may be null."""

    __slots__ = ()

    def __init__(self):
        raise TypeError(
            f"Do not call {type(self).__name__}'s constructor directly, use one of the `martlet.Array.from_*` "
            "functions instead.")

    # ---- making ----

    @staticmethod
    def _lent_by(lender):
        from ._builders import array
        return array(lender)

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
        if type.id != t.Type_EXTENSION and type.num_fields != len(children):
            raise ValueError(
                f"Type's expected number of children ({type.num_fields}) did not match the passed number "
                f"({len(children)}).")
        variadic = type.has_variadic_buffers and len(buffers) > type.num_buffers
        if type.num_buffers != len(buffers) and not variadic:
            if type.has_variadic_buffers:
                raise ValueError(
                    f"Type's expected number of buffers is at least {type.num_buffers}, but the passed number is "
                    f"{len(buffers)}.")
            raise ValueError(
                f"Type's expected number of buffers ({type.num_buffers}) did not match the passed number "
                f"({len(buffers)}).")
        for b in buffers:
            if not hasattr(b, "_handle") and b is not None:
                raise TypeError(f"Cannot convert {b.__class__.__name__} to martlet.lib.Buffer: see martlet.py_buffer")
        handles = [None if b is None else b._handle for b in buffers]
        if type.id == t.Type_EXTENSION:
            return type.wrap_array(Array.from_buffers(type.storage_type, length, buffers, null_count, offset, children))
        if type.id in _NO_VALIDITY:
            handles = handles[1:]
        return make(type, length, handles, null_count, offset, children)

    @staticmethod
    def from_dlpack(tensor):
        """An array over the memory of a one-dimensional tensor (`__dlpack__`) in main memory."""
        import numpy as np
        from ._builders import array
        return array(np.from_dlpack(tensor))

    # ---- measures ----

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

    def __sizeof__(self):
        return object.__sizeof__(self) + self.get_total_buffer_size()

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

    # `array[i]` and `slice` within bounds, `len(array)` and `iter(array)` are those of the cells.

    def _item(self, key):
        """`array[key]`: a Scalar for an index, an Array for a slice."""
        if isinstance(key, slice):
            return slice_of(self, key)
        return self._scalar(normalized_index(key, self._length))

    # The class of the scalars; filled by `_scalar`.
    _scalar_class = None

    def _scalar(self, i):
        made = _new(self._scalar_class)
        made._source, made._slot = self, i
        return made

    def _slice(self, offset=0, length=None):
        """`slice(offset=0, length=None)`: `length` values from `offset` on, cut to what is there; no copy."""
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
        options = {k: v for k, v in locals().items() if k != "self"}
        from . import _pandas_out
        return _pandas_out.series_from_array(self, options)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A DLPack capsule over the values: numbers without nulls only. Consumers of version 1 see that they may not be
        written to."""
        from . import _numpy
        return _numpy.dlpack(self, stream, max_version, dl_device, copy)

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
        if target_type is not None:
            target = t.ensure_type(target_type)
            if target.id == t.Type_EXTENSION:
                return target.wrap_array(self.cast(target.storage_type, safe, options))
        return cast(self, target_type, safe=safe, options=options)

    def view(self, target_type):
        """The same memory as another type of the same layout."""
        target = t.ensure_type(target_type)
        if target == self.type:
            return self
        if (self.type.id, target.id) not in _TEXT_AND_BYTES and (
                target._bits is None or target._bits != self.type._bits or target.num_buffers != 2):
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
        return text_of(self, window, top_level_indent, skip_new_lines, indent, element_size_limit)

    def __str__(self):
        return self.to_string()

    def __repr__(self):
        return f"<martlet.lib.{type(self).__name__} object at {hex(id(self))}>\n{self}"

    # ---- exchange ----

    # `__arrow_c_array__(requested_schema=None)` is that of the cells.

    def __arrow_c_device_array__(self, requested_schema=None, **kwargs):
        """As `__arrow_c_array__`, with the word that the memory is the CPU's."""
        return exported_to_device(self._requested(requested_schema), kwargs)

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


# The class of each type, by the type's id; filled by `_array_classes`. None where the type itself knows.
_CLASSES = {}
# Text that may be seen as bytes, and the reverse: both lie in memory alike.
_TEXT_AND_BYTES = {
    pair for a, b in ((t.Type_STRING, t.Type_BINARY), (t.Type_LARGE_STRING, t.Type_LARGE_BINARY),
                      (t.Type_STRING_VIEW, t.Type_BINARY_VIEW)) for pair in ((a, b), (b, a))}
# Types whose arrays have no validity of their own, where pyarrow counts one.
_NO_VALIDITY = (t.Type_NA, t.Type_DENSE_UNION, t.Type_SPARSE_UNION, t.Type_RUN_END_ENCODED)


def class_of(type):
    """The class of the arrays of a type."""
    return _CLASSES[type.id] or type.__arrow_ext_class__()


def wrap(pointer, type=None):
    """The Array of a new `martlet_array *`, which it owns; the engine is asked when `type` is not known."""
    if type is None:
        type = type_of(pointer)
    self = _new(_CLASSES[type.id] or type.__arrow_ext_class__())
    self._as_parameter_ = pointer
    self.type = type
    self._length = _lib.martlet_array_length(pointer)
    return self


def wrap_known(pointer, type, length):
    """As `wrap`, where the length is known."""
    self = _new(_CLASSES[type.id] or type.__arrow_ext_class__())
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
    if isinstance(arrays[0].type, t.DictionaryType):
        from ._nested_arrays import unified
        arrays = unified(arrays)
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
    offset, length = index(offset), None if length is None else index(length)
    if length is not None and length >= 1 << 63:
        raise OverflowError(f"a length of {length} is beyond 64 bits")
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


def text_of(array, window, top_level_indent=0, one_line=False, indent=2, element_limit=100):
    text = _abi.buffer_text(_abi.new(_lib.martlet_array_to_string, array, window, 0, element_limit))
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
