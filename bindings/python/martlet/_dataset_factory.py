"""Factories of datasets, and datasets by the summary file `_metadata`."""

import os

from ._dataset_files import FragmentDataset, UnionDataset, dictionaries_of, discovered, listed
from ._dataset_format import ParquetFileFormat, _format
from ._dataset_fragment import FileFragment
from ._dataset_partitioning import Partitioning, PartitioningFactory
from ._errors import ArrowInvalid
from ._fs_files import FileSelector
from ._schema import schema as _as_schema, unify_schemas


def _check_partitioning(value):
    if value is not None and not isinstance(value, Partitioning):
        raise TypeError(f"Expected a Partitioning, got {type(value).__name__}")
    return value


def _check_factory(value):
    if value is not None and not isinstance(value, PartitioningFactory):
        raise TypeError(f"Expected a PartitioningFactory, got {type(value).__name__}")
    return value


class _FactoryOptions:
    def __init__(self, partition_base_dir=None, partitioning=None):
        self.partition_base_dir = partition_base_dir or ""
        self._partitioning = self._partitioning_factory = None
        if isinstance(partitioning, PartitioningFactory):
            self.partitioning_factory = partitioning
        elif partitioning is not None:
            self.partitioning = partitioning

    @property
    def partitioning(self):
        """The Partitioning by which keys are read, or None."""
        return self._partitioning

    @partitioning.setter
    def partitioning(self, value):
        self._partitioning, self._partitioning_factory = _check_partitioning(value), None

    @property
    def partitioning_factory(self):
        """The factory that finds the Partitioning, or None."""
        return self._partitioning_factory

    @partitioning_factory.setter
    def partitioning_factory(self, value):
        self._partitioning_factory, self._partitioning = _check_factory(value), None

    @property
    def _either(self):
        return self._partitioning if self._partitioning is not None else self._partitioning_factory


class FileSystemFactoryOptions(_FactoryOptions):
    """How files are looked for and what their names say."""

    def __init__(
        self, partition_base_dir=None, partitioning=None, exclude_invalid_files=None, selector_ignore_prefixes=None
    ):
        super().__init__(partition_base_dir, partitioning)
        self.exclude_invalid_files = bool(exclude_invalid_files)
        self.selector_ignore_prefixes = (
            [".", "_"] if selector_ignore_prefixes is None else list(selector_ignore_prefixes))


class ParquetFactoryOptions(_FactoryOptions):
    """How a summary file is read, and what the names of files say."""

    def __init__(self, partition_base_dir=None, partitioning=None, validate_column_chunk_paths=False):
        super().__init__(partition_base_dir, partitioning)
        self.validate_column_chunk_paths = bool(validate_column_chunk_paths)


class DatasetFactory:
    """Makes a dataset once its schema is known: `inspect()`, `finish(schema)`."""

    _root = None

    @property
    def root_partition(self):
        """An Expression that is true for all rows."""
        from ._expression import Expression

        return Expression._scalar(True) if self._root is None else self._root

    @root_partition.setter
    def root_partition(self, expression):
        self._root = expression

    def __init__(self, children):
        raise TypeError("Do not call DatasetFactory's constructor directly, use a subclass instead.")

    def inspect(self, *, promote_options="default", fragments=None):
        """The schema of the dataset: that of some fragments, the first one as a rule, and the keys."""
        return unify_schemas(self.inspect_schemas(), promote_options=promote_options)

    def inspect_schemas(self):
        return [self.finish().schema]


class FileSystemDatasetFactory(DatasetFactory):
    """Finds the files below a directory of a file system, or takes a list of paths."""

    def __init__(self, filesystem, paths_or_selector, format, options=None):
        from ._fs_resolve import ensure_filesystem

        self._filesystem = ensure_filesystem(filesystem)
        self._format = _format(format)
        self._options = options if options is not None else FileSystemFactoryOptions()
        if isinstance(paths_or_selector, FileSelector):
            prefixes = self._options.selector_ignore_prefixes
            self._paths = listed(self._filesystem, paths_or_selector.base_dir, prefixes)
            if not paths_or_selector.recursive:
                depth = paths_or_selector.base_dir.rstrip("/").count("/") + 1
                self._paths = [path for path in self._paths if path.count("/") == depth]
        elif isinstance(paths_or_selector, (list, tuple)):
            self._paths = [os.fspath(path) for path in paths_or_selector]
        else:
            raise TypeError("Must pass either paths or a FileSelector, but passed "
                            f"{type(paths_or_selector)}")

    def _found(self, schema):
        options = self._options
        return discovered(
            self._paths, schema, self._format, self._filesystem, options._either, options.partition_base_dir,
            exclude_invalid=options.exclude_invalid_files)

    def inspect_schemas(self):
        keys = self._found(_as_schema([])).partitioning
        keys = [] if keys is None else list(keys.schema)
        own = [self._format.inspect(path, self._filesystem) for path in self._paths]
        return [*own, _as_schema(keys)]

    def inspect(self, *, promote_options="default", fragments=None):
        """The schema of the first files, one as a rule, and the keys."""
        if promote_options not in ("default", "permissive"):
            raise ValueError(f"Invalid promote_options: {promote_options}; expected 'default' or 'permissive'")
        if fragments is not None and (not isinstance(fragments, int) or fragments < 0):
            raise ValueError(f"Fragment count must be a non-negative int or None; got {fragments!r}")
        count = len(self._paths) if fragments is None else fragments
        *own, keys = self.inspect_schemas()
        return unify_schemas([*own[:count], keys], promote_options=promote_options)

    def finish(self, schema=None):
        """The dataset."""
        made = self._found(schema)
        if self._root is not None:
            made._root = self._root
            for fragment in made._fragments:
                known = fragment._expression
                fragment._expression = self._root if known is None else self._root & known
        return made


class UnionDatasetFactory(DatasetFactory):
    """Makes one dataset of those that other factories make."""

    def __init__(self, factories):
        self._factories = list(factories)

    def inspect_schemas(self):
        return [factory.inspect() for factory in self._factories]

    def finish(self, schema=None):
        """The dataset."""
        schema = self.inspect() if schema is None else schema
        return UnionDataset(schema, [factory.finish(schema) for factory in self._factories])


class ParquetDatasetFactory(DatasetFactory):
    """Finds the files of a dataset in its summary file `_metadata`."""

    def __init__(self, metadata_path, filesystem, format, options=None):
        from ._fs_resolve import resolved

        self._filesystem, self._path = resolved(metadata_path, filesystem)
        self._format = format if format is not None else ParquetFileFormat()
        if not isinstance(self._format, ParquetFileFormat):
            raise ValueError("format argument must be a ParquetFileFormat")
        self._options = options if options is not None else ParquetFactoryOptions()

    def finish(self, schema=None):
        """The dataset: a fragment for each file with the row groups that the summary lists."""
        from ._parquet_file import read_metadata

        metadata = read_metadata(self._path, filesystem=self._filesystem)
        folder = self._path.rpartition("/")[0]
        groups = {}
        for i in range(metadata.num_row_groups):
            row_group = metadata.row_group(i)
            path = row_group.column(0).file_path if row_group.num_columns else ""
            if not path:
                raise ArrowInvalid("Extracting file path from RowGroup failed. The column chunks' file paths should be set, "
                                   "but got an empty file path.")
            groups.setdefault(path, []).append(row_group)
        options = self._options
        base = options.partition_base_dir or folder
        root = base.rstrip("/") + "/"
        full = {path: f"{folder}/{path}" if folder else path for path in groups}
        inner = {path: place[len(root):] if place.startswith(root) else place for path, place in full.items()}
        partitioning = options._either
        if isinstance(partitioning, PartitioningFactory):
            partitioning = partitioning._made(list(inner.values()))
        local = self._filesystem._local_path("/") == "/"
        fragments = []
        for path in groups:
            told = None if partitioning is None else partitioning.parse(inner[path])
            if told is not None and told._rebuild[0] == "scalar":
                told = None
            fragments.append(FileFragment._of(
                self._format, full[path], None if local else self._filesystem, told, list(range(len(groups[path])))
            )._with_dictionaries(dictionaries_of(partitioning)))
        if schema is None:
            schema = metadata.schema.to_arrow_schema()
            keys = [] if partitioning is None else [f for f in partitioning.schema if f.name not in schema.names]
            schema = _as_schema([*schema, *keys], metadata=schema.metadata)
        return FragmentDataset._of(fragments, schema, self._format, self._filesystem, partitioning)


def parquet_dataset(
    metadata_path, schema=None, filesystem=None, format=None, partitioning=None, partition_base_dir=None
):
    """A dataset of the files that a summary file `_metadata` lists."""
    from ._dataset_partitioning import ensure_partitioning

    if format is not None and not isinstance(format, ParquetFileFormat):
        raise ValueError("format argument must be a ParquetFileFormat")
    options = ParquetFactoryOptions(partition_base_dir, ensure_partitioning(partitioning))
    return ParquetDatasetFactory(os.fspath(metadata_path), filesystem, format, options).finish(schema)
