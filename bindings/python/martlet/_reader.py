"""Record batch readers: batches one at a time, from an iterable or from a stream of the engine."""

from collections import namedtuple

from . import _abi
from ._abi_capsules import exported_stream, is_array, is_stream, stream_of
from ._c_pointers import StreamPointers
from ._errors import ArrowInvalid, ArrowTypeError
from ._schema import Schema
from ._table import RecordBatch, Table

_next = _abi.native.stream_next

RecordBatchWithMetadata = namedtuple("RecordBatchWithMetadata", ["batch", "custom_metadata"])


def _cast_batch(batch, schema):
    for i, field in enumerate(schema):
        if not field.nullable and batch.column(i).null_count:
            raise ArrowInvalid(f"Can't cast array of field '{field.name}' to non-nullable: it has "
                               f"{batch.column(i).null_count} nulls")
    return batch.cast(schema)


class RecordBatchReader(StreamPointers):
    """An iterator of RecordBatches of one schema; a batch is made when it is asked for."""

    def __init__(self):
        raise TypeError(
            "Do not call RecordBatchReader's constructor directly, use one of the RecordBatchReader.from_* functions "
            "instead.")

    @classmethod
    def _make(cls, schema, batches, stream=None):
        self = object.__new__(cls)
        self.schema, self._source, self._stream_, self._is_closed = schema, batches, stream, False
        self._file, self._batches_read = None, 0
        return self

    def _from_source(self, stream, file=None):
        """Fills a new reader of a subclass: a StreamHandle, and the open file whose callbacks it uses."""
        self._source, self._stream_, self._is_closed = None, stream, False
        self._file, self._batches_read = file, 0
        self.schema = Schema._from_handle(self._asked(_abi.lib.martlet_stream_schema))

    def _asked(self, function):
        """Calls the engine's stream; what a Python file behind it raises comes out unchanged."""
        if self._file is None:
            return _abi.new(function, self._stream_)
        with self._file.callbacks.raising():
            return _abi.new(function, self._stream_)

    @classmethod
    def _from_stream_pointer(cls, pointer, schema=None):
        """From a new `martlet_stream *`, which is then owned."""
        stream = pointer if isinstance(pointer, _abi.StreamHandle) else _abi.StreamHandle(pointer)
        if schema is None:
            schema = Schema._from_handle(_abi.new(_abi.lib.martlet_stream_schema, stream))
        return cls._make(schema, None, stream)

    _from_handle = _from_stream_pointer

    @staticmethod
    def _lent_by(lender):
        return RecordBatchReader.from_stream(lender)

    @staticmethod
    def from_batches(schema, batches):
        """From an iterable, which is asked for one batch at a time; each must have `schema`."""
        if not isinstance(schema, Schema):
            from ._schema import schema as make_schema
            schema = make_schema(schema)
        return RecordBatchReader._make(schema, iter(batches))

    @staticmethod
    def from_stream(data, schema=None):
        """From any object with `__arrow_c_stream__`."""
        if not is_stream(data):
            if is_array(data):
                from ._builders import record_batch
                batch = record_batch(data)
                return RecordBatchReader.from_batches(batch.schema, [batch])
            raise TypeError("Expected an object implementing the Arrow PyCapsule Protocol for streams (i.e. having a "
                            "`__arrow_c_stream__` method).")
        capsule = None
        if schema is not None:
            if not hasattr(schema, "__arrow_c_schema__"):
                raise TypeError("Expected an object implementing the Arrow PyCapsule Protocol for schema (i.e. having "
                                f"a `__arrow_c_schema__` method), got {type(schema)}.")
            capsule = schema.__arrow_c_schema__()
        stream = stream_of(data, capsule)
        reader = RecordBatchReader._from_stream_pointer(stream)
        if schema is not None and isinstance(schema, Schema) and not reader.schema.equals(schema):
            return reader.cast(schema)
        return reader

    def read_next_batch(self):
        """The next RecordBatch; StopIteration at the end."""
        stream = self._stream_
        if stream is None:
            self._check_open()
            return self._checked(next(self._source))
        # As `with stream.turn`, which takes twice the time: small batches feel it.
        stream.turn.acquire()
        try:
            if self._is_closed:
                self._check_open()
            if self._file is None:
                batch = _next(stream._as_parameter_, RecordBatch, self.schema)
            else:
                with self._file.callbacks.raising():
                    batch = _next(stream._as_parameter_, RecordBatch, self.schema)
            if batch is None:
                raise StopIteration
            self._batches_read += 1
            return batch
        finally:
            stream.turn.release()

    def _check_open(self):
        if self._is_closed:
            raise ArrowInvalid("Operation on a closed RecordBatchReader")

    def _checked(self, batch):
        if not isinstance(batch, RecordBatch):
            if not (hasattr(batch, "__arrow_c_array__") or hasattr(batch, "__arrow_c_stream__")):
                raise TypeError(f"Expected RecordBatch, got {type(batch).__name__}")
            from ._builders import record_batch
            batch = record_batch(batch)
        if batch.schema is not self.schema and not batch.schema.equals(self.schema):
            raise ArrowInvalid(
                f"Schema at index {self._batches_read} was different: \n{self.schema}\nvs\n{batch.schema}")
        self._batches_read += 1
        return batch

    def __iter__(self):
        return self

    __next__ = read_next_batch

    def read_next_batch_with_custom_metadata(self):
        """The next RecordBatch and the custom metadata that came with it, or None; StopIteration at the end."""
        return RecordBatchWithMetadata(self.read_next_batch(), None)

    def iter_batches_with_custom_metadata(self):
        """Pairs of a RecordBatch and the custom metadata that came with it, or None."""
        while True:
            try:
                yield self.read_next_batch_with_custom_metadata()
            except StopIteration:
                return

    def read_all(self):
        """A Table of all batches that are left."""
        if self._stream_ is None or self._is_closed or self._file is not None or (
                type(self).read_next_batch is not RecordBatchReader.read_next_batch):
            return Table.from_batches(list(self), self.schema)
        from ._batches import read_stream
        return read_stream(self._stream_, self.schema)

    def read_pandas(self, **options):
        """`read_all().to_pandas(**options)`"""
        return self.read_all().to_pandas(**options)

    def cast(self, target_schema):
        """A reader whose batches are cast to `target_schema`, one by one."""
        if self.schema.names != target_schema.names:
            raise ArrowInvalid("Target schema's field names are not matching the table's field names: "
                               f"{self.schema.names}, {target_schema.names}")
        from ._builders import nulls
        nothing = RecordBatch.from_arrays([nulls(0, f.type) for f in self.schema], schema=self.schema)
        for i, (field, target) in enumerate(zip(self.schema, target_schema)):
            try:
                nothing.column(i).cast(target.type)
            except (NotImplementedError, TypeError) as problem:
                raise ArrowTypeError(
                    f"Field {i} cannot be cast from {field.type} to {target.type}: {problem}") from None
        return RecordBatchReader._make(target_schema, (_cast_batch(b, target_schema) for b in self))

    def close(self):
        """Gives back what the reader holds; reading after that is an error."""
        if self._is_closed:
            return
        self._is_closed = True
        stream, self._stream_ = self._stream_, None
        if stream is not None:
            with stream.turn:
                stream.release()
        source, self._source = self._source, None
        if hasattr(source, "close"):
            source.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        self.close()

    # ---- exchange ----

    def _stream(self):
        """A StreamHandle for the batches that are left; a Python iterable is called back for each."""
        if self._stream_ is None:
            source, self._source = self._source, None
            self._stream_ = _abi.stream_from_iterator(self.schema._handle, self._handles(source))
        return self._stream_

    def _handles(self, source):
        for batch in source:
            yield self._checked(batch)._handle

    def __arrow_c_stream__(self, requested_schema=None):
        """A capsule of a stream over the batches that are left; the reader is used up by it."""
        return self._exported(requested_schema, None)

    def _exported(self, requested_schema, options):
        if self._is_closed:
            raise ArrowInvalid("Operation on a closed RecordBatchReader")
        reader = self
        if requested_schema is not None:
            target = Schema._from_handle(_abi.schema_from_capsule(requested_schema))
            if target.names == self.schema.names and not target.equals(self.schema):
                reader = self.cast(target)
        return exported_stream(reader._stream(), options)

    def __arrow_c_device_stream__(self, requested_schema=None, **kwargs):
        """As `__arrow_c_stream__`, with the word that the memory is the CPU's."""
        return self._exported(requested_schema, kwargs)

    def __arrow_c_schema__(self):
        return self.schema.__arrow_c_schema__()
