"""Fragments: the files of a dataset one by one, with what their place in it says about their rows."""

import os

from . import _io
from ._dataset_expressions import all_of, conjuncts, fields_of, fixed, remaining
from ._dataset_scanner import SPECIAL_COLUMNS
from ._errors import ArrowInvalid
from ._expression import Expression
from ._reader import RecordBatchReader
from ._schema import schema as _as_schema
from ._table import RecordBatch, Table

_SPECIAL = dict(zip(SPECIAL_COLUMNS, ("string", "int32", "int32", "bool")))


class Fragment:
    """A part of a dataset that can be scanned alone."""

    _expression = None
    _dictionaries = {}

    def __init__(self):
        raise TypeError(f"Do not call {type(self).__name__}'s constructor directly")

    @property
    def partition_expression(self):
        """An Expression that is true for all rows."""
        return self._expression if self._expression is not None else Expression._scalar(True)

    def _dataset(self, schema):
        from ._dataset_files import FragmentDataset
        return FragmentDataset._of([self], self.physical_schema if schema is None else schema)

    def scanner(self, schema=None, columns=None, filter=None, **options):
        """A Scanner of the rows as columns of `schema`, the file's own when it is None."""
        return self._dataset(schema).scanner(columns, filter, **options)

    def to_table(self, schema=None, columns=None, filter=None, **options):
        return self.scanner(schema, columns, filter, **options).to_table()

    def to_batches(self, schema=None, columns=None, filter=None, **options):
        return self.scanner(schema, columns, filter, **options).to_batches()

    def head(self, num_rows, columns=None, filter=None, **options):
        return self.scanner(None, columns, filter, **options).head(num_rows)

    def take(self, indices, columns=None, filter=None, **options):
        return self.to_table(None, columns, filter, **options).take(indices)

    def count_rows(self, filter=None, **options):
        return self.scanner(None, None, filter, **options).count_rows()


class InMemoryFragment(Fragment):
    """Record batches as a fragment."""

    def __init__(self, batches, schema=None):
        batches = list(batches)
        self._schema = schema if schema is not None else batches[0].schema
        self._batches = batches

    @property
    def physical_schema(self):
        return self._schema

    def _rows(self, names, filter, batch_size, use_threads):
        table = Table.from_batches(self._batches, schema=self._schema)
        if filter is not None:
            table = table.filter(filter)
        return iter(table.select(names).to_batches(max_chunksize=batch_size or None))

    def _count(self, filter):
        return None if filter is not None else sum(batch.num_rows for batch in self._batches)


class FileFragment(Fragment):
    """One file."""

    @classmethod
    def _of(cls, format, source, filesystem=None, expression=None, row_groups=None):
        self = object.__new__(format._fragment_class() if cls is FileFragment else cls)
        self._format = format
        self._source = source if isinstance(source, _io.Buffer) else os.fsdecode(os.fspath(source)) if isinstance(
            source, (str, os.PathLike)) else source
        self._filesystem = filesystem
        self._expression = expression
        self._row_groups = row_groups
        self._schema = None
        self._dictionaries = {}
        return self

    def _with_dictionaries(self, dictionaries):
        """With the values that keys have in the whole dataset: the columns of all files then have the same dictionary."""
        self._dictionaries = dictionaries
        return self

    @property
    def path(self):
        """Where the file lies; '<Buffer>' for one in memory."""
        return self._source if isinstance(self._source, str) else f"<{type(self._source).__name__}>"

    @property
    def buffer(self):
        """The bytes of a file in memory, or None."""
        return self._source if isinstance(self._source, _io.Buffer) else None

    @property
    def filesystem(self):
        if self._filesystem is None and isinstance(self._source, str):
            from .fs import LocalFileSystem
            return LocalFileSystem()
        return self._filesystem

    @property
    def format(self):
        return self._format

    @property
    def physical_schema(self):
        """The schema in the file itself."""
        if self._schema is None:
            with self._naming():
                self._schema = self._format._opened(self._input()).schema_arrow
        return self._schema

    def _input(self):
        return self._source if self._filesystem is None else self._filesystem.open_input_file(self._source)

    def _naming(self):
        """Says which file it was when one cannot be read."""
        return _Named(self)

    def open(self):
        """The file's bytes as a file."""
        if not isinstance(self._source, str):
            return _io.BufferReader(self._source) if isinstance(self._source, _io.Buffer) else self._source
        return _io.OSFile(self._source) if self._filesystem is None else self._filesystem.open_input_file(self._source)

    def _rows(self, names, filter, batch_size, use_threads):
        """Batches of the file's own columns `names` of the rows for which `filter` is true."""
        with self._naming():
            yield from self._format._opened(self._input())._batches(names, None, filter, batch_size, use_threads)

    def _count(self, filter):
        """How many rows there are, when the file says so without being read; else None."""
        if filter is not None:
            return None
        with self._naming():
            return self._format._opened(self._input()).row_count(None)

    def __reduce__(self):
        parts = (self._format, self._source, self._filesystem, self._expression, self._row_groups)
        return _again, (parts, self._dictionaries)

    def __repr__(self):
        partition = "" if self._expression is None else f" partition=[{_short(self._expression)}]"
        kind = "" if self._format.default_extname == "parquet" else f" type={self._format.default_extname}"
        return f"<martlet.dataset.{type(self).__name__}{kind} path={self.path}{partition}>"


def _again(parts, dictionaries):
    return FileFragment._of(*parts)._with_dictionaries(dictionaries)


def _short(expression):
    """The keys of a fragment, for people."""
    keys = fixed(expression)
    return ", ".join(f"{name}={'null' if value is None else value.as_py()}" for name, value in keys.items())


class _Named:
    def __init__(self, fragment):
        self._fragment = fragment

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if kind is not None and issubclass(kind, ArrowInvalid) and self._fragment.path not in str(problem):
            raise kind(f"Could not open {self._fragment.format._title} input source '{self._fragment.path}': {problem}"
                       ) from None


class RowGroupInfo:
    """A row group of a fragment: its place in the file, and what its statistics say."""

    def __init__(self, id, metadata=None, schema=None):
        self.id = id
        self.metadata = metadata
        self.schema = schema

    @property
    def num_rows(self):
        return self.metadata.num_rows

    @property
    def total_byte_size(self):
        return self.metadata.total_byte_size

    @property
    def statistics(self):
        """Names of columns to {"min", "max"}, where the file has both."""
        found = {}
        for i in range(self.metadata.num_columns):
            column = self.metadata.column(i)
            if column.statistics is not None and column.statistics.has_min_max:
                found[column.path_in_schema] = {"min": column.statistics.min, "max": column.statistics.max}
        return found

    def __eq__(self, other):
        if isinstance(other, int):
            return self.id == other
        return self.id == other.id if isinstance(other, RowGroupInfo) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self):
        return f"RowGroupInfo({self.id})"


class ParquetFileFragment(FileFragment):
    """One Parquet file, or some of its row groups."""

    def _file(self):
        return self._format._opened(self._input())._file

    @property
    def metadata(self):
        """The FileMetaData."""
        return self._file().metadata

    def ensure_complete_metadata(self):
        """Reads the footer, so that a file that cannot be read is found now."""
        self.physical_schema

    def _groups(self):
        return self._row_groups if self._row_groups is not None else list(range(self._file().num_row_groups))

    @property
    def row_groups(self):
        """RowGroupInfo of each row group of this fragment."""
        file = self._file()
        return [RowGroupInfo(i, file.metadata.row_group(i), self.physical_schema) for i in self._groups()]

    @property
    def num_row_groups(self):
        return len(self._groups())

    def _part(self, row_groups):
        made = FileFragment._of(self._format, self._source, self._filesystem, self._expression, list(row_groups))
        return made._with_dictionaries(self._dictionaries)

    def _matching(self, filter, schema):
        """The numbers of the row groups whose statistics leave room for rows that match."""
        left = remaining(filter, _constants(self, filter))
        if left is False:
            return []
        if left is True:
            return self._groups()
        check_fields(left, self.physical_schema if schema is None else schema)
        found = []
        for group in self.row_groups:
            bounds = {name: (one["min"], one["max"]) for name, one in group.statistics.items()}
            if all(_can_match(term, bounds) for term in conjuncts(left)):
                found.append(group.id)
        return found

    def split_by_row_group(self, filter=None, schema=None):
        """A fragment for each row group that can have rows that match."""
        return [self._part([i]) for i in self._matching(filter, schema)]

    def subset(self, filter=None, schema=None, row_group_ids=None):
        """The fragment with the row groups of these numbers, or those that can have rows that match."""
        if filter is not None and row_group_ids is not None:
            raise ValueError("Cannot specify both 'filter' and 'row_group_ids'")
        if filter is None and row_group_ids is None:
            raise ValueError("Need to specify one of 'filter' or 'row_group_ids'")
        if filter is not None:
            return self._part(self._matching(filter, schema))
        count = self._file().num_row_groups
        for i in row_group_ids:
            if not 0 <= i < count:
                raise IndexError(f"row group index {i} is out of bounds: the file has {count} row groups")
        return self._part(row_group_ids)

    def _rows(self, names, filter, batch_size, use_threads):
        with self._naming():
            file = self._format._opened(self._input())
            count = file._file.num_row_groups
            for i in self._row_groups or ():
                if not 0 <= i < count:
                    raise IndexError(f"{self!r} references row group {i} but {self.path} only has {count} row groups")
            yield from file._batches(names, self._row_groups, filter, batch_size, use_threads)

    def _count(self, filter):
        if filter is not None:
            return None
        with self._naming():
            return self._format._opened(self._input()).row_count(self._row_groups)


def _constants(fragment, filter):
    """The keys of a fragment that a filter asks for: names to Scalars."""
    if fragment._expression is None or filter is None:
        return {}
    from ._scalar import scalar
    found = fixed(fragment._expression)
    return {name: scalar(None) if value is None else value for name, value in found.items()}


def _can_match(term, bounds):
    """Whether a comparison can be true between bounds; what is not understood can."""
    kind, *parts = term._rebuild
    if kind != "call" or len(parts[1]) != 2:
        return True
    name, (one, other), *_ = parts
    if other._rebuild[0] == "field":
        one, other = other, one
        name = {"less": "greater", "greater": "less", "less_equal": "greater_equal", "greater_equal": "less_equal"}.get(
            name, name)
    if one._rebuild[0] != "field" or other._rebuild[0] != "scalar":
        return True
    path, value = ".".join(one._rebuild[1]), other._rebuild[1].as_py()
    if path not in bounds or value is None:
        return True
    low, high = bounds[path]
    try:
        return {
            "equal": lambda: low <= value <= high, "less": lambda: low < value, "less_equal": lambda: low <= value,
            "greater": lambda: high > value, "greater_equal": lambda: high >= value,
        }.get(name, lambda: True)()
    except TypeError:
        return True


# ---- the rows of a fragment as those of a dataset --------------------------------------------------------------------


def scanned(fragment, number, schema, names, filter, batch_size, use_threads):
    """The rows of a fragment as record batches of `schema` with the columns `names`, top-level ones and special ones."""
    left = remaining(filter, _constants(fragment, filter))
    if left is False:
        return
    physical = fragment.physical_schema
    own = set(physical.names)
    asked = set() if left is True else fields_of(left)
    keys = {name: value for name, value in (fixed(fragment._expression) if fragment._expression is not None else {}).items()
            if name not in own}
    wanted = [name for name in names if name in own]
    # A filter goes to the file when its columns are there as the dataset has them.
    goes_along = left is not True and all(
        name in own and schema.field(name).type == physical.field(name).type for name in asked)
    extra = [] if left is True or goes_along else [n for n in schema.names if n in asked and n not in names]
    read = wanted + [name for name in extra if name in own]
    target = _as_schema([_field_of(schema, name) for name in [*names, *extra]], metadata=schema.metadata)
    special = _Special(fragment, number, names)
    batches = fragment._rows(read, left if goes_along else None, batch_size, use_threads)
    for batch, is_last in special.marked(batches):
        made = RecordBatch.from_arrays(
            [_column(batch, field, keys, special, is_last) for field in target], schema=target)
        if left is not True and not goes_along:
            made = made.filter(left)
            if extra:
                made = made.select(names)
        yield made


def _field_of(schema, name):
    from ._field import field
    return field(name, _SPECIAL[name]) if name in _SPECIAL and schema.get_field_index(name) < 0 else schema.field(name)


def _column(batch, field, keys, special, is_last):
    from ._builders import nulls, repeat
    place = batch.schema.get_field_index(field.name)
    if place >= 0:
        column = batch.column(place)
        return column if column.type == field.type else column.cast(field.type)
    count = batch.num_rows
    if field.name in keys and keys[field.name] is not None:
        known = special.fragment._dictionaries.get(field.name)
        if known is not None and hasattr(field.type, "index_type"):
            return _of_dictionary(keys[field.name], known, field.type, count)
        value = repeat(keys[field.name], count)
        if value.type == field.type:
            return value
        return value.dictionary_encode().cast(field.type) if hasattr(field.type, "index_type") else value.cast(field.type)
    if field.name in special.names:
        return repeat(special.value(field.name, is_last), count).cast(field.type)
    return nulls(count, field.type)


def check_fields(expression, schema):
    """Refuses an expression that names columns that are not there."""
    for name in fields_of(expression):
        if name not in schema.names:
            raise ArrowInvalid(f"No match for FieldRef.Name({name}) in {schema.to_string(show_schema_metadata=False)}")


def _of_dictionary(value, known, type, count):
    """A key as a column whose dictionary has all values that the key can have."""
    from ._array_classes import DictionaryArray
    from ._builders import repeat
    values = known.to_pylist()
    if value.as_py() not in values:
        raise ArrowInvalid(f"Dictionary supplied for a key does not contain '{value.as_py()}'; it has {values[:20]}")
    from ._scalar import scalar
    indices = repeat(scalar(values.index(value.as_py()), type.index_type), count)
    return DictionaryArray.from_arrays(indices, known).cast(type)


class _Special:
    """The columns that tell of the scan itself."""

    def __init__(self, fragment, number, names):
        self.names = [name for name in names if name in _SPECIAL]
        self.fragment = fragment
        self._number = number
        self._batch = -1

    def marked(self, batches):
        """Each batch, and whether it is the last one, where somebody asks."""
        if "__last_in_fragment" not in self.names:
            for batch in batches:
                self._batch += 1
                yield batch, False
            return
        batches = iter(batches)
        one = next(batches, None)
        while one is not None:
            other = next(batches, None)
            self._batch += 1
            yield one, other is None
            one = other

    def value(self, name, is_last):
        if name == "__filename":
            return self.fragment.path
        return {"__fragment_index": self._number, "__batch_index": self._batch, "__last_in_fragment": is_last}[name]


def reader_over(fragments, schema, columns, filter, batch_size, use_threads):
    """A RecordBatchReader over the rows of fragments, one after the other."""
    names = schema.names if columns is None else list(columns)
    if filter is not None:
        check_fields(filter, schema)
    out = _as_schema([_field_of(schema, name) for name in names], metadata=schema.metadata)

    def batches():
        for number, fragment in enumerate(fragments):
            yield from scanned(fragment, number, schema, names, filter, batch_size, use_threads)

    return RecordBatchReader.from_batches(out, batches())


def expression_of(keys):
    """The Expression that fixes keys: names to Python values or Scalars."""
    terms = []
    for name, value in keys.items():
        column = Expression._field((name,))
        terms.append(column.is_null() if value is None else column == value)
    return all_of(terms)
