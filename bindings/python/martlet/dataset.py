"""Datasets: files and partitioned directory trees as one table, read and written in parts."""

import os

from . import _abi, _io
from ._abi import lib
from ._array import nulls_of, wrap
from ._dataset_format import (
    HivePartitioning, IpcFileFormat, ParquetDecryptionConfig, ParquetEncryptionConfig, ParquetFileFormat,
    ParquetFragmentScanOptions, Partitioning, _flavor, _format, partitioning)
from ._dataset_write import WrittenFile, _write
from ._errors import ArrowInvalid, ArrowNotImplementedError
from ._filters import filters_to_expression
from ._parquet_file import _naming, read_metadata, read_schema
from ._parquet_options import _check_columns, _check_filesystem, check_names
from ._progress import Progress
from ._schema import Schema, schema as _as_schema
from ._streams import SourceReader, batches_of, is_tabular, reader_of
from ._table import RecordBatch, Table

__all__ = [
    "Dataset", "FileSystemDataset", "HivePartitioning", "InMemoryDataset", "ParquetFileFormat", "IpcFileFormat",
    "ParquetDecryptionConfig", "ParquetEncryptionConfig", "ParquetFileFragment", "ParquetFragmentScanOptions", "Partitioning", "Scanner", "WrittenFile", "dataset", "field", "partitioning", "scalar",
    "write_dataset",
]

_BATCH_SIZE = 131_072


def field(*name_or_index):
    """A column in an expression: `field("a") > 3`."""
    from .compute import field as make

    return make(*name_or_index)


def scalar(value):
    """A constant in an expression."""
    from .compute import scalar as make

    return make(value)


class Dataset:
    """What can be scanned: columns chosen, rows filtered, batch by batch or as one table."""

    _filter_ = None

    @staticmethod
    def _open(paths, schema, partitioning, ignore_prefixes, format, options):
        flavor, keys = _flavor(partitioning)
        texts = [_io._path_text(p) for p in (paths if isinstance(paths, (list, tuple)) else [paths])]
        if schema is not None and not isinstance(schema, Schema):
            schema = _as_schema(schema)
        options = dict(options, partitioning=flavor, format=format)
        if ignore_prefixes is not None:
            options["ignore_prefixes"] = ",".join(ignore_prefixes)
        service = options.pop("key_service", None)

        def opened(schema):
            return _abi.DatasetHandle(
                _abi.new(
                    lib.martlet_dataset_open,
                    _abi.text_array(texts),
                    len(texts),
                    None if schema is None else schema._handle,
                    *_abi.pack_options(options),
                )
            )

        if service is not None:
            # With a schema no file is opened: their names come first, then their keys.
            for path in wrap(_abi.new(lib.martlet_dataset_files, opened(_as_schema([])), None)).to_pylist():
                known = {name: value for name, value in options.items() if name.startswith("decryption_")}
                options |= service(known, _io.open_source(path), path, True)
        handle = opened(schema)
        found = Schema._from_handle(_abi.new(lib.martlet_dataset_schema, handle))
        if keys is not None and schema is None:
            # The types of the keys are given: all else is as it was found.
            members = [keys.field(f.name) if keys.get_field_index(f.name) >= 0 else f for f in found]
            if members != list(found):
                found = _as_schema(members, metadata=found.metadata)
                handle = opened(found)
        self = FileSystemDataset.__new__(FileSystemDataset)
        self._handle = handle
        self._schema = found
        self._format = format
        self._partitioning = partitioning
        self._options = options
        return self

    @property
    def schema(self):
        return self._schema

    def __reduce__(self):
        # The files by their names, so that another process opens them itself.
        parts = (self._files(), self._schema, self._partitioning, None, self._format, self._options)
        return _reopened, (parts, self._filter_)

    def filter(self, expression):
        """The dataset of the rows for which the expression is true."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._filter_ = self._both(expression)
        return made

    def _both(self, filter):
        if filter is None:
            return self._filter_
        filter = filters_to_expression(filter)
        return filter if self._filter_ is None else self._filter_ & filter

    def scanner(self, columns=None, filter=None, batch_size=_BATCH_SIZE, use_threads=True, **options):
        """A Scanner of some columns (names, or a dictionary of names to expressions) and rows."""
        _check_scan_options(options)
        return Scanner(self, columns, self._both(filter), batch_size, use_threads)

    def to_batches(self, columns=None, filter=None, batch_size=_BATCH_SIZE, use_threads=True, **options):
        """An iterator of record batches."""
        return self.scanner(columns, filter, batch_size, use_threads, **options).to_batches()

    def to_table(self, columns=None, filter=None, batch_size=None, use_threads=True, progress=None, **options):
        """A Table of some columns and rows."""
        _check_scan_options(options)
        return Scanner(self, columns, self._both(filter), batch_size or 0, use_threads).to_table(progress)

    def head(self, num_rows, columns=None, filter=None, batch_size=_BATCH_SIZE, use_threads=True, **options):
        """The first rows, as a Table."""
        return self.scanner(columns, filter, batch_size, use_threads, **options).head(num_rows)

    def take(self, indices, columns=None, filter=None, **options):
        return self.to_table(columns, filter, **options).take(indices)

    def count_rows(self, filter=None, use_threads=True, **options):
        """How many rows there are, or match the filter."""
        _check_scan_options(options)
        return Scanner(self, None, self._both(filter), _BATCH_SIZE, use_threads).count_rows()

    def sort_by(self, sorting, **kwargs):
        return InMemoryDataset(self.to_table().sort_by(sorting, **kwargs))

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.scanner().to_reader().__arrow_c_stream__(requested_schema)


class FileSystemDataset(Dataset):
    """Files of one format."""

    def __init__(self):
        raise TypeError("Do not call FileSystemDataset's constructor directly, use `dataset` instead.")

    @property
    def files(self):
        """The paths of the files."""
        return self._files(self._filter_)

    @property
    def format(self):
        return _format(self._format)

    @property
    def partitioning(self):
        return self._partitioning if isinstance(self._partitioning, Partitioning) else None

    def _files(self, filter=None):
        pointer = _abi.new(lib.martlet_dataset_files, self._handle, None if filter is None else filter._handle)
        return wrap(pointer).to_pylist()

    def get_fragments(self, filter=None):
        """The files that can match, as fragments that can be scanned alone."""
        for path in self._files(self._both(filter)):
            yield ParquetFileFragment(path, self)

    def replace_schema(self, schema):
        """The same files read as another schema."""
        made = Dataset._open(self._files(), schema, self._partitioning, None, self._format, self._options)
        made._filter_ = self._filter_
        return made

    def _scan(self, columns, filter, batch_size, use_threads, step=None):
        options = {"batch_size": int(batch_size) or None, "use_threads": None if use_threads else False}
        pointer = _abi.new(
            lib.martlet_dataset_scan,
            self._handle,
            _abi.text_array(columns),
            0 if columns is None else len(columns),
            None if filter is None else filter._handle,
            *_abi.pack_options(options),
            step,
        )
        return SourceReader._over(pointer, _NO_SOURCE)

    def _read(self, columns, filter, use_threads, progress=None, batch_size=0):
        watch = Progress(progress, "reading")
        with _naming(filter), watch.call() as step:
            reader = self._scan(columns, filter, batch_size, use_threads, step)
            table = reader.read_all()
            del reader
        watch.end()
        return table


class _Keys:
    def __init__(self, options):
        self._options = options

    def _engine_options(self, source=None):
        return self._options


def _keys(options):
    """The keys among a dataset's options, for its files one by one; None when there are none."""
    keys = {name: value for name, value in options.items() if name.startswith("decryption_") and value is not None}
    return _Keys(keys) if keys else None


def _reopened(parts, filter):
    made = Dataset._open(*parts)
    made._filter_ = filter
    return made


_NO_SOURCE = _io.Source(None)


class InMemoryDataset(Dataset):
    """A table, or batches, as a dataset."""

    def __init__(self, source, schema=None):
        if isinstance(source, (list, tuple)):
            batches = [b for one in source for b in batches_of(one)]
            source = Table.from_batches(batches, schema=schema)
        if not isinstance(source, Table):
            source = reader_of(source).read_all()
        self._table = source if schema is None else source.cast(schema)
        self._schema = self._table.schema

    def __reduce__(self):
        return _of_table, (self._table, self._filter_)

    def _read(self, columns, filter, use_threads, progress=None, batch_size=0):
        table = self._table if filter is None else self._table.filter(filter)
        return table if columns is None else table.select(columns)

    def _scan(self, columns, filter, batch_size, use_threads, step=None):
        return self._read(columns, filter, use_threads).to_reader(max_chunksize=batch_size or None)


def _of_table(table, filter):
    made = InMemoryDataset(table)
    made._filter_ = filter
    return made


class ParquetFileFragment:
    """One file of a dataset."""

    def __init__(self, path, parent):
        self.path = path
        self._parent = parent

    @property
    def physical_schema(self):
        return read_schema(self.path, decryption_properties=_keys(self._parent._options))

    @property
    def metadata(self):
        return read_metadata(self.path, decryption_properties=_keys(self._parent._options))

    @property
    def num_row_groups(self):
        return self.metadata.num_row_groups

    def _dataset(self):
        parent = self._parent
        return Dataset._open(self.path, None, parent._partitioning, None, parent._format, parent._options)

    def to_table(self, columns=None, filter=None, **options):
        return self._dataset().to_table(columns, filter, **options)

    def to_batches(self, columns=None, filter=None, **options):
        return self._dataset().to_batches(columns, filter, **options)

    def count_rows(self, filter=None, **options):
        return self._dataset().count_rows(filter, **options)

    def __repr__(self):
        return f"<martlet.dataset.ParquetFileFragment path={self.path}>"


def _check_scan_options(options):
    accepted = ("batch_readahead", "fragment_readahead", "fragment_scan_options", "cache_metadata", "memory_pool")
    for name in options:
        if name not in accepted:
            raise TypeError(f"unexpected scan option: {name}")


class Scanner:
    """A scan of a dataset, ready to run."""

    def __init__(self, dataset, columns, filter, batch_size, use_threads):
        self._dataset = dataset
        self._filter = filter
        self._batch_size = batch_size
        self._use_threads = use_threads
        self._expressions = None
        if isinstance(columns, dict):
            self._expressions = columns
            columns = None
        elif columns is not None:
            columns = _check_columns(columns)
            check_names(columns, dataset.schema)
        self._columns = columns

    @staticmethod
    def from_dataset(dataset, *, columns=None, filter=None, batch_size=_BATCH_SIZE, use_threads=True, **options):
        return dataset.scanner(columns, filter, batch_size, use_threads, **options)

    @staticmethod
    def from_batches(source, *, schema=None, columns=None, filter=None, **options):
        return InMemoryDataset(source, schema).scanner(columns, filter, **options)

    @property
    def dataset_schema(self):
        return self._dataset.schema

    @property
    def projected_schema(self):
        if self._expressions is not None:
            return self.head(0).schema
        if self._columns is None:
            return self.dataset_schema
        return _as_schema([self.dataset_schema.field(name) for name in self._columns])

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

    scan_batches = to_batches

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
        if self._filter is None and isinstance(self._dataset, FileSystemDataset) and self._dataset._format == "parquet":
            keys = _keys(self._dataset._options)
            return sum(read_metadata(path, decryption_properties=keys).num_rows for path in self._dataset._files())
        if isinstance(self._dataset, FileSystemDataset):
            return sum(
                b.num_rows for b in self._dataset._scan(self._columns, self._filter, self._batch_size, self._use_threads)
            )
        return self._dataset._read(self._columns, self._filter, self._use_threads).num_rows

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


def dataset(
    source,
    schema=None,
    format=None,
    filesystem=None,
    partitioning=None,
    partition_base_dir=None,
    exclude_invalid_files=None,
    ignore_prefixes=None,
):
    """A Dataset over a path, a list of paths, or data in memory."""
    _check_filesystem(filesystem)
    is_paths = isinstance(source, (str, os.PathLike)) or (
        isinstance(source, (list, tuple)) and source and all(isinstance(s, (str, os.PathLike)) for s in source)
    )
    if is_paths:
        chosen = _format(format)
        return Dataset._open(source, schema, partitioning, ignore_prefixes, chosen._name, chosen._options)
    if is_tabular(source):
        return InMemoryDataset(source, schema)
    if isinstance(source, (list, tuple)) and source and all(is_tabular(s) for s in source):
        return InMemoryDataset(source, schema)
    raise TypeError(
        "Expected a path-like, list of path-likes, or a table or list of record batches, "
        f"got {type(source).__name__}"
    )


def write_dataset(
    data,
    base_dir,
    *,
    basename_template=None,
    format=None,
    partitioning=None,
    partitioning_flavor=None,
    schema=None,
    filesystem=None,
    file_options=None,
    use_threads=True,
    preserve_order=False,
    max_partitions=None,
    max_open_files=None,
    max_rows_per_file=None,
    min_rows_per_group=None,
    max_rows_per_group=None,
    file_visitor=None,
    existing_data_behavior="error",
    create_dir=True,
    progress=None,
):
    """Writes a table, batches, a dataset or anything with `__arrow_c_stream__` below `base_dir`.

    Files appear together when all are written, or not at all; order is kept.
    """
    _check_filesystem(filesystem)
    if isinstance(data, (list, tuple)):
        data = InMemoryDataset(data, schema)._table
    if isinstance(data, Dataset):
        data = data.scanner()
    if isinstance(data, Scanner):
        data = data.to_reader()
    if format is None and file_options is not None:
        from .ipc import IpcWriteOptions

        format = "ipc" if isinstance(file_options, IpcWriteOptions) else "parquet"
    if format is None:
        raise ValueError("format must be given: 'parquet' or 'ipc'")
    chosen = _format(format)
    if isinstance(partitioning, (list, tuple)) and partitioning and partitioning_flavor != "hive":
        raise ArrowNotImplementedError(
            "directories without keys are not supported; use partitioning_flavor='hive': directories named key=value"
        )
    _write(
        data,
        base_dir,
        schema=schema,
        partitioning=partitioning,
        basename_template=basename_template or "part-{i}." + chosen.default_extname,
        existing_data_behavior=existing_data_behavior,
        file_options=file_options if file_options is not None else chosen.make_write_options(),
        file_visitor=file_visitor,
        format=chosen._name,
        progress=progress,
        max_partitions=max_partitions,
        max_open_files=max_open_files,
        max_rows_per_file=max_rows_per_file,
        min_rows_per_group=min_rows_per_group,
        max_rows_per_group=max_rows_per_group,
    )
