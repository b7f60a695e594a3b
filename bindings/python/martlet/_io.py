"""The way from whatever users give as source or sink to the engine's own; buffers and files by their names."""

from . import _abi
from ._abi import lib
from ._abi_io import SILENT, FileCallbacks
from ._buffer import Buffer, foreign_buffer, py_buffer  # noqa: F401
from ._errors import ArrowNotImplementedError
from ._files import (  # noqa: F401
    BufferOutputStream, BufferReader, MemoryMappedFile, NativeFile, OSFile, PythonFile, _check_binary, _create,
    _is_bytes, _is_path, _open_path, _open_python_file, _path_text, _source_of_buffer, memory_map)


def input_stream(source, compression="detect", buffer_size=None):
    """A readable file for a path, a Python file object or a buffer; .gz and .bz2 are decompressed as they are read."""
    compression = _compression_of(source, compression)
    if compression:
        return _stream_file("CompressedInputStream")(source, compression)
    if isinstance(source, NativeFile):
        found = source
    elif _is_path(source):
        found = OSFile(source, "r")
    elif _is_bytes(source):
        found = BufferReader(source)
    elif hasattr(source, "read"):
        if hasattr(source, "readable") and not source.readable():
            raise TypeError(f"readable file expected, got {source!r}")
        found = PythonFile(source, "r")
    else:
        raise TypeError(f"martlet.input_stream() called with instance of '{type(source)}'")
    return found if not buffer_size else _stream_file("BufferedInputStream")(found, buffer_size)


def _stream_file(name):
    from . import _stream_files

    return getattr(_stream_files, name)


def output_stream(source, compression="detect", buffer_size=None):
    """A writable file for a path or a Python file object; .gz and .bz2 are compressed as they are written."""
    compression = _compression_of(source, compression)
    if compression:
        return _stream_file("CompressedOutputStream")(source, compression)
    if isinstance(source, NativeFile):
        found = source
    elif _is_path(source):
        found = OSFile(source, "w")
    elif hasattr(source, "write"):
        if hasattr(source, "writable") and not source.writable():
            raise TypeError(f"writable file expected, got {source!r}")
        found = PythonFile(source, "w")
    else:
        raise TypeError(f"martlet.output_stream() called with instance of '{type(source)}'")
    return found if not buffer_size else _stream_file("BufferedOutputStream")(found, buffer_size)


def _compression_of(source, compression):
    if compression == "detect":
        endings = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
        name = _path_text(source) if _is_path(source) else ""
        compression = next((codec for end, codec in endings.items() if name.endswith(end)), None)
    if compression not in (None, "gzip", "bz2", "zstd", "lz4", "brotli", "snappy"):
        raise ValueError(f"Invalid value for compression: {compression!r}")
    if compression not in (None, "gzip", "bz2"):
        raise ArrowNotImplementedError(
            f"streams compressed with {compression} are not supported here; gzip and bz2 are, "
            "or pass compression=None and an object that decompresses"
        )
    return compression


# ---- whatever users give ---------------------------------------------------------------------------------------------


class Source:
    """A SourceHandle, and what Python must keep for it."""

    __slots__ = ("handle", "callbacks", "owner", "name")

    def __init__(self, handle, callbacks=SILENT, owner=None, name=None):
        self.handle = handle
        self.callbacks = callbacks
        self.owner = owner
        self.name = name


    def move_owner(self):
        """A file of this package now stands where reading it as a stream has come to."""
        if isinstance(self.owner, NativeFile):
            self.owner._position = lib.martlet_source_position(self.handle)


class Sink:
    """A SinkHandle that `close` ends if it was opened for a path, and leaves open if the user gave a file."""

    __slots__ = ("handle", "callbacks", "owner", "_file", "_is_ours")

    def __init__(self, handle, callbacks=SILENT, owner=None, file=None, is_ours=False):
        self.handle = handle
        self.callbacks = callbacks
        self.owner = owner
        self._file = file
        self._is_ours = is_ours

    def begin(self):
        """A format that needs an end is being written."""
        if isinstance(self.owner, OSFile):
            self.owner._unfinished += 1

    def finish(self):
        """The format's end is written."""
        if isinstance(self.owner, OSFile):
            self.owner._unfinished -= 1
        if self._is_ours:
            with self.callbacks.raising():
                _abi.check(lib.martlet_sink_close, self.handle)
        elif self._file is not None and hasattr(self._file, "flush"):
            self._file.flush()

    def abort(self):
        if self._is_ours:
            lib.martlet_sink_abort(self.handle)


def open_source(source, memory_map=False):
    """A Source for a path, a file of this package, a Python file object, a Buffer or any bytes-like object."""
    if isinstance(source, Source):
        return source
    if isinstance(source, NativeFile):
        handle = source._check_readable()
        if source._position and isinstance(source, BufferReader):
            return Source(_source_of_buffer(source._buffer.slice(source._position)), owner=source)
        return Source(handle, source._callbacks, source)
    if _is_path(source):
        path = _path_text(source)
        return Source(_open_path(path, memory_map), name=path)
    if _is_bytes(source):
        return Source(_source_of_buffer(py_buffer(source)))
    if hasattr(source, "read") or hasattr(source, "readinto"):
        return Source(*_open_python_file(source), source)
    raise TypeError(f"Cannot convert {type(source).__name__} to martlet.NativeFile: expected a path, a file or bytes")


def open_stream(source):
    """As `open_source`, for formats that are read from front to back: a Python file is read from where it stands."""
    if not isinstance(source, (Source, NativeFile)) and not _is_path(source) and not _is_bytes(source):
        if hasattr(source, "read") or hasattr(source, "readinto"):
            _check_binary(source)
            callbacks = FileCallbacks(source)
            return Source(callbacks.source(), callbacks, source)
    if isinstance(source, NativeFile):
        handle = _abi.SourceHandle(_abi.new(lib.martlet_source_at, source._check_readable(), source._position))
        return Source(handle, source._callbacks, source)
    return open_source(source)


def open_sink(where, durable=True):
    """A Sink for a path, a file of this package or a Python file object.

    A path appears whole or not at all; `durable` also waits until the disk has it.
    """
    if isinstance(where, NativeFile):
        return Sink(where._check_writable(), where._callbacks, where)
    if _is_path(where):
        return Sink(_create(_path_text(where), durable=durable), is_ours=True)
    if hasattr(where, "write"):
        _check_binary(where)
        callbacks = FileCallbacks(where)
        return Sink(callbacks.sink(), callbacks, where, file=where)
    raise TypeError(f"Unable to write to object of type: {type(where)}; expected a path or a file")
