"""Compression of bytes, by the codecs of files and IPC messages."""

import ctypes

from . import _abi
from ._abi import lib
from ._buffer import Buffer, py_buffer
from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError

_NAMES = ("snappy", "gzip", "brotli", "zstd", "lz4", "lz4_raw")
_NOT_BUILT = ("bz2", "lzo")
_ENDINGS = {"bz2": "bz2", "gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "lz4": "lz4", "br": "brotli", "snappy": "snappy"}


class Codec:
    """A codec by its name: 'snappy', 'gzip', 'brotli', 'zstd', 'lz4' or 'lz4_raw', some with a level."""

    __slots__ = ("name", "compression_level", "_level")

    def __init__(self, compression, compression_level=None):
        if not isinstance(compression, str):
            raise TypeError(f"compression must be the name of a codec, not {type(compression).__name__}")
        self.name = _name(compression)
        if compression_level is not None:
            _levels(self.name)
        self._level = None if compression_level is None else int(compression_level)
        self.compression_level = self._level if self._level is not None else _default(self.name)

    @staticmethod
    def detect(path):
        """The codec that the ending of a path names."""
        ending = str(path).rsplit(".", 1)[-1]
        if ending not in _ENDINGS:
            raise ValueError(f"Invalid value for compression: {ending!r}")
        return Codec(_ENDINGS[ending])

    @staticmethod
    def is_available(compression):
        return compression not in _NOT_BUILT and _name(compression) in _NAMES

    @staticmethod
    def supports_compression_level(compression):
        try:
            _levels(_name(compression))
        except ArrowException:
            return False
        return True

    @staticmethod
    def minimum_compression_level(compression):
        return _levels(_name(compression))[0]

    @staticmethod
    def maximum_compression_level(compression):
        return _levels(_name(compression))[1]

    @staticmethod
    def default_compression_level(compression):
        return _levels(_name(compression))[2]

    def compress(self, buf, asbytes=False, memory_pool=None):
        """The compressed bytes, in a Buffer; as bytes if wanted."""
        level = None if self._level is None else ctypes.byref(ctypes.c_int64(self._level))
        pointer = _abi.new(lib.martlet_codec_compress, self.name.encode(), level, py_buffer(buf)._handle)
        return _given(pointer, asbytes)

    def decompress(self, buf, decompressed_size=None, asbytes=False, memory_pool=None):
        """The bytes that were compressed, of which there are `decompressed_size`."""
        if decompressed_size is None:
            raise ValueError("Must pass decompressed_size: the number of bytes that come out")
        pointer = _abi.new(
            lib.martlet_codec_decompress, self.name.encode(), py_buffer(buf)._handle, int(decompressed_size))
        return _given(pointer, asbytes)

    def __repr__(self):
        return f"<martlet.Codec name={self.name} compression_level={self.compression_level}>"


def _given(pointer, asbytes):
    buffer = Buffer._from_pointer(pointer)
    return buffer.to_pybytes() if asbytes else buffer


def _name(compression):
    name = compression.lower() if isinstance(compression, str) else None
    if name == "lz4_frame":
        name = "lz4"
    if name in _NOT_BUILT:
        raise ArrowNotImplementedError(f"Support for codec '{name}' not built: there are {', '.join(_NAMES)}")
    if name not in _NAMES:
        raise ValueError(f"Invalid value for compression: {compression!r}; one of {', '.join(_NAMES)} is wanted")
    return name


def _levels(name):
    levels = (ctypes.c_int64 * 3)()
    _abi.check(lib.martlet_codec_levels, name.encode(), levels)
    return tuple(levels)


def _default(name):
    try:
        return _levels(name)[2]
    except ArrowInvalid:
        return None


def compress(buf, codec="lz4", asbytes=False, memory_pool=None):
    """`Codec(codec).compress(buf)`"""
    return Codec(codec).compress(buf, asbytes)


def decompress(buf, decompressed_size=None, codec="lz4", asbytes=False, memory_pool=None):
    """`Codec(codec).decompress(buf, decompressed_size)`"""
    return Codec(codec).decompress(buf, decompressed_size, asbytes)
