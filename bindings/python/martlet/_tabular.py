"""What record batches and tables have in common."""

import functools

from . import _abi, _metadata
from ._array import Array, slice_of
from ._errors import ArrowInvalid, ArrowTypeError
from ._field import Field, field
from ._schema import _make_schema

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
        from ._builders import as_schema
        rows, schema = mapping, as_schema(schema)
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

    def __sizeof__(self):
        return object.__sizeof__(self) + self.get_total_buffer_size()

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

    def to_tensor(self, null_to_nan=False, row_major=True, memory_pool=None):
        """All columns, which are numbers, as one Tensor of shape (rows, columns) and of the type that holds them all."""
        import numpy as np

        from ._tensor import Tensor
        from .types import is_floating, is_integer
        columns = self._arrays()
        if not columns:
            raise ArrowTypeError("Conversion to Tensor for RecordBatches/Tables without columns/schema is not supported.")
        for name, column in zip(self.schema.names, columns):
            if not (is_integer(column.type) or is_floating(column.type)):
                raise ArrowTypeError(f"DataType is not supported: {column.type} (column '{name}'); select or cast the columns")
            if column.null_count and not null_to_nan:
                raise ArrowTypeError(
                    "Can only convert a Table or RecordBatch with no nulls. Set null_to_nan to true to convert nulls to NaN "
                    f"(column '{name}' has {column.null_count})")
        kinds = {column.type.to_pandas_dtype() for column in columns}
        if np.float16 in kinds and len(kinds) > 1:
            raise NotImplementedError("Casting from or to halffloat is not supported.")
        # One after the other, as in pyarrow: integers first find a type that holds them all.
        kind = functools.reduce(np.result_type, (c.type.to_pandas_dtype() for c in columns))
        if any(column.null_count for column in columns) and kind.kind != "f":
            kind = np.result_type(kind, np.float32)
        matrix = np.empty((self.num_rows, len(columns)), kind, order="C" if row_major else "F")
        for i, column in enumerate(columns):
            matrix[:, i] = column.to_numpy(zero_copy_only=False) if isinstance(column, Array) else column.to_numpy()
        return Tensor.from_numpy(matrix)

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
