"""Chunked arrays: one column in several arrays of one type."""

from . import _abi
from . import _types as t
from ._abi_capsules import exported_stream, is_array, is_stream, stream_of
from ._array import Array, concatenate, normalized_index, slice_bounds, slice_of, text_of
from ._errors import ArrowInvalid, ArrowTypeError
from ._operators import Operators


class ChunkedArray(Operators):
    """A sequence of arrays of one type that is looked at as one."""

    # `_name` is that of the table's column from which it was taken last: a Series in pandas gets it.
    __slots__ = ("_chunks", "type", "_length", "_name", "__weakref__")

    def __init__(self):
        raise TypeError("Do not call ChunkedArray's constructor directly, use `chunked_array` function instead.")

    # ---- measures ----

    def __len__(self):
        return self._length

    def length(self):
        return self._length

    @property
    def data(self):
        """The array itself; deprecated, as in pyarrow."""
        import warnings
        warnings.warn("Calling .data on ChunkedArray is provided for compatibility after Column was removed, simply drop "
                      "this attribute", FutureWarning, stacklevel=2)
        return self

    @property
    def num_chunks(self):
        return len(self._chunks)

    @property
    def null_count(self):
        return sum(c.null_count for c in self._chunks)

    @property
    def nbytes(self):
        return sum(c.nbytes for c in self._chunks)

    def __sizeof__(self):
        return object.__sizeof__(self) + self.get_total_buffer_size()

    def get_total_buffer_size(self):
        seen = {}
        for c in self._chunks:
            c._collect_buffers(seen)
        return sum(seen.values())

    is_cpu = True

    # ---- chunks and values ----

    @property
    def chunks(self):
        return list(self._chunks)

    def iterchunks(self):
        return iter(self._chunks)

    def chunk(self, i):
        if not 0 <= i < len(self._chunks):
            raise IndexError("Chunk index out of range.")
        return self._chunks[i]

    def __getitem__(self, key):
        if isinstance(key, slice):
            return slice_of(self, key)
        i = normalized_index(key, self._length)
        for c in self._chunks:
            if i < len(c):
                return c._scalar(i)
            i -= len(c)

    def __iter__(self):
        for c in self._chunks:
            yield from c

    def slice(self, offset=0, length=None):
        """`length` values from `offset` on, cut to what is there; no copy."""
        offset, length = slice_bounds(offset, length, self._length)
        parts = []
        for c in self._chunks:
            if offset >= len(c):
                offset -= len(c)
                continue
            if length <= 0:
                break
            part = c.slice(offset, length) if offset or length < len(c) else c
            parts.append(part)
            length -= len(part)
            offset = 0
        if not parts and self._chunks:
            parts = [self._chunks[0].slice(0, 0)]
        return make_chunked(parts, self.type)

    def combine_chunks(self, memory_pool=None):
        """One Array with all values."""
        if not self._chunks:
            from ._array import nulls_of
            return nulls_of(self.type, 0)
        return concatenate(self._chunks)

    def unify_dictionaries(self, memory_pool=None):
        """The same values with one dictionary for all chunks."""
        if not isinstance(self.type, t.DictionaryType) or len(self._chunks) < 2:
            return self
        from ._nested_arrays import unified
        return make_chunked(unified(self._chunks), self.type)

    def flatten(self, memory_pool=None):
        """For structs one ChunkedArray a field, else itself."""
        if not isinstance(self.type, t.StructType):
            return [self]
        columns = [c.flatten() for c in self._chunks]
        return [make_chunked([c[i] for c in columns], f.type) for i, f in enumerate(self.type)]

    def to_pylist(self, *, maps_as_pydicts=None):
        result = []
        for c in self._chunks:
            result += c.to_pylist(maps_as_pydicts=maps_as_pydicts)
        return result

    def to_numpy(self, zero_copy_only=False):
        """A NumPy array; one chunk (or none) can be a view, which `zero_copy_only` insists on."""
        from . import _numpy
        return _numpy.from_chunked(self, zero_copy_only)

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

    def __dlpack__(self, **options):
        if len(self._chunks) > 1:
            raise ArrowInvalid("DLPack needs one chunk: call combine_chunks() first")
        return self.combine_chunks().__dlpack__(**options)

    def __dlpack_device__(self):
        return 1, 0

    # ---- comparing and checking ----

    def equals(self, other):
        """Whether both have the same type and values, however they are cut in chunks."""
        if other is None:
            return False
        if not isinstance(other, ChunkedArray):
            raise TypeError(
                f"Argument 'other' has incorrect type (expected martlet.lib.ChunkedArray, got {type(other).__name__})")
        if self.type != other.type or self._length != other._length:
            return False
        return all(a.equals(b) for a, b in aligned(self._chunks, other._chunks))

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, ChunkedArray) else NotImplemented

    __hash__ = None

    def validate(self, *, full=False):
        for c in self._chunks:
            c.validate(full=full)

    # ---- computing ----

    def _call(self, name, *arguments, **options):
        from ._compute import call
        return call(name, (self,) + arguments, options=options)

    def cast(self, target_type=None, safe=None, options=None):
        from ._compute import cast
        target = None if target_type is None else t.ensure_type(target_type)
        if self.type.id == t.Type_EXTENSION or (target is not None and target.id == t.Type_EXTENSION):
            target = options.target_type if target is None else target
            return make_chunked([c.cast(target, safe) for c in self._chunks], target)
        return cast(self, target_type, safe=safe, options=options)

    def fill_null(self, fill_value):
        from ._compute import fill_null
        return fill_null(self, fill_value)

    def filter(self, mask, null_selection_behavior="drop"):
        from ._compute import filter
        return filter(self, mask, null_selection_behavior)

    def take(self, indices):
        from ._compute import take
        return take(self, indices)

    def index(self, value, start=None, end=None, *, memory_pool=None):
        from ._compute import index
        return index(self, value, start, end)

    def sort(self, order="ascending", null_placement="at_end", **kwargs):
        whole = self.combine_chunks()
        return make_chunked([whole.sort(order, null_placement, **kwargs)], self.type)

    def is_null(self, *, nan_is_null=False):
        return self._call("is_null", nan_is_null=nan_is_null)

    def is_valid(self):
        return self._call("is_valid")

    def is_nan(self):
        return self._call("is_nan")

    def drop_null(self):
        return make_chunked([c.drop_null() for c in self._chunks], self.type)

    def unique(self):
        """The distinct values in one Array."""
        return self.combine_chunks().unique()

    def value_counts(self):
        return self.combine_chunks().value_counts()

    def dictionary_encode(self, null_encoding="mask"):
        if isinstance(self.type, t.DictionaryType):
            return self
        encoded = self.combine_chunks().dictionary_encode(null_encoding)
        return make_chunked([encoded] if self._chunks else [], encoded.type)

    # ---- text ----

    def to_string(self, *, indent=0, window=5, container_window=2, skip_new_lines=False, element_size_limit=100):
        """The first and last `container_window` chunks with `window` values each."""
        chunks, w = self._chunks, container_window
        shown = [(c, False) for c in chunks] if len(chunks) <= 2 * w + 1 else (
            [(c, False) for c in chunks[:w]] + [(None, True)] + [(c, False) for c in chunks[-w:]])
        if skip_new_lines:
            texts = ("..." if gap else text_of(c, window, 0, True, 2, element_size_limit) for c, gap in shown)
            return "[" + ",".join(texts) + "]"
        # pyarrow does not indent the text of chunks without values.
        inner = indent if self.type.id == t.Type_NA else indent + 2
        parts = ["..." if gap else text_of(c, window, inner, False, 2, element_size_limit) for c, gap in shown]
        pad = " " * indent
        return f"{pad}[\n" + ",\n".join(parts) + f"\n{pad}]"

    format = to_string

    def __str__(self):
        return self.to_string()

    def __repr__(self):
        return f"<martlet.lib.ChunkedArray object at {hex(id(self))}>\n{self}"

    # ---- exchange ----

    @staticmethod
    def _import_from_c_capsule(capsule):
        class Lender:
            def __arrow_c_stream__(self, requested_schema=None):
                return capsule
        return _from_stream(Lender(), None)

    def __arrow_c_stream__(self, requested_schema=None):
        """A capsule of a stream of the chunks."""
        return exported_stream(self._stream(requested_schema))

    def __arrow_c_device_stream__(self, requested_schema=None, **kwargs):
        """As `__arrow_c_stream__`, with the word that the memory is the CPU's."""
        return exported_stream(self._stream(requested_schema), kwargs)

    def _stream(self, requested_schema):
        data = self
        if requested_schema is not None:
            target = t._type_from_handle(_abi.schema_from_capsule(requested_schema))
            data = self if target == self.type else self.cast(target)
        pointer = _abi.new(
            _abi.lib.martlet_stream_from_batches, data.type._handle, _abi.handle_array(data._chunks), len(data._chunks))
        return _abi.StreamHandle(pointer)

    def __reduce__(self):
        return make_chunked, (list(self._chunks), self.type)


def make_chunked(chunks, type):
    """A ChunkedArray of Arrays that have `type`."""
    self = object.__new__(ChunkedArray)
    self._chunks, self.type, self._length, self._name = list(chunks), type, sum(len(c) for c in chunks), None
    return self


def aligned(a, b):
    """Pairs of slices of two lists of arrays with equal lengths in total."""
    a, b = [c for c in a if len(c)], [c for c in b if len(c)]
    i = j = 0
    at_a = at_b = 0
    while i < len(a) and j < len(b):
        count = min(len(a[i]) - at_a, len(b[j]) - at_b)
        yield a[i].slice(at_a, count), b[j].slice(at_b, count)
        at_a, at_b = at_a + count, at_b + count
        if at_a == len(a[i]):
            i, at_a = i + 1, 0
        if at_b == len(b[j]):
            j, at_b = j + 1, 0


def chunked_array(arrays, type=None):
    """A ChunkedArray from arrays (or what `array()` takes), or from any object with `__arrow_c_stream__`."""
    type = t.ensure_type(type, allow_none=True)
    if isinstance(arrays, ChunkedArray):
        return arrays if type is None or type == arrays.type else arrays.cast(type)
    if isinstance(arrays, Array):
        arrays = [arrays]
    elif is_stream(arrays):
        return _from_stream(arrays, type)
    elif is_array(arrays):
        arrays = [arrays]
    from ._builders import array
    chunks = []
    for item in arrays:
        made = item if isinstance(item, Array) else array(item, type=type)
        if isinstance(made, ChunkedArray):
            chunks += made._chunks
            continue
        if type is None:
            type = made.type
        elif made.type != type:
            if isinstance(item, Array):
                raise ArrowTypeError("Array chunks must all be same type" if chunks else
                                     f"Array chunks must all be same type: expected {type}, got {made.type}")
            made = array(item, type=type)
        chunks.append(made)
    if type is None:
        raise ArrowInvalid("cannot construct ChunkedArray from empty vector and omitted type")
    return make_chunked(chunks, type)


def _from_stream(source, type):
    from ._array import wrap
    capsule = None if type is None else type.__arrow_c_schema__()
    stream = stream_of(source, capsule)
    schema = _abi.SchemaHandle(_abi.new(_abi.lib.martlet_stream_schema, stream))
    found = t._type_from_handle(schema)
    chunks = []
    while (pointer := _abi.new(_abi.lib.martlet_stream_next, stream)) is not None:
        chunks.append(wrap(pointer, found))
    result = make_chunked(chunks, found)
    return result if type is None or type == found else result.cast(type)
