"""Arrays and streams through the Arrow PyCapsule interface; what of it talks to `ctypes` and is more than one call."""

from ctypes import addressof, c_void_p

from . import _abi
from ._abi import _CAPSULE_POINTER, _ErrorStruct, _raise, lib, new_object

_exported = _abi.object_function("martlet_python_exported")


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


# What one import puts out: memory for two addresses and an error, and where it lies, for reuse.
_spare_outs = []
_imported = lib.martlet_python_imported


def _new_outs():
    outs, error = (c_void_p * 2)(), _ErrorStruct()
    address = addressof(outs)
    return outs, address, address + 8, error, addressof(error)


def imported(schema_capsule, array_capsule, known):
    """Takes the array out of its capsules: its address, and its SchemaHandle, or None when that is as `known`, the address
    of a schema."""
    spare = _spare_outs.pop() if _spare_outs else _new_outs()
    outs, schema_address, array_address, error, error_address = spare
    status = _imported(id(schema_capsule), id(array_capsule), known, schema_address, array_address, error_address)
    if status:
        _raise(status, error)
    schema, array = outs
    _spare_outs.append(spare)
    return array, None if schema is None else _abi.SchemaHandle(schema)


def array_of(source, requested, known):
    """As `imported` for whatever has `__arrow_c_array__` or, in main memory, `__arrow_c_device_array__`."""
    export = getattr(source, "__arrow_c_array__", None)
    if export is not None:
        schema, array = export(requested) if requested is not None else export()
        return imported(schema, array, known)
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
