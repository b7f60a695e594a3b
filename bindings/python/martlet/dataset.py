"""Datasets: files and partitioned directory trees as one table, read and written in parts."""

import os

from . import _abi, _io
from ._abi import lib
from ._array import wrap
from ._dataset_expressions import get_partition_keys
from ._dataset_format import (
    FeatherFileFormat, FileFormat, FileWriteOptions, FragmentScanOptions, IpcFileFormat, IpcFileWriteOptions, ParquetDecryptionConfig,
    ParquetEncryptionConfig, ParquetFileFormat, ParquetFileWriteOptions, ParquetFragmentScanOptions, ParquetReadOptions,
    _format)
from ._dataset_partitioning import (
    DirectoryPartitioning, FilenamePartitioning, HivePartitioning, Partitioning, PartitioningFactory,
    ensure_partitioning, partitioning)
from ._dataset_scanner import _BATCH_SIZE, Scanner, TaggedRecordBatch, _check_scan_options
from ._dataset_write import WrittenFile, _write
from ._filters import filters_to_expression
from ._expression import Expression
from ._field import field as _field
from ._parquet_file import _naming, read_metadata
from ._progress import Progress
from ._schema import Schema, schema as _as_schema
from ._streams import SourceReader, batches_of, is_tabular, reader_of, schema_of
from ._table import RecordBatch, Table

__all__ = [
    "Dataset", "DirectoryPartitioning", "Expression", "FeatherFileFormat", "FileFormat", "FileFragment", "FileSystemDataset",
    "FileSystemDatasetFactory", "FileSystemFactoryOptions", "FileWriteOptions", "FilenamePartitioning", "Fragment",
    "FragmentScanOptions", "HivePartitioning", "InMemoryDataset", "InMemoryFragment", "IpcFileFormat", "IpcFileWriteOptions",
    "ParquetDatasetFactory", "ParquetDecryptionConfig", "ParquetEncryptionConfig", "ParquetFactoryOptions",
    "ParquetFileFormat", "ParquetFileFragment", "ParquetFileWriteOptions", "ParquetFragmentScanOptions",
    "ParquetReadOptions", "Partitioning", "PartitioningFactory", "RowGroupInfo", "Scanner", "TaggedRecordBatch",
    "UnionDataset", "UnionDatasetFactory", "WrittenFile", "dataset", "field", "get_partition_keys", "parquet_dataset",
    "partitioning", "scalar", "write_dataset",
]

_ELSEWHERE = {
    "_dataset_files": ("FragmentDataset", "UnionDataset"),
    "_dataset_fragment": ("FileFragment", "Fragment", "InMemoryFragment", "ParquetFileFragment", "RowGroupInfo"),
    "_dataset_factory": (
        "DatasetFactory", "FileSystemDatasetFactory", "FileSystemFactoryOptions", "ParquetDatasetFactory",
        "ParquetFactoryOptions", "UnionDatasetFactory", "parquet_dataset"),
}


def __getattr__(name):
    for module, names in _ELSEWHERE.items():
        if name in names:
            import importlib

            found = globals()[name] = getattr(importlib.import_module(f"{__package__}.{module}"), name)
            return found
    if name.startswith(("Csv", "Json", "Orc")):
        raise ImportError(f"{name}: datasets of these files are not supported; those of Parquet and Arrow IPC files are")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    def _open(paths, schema, partitioning, ignore_prefixes, format, options, plain_keys=False):
        partitioning = ensure_partitioning(partitioning)
        flavor = "none" if partitioning is None else "hive"
        keys = getattr(partitioning, "schema", None)
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
        if schema is None and plain_keys:
            names = _key_names(wrap(_abi.new(lib.martlet_dataset_files, handle, None)).to_pylist(), texts)
            members = [_plain_key(f) if f.name in names and (keys is None or f.name not in keys.names) else f for f in found]
            if members != list(found):
                found = _as_schema(members, metadata=found.metadata)
                handle = opened(found)
        self = object.__new__(FileSystemDataset)
        self._handle = handle
        self._schema = found
        self._format = format
        self._partitioning = partitioning
        self._options = options
        self._roots = texts
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
        if expression is None:
            raise TypeError("Argument 'expression' has incorrect type (expected Expression, got NoneType)")
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

    def _count(self, columns, filter, batch_size, use_threads):
        return self._read(columns, filter, use_threads).num_rows

    def _matching(self, filter):
        return list(self._as_fragments().get_fragments(filter))

    def _whole_fragments(self):
        """The fragments; those of a filtered dataset with the rows that match."""
        if self._filter_ is None:
            return list(self.get_fragments())
        from ._dataset_files import fragments_in_memory

        return fragments_in_memory(self.to_table())

    def _as_fragments(self):
        from ._dataset_files import FragmentDataset

        return FragmentDataset._of(self.get_fragments(), self.schema)

    def join(self, right_dataset, keys, right_keys=None, join_type="left outer", left_suffix=None, right_suffix=None,
             coalesce_keys=True, use_threads=True):
        """The rows of two datasets joined by keys, in memory, as `Table.join` does it."""
        right = right_dataset.to_table() if isinstance(right_dataset, Dataset) else right_dataset
        return InMemoryDataset(self.to_table().join(
            right, keys, right_keys=right_keys, join_type=join_type, left_suffix=left_suffix, right_suffix=right_suffix,
            coalesce_keys=coalesce_keys, use_threads=use_threads))

    @property
    def partition_expression(self):
        """True: nothing is known of all rows."""
        from .compute import scalar as make

        return make(True)

    def sort_by(self, sorting, **kwargs):
        return InMemoryDataset(self.to_table().sort_by(sorting, **kwargs))

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.scanner().to_reader().__arrow_c_stream__(requested_schema)


class FileSystemDataset(Dataset):
    """Files of one format."""

    def __new__(cls, fragments=None, schema=None, format=None, filesystem=None, root_partition=None):
        if fragments is None:
            raise TypeError("Do not call FileSystemDataset's constructor directly, use `dataset` instead.")
        from ._dataset_files import of_fragments

        return of_fragments(fragments, schema, format, filesystem, root_partition)

    @classmethod
    def from_paths(cls, paths, schema=None, format=None, filesystem=None, partitions=None, root_partition=None):
        """A dataset of files whose keys are given as Expressions, one for each file."""
        from ._dataset_files import from_paths

        return from_paths(paths, schema, format, filesystem, partitions, root_partition)

    @property
    def files(self):
        """The paths of the files."""
        return self._files(self._filter_)

    @property
    def format(self):
        made = _format(self._format)
        made._options = dict(made._options, **{k: v for k, v in self._options.items() if k not in _NOT_OF_FORMATS})
        return made

    @property
    def filesystem(self):
        from .fs import LocalFileSystem

        return LocalFileSystem()

    def _count(self, columns, filter, batch_size, use_threads):
        if filter is None:
            keys = _keys(self._options)
            return sum(read_metadata(path, decryption_properties=keys).num_rows for path in self._files())
        return sum(b.num_rows for b in self._scan(columns, filter, batch_size, use_threads))

    @property
    def partitioning(self):
        """The Partitioning by which the dataset was found, or None."""
        if isinstance(self._partitioning, PartitioningFactory):
            from ._dataset_partitioning import values_of_keys

            paths = self._files()
            names = _key_names(paths, self._roots)
            keys = _as_schema([self._schema.field(n) for n in names if n in self._schema.names])
            return HivePartitioning(keys, dictionaries=values_of_keys(keys, paths, self._roots))
        return DirectoryPartitioning(_as_schema([])) if self._partitioning is None else self._partitioning

    def _files(self, filter=None):
        pointer = _abi.new(lib.martlet_dataset_files, self._handle, None if filter is None else filter._handle)
        return wrap(pointer).to_pylist()

    def get_fragments(self, filter=None):
        """The files that can match, as fragments that can be scanned alone."""
        from ._dataset_fragment import FileFragment, expression_of

        format, paths = self.format, self._files(self._both(filter))
        names = _key_names(paths, self._roots) if self._partitioning is not None else []
        told = HivePartitioning(_as_schema([self._schema.field(n) for n in names if n in self._schema.names]))
        for path in paths:
            texts = told._texts(path) if names else {}
            keys = {n: None if texts[n] is None else _key_value(texts[n], told.schema.field(n).type)
                    for n in told.schema.names if n in texts}
            yield FileFragment._of(format, path, None, expression_of(keys))

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


# What options of the engine say about the dataset, and not about each file.
_NOT_OF_FORMATS = ("partitioning", "format", "ignore_prefixes", "memory_map")


def _key_names(paths, roots):
    """The names of the keys in the names of directories, below the directory in which the dataset lies."""
    names = {}
    for path in paths:
        root = next((r for r in roots if path.startswith(r)), "")
        for name in HivePartitioning()._texts(path[len(root):]):
            names[name] = True
    return list(names)


def _key_value(text, type):
    from ._dataset_partitioning import _scalar_of

    return _scalar_of(text, type)


def _plain_key(field):
    return _field(field.name, field.type.value_type) if hasattr(field.type, "index_type") else field


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
        if not isinstance(source, (list, tuple)) and not is_tabular(source) and schema is not None:
            source = list(source)
        if isinstance(source, (list, tuple)):
            if not source and schema is None:
                raise ValueError("Must provide schema to construct in-memory dataset from an empty list")
            batches = [b for one in source for b in batches_of(one)]
            expected = schema if schema is not None else batches[0].schema if batches else None
            for batch in batches:
                if not batch.schema.equals(expected):
                    raise TypeError(f"Item has schema\n{batch.schema}\nwhich does not match expected schema\n{expected}")
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

    def get_fragments(self, filter=None):
        """The rows that match as one fragment."""
        from ._dataset_files import fragments_in_memory

        filter = self._both(filter)
        return iter(fragments_in_memory(self._table if filter is None else self._table.filter(filter)))

    def replace_schema(self, schema):
        """The same rows as another schema."""
        return InMemoryDataset(self._table, schema)


def _of_table(table, filter):
    made = InMemoryDataset(table)
    made._filter_ = filter
    return made


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
    """A Dataset over a path or URI, a list of paths, several datasets, or data in memory."""
    if isinstance(source, (str, os.PathLike)) or (
        isinstance(source, (list, tuple)) and all(isinstance(s, (str, os.PathLike)) for s in source)
    ):
        return _of_files(
            source, schema, _format(format), filesystem, ensure_partitioning(partitioning), partition_base_dir,
            exclude_invalid_files, ignore_prefixes)
    if isinstance(source, (list, tuple)):
        if all(isinstance(s, Dataset) for s in source):
            if any(one is not None for one in (format, filesystem, partitioning, partition_base_dir, ignore_prefixes)):
                raise ValueError("When passing a list of Datasets, you cannot pass any additional arguments")
            from ._dataset_files import union_of

            return union_of(source, schema)
        if all(is_tabular(s) for s in source):
            return InMemoryDataset(source, schema)
        kinds = ", ".join(sorted({type(s).__name__ for s in source}))
        raise TypeError("Expected a list of path-like or dataset objects, or a list of batches or tables. The given list "
                        f"contains the following types: {kinds}")
    if is_tabular(source):
        return InMemoryDataset(source, schema)
    raise TypeError("Expected a path-like, list of path-likes or a list of Datasets instead of the given type: "
                    f"{type(source).__name__}")


def _of_files(source, schema, format, filesystem, partitioning, base_dir, exclude_invalid, ignore_prefixes):
    from ._fs_resolve import located

    paths = source if isinstance(source, (list, tuple)) else [source]
    places = [located(path, filesystem) for path in paths]
    is_single = not isinstance(source, (list, tuple))
    is_engines = partitioning is None or getattr(partitioning, "_is_engines", False)
    if is_engines and paths and format._name == "parquet" and base_dir is None and not exclude_invalid:
        if not any(elsewhere for _, elsewhere in places):
            local = [_io._path_text(path) for path, _ in places]
            for path in local:
                if not os.path.exists(path):
                    raise FileNotFoundError(path)
                if not is_single and os.path.isdir(path):
                    raise IsADirectoryError(
                        f"Path {path} points to a directory, but only file paths are supported. To construct a nested or "
                        "union dataset pass a list of dataset objects instead.")
            if not is_single or not os.path.isdir(local[0]) or _has_files(local[0], ignore_prefixes):
                plain = not getattr(partitioning, "_infers_dictionary", False)
                return Dataset._open(local, schema, partitioning, ignore_prefixes, "parquet", format._options, plain)
    from ._dataset_files import discovered

    return discovered(source, schema, format, filesystem, partitioning, base_dir, ignore_prefixes, exclude_invalid)


def _has_files(path, ignore_prefixes):
    """Whether the engine finds anything in a directory: an empty one is a dataset without columns."""
    prefixes = (".", "_") if ignore_prefixes is None else tuple(ignore_prefixes)
    for _, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not (prefixes and name.startswith(prefixes))]
        if any(not (prefixes and name.startswith(prefixes)) for name in files):
            return True
    return False


def union_scanned(data, schema):
    """A list of tables, batches or datasets as one."""
    if data and all(isinstance(one, Dataset) for one in data):
        from ._dataset_files import union_of

        return union_of(data, schema)
    return InMemoryDataset(data, schema)._table


def _for_writing(partitioning, flavor, schema):
    """What users give as `partitioning=` when they write: the names of columns, or a Partitioning."""
    if partitioning is None or (isinstance(partitioning, (list, tuple)) and not partitioning):
        return None
    if isinstance(partitioning, (list, tuple)):
        if flavor == "hive":
            return list(partitioning)
        for name in partitioning:
            if name not in schema.names:
                raise KeyError(f'Field "{name}" does not exist in schema; its columns are {", ".join(schema.names)}')
        from ._dataset_partitioning import partitioning as make

        return make(_as_schema([schema.field(name) for name in partitioning]), flavor=flavor)
    if flavor is not None:
        raise ValueError("Providing a partitioning_flavor with a Partitioning object is not supported")
    if isinstance(partitioning, PartitioningFactory):
        raise TypeError("A PartitioningFactory cannot say how to write: pass the names of the columns or a Partitioning")
    made = ensure_partitioning(partitioning)
    if made.schema is None:
        raise ValueError("A Partitioning without a schema cannot say how to write: give it the columns")
    return made


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
    from ._reader import RecordBatchReader

    if isinstance(data, (list, tuple)):
        data = union_scanned(data, schema)
    if isinstance(data, Scanner) and schema is not None:
        raise ValueError("Cannot specify a schema when writing a Scanner")
    if isinstance(data, Dataset):
        data = data.scanner()
    if isinstance(data, Scanner):
        data = data.to_reader()
    if not is_tabular(data):
        if not hasattr(data, "__iter__"):
            raise ValueError("Only Dataset, Scanner, Table/RecordBatch, RecordBatchReader, a list of Tables/RecordBatches, or "
                             "iterable of batches are supported.")
        if schema is None:
            raise ValueError("Must provide schema when `data` is an iterable of RecordBatches")
        data = RecordBatchReader.from_batches(schema, data)
    if format is None and file_options is not None:
        from .ipc import IpcWriteOptions

        format = "ipc" if isinstance(file_options, (IpcWriteOptions, IpcFileWriteOptions)) else "parquet"
    if format is None:
        raise ValueError("format must be given: 'parquet' or 'ipc'")
    chosen = _format(format)
    partitioning = _for_writing(partitioning, partitioning_flavor, schema_of(data) if schema is None else schema)
    _write(
        data,
        base_dir,
        schema=schema,
        partitioning=partitioning,
        basename_template=basename_template or "part-{i}." + chosen.default_extname,
        existing_data_behavior=existing_data_behavior,
        file_options=file_options if file_options is not None else chosen.make_write_options(),
        file_visitor=file_visitor,
        filesystem=filesystem,
        create_dir=create_dir,
        format=chosen._name,
        progress=progress,
        max_partitions=max_partitions,
        max_open_files=max_open_files,
        max_rows_per_file=max_rows_per_file,
        min_rows_per_group=min_rows_per_group,
        max_rows_per_group=max_rows_per_group,
    )
