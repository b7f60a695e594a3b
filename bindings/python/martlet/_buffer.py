"""Buffers: pieces of memory."""

from . import _abi, _abi_io
from ._abi import lib
from ._errors import ArrowIndexError, ArrowInvalid


class Buffer(_abi_io.BufferExporter):
    """Immutable bytes in the engine's memory, a file's mapping or a Python object.

    `memoryview(buffer)`, `numpy.frombuffer(buffer)` and `bytes(buffer)` read it where it lies.
    """

    __slots__ = ("_handle", "address", "size", "parent", "__weakref__")

    def __init__(self):
        raise TypeError("Do not call Buffer's constructor directly, use `martlet.py_buffer` function instead.")

    @classmethod
    def _from_pointer(cls, pointer, parent=None):
        """Owns a `martlet_buffer *`, or a BufferHandle."""
        self = cls.__new__(cls)
        self._handle = pointer if isinstance(pointer, _abi.BufferHandle) else _abi.BufferHandle(pointer)
        self.size = lib.martlet_buffer_size(self._handle)
        self.address = lib.martlet_buffer_address(self._handle)
        self.parent = parent
        return self

    _from_handle = _from_pointer

    is_cpu = True
    is_mutable = False

    def slice(self, offset=0, length=None):
        """The bytes from `offset`, at most `length`, without a copy."""
        if offset < 0:
            raise IndexError("Offset must be non-negative")
        if offset > self.size:
            raise ArrowIndexError(f"Negative buffer slice length: offset {offset} of a buffer of {self.size} bytes")
        rest = self.size - offset
        if length is not None and length < 0:
            raise ArrowIndexError("Negative buffer slice length")
        if length is not None and length > rest:
            raise ArrowIndexError(f"Buffer slice would exceed buffer length: {length} bytes from {offset} of {self.size}")
        size = rest if length is None else length
        return Buffer._from_pointer(_abi.new(lib.martlet_buffer_slice, self._handle, offset, size), self)

    def equals(self, other):
        """Whether the bytes are equal."""
        if not isinstance(other, Buffer):
            raise TypeError(f"Argument 'other' has incorrect type (expected martlet.Buffer, got {type(other).__name__})")
        return self.size == other.size and (
            self.address == other.address or memoryview(self) == memoryview(other)
        )

    def to_pybytes(self):
        return bytes(memoryview(self))

    def hex(self):
        """The bytes as hexadecimal digits, in a bytes object."""
        return memoryview(self).hex().upper().encode()

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        if isinstance(key, slice):
            start, stop, step = key.indices(self.size)
            if step != 1:
                raise IndexError("only slices with step 1 supported")
            return self.slice(start, max(stop - start, 0))
        index = key.__index__()
        if index < 0:
            index += self.size
        if not 0 <= index < self.size:
            raise IndexError("index out of bounds")
        return memoryview(self)[index]

    def __eq__(self, other):
        if isinstance(other, Buffer):
            return self.equals(other)
        try:
            return self.equals(py_buffer(other))
        except TypeError:
            return NotImplemented

    __hash__ = None

    def __reduce_ex__(self, protocol):
        if protocol < 5:
            return py_buffer, (self.to_pybytes(),)
        # Who pickles with a `buffer_callback` gets the memory itself (PEP 574).
        from pickle import PickleBuffer
        return py_buffer, (PickleBuffer(memoryview(self)),)

    def __repr__(self):
        return f"<martlet.Buffer address={hex(self.address)} size={self.size} is_cpu=True is_mutable=False>"


def py_buffer(obj):
    """A Buffer over the memory of an object with the buffer protocol, without a copy."""
    if isinstance(obj, Buffer):
        return obj
    try:
        memory = memoryview(obj)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(obj).__name__}'") from None
    if not memory.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous; copy it first: bytes(obj)")
    return _foreign(memory, _abi_io.address_of(memory) if memory.nbytes else 0, memory.nbytes)


def foreign_buffer(address, size, base=None):
    """A Buffer over `size` bytes at `address` that `base` keeps alive."""
    if size < 0 or address < 0:
        raise ArrowInvalid(f"a buffer of {size} bytes at address {address}: both must not be negative")
    return _foreign(base, address, size)


def _foreign(owner, address, size):
    if size == 0:
        return Buffer._from_pointer(_abi.copied_buffer(b""), owner)
    return Buffer._from_pointer(_abi.object_buffer(owner, address, size), owner)
