"""Writing datasets: what `dataset.write_dataset` and `parquet.write_to_dataset` share."""

import os
from collections import namedtuple

from . import _abi, _io
from ._abi import lib
from ._array import wrap
from ._dataset_format import Partitioning
from ._errors import ArrowInvalid
from ._progress import Progress
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
    if columns and len(columns) == len(found.names):
        raise ValueError("No data left to save outside partition columns")
    rows = getattr(data, "num_rows", None)
    reader = reader_of(data)
    if schema is not None and not found.equals(schema):
        reader = reader.cast(schema)
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


def _write_options(options, format):
    from .ipc import IpcWriteOptions

    if isinstance(options, IpcWriteOptions):
        if format != "ipc":
            raise TypeError("file_options are of IPC files, the format is Parquet")
        return {k: v for k, v in options._options().items() if k != "use_threads"}
    if format == "ipc":
        raise TypeError("file_options are of Parquet files, the format is IPC")
    return options.engine()
