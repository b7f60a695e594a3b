"""Arrow IPC: record batches in files with random access, and in streams through pipes, sockets and memory."""

from collections import namedtuple

from . import _abi, _abi_io, _batches, _io
from ._abi import lib
from ._errors import ArrowInvalid
from ._io import Buffer
from ._ipc_message import (
    DictionaryMemo, Message, MessageReader, get_record_batch_size, read_message, read_record_batch, read_schema,
    serialize_batch,
)
from ._ipc_options import (
    Alignment, IpcReadOptions, IpcWriteOptions, MetadataVersion, ReadStats, WriteStats, checked,
)
from ._reader import RecordBatchReader, RecordBatchWithMetadata
from ._schema import Schema, schema as _as_schema
from ._streams import SourceReader, batches_of, is_tabular, reader_of
from ._table import RecordBatch, Table

__all__ = [
    "Alignment", "DictionaryMemo", "IpcReadOptions", "IpcWriteOptions", "Lost", "Message", "MessageReader",
    "MetadataVersion", "ReadStats",
    "RecordBatchFileReader", "RecordBatchFileWriter", "RecordBatchReader", "RecordBatchStreamReader",
    "RecordBatchStreamWriter", "Recovery", "WriteStats", "deserialize_pandas", "get_record_batch_size", "get_tensor_size",
    "new_file", "new_stream", "open_file", "open_stream", "read_message", "read_record_batch", "read_schema", "read_tensor",
    "recover", "serialize_pandas", "write_tensor",
]

_file_batch, _write_batch = _abi.native.file_batch, _abi.native.write_batch


def __getattr__(name):
    # Tensors need NumPy, which few users of files do.
    if name in ("get_tensor_size", "read_tensor", "write_tensor"):
        from . import _tensor
        found = globals()[name] = getattr(_tensor, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _metadata_handle(metadata):
    """The SchemaHandle that carries custom metadata, or None for none."""
    return _as_schema([], metadata=metadata)._handle if metadata else None


# ---- writers ---------------------------------------------------------------------------------------------------------


class _Writer:
    """What the writers of files and streams share. An exception in a `with` block leaves no valid end."""

    _format = ""

    def _open(self, sink, schema, options, metadata=None):
        options = checked(options, IpcWriteOptions)
        if not isinstance(schema, Schema):
            if not hasattr(schema, "__arrow_c_schema__"):
                raise TypeError(f"Argument 'schema' has incorrect type (expected martlet.Schema, got {type(schema).__name__})")
            schema = _as_schema(schema)
        self._schema = schema
        # A stream can replace dictionaries instead.
        self._unifies = (
            options.unify_dictionaries and self._format == "file" and any(_has_dictionary(f.type) for f in schema)
        )
        # As a rule such files pass data on to the next process: it need not wait for the disk.
        self._sink = _io.open_sink(sink, durable=False)
        with self._sink.callbacks.raising():
            self._handle = _abi.IpcWriterHandle(
                _abi.new(
                    lib.martlet_ipc_writer_open,
                    self._sink.handle,
                    schema._handle,
                    *_abi.pack_options({"format": self._format, **options._options()}),
                    _metadata_handle(metadata),
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
        handle = self._handle
        # As `with handle.turn`, which takes twice the time: small batches feel it.
        handle.turn.acquire()
        try:
            if self._closed:
                self._check_open()
            if custom_metadata is None and self._sink.callbacks is _abi_io.SILENT:
                return _write_batch(handle._as_parameter_, batch._handle._as_parameter_)
            with self._sink.callbacks.raising():
                _abi.check(lib.martlet_ipc_writer_write, handle, batch._handle, _metadata_handle(custom_metadata))
        finally:
            handle.turn.release()

    @_abi.in_turn
    def write_table(self, table, max_chunksize=None):
        """Writes a table, or anything with `__arrow_c_stream__`, in batches of at most `max_chunksize` rows."""
        if not is_tabular(table):
            raise TypeError(f"Argument 'table' has incorrect type (expected Table, got {type(table).__name__})")
        if max_chunksize is not None and max_chunksize <= 0:
            raise ArrowInvalid(f"max_chunksize must be above 0, not {max_chunksize}")
        if self._unifies:
            table = (table if isinstance(table, Table) else reader_of(table).read_all()).unify_dictionaries()
        self._check_open()
        stream = (table if isinstance(table, Table) else reader_of(table))._stream()
        with self._sink.callbacks.raising():
            _abi.check(lib.martlet_ipc_writer_write_stream, self._handle, stream, max_chunksize or 0)

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
        return WriteStats(*_abi_io.ipc_statistics(lib.martlet_ipc_writer_statistics, self._handle))

    def _check_open(self):
        if self._closed:
            raise ArrowInvalid("Destination already closed: open a new writer to write more batches")

    @_abi.in_turn
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

    @_abi.in_turn
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
        options = checked(options, IpcReadOptions)
        opened = _io.open_stream(source)
        with opened.callbacks.raising():
            pointer = _abi.new(
                lib.martlet_ipc_stream_open, opened.handle, None, *_abi.pack_options(options._options())
            )
        self._begin(pointer, opened)

    def read_next_batch_with_custom_metadata(self):
        """The next RecordBatch and the custom metadata of its message, or None; StopIteration at the end."""
        self._check_open()
        with self._stream_.turn:
            batch = self.read_next_batch()
            found = _abi.new(lib.martlet_ipc_stream_batch_metadata, self._stream_)
        return RecordBatchWithMetadata(batch, Schema._from_handle(found).metadata if found else None)

    @property
    def stats(self):
        """ReadStats so far."""
        if self._stream_ is None:
            raise ArrowInvalid("Operation on a closed RecordBatchReader")
        return ReadStats(*_abi_io.ipc_statistics(_abi.check, lib.martlet_ipc_stream_statistics, self._stream_))


class RecordBatchFileReader:
    """Reads any batch of a file by its number. Batches of memory and mappings are slices of it, not copies."""

    def __init__(self, source, footer_offset=None, *, options=None, memory_pool=None):
        options = checked(options, IpcReadOptions)
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
        self._count = lib.martlet_ipc_file_batch_count(self._handle)

    @property
    def schema(self):
        return self._schema

    @property
    def num_record_batches(self):
        return self._count

    @property
    def metadata(self):
        """The metadata in the footer: a dictionary bytes -> bytes, or None."""
        found = Schema._from_handle(_abi.new(lib.martlet_ipc_file_metadata, self._handle))
        return found.metadata

    @property
    def stats(self):
        """ReadStats so far."""
        return ReadStats(*_abi_io.ipc_statistics(lib.martlet_ipc_file_statistics, self._handle))

    def get_batch(self, i):
        """The record batch number `i`, from 0."""
        if not 0 <= i < self._count:
            self._check_index(i)
        if self._source.callbacks is _abi_io.SILENT:
            return _file_batch(self._handle._as_parameter_, i, RecordBatch, self._schema)
        with self._source.callbacks.raising():
            return _file_batch(self._handle._as_parameter_, i, RecordBatch, self._schema)

    get_record_batch = get_batch

    def get_batch_with_custom_metadata(self, i):
        """The record batch number `i` and the custom metadata of its message, or None."""
        self._check_index(i)
        with self._source.callbacks.raising():
            batch, metadata = _abi_io.batch_with_metadata(self._handle, i)
        metadata = Schema._from_handle(metadata).metadata if metadata else None
        return RecordBatchWithMetadata(RecordBatch._from_pointer(batch, self._schema), metadata)

    def _check_index(self, i):
        if not 0 <= i < self.num_record_batches:
            raise ValueError(f"Batch number {i} out of range: the file has {self.num_record_batches} batches")

    def read_all(self):
        """All batches as a Table."""
        with self._source.callbacks.raising():
            return _batches.read_file(self._handle, self._schema)

    def read_pandas(self, **options):
        """All batches as a DataFrame."""
        return self.read_all().to_pandas(**options)

    def count_rows(self):
        """The rows of all batches; only metadata is read."""
        with self._source.callbacks.raising():
            return _abi_io.number(lib.martlet_ipc_file_row_count, self._handle)

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


# ---- what is left of damaged files -----------------------------------------------------------------------------------

Lost = namedtuple("Lost", ["position", "size", "reason"])
Lost.__doc__ = "A part of a file that could not be saved: `size` bytes from byte `position`, and why."

Recovery = namedtuple("Recovery", ["table", "lost"])
Recovery.__doc__ = "What `recover` saved: a Table of all whole batches, and a list of `Lost` parts, empty when nothing is lost."


def recover(source, destination=None, *, options=None, write_options=None):
    """Saves every whole batch of a file that has no footer, of a stream that was cut off, or of one that is damaged.

    Gives a Recovery: `table, lost = ipc.recover(path)`. With a `destination` the batches are also written there, as a whole
    file; it may be the path of the source. Raises ArrowInvalid when not even the schema can be read.
    """
    options = checked(options, IpcReadOptions)
    opened = _io.open_source(source, memory_map=True)
    with opened.callbacks.raising():
        pointer = _abi.new(lib.martlet_ipc_recover, opened.handle, *_abi.pack_options(options._options()))
    reader = SourceReader._over(pointer, opened)
    table = reader.read_all()
    text = Buffer._from_pointer(_abi.new(lib.martlet_ipc_recover_losses, reader._stream_)).to_pybytes().decode()
    parts = (line.split("\t", 2) for line in text.splitlines())
    lost = [Lost(int(position), int(size), reason) for position, size, reason in parts]
    if destination is not None:
        # A file cannot replace dictionaries as a stream can.
        write_options = write_options or IpcWriteOptions(unify_dictionaries=True)
        with new_file(destination, table.schema, options=write_options) as writer:
            writer.write_table(table)
    return Recovery(table, lost)


def _has_dictionary(type):
    if hasattr(type, "index_type"):
        return True
    return any(_has_dictionary(child.type) for child in type._fields())


# ---- pandas ----------------------------------------------------------------------------------------------------------


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
