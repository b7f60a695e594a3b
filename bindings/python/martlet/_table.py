"""Record batches and tables: named columns of one length."""

from . import _abi
from ._abi_capsules import exported_stream, exported_to_device
from ._array import Array, concatenate, slice_bounds, wrap
from ._c_pointers import ArrayPointers
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowInvalid
from ._schema import Schema, _make_schema
from ._tabular import _Tabular, unequal_lengths

_lib = _abi.lib
_new = object.__new__


class RecordBatch(_Tabular, ArrayPointers, _abi.native.BatchCells):
    """Columns of one length, each an Array; the unit of streams and files."""

    # The cells are `schema`, `num_rows`, `_columns` (None until somebody looks at them) and `_as_parameter_`: the address of
    # the batch as a struct array, 0 until somebody asks for it.
    __slots__ = ()
    _noun = "record batch"

    @staticmethod
    def _lent_by(lender):
        from ._builders import record_batch
        return record_batch(lender)

    @classmethod
    def _make(cls, arrays, schema, num_rows):
        self = _new(cls)
        self.schema, self.num_rows, self._columns = schema, num_rows, list(arrays)
        return self

    @classmethod
    def _from_pointer(cls, pointer, schema=None):
        """From a new `martlet_array *` of a struct, which is then owned; the engine is asked for a missing schema."""
        self = _new(cls)
        if pointer.__class__ is not int:
            _lib.martlet_array_retain(pointer)
            pointer = pointer._as_parameter_
        self._as_parameter_ = pointer
        self.schema = Schema._from_handle(_abi.new(_lib.martlet_array_schema, pointer)) if schema is None else schema
        self.num_rows = _lib.martlet_array_length(pointer)
        return self

    _from_handle = _from_pointer

    @property
    def _handle(self):
        """The batch itself, which then is a handle of a struct array."""
        if not self._as_parameter_:
            self._as_parameter_ = _abi.new(
                _lib.martlet_array_make, self.schema._handle, self.num_rows, 0, 0, _abi.handle_array([None]), 1,
                _abi.handle_array(self._columns), len(self._columns), None)
        return self

    def _arrays(self):
        columns = self._columns
        if columns is None:
            columns = self._columns = self._children(self.schema._kinds)
        return columns

    def column(self, i):
        if self._columns is None and self.num_columns > 8:
            i = self._place(i)
            return wrap(_abi.new(_lib.martlet_array_child, self, i), self.schema._members[i].type)
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
        if not isinstance(struct_array, Array) or not hasattr(struct_array.type, "_members"):
            raise TypeError(f"Argument 'struct_array' has incorrect type (expected StructArray, got {type(struct_array).__name__})")
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

    def _slice(self, offset=0, length=None):
        """`slice(offset=0, length=None)`: `length` rows from `offset` on, cut to what is there; no copy."""
        offset, length = slice_bounds(offset, length, self.num_rows)
        return RecordBatch._from_pointer(_abi.new(_lib.martlet_array_slice, self._handle, offset, length), self.schema)

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

    # ---- exchange ----

    # `__arrow_c_array__(requested_schema=None)` is that of the cells.

    def __arrow_c_device_array__(self, requested_schema=None, **kwargs):
        """As `__arrow_c_array__`, with the word that the memory is the CPU's."""
        return exported_to_device(self._requested(requested_schema)._handle, kwargs)

    def __arrow_c_stream__(self, requested_schema=None):
        return Table.from_batches([self]).__arrow_c_stream__(requested_schema)

    def __arrow_c_device_stream__(self, requested_schema=None, **kwargs):
        return Table.from_batches([self]).__arrow_c_device_stream__(requested_schema, **kwargs)

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
        i = self._place(i)
        member = self.schema._members[i]
        if self._columns is None and self.num_columns > 8:
            found = make_chunked([b.column(i) for b in self._batches], member.type)
        else:
            found = self._arrays()[i]
        found._name = member.name
        return found

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
        if not hasattr(struct_array.type, "_members"):
            raise TypeError(f"Argument 'struct_array' has incorrect type: expected structs, got {struct_array.type}")
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
        if self._batches is not None:
            batches = [b for b in self._batches if b.num_rows]
        else:
            batches = list(self._cut())
        if max_chunksize is None:
            return batches
        return [
            piece for b in batches for piece in ((b,) if b.num_rows <= max_chunksize else b._handle._pieces(max_chunksize))
        ]

    def _cut(self):
        """Batches that end wherever a chunk of a column does."""
        columns = self._arrays()
        if not columns:
            if self.num_rows:
                yield RecordBatch._make([], self.schema, self.num_rows)
            return
        if all(c.num_chunks == 1 for c in columns):
            if self.num_rows:
                yield RecordBatch._make([c._chunks[0] for c in columns], self.schema, self.num_rows)
            return
        chunks = [[c for c in column._chunks if len(c)] for column in columns]
        places, starts, done = [0] * len(columns), [0] * len(columns), 0
        while done < self.num_rows:
            count = min(len(c[p]) - s for c, p, s in zip(chunks, places, starts))
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
        return exported_stream(self._requested(requested_schema)._stream())

    def __arrow_c_device_stream__(self, requested_schema=None, **kwargs):
        """As `__arrow_c_stream__`, with the word that the memory is the CPU's."""
        return exported_stream(self._requested(requested_schema)._stream(), kwargs)

    def _requested(self, requested_schema):
        table = self
        if requested_schema is not None:
            target = Schema._from_handle(_abi.schema_from_capsule(requested_schema))
            if target.names == self.column_names:
                table = self._with_schema(target) if target.equals(self.schema) else self.cast(target)
        return table

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()

    def __reduce__(self):
        return _table_from, (self._arrays(), self.schema, self.num_rows)


def _table_from(arrays, schema, num_rows):
    return Table._make(arrays, schema, num_rows)
