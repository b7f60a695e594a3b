"""Whatever users give as tabular data, as record batches."""

from . import _abi
from ._abi import lib
from ._abi_capsules import is_array, is_stream
from ._abi_io import SILENT
from ._batches import read_stream
from ._builders import _is_frame, record_batch
from ._errors import ArrowInvalid, ArrowTypeError
from ._reader import RecordBatchReader
from ._schema import Schema, schema as _as_schema
from ._table import RecordBatch, Table

_next = _abi.native.stream_next


def is_tabular(data):
    return is_stream(data) or is_array(data) or _is_frame(data)


def schema_of(data):
    """The Schema of anything tabular."""
    found = getattr(data, "schema", None)
    if isinstance(found, Schema):
        return found
    if _is_frame(data):
        return Schema.from_pandas(data)
    if hasattr(data, "__arrow_c_schema__"):
        return _as_schema(data)
    if found is not None and hasattr(found, "__arrow_c_schema__"):
        return _as_schema(found)
    return None


def reader_of(data):
    """A RecordBatchReader over a table, a batch, a reader, a DataFrame or any object of the Arrow PyCapsule interface."""
    if isinstance(data, RecordBatchReader):
        return data
    if isinstance(data, RecordBatch):
        return RecordBatchReader.from_batches(data.schema, [data])
    if isinstance(data, Table):
        return data.to_reader()
    if _is_frame(data):
        return Table.from_pandas(data).to_reader()
    if is_stream(data):
        return RecordBatchReader.from_stream(data)
    if is_array(data):
        batch = record_batch(data)
        return RecordBatchReader.from_batches(batch.schema, [batch])
    raise ArrowTypeError(
        f"expected a Table, a RecordBatch, a RecordBatchReader or an object with __arrow_c_stream__, got {type(data)}"
    )


def batches_of(data, max_chunksize=None):
    """The record batches of anything tabular, one after the other."""
    if isinstance(data, RecordBatch):
        batches = [data]
    elif isinstance(data, Table):
        yield from data.to_batches(max_chunksize=max_chunksize)
        return
    else:
        batches = reader_of(data)
    for batch in batches:
        if max_chunksize is None or batch.num_rows <= max_chunksize:
            yield batch
        else:
            for start in range(0, batch.num_rows, max_chunksize):
                yield batch.slice(start, max_chunksize)


class SourceReader(RecordBatchReader):
    """A RecordBatchReader over a stream of the engine that reads a source of bytes; what a Python file raises arrives."""

    __slots__ = ("_opened", "_batches_read")

    def _begin(self, pointer, opened):
        """Owns a new `martlet_stream *` that reads from `opened`, a Source."""
        self._opened = opened
        self._batches_read = 0
        self._source = None
        self._stream_ = _abi.StreamHandle(pointer)
        self._is_closed = False
        with opened.callbacks.raising():
            self.schema = Schema._from_handle(_abi.new(lib.martlet_stream_schema, self._stream_))

    @classmethod
    def _over(cls, pointer, opened):
        self = object.__new__(cls)
        self._begin(pointer, opened)
        return self

    def read_next_batch(self):
        """The next RecordBatch; StopIteration at the end."""
        stream = self._stream_
        if stream is None:
            self._check_open()
        # As `with stream.turn`, which takes twice the time: small batches feel it.
        stream.turn.acquire()
        try:
            if self._is_closed:
                self._check_open()
            callbacks = self._opened.callbacks
            if callbacks is SILENT:
                batch = _next(stream._as_parameter_, RecordBatch, self.schema)
            else:
                with callbacks.raising():
                    batch = _next(stream._as_parameter_, RecordBatch, self.schema)
            if batch is None:
                self._opened.move_owner()
                raise StopIteration
            self._batches_read += 1
            return batch
        finally:
            stream.turn.release()

    __next__ = read_next_batch

    def read_all(self):
        """A Table of all batches that are left."""
        self._check_open()
        with self._opened.callbacks.raising():
            table = read_stream(self._stream_, self.schema)
        self._opened.move_owner()
        return table
