"""Files with pyarrow's names, over the engine."""

import io
import os
import warnings

from . import _abi
from ._abi import lib
from ._abi_io import SILENT, FileCallbacks
from ._buffer import Buffer, py_buffer
from ._errors import ArrowInvalid, ArrowNotImplementedError



class NativeFile:
    """What the files of this package have in common: Python's methods of binary files, over the engine."""

    _source = None  # SourceHandle of a readable file
    _sink = None  # SinkHandle of a writable file
    _callbacks = SILENT
    _mode = "rb"
    _closed = False
    _position = 0

    # ---- state ----

    @property
    def mode(self):
        """'rb', 'wb' or 'ab'."""
        return self._mode

    @property
    def closed(self):
        return self._closed

    def readable(self):
        self._check_open()
        return self._source is not None

    def writable(self):
        self._check_open()
        return self._sink is not None

    def seekable(self):
        self._check_open()
        return self._source is not None and lib.martlet_source_size(self._source) >= 0

    def metadata(self):
        """What the file system keeps about the file besides its bytes: nothing on this machine."""
        self._check_open()
        return {}

    def isatty(self):
        self._check_open()
        return False

    def fileno(self):
        raise io.UnsupportedOperation("fileno")

    def _check_open(self):
        if self._closed:
            raise ValueError("I/O operation on closed file")

    def _check_readable(self):
        self._check_open()
        if self._source is None:
            raise OSError("only valid on readable files")
        return self._source

    def _check_writable(self):
        self._check_open()
        if self._sink is None:
            raise OSError("only valid on writable files")
        return self._sink

    # ---- reading ----

    def size(self):
        """The length in bytes."""
        size = lib.martlet_source_size(self._check_readable())
        if size < 0:
            raise OSError("only valid on seekable files")
        return size

    def tell(self):
        self._check_open()
        return self._position if self._sink is None else lib.martlet_sink_position(self._sink)

    def seek(self, position, whence=0):
        """Moves to a position from the start (0), from here (1) or from the end (2), and returns it."""
        self._check_readable()
        if whence not in (0, 1, 2):
            raise ValueError(f"Invalid value of whence: {whence}")
        base = (0, self._position, self.size() if whence == 2 else 0)[whence]
        if not self.seekable():
            raise OSError("only valid on seekable files")
        if base + position < 0:
            raise ArrowInvalid("Invalid position")
        self._position = base + position
        return self._position

    def read_buffer(self, nbytes=None):
        """The next bytes, at most `nbytes`, in a Buffer; from memory and mappings without a copy."""
        source = self._check_readable()
        size = lib.martlet_source_size(source)
        if nbytes is None or nbytes < 0:
            if size < 0:
                return py_buffer(self._read_stream())
            nbytes = max(size - self._position, 0)
        buffer = self._read_at(self._position, nbytes)
        self._position += buffer.size
        return buffer

    def _read_at(self, position, nbytes):
        source = self._check_readable()
        with source.turn, self._callbacks.raising():
            return Buffer._from_pointer(_abi.new(lib.martlet_source_read, source, position, nbytes))

    def _read_stream(self):
        parts = []
        while True:
            buffer = self._read_at(self._position, 1 << 20)
            if not buffer.size:
                return b"".join(parts)
            self._position += buffer.size
            parts.append(buffer.to_pybytes())

    def read(self, nbytes=None):
        """The next bytes, at most `nbytes`; all that are left for None."""
        return self.read_buffer(nbytes).to_pybytes()

    def read1(self, nbytes=None):
        """The next bytes, at most `nbytes` and at most 65,536."""
        return self.read(1 << 16 if nbytes is None or nbytes < 0 else nbytes)

    def get_stream(self, file_offset, nbytes):
        """A part of the file as a file of its own, which moves nothing here."""
        from ._stream_files import window
        self._check_readable()
        return window(self, file_offset, nbytes)

    def readall(self):
        return self.read()

    def read_at(self, nbytes, offset):
        """Bytes at a position, which moves nothing."""
        self._check_readable()
        return self._read_at(offset, nbytes).to_pybytes()

    def readinto(self, b):
        """Fills a writable buffer and returns how many bytes there were."""
        target = memoryview(b).cast("B")
        if target.readonly:
            raise TypeError("readinto() needs a writable buffer, got one that is read-only")
        buffer = self.read_buffer(len(target))
        target[: buffer.size] = memoryview(buffer)
        return buffer.size

    def readline(self, size=None):
        """The next line with its end, at most `size` bytes of it."""
        limit = None if size is None or size < 0 else size
        line = b""
        step = 1 << 12 if self.seekable() else 1
        while limit is None or len(line) < limit:
            data = self.read(step if limit is None else min(step, limit - len(line)))
            end = data.find(b"\n") + 1
            if end:
                if end < len(data):
                    self.seek(end - len(data), 1)
                return line + data[:end]
            line += data
            if not data:
                break
        return line

    def readlines(self, hint=None):
        """The lines that are left, at least `hint` bytes of them."""
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def __iter__(self):
        self._check_readable()
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def download(self, stream_or_path, buffer_size=None):
        """Copies what is left into a path or a Python file."""
        self._check_readable()
        if hasattr(stream_or_path, "write"):
            self._copy(self, stream_or_path, buffer_size)
            return
        with open(stream_or_path, "wb") as target:
            self._copy(self, target, buffer_size)

    def upload(self, stream, buffer_size=None):
        """Writes all that a Python file gives."""
        self._check_writable()
        self._copy(stream, self, buffer_size)

    @staticmethod
    def _copy(source, target, buffer_size):
        while True:
            data = source.read(buffer_size or 1 << 16)
            if not data:
                return
            target.write(data)

    # ---- writing ----

    def write(self, data):
        """Writes a bytes-like object or a Buffer and returns its length."""
        sink = self._check_writable()
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        buffer = py_buffer(data)
        with sink.turn, self._callbacks.raising():
            self._check_open()
            _abi.check(lib.martlet_sink_write, sink, buffer.address, buffer.size)
        return buffer.size

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        self._check_open()
        sink = self._sink
        if sink is not None:
            with sink.turn, self._callbacks.raising():
                _abi.check(lib.martlet_sink_flush, sink)

    def truncate(self):
        raise io.UnsupportedOperation("truncate")

    # ---- the end ----

    def close(self):
        """Ends the file. What was written to a path is now there, all of it at once."""
        if self._closed:
            return
        self._closed = True
        sink = self._sink
        if sink is not None:
            with sink.turn, self._callbacks.raising():
                _abi.check(lib.martlet_sink_close, sink)
        self._forget()

    def _abort(self):
        """Ends the file and drops what was written, where that is possible."""
        if not self._closed:
            self._closed = True
            sink = self._sink
            if sink is not None:
                with sink.turn:
                    lib.martlet_sink_abort(sink)
            self._forget()

    def _forget(self):
        # Readers and writers on this file hold the handles as long as they need them.
        self._source = self._sink = None

    def __enter__(self):
        self._check_open()
        return self

    def __exit__(self, kind, problem, trace):
        if kind is None:
            self.close()
        else:
            self._abort()

    def __repr__(self):
        return (
            f"<martlet.{type(self).__name__} closed={self._closed} is_writable={self._sink is not None} "
            f"is_readable={self._source is not None}>"
        )


io.BufferedIOBase.register(NativeFile)


class OSFile(NativeFile):
    """A file of the operating system for reading ('r', 'rb'), writing ('w', 'wb') or appending ('a', 'ab').

    A file that is written gets its name when it is closed: until then, and when an exception leaves the `with` block, an
    older file of that name stays as it is. In place of a path a file descriptor may stand, which is then this file's.
    """

    _descriptor = None

    def __init__(self, path, mode="r", memory_pool=None):
        if isinstance(path, int):
            # Where the descriptor stands for a file, reading wants positions.
            self._descriptor, path = path, f"/proc/self/fd/{path}"
        self._path = _path_text(path)
        self._unfinished = 0
        if mode in ("r", "rb"):
            self._source = _abi.SourceHandle(_abi.new(lib.martlet_source_open, _abi.encode(self._path), None, 0))
        elif mode in ("w", "wb", "a", "ab"):
            self._mode = mode[0] + "b"
            if self._descriptor is None:
                self._sink = _create(self._path, append=mode[0] == "a")
            else:
                self._sink = _abi.SinkHandle(_abi.new(lib.martlet_sink_to_descriptor, self._descriptor))
        else:
            raise ValueError(f"Invalid file mode: {mode}")

    def _forget(self):
        super()._forget()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self):
        if getattr(self, "_sink", None) is None or self._closed:
            return
        if self._unfinished:
            warnings.warn(
                f"{self._path} was never closed and an IPC file in it is not finished: nothing was written",
                ResourceWarning,
                source=self,
            )
            self._abort()
        else:
            self.close()


class MemoryMappedFile(NativeFile):
    """A file whose bytes are read where the system holds them, without a copy."""

    def __init__(self):
        raise TypeError("Do not call MemoryMappedFile's constructor directly, use `martlet.memory_map` instead.")

    @classmethod
    def _open(cls, path):
        self = cls.__new__(cls)
        self._path = _path_text(path)
        self._source = _open_path(self._path, memory_map=True)
        return self


def memory_map(path, mode="r"):
    """Maps a file into memory for reading."""
    if mode not in ("r", "rb"):
        if mode in ("w", "wb", "r+", "r+b", "rb+"):
            raise ArrowNotImplementedError(
                f"memory_map(mode={mode!r}): mappings are read only here; write with OSFile(path, 'wb')"
            )
        raise ValueError(f"Invalid file mode: {mode}")
    return MemoryMappedFile._open(path)


class BufferReader(NativeFile):
    """A readable file over an object with the buffer protocol, without a copy."""

    def __init__(self, obj):
        self._buffer = py_buffer(obj)
        self._source = _source_of_buffer(self._buffer)


class BufferOutputStream(NativeFile):
    """A writable file in memory; `getvalue()` closes it and gives the bytes."""

    _mode = "wb"

    def __init__(self, memory_pool=None):
        self._sink = _abi.SinkHandle(_abi.new(lib.martlet_sink_to_memory))
        self._value = None

    def close(self):
        if not self._closed:
            self._value = Buffer._from_pointer(_abi.new(lib.martlet_sink_take, self._sink))
            super().close()

    def _abort(self):
        # What was written so far can still be looked at, as in pyarrow.
        self.close()

    def getvalue(self):
        """The bytes written, in a Buffer."""
        self.close()
        return self._value


class PythonFile(NativeFile):
    """A Python file object as one of this package's files."""

    def __init__(self, handle, mode=None):
        if mode is None:
            inferred = getattr(handle, "mode", None)
            if isinstance(inferred, str):
                mode = "r" if "r" in inferred and "+" not in inferred else "w"
            elif hasattr(handle, "writable") and handle.writable():
                mode = "w"
            elif hasattr(handle, "read"):
                mode = "r"
            else:
                mode = "w"
        if mode.replace("b", "") not in ("r", "w"):
            raise ValueError(f"Invalid file mode: {mode}")
        _check_binary(handle)
        self._handle = handle
        if mode.startswith("w"):
            self._mode = "wb"
            self._callbacks = FileCallbacks(handle)
            self._sink = self._callbacks.sink()
        else:
            self._source, self._callbacks = _open_python_file(handle)

    def flush(self):
        super().flush()
        if self._sink is not None and hasattr(self._handle, "flush"):
            self._handle.flush()

    def close(self):
        if not self._closed:
            super().close()
            if hasattr(self._handle, "close"):
                self._handle.close()


def _open_python_file(file):
    """A SourceHandle over a Python file, and its callbacks."""
    _check_binary(file)
    callbacks = FileCallbacks(file)
    return callbacks.source(callbacks.size()), callbacks


def _check_binary(file):
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"binary file expected, got text file {file!r}: open it with 'b' in its mode")
    if getattr(file, "closed", False) is True:
        raise ValueError("I/O operation on closed file")


def _is_path(value):
    return isinstance(value, (str, os.PathLike))


def _is_bytes(value):
    if isinstance(value, (bytes, bytearray, memoryview, Buffer)):
        return True
    if hasattr(value, "read") or hasattr(value, "write"):
        return False
    try:
        memoryview(value).release()
    except (TypeError, ValueError):
        return False
    return True


def _path_text(path):
    text = os.path.expanduser(os.fsdecode(os.fspath(path)))
    if "\0" in text:
        raise ValueError("embedded null byte in a path")
    return text


def _open_path(path, memory_map=False):
    options = _abi.pack_options({"memory_map": True} if memory_map else None)
    try:
        return _abi.SourceHandle(_abi.new(lib.martlet_source_open, _abi.encode(path), *options))
    except IsADirectoryError:
        raise IsADirectoryError(21, f"Cannot open for reading: path '{path}' is a directory") from None


def _source_of_buffer(buffer):
    return _abi.SourceHandle(_abi.new(lib.martlet_source_from_buffer, buffer._handle))


def _create(path, append=False, durable=True):
    options = _abi.pack_options({"append": True} if append else None if durable else {"durable": False})
    return _abi.SinkHandle(_abi.new(lib.martlet_sink_create, _abi.encode(path), *options))
