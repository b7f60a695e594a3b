"""Feather files with pyarrow's names: version 2, which is the file format of Arrow IPC."""

import os

from . import _io, ipc
from ._builders import _is_frame
from ._errors import ArrowInvalid, ArrowNotImplementedError
from ._streams import is_tabular, reader_of
from ._table import Table

__all__ = ["FeatherDataset", "read_feather", "read_table", "write_feather"]

_CODECS = ("lz4", "zstd", "uncompressed")


def write_feather(df, dest, compression=None, compression_level=None, chunksize=None, version=2):
    """Writes a DataFrame, a Table or anything with `__arrow_c_stream__`, compressed with LZ4 unless `compression` says
    otherwise ('zstd', 'uncompressed'), in record batches of 65,536 rows unless `chunksize` does."""
    if version == 1:
        raise ArrowNotImplementedError("Feather files of version 1 are not supported; version=2 is what pyarrow writes too")
    if version != 2:
        raise ValueError("Version value should either be 1 or 2")
    if compression is not None and compression not in _CODECS:
        raise ValueError(f'compression="{compression}" not supported, must be one of {_CODECS}')
    if not is_tabular(df):
        raise TypeError(f"expected a DataFrame or a Table, got {type(df).__name__}")
    if chunksize is not None and chunksize <= 0:
        raise ArrowInvalid(f"chunksize must be above 0, not {chunksize}")
    table = Table.from_pandas(df) if _is_frame(df) else df if isinstance(df, Table) else reader_of(df).read_all()
    codec = compression or "lz4"
    options = ipc.IpcWriteOptions(compression=None if codec == "uncompressed" else codec, unify_dictionaries=True)
    if codec != "uncompressed" and compression_level is not None:
        from ._codec import Codec

        options.compression = Codec(codec, compression_level)
    dest = os.fspath(dest) if isinstance(dest, os.PathLike) else dest
    with ipc.new_file(dest, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=chunksize or 1 << 16)


def read_table(source, columns=None, memory_map=False, use_threads=True):
    """A Feather file as a Table; `columns` are names or positions, and the columns come in their order."""
    opened = _io.open_source(source, memory_map)
    fields = None
    if columns is not None:
        fields = _positions(columns, ipc.open_file(opened).schema)
    options = ipc.IpcReadOptions(use_threads=use_threads, included_fields=sorted(set(fields)) if fields else None)
    table = ipc.open_file(opened, options=options).read_all()
    if fields is None:
        return table
    if not fields:
        return table.select([])
    places = {field: place for place, field in enumerate(sorted(set(fields)))}
    wanted = [places[field] for field in fields]
    return table if wanted == list(range(table.num_columns)) else table.select(wanted)


def _positions(columns, schema):
    if not isinstance(columns, (list, tuple)):
        raise TypeError(f"Columns must be a sequence of indices or names, got {type(columns).__name__}")
    kinds = {type(column) for column in columns}
    if kinds <= {int}:
        found = list(columns)
    elif kinds <= {str}:
        found = [_position(name, schema) for name in columns]
    else:
        names = [kind.__name__ for kind in kinds]
        raise TypeError(f"Columns must be indices or names. Got columns {list(columns)} of types {names}")
    for i in found:
        if not 0 <= i < len(schema):
            raise ArrowInvalid(f"Out of bounds field index: {i}; the file has {len(schema)} columns")
    return found


def _position(name, schema):
    found = schema.get_all_field_indices(name)
    if not found:
        raise ArrowInvalid(f"Field named '{name}' is not found")
    if len(found) > 1:
        raise ArrowInvalid(f"Field named '{name}' is there {len(found)} times: ask by position")
    return found[0]


def read_feather(source, columns=None, use_threads=True, memory_map=False, **kwargs):
    """A Feather file as a DataFrame; further arguments are those of `Table.to_pandas`."""
    return read_table(source, columns, memory_map, use_threads).to_pandas(use_threads=use_threads, **kwargs)


class FeatherDataset:
    """Several Feather files with the same columns as one table."""

    def __init__(self, path_or_paths, validate_schema=True):
        self.paths = path_or_paths
        self.validate_schema = validate_schema
        self.schema = None

    def read_table(self, columns=None):
        """All files as one Table."""
        from ._builders import concat_tables

        tables = []
        for path in self.paths:
            table = read_table(path, columns)
            if self.schema is None:
                self.schema = table.schema
            elif self.validate_schema:
                self.validate_schemas(path, table)
            tables.append(table)
        return concat_tables(tables)

    def validate_schemas(self, piece, table):
        """Raises ValueError when a table of `piece` has other columns."""
        if not self.schema.equals(table.schema):
            raise ValueError(f"Schema in {piece} was different. \n{self.schema}\n\nvs\n\n{table.schema}")

    def read_pandas(self, columns=None, use_threads=True):
        """All files as one DataFrame."""
        return self.read_table(columns).to_pandas(use_threads=use_threads)
