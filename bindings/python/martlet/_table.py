"""Record batches and tables: named columns of one length."""

from . import _abi, _metadata
from ._array import Array, concatenate, slice_bounds, slice_of, wrap
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowInvalid, ArrowTypeError
from ._field import Field, field
from ._schema import Schema, _make_schema

_lib = _abi.lib


class _Tabular:
    """What record batches and tables have in common."""

    __slots__ = ()
    _noun = ""

    def __init__(self):
        raise TypeError(
            f"Do not call {type(self).__name__}'s constructor directly, use one of the "
            f"`{type(self).__name__}.from_*` functions instead.")

    # ---- making ----

    @classmethod
    def from_pydict(cls, mapping, schema=None, metadata=None):
        """From a mapping of names to arrays or lists."""
        from ._builders import columns_from_dict
        return cls.from_arrays(*columns_from_dict(mapping, schema, metadata))

    @classmethod
    def from_pylist(cls, mapping, schema=None, metadata=None):
        """From a list of rows, each a mapping of names to values; the first row tells the names."""
        rows = mapping
        names = list(rows[0].keys()) if schema is None and rows else schema.names if schema is not None else []
        columns = {name: [row.get(name) for row in rows] for name in names}
        return cls.from_pydict(columns, schema=schema, metadata=metadata)

    # ---- looking at it ----

    @property
    def num_columns(self):
        return len(self.schema._members)

    @property
    def column_names(self):
        return self.schema.names

    @property
    def columns(self):
        return list(self._arrays())

    def itercolumns(self):
        return iter(self._arrays())

    @property
    def shape(self):
        """(rows, columns)"""
        return self.num_rows, self.num_columns

    def __len__(self):
        return self.num_rows

    is_cpu = True

    def _place(self, key):
        """The position of a column by name or position."""
        if isinstance(key, (str, bytes)):
            place = self.schema.get_field_index(key)
            if place < 0:
                key = key if isinstance(key, str) else key.decode()
                if self.schema.get_all_field_indices(key):
                    raise KeyError(f'Field "{key}" exists {len(self.schema.get_all_field_indices(key))} times in schema')
                raise KeyError(f'Field "{key}" does not exist in schema')
            return place
        if not hasattr(key, "__index__"):
            raise TypeError("Index must either be string or integer")
        i = key.__index__()
        if not -self.num_columns <= i < self.num_columns:
            raise IndexError("index out of bounds")
        return i % self.num_columns

    def field(self, i):
        return self.schema.field(i)

    def column(self, i):
        """The column at a position or of a name."""
        return self._arrays()[self._place(i)]

    def __getitem__(self, key):
        if isinstance(key, slice):
            return slice_of(self, key)
        return self.column(key)

    @property
    def nbytes(self):
        """Bytes of the slots in use, over all columns."""
        return sum(c.nbytes for c in self._arrays())

    def get_total_buffer_size(self):
        seen = {}
        for c in self._arrays():
            for chunk in getattr(c, "_chunks", (c,)):
                chunk._collect_buffers(seen)
        return sum(seen.values())

    # ---- columns: other ones, others' names ----

    def select(self, columns):
        """The columns of these names or positions, in this order."""
        places = [self._place(c) for c in columns]
        arrays, members = self._arrays(), self.schema._members
        return self._rebuilt([arrays[p] for p in places], [members[p] for p in places])

    def add_column(self, i, field_, column):
        """With a column at position `i`; `field_` is a name or a Field."""
        f, column = self._column_to_add(field_, column)
        if not 0 <= i <= self.num_columns:
            raise ArrowInvalid("Invalid column index to add field.")
        arrays, members = self._arrays(), self.schema._members
        return self._rebuilt([*arrays[:i], column, *arrays[i:]], [*members[:i], f, *members[i:]])

    def append_column(self, field_, column):
        return self.add_column(self.num_columns, field_, column)

    def set_column(self, i, field_, column):
        """With another column at position `i`."""
        f, column = self._column_to_add(field_, column)
        if not 0 <= i < self.num_columns:
            raise ArrowInvalid("Invalid column index to set field.")
        arrays, members = self._arrays(), self.schema._members
        return self._rebuilt([*arrays[:i], column, *arrays[i + 1:]], [*members[:i], f, *members[i + 1:]])

    def _column_to_add(self, field_, column):
        column = self._as_column(column, field_.type if isinstance(field_, Field) else None)
        f = field_ if isinstance(field_, Field) else field(field_, column.type)
        if f.type != column.type:
            raise ArrowTypeError(
                f"Field type did not match data type: column {f.name} has {column.type}, its field {f.type}")
        if self.num_columns and len(column) != self.num_rows:
            raise ArrowInvalid(
                f"Added column's length must match {self._noun}'s length. Expected length {self.num_rows} but got "
                f"length {len(column)} (column {f.name})")
        return f, column

    def remove_column(self, i):
        if not 0 <= i < self.num_columns:
            raise ArrowInvalid("Invalid column index to remove field.")
        arrays, members = self._arrays(), self.schema._members
        return self._rebuilt([*arrays[:i], *arrays[i + 1:]], [*members[:i], *members[i + 1:]])

    def drop_columns(self, columns):
        """Without the columns of these names."""
        gone = set()
        for name in [columns] if isinstance(columns, str) else columns:
            places = self.schema.get_all_field_indices(name)
            if not places:
                raise KeyError(f"Column {name!r} not found")
            gone.update(places)
        kept = [i for i in range(self.num_columns) if i not in gone]
        return self.select(kept)

    def rename_columns(self, names):
        """With other names: a list of all, or a mapping of old names to new ones."""
        if isinstance(names, dict):
            for name in names:
                if name not in self.column_names:
                    raise KeyError(f"Column {name!r} not found")
            names = [names.get(name, name) for name in self.column_names]
        elif not isinstance(names, (list, tuple)):
            raise TypeError(f"names must be a list or dict not {type(names)!r}")
        if len(names) != self.num_columns:
            raise ArrowInvalid(
                f"tried to rename a {self._noun} of {self.num_columns} columns but only {len(names)} names were provided")
        return self._rebuilt(self._arrays(), [f.with_name(n) for f, n in zip(self.schema._members, names)])

    def replace_schema_metadata(self, metadata=None):
        return self._with_schema(_make_schema(self.schema._members, _metadata.normalize(metadata)))

    def cast(self, target_schema, safe=None, options=None):
        """The columns as the types of a schema with the same names in the same order."""
        if self.column_names != target_schema.names:
            raise ValueError(
                f"Target schema's field names are not matching the {self._noun}'s field names: {self.column_names!r}, "
                f"{target_schema.names!r}")
        arrays = []
        for column, f in zip(self._arrays(), target_schema):
            if column.null_count and not f.nullable:
                raise ValueError(f"Casting field {f.name!r} with null values to non-nullable")
            arrays.append(_cast_column(column, f, safe, options))
        return self._make(arrays, target_schema, self.num_rows)

    # ---- rows ----

    def filter(self, mask, null_selection_behavior="drop"):
        """The rows where `mask`, an array of booleans or an Expression, is true."""
        from . import _compute
        if isinstance(mask, _compute.Expression):
            return _compute.filter_rows(self, mask)
        return _compute.filter(self, mask, null_selection_behavior)

    def take(self, indices):
        from ._compute import take
        return take(self, indices)

    def drop_null(self):
        """The rows without any null."""
        from ._compute import drop_null
        return drop_null(self)

    def sort_by(self, sorting, **kwargs):
        """Sorted by a column's name, or by (name, "ascending" or "descending") pairs."""
        from ._compute import sort_indices
        keys = [(sorting, "ascending")] if isinstance(sorting, str) else sorting
        return self.take(sort_indices(self, sort_keys=keys, **kwargs))

    def equals(self, other, check_metadata=False):
        """Whether names, types and values are the same."""
        if not isinstance(other, type(self)):
            return False
        return (
            self.schema.equals(other.schema, check_metadata) and self.num_rows == other.num_rows
            and all(a.equals(b) for a, b in zip(self._arrays(), other._arrays())))

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, type(self)) else NotImplemented

    __hash__ = None

    # ---- to other forms ----

    def to_pydict(self, *, maps_as_pydicts=None):
        """A dictionary of names to lists."""
        return {
            f.name: c.to_pylist(maps_as_pydicts=maps_as_pydicts) for f, c in zip(self.schema, self._arrays())
        }

    def to_pylist(self, *, maps_as_pydicts=None):
        """A list of rows, each a dictionary."""
        names = self.column_names
        columns = [c.to_pylist(maps_as_pydicts=maps_as_pydicts) for c in self._arrays()]
        if not columns:
            return [{} for _ in range(self.num_rows)]
        return [dict(zip(names, row)) for row in zip(*columns)]

    def to_pandas(self, memory_pool=None, categories=None, strings_to_categorical=False, zero_copy_only=False,
                  integer_object_nulls=False, date_as_object=True, timestamp_as_object=False, use_threads=True,
                  deduplicate_objects=True, ignore_metadata=False, safe=True, split_blocks=False,
                  self_destruct=False, maps_as_pydicts=None, types_mapper=None, coerce_temporal_nanoseconds=False):
        """A pandas DataFrame; the options are those of pyarrow."""
        options = {k: v for k, v in locals().items() if k != "self"}
        from . import _pandas_out
        return _pandas_out.frame_from_table(self, options)

    def __array__(self, dtype=None, copy=None):
        import numpy as np
        if copy is False:
            raise ValueError(f"Unable to avoid a copy while creating a numpy array as requested: a {self._noun} has "
                             "one array a column")
        arrays = [c.to_numpy(False) if isinstance(c, Array) else c.to_numpy() for c in self._arrays()]
        if not arrays:
            return np.empty((self.num_rows, 0), dtype=dtype)
        return np.column_stack(arrays) if dtype is None else np.column_stack(arrays).astype(dtype)

    # ---- text ----

    def to_string(self, *, show_metadata=False, preview_cols=0):
        """The schema, then the first and last values of up to `preview_cols` columns."""
        text = [f"martlet.{type(self).__name__}",
                self.schema.to_string(show_field_metadata=show_metadata, show_schema_metadata=show_metadata)]
        if preview_cols:
            text.append("----")
            for f, c in list(zip(self.schema, self._arrays()))[:preview_cols]:
                shown = c.to_string(indent=0, skip_new_lines=True)
                text.append(f"{f.name}: {shown}")
            if self.num_columns > preview_cols:
                text.append("...")
        return "\n".join(text)

    def __repr__(self):
        return self.to_string(preview_cols=10)

    def _repr_html_(self):
        from ._html import html_of
        return html_of(self)


class RecordBatch(_Tabular):
    """Columns of one length, each an Array; the unit of streams and files."""

    __slots__ = ("schema", "num_rows", "_columns", "_handle_", "__weakref__")
    _noun = "record batch"

    @classmethod
    def _make(cls, arrays, schema, num_rows):
        self = object.__new__(cls)
        self.schema, self.num_rows, self._columns, self._handle_ = schema, num_rows, list(arrays), None
        return self

    @classmethod
    def _from_pointer(cls, pointer, schema=None):
        """From a new `martlet_array *` of a struct, which is then owned; the engine is asked for a missing schema."""
        handle = pointer if isinstance(pointer, _abi.ArrayHandle) else _abi.ArrayHandle(pointer)
        if schema is None:
            schema = Schema._from_handle(_abi.new(_lib.martlet_array_schema, handle))
        self = object.__new__(cls)
        self.schema, self.num_rows = schema, _lib.martlet_array_length(handle)
        self._columns, self._handle_ = None, handle
        return self

    _from_handle = _from_pointer

    @property
    def _handle(self):
        """The ArrayHandle of the batch as a struct array."""
        handle = self._handle_
        if handle is None:
            handle = self._handle_ = _abi.ArrayHandle(_abi.new(
                _lib.martlet_array_make, self.schema._handle, self.num_rows, 0, 0, _abi.handle_array([None]), 1,
                _abi.handle_array(self._columns), len(self._columns), None))
        return handle

    def _arrays(self):
        columns = self._columns
        if columns is None:
            handle = self._handle_
            columns = self._columns = [
                wrap(_abi.new(_lib.martlet_array_child, handle, i), f.type) for i, f in enumerate(self.schema._members)
            ]
        return columns

    def column(self, i):
        if self._columns is None and self.num_columns > 8:
            i = self._place(i)
            return wrap(_abi.new(_lib.martlet_array_child, self._handle_, i), self.schema._members[i].type)
        return _Tabular.column(self, i)

    # ---- making ----

    @staticmethod
    def from_arrays(arrays, names=None, schema=None, metadata=None):
        """From arrays or lists of one length, with `names` or a `schema` that lists are converted to."""
        from ._builders import checked_columns
        arrays, schema = checked_columns(arrays, names, schema, metadata, chunked=False)
        num_rows = len(arrays[0]) if arrays else 0
        for i, a in enumerate(arrays):
            if len(a) != num_rows:
                raise unequal_lengths(arrays, schema)
        return RecordBatch._make(arrays, schema, num_rows)

    @classmethod
    def from_pandas(cls, df, schema=None, preserve_index=None, nthreads=None, columns=None):
        """From a pandas DataFrame."""
        from . import _pandas
        arrays, schema, num_rows = _pandas.columns_from_frame(df, schema, preserve_index, columns, True, chunked=False)
        return cls._make(arrays, schema, num_rows)

    @staticmethod
    def from_struct_array(struct_array):
        """The fields of a struct array as columns; rows that are null get null in each."""
        arrays = struct_array.flatten()
        return RecordBatch._make(arrays, _make_schema(struct_array.type._members), len(struct_array))

    def _rebuilt(self, arrays, members):
        return RecordBatch._make(arrays, _make_schema(members, self.schema._pairs), self.num_rows if self.num_columns
                                 else len(arrays[0]) if arrays else 0)

    def _with_schema(self, schema):
        return RecordBatch._make(self._arrays(), schema, self.num_rows)

    def _as_column(self, column, type=None):
        from ._builders import array
        if isinstance(column, Array):
            return column
        if isinstance(column, ChunkedArray):
            return column.combine_chunks()
        return array(column, type=type)

    def slice(self, offset=0, length=None):
        """`length` rows from `offset` on, cut to what is there; no copy."""
        offset, length = slice_bounds(offset, length, self.num_rows)
        if self._columns is None:
            return RecordBatch._from_pointer(_abi.new(_lib.martlet_array_slice, self._handle_, offset, length), self.schema)
        return RecordBatch._make([c.slice(offset, length) for c in self._columns], self.schema, length)

    def to_struct_array(self):
        """The rows as a struct array; no copy."""
        pointer = _abi.new(_lib.martlet_array_slice, self._handle, 0, self.num_rows)
        return wrap(pointer, self.schema._struct)

    def validate(self, *, full=False):
        for f, c in zip(self.schema, self._arrays()):
            if c.type != f.type:
                raise ArrowInvalid(f"Column {f.name} has type {c.type}, its field {f.type}")
            c.validate(full=full)

    def serialize(self, memory_pool=None):
        """The batch as an encapsulated IPC message without its schema, in a Buffer."""
        from .ipc import serialize_batch
        return serialize_batch(self)

    def to_tensor(self, null_to_nan=False, row_major=True, memory_pool=None):
        """All columns as one NumPy matrix of shape (rows, columns)."""
        import numpy as np
        return np.asarray(self.__array__(), order="C" if row_major else "F")

    # ---- exchange ----

    def __arrow_c_array__(self, requested_schema=None):
        return _abi.new_objects(_lib.martlet_python_array_capsules, self._requested(requested_schema)._handle)

    def __arrow_c_stream__(self, requested_schema=None):
        return Table.from_batches([self]).__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()

    def _requested(self, capsule):
        if capsule is None:
            return self
        target = Schema._from_handle(_abi.schema_from_capsule(capsule))
        if target.names != self.column_names:
            return self
        return self._with_schema(target) if target.equals(self.schema) else self.cast(target)

    def __reduce__(self):
        return _batch_from, (self._arrays(), self.schema, self.num_rows)


def _batch_from(arrays, schema, num_rows):
    return RecordBatch._make(arrays, schema, num_rows)


def unequal_lengths(arrays, schema):
    """The error for columns of a record batch with different lengths: pyarrow's words, then where and what to do."""
    lengths = [len(a) for a in arrays]
    common = max(set(lengths), key=lambda n: (lengths.count(n), -lengths.index(n)))
    i = next(i for i, n in enumerate(lengths) if n != lengths[0])
    bad = next(i for i, n in enumerate(lengths) if n != common)
    return ArrowInvalid(
        f"Arrays were not all the same length: {lengths[i]} vs {lengths[0]}. Column {bad} named {schema.names[bad]}: "
        f"Expected length {common} but got length {lengths[bad]}; give every column as many values, or slice all of "
        f"them to the shortest ({min(lengths)})")


def _cast_column(column, f, safe, options):
    if column.type == f.type:
        return column
    try:
        return column.cast(f.type, safe=safe, options=options)
    except Exception as problem:
        raise type(problem)(f"{problem} (column {f.name})") from None


class Table(_Tabular):
    """Columns of one length, each a ChunkedArray."""

    __slots__ = ("schema", "num_rows", "_columns", "_batches", "__weakref__")
    _noun = "table"

    @classmethod
    def _make(cls, arrays, schema, num_rows, batches=None):
        self = object.__new__(cls)
        self.schema, self.num_rows, self._columns = schema, num_rows, None if arrays is None else list(arrays)
        self._batches = batches
        return self

    def _arrays(self):
        columns = self._columns
        if columns is None:
            rows = [b._arrays() for b in self._batches]
            columns = self._columns = [
                make_chunked([row[i] for row in rows], f.type) for i, f in enumerate(self.schema._members)
            ]
        return columns

    def column(self, i):
        if self._columns is None and self.num_columns > 8:
            i = self._place(i)
            return make_chunked([b.column(i) for b in self._batches], self.schema._members[i].type)
        return _Tabular.column(self, i)

    # ---- making ----

    @staticmethod
    def from_arrays(arrays, names=None, schema=None, metadata=None):
        """From arrays, chunked arrays or lists of one length, with `names` or a `schema`."""
        from ._builders import checked_columns
        arrays, schema = checked_columns(arrays, names, schema, metadata, chunked=True)
        num_rows = len(arrays[0]) if arrays else 0
        for i, a in enumerate(arrays):
            if len(a) != num_rows:
                raise ArrowInvalid(
                    f"Column {i} named {schema.names[i]} expected length {num_rows} but got length {len(a)}; give every "
                    f"column as many values, or slice all of them to the shortest ({min(map(len, arrays))})")
        return Table._make(arrays, schema, num_rows)

    @staticmethod
    def from_batches(batches, schema=None):
        """From RecordBatches of one schema; no copy."""
        batches = list(batches)
        if schema is None:
            if not batches:
                raise ValueError("Must pass schema, or at least one RecordBatch")
            schema = batches[0].schema
        for i, b in enumerate(batches):
            if not isinstance(b, RecordBatch):
                raise TypeError(f"Cannot convert {type(b).__name__} to martlet.lib.RecordBatch")
            if b.schema is not schema and not b.schema.equals(schema):
                raise ArrowInvalid(f"Schema at index {i} was different: \n{schema}\nvs\n{b.schema}")
        return Table._make(None, schema, sum(b.num_rows for b in batches), batches)

    @classmethod
    def from_pandas(cls, df, schema=None, preserve_index=None, nthreads=None, columns=None, safe=True):
        """From a pandas DataFrame; numbers without nulls are not copied."""
        from . import _pandas
        return cls._make(*_pandas.columns_from_frame(df, schema, preserve_index, columns, safe, chunked=True))

    @staticmethod
    def from_struct_array(struct_array):
        if isinstance(struct_array, Array):
            return Table.from_batches([RecordBatch.from_struct_array(struct_array)])
        batches = [RecordBatch.from_struct_array(c) for c in struct_array.chunks]
        return Table.from_batches(batches, _make_schema(struct_array.type._members))

    def _rebuilt(self, arrays, members):
        return Table._make(arrays, _make_schema(members, self.schema._pairs), self.num_rows if self.num_columns
                           else len(arrays[0]) if arrays else 0)

    def _with_schema(self, schema):
        return Table._make(self._arrays(), schema, self.num_rows)

    def _as_column(self, column, type=None):
        from ._chunked import chunked_array
        if isinstance(column, ChunkedArray):
            return column
        if isinstance(column, (list, tuple)) and not any(isinstance(c, (list, tuple, Array)) or hasattr(
                c, "__array__") for c in column[:1]):
            column = [column]
        return chunked_array(column, type=type)

    drop = _Tabular.drop_columns

    def slice(self, offset=0, length=None):
        """`length` rows from `offset` on, cut to what is there; no copy."""
        offset, length = slice_bounds(offset, length, self.num_rows)
        return Table._make([c.slice(offset, length) for c in self._arrays()], self.schema, length)

    def combine_chunks(self, memory_pool=None):
        """Each column in one chunk (none when there are no rows)."""
        arrays = [
            c if c.num_chunks <= 1 else make_chunked([concatenate(c._chunks)], c.type) for c in self._arrays()
        ]
        return Table._make(arrays, self.schema, self.num_rows)

    def unify_dictionaries(self, memory_pool=None):
        return Table._make([c.unify_dictionaries() for c in self._arrays()], self.schema, self.num_rows)

    def flatten(self, memory_pool=None):
        """Struct columns as one column a field, named `parent.child`."""
        arrays, members = [], []
        for f, c in zip(self.schema, self._arrays()):
            arrays += c.flatten()
            members += f.flatten()
        return Table._make(arrays, _make_schema(members, self.schema._pairs), self.num_rows)

    def to_batches(self, max_chunksize=None):
        """RecordBatches over the chunks, of at most `max_chunksize` rows each; no copy."""
        if max_chunksize is not None and max_chunksize <= 0:
            raise ValueError("'max_chunksize' should be strictly positive")
        if self._batches is not None and max_chunksize is None:
            return [b for b in self._batches if b.num_rows]
        return list(self._cut(max_chunksize))

    def _cut(self, max_chunksize):
        columns = self._arrays()
        if not columns:
            return
        if all(c.num_chunks == 1 for c in columns) and (max_chunksize is None or max_chunksize >= self.num_rows):
            if self.num_rows:
                yield RecordBatch._make([c._chunks[0] for c in columns], self.schema, self.num_rows)
            return
        chunks = [[c for c in column._chunks if len(c)] for column in columns]
        places, starts, done = [0] * len(columns), [0] * len(columns), 0
        while done < self.num_rows:
            count = min(len(c[p]) - s for c, p, s in zip(chunks, places, starts))
            if max_chunksize is not None:
                count = min(count, max_chunksize)
            arrays = []
            for i, c in enumerate(chunks):
                whole = c[places[i]]
                arrays.append(whole if count == len(whole) else whole.slice(starts[i], count))
                starts[i] += count
                if starts[i] == len(whole):
                    places[i], starts[i] = places[i] + 1, 0
            yield RecordBatch._make(arrays, self.schema, count)
            done += count

    def to_reader(self, max_chunksize=None):
        """A RecordBatchReader over `to_batches(max_chunksize)`."""
        from ._reader import RecordBatchReader
        return RecordBatchReader._make(self.schema, iter(self.to_batches(max_chunksize)))

    def to_struct_array(self, max_chunksize=None):
        chunks = [b.to_struct_array() for b in self.to_batches(max_chunksize)]
        return make_chunked(chunks, self.schema._struct)

    def group_by(self, keys, use_threads=True):
        """Groups of rows with equal keys: `.aggregate([("column", "sum"), ...])` makes a table of them."""
        from ._group import TableGroupBy
        return TableGroupBy(self, keys, use_threads)

    def join(self, right_table, keys, right_keys=None, join_type="left outer", **kwargs):
        from ._errors import ArrowNotImplementedError
        raise ArrowNotImplementedError("joins are not supported: use pandas, polars or duckdb on these tables")

    def validate(self, *, full=False):
        for i, (f, c) in enumerate(zip(self.schema, self._arrays())):
            if len(c) != self.num_rows:
                raise ArrowInvalid(
                    f"Column {i} named {f.name} expected length {self.num_rows} but got length {len(c)}")
            if c.type != f.type:
                raise ArrowInvalid(f"Column data for field {i} with type {c.type} is inconsistent with schema {f.type}")
            c.validate(full=full)

    # ---- exchange ----

    def _stream(self, max_chunksize=None):
        """A new StreamHandle over the batches."""
        handles = [b._handle for b in self.to_batches(max_chunksize)]
        return _abi.StreamHandle(_abi.new(
            _lib.martlet_stream_from_batches, self.schema._handle, _abi.handle_array(handles), len(handles)))

    def __arrow_c_stream__(self, requested_schema=None):
        """A capsule of a stream of the batches."""
        table = self
        if requested_schema is not None:
            target = Schema._from_handle(_abi.schema_from_capsule(requested_schema))
            if target.names == self.column_names:
                table = self._with_schema(target) if target.equals(self.schema) else self.cast(target)
        return _abi.new_object(_lib.martlet_python_stream_capsule, table._stream())

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()

    def __reduce__(self):
        return _table_from, (self._arrays(), self.schema, self.num_rows)


def _table_from(arrays, schema, num_rows):
    return Table._make(arrays, schema, num_rows)
