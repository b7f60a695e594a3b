"""Arrow IPC: record batches in files with random access, and in streams through pipes, sockets and memory."""

import enum
from collections import namedtuple

from . import _abi, _abi_io, _io
from ._abi import lib
from ._errors import ArrowInvalid, ArrowNotImplementedError
from ._io import Buffer
from ._reader import RecordBatchReader
from ._schema import Schema, schema as _as_schema
from ._streams import SourceReader, batches_of, is_tabular, reader_of
from ._table import RecordBatch, Table

__all__ = [
    "Alignment", "IpcReadOptions", "IpcWriteOptions", "MetadataVersion", "ReadStats", "RecordBatchFileReader",
    "RecordBatchFileWriter", "RecordBatchReader", "RecordBatchStreamReader", "RecordBatchStreamWriter", "WriteStats",
    "deserialize_pandas", "get_record_batch_size", "new_file", "new_stream", "open_file", "open_stream",
    "read_record_batch", "read_schema", "serialize_pandas",
]

_Stats = namedtuple(
    "_Stats",
    ["num_messages", "num_record_batches", "num_dictionary_batches", "num_dictionary_deltas", "num_replaced_dictionaries"],
)


class WriteStats(_Stats):
    """How many messages of each kind were written."""

    __slots__ = ()


class ReadStats(_Stats):
    """How many messages of each kind were read."""

    __slots__ = ()


class MetadataVersion(enum.IntEnum):
    """The versions of the format's metadata; V5 is written, V4 and V5 are read."""

    V1 = 0
    V2 = 1
    V3 = 2
    V4 = 3
    V5 = 4


class Alignment(enum.IntEnum):
    """What `IpcReadOptions.ensure_alignment` may be; buffers are always aligned for their types here."""

    Any = 0
    At64Byte = 1
    DataTypeSpecific = 2


class IpcWriteOptions:
    """Options of writers: `compression` of buffers ('lz4', 'zstd' or None), dictionary deltas and unification."""

    __slots__ = (
        "metadata_version", "allow_64bit", "use_legacy_format", "_compression", "_level", "use_threads",
        "emit_dictionary_deltas", "unify_dictionaries",
    )

    def __init__(
        self,
        metadata_version=MetadataVersion.V5,
        *,
        allow_64bit=False,
        use_legacy_format=False,
        compression=None,
        use_threads=True,
        emit_dictionary_deltas=False,
        unify_dictionaries=False,
    ):
        if metadata_version != MetadataVersion.V5:
            raise ArrowNotImplementedError(f"metadata_version={metadata_version!r}: only MetadataVersion.V5 is written")
        if use_legacy_format:
            raise ArrowNotImplementedError("use_legacy_format=True: streams of before Arrow 0.15 are not written")
        self.metadata_version = MetadataVersion(metadata_version)
        self.allow_64bit = allow_64bit
        self.use_legacy_format = use_legacy_format
        self.compression = compression
        self.use_threads = use_threads
        self.emit_dictionary_deltas = emit_dictionary_deltas
        self.unify_dictionaries = unify_dictionaries

    @property
    def compression(self):
        return self._compression

    @compression.setter
    def compression(self, value):
        self._level = None
        if value is not None and not isinstance(value, str):  # pyarrow.Codec("zstd", level)
            self._level = getattr(value, "compression_level", None)
            value = getattr(value, "name", value)
        if value is not None and (not isinstance(value, str) or value.lower() not in ("lz4", "lz4_frame", "zstd")):
            raise ValueError(f"Invalid value for compression: {value!r}; the format knows 'lz4' and 'zstd'")
        self._compression = value if value is None else value.lower().replace("_frame", "")

    def _options(self, format):
        return {
            "format": format,
            "compression": self._compression,
            "compression_level": self._level,
            "use_threads": bool(self.use_threads),
            "emit_dictionary_deltas": bool(self.emit_dictionary_deltas),
        }

    def __repr__(self):
        compression = f'"{self._compression}"' if self._compression else "None"
        return (
            f"<martlet.ipc.IpcWriteOptions allow_64bit={self.allow_64bit} use_legacy_format={self.use_legacy_format} "
            f"metadata_version=V5 compression={compression} use_threads={self.use_threads} "
            f"emit_dictionary_deltas={self.emit_dictionary_deltas} unify_dictionaries={self.unify_dictionaries}>"
        )


class IpcReadOptions:
    """Options of readers: `included_fields` are the positions of the top-level fields to read, all when empty."""

    __slots__ = ("ensure_native_endian", "ensure_alignment", "use_threads", "included_fields")

    def __init__(
        self, ensure_native_endian=True, *, ensure_alignment=Alignment.Any, use_threads=True, included_fields=None
    ):
        self.ensure_native_endian = ensure_native_endian
        self.ensure_alignment = ensure_alignment
        self.use_threads = use_threads
        self.included_fields = list(included_fields or [])

    def _options(self):
        fields = ",".join(str(int(i)) for i in self.included_fields)
        return {"use_threads": bool(self.use_threads), "included_fields": fields or None}

    def __repr__(self):
        return (
            f"<martlet.ipc.IpcReadOptions ensure_native_endian={self.ensure_native_endian} "
            f"ensure_alignment={self.ensure_alignment.name} use_threads={self.use_threads} "
            f"included_fields={self.included_fields}>"
        )


def _checked(options, kind):
    if options is None:
        return kind()
    if not isinstance(options, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(options)}")
    return options


# ---- writers ---------------------------------------------------------------------------------------------------------


class _Writer:
    """What the writers of files and streams share. An exception in a `with` block leaves no valid end."""

    _format = ""

    def _open(self, sink, schema, options, metadata=None):
        options = _checked(options, IpcWriteOptions)
        if not isinstance(schema, Schema):
            if not hasattr(schema, "__arrow_c_schema__"):
                raise TypeError(f"Argument 'schema' has incorrect type (expected martlet.Schema, got {type(schema).__name__})")
            schema = _as_schema(schema)
        self._schema = schema
        self._unifies = options.unify_dictionaries and any(_has_dictionary(field.type) for field in schema)
        # As a rule such files pass data on to the next process: it need not wait for the disk.
        self._sink = _io.open_sink(sink, durable=False)
        with self._sink.callbacks.raising():
            self._handle = _abi.IpcWriterHandle(
                _abi.new(
                    lib.martlet_ipc_writer_open,
                    self._sink.handle,
                    schema._handle,
                    *_abi.pack_options(options._options(self._format)),
                    *_abi.pack_options(metadata),
                )
            )
        self._closed = False
        self._sink.begin()

    def write_batch(self, batch, custom_metadata=None):
        """Writes one record batch, with metadata of its own if wanted."""
        if not isinstance(batch, RecordBatch):
            if not hasattr(batch, "__arrow_c_array__"):
                raise TypeError(f"Argument 'batch' has incorrect type (expected RecordBatch, got {type(batch).__name__})")
            (batch,) = batches_of(batch)
        self._check_open()
        with self._sink.callbacks.raising():
            _abi.check(
                lib.martlet_ipc_writer_write, self._handle, batch._handle, *_abi.pack_options(custom_metadata)
            )

    def write_table(self, table, max_chunksize=None):
        """Writes a table, or anything with `__arrow_c_stream__`, in batches of at most `max_chunksize` rows."""
        if not is_tabular(table):
            raise TypeError(f"Argument 'table' has incorrect type (expected Table, got {type(table).__name__})")
        if max_chunksize is not None and max_chunksize <= 0:
            raise ArrowInvalid(f"max_chunksize must be above 0, not {max_chunksize}")
        if self._unifies:
            table = (table if isinstance(table, Table) else reader_of(table).read_all()).unify_dictionaries()
        for batch in batches_of(table, max_chunksize):
            self.write_batch(batch)

    def write(self, table_or_batch):
        """Writes a RecordBatch or a Table."""
        if not is_tabular(table_or_batch):
            raise ValueError(f"expected a RecordBatch or a Table, got {type(table_or_batch)}")
        if isinstance(table_or_batch, RecordBatch):
            self.write_batch(table_or_batch)
        else:
            self.write_table(table_or_batch)

    @property
    def stats(self):
        """WriteStats so far."""
        return WriteStats(*_abi_io.ipc_statistics(self._handle))

    def _check_open(self):
        if self._closed:
            raise ArrowInvalid("Destination already closed: open a new writer to write more batches")

    def close(self):
        """Writes the end. A file that was opened here by its path now has its name."""
        if self._closed:
            return
        self._closed = True
        try:
            with self._sink.callbacks.raising():
                _abi.check(lib.martlet_ipc_writer_close, self._handle)
        except BaseException:
            self._sink.abort()
            raise
        self._sink.finish()

    def _abort(self):
        if not self._closed:
            self._closed = True
            self._sink.abort()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if kind is None:
            self.close()
        else:
            self._abort()


class RecordBatchStreamWriter(_Writer):
    """Writes the stream format, which is read from front to back."""

    _format = "stream"

    def __init__(self, sink, schema, *, options=None):
        self._open(sink, schema, options)


class RecordBatchFileWriter(_Writer):
    """Writes the file format, whose footer gives access to any batch; `metadata` goes into the footer."""

    _format = "file"

    def __init__(self, sink, schema, *, options=None, metadata=None):
        self._open(sink, schema, options, metadata)


def new_stream(sink, schema, *, options=None):
    """A RecordBatchStreamWriter to a path, a file, a pipe, a socket's file or a BufferOutputStream."""
    return RecordBatchStreamWriter(sink, schema, options=options)


def new_file(sink, schema, *, options=None, metadata=None):
    """A RecordBatchFileWriter to a path, a file or a BufferOutputStream."""
    return RecordBatchFileWriter(sink, schema, options=options, metadata=metadata)


# ---- readers ---------------------------------------------------------------------------------------------------------


class RecordBatchStreamReader(SourceReader):
    """Reads the stream format batch by batch, as they arrive."""

    __slots__ = ()

    def __init__(self, source, *, options=None, memory_pool=None):
        options = _checked(options, IpcReadOptions)
        opened = _io.open_stream(source)
        with opened.callbacks.raising():
            pointer = _abi.new(
                lib.martlet_ipc_stream_open, opened.handle, *_abi.pack_options(options._options())
            )
        self._begin(pointer, opened)

    @property
    def stats(self):
        """ReadStats so far."""
        return ReadStats(1 + self._batches_read, self._batches_read, 0, 0, 0)


class RecordBatchFileReader:
    """Reads any batch of a file by its number. Batches of memory and mappings are slices of it, not copies."""

    def __init__(self, source, footer_offset=None, *, options=None, memory_pool=None):
        options = _checked(options, IpcReadOptions)
        opened = _io.open_source(source)
        if footer_offset is not None:
            with opened.callbacks.raising():
                head = _abi.new(lib.martlet_source_read, opened.handle, 0, footer_offset)
            opened = _io.open_source(Buffer._from_pointer(head))
        self._source = opened
        with opened.callbacks.raising():
            self._handle = _abi.IpcFileHandle(
                _abi.new(lib.martlet_ipc_file_open, opened.handle, *_abi.pack_options(options._options()))
            )
        self._schema = Schema._from_handle(_abi.new(lib.martlet_ipc_file_schema, self._handle))
        self._batches_read = 0

    @property
    def schema(self):
        return self._schema

    @property
    def num_record_batches(self):
        return lib.martlet_ipc_file_batch_count(self._handle)

    @property
    def metadata(self):
        """The metadata in the footer: a dictionary bytes -> bytes, or None."""
        found = Schema._from_handle(_abi.new(lib.martlet_ipc_file_metadata, self._handle))
        return found.metadata

    @property
    def stats(self):
        """ReadStats so far."""
        return ReadStats(1 + self._batches_read, self._batches_read, 0, 0, 0)

    def get_batch(self, i):
        """The record batch number `i`, from 0."""
        if not 0 <= i < self.num_record_batches:
            raise ValueError(f"Batch number {i} out of range: the file has {self.num_record_batches} batches")
        with self._source.callbacks.raising():
            pointer = _abi.new(lib.martlet_ipc_file_batch, self._handle, i)
        self._batches_read += 1
        return RecordBatch._from_pointer(pointer, self._schema)

    get_record_batch = get_batch

    def read_all(self):
        """All batches as a Table."""
        return Table.from_batches([self.get_batch(i) for i in range(self.num_record_batches)], schema=self._schema)

    def read_pandas(self, **options):
        """All batches as a DataFrame."""
        return self.read_all().to_pandas(**options)

    def count_rows(self):
        """The rows of all batches."""
        return sum(self.get_batch(i).num_rows for i in range(self.num_record_batches))

    def __arrow_c_stream__(self, requested_schema=None):
        return self.read_all().__arrow_c_stream__(requested_schema)

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        pass


def open_stream(source, *, options=None, memory_pool=None):
    """A RecordBatchStreamReader over a path, a file, a pipe, a socket's file, a Buffer or bytes."""
    return RecordBatchStreamReader(source, options=options)


def open_file(source, footer_offset=None, *, options=None, memory_pool=None):
    """A RecordBatchFileReader over a path, a file with random access, a Buffer or bytes."""
    return RecordBatchFileReader(source, footer_offset, options=options)


# ---- single messages -------------------------------------------------------------------------------------------------


def _stream_of(batch, options=None):
    sink = _io.BufferOutputStream()
    with new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def serialize_batch(batch, options=None):
    """The encapsulated message of a batch, in a Buffer; its schema is not part of it."""
    if any(_has_dictionary(field.type) for field in batch.schema):
        raise ArrowInvalid("a batch with dictionaries is more than one message: write it with ipc.new_stream")
    whole = _stream_of(batch, options)
    start = _message_size(whole)
    return whole.slice(start, whole.size - start - 8)


def _has_dictionary(type):
    if hasattr(type, "index_type"):
        return True
    return any(_has_dictionary(child.type) for child in type._fields())


def _message_size(buffer):
    """The bytes of the first message, which has no body: continuation, length, metadata."""
    return 8 + int.from_bytes(memoryview(buffer)[4:8], "little")


def get_record_batch_size(batch):
    """The bytes that the batch takes in a stream."""
    return serialize_batch(batch).size


def read_schema(obj, dictionary_memo=None):
    """The Schema in a serialized message, or at the start of a stream."""
    if isinstance(obj, (_io.NativeFile,)) or hasattr(obj, "read"):
        return open_stream(obj).schema
    message = _io.py_buffer(obj)
    return Schema._from_handle(_abi.new(lib.martlet_schema_deserialize, message._handle))


def read_record_batch(obj, schema, dictionary_memo=None):
    """The RecordBatch of a schema in a serialized message."""
    message = obj.read() if hasattr(obj, "read") else obj
    stream = schema.serialize().to_pybytes() + bytes(_io.py_buffer(message))
    return open_stream(stream).read_next_batch()


def serialize_pandas(df, *, nthreads=None, preserve_index=None):
    """A DataFrame as an IPC stream, in a Buffer."""
    table = Table.from_pandas(df, preserve_index=preserve_index)
    sink = _io.BufferOutputStream()
    with new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def deserialize_pandas(buf, *, use_threads=True):
    """The DataFrame of `serialize_pandas`."""
    return open_stream(buf).read_pandas()
