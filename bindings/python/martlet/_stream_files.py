"""Files over other files: compressed, buffered, in another encoding, or only counted."""

import codecs
import io
import zlib

from . import _io
from ._buffer import py_buffer
from ._errors import ArrowInvalid
from ._files import PythonFile, _is_bytes, _is_path, _path_text


def _codec_name(compression):
    name = getattr(compression, "name", compression)
    if not isinstance(name, str):
        raise TypeError(f"compression must be the name of a codec or a Codec, not {type(compression).__name__}")
    return _io._compression_of(None, name)


def _readable(source):
    """A Python file object over whatever users give to be read, and what is to be closed with it."""
    if _is_path(source):
        return open(_path_text(source), "rb"), True
    if _is_bytes(source):
        return io.BytesIO(memoryview(py_buffer(source))), True
    if not hasattr(source, "read"):
        raise TypeError(f"expected a path, a file or bytes, got {type(source).__name__}")
    return source, hasattr(source, "close")


class _Inflating(io.RawIOBase):
    """The bytes of a compressed file."""

    def __init__(self, source, codec):
        import bz2
        import gzip

        self._source, self._closes = _readable(source)
        self._title = {"gzip": "zlib inflate failed", "bz2": "bz2 decompress failed"}[codec]
        self._file = (
            gzip.GzipFile(fileobj=self._source, mode="rb") if codec == "gzip" else bz2.BZ2File(self._source, "rb"))

    def readable(self):
        return True

    def readinto(self, target):
        try:
            return self._file.readinto(target)
        except (OSError, EOFError, zlib.error) as problem:
            raise OSError(f"{self._title}: {problem}") from None

    def close(self):
        if not self.closed:
            self._file.close()
            if self._closes:
                self._source.close()
        super().close()


class CompressedInputStream(PythonFile):
    """A file that is decompressed as it is read: 'gzip' or 'bz2'."""

    def __init__(self, stream, compression):
        super().__init__(_Inflating(stream, _codec_name(compression)), "r")


class _Deflating(io.RawIOBase):
    """A file whose bytes are compressed on their way."""

    def __init__(self, target, codec):
        import bz2
        import gzip

        if not _is_path(target) and not hasattr(target, "write"):
            raise TypeError(f"expected a path or a file, got {type(target).__name__}")
        self._target = _io.OSFile(target, "w") if _is_path(target) else target
        self._file = (
            gzip.GzipFile(fileobj=self._target, mode="wb") if codec == "gzip" else bz2.BZ2File(self._target, "wb"))

    def writable(self):
        return True

    def write(self, data):
        return self._file.write(data)

    def flush(self):
        if not self._file.closed:
            self._file.flush()

    def close(self):
        if not self.closed:
            self._file.close()
            if hasattr(self._target, "close"):
                self._target.close()
        super().close()


class CompressedOutputStream(PythonFile):
    """A file whose bytes are compressed as they are written: 'gzip' or 'bz2'."""

    def __init__(self, stream, compression):
        super().__init__(_Deflating(stream, _codec_name(compression)), "w")


class _Raw(io.RawIOBase):
    """What Python's buffers need of a file."""

    def __init__(self, file):
        self._file = file

    def readable(self):
        return hasattr(self._file, "read")

    def writable(self):
        return hasattr(self._file, "write")

    def readinto(self, target):
        data = self._file.read(len(target))
        target[: len(data)] = data
        return len(data)

    def write(self, data):
        self._file.write(bytes(data))
        # What was gathered here is not gathered again below.
        if hasattr(self._file, "flush"):
            self._file.flush()
        return len(data)

    def close(self):
        if not self.closed and self._file is not None:
            self._file.close()
        super().close()


def _check_size(buffer_size):
    if buffer_size is None or buffer_size <= 0:
        raise ValueError("Buffer size must be larger than zero")
    return buffer_size


class _Buffered(PythonFile):
    _kind, _how = None, ""

    def __init__(self, stream, buffer_size, memory_pool=None):
        self._inner = stream
        self._raw = _Raw(stream)
        super().__init__(self._kind(self._raw, _check_size(buffer_size)), self._how)

    def detach(self):
        """The file below, without what reads ahead or gathers; this one is closed."""
        self._check_open()
        if self._how == "w":
            self.flush()
        # The file below stays open when this one is closed.
        self._raw._file = None
        self.close()
        return self._inner


class BufferedInputStream(_Buffered):
    """A file that is read ahead in pieces of `buffer_size` bytes."""

    _kind, _how = io.BufferedReader, "r"


class BufferedOutputStream(_Buffered):
    """A file whose bytes are gathered into pieces of `buffer_size`."""

    _kind, _how = io.BufferedWriter, "w"


class _Counter(io.RawIOBase):
    count = 0

    def writable(self):
        return True

    def write(self, data):
        self.count += len(data)
        return len(data)


class MockOutputStream(PythonFile):
    """A file that counts the bytes that are written to it, and keeps none."""

    def __init__(self):
        super().__init__(_Counter(), "w")

    def size(self):
        """The bytes written so far."""
        return self._handle.count


class _Transcoded(io.RawIOBase):
    """A text file's bytes in another encoding."""

    def __init__(self, stream, src_encoding, dest_encoding):
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(src_encoding)()
        self._encoder = codecs.getincrementalencoder(dest_encoding)()
        self._left = b""
        self._ended = False

    def readable(self):
        return True

    def readinto(self, target):
        while not self._left and not self._ended:
            data = self._stream.read(max(len(target), 1 << 12))
            self._ended = not data
            self._left = self._encoder.encode(self._decoder.decode(data, final=not data), final=not data)
        count = min(len(self._left), len(target))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self):
        if not self.closed:
            self._stream.close()
        super().close()


class TranscodingInputStream(PythonFile):
    """A text file that is read in another encoding than it has."""

    def __init__(self, stream, src_encoding, dest_encoding):
        super().__init__(_Transcoded(stream, src_encoding, dest_encoding), "r")


def transcoding_input_stream(stream, src_encoding, dest_encoding):
    """`stream` in `dest_encoding`; the stream itself when both encodings are the same."""
    if codecs.lookup(src_encoding).name == codecs.lookup(dest_encoding).name:
        return stream
    return TranscodingInputStream(stream, src_encoding, dest_encoding)


class _Window(io.RawIOBase):
    """A part of a file with random access, which does not move the file."""

    def __init__(self, file, offset, size):
        self._file, self._position, self._end = file, offset, offset + size

    def readable(self):
        return True

    def readinto(self, target):
        data = self._file.read_at(max(min(len(target), self._end - self._position), 0), self._position)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)


def window(file, offset, size):
    """`size` bytes of a file from `offset` as a file of their own."""
    if offset < 0 or size < 0:
        raise ArrowInvalid(f"file_offset and nbytes should be a positive value, got {offset} and {size}")
    return PythonFile(_Window(file, offset, size), "r")


class CacheOptions:
    """How reading ahead joins small reads; accepted where pyarrow takes it, and not needed here."""

    def __init__(
        self, *, hole_size_limit=8192, range_size_limit=32 * 1024 * 1024, lazy=True, prefetch_limit=0
    ):
        self.hole_size_limit = hole_size_limit
        self.range_size_limit = range_size_limit
        self.lazy = lazy
        self.prefetch_limit = prefetch_limit

    def __eq__(self, other):
        return self.__dict__ == other.__dict__ if isinstance(other, CacheOptions) else NotImplemented

    __hash__ = object.__hash__

    def __reduce__(self):
        return _cache_options, tuple(self.__dict__.values())

    def __repr__(self):
        return f"CacheOptions({', '.join(f'{name}={value}' for name, value in self.__dict__.items())})"


def _cache_options(hole, range, lazy, prefetch):
    return CacheOptions(hole_size_limit=hole, range_size_limit=range, lazy=lazy, prefetch_limit=prefetch)
