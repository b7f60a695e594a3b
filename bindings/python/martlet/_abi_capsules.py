"""Arrays and streams through the Arrow PyCapsule interface; what of it talks to `ctypes` and is more than one call."""

import ctypes
from ctypes import byref, c_int32, c_int64, c_void_p

from . import _abi
from ._abi import _CAPSULE_POINTER, _ErrorStruct, _raise, _spare_errors, lib, new_object
from ._errors import ArrowInvalid, ArrowNotImplementedError

_exported = _abi.object_function("martlet_python_exported")
_CPU = 1


def exported(handle):
    """The capsules of schema and array of an array's handle."""
    try:
        return _exported(handle._as_parameter_)
    except ValueError:  # the long way says why
        return new_object(lib.martlet_python_array_capsules, handle, False)


def exported_to_device(handle, options):
    """As `exported` for `__arrow_c_device_array__`."""
    _refuse(options)
    return new_object(lib.martlet_python_array_capsules, handle, True)


def exported_stream(handle, options=None):
    """The capsule of a stream; of a device stream when there are options, be they empty."""
    if options is not None:
        _refuse(options)
    return new_object(lib.martlet_python_stream_capsule, handle, options is not None)


def _refuse(options):
    unknown = [name for name, value in options.items() if value is not None]
    if unknown:
        raise NotImplementedError(f"Received unsupported keyword argument(s): {unknown}")


def imported(schema_capsule, array_capsule, known):
    """Takes the array out of its capsules: its address, and its SchemaHandle, or None when that is as `known`."""
    error = _spare_errors.pop() if _spare_errors else _ErrorStruct()
    schema, out = c_void_p(), c_void_p()
    status = lib.martlet_python_imported(
        id(schema_capsule), id(array_capsule), known, byref(schema), byref(out), byref(error))
    if status:
        _raise(status, error)
    _spare_errors.append(error)
    return out.value, None if schema.value is None else _abi.SchemaHandle(schema.value)


def array_of(source, requested, known):
    """As `imported` for whatever has `__arrow_c_array__` or, in main memory, `__arrow_c_device_array__`."""
    export = getattr(source, "__arrow_c_array__", None)
    if export is not None:
        return imported(*export(requested), known)
    schema, array = source.__arrow_c_device_array__(requested)
    address = _CAPSULE_POINTER(array, b"arrow_device_array")
    # The plain array is the first member of the structure of a device.
    kind = c_int32.from_address(address + 88).value
    if kind != _CPU:
        raise ArrowNotImplementedError(f"data on a device of type {kind} is not supported; copy it to main memory first")
    schema = _abi.schema_from_capsule(schema)
    return _abi.new(lib.martlet_array_import, address, schema), schema


# ---- device streams that come in -------------------------------------------------------------------------------------


class _DeviceStream(ctypes.Structure):
    _fields_ = [
        ("device_type", c_int32), ("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p),
        ("release", c_void_p), ("private_data", c_void_p),
    ]


_STEP = ctypes.CFUNCTYPE(ctypes.c_int, c_void_p, c_void_p)
_TEXT = ctypes.CFUNCTYPE(ctypes.c_char_p, c_void_p)
_END = ctypes.CFUNCTYPE(None, c_void_p)


class _Incoming:
    """A foreign device stream, moved to us; an iterator of ArrayHandles."""

    def __init__(self, capsule):
        theirs = _DeviceStream.from_address(_CAPSULE_POINTER(capsule, b"arrow_device_array_stream"))
        if not theirs.release:
            raise ArrowInvalid("Cannot import released ArrowDeviceArrayStream")
        if theirs.device_type != _CPU:
            raise ArrowNotImplementedError(
                f"data on a device of type {theirs.device_type} is not supported; copy it to main memory first")
        self._stream = _DeviceStream.from_buffer_copy(theirs)
        theirs.release = None
        self._address = ctypes.addressof(self._stream)
        schema = _abi._ArrowSchema()
        self._check(_STEP(self._stream.get_schema)(self._address, ctypes.addressof(schema)))
        self.schema = _abi.SchemaHandle(_abi.new(lib.martlet_schema_import, byref(schema)))

    def _check(self, status):
        if status:
            text = _TEXT(self._stream.get_last_error)(self._address)
            raise ArrowInvalid((text or b"the stream failed").decode("utf-8", "replace"))

    def __iter__(self):
        return self

    def __next__(self):
        array = (c_int64 * 16)()  # struct ArrowDeviceArray takes 128 bytes, `release` of its array is the ninth word
        self._check(_STEP(self._stream.get_next)(self._address, ctypes.addressof(array)))
        if not array[8]:
            raise StopIteration
        return _abi.ArrayHandle(_abi.new(lib.martlet_array_import, ctypes.addressof(array), self.schema))

    def __del__(self):
        if getattr(self, "_stream", None) is not None and self._stream.release:
            _END(self._stream.release)(self._address)
            self._stream.release = None


def stream_of(source, requested):
    """A StreamHandle for whatever has `__arrow_c_stream__` or, in main memory, `__arrow_c_device_stream__`."""
    export = getattr(source, "__arrow_c_stream__", None)
    if export is not None:
        return _abi.stream_from_capsule(export(requested))
    incoming = _Incoming(source.__arrow_c_device_stream__(requested))
    return _abi.stream_from_iterator(incoming.schema, incoming)


def is_array(obj):
    return hasattr(obj, "__arrow_c_array__") or hasattr(obj, "__arrow_c_device_array__")


def is_stream(obj):
    return hasattr(obj, "__arrow_c_stream__") or hasattr(obj, "__arrow_c_device_stream__")
