"""Datasets of fragments that Python code looks for and opens: what lies on other file systems, in other formats than Parquet,
below directories without keys, in single row groups, or in several datasets."""

import os

from ._dataset_fragment import FileFragment, Fragment, InMemoryFragment, _constants, reader_over
from ._dataset_expressions import fields_of, remaining
from ._dataset_partitioning import PartitioningFactory
from ._errors import ArrowInvalid, ArrowNotImplementedError
from ._fs_files import FileSelector, FileType
from ._parquet_file import _naming
from ._progress import Progress
from ._schema import Schema, schema as _as_schema, unify_schemas
from ._table import Table
from .dataset import Dataset, FileSystemDataset


class FragmentDataset(FileSystemDataset):
    """Fragments as one table."""

    @classmethod
    def _of(cls, fragments, schema, format=None, filesystem=None, partitioning=None):
        self = object.__new__(FragmentDataset)
        self._fragments = list(fragments)
        self._schema = schema if isinstance(schema, Schema) else _as_schema(schema)
        self._file_format = format
        self._filesystem_ = filesystem
        self._partitioning = partitioning
        return self

    _root = None

    @property
    def partition_expression(self):
        """An Expression that is true for all rows."""
        return super().partition_expression if self._root is None else self._root

    @property
    def partitioning(self):
        """The Partitioning by which the dataset was found, or None."""
        return self._partitioning

    @property
    def format(self):
        return self._file_format

    @property
    def filesystem(self):
        if self._filesystem_ is None:
            return super().filesystem
        return self._filesystem_

    def __reduce__(self):
        parts = (self._fragments, self._schema, self._file_format, self._filesystem_, self._partitioning)
        return _again, (parts, self._filter_)

    def _matching(self, filter):
        return [f for f in self._fragments if remaining(_on_keys(filter, f), _constants(f, filter)) is not False]

    def _files(self, filter=None):
        return [fragment.path for fragment in self._matching(filter)]

    def get_fragments(self, filter=None):
        """The fragments that can have rows that match."""
        from ._filters import filters_to_expression
        return iter(self._matching(self._both(None if filter is None else filters_to_expression(filter))))

    def replace_schema(self, schema):
        """The same files read as another schema."""
        made = FragmentDataset._of(self._fragments, schema, self._file_format, self._filesystem_, self._partitioning)
        made._filter_ = self._filter_
        return made

    def _scan(self, columns, filter, batch_size, use_threads, step=None):
        for name in columns or ():
            if "." in name and name not in self._schema.names and not name.startswith("__"):
                raise ArrowNotImplementedError(
                    f"column {name!r}: parts of columns cannot be read from these files; read the column as a whole")
        return reader_over(self._fragments, self._schema, columns, filter, int(batch_size or 0), use_threads)

    def _read(self, columns, filter, use_threads, progress=None, batch_size=0):
        watch = Progress(progress, "reading")
        with _naming(filter):
            reader = self._scan(columns, filter, batch_size, use_threads)
            table = Table.from_batches(list(reader), schema=reader.schema)
        watch.end()
        return table

    def _count(self, columns, filter, batch_size, use_threads):
        total = 0
        for fragment in self._fragments:
            left = remaining(filter, _constants(fragment, filter))
            if left is False:
                continue
            known = fragment._count(None if left is True else left)
            if known is None:
                names = sorted(fields_of(filter) if columns is None else columns)
                known = sum(b.num_rows for b in reader_over([fragment], self._schema, names, filter, batch_size, use_threads))
            total += known
        return total


def _on_keys(filter, fragment):
    """The part of a filter that the keys of a fragment decide."""
    from ._dataset_expressions import all_of, conjuncts, fields_of
    if filter is None or fragment._expression is None:
        return None
    known = _constants(fragment, filter).keys()
    return all_of(one for one in conjuncts(filter) if fields_of(one) <= known)


def _again(parts, filter):
    made = FragmentDataset._of(*parts)
    made._filter_ = filter
    return made


class UnionDataset(Dataset):
    """Several datasets with the same columns as one."""

    def __init__(self, schema, children):
        self._children = list(children)
        self._schema = schema if isinstance(schema, Schema) else _as_schema(schema)
        for child in self._children:
            for field in child.schema:
                if self._schema.get_field_index(field.name) < 0:
                    continue
                if self._schema.field(field.name).type != field.type:
                    raise ArrowInvalid(
                        f"Schema of child dataset is not the one of the union: column '{field.name}' has type {field.type}, "
                        f"expected {self._schema.field(field.name).type}")

    @property
    def children(self):
        return self._children

    def __reduce__(self):
        return UnionDataset, (self._schema, self._children)

    def get_fragments(self, filter=None):
        for child in self._children:
            yield from child.get_fragments(self._both(filter))

    def replace_schema(self, schema):
        """The same datasets read as another schema."""
        return UnionDataset(schema, [child.replace_schema(schema) for child in self._children])

    def _as_fragments(self):
        fragments = (f for child in self._children for f in child._whole_fragments())
        return FragmentDataset._of(fragments, self._schema)

    def _scan(self, columns, filter, batch_size, use_threads, step=None):
        return self._as_fragments()._scan(columns, filter, batch_size, use_threads, step)

    def _read(self, columns, filter, use_threads, progress=None, batch_size=0):
        return self._as_fragments()._read(columns, filter, use_threads, progress, batch_size)

    def _count(self, columns, filter, batch_size, use_threads):
        return self._as_fragments()._count(columns, filter, batch_size, use_threads)


def union_of(children, schema=None):
    """A UnionDataset; its schema has the columns of all when none is given."""
    if schema is None:
        schema = unify_schemas([child.schema for child in children])
    return UnionDataset(schema, [
        child if child.schema.equals(schema) else child.replace_schema(schema) for child in children])


# ---- finding files ---------------------------------------------------------------------------------------------------


def listed(filesystem, base, ignore_prefixes=None):
    """The paths of the files below a directory in the order of their names, without those that begin with a prefix."""
    prefixes = (".", "_") if ignore_prefixes is None else tuple(ignore_prefixes)
    root = base.rstrip("/") + "/" if base else ""
    found = []
    for info in filesystem.get_file_info(FileSelector(base, recursive=True)):
        inner = info.path[len(root):] if info.path.startswith(root) else info.path.lstrip("/")
        if info.type == FileType.File and not any(part.startswith(prefixes) for part in inner.split("/") if prefixes):
            found.append(info.path)
    return sorted(found)


def discovered(
    paths, schema, format, filesystem, partitioning, partition_base_dir=None, ignore_prefixes=None, exclude_invalid=False
):
    """A FragmentDataset over a directory, a file or a list of files on a file system."""
    from ._fs_resolve import ensure_filesystem, resolved
    if isinstance(paths, (list, tuple)):
        places = [resolved(path, filesystem) for path in paths]
        filesystem = places[0][0] if places else ensure_filesystem(filesystem or "file:///")
        files, base = [path for _, path in places], partition_base_dir or ""
        for path in files:
            kind = filesystem.get_file_info(path).type
            if kind == FileType.NotFound:
                raise FileNotFoundError(path)
            if kind == FileType.Directory:
                raise IsADirectoryError(
                    f"Path {path} points to a directory, but only file paths are supported. To construct a nested or union "
                    "dataset pass a list of dataset objects instead.")
    else:
        filesystem, path = resolved(paths, filesystem)
        kind = filesystem.get_file_info(path).type
        if kind == FileType.NotFound:
            raise FileNotFoundError(path)
        files, base = [path], path.rpartition("/")[0]
        if kind == FileType.Directory:
            files, base = listed(filesystem, path, ignore_prefixes), path
        base = base if partition_base_dir is None else partition_base_dir
    if exclude_invalid:
        files = [file for file in files if format.is_supported(file, filesystem)]
    root = base.rstrip("/") + "/" if base else ""
    inner = [file[len(root):] if file.startswith(root) else file for file in files]
    if isinstance(partitioning, PartitioningFactory):
        partitioning = partitioning._made(inner)
    local = filesystem._local_path("/") == "/"
    known = dictionaries_of(partitioning)
    fragments = [
        FileFragment._of(
            format, file, None if local else filesystem, None if partitioning is None else _told(partitioning, name)
        )._with_dictionaries(known)
        for file, name in zip(files, inner)]
    if schema is None:
        schema = fragments[0].physical_schema if fragments else _as_schema([])
        keys = [] if partitioning is None else [f for f in partitioning.schema if schema.get_field_index(f.name) < 0]
        schema = _as_schema([*schema, *keys], metadata=schema.metadata)
    from ._dataset_partitioning import DirectoryPartitioning

    partitioning = DirectoryPartitioning(_as_schema([])) if partitioning is None else partitioning
    return FragmentDataset._of(fragments, schema, format, filesystem, partitioning)


def dictionaries_of(partitioning):
    """The values of the keys that are dictionaries, by the names of the keys."""
    if partitioning is None:
        return {}
    return {field.name: values for field, values in zip(partitioning.schema, partitioning.dictionaries)
            if values is not None and hasattr(field.type, "index_type")}


def _told(partitioning, path):
    expression = partitioning.parse(path)
    return None if expression._rebuild[0] == "scalar" else expression


def of_fragments(fragments, schema, format, filesystem=None, root_partition=None):
    fragments = list(fragments)
    for fragment in fragments:
        if not isinstance(fragment, Fragment):
            raise TypeError(f"expected fragments, got {type(fragment).__name__}")
    made = FragmentDataset._of(fragments, schema, format, filesystem)
    made._root = root_partition
    return made


def from_paths(paths, schema=None, format=None, filesystem=None, partitions=None, root_partition=None):
    """A dataset of files whose keys are given as expressions, one for each file."""
    from ._dataset_format import FileFormat
    from ._expression import Expression
    from ._fs_resolve import located
    if schema is None or not isinstance(schema, Schema):
        raise TypeError(f"Argument 'schema' has incorrect type (expected Schema, got {type(schema).__name__})")
    if not isinstance(format, FileFormat):
        raise TypeError(f"Argument 'format' has incorrect type (expected FileFormat, got {type(format).__name__})")
    paths = [os.fspath(path) for path in paths]
    partitions = [None] * len(paths) if partitions is None else list(partitions)
    if len(partitions) != len(paths):
        raise ValueError(f"The number of files resulting from paths_or_selector must be equal to the number of partitions: "
                         f"{len(paths)} and {len(partitions)}")
    if root_partition is not None and not isinstance(root_partition, Expression):
        raise TypeError(f"Argument 'root_partition' has incorrect type (expected Expression, got {type(root_partition)})")
    fragments, elsewhere = [], None
    for path, expression in zip(paths, partitions):
        place, elsewhere = located(path, filesystem)
        if root_partition is not None:
            expression = root_partition if expression is None else root_partition & expression
        fragments.append(FileFragment._of(format, place, elsewhere, expression))
    made = FragmentDataset._of(fragments, schema, format, elsewhere)
    made._root = root_partition
    return made


def fragments_in_memory(table):
    return [InMemoryFragment(table.to_batches() or [], table.schema)]
