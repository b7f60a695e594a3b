"""The one file that talks to ctypes: finds libmartlet.so, declares the functions of martlet.h, owns its handles.

How the rest of the package calls the engine:

- `new(lib.martlet_x, ...)` for functions that end in `(..., out, error)`: the handle's address, or None.
- `check(lib.martlet_x, ...)` for functions that end in `(..., error)`.
- `lib.martlet_x(...)` for functions that cannot fail.

Functions are declared when they are first used. Those that are over in no time keep the GIL (`PyDLL`), all others
give it up (`CDLL`). Handles are passed as they are; so are None (NULL), `bytes` (`const char *`), `byref(...)` and arrays.
"""

import ctypes
import functools
import os
import sys
import threading
from ctypes import byref, c_bool, c_char_p, c_int32, c_int64, c_uint64, c_void_p

from ._errors import exception_for

# ---- prototypes ------------------------------------------------------------------------------------------------------

# One letter a parameter: p pointer or handle, s text, q int64_t, u uint64_t, i int32_t, b bool. Before the colon the
# result: t status, v void, else a letter. A star: over in no time, called with the GIL held.
_PROTOTYPES = """
version s:* thread_count i:* set_thread_count v:i* memory_live q:* memory_peak q:* memory_release_unused v:
buffer_wrap t:pqpppp* buffer_copy t:pqpp buffer_slice t:pqqpp* buffer_address p:p* buffer_size q:p* buffer_release v:p*
schema_import t:ppp* schema_export t:ppp* schema_equals b:ppb* schema_type_name t:ppp* schema_serialize t:ppp*
schema_deserialize t:ppp* schema_release v:p*
array_import t:pppp* array_export t:pppp* array_import_device t:pppp* array_export_device t:pppp*
array_make t:pqqqpqpqppp* array_nulls t:pqpp array_length q:p* array_offset q:p*
array_null_count q:p* array_nbytes q:p* array_schema t:ppp* array_buffer_count q:p* array_buffer t:pqpp*
array_buffer_address t:pqppp* array_child_count q:p* array_child t:pqpp* array_dictionary t:ppp* array_slice t:pqqpp*
array_concatenate t:pqpp array_equals b:pp array_validate t:pbp array_to_string t:piiipp* array_with_schema t:pppp*
array_retain v:p* array_release v:p* arrays_release v:pq*
stream_import t:ppp stream_export t:ppp stream_import_device t:ppp stream_export_device t:ppp stream_from_batches t:ppqpp* stream_schema t:ppp stream_next t:ppp
stream_read t:pqpppp stream_release v:p
source_open t:spqpp source_from_buffer t:ppp* source_from_buffers t:pqpp* source_from_descriptor t:ipp source_from_callbacks t:ppp*
source_size q:p* source_at t:pqpp* source_position q:p* source_read t:pqqpp source_release v:p
sink_create t:spqpp sink_to_memory t:pp* sink_to_descriptor t:ipp* sink_to_callbacks t:ppp* sink_write t:ppqp
sink_position q:p* sink_flush t:pp sink_close t:pp sink_abort v:p sink_take t:ppp* sink_release v:p
ipc_writer_open t:pppqppp ipc_writer_write t:pppp ipc_writer_write_stream t:ppqp ipc_writer_statistics v:pp* ipc_writer_close t:pp
ipc_writer_release v:p ipc_stream_open t:pppqpp ipc_stream_batch_metadata t:ppp* ipc_stream_statistics t:ppp*
ipc_recover t:ppqpp ipc_recover_losses t:ppp* ipc_file_open t:ppqpp ipc_file_schema t:ppp* ipc_file_batch_count q:p*
ipc_file_batch t:pqpp ipc_file_read t:pppp ipc_file_batch_with_metadata t:pqppp ipc_file_row_count t:ppp ipc_file_statistics v:pp*
ipc_file_metadata t:ppp* ipc_file_release v:p ipc_message_read t:ppp ipc_batch_serialize t:ppqpp ipc_batch_size t:ppp
ipc_tensor_describe t:ppp* ipc_tensor_message t:ppp*
codec_compress t:spppp codec_decompress t:spqpp codec_levels t:spp*
parquet_writer_open t:pppqpp parquet_writer_append t:sppqpp parquet_recover t:spp parquet_writer_write t:pppp parquet_writer_flush t:pp parquet_writer_add_metadata t:pssp*
parquet_writer_close t:ppp parquet_writer_abort v:p parquet_writer_release v:p parquet_file_open t:ppqpp
parquet_key_metadata t:ppqpp aes_gcm t:pqpqpqbpp
parquet_file_schema t:ppp* parquet_file_info_get v:pp* parquet_file_metadata t:ppp* parquet_row_group_info_get t:pqpp*
parquet_column_info_get t:pqqpp* parquet_column_min_max t:pqqpp* parquet_column_stored t:pqqpp*
parquet_file_schema_text t:ppp* parquet_column_pages t:pqqpp parquet_bloom_filter_may_contain t:pqqppp
parquet_file_scan t:ppqpqppqppp parquet_file_release v:p parquet_metadata_concatenate t:pppp*
parquet_metadata_with_path t:pspp* parquet_metadata_write t:ppp
compute_call t:spquppqppp compute_aggregate t:spqpqpp compute_functions t:pp* compute_group t:pppqpqpp expression_field t:pqpp* expression_reference t:ppqpp*
expression_literal t:ppp* expression_call t:spqpppqpp* expression_evaluate t:pppp expression_to_string t:ppp*
expression_release v:p*
dataset_open t:pqppqpp dataset_schema t:ppp* dataset_files t:pppp dataset_scan t:ppqppqppp dataset_release v:p
dataset_write t:pspqpqppp
python_array_from_sequence t:ppppqpp* python_array_to_list t:ppqpp* python_fill_objects t:pppp*
python_array_from_objects t:pqqpppqpp* python_array_from_unicode t:pqqqppp* python_buffer t:ppqpp* python_drain v:*
python_schema_capsule t:ppp* python_array_capsules t:pbpp* python_stream_capsule t:pbpp* python_native t:pp*
"""

_LETTERS = {
    "p": c_void_p, "s": c_char_p, "q": c_int64, "u": c_uint64, "i": c_int32, "b": c_bool, "t": c_int32, "v": None,
}
_words = _PROTOTYPES.split()
PROTOTYPES = {"martlet_" + name: text for name, text in zip(_words[::2], _words[1::2])}
del _words


def _candidates():
    """Where the library may be: as the environment says, in this package, in the checkout around it, on the system."""
    named = os.environ.get("MARTLET_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    checkout = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    return [os.path.join(here, "libmartlet.so"), os.path.join(checkout, "build", "libmartlet.so")]


def _find_library():
    for path in _candidates():
        if os.path.exists(path):
            return path
    if "MARTLET_LIBRARY" in os.environ:
        raise ImportError(f"MARTLET_LIBRARY names a file that does not exist: {os.environ['MARTLET_LIBRARY']}")
    return "libmartlet.so.0"


class _Library:
    """The functions of martlet.h as attributes, declared on first use."""

    def __init__(self):
        self.path = _find_library()
        try:
            self._free = ctypes.CDLL(self.path)
        except OSError as problem:
            raise ImportError(
                f"the engine of martlet cannot be loaded: {problem}; set MARTLET_LIBRARY to the path of libmartlet.so"
            ) from None
        self._holding = ctypes.PyDLL(self.path)

    def __getattr__(self, name):
        text = PROTOTYPES.get(name)
        if text is None:
            raise AttributeError(name)
        result, parameters = text.split(":")
        holds = parameters.endswith("*")
        function = getattr(self._holding if holds else self._free, name)
        function.restype = _LETTERS[result]
        function.argtypes = [_LETTERS[letter] for letter in parameters.rstrip("*")]
        setattr(self, name, function)
        return function


lib = _Library()

# ---- errors ----------------------------------------------------------------------------------------------------------


class _ErrorStruct(ctypes.Structure):
    _fields_ = [("code", c_int32), ("system_error", c_int32), ("message", ctypes.c_char * 4088)]


# Error structures for reuse; taking from and giving to a list is atomic.
_spare_errors = []


# What an iterator behind a stream raised while the engine was reading it, in threads that called the engine.
_raised = threading.local()


def _raise(status, error):
    text = error.message.decode("utf-8", "replace")
    exception = exception_of(status, error.system_error, text)
    _spare_errors.append(error)
    raise exception


def exception_of(status, system_error, text):
    """The exception of an error; what an iterator raised is that itself."""
    problem, _raised.problem = getattr(_raised, "problem", None), None
    if problem is not None and f"{type(problem).__name__}: {problem}" in text:
        return problem
    return exception_for(status, system_error, text)


def check(function, *arguments):
    """Calls a function whose last parameter is the error, which is added here."""
    error = _spare_errors.pop() if _spare_errors else _ErrorStruct()
    status = function(*arguments, byref(error))
    if status:
        _raise(status, error)
    _spare_errors.append(error)


def new(function, *arguments):
    """Calls a function whose last parameters are an out pointer and the error; what it put out, None for NULL."""
    error = _spare_errors.pop() if _spare_errors else _ErrorStruct()
    out = c_void_p()
    status = function(*arguments, byref(out), byref(error))
    if status:
        _raise(status, error)
    _spare_errors.append(error)
    return out.value


# ---- handles ---------------------------------------------------------------------------------------------------------


# What one thread at a time may use; the handles have a lock, `turn`, at which others wait.
_WITH_TURNS = {"stream", "source", "sink", "ipc_writer", "parquet_writer"}


def handle_class(name, noun):
    """A class that owns a `martlet_<noun> *` and releases it once."""
    has_turns = noun in _WITH_TURNS

    def __init__(self, pointer):
        self._as_parameter_ = pointer
        if has_turns:
            self.turn = threading.RLock()

    # The function is a default value, so that it is there when the interpreter's modules are gone.
    def __del__(self, release=getattr(lib, f"martlet_{noun}_release")):
        try:
            pointer = self._as_parameter_
        except AttributeError:  # never filled
            return
        self._as_parameter_ = None
        if pointer:
            release(pointer)

    # A copy of the address would release it a second time.
    def __reduce__(self):
        raise TypeError(f"cannot pickle or copy a {name}: it is an address in this process")

    slots = {"__slots__": ("_as_parameter_", "__weakref__"), "__init__": __init__, "__del__": __del__, "release": __del__,
             "__reduce__": __reduce__}
    if has_turns:
        slots["__slots__"] += ("turn",)
    slots["__doc__"] = f"Owns one `martlet_{noun} *`; passed to functions of the library as it is."
    return type(name, (), slots)


def in_turn(method):
    """A method of a writer for one thread at a time."""

    @functools.wraps(method)
    def taken(self, *arguments, **options):
        with self._handle.turn:
            return method(self, *arguments, **options)

    return taken


BufferHandle = handle_class("BufferHandle", "buffer")
SchemaHandle = handle_class("SchemaHandle", "schema")
StreamHandle = handle_class("StreamHandle", "stream")


def __getattr__(name):
    # Handles of the rooms that not every program enters are made when they are asked for.
    nouns = {
        "SourceHandle": "source", "SinkHandle": "sink", "IpcWriterHandle": "ipc_writer", "IpcFileHandle": "ipc_file",
        "ParquetWriterHandle": "parquet_writer", "ParquetFileHandle": "parquet_file",
        "ExpressionHandle": "expression", "DatasetHandle": "dataset",
    }
    if name not in nouns:
        raise AttributeError(name)
    made = globals()[name] = handle_class(name, nouns[name])
    return made


def handle_array(handles):
    """A C array of handles (None is NULL), or None when there are none; the handles must outlive its use."""
    if not handles:
        return None
    return (c_void_p * len(handles))(*[None if h is None else h._as_parameter_ for h in handles])


def text_array(texts):
    """A C array of UTF-8 texts, NULL where one is None; None for None."""
    if texts is None:
        return None
    return (c_char_p * len(texts))(*[None if text is None else encode(text) for text in texts])


def encode(text):
    """The UTF-8 bytes of a text or a path."""
    if isinstance(text, bytes):
        return text
    return text.encode("utf-8", "surrogateescape")


# ---- options ---------------------------------------------------------------------------------------------------------


class Option(ctypes.Structure):
    _fields_ = [("key", c_char_p), ("value", c_char_p)]


def option_text(value):
    """The text of an option's value: booleans are "true" and "false"."""
    if value is True or value is False:
        return b"true" if value else b"false"
    if isinstance(value, (bytes, str)):
        return encode(value)
    return str(value).encode()


def pack_options(options):
    """`(array, count)` for a mapping; values that are None are left out. Spread it into a call with `*`."""
    pairs = [(encode(k), option_text(v)) for k, v in options.items() if v is not None] if options else ()
    if not pairs:
        return None, 0
    return (Option * len(pairs))(*pairs), len(pairs)


# ---- progress and Ctrl-C ---------------------------------------------------------------------------------------------


class _ProgressStruct(ctypes.Structure):
    _fields_ = [("callback", c_void_p), ("context", c_void_p)]


_PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64)


class Progress:
    """A `martlet_progress *` for one long call, which also lets Ctrl-C through.

    `with Progress(callback) as progress: new(lib.martlet_x, ..., progress, ...)`. `callback(done, total)` may be None;
    `total` is None when it is not known. When it returns False, the call ends with ArrowCancelled; what it raises,
    KeyboardInterrupt included, ends the call and is raised again when the `with` block is left.
    """

    def __init__(self, callback=None):
        self._callback = callback
        self._raised = None
        self._thunk = _PROGRESS(self._called)
        self._struct = _ProgressStruct(ctypes.cast(self._thunk, c_void_p), None)
        self._as_parameter_ = ctypes.addressof(self._struct)

    def _called(self, context, done, total):
        if self._raised is not None:
            return 1
        try:
            if self._callback is not None and self._callback(done, None if total < 0 else total) is False:
                return 1
            return 0
        except BaseException as problem:
            self._raised = problem
            return 1

    def __enter__(self):
        # A signal that came while the engine was working is handled on the first instruction of `_called`, before
        # its `try`: ctypes then gives the exception to this hook.
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._unraisable
        return self

    def _unraisable(self, unraisable):
        message = str(unraisable.err_msg)
        if "ctypes callback" in message and self._raised is None:
            self._raised = unraisable.exc_value or unraisable.exc_type()
        else:
            self._hook(unraisable)

    def __exit__(self, kind, problem, trace):
        if sys.unraisablehook == self._unraisable:
            sys.unraisablehook = self._hook
        raised, self._raised, self._callback, self._thunk = self._raised, None, None, None
        if raised is not None:
            raise raised


# ---- Python objects --------------------------------------------------------------------------------------------------

_DECREF = ctypes.pythonapi.Py_DecRef
_DECREF.argtypes = [ctypes.py_object]
_DECREF.restype = None


def new_object(function, *arguments):
    """As `new` for functions whose out pointer receives a new reference to a Python object."""
    error = _spare_errors.pop() if _spare_errors else _ErrorStruct()
    out = ctypes.py_object()
    status = function(*arguments, byref(out), byref(error))
    if status:
        _raise(status, error)
    _spare_errors.append(error)
    result = out.value
    # The reference that the function gave; ctypes took one of its own.
    _DECREF(result)
    return result


class _Native:
    """Types and functions that the engine makes with CPython's stable ABI: called without `ctypes`."""

    def __init__(self):
        self.__dict__.update(new_object(lib.martlet_python_native))


native = _Native()


class ArrayHandle(native.ArrayCells):
    """Owns one `martlet_array *`; passed to functions of the library as it is."""

    __slots__ = ()

    def __init__(self, pointer):
        self._as_parameter_ = pointer


def object_buffer(owner, address, size):
    """A BufferHandle over `size` bytes at `address` that `owner` keeps alive."""
    return BufferHandle(new(lib.martlet_python_buffer, id(owner), address, size))


def copied_buffer(data):
    """A BufferHandle with a copy of a bytes object."""
    return BufferHandle(new(lib.martlet_buffer_copy, data, len(data)))


def buffer_bytes(pointer):
    """The bytes of a new `martlet_buffer *`, which is released."""
    handle = BufferHandle(pointer)
    size = lib.martlet_buffer_size(handle)
    return ctypes.string_at(lib.martlet_buffer_address(handle), size) if size else b""


def buffer_text(pointer):
    """The UTF-8 text of a new `martlet_buffer *`, which is released."""
    return buffer_bytes(pointer).decode("utf-8", "replace")


def memory_at(address, size):
    """A writable memoryview-able ctypes array over memory; whoever uses it keeps its owner alive."""
    return (ctypes.c_char * size).from_address(address)


# ---- schemas as trees ------------------------------------------------------------------------------------------------
# A tree is a tuple (format, name, metadata, flags, children, dictionary) of the C Data interface's `ArrowSchema`.


class _ArrowSchema(ctypes.Structure):
    pass


_ArrowSchema._fields_ = [
    ("format", c_char_p), ("name", c_char_p), ("metadata", c_void_p), ("flags", c_int64), ("n_children", c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowSchema))), ("dictionary", ctypes.POINTER(_ArrowSchema)),
    ("release", c_void_p), ("private_data", c_void_p),
]
_RELEASE = ctypes.CFUNCTYPE(None, ctypes.POINTER(_ArrowSchema))


def _mark_released(schema):
    schema.contents.release = None


_mark_released = _RELEASE(_mark_released)
_RELEASED_BY = ctypes.cast(_mark_released, c_void_p).value


def _fill_schema(tree, owned):
    """The structure of a tree; `owned` collects what must live as long as it."""
    kind, name, metadata, flags, children, dictionary = tree
    schema = _ArrowSchema(format=kind.encode(), name=encode(name), flags=flags, release=_RELEASED_BY)
    if metadata:
        text = ctypes.create_string_buffer(metadata, len(metadata))
        owned.append(text)
        schema.metadata = ctypes.addressof(text)
    if children:
        pointers = (ctypes.POINTER(_ArrowSchema) * len(children))()
        for i, child in enumerate(children):
            pointers[i] = ctypes.pointer(_fill_schema(child, owned))
        owned.append(pointers)
        schema.n_children = len(children)
        schema.children = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(_ArrowSchema)))
    if dictionary is not None:
        schema.dictionary = ctypes.pointer(_fill_schema(dictionary, owned))
    owned.append(schema)
    return schema


def schema_from_tree(tree):
    """A SchemaHandle for a tree."""
    owned = []
    schema = _fill_schema(tree, owned)
    return SchemaHandle(new(lib.martlet_schema_import, byref(schema)))


def schema_to_tree(handle):
    """The tree of a SchemaHandle (or a raw `martlet_schema *`)."""
    schema = _ArrowSchema()
    check(lib.martlet_schema_export, handle, byref(schema))
    try:
        return _read_schema(schema)
    finally:
        _RELEASE(schema.release)(schema)


def _read_schema(schema):
    children = tuple(_read_schema(schema.children[i].contents) for i in range(schema.n_children))
    dictionary = _read_schema(schema.dictionary.contents) if schema.dictionary else None
    name = (schema.name or b"").decode("utf-8", "surrogateescape")
    metadata = _metadata_bytes(schema.metadata)
    return schema.format.decode(), name, metadata, schema.flags, children, dictionary


def _metadata_bytes(address):
    """The interface's encoding of metadata: a count, then keys and values with their lengths, as native int32."""
    if not address:
        return None
    position = address + 4
    for _ in range(2 * c_int32.from_address(address).value):
        position += 4 + c_int32.from_address(position).value
    return ctypes.string_at(address, position - address)


# ---- capsules of the Arrow PyCapsule interface -----------------------------------------------------------------------

_CAPSULE_POINTER = ctypes.pythonapi.PyCapsule_GetPointer
_CAPSULE_POINTER.argtypes = [ctypes.py_object, c_char_p]
_CAPSULE_POINTER.restype = c_void_p


def schema_from_capsule(capsule):
    """Takes the schema out of an "arrow_schema" capsule."""
    return SchemaHandle(new(lib.martlet_schema_import, _CAPSULE_POINTER(capsule, b"arrow_schema")))


def stream_from_capsule(capsule):
    """Takes the stream out of an "arrow_array_stream" capsule."""
    return StreamHandle(new(lib.martlet_stream_import, _CAPSULE_POINTER(capsule, b"arrow_array_stream")))


# ---- streams over Python iterators -----------------------------------------------------------------------------------


class _ArrowArrayStream(ctypes.Structure):
    _fields_ = [
        ("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p), ("release", c_void_p),
        ("private_data", c_void_p),
    ]


_live_streams = {}
_stream_functions = None


def _make_stream_functions():
    """The four functions of an ArrowArrayStream whose `private_data` is a key of `_live_streams`."""
    stream_pointer = ctypes.POINTER(_ArrowArrayStream)

    def get_schema(stream, out):
        state = _live_streams[stream.contents.private_data]
        return state.run(lambda: check(lib.martlet_schema_export, state.schema, out))

    def get_next(stream, out):
        state = _live_streams[stream.contents.private_data]
        return state.run(lambda: state.next(out))

    def get_last_error(stream):
        return _live_streams[stream.contents.private_data].message_address()

    # The dictionary is a default value, so that it is there when the interpreter's modules are gone.
    def release(stream, live=_live_streams):
        live.pop(stream.contents.private_data, None)
        stream.contents.release = None

    step = ctypes.CFUNCTYPE(ctypes.c_int, stream_pointer, c_void_p)
    text = ctypes.CFUNCTYPE(c_void_p, stream_pointer)
    end = ctypes.CFUNCTYPE(None, stream_pointer)
    return step(get_schema), step(get_next), text(get_last_error), end(release)


class _IteratorState:
    """What a stream over an iterator of array handles holds; an exception becomes an errno and a text."""

    def __init__(self, schema, handles):
        self.schema, self.handles, self.message = schema, handles, None

    def run(self, step):
        try:
            step()
            return 0
        except BaseException as problem:
            _raised.problem = problem
            self.message = ctypes.create_string_buffer(f"{type(problem).__name__}: {problem}".encode())
            return 22 if isinstance(problem, (ValueError, TypeError)) else 5

    def next(self, out):
        handle = next(self.handles, None)
        if handle is None:
            ctypes.memset(out, 0, 80)  # sizeof(struct ArrowArray): released
        else:
            check(lib.martlet_array_export, handle, out, None)

    def message_address(self):
        return None if self.message is None else ctypes.addressof(self.message)


def stream_from_iterator(schema, handles):
    """A StreamHandle that asks an iterator of struct ArrayHandles for each batch, on the thread that reads it."""
    global _stream_functions
    if _stream_functions is None:
        _stream_functions = _make_stream_functions()
    state = _IteratorState(schema, iter(handles))
    key = id(state)
    _live_streams[key] = state
    addresses = [ctypes.cast(function, c_void_p) for function in _stream_functions]
    return StreamHandle(new(lib.martlet_stream_import, byref(_ArrowArrayStream(*addresses, key))))


def new_flagged(function, *arguments):
    """As `new` for functions that end in `(..., out, bool *, error)`: what was put out, and the flag."""
    error = _spare_errors.pop() if _spare_errors else _ErrorStruct()
    out, flag = c_void_p(), c_bool()
    status = function(*arguments, byref(out), byref(flag), byref(error))
    if status:
        _raise(status, error)
    _spare_errors.append(error)
    return out.value, flag.value
