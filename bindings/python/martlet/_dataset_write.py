"""Writing datasets: what `dataset.write_dataset` and `parquet.write_to_dataset` share."""

import os
from collections import namedtuple

from . import _abi, _io
from ._abi import lib
from ._array import wrap
from ._dataset_partitioning import Partitioning
from ._errors import ArrowInvalid
from ._progress import Progress
from ._schema import schema as _as_schema
from ._streams import is_tabular, reader_of, schema_of
from ._table import Table

WrittenFile = namedtuple("WrittenFile", ["path", "metadata", "size"])

# What the engine's writer of datasets takes, and pyarrow's arguments that it does not need.
_WRITE_NAMES = (
    "max_partitions", "max_open_files", "max_rows_per_file", "min_rows_per_group", "max_rows_per_group",
)
_BEHAVIORS = ("error", "overwrite_or_ignore", "delete_matching")


def _write(
    data,
    root,
    *,
    schema,
    partitioning,
    basename_template,
    existing_data_behavior,
    file_options,
    file_visitor=None,
    format="parquet",
    progress=None,
    filesystem=None,
    create_dir=True,
    max_partitions=None,
    max_open_files=None,
    max_rows_per_file=None,
    min_rows_per_group=None,
    max_rows_per_group=None,
):
    if not is_tabular(data):
        raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(data)}")
    if existing_data_behavior not in _BEHAVIORS:
        raise ValueError(
            f"existing_data_behavior must be one of {', '.join(map(repr, _BEHAVIORS))}, not {existing_data_behavior!r}"
        )
    if "{i}" not in basename_template:
        raise ArrowInvalid(f"basename_template must contain '{{i}}', got {basename_template!r}")
    found = schema_of(data)
    if found is None:
        data = reader_of(data)
        found = data.schema
    columns = partitioning.schema.names if isinstance(partitioning, Partitioning) else list(partitioning or [])
    for name in columns:
        if name not in found.names:
            raise KeyError(f'Field "{name}" does not exist in schema; its columns are {", ".join(found.names)}')
    if isinstance(partitioning, Partitioning):
        found, data = _with_key_types(found if schema is None else schema, data, partitioning)
        schema = found if schema is not None else None
    rows = getattr(data, "num_rows", None)
    reader = reader_of(data)
    if schema is not None and not found.equals(schema):
        reader = reader.cast(schema)
    from ._fs_resolve import resolved

    elsewhere, place = resolved(root, filesystem)
    if format != "parquet" or elsewhere._local_path(place) is None or not _is_engines(partitioning):
        from ._dataset_format import ParquetFileFormat, _format
        from ._dataset_groups import write_groups

        if format == "parquet" and not hasattr(file_options, "_writer_options"):
            given = {} if file_options is None else file_options._given
            file_options = ParquetFileFormat().make_write_options(**given)
        elif file_options is None:
            file_options = _format(format).make_write_options()
        _write_options(file_options, format)
        if partitioning and not isinstance(partitioning, Partitioning):
            from ._dataset_partitioning import HivePartitioning

            partitioning = HivePartitioning(_as_schema([found.field(name) for name in columns]))
        limits = {
            "max_partitions": max_partitions, "max_open_files": max_open_files, "max_rows_per_file": max_rows_per_file,
            "max_rows_per_group": max_rows_per_group,
        }
        watch = Progress(progress, f"writing {place!r}", rows)
        write_groups(
            reader, elsewhere, place, partitioning=partitioning or None, template=basename_template,
            behavior=existing_data_behavior, format=format, options=file_options, limits=limits, visitor=file_visitor,
            creates=create_dir)
        watch.end()
        return
    root = elsewhere._local_path(place)
    if isinstance(data, Table) and reader.schema is data.schema:
        stream = data._stream()
    else:
        stream = reader._stream()
    options = {} if file_options is None else _write_options(file_options, format)
    options.update(
        format=format,
        basename_template=basename_template,
        existing_data_behavior=existing_data_behavior,
        partitioning_flavor="hive" if columns else None,
        max_partitions=max_partitions,
        max_rows_per_file=max_rows_per_file or None,
    )
    if max_rows_per_group:
        options["row_group_size"] = max_rows_per_group
    root = _io._path_text(root)
    watch = Progress(progress, f"writing {root!r}", rows)
    with watch.call() as step:
        pointer = _abi.new(
            lib.martlet_dataset_write,
            stream,
            _abi.encode(root),
            _abi.text_array(columns),
            len(columns),
            *_abi.pack_options(options),
            step,
        )
    watch.end()
    paths = wrap(pointer)
    if file_visitor is not None:
        from ._parquet_file import read_metadata

        for path in paths.to_pylist():
            metadata = read_metadata(path) if format == "parquet" else None
            file_visitor(WrittenFile(path, metadata, os.path.getsize(path)))


def _is_engines(partitioning):
    return not isinstance(partitioning, Partitioning) or getattr(partitioning, "_is_engines", False)


def _with_key_types(schema, data, partitioning):
    """The schema with the keys' types as the partitioning gives them, and the rows."""
    changed = [
        partitioning.schema.field(field.name) if field.name in partitioning.schema.names and not _same_key(
            field.type, partitioning.schema.field(field.name).type) else field
        for field in schema]
    if changed == list(schema):
        return schema, data
    made = _as_schema(changed, metadata=schema.metadata)
    return made, reader_of(data).cast(made)


def _same_key(one, other):
    def plain(type):
        return type.value_type if hasattr(type, "index_type") else type

    return plain(one) == plain(other)


def _write_options(options, format):
    from ._dataset_format import IpcFileWriteOptions
    from .ipc import IpcWriteOptions

    if isinstance(options, IpcFileWriteOptions):
        options = options.write_options
    if isinstance(options, IpcWriteOptions):
        if format != "ipc":
            raise TypeError("file_options are of IPC files, the format is Parquet")
        return {k: v for k, v in options._options().items() if k != "use_threads"}
    if format == "ipc":
        raise TypeError("file_options are of Parquet files, the format is IPC")
    return options.engine()
