"""The side of files that talks to ctypes: callbacks into Python files, exported memory, the structures of Parquet's metadata.

Callbacks run on the thread that called the engine. What a Python file raises is kept in its `FileCallbacks` and raised
again by `raising()`, in place of the engine's own error.
"""

import ctypes
import errno
import io
import sys
import weakref
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_double, c_int32, c_int64, c_void_p, py_object
from threading import RLock, get_ident

from . import _abi
from ._abi import lib

# ---- memory ----------------------------------------------------------------------------------------------------------

_view_of_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_view_of_memory.restype = py_object
_view_of_memory.argtypes = [c_void_p, ctypes.c_ssize_t, ctypes.c_int]
_READ_ONLY, _READ_WRITE = 0x100, 0x200


def view(address, size, writable=False):
    """A memoryview over memory that its user keeps alive."""
    return _view_of_memory(address, size, _READ_WRITE if writable else _READ_ONLY)


class _View(Structure):
    """CPython's Py_buffer, as it has been since 3.0."""

    _fields_ = [
        ("buf", c_void_p), ("obj", c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", c_char_p), ("shape", c_void_p),
        ("strides", c_void_p), ("suboffsets", c_void_p), ("internal", c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.restype = ctypes.c_int
_get_buffer.argtypes = [py_object, POINTER(_View), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.restype = None
_release_buffer.argtypes = [POINTER(_View)]


def address_of(contiguous):
    """The address of a contiguous memoryview's bytes, which stay where they are while the memoryview lives."""
    description = _View()
    _get_buffer(contiguous, ctypes.byref(description), 0)
    address = description.buf
    _release_buffer(ctypes.byref(description))
    return address


def _exporter():
    """A base class whose instances export `self.size` bytes at `self.address`, read-only, through the buffer protocol."""
    if sys.version_info >= (3, 12):

        class BufferExporter:
            __slots__ = ()

            def __buffer__(self, flags):
                return view(self.address, self.size)

        return BufferExporter

    # Before 3.12 only types made in C can export memory: this one is made through the C API.
    fill_info = ctypes.pythonapi.PyBuffer_FillInfo
    fill_info.restype = ctypes.c_int
    fill_info.argtypes = [c_void_p, py_object, c_void_p, ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int]

    @ctypes.PYFUNCTYPE(ctypes.c_int, py_object, c_void_p, ctypes.c_int)
    def get_buffer(self, description, flags):
        try:
            return fill_info(description, self, self.address, self.size, 1, flags)
        except BaseException:  # the only one expected: somebody wants to write
            return -1

    class Slot(Structure):
        _fields_ = [("slot", ctypes.c_int), ("function", c_void_p)]

    class Spec(Structure):
        _fields_ = [
            ("name", c_char_p), ("basicsize", ctypes.c_int), ("itemsize", ctypes.c_int), ("flags", ctypes.c_uint),
            ("slots", POINTER(Slot)),
        ]

    py_bf_getbuffer, py_tpflags_basetype, py_tpflags_default = 1, 1 << 10, 1 << 18
    slots = (Slot * 2)(Slot(py_bf_getbuffer, ctypes.cast(get_buffer, c_void_p)), Slot(0, None))
    name = b"martlet._abi_io.BufferExporter"
    spec = Spec(name, object.__basicsize__, 0, py_tpflags_default | py_tpflags_basetype, slots)
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype = py_object
    make.argtypes = [POINTER(Spec)]
    made = make(ctypes.byref(spec))
    _kept.append((get_buffer, slots, name, spec))
    return made


# What C code points to as long as the process lives.
_kept = []
BufferExporter = _exporter()

# ---- callbacks into Python files -------------------------------------------------------------------------------------


class _SourceStruct(Structure):
    _fields_ = [
        ("read", c_void_p), ("release", c_void_p), ("context", c_void_p), ("size", c_int64), ("seekable", c_bool),
    ]


class _SinkStruct(Structure):
    _fields_ = [
        ("write", c_void_p), ("flush", c_void_p), ("close", c_void_p), ("release", c_void_p), ("context", c_void_p),
    ]


# The Python files behind the engine's sources and sinks, by their contexts.
_files = weakref.WeakValueDictionary()

# A file has one place, however many readers it has: they take turns.
_turns = weakref.WeakKeyDictionary()


def _turn_of(file):
    try:
        return _turns.setdefault(file, RLock())
    except TypeError:  # It cannot be known again.
        return RLock()


# Classes that are known not to keep what is written to them.
_BORROWING = (io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair, io.FileIO, io.BytesIO)


class FileCallbacks:
    """A Python file object as the engine sees it."""

    def __init__(self, file):
        self.file = file
        # By thread: the engine calls on the threads that called it.
        self.raised = {}
        self._turn = _turn_of(file)
        self._borrows = type(file) in _BORROWING

    def _context(self):
        # The context is a buffer of the engine that owns a reference to this object, and its release is the engine's
        # own function: so no Python runs when a worker thread or an exiting process lets go of it.
        context = _abi.new(lib.martlet_python_buffer, id(self), id(self), 0)
        _files[context] = self
        return context

    def size(self):
        """The length in bytes; None for a stream."""
        file = self.file
        if not hasattr(file, "seek") or (hasattr(file, "seekable") and not file.seekable()):
            return None
        with self._turn:
            size = file.seek(0, 2)
            return file.tell() if size is None else size

    def source(self, size=None):
        """A SourceHandle: random access to `size` bytes, or a stream when `size` is None."""
        release = ctypes.cast(lib.martlet_buffer_release, c_void_p)
        table = _SourceStruct(
            ctypes.cast(_read, c_void_p), release, self._context(), -1 if size is None else size, size is not None
        )
        self._seeks = size is not None
        return _abi.SourceHandle(_abi.new(lib.martlet_source_from_callbacks, ctypes.byref(table)))

    def sink(self):
        release = ctypes.cast(lib.martlet_buffer_release, c_void_p)
        table = _SinkStruct(ctypes.cast(_write, c_void_p), ctypes.cast(_flush, c_void_p), None, release, self._context())
        return _abi.SinkHandle(_abi.new(lib.martlet_sink_to_callbacks, ctypes.byref(table)))

    def read_into(self, position, target):
        """Reads from `position` into a memoryview; how many bytes there were."""
        with self._turn:
            if self._seeks:
                self.file.seek(position)
            return self._read_here(target)

    def _read_here(self, target):
        if hasattr(self.file, "readinto"):
            count = self.file.readinto(target)
            if count is None:
                raise BlockingIOError(errno.EAGAIN, f"{self.file!r} does not block: it has no bytes yet")
            return count
        data = self.file.read(len(target))
        if data is None:
            raise BlockingIOError(errno.EAGAIN, f"{self.file!r} does not block: it has no bytes yet")
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"read() of {self.file!r} gave {type(data).__name__}, expected bytes: open it in binary mode")
        target[: len(data)] = data
        return len(data)

    def write(self, data):
        if not self._borrows:
            data = bytes(data)
        while True:
            count = self.file.write(data)
            if count is None or count >= len(data):
                return
            if count <= 0:
                raise BlockingIOError(errno.EAGAIN, f"{self.file!r} does not block: it takes no bytes now")
            data = data[count:]

    def raising(self):
        return _Raising(self)


class _Raising:
    """Raises what a Python file raised in place of the engine's error about it."""

    def __init__(self, callbacks):
        self._callbacks = callbacks

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        raised = self._callbacks.raised.pop(get_ident(), None)
        if raised is not None and problem is not None:
            raise raised from None


class Silent:
    """Stands for FileCallbacks where no Python file takes part."""

    def raising(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        return None


SILENT = Silent()


@CFUNCTYPE(c_int64, c_void_p, c_int64, c_void_p, c_int64)
def _read(context, position, out, size):
    callbacks = _files.get(context)
    if callbacks is None:
        return -1
    try:
        target = view(out, size, writable=True)
        count = callbacks.read_into(position, target)
        target.release()
        return count
    except BaseException as problem:
        callbacks.raised[get_ident()] = problem
        return -1


@CFUNCTYPE(c_int32, c_void_p, c_void_p, c_int64)
def _write(context, data, size):
    callbacks = _files.get(context)
    if callbacks is None:
        return errno.EBADF
    try:
        callbacks.write(view(data, size))
        return 0
    except BaseException as problem:
        callbacks.raised[get_ident()] = problem
        return errno.EIO


@CFUNCTYPE(c_int32, c_void_p)
def _flush(context):
    callbacks = _files.get(context)
    if callbacks is None:
        return errno.EBADF
    try:
        if hasattr(callbacks.file, "flush"):
            callbacks.file.flush()
        return 0
    except BaseException as problem:
        callbacks.raised[get_ident()] = problem
        return errno.EIO


# ---- IPC -------------------------------------------------------------------------------------------------------------


class IpcStatistics(Structure):
    _fields_ = [
        ("messages", c_int64), ("record_batches", c_int64), ("dictionary_batches", c_int64),
        ("dictionary_deltas", c_int64), ("replaced_dictionaries", c_int64),
    ]


def ipc_statistics(fill, *handle):
    """What `fill(*handle, out)` says: a function that cannot fail, or `check` with one that can."""
    out = IpcStatistics()
    fill(*handle, ctypes.byref(out))
    return tuple(getattr(out, name) for name, _ in IpcStatistics._fields_)


class _IpcMessage(Structure):
    _fields_ = [("metadata", c_void_p), ("body", c_void_p), ("type", c_int32), ("version", c_int32)]


def ipc_message(source):
    """The next message of a SourceHandle: its metadata and body as addresses of handles, type and version; None at the end."""
    out = _IpcMessage()
    _abi.check(lib.martlet_ipc_message_read, source, ctypes.byref(out))
    return (out.metadata, out.body, out.type, out.version) if out.metadata else None


def number(function, *arguments):
    """What a function whose last parameters are an `int64_t *` and the error puts out."""
    out = c_int64()
    _abi.check(function, *arguments, ctypes.byref(out))
    return out.value


def batch_with_metadata(file, index):
    """The address of a batch's handle and that of its custom metadata's schema, or None."""
    batch, metadata = c_void_p(), c_void_p()
    _abi.check(lib.martlet_ipc_file_batch_with_metadata, file, index, ctypes.byref(batch), ctypes.byref(metadata))
    return batch.value, metadata.value


# ---- Parquet ---------------------------------------------------------------------------------------------------------


class ParquetFileInfo(Structure):
    _fields_ = [
        ("row_count", c_int64), ("row_group_count", c_int64), ("column_count", c_int64), ("serialized_size", c_int64),
        ("created_by", c_char_p), ("version", c_char_p),
    ]


class ParquetRowGroupInfo(Structure):
    _fields_ = [
        ("row_count", c_int64), ("column_count", c_int64), ("total_byte_size", c_int64),
        ("total_compressed_size", c_int64), ("sorting_columns", c_char_p),
    ]


class ParquetColumnInfo(Structure):
    _fields_ = [
        (name, c_char_p)
        for name in ("path", "physical_type", "logical_type", "converted_type", "compression", "encodings", "file_path")
    ] + [
        (name, c_int64)
        for name in (
            "max_definition_level", "max_repetition_level", "type_length", "value_count", "file_offset",
            "dictionary_page_offset", "data_page_offset", "index_page_offset", "total_compressed_size",
            "total_uncompressed_size", "null_count", "distinct_count", "nan_count",
        )
    ] + [
        (name, c_bool)
        for name in (
            "has_statistics", "has_min_max", "is_min_exact", "is_max_exact", "has_column_index", "has_offset_index",
        )
    ] + [
        ("bloom_filter_offset", c_int64), ("bloom_filter_length", c_int64), ("has_geospatial_statistics", c_bool),
        ("geospatial_types", c_char_p),
    ] + [(name, c_double) for name in ("xmin", "xmax", "ymin", "ymax", "zmin", "zmax", "mmin", "mmax")]


def text(value):
    return None if value is None else value.decode("utf-8", "replace")


def parquet_file_info(file):
    out = ParquetFileInfo()
    lib.martlet_parquet_file_info_get(file, ctypes.byref(out))
    return out


def parquet_row_group_info(file, row_group):
    out = ParquetRowGroupInfo()
    _abi.check(lib.martlet_parquet_row_group_info_get, file, row_group, ctypes.byref(out))
    return out


def parquet_column_info(file, row_group, column):
    out = ParquetColumnInfo()
    _abi.check(lib.martlet_parquet_column_info_get, file, row_group, column, ctypes.byref(out))
    return out


def int32_array(values):
    return None if values is None else (c_int32 * len(values))(*values)
