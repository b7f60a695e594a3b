"""Structures of the Arrow C interfaces at addresses that the caller owns, under pyarrow's names.

Capsules are the better way; these are for callers that allocate the structures themselves: cffi, ctypes, the JVM.
"""

import ctypes
from operator import index

from . import _abi

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.argtypes, _new_capsule.restype = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p], ctypes.py_object
_is_capsule = ctypes.pythonapi.PyCapsule_IsValid
_is_capsule.argtypes = [ctypes.py_object, ctypes.c_char_p]

# The bytes of each structure, and where its `release` lies (C data, C stream and C device interfaces).
_LAYOUTS = {
    b"arrow_schema": (72, 56), b"arrow_array": (80, 64), b"arrow_array_stream": (40, 24), b"arrow_device_array": (128, 64),
    b"arrow_device_array_stream": (48, 32),
}


def _address(pointer):
    """The address from an integer or a capsule's kin; 0 for none."""
    if isinstance(pointer, float) and pointer.is_integer():  # R has no others
        pointer = int(pointer)
    try:
        return index(pointer)
    except TypeError:
        raise TypeError(f"Expected a pointer as an integer, got {type(pointer).__name__}") from None


def _moved(capsule, name, target):
    """Moves the structure of a capsule to `target`, as the C data interface allows."""
    size, release = _LAYOUTS[name]
    source = _abi._CAPSULE_POINTER(capsule, name)
    ctypes.memmove(target, source, size)
    ctypes.memset(source + release, 0, 8)


def _lent(pointer, name):
    """A capsule over the caller's structure, which stays the caller's memory."""
    pointer = _address(pointer)
    if not pointer:
        raise ValueError(f"the address of the {name.decode()} is NULL")
    return _new_capsule(pointer, name, None)


class _Lender:
    """What has the methods of the PyCapsule interface, over the caller's structures."""

    def __init__(self, schema=None, array=None, stream=None, device_array=None, device_stream=None):
        if array is not None:
            self.__arrow_c_array__ = lambda requested=None: (schema, array)
        elif device_array is not None:
            self.__arrow_c_device_array__ = lambda requested=None, **options: (schema, device_array)
        elif stream is not None:
            self.__arrow_c_stream__ = lambda requested=None: stream
        elif device_stream is not None:
            self.__arrow_c_device_stream__ = lambda requested=None, **options: device_stream
        else:
            self.__arrow_c_schema__ = lambda: schema


def _schema_capsule(given):
    """The capsule of the schema that goes with an array: a type, a schema or the address of a structure."""
    return given.__arrow_c_schema__() if hasattr(given, "__arrow_c_schema__") else _lent(given, b"arrow_schema")


class SchemaPointers:
    """For types, fields and schemas. As the classes below, it needs `_lent_by(lender)`: the value that a `_Lender` has."""

    __slots__ = ()

    def _export_to_c(self, out_ptr):
        """Fills the ArrowSchema at the address `out_ptr`; its consumer releases it."""
        _moved(self.__arrow_c_schema__(), b"arrow_schema", _address(out_ptr))

    @classmethod
    def _import_from_c(cls, in_ptr):
        """Takes over the ArrowSchema at the address `in_ptr`."""
        return cls._lent_by(_Lender(_lent(in_ptr, b"arrow_schema")))

    @classmethod
    def _import_from_c_capsule(cls, schema):
        return cls._lent_by(_Lender(schema))


class ArrayPointers:
    """For arrays and record batches."""

    __slots__ = ()

    def _export_to_c(self, out_ptr, out_schema_ptr=0):
        """Fills the ArrowArray at the address `out_ptr` and the ArrowSchema at the other, if there is one."""
        self._exported(self.__arrow_c_array__(), b"arrow_array", out_ptr, out_schema_ptr)

    def _export_to_c_device(self, out_ptr, out_schema_ptr=0):
        """As `_export_to_c` for an ArrowDeviceArray, of the CPU."""
        self._exported(self.__arrow_c_device_array__(), b"arrow_device_array", out_ptr, out_schema_ptr)

    @staticmethod
    def _exported(capsules, name, out_ptr, out_schema_ptr):
        schema, array = capsules
        _moved(array, name, _address(out_ptr))
        if _address(out_schema_ptr):
            _moved(schema, b"arrow_schema", _address(out_schema_ptr))

    @classmethod
    def _import_from_c(cls, in_ptr, type):
        """Takes over the ArrowArray at the address `in_ptr`; `type` is known or the address of an ArrowSchema."""
        return cls._lent_by(_Lender(_schema_capsule(type), array=_lent(in_ptr, b"arrow_array")))

    @classmethod
    def _import_from_c_device(cls, in_ptr, type):
        """As `_import_from_c` for an ArrowDeviceArray, of the CPU."""
        return cls._lent_by(_Lender(_schema_capsule(type), device_array=_lent(in_ptr, b"arrow_device_array")))

    @classmethod
    def _import_from_c_capsule(cls, schema, array):
        return cls._lent_by(_Lender(schema, array=array))

    @classmethod
    def _import_from_c_device_capsule(cls, schema, array):
        return cls._lent_by(_Lender(schema, device_array=array))


class StreamPointers:
    """For readers."""

    __slots__ = ()

    def _export_to_c(self, out_ptr):
        """Fills the ArrowArrayStream at the address `out_ptr`; its consumer releases it."""
        _moved(self.__arrow_c_stream__(), b"arrow_array_stream", _address(out_ptr))

    @classmethod
    def _import_from_c(cls, in_ptr):
        """Takes over the ArrowArrayStream at the address `in_ptr`."""
        return cls._lent_by(_Lender(stream=_lent(in_ptr, b"arrow_array_stream")))

    @classmethod
    def _import_from_c_capsule(cls, stream):
        return cls._lent_by(_Lender(stream=stream))
