"""Scans of datasets: columns chosen or computed, rows filtered."""

from collections import namedtuple

from . import _abi
from ._abi import lib
from ._array import nulls_of, wrap
from ._dataset_expressions import fields_of
from ._parquet_options import _check_columns, check_names
from ._schema import schema as _as_schema
from ._table import RecordBatch, Table

_BATCH_SIZE = 131_072

TaggedRecordBatch = namedtuple("TaggedRecordBatch", ["record_batch", "fragment"])
TaggedRecordBatch.__doc__ = "A record batch of a scan and the fragment that it comes from."


# Columns of every scan: the file of a row, the place of file and batch, and whether the file ends with the batch.
SPECIAL_COLUMNS = ("__filename", "__fragment_index", "__batch_index", "__last_in_fragment")


def _as_expressions(columns):
    from ._expression import Expression

    for name, one in columns.items():
        if not isinstance(one, Expression):
            raise TypeError(f"Expected an Expression for the column '{name}', got {type(one).__name__}")
    return columns


def _check_scan_options(options):
    accepted = ("batch_readahead", "fragment_readahead", "fragment_scan_options", "cache_metadata", "memory_pool")
    for name in options:
        if name not in accepted:
            raise TypeError(f"unexpected scan option: {name}")


_BOOLEAN = frozenset((
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "and_kleene", "or_kleene", "invert", "is_in",
    "is_null", "is_valid", "is_nan"))


def _check_boolean(filter, schema):
    kind, *parts = filter._rebuild
    if kind == "call" and parts[0] in _BOOLEAN:
        return
    names = [name for name in fields_of(filter) if schema.get_field_index(name) >= 0]
    if len(names) < len(fields_of(filter)):
        return
    found = filter._evaluate(_empty_batch(_as_schema([schema.field(name) for name in names]))).type
    if str(found) != "bool":
        from ._errors import ArrowTypeError

        raise ArrowTypeError(f"Filter expression must evaluate to bool, but {filter} evaluates to {found}")


class Scanner:
    """A scan of a dataset, ready to run."""

    def __init__(self, dataset, columns, filter, batch_size, use_threads):
        self._dataset = dataset
        self._filter = filter = None if filter is None else filter._named(dataset.schema)
        self._batch_size = batch_size
        self._use_threads = use_threads
        self._expressions = None
        if filter is not None:
            _check_boolean(filter, dataset.schema)
        if isinstance(columns, dict):
            columns = {name: one._named(dataset.schema) for name, one in _as_expressions(columns).items()}
            self._expressions = columns
            columns = self._columns_of(columns)
        elif columns is not None:
            columns = _check_columns(columns)
            check_names([name for name in columns if name not in SPECIAL_COLUMNS], dataset.schema)
        else:
            self._columns = None
            return
        self._columns = columns
        self._use_fragments(columns)

    def _use_fragments(self, names):
        """Columns that tell of the scan itself are known where the files are read one by one."""
        wanted = [name for name in names if name in SPECIAL_COLUMNS]
        if wanted and any(self._dataset.schema.get_field_index(name) < 0 for name in wanted):
            self._dataset = self._dataset._as_fragments()

    def _columns_of(self, expressions):
        """The columns that expressions need, or None for all."""
        names = set().union(*map(fields_of, expressions.values()))
        for name in names:
            if name not in SPECIAL_COLUMNS and name not in self._dataset.schema.names:
                check_names([name], self._dataset.schema)
        special = [name for name in SPECIAL_COLUMNS if name in names]
        return [*(name for name in self._dataset.schema.names if name in names), *special] or None

    @staticmethod
    def from_dataset(dataset, *, columns=None, filter=None, batch_size=_BATCH_SIZE, use_threads=True, **options):
        return dataset.scanner(columns, filter, batch_size, use_threads, **options)

    @staticmethod
    def from_fragment(fragment, *, schema=None, columns=None, filter=None, **options):
        return fragment.scanner(schema, columns, filter, **options)

    @staticmethod
    def from_batches(source, *, schema=None, columns=None, filter=None, **options):
        from .dataset import InMemoryDataset as _in_memory

        return _in_memory(source, schema).scanner(columns, filter, **options)

    @property
    def dataset_schema(self):
        return self._dataset.schema

    @property
    def projected_schema(self):
        if self._expressions is not None:
            return self.head(0).schema
        if self._columns is None:
            return self.dataset_schema
        names = self.dataset_schema.names
        if any(name not in names for name in self._columns):
            return self.head(0).schema
        return _as_schema([self.dataset_schema.field(name) for name in self._columns], metadata=self.dataset_schema.metadata)

    def _ordered(self, data):
        if self._expressions is not None:
            return _projected(data, self._expressions)
        names = data.schema.names
        if self._columns is None or names == self._columns or any(n not in names for n in self._columns):
            return data
        return data.select(self._columns)

    def _reader(self):
        return self._dataset._scan(self._columns, self._filter, self._batch_size, self._use_threads)

    def to_batches(self):
        for batch in self._reader():
            yield self._ordered(batch)

    def scan_batches(self):
        """TaggedRecordBatch after TaggedRecordBatch: batches with their fragments."""
        for fragment in self._dataset._matching(self._filter):
            part = fragment._dataset(self._dataset.schema)
            columns = self._expressions if self._expressions is not None else self._columns
            for batch in Scanner(part, columns, self._filter, self._batch_size, self._use_threads).to_batches():
                yield TaggedRecordBatch(batch, fragment)

    def to_reader(self):
        from ._reader import RecordBatchReader

        if self._columns is None and self._expressions is None:
            return self._reader()
        return RecordBatchReader.from_batches(self.projected_schema, self.to_batches())

    def to_table(self, progress=None):
        return self._ordered(
            self._dataset._read(self._columns, self._filter, self._use_threads, progress, self._batch_size)
        )

    def head(self, num_rows):
        """The first rows, as a Table."""
        batches, left = [], num_rows
        reader = self._reader()
        schema = reader.schema
        if left > 0:
            for batch in reader:
                batches.append(batch.slice(0, left))
                left -= batches[-1].num_rows
                if left <= 0:
                    break
        return self._ordered(Table.from_batches(batches, schema=schema))

    def take(self, indices):
        return self.to_table().take(indices)

    def count_rows(self):
        """How many rows match; the footers answer when there is no filter."""
        return self._dataset._count(self._columns, self._filter, self._batch_size, self._use_threads)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_reader().__arrow_c_stream__(requested_schema)


def _projected(data, expressions):
    """New columns from expressions over a batch or a table."""
    batches = [data] if isinstance(data, RecordBatch) else data.to_batches() or [_empty_batch(data.schema)]
    made = []
    for batch in batches:
        arrays = [
            wrap(_abi.new(lib.martlet_expression_evaluate, expression._handle, batch._handle))
            for expression in expressions.values()
        ]
        made.append(RecordBatch.from_arrays(arrays, names=list(expressions)))
    return made[0] if isinstance(data, RecordBatch) else Table.from_batches(made)


def _empty_batch(schema):
    return RecordBatch.from_arrays([nulls_of(f.type, 0) for f in schema], schema=schema)
