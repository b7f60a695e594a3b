"""Arrays and streams through the Arrow PyCapsule interface; what of it talks to `ctypes` and is more than one call."""

from . import _abi
from ._abi import _CAPSULE_POINTER, lib, new_object

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


class Requested:
    """An object with nothing but `__arrow_c_array__`, which asks `source` for a schema."""

    def __init__(self, source, requested):
        self.source, self.requested = source, requested

    def __arrow_c_array__(self):
        return self.source.__arrow_c_array__(self.requested)


def device_array_of(source, requested):
    """The address and the SchemaHandle of whatever has `__arrow_c_device_array__`, in main memory."""
    schema, array = source.__arrow_c_device_array__(requested)
    address = _CAPSULE_POINTER(array, b"arrow_device_array")
    schema = _abi.schema_from_capsule(schema)
    return _abi.new(lib.martlet_array_import_device, address, schema), schema


def stream_of(source, requested):
    """A StreamHandle for whatever has `__arrow_c_stream__` or, in main memory, `__arrow_c_device_stream__`."""
    export = getattr(source, "__arrow_c_stream__", None)
    if export is not None:
        return _abi.stream_from_capsule(export(requested))
    capsule = source.__arrow_c_device_stream__(requested)
    address = _CAPSULE_POINTER(capsule, b"arrow_device_array_stream")
    return _abi.StreamHandle(_abi.new(lib.martlet_stream_import_device, address))


def is_array(obj):
    return hasattr(obj, "__arrow_c_array__") or hasattr(obj, "__arrow_c_device_array__")


def is_stream(obj):
    return hasattr(obj, "__arrow_c_stream__") or hasattr(obj, "__arrow_c_device_stream__")
