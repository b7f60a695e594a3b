"""Single IPC messages: a schema, a dictionary, a batch or a tensor, as they lie in streams and files."""

from . import _abi, _abi_io, _io
from ._abi import lib
from ._errors import ArrowInvalid
from ._io import Buffer
from ._ipc_options import MetadataVersion
from ._schema import Schema
from ._table import RecordBatch

_TYPES = ("none", "schema", "dictionary", "record batch", "tensor", "sparse tensor")


class Message:
    """A message that nobody has looked into: its `metadata` and its `body`, each a Buffer."""

    __slots__ = ("metadata", "body", "type", "_version")

    def __init__(self):
        raise TypeError(
            "Do not call Message's constructor directly, use `martlet.ipc.read_message` function instead.")

    @classmethod
    def _read(cls, opened):
        """The next message of a Source, or None at its end."""
        with opened.callbacks.raising():
            found = _abi_io.ipc_message(opened.handle)
        if found is None:
            return None
        self = object.__new__(cls)
        metadata, body, kind, version = found
        self.metadata, self.body = Buffer._from_pointer(metadata), Buffer._from_pointer(body)
        self.type = _TYPES[kind] if kind < len(_TYPES) else "unknown"
        self._version = MetadataVersion(version)
        return self

    @property
    def metadata_version(self):
        return self._version

    def equals(self, other):
        """Whether metadata and body are the same bytes."""
        if not isinstance(other, Message):
            raise TypeError(f"Argument 'other' has incorrect type (expected Message, got {type(other).__name__})")
        return self.metadata.equals(other.metadata) and self.body.equals(other.body)

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, Message) else NotImplemented

    __hash__ = None

    def _parts(self, alignment):
        """The pieces of the encapsulated message, whose metadata end at a multiple of `alignment`."""
        size = -(-(8 + self.metadata.size) // alignment) * alignment - 8
        yield b"\xff\xff\xff\xff" + size.to_bytes(4, "little")
        yield self.metadata
        yield bytes(size - self.metadata.size)
        yield self.body

    def serialize(self, alignment=8, memory_pool=None):
        """The encapsulated message, in a Buffer."""
        return _io.py_buffer(b"".join(memoryview(part) for part in self._parts(alignment)))

    def serialize_to(self, sink, alignment=8, memory_pool=None):
        """Writes the encapsulated message to a file."""
        for part in self._parts(alignment):
            sink.write(part)

    def __repr__(self):
        return (f"martlet.Message\ntype: {self.type}\nmetadata length: {self.metadata.size}\n"
                f"body length: {self.body.size}")


class MessageReader:
    """The messages of a stream, one after the other."""

    __slots__ = ("_opened",)

    def __init__(self):
        raise TypeError(
            "Do not call MessageReader's constructor directly, use `martlet.ipc.MessageReader.open_stream` function "
            "instead.")

    @staticmethod
    def open_stream(source):
        """Over a path, a file, a pipe, a Buffer or bytes."""
        self = object.__new__(MessageReader)
        self._opened = _io.open_stream(source)
        return self

    def read_next_message(self):
        """The next Message; StopIteration at the end."""
        message = Message._read(self._opened) if self._opened is not None else None
        if message is None:
            self._opened = None
            raise StopIteration
        return message

    __next__ = read_next_message

    def __iter__(self):
        return self


def read_message(source):
    """The Message that a file or bytes go on with. EOFError when there is none."""
    opened = _io.open_stream(source)
    message = Message._read(opened)
    opened.move_owner()
    if message is None:
        raise EOFError("End of Arrow stream")
    return message


def _message(source):
    return source if isinstance(source, Message) else read_message(source)


class DictionaryMemo:
    """What the messages before a batch said of its dictionaries.

    `read_schema(message, memo)` notes the dictionaries' numbers, `memo.add(message)` takes in a dictionary message, and
    `read_record_batch(message, schema, memo)` uses both.
    """

    __slots__ = ("_schema", "_message", "_dictionaries")

    def __init__(self):
        self._schema = self._message = None
        self._dictionaries = []

    def add(self, message):
        """Takes in a dictionary: a Message, or what a file or bytes go on with."""
        self._dictionaries.append(_expect(_message(message), "dictionary"))


def _expect(message, kind):
    if message.type != kind:
        raise OSError(f"Expected IPC message of type {kind} but got {message.type}")
    return message


def read_schema(obj, dictionary_memo=None):
    """The Schema in a message: a Message, or what a file or bytes go on with."""
    message = _expect(_message(obj), "schema")
    schema = Schema._from_handle(_abi.new(lib.martlet_schema_deserialize, message.serialize()._handle))
    if dictionary_memo is not None:
        dictionary_memo._schema, dictionary_memo._message = schema, message
    return schema


def read_record_batch(obj, schema, dictionary_memo=None):
    """The RecordBatch of a schema in a message: a Message, or what a file or bytes go on with.

    Columns are slices of the message's body. Dictionaries are messages of their own, and come in a DictionaryMemo.
    """
    messages = [_expect(_message(obj), "record batch")]
    if dictionary_memo is not None:
        messages = [*dictionary_memo._dictionaries, *messages]
    known = dictionary_memo and dictionary_memo._message
    if known:
        if not schema.equals(dictionary_memo._schema):
            raise ArrowInvalid(
                f"The schema is not the one that the memo was made with: expected {dictionary_memo._schema}, got {schema}")
        messages.insert(0, known)
    parts = [_io.py_buffer(part)._handle for message in messages for part in message._parts(8)]
    source = _abi.SourceHandle(_abi.new(lib.martlet_source_from_buffers, _abi.handle_array(parts), len(parts)))
    stream = _abi.StreamHandle(
        _abi.new(lib.martlet_ipc_stream_open, source, None if known else schema._handle, None, 0))
    return RecordBatch._from_pointer(_abi.new(lib.martlet_stream_next, stream), schema)


def serialize_batch(batch, options=None):
    """The encapsulated message of a batch, in a Buffer; neither its schema nor its dictionaries are part of it."""
    given = options._options() if options is not None else None
    return Buffer._from_pointer(_abi.new(lib.martlet_ipc_batch_serialize, batch._handle, *_abi.pack_options(given)))


def get_record_batch_size(batch):
    """The bytes that the message of a batch takes."""
    if not isinstance(batch, RecordBatch):
        raise ArrowInvalid(f"expected a RecordBatch, got {type(batch).__name__}")
    return _abi_io.number(lib.martlet_ipc_batch_size, batch._handle)
