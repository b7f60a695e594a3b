"""Parquet files and partitioned datasets with pyarrow's names.

Writers commit on close: until then, and when an exception leaves their `with` block, an older file stays as it is.
Small batches are gathered into row groups. Page checksums are written and verified. Whatever takes a table takes any
object with `__arrow_c_stream__` or `__arrow_c_array__`, and pandas' DataFrames.
"""

import contextlib
import os
import re
import warnings
from collections import namedtuple

from . import _abi, _abi_io, _io
from ._abi import lib
from ._array import wrap
from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError
from ._progress import Progress
from ._schema import Schema, schema as _as_schema
from ._streams import SourceReader, batches_of, is_tabular, reader_of, schema_of
from ._table import RecordBatch

__all__ = [
    "ColumnChunkMetaData", "ColumnSchema", "FileMetaData", "ParquetDataset", "ParquetFile", "ParquetLogicalType",
    "ParquetSchema", "ParquetWriter", "RowGroupMetaData", "SortingColumn", "Statistics", "filters_to_expression",
    "read_metadata", "read_pandas", "read_schema", "read_table", "write_metadata", "write_table", "write_to_dataset",
]

_CODECS = ("none", "uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd", "lz4_raw")
_DEFAULT_ROW_GROUP_SIZE = 1 << 20


# ---- options ---------------------------------------------------------------------------------------------------------


def _unsupported(name, value, fix):
    raise ArrowNotImplementedError(f"{name}={value!r} is not supported; {fix}")


def _check_filesystem(filesystem):
    if filesystem is None or type(filesystem).__name__ in ("LocalFileSystem", "LocalFileSystemWrapper"):
        return
    _unsupported(
        "filesystem", filesystem, "open the file with it and pass the file object: read_table(filesystem.open(path))"
    )


def _check_encryption(value):
    if value is not None:
        _unsupported("encryption or decryption properties", value, "leave them out: encrypted files are not supported")


def _codec(value):
    name = "none" if value is None else value
    if not isinstance(name, str) or name.lower() not in _CODECS:
        raise ArrowException(f"Unsupported compression: {value}; supported are {', '.join(_CODECS)}")
    name = name.lower()
    return {"uncompressed": "none", "lz4_raw": "lz4"}.get(name, name)


def _per_column(options, key, value, listed=True, convert=lambda v: v):
    """A value for all columns, a dictionary of columns to values, or a list of the columns that have it."""
    if isinstance(value, dict):
        for column, one in value.items():
            options[f"{key}:{column}"] = convert(one)
    elif isinstance(value, (list, tuple, set, frozenset)) and listed:
        options[key] = False
        for column in value:
            options[f"{key}:{column}"] = True
    else:
        options[key] = convert(value)


class _WriterOptions:
    """pyarrow's keyword arguments of writers as the engine's options."""

    names = (
        "row_group_size", "version", "use_dictionary", "compression", "write_statistics",
        "use_deprecated_int96_timestamps", "coerce_timestamps", "allow_truncated_timestamps", "data_page_size", "flavor",
        "compression_level", "use_byte_stream_split", "column_encoding", "writer_engine_version", "data_page_version",
        "use_compliant_nested_type", "encryption_properties", "write_batch_size", "dictionary_pagesize_limit",
        "store_schema", "write_page_index", "write_page_checksum", "sorting_columns", "store_decimal_as_integer",
        "write_time_adjusted_to_utc", "max_rows_per_page", "bloom_filter_options", "use_content_defined_chunking",
        "memory_pool", "row_group_bytes", "use_threads", "created_by",
    )

    def __init__(self, function, given, schema=None):
        for name in given:
            if name not in self.names:
                raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
        self._given = given
        self._schema = schema

    def _value(self, name, default=None):
        value = self._given.get(name)
        return default if value is None else value

    def engine(self):
        self._check_what_is_not_supported()
        options = {}
        for name, allowed, what in (
            ("version", ("1.0", "2.4", "2.6"), "Unsupported Parquet format version"),
            ("data_page_version", ("1.0", "2.0"), "Unsupported Parquet data page version"),
            ("coerce_timestamps", ("ms", "us"), "Invalid value for coerce_timestamps"),
        ):
            value = self._given.get(name)
            if value is not None and value not in allowed:
                raise ValueError(f"{what}: {value}; expected one of {', '.join(allowed)}")
            options[name] = value
        for name in ("data_page_size", "dictionary_pagesize_limit", "max_rows_per_page", "row_group_size"):
            value = self._given.get(name)
            if value is not None and (not hasattr(value, "__index__") or value <= 0):
                raise ValueError(f"{name} must be a number above 0, not {value!r}")
            options[name] = value
        for name in (
            "allow_truncated_timestamps", "use_deprecated_int96_timestamps", "store_schema", "write_page_index",
            "write_page_checksum", "use_threads",
        ):
            value = self._given.get(name)
            options[name] = None if value is None else bool(value)
        options["row_group_bytes"] = self._given.get("row_group_bytes")
        options["created_by"] = self._given.get("created_by")
        self._add_per_column(options)
        options["sorting_columns"] = self._sorting()
        return options

    def _add_per_column(self, options):
        given = self._given
        if "compression" in given:
            if isinstance(given["compression"], dict):
                options["compression"] = "none"
            _per_column(options, "compression", given["compression"], listed=False, convert=_codec)
        if given.get("compression_level") is not None:
            _per_column(options, "compression_level", given["compression_level"], listed=False, convert=int)
        for name in ("use_dictionary", "write_statistics", "use_byte_stream_split"):
            if given.get(name) is not None:
                _per_column(options, name, given[name], convert=bool)
        encoding = given.get("column_encoding")
        if encoding is not None:
            if self._value("use_dictionary", True) is True:
                raise ValueError("To use 'column_encoding' set 'use_dictionary' to False")
            if self._value("use_byte_stream_split", False):
                raise ValueError("'use_byte_stream_split' cannot be passed together with 'column_encoding'")
            _per_column(options, "column_encoding", encoding, listed=False, convert=_encoding)

    def _sorting(self):
        columns = self._given.get("sorting_columns")
        if not columns:
            return None
        leaves = _leaf_paths(self._schema)
        parts = []
        for column in columns:
            if not isinstance(column, SortingColumn):
                raise TypeError(f"sorting_columns must be SortingColumn objects, not {type(column).__name__}")
            if not 0 <= column.column_index < len(leaves):
                raise IndexError(f"sorting column {column.column_index}: the schema has {len(leaves)} leaf columns")
            order = "descending" if column.descending else "ascending"
            nulls = "nulls_first" if column.nulls_first else "nulls_last"
            parts.append(f"{leaves[column.column_index]}:{order}:{nulls}")
        return ",".join(parts)

    def _check_what_is_not_supported(self):
        given = self._given
        _check_encryption(given.get("encryption_properties"))
        if given.get("flavor") is not None:
            _unsupported("flavor", given["flavor"], "rename the columns and cast timestamps before writing")
        if given.get("use_compliant_nested_type") is False:
            _unsupported("use_compliant_nested_type", False, "lists are always written as the specification says")
        for name in (
            "bloom_filter_options", "use_content_defined_chunking", "store_decimal_as_integer",
            "write_time_adjusted_to_utc",
        ):
            if given.get(name):
                _unsupported(name, given[name], "leave it out")


def _encoding(value):
    known = (
        "PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE",
    )
    if value in ("RLE_DICTIONARY", "PLAIN_DICTIONARY"):
        raise ValueError("'RLE_DICTIONARY' and 'PLAIN_DICTIONARY' are already used by default.")
    if not isinstance(value, str) or value.upper() not in known:
        raise ValueError(f"Unsupported column encoding: {value!r}; supported are {', '.join(known)}")
    return value.upper()


def _leaf_paths(schema):
    """The dotted paths of a schema's leaf columns in the file."""

    def leaves(field, path):
        children = field.type._fields()
        if not children or hasattr(field.type, "index_type"):
            yield path
            return
        kind = str(field.type).split("<")[0]
        for child in children:
            if kind in ("list", "large_list", "fixed_size_list"):
                yield from leaves(child, f"{path}.list.element")
            elif kind == "map":
                for part in child.type._fields():
                    yield from leaves(part, f"{path}.key_value.{part.name}")
            else:
                yield from leaves(child, f"{path}.{child.name}")

    return [leaf for field in schema for leaf in leaves(field, field.name)]


class SortingColumn(namedtuple("SortingColumn", ["column_index", "descending", "nulls_first"])):
    """A column that the rows of a file are sorted by; positions count leaf columns."""

    __slots__ = ()

    def __new__(cls, column_index, descending=False, nulls_first=False):
        return super().__new__(cls, column_index, descending, nulls_first)

    @classmethod
    def from_ordering(cls, schema, sort_keys, null_placement="at_end"):
        """Sorting columns for `sort_keys`: names, or (name, 'ascending' or 'descending') pairs."""
        if null_placement not in ("at_start", "at_end"):
            raise ValueError(f"null_placement must be 'at_start' or 'at_end', not {null_placement!r}")
        leaves = _leaf_paths(schema)
        made = []
        for key in sort_keys:
            name, order = (key, "ascending") if isinstance(key, str) else key
            if name not in leaves:
                raise ValueError(f"Sort key name '{name}' not found in schema:\n{schema}")
            made.append(cls(leaves.index(name), order == "descending", null_placement == "at_start"))
        return tuple(made)

    def to_dict(self):
        return self._asdict()


# ---- writing ---------------------------------------------------------------------------------------------------------


class ParquetWriter:
    """Writes a Parquet file batch by batch.

    `where` is a path or a file object. The file gets its name when `close()` is called or the `with` block ends; an
    exception in the block drops what was written, and an older file stays. Batches are gathered into row groups of
    `row_group_size` rows (1,048,576); `write_table(..., row_group_size=n)` ends a row group every `n` rows.
    """

    def __init__(
        self,
        where,
        schema,
        filesystem=None,
        flavor=None,
        version="2.6",
        use_dictionary=True,
        compression="snappy",
        write_statistics=True,
        use_deprecated_int96_timestamps=None,
        compression_level=None,
        use_byte_stream_split=False,
        column_encoding=None,
        writer_engine_version=None,
        data_page_version="1.0",
        use_compliant_nested_type=True,
        encryption_properties=None,
        write_batch_size=None,
        dictionary_pagesize_limit=None,
        store_schema=True,
        write_page_index=None,
        write_page_checksum=None,
        sorting_columns=None,
        store_decimal_as_integer=False,
        write_time_adjusted_to_utc=False,
        max_rows_per_page=None,
        bloom_filter_options=None,
        use_content_defined_chunking=False,
        progress=None,
        **options,
    ):
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "where", "schema", "filesystem", "options", "progress")
        }
        self.is_open = False
        self._metadata_collector = options.pop("metadata_collector", None)
        _check_filesystem(filesystem)
        if not isinstance(schema, Schema):
            if not hasattr(schema, "__arrow_c_schema__"):
                raise TypeError(
                    f"Argument 'schema' has incorrect type (expected martlet.Schema, got {type(schema).__name__})"
                )
            schema = _as_schema(schema)
        self.schema = schema
        self.where = where
        engine_options = _WriterOptions("ParquetWriter", given | options, schema).engine()
        self._progress = Progress(progress, f"writing {_name_of(where)}")
        self._sink = _io.open_sink(where)
        try:
            with self._sink.callbacks.raising():
                self._handle = _abi.ParquetWriterHandle(
                    _abi.new(
                        lib.martlet_parquet_writer_open,
                        self._sink.handle,
                        schema._handle,
                        *_abi.pack_options(engine_options),
                    )
                )
        except BaseException:
            self._sink.abort()
            raise
        self.is_open = True

    def write_batch(self, batch, row_group_size=None):
        """Writes one record batch."""
        if not isinstance(batch, RecordBatch):
            self.write_table(batch, row_group_size)
            return
        self._check(batch.schema)
        if row_group_size is None:
            self._write(batch)
        else:
            self._write_groups([batch], row_group_size)

    def write_table(self, table, row_group_size=None):
        """Writes a table or anything with `__arrow_c_stream__`."""
        if not is_tabular(table):
            raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(table)}")
        schema = schema_of(table)
        if schema is not None:
            self._check(schema)
        if row_group_size is None:
            for batch in batches_of(table):
                self._write(batch)
        else:
            self._write_groups(batches_of(table), row_group_size)

    def write(self, table_or_batch, row_group_size=None):
        """Writes a RecordBatch or a Table."""
        if isinstance(table_or_batch, RecordBatch):
            self.write_batch(table_or_batch, row_group_size)
        else:
            self.write_table(table_or_batch, row_group_size)

    def _write(self, batch):
        with self._sink.callbacks.raising(), self._progress.call() as step:
            _abi.check(lib.martlet_parquet_writer_write, self._handle, batch._handle, step)
        self._progress.advance(batch.num_rows)

    def _write_groups(self, batches, size):
        if size <= 0:
            raise ValueError(f"row_group_size must be above 0, not {size}")
        room = size
        for batch in batches:
            start = 0
            while start < batch.num_rows:
                part = batch.slice(start, room)
                self._write(part)
                start += part.num_rows
                room -= part.num_rows
                if room == 0:
                    self._flush()
                    room = size
        if room != size:
            self._flush()

    def _flush(self):
        with self._sink.callbacks.raising():
            _abi.check(lib.martlet_parquet_writer_flush, self._handle)

    def _check(self, schema):
        if not self.is_open:
            raise ArrowInvalid(f"the writer of {_name_of(self.where)} is closed: open a new one to write more")
        if schema is self.schema or schema.equals(self.schema, check_metadata=False):
            return
        raise ValueError(
            "Table schema does not match schema used to create file: \n"
            f"table:\n{schema.to_string(show_schema_metadata=False)} vs. \n"
            f"file:\n{self.schema.to_string(show_schema_metadata=False)}\n{_difference(schema, self.schema)}"
        )

    def add_key_value_metadata(self, key_value_metadata):
        """Adds texts to the file's own metadata."""
        if not self.is_open:
            raise ArrowInvalid(f"the writer of {_name_of(self.where)} is closed")
        for key, value in key_value_metadata.items():
            _abi.check(lib.martlet_parquet_writer_add_metadata, self._handle, _abi.encode(key), _abi.encode(value))

    def close(self):
        """Writes the footer; the file now has its name."""
        if not self.is_open:
            return
        self.is_open = False
        try:
            with self._sink.callbacks.raising():
                metadata = _abi.new(lib.martlet_parquet_writer_close, self._handle)
        except BaseException:
            lib.martlet_parquet_writer_abort(self._handle)
            raise
        self._sink.finish()
        self._progress.end()
        if metadata is not None:
            self._metadata = FileMetaData._from_handle(_abi.ParquetFileHandle(metadata))
            if self._metadata_collector is not None:
                self._metadata_collector.append(self._metadata)

    def _abort(self):
        if self.is_open:
            self.is_open = False
            lib.martlet_parquet_writer_abort(self._handle)
            self._sink.abort()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if kind is None:
            self.close()
        else:
            self._abort()

    def __del__(self):
        if getattr(self, "is_open", False):
            warnings.warn(
                f"the writer of {_name_of(self.where)} was never closed, so nothing was written: "
                "call close(), or use `with ParquetWriter(...) as writer`",
                RuntimeWarning,
                source=self,
            )
            self._abort()


def _name_of(where):
    return repr(os.fspath(where)) if isinstance(where, (str, os.PathLike)) else type(where).__name__


def _difference(got, expected):
    """What to do about two schemas that differ."""
    wrong = []
    for field in expected:
        found = got.field(field.name) if got.get_field_index(field.name) >= 0 else None
        if found is None:
            wrong.append(f"column '{field.name}' is missing")
        elif found.type != field.type:
            wrong.append(f"column '{field.name}' has type {found.type}, expected {field.type}")
        elif found.nullable != field.nullable:
            wrong.append(f"column '{field.name}' differs in whether nulls may occur")
    wrong += [f"column '{name}' is not in the file" for name in got.names if name not in expected.names]
    text = "; ".join(wrong) if wrong else "the columns have another order"
    return f"{text}. Make them equal first: table.select(schema.names).cast(schema)"


def write_table(
    table,
    where,
    row_group_size=None,
    version="2.6",
    use_dictionary=True,
    compression="snappy",
    write_statistics=True,
    use_deprecated_int96_timestamps=None,
    coerce_timestamps=None,
    allow_truncated_timestamps=False,
    data_page_size=None,
    flavor=None,
    filesystem=None,
    compression_level=None,
    use_byte_stream_split=False,
    column_encoding=None,
    data_page_version="1.0",
    use_compliant_nested_type=True,
    encryption_properties=None,
    write_batch_size=None,
    dictionary_pagesize_limit=None,
    store_schema=True,
    write_page_index=None,
    write_page_checksum=None,
    sorting_columns=None,
    store_decimal_as_integer=False,
    write_time_adjusted_to_utc=False,
    max_rows_per_page=None,
    bloom_filter_options=None,
    use_content_defined_chunking=False,
    progress=None,
    **kwargs,
):
    """Writes a table, or anything with `__arrow_c_stream__`, to one Parquet file."""
    given = {k: v for k, v in locals().items() if k not in ("table", "where", "kwargs", "progress", "filesystem")}
    collector = kwargs.pop("metadata_collector", None)
    if not is_tabular(table):
        raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(table)}")
    if row_group_size is not None and row_group_size <= 0:
        raise ValueError(f"row_group_size must be above 0, not {row_group_size}")
    for name in kwargs:
        if name not in _WriterOptions.names:
            raise TypeError(f"write_table() got an unexpected keyword argument '{name}'")
    schema = schema_of(table)
    if schema is None:
        table = reader_of(table)
        schema = table.schema
    rows = getattr(table, "num_rows", None)
    with ParquetWriter(where, schema, filesystem=filesystem, metadata_collector=collector, **given, **kwargs) as writer:
        writer._progress = Progress(progress, f"writing {_name_of(where)}", rows)
        writer.write_table(table)


# ---- metadata --------------------------------------------------------------------------------------------------------


class FileMetaData:
    """The footer of a file."""

    @classmethod
    def _from_handle(cls, handle):
        self = object.__new__(cls)
        self._handle = handle
        self._info = _abi_io.parquet_file_info(handle)
        self._file_path = ""
        return self

    def __init__(self):
        raise TypeError("Do not call FileMetaData's constructor directly, use `read_metadata` instead.")

    @property
    def schema(self):
        """The ParquetSchema."""
        return ParquetSchema(self)

    @property
    def metadata(self):
        """The file's own key-value metadata: a dictionary bytes -> bytes, or None."""
        return Schema._from_handle(_abi.new(lib.martlet_parquet_file_metadata, self._handle)).metadata

    @property
    def num_rows(self):
        return self._info.row_count

    @property
    def num_row_groups(self):
        return self._info.row_group_count

    @property
    def num_columns(self):
        """The number of leaf columns."""
        return self._info.column_count

    @property
    def created_by(self):
        return _abi_io.text(self._info.created_by)

    @property
    def format_version(self):
        """'1.0' or '2.6'."""
        return _abi_io.text(self._info.version)

    @property
    def serialized_size(self):
        """The bytes of the footer."""
        return self._info.serialized_size

    def row_group(self, i):
        if not 0 <= i < self.num_row_groups:
            raise IndexError(f"{i} out of bounds: the file has {self.num_row_groups} row groups")
        return RowGroupMetaData(self, i)

    def set_file_path(self, path):
        """Notes the path, from the dataset's root, that the column chunks give as `file_path`."""
        self._file_path = os.fspath(path)

    def append_row_groups(self, other):
        raise ArrowNotImplementedError(
            "append_row_groups: summary files are not written; read the files' own footers with read_metadata"
        )

    def write_metadata_file(self, where):
        raise ArrowNotImplementedError("write_metadata_file: summary files are not written; see write_metadata")

    def to_dict(self):
        return {
            "created_by": self.created_by,
            "num_columns": self.num_columns,
            "num_rows": self.num_rows,
            "num_row_groups": self.num_row_groups,
            "row_groups": [self.row_group(i).to_dict() for i in range(self.num_row_groups)],
            "format_version": self.format_version,
            "serialized_size": self.serialized_size,
        }

    def equals(self, other):
        if not isinstance(other, FileMetaData):
            raise TypeError(f"expected FileMetaData, got {type(other).__name__}")
        return self.to_dict() == other.to_dict() and self.metadata == other.metadata

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, FileMetaData) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self):
        return (
            f"<martlet.parquet.FileMetaData object at {hex(id(self))}>\n  created_by: {self.created_by}\n"
            f"  num_columns: {self.num_columns}\n  num_rows: {self.num_rows}\n  num_row_groups: {self.num_row_groups}\n"
            f"  format_version: {self.format_version}\n  serialized_size: {self.serialized_size}"
        )


class RowGroupMetaData:
    """What the footer says about a row group."""

    def __init__(self, file, index):
        self._file = file
        self._index = index
        self._info = _abi_io.parquet_row_group_info(file._handle, index)

    @property
    def num_columns(self):
        return self._info.column_count

    @property
    def num_rows(self):
        return self._info.row_count

    @property
    def total_byte_size(self):
        """The bytes of all column chunks before compression."""
        return self._info.total_byte_size

    @property
    def total_compressed_size(self):
        return self._info.total_compressed_size

    def column(self, i):
        if not 0 <= i < self.num_columns:
            raise IndexError(f"{i} out of bounds: the row group has {self.num_columns} columns")
        return ColumnChunkMetaData(self._file, self._index, i)

    def to_dict(self):
        return {
            "num_columns": self.num_columns,
            "num_rows": self.num_rows,
            "total_byte_size": self.total_byte_size,
            "columns": [self.column(i).to_dict() for i in range(self.num_columns)],
        }

    def equals(self, other):
        return isinstance(other, RowGroupMetaData) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        return (
            f"<martlet.parquet.RowGroupMetaData object at {hex(id(self))}>\n  num_columns: {self.num_columns}\n"
            f"  num_rows: {self.num_rows}\n  total_byte_size: {self.total_byte_size}"
        )


def _known(number):
    return None if number < 0 else number


class ColumnChunkMetaData:
    """What the footer says about one column in one row group."""

    def __init__(self, file, row_group, index):
        self._file = file
        self._row_group = row_group
        self._index = index
        self._info = _abi_io.parquet_column_info(file._handle, row_group, index)

    file_offset = property(lambda self: self._info.file_offset)
    file_path = property(lambda self: self._file._file_path)
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    num_values = property(lambda self: self._info.value_count)
    path_in_schema = property(lambda self: _abi_io.text(self._info.path))
    is_stats_set = property(lambda self: self._info.has_statistics)
    compression = property(lambda self: _abi_io.text(self._info.compression))
    encodings = property(lambda self: tuple(filter(None, _abi_io.text(self._info.encodings).split(","))))
    has_dictionary_page = property(lambda self: self._info.dictionary_page_offset >= 0)
    dictionary_page_offset = property(lambda self: _known(self._info.dictionary_page_offset))
    data_page_offset = property(lambda self: self._info.data_page_offset)
    has_index_page = property(lambda self: self._info.index_page_offset >= 0)
    total_compressed_size = property(lambda self: self._info.total_compressed_size)
    total_uncompressed_size = property(lambda self: self._info.total_uncompressed_size)
    has_offset_index = property(lambda self: self._info.has_offset_index)
    has_column_index = property(lambda self: self._info.has_column_index)

    @property
    def statistics(self):
        """Statistics, or None when the file has none."""
        return Statistics(self) if self.is_stats_set else None

    def to_dict(self):
        statistics = self.statistics
        return {
            "file_offset": self.file_offset,
            "file_path": self.file_path,
            "physical_type": self.physical_type,
            "num_values": self.num_values,
            "path_in_schema": self.path_in_schema,
            "is_stats_set": self.is_stats_set,
            "statistics": statistics.to_dict() if statistics else None,
            "compression": self.compression,
            "encodings": self.encodings,
            "has_dictionary_page": self.has_dictionary_page,
            "dictionary_page_offset": self.dictionary_page_offset,
            "data_page_offset": self.data_page_offset,
            "total_compressed_size": self.total_compressed_size,
            "total_uncompressed_size": self.total_uncompressed_size,
        }

    def equals(self, other):
        return isinstance(other, ColumnChunkMetaData) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        lines = [f"  {name}: {value}" for name, value in self.to_dict().items()]
        return "\n".join([f"<martlet.parquet.ColumnChunkMetaData object at {hex(id(self))}>"] + lines)


class Statistics:
    """Minimum, maximum and counts of one column chunk; what the file does not say is None."""

    def __init__(self, chunk):
        self._chunk = chunk
        self._info = chunk._info
        self._bounds = None

    def _bound(self, i):
        if not self.has_min_max:
            return None
        if self._bounds is None:
            chunk = self._chunk
            pointer = _abi.new(
                lib.martlet_parquet_column_min_max, chunk._file._handle, chunk._row_group, chunk._index
            )
            self._bounds = [None, None] if pointer is None else wrap(pointer).to_pylist()
        return self._bounds[i]

    has_min_max = property(lambda self: self._info.has_min_max)
    has_null_count = property(lambda self: self._info.null_count >= 0)
    has_distinct_count = property(lambda self: self._info.distinct_count >= 0)
    null_count = property(lambda self: _known(self._info.null_count))
    distinct_count = property(lambda self: _known(self._info.distinct_count))
    nan_count = property(lambda self: _known(self._info.nan_count))
    is_min_value_exact = property(lambda self: self._info.is_min_exact)
    is_max_value_exact = property(lambda self: self._info.is_max_exact)
    min = property(lambda self: self._bound(0))
    max = property(lambda self: self._bound(1))
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    converted_type = property(lambda self: _abi_io.text(self._info.converted_type))
    logical_type = property(lambda self: ParquetLogicalType(_abi_io.text(self._info.logical_type)))

    @property
    def num_values(self):
        """The values that are not null."""
        return self._info.value_count - max(self._info.null_count, 0)

    def to_dict(self):
        return {
            "has_min_max": self.has_min_max,
            "min": self.min,
            "max": self.max,
            "null_count": self.null_count,
            "distinct_count": self.distinct_count,
            "num_values": self.num_values,
            "physical_type": self.physical_type,
        }

    def equals(self, other):
        return isinstance(other, Statistics) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        lines = [f"  {name}: {value}" for name, value in self.to_dict().items()]
        lines += [f"  logical_type: {self.logical_type}", f"  converted_type (legacy): {self.converted_type}"]
        return "\n".join([f"<martlet.parquet.Statistics object at {hex(id(self))}>"] + lines)


class ParquetLogicalType:
    """The logical type of a column: `type` is its name, `str()` all of it."""

    def __init__(self, text):
        self._text = text or "None"

    @property
    def type(self):
        return re.split(r"[(]", self._text)[0].upper()

    def to_json(self):
        import json

        name, _, rest = self._text.partition("(")
        document = {"Type": name}
        for key, value in re.findall(r"(\w+)=([^,)]+)", rest):
            document[key] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
        return json.dumps(document)

    def __str__(self):
        return self._text

    def __eq__(self, other):
        return isinstance(other, ParquetLogicalType) and self._text == other._text

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<martlet.parquet.ParquetLogicalType object at {hex(id(self))}>\n  {self._text}"


class ParquetSchema:
    """The leaf columns of a file."""

    def __init__(self, file):
        self._file = file

    @property
    def names(self):
        return [self.column(i).name for i in range(len(self))]

    def column(self, i):
        if not 0 <= i < len(self):
            raise IndexError(f"{i} out of bounds: the schema has {len(self)} leaf columns")
        return ColumnSchema(self._file, i)

    def to_arrow_schema(self):
        return Schema._from_handle(_abi.new(lib.martlet_parquet_file_schema, self._file._handle))

    def __len__(self):
        return self._file.num_columns

    def __getitem__(self, i):
        return self.column(i)

    def _text(self):
        return _abi.buffer_text(_abi.new(lib.martlet_parquet_file_schema_text, self._file._handle))

    def equals(self, other):
        return isinstance(other, ParquetSchema) and self._text() == other._text()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<martlet.parquet.ParquetSchema object at {hex(id(self))}>\n{self._text()}"


class ColumnSchema:
    """One leaf column of a file."""

    def __init__(self, file, index):
        self._info = _abi_io.parquet_column_info(file._handle, -1, index)
        self._keep = file

    path = property(lambda self: _abi_io.text(self._info.path))
    name = property(lambda self: self.path.rsplit(".", 1)[-1])
    max_definition_level = property(lambda self: self._info.max_definition_level)
    max_repetition_level = property(lambda self: self._info.max_repetition_level)
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    logical_type = property(lambda self: ParquetLogicalType(_abi_io.text(self._info.logical_type)))
    converted_type = property(lambda self: _abi_io.text(self._info.converted_type))

    @property
    def length(self):
        """The bytes of a fixed-length value, or None."""
        return _known(self._info.type_length)

    def _decimal(self, key):
        found = re.search(rf"{key}=(-?\d+)", str(self.logical_type)) if self.logical_type.type == "DECIMAL" else None
        return int(found.group(1)) if found else None

    precision = property(lambda self: self._decimal("precision"))
    scale = property(lambda self: self._decimal("scale"))

    def _key(self):
        return (
            self.path, self.max_definition_level, self.max_repetition_level, self.physical_type,
            str(self.logical_type), self.length,
        )

    def equals(self, other):
        return isinstance(other, ColumnSchema) and self._key() == other._key()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        return (
            f"<ParquetColumnSchema>\n  name: {self.name}\n  path: {self.path}\n"
            f"  max_definition_level: {self.max_definition_level}\n  max_repetition_level: {self.max_repetition_level}\n"
            f"  physical_type: {self.physical_type}\n  logical_type: {self.logical_type}\n"
            f"  converted_type (legacy): {self.converted_type}"
        )


# ---- reading one file ------------------------------------------------------------------------------------------------


def _file_options(
    read_dictionary=None,
    binary_type=None,
    list_type=None,
    coerce_int96_timestamp_unit=None,
    decryption_properties=None,
    page_checksum_verification=None,
):
    _check_encryption(decryption_properties)
    if binary_type is not None:
        _unsupported("binary_type", binary_type, "cast the columns after reading: table.cast(schema)")
    if list_type is not None:
        _unsupported("list_type", list_type, "cast the columns after reading: table.cast(schema)")
    return {
        "read_dictionary": ",".join(read_dictionary) if read_dictionary else None,
        "coerce_int96_timestamp_unit": coerce_int96_timestamp_unit,
        "page_checksum_verification": None if page_checksum_verification is None else bool(page_checksum_verification),
    }


def _check_columns(columns):
    if columns is None:
        return None
    if isinstance(columns, str) or not hasattr(columns, "__iter__"):
        raise TypeError(f"columns must be a list of names, not {columns!r}")
    columns = list(columns)
    for name in columns:
        if not isinstance(name, str):
            raise TypeError(f"columns must be a list of names, but holds {name!r}")
    return columns


class ParquetFile:
    """One Parquet file: its metadata, and reading all of it or parts.

    `source` is a path, a file object, a Buffer or bytes. Page checksums are verified unless
    `page_checksum_verification=False`. `pre_buffer`, `buffer_size` and the limits of Thrift are accepted and not needed.
    """

    def __init__(
        self,
        source,
        *,
        metadata=None,
        common_metadata=None,
        read_dictionary=None,
        binary_type=None,
        list_type=None,
        memory_map=False,
        buffer_size=0,
        pre_buffer=True,
        coerce_int96_timestamp_unit=None,
        decryption_properties=None,
        thrift_string_size_limit=None,
        thrift_container_size_limit=None,
        schema_depth_limit=None,
        filesystem=None,
        page_checksum_verification=None,
        arrow_extensions_enabled=True,
    ):
        _check_filesystem(filesystem)
        options = _file_options(
            read_dictionary, binary_type, list_type, coerce_int96_timestamp_unit, decryption_properties,
            page_checksum_verification,
        )
        self._source = _io.open_source(source, memory_map)
        self._handle = None
        with self._source.callbacks.raising():
            self._handle = _abi.ParquetFileHandle(
                _abi.new(lib.martlet_parquet_file_open, self._source.handle, *_abi.pack_options(options))
            )
        self._metadata = FileMetaData._from_handle(self._handle)
        self._arrow_schema = None
        self._leaves = None

    @property
    def metadata(self):
        """The FileMetaData."""
        return self._metadata

    @property
    def schema(self):
        """The ParquetSchema; `schema_arrow` is the Arrow schema."""
        return self._metadata.schema

    @property
    def schema_arrow(self):
        if self._arrow_schema is None:
            self._arrow_schema = self.schema.to_arrow_schema()
        return self._arrow_schema

    @property
    def num_row_groups(self):
        return self._metadata.num_row_groups

    @property
    def closed(self):
        return self._handle is None

    def close(self, force=False):
        """Lets go of the file; a file object that was given stays open unless `force`."""
        if self._handle is None:
            return
        self._handle = None
        owner, self._source = self._source.owner, None
        if force and hasattr(owner, "close"):
            owner.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        self.close()

    def _check_open(self):
        if self._handle is None:
            raise ArrowInvalid("Invalid operation on closed file")

    def _known_columns(self, columns):
        """The columns that exist; as in pyarrow, names that are not in the file are left out."""
        columns = _check_columns(columns)
        if columns is None:
            return None
        if self._leaves is None:
            info = (_abi_io.parquet_column_info(self._handle, -1, i) for i in range(self._metadata.num_columns))
            self._leaves = [_abi_io.text(one.path) for one in info]
        names = set(self.schema_arrow.names)
        known = [n for n in columns if n in names or any((leaf + ".").startswith(n + ".") for leaf in self._leaves)]
        place = {name: i for i, name in enumerate(self.schema_arrow.names)}
        return sorted(dict.fromkeys(known), key=lambda n: place.get(n, place.get(n.split(".")[0], 0)))

    def _scan(self, columns=None, row_groups=None, filter=None, batch_size=0, use_threads=True, step=None):
        self._check_open()
        if row_groups is not None:
            row_groups = [int(i) for i in row_groups]
            for i in row_groups:
                if not 0 <= i < self.num_row_groups:
                    raise ArrowInvalid(
                        f"Some index in row_group_indices is {i}, which is either < 0 or >= "
                        f"num_row_groups({self.num_row_groups})"
                    )
        options = {"batch_size": int(batch_size) or None, "use_threads": None if use_threads else False}
        with self._source.callbacks.raising():
            pointer = _abi.new(
                lib.martlet_parquet_file_scan,
                self._handle,
                # An empty array and NULL differ: nothing, and everything.
                _abi.text_array(columns),
                0 if columns is None else len(columns),
                _abi_io.int32_array(row_groups),
                0 if row_groups is None else len(row_groups),
                None if filter is None else filter._handle,
                *_abi.pack_options(options),
                step,
            )
        return SourceReader._over(pointer, self._source)

    def _read(self, columns, row_groups, filter, use_threads, progress=None, total=None):
        self._check_open()
        watch = Progress(progress, "reading", total)
        with _naming(filter), watch.call() as step:
            reader = self._scan(columns, row_groups, filter, 0, use_threads, step)
            table = reader.read_all()
            del reader
        watch.end()
        return table

    def _with_index(self, columns, use_pandas_metadata):
        if columns is None or not use_pandas_metadata:
            return columns
        return list(columns) + _index_columns(self.schema_arrow, columns)

    def read(self, columns=None, use_threads=True, use_pandas_metadata=False, progress=None):
        """The file as a Table; `columns` are names or dotted paths."""
        columns = self._known_columns(self._with_index(columns, use_pandas_metadata))
        return self._read(columns, None, None, use_threads, progress, self._metadata.num_rows)

    def read_row_group(self, i, columns=None, use_threads=True, use_pandas_metadata=False):
        return self.read_row_groups([i], columns, use_threads, use_pandas_metadata)

    def read_row_groups(self, row_groups, columns=None, use_threads=True, use_pandas_metadata=False):
        """Some row groups, in the order given, as a Table."""
        self._check_open()
        columns = self._known_columns(self._with_index(columns, use_pandas_metadata))
        return self._read(columns, list(row_groups), None, use_threads)

    def iter_batches(
        self, batch_size=65536, row_groups=None, columns=None, use_threads=True, use_pandas_metadata=False
    ):
        """Record batches of at most `batch_size` rows, with no more in memory than they need."""
        self._check_open()
        if batch_size <= 0:
            raise ValueError(f"batch_size must be above 0, not {batch_size}")
        columns = self._known_columns(self._with_index(columns, use_pandas_metadata))
        return iter(self._scan(columns, row_groups, None, batch_size, use_threads))

    def scan_contents(self, columns=None, batch_size=65536):
        """Reads and checks the columns (names, or positions of leaf columns); the number of rows."""
        self._check_open()
        if columns is not None:
            names = self.schema.names
            columns = [names[c] if isinstance(c, int) else c for c in columns]
            columns = self._known_columns(columns)
        return sum(batch.num_rows for batch in self._scan(columns, None, None, batch_size))

    def __arrow_c_schema__(self):
        return self.schema_arrow.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema=None):
        return self._scan(batch_size=65536).__arrow_c_stream__(requested_schema)


@contextlib.contextmanager
def _naming(filter):
    """Says which filter it was when a comparison in it is not possible."""
    try:
        yield
    except ArrowNotImplementedError as problem:
        if filter is None or "Function '" not in str(problem):
            raise
        raise ArrowNotImplementedError(f"{problem}; in the filter {filter}") from None


def _index_columns(schema, columns):
    """The columns that hold the index of a DataFrame, those in `columns` excepted."""
    described = schema.pandas_metadata or {}
    index = [name for name in described.get("index_columns", []) if isinstance(name, str)]
    return [name for name in index if name not in columns and name in schema.names]


def read_metadata(
    where, memory_map=False, decryption_properties=None, filesystem=None, arrow_extensions_enabled=True
):
    """The FileMetaData of a file."""
    with ParquetFile(
        where, memory_map=memory_map, decryption_properties=decryption_properties, filesystem=filesystem
    ) as file:
        return file.metadata


def read_schema(where, memory_map=False, decryption_properties=None, filesystem=None, arrow_extensions_enabled=True):
    """The Arrow schema of a file."""
    with ParquetFile(
        where, memory_map=memory_map, decryption_properties=decryption_properties, filesystem=filesystem
    ) as file:
        return file.schema_arrow


# ---- filters ---------------------------------------------------------------------------------------------------------

_OPERATORS = {
    "=": lambda field, value: field == value,
    "==": lambda field, value: field == value,
    "!=": lambda field, value: field != value,
    "<": lambda field, value: field < value,
    ">": lambda field, value: field > value,
    "<=": lambda field, value: field <= value,
    ">=": lambda field, value: field >= value,
    "in": lambda field, value: field.isin(value),
    "not in": lambda field, value: ~field.isin(value),
}


def filters_to_expression(filters):
    """An Expression from (column, operator, value) triples.

    A list of triples means all of them; a list of lists of triples means all of any inner list. Operators are =, ==, !=,
    <, >, <=, >=, in, not in.
    """
    from .compute import Expression, field

    if isinstance(filters, Expression):
        return filters

    def term(one):
        if not isinstance(one, (tuple, list)) or len(one) != 3:
            raise ValueError(f"Malformed filters: expected (column, operator, value), got {one!r}")
        column, operator, value = one
        if operator not in _OPERATORS:
            raise ValueError(
                f'"{operator}" is not a valid operator in predicates. Column \'{column}\': use one of '
                f"{', '.join(_OPERATORS)}"
            )
        if operator in ("in", "not in"):
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise TypeError(
                    f"column '{column}': the operator '{operator}' needs a list of values, got {type(value).__name__}"
                )
            value = list(value)
        return _OPERATORS[operator](field(column), value)

    def all_of(terms):
        if not terms:
            raise ValueError("Malformed filters: an empty list")
        result = term(terms[0])
        for one in terms[1:]:
            result = result & term(one)
        return result

    if isinstance(filters, (str, bytes)) or not hasattr(filters, "__iter__"):
        raise TypeError(f"filters must be an Expression or a list of (column, operator, value), got {filters!r}")
    filters = list(filters)
    if not filters:
        raise ValueError("Malformed filters: an empty list; use None to read everything")
    if all(isinstance(one, tuple) and one and isinstance(one[0], str) for one in filters):
        return all_of(filters)
    if len(filters) == 3 and isinstance(filters[0], str):
        return all_of([tuple(filters)])
    if not all(isinstance(one, (list, tuple)) for one in filters):
        raise ValueError(f"Malformed filters: {filters!r}")
    result = all_of(list(filters[0]))
    for one in filters[1:]:
        result = result | all_of(list(one))
    return result


# ---- tables and datasets ---------------------------------------------------------------------------------------------


class ParquetDataset:
    """A file, or a tree of files partitioned by the names of their directories, to be read as one table."""

    def __init__(
        self,
        path_or_paths,
        filesystem=None,
        schema=None,
        *,
        filters=None,
        read_dictionary=None,
        binary_type=None,
        list_type=None,
        memory_map=False,
        buffer_size=None,
        partitioning="hive",
        ignore_prefixes=None,
        pre_buffer=True,
        coerce_int96_timestamp_unit=None,
        decryption_properties=None,
        thrift_string_size_limit=None,
        thrift_container_size_limit=None,
        schema_depth_limit=None,
        page_checksum_verification=None,
        arrow_extensions_enabled=True,
    ):
        from .dataset import Dataset

        _check_filesystem(filesystem)
        self._filter = None if filters is None else filters_to_expression(filters)
        self._file = None
        self._dataset = None
        options = {
            "read_dictionary": read_dictionary,
            "binary_type": binary_type,
            "list_type": list_type,
            "coerce_int96_timestamp_unit": coerce_int96_timestamp_unit,
            "decryption_properties": decryption_properties,
            "page_checksum_verification": page_checksum_verification,
        }
        if isinstance(path_or_paths, (list, tuple)) and len(path_or_paths) == 1:
            path_or_paths = path_or_paths[0]
        is_path = isinstance(path_or_paths, (str, os.PathLike))
        is_list = isinstance(path_or_paths, (list, tuple))
        is_single = is_path and not os.path.isdir(_io._path_text(path_or_paths))
        if not is_path and not is_list and not isinstance(path_or_paths, _io.NativeFile):
            if not _io._is_bytes(path_or_paths) and not hasattr(path_or_paths, "read"):
                raise TypeError(
                    f"cannot construct a FileSource from {path_or_paths!r}: expected a path, a file object or bytes"
                )
        if not is_list and (is_single or not is_path) and schema is None:
            self._file = ParquetFile(path_or_paths, memory_map=memory_map, **options)
            self._schema = self._file.schema_arrow
            self._paths = [os.fspath(path_or_paths)] if is_path else []
        else:
            if not is_path and not is_list:
                _unsupported("schema", schema, "read the file object first, then cast: read_table(file).cast(schema)")
            engine_options = _file_options(**options)
            engine_options["memory_map"] = True if memory_map else None
            self._dataset = Dataset._open(
                path_or_paths, schema, None if is_single else partitioning, ignore_prefixes, "parquet", engine_options
            )
            self._schema = self._dataset.schema

    @property
    def schema(self):
        return self._schema

    @property
    def files(self):
        """The paths of the files that can match the filters."""
        if self._dataset is None:
            return self._paths
        return self._dataset._files(self._filter)

    @property
    def fragments(self):
        return [ParquetFile(path) for path in self.files]

    def read(self, columns=None, use_threads=True, use_pandas_metadata=False, progress=None):
        """The rows that match the filters, as a Table with the columns in the order asked for."""
        columns = _check_columns(columns)
        if columns is not None and use_pandas_metadata:
            columns = columns + _index_columns(self._schema, columns)
        if columns is not None:
            for name in columns:
                top = name.split(".")[0]
                if name not in self._schema.names and top not in self._schema.names:
                    raise ArrowInvalid(f"No match for FieldRef.Name({name}) in {self._schema.to_string()}")
        if self._file is not None:
            total = self._file.metadata.num_rows if self._filter is None else None
            table = self._file._read(columns, None, self._filter, use_threads, progress, total)
        else:
            table = self._dataset._read(columns, self._filter, use_threads, progress)
        if columns is not None and table.column_names != columns and all(n in table.column_names for n in columns):
            table = table.select(columns)
        return table

    def read_pandas(self, **kwargs):
        """As `read`, with the columns that make up the index of the DataFrame that was written."""
        return self.read(use_pandas_metadata=True, **kwargs)

    def equals(self, other):
        if not isinstance(other, ParquetDataset):
            raise TypeError("`other` must be an instance of ParquetDataset")
        return self.schema == other.schema and self.files == other.files

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, ParquetDataset) else NotImplemented

    __hash__ = object.__hash__


def read_table(
    source,
    *,
    columns=None,
    use_threads=True,
    schema=None,
    use_pandas_metadata=False,
    read_dictionary=None,
    binary_type=None,
    list_type=None,
    memory_map=False,
    buffer_size=0,
    partitioning="hive",
    filesystem=None,
    filters=None,
    ignore_prefixes=None,
    pre_buffer=True,
    coerce_int96_timestamp_unit=None,
    decryption_properties=None,
    thrift_string_size_limit=None,
    thrift_container_size_limit=None,
    schema_depth_limit=None,
    page_checksum_verification=None,
    arrow_extensions_enabled=True,
    progress=None,
):
    """A file or a directory of files as a Table; `filters` decide which files, row groups and pages are read at all."""
    dataset = ParquetDataset(
        source,
        filesystem,
        schema,
        filters=filters,
        read_dictionary=read_dictionary,
        binary_type=binary_type,
        list_type=list_type,
        memory_map=memory_map,
        partitioning=partitioning,
        ignore_prefixes=ignore_prefixes,
        coerce_int96_timestamp_unit=coerce_int96_timestamp_unit,
        decryption_properties=decryption_properties,
        page_checksum_verification=page_checksum_verification,
    )
    return dataset.read(columns, use_threads, use_pandas_metadata, progress)


def read_pandas(source, columns=None, **kwargs):
    """As `read_table`, with the columns that make up the index of the DataFrame that was written."""
    return read_table(source, columns=columns, use_pandas_metadata=True, **kwargs)


def write_to_dataset(
    table,
    root_path,
    partition_cols=None,
    filesystem=None,
    schema=None,
    partitioning=None,
    basename_template=None,
    use_threads=None,
    file_visitor=None,
    existing_data_behavior=None,
    progress=None,
    **kwargs,
):
    """Writes a table, or anything with `__arrow_c_stream__`, below `root_path`: one directory for each value of
    `partition_cols`, one file in each.

    Files appear together when all are written, or not at all. Keys keep their types when they are read back here.
    """
    from . import dataset as ds

    _check_filesystem(filesystem)
    names = {"metadata_collector", "create_dir", "format", "preserve_order", *ds._WRITE_NAMES, *_WriterOptions.names}
    for name in kwargs:
        if name not in names:
            raise TypeError(f"unexpected parquet write option: {name}")
    if partitioning is None:
        partitioning = list(partition_cols or [])
    elif partition_cols:
        raise ValueError("partition_cols and partitioning exclude each other")
    collector = kwargs.pop("metadata_collector", None)

    def visit(file):
        if collector is not None:
            file.metadata.set_file_path(os.path.relpath(file.path, root_path))
            collector.append(file.metadata)
        if file_visitor is not None:
            file_visitor(file)

    if basename_template is None:
        import uuid

        basename_template = uuid.uuid4().hex + "-{i}.parquet"
    dataset_options = {name: kwargs.pop(name) for name in list(kwargs) if name in ds._WRITE_NAMES}
    kwargs.pop("create_dir", None)
    kwargs.pop("format", None)
    kwargs.pop("preserve_order", None)
    ds._write(
        table,
        root_path,
        schema=schema,
        partitioning=partitioning,
        basename_template=basename_template,
        existing_data_behavior=existing_data_behavior or "overwrite_or_ignore",
        file_options=_WriterOptions("write_to_dataset", {"compression": "snappy", "use_threads": use_threads} | kwargs),
        file_visitor=visit if collector is not None or file_visitor is not None else None,
        progress=progress,
        **dataset_options,
    )


def write_metadata(schema, where, metadata_collector=None, filesystem=None, **kwargs):
    """Writes a file with a schema and without rows, such as `_common_metadata`."""
    if metadata_collector is not None:
        raise ArrowNotImplementedError(
            "write_metadata(metadata_collector=...): summary files are not written; readers do not need them"
        )
    with ParquetWriter(where, schema, filesystem=filesystem, **kwargs):
        pass
