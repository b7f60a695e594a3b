"""Writing one Parquet file."""

import os
import warnings

from . import _abi, _io
from ._abi import lib
from ._errors import ArrowInvalid
from ._parquet_metadata import FileMetaData
from ._parquet_options import _WriterOptions, row_group_rows
from ._progress import Progress
from ._schema import Schema, schema as _as_schema
from ._streams import batches_of, is_tabular, reader_of, schema_of
from ._table import RecordBatch


class ParquetWriter:
    """Writes a Parquet file batch by batch.

    `where` is a path or a file object. The file gets its name when `close()` is called or the `with` block ends; an
    exception in the block drops what was written, and an older file stays. Batches are gathered into row groups of
    `row_group_size` rows (1,048,576); `write_table(..., row_group_size=n)` ends a row group every `n` rows.

    `append=True` writes row groups behind those of the file at `where`, if there is one; its columns must be stored as
    those of `schema` (None: the file's) are. The file stays as it was until `close()`, and has all of the new rows
    then; after a kill in the midst of that, `recover(where)` makes it whole. An encrypted file takes row groups under its own
    keys alone: one number, one algorithm and one footer key hold for a whole file, and readers look for one key of a column.

    `recoverable=True` writes a footer behind each row group, so that `recover(where)` can save what was written when the
    process dies before `close()`.
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
        append=False,
        **options,
    ):
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "where", "schema", "filesystem", "options", "progress", "append")
        }
        self.is_open = False
        self._file = None  # what was opened here on a file system
        self._metadata_collector = options.pop("metadata_collector", None)
        file = None
        if filesystem is not None or (isinstance(where, str) and "://" in where):
            from ._fs_resolve import created
            where, is_file = created(where, filesystem)
            file = where if is_file else None
        if append:
            if not isinstance(where, (str, os.PathLike)):
                raise TypeError(f"append=True needs the path of a file, not {type(where).__name__}")
            append = os.path.exists(where)
            if append and schema is None:
                from ._parquet_file import read_schema

                keys = encryption_properties and encryption_properties._for_reading()
                schema = read_schema(where, decryption_properties=keys)
        if not isinstance(schema, Schema):
            if not hasattr(schema, "__arrow_c_schema__"):
                raise TypeError(
                    f"Argument 'schema' has incorrect type (expected martlet.Schema, got {type(schema).__name__})"
                )
            schema = _as_schema(schema)
        self._given_schema = schema
        if given.pop("flavor") is not None and "spark" in flavor:
            schema = _as_schema([field.with_name(_spark_name(field.name)) for field in schema], metadata=schema.metadata)
            if given["use_deprecated_int96_timestamps"] is None:
                given["use_deprecated_int96_timestamps"] = True
        self.schema = schema
        self.where = where
        engine_options = _WriterOptions("ParquetWriter", given | options, schema).engine()
        self._progress = Progress(progress, f"writing {_name_of(where)}")
        if append:
            self._sink = _io.Sink(None)
            open_writer, target = lib.martlet_parquet_writer_append, _abi.encode(_io._path_text(where))
        else:
            self._sink = _io.open_sink(where)
            open_writer, target = lib.martlet_parquet_writer_open, self._sink.handle
        try:
            with self._sink.callbacks.raising():
                self._handle = _abi.ParquetWriterHandle(
                    _abi.new(open_writer, target, schema._handle, *_abi.pack_options(engine_options))
                )
        except BaseException:
            self._sink.abort()
            raise
        self._file = file
        self.is_open = True

    @_abi.in_turn
    def write_batch(self, batch, row_group_size=None):
        """Writes one record batch."""
        if not isinstance(batch, RecordBatch):
            self.write_table(batch, row_group_size)
            return
        self._check(batch.schema)
        row_group_size = row_group_rows(row_group_size)
        if row_group_size is None:
            self._write(batch)
        else:
            self._write_groups([batch], row_group_size)

    @_abi.in_turn
    def write_table(self, table, row_group_size=None):
        """Writes a table or anything with `__arrow_c_stream__`."""
        if not is_tabular(table):
            raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(table)}")
        schema = schema_of(table)
        if schema is not None:
            self._check(schema)
        row_group_size = row_group_rows(row_group_size)
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
        if self.schema is not self._given_schema:
            batch = RecordBatch.from_arrays(batch.columns, schema=self.schema)
        with self._sink.callbacks.raising(), self._progress.call() as step:
            _abi.check(lib.martlet_parquet_writer_write, self._handle, batch._handle, step)
        self._progress.advance(batch.num_rows)

    def _write_groups(self, batches, size):
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
        expected = self._given_schema
        if schema is expected or schema.equals(expected, check_metadata=False):
            return
        raise ValueError(
            "Table schema does not match schema used to create file: \n"
            f"table:\n{schema.to_string(show_schema_metadata=False)} vs. \n"
            f"file:\n{expected.to_string(show_schema_metadata=False)}\n{_difference(schema, expected)}"
        )

    @_abi.in_turn
    def add_key_value_metadata(self, key_value_metadata):
        """Adds texts to the file's own metadata."""
        if not self.is_open:
            raise ArrowInvalid(f"the writer of {_name_of(self.where)} is closed")
        for key, value in key_value_metadata.items():
            _abi.check(lib.martlet_parquet_writer_add_metadata, self._handle, _abi.encode(key), _abi.encode(value))

    @_abi.in_turn
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
        if self._file is not None:
            self._file.close()
        self._progress.end()
        if metadata is not None:
            self._metadata = FileMetaData._from_handle(_abi.ParquetFileHandle(metadata))
            if self._metadata_collector is not None:
                self._metadata_collector.append(self._metadata)

    @_abi.in_turn
    def _abort(self):
        if self.is_open:
            self.is_open = False
            lib.martlet_parquet_writer_abort(self._handle)
            self._sink.abort()
            if self._file is not None:
                self._file.close()

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


def _spark_name(name):
    """The name with what Spark does not take in names replaced."""
    return "".join("_" if character in " ,;{}()\n\t=" else character for character in name)


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
    """Writes a table, or anything with `__arrow_c_stream__`, to one Parquet file; the options are ParquetWriter's."""
    given = {k: v for k, v in locals().items() if k not in ("table", "where", "kwargs", "progress", "filesystem")}
    given["row_group_size"] = row_group_rows(kwargs.pop("chunk_size", row_group_size))
    append = kwargs.pop("append", False)
    collector = kwargs.pop("metadata_collector", None)
    if not is_tabular(table):
        raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(table)}")
    for name in kwargs:
        if name not in _WriterOptions.names:
            raise TypeError(f"write_table() got an unexpected keyword argument '{name}'")
    schema = schema_of(table)
    if schema is None:
        table = reader_of(table)
        schema = table.schema
    rows = getattr(table, "num_rows", None)
    with ParquetWriter(
        where, schema, filesystem=filesystem, append=append, metadata_collector=collector, **given, **kwargs
    ) as writer:
        writer._progress = Progress(progress, f"writing {_name_of(where)}", rows)
        writer.write_table(table)
