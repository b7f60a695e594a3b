"""Pickling of arrays: their buffers, cut to the slots in use; without a copy where the pickle's maker takes buffers."""

from . import _abi
from . import _types as t
from ._array import buffer_handles, make, wrap
from ._buffer import Buffer


def reduce_array(array):
    if array.type.id == t.Type_EXTENSION:
        from ._extension_arrays import wrap_storage
        return wrap_storage, (array.type, array.storage)
    return _rebuilt, parts_of(array)


def parts_of(array):
    """(type, length, null count, offset, buffers, children, dictionary)"""
    # The last offsets do not count in nbytes. Arrays of nothing may lack them, and then get them.
    if array.offset or not len(array) or array.get_total_buffer_size() > array.nbytes + 64:
        array = _trimmed(array)
    buffers = [None if h is None else Buffer._from_pointer(h) for h in buffer_handles(array)]
    children = [array._child(i, f.type) for i, f in enumerate(array.type._fields())]
    dictionary = array.dictionary if isinstance(array.type, t.DictionaryType) else None
    return array.type, len(array), array.null_count, array.offset, buffers, children, dictionary


def _trimmed(array):
    """A copy of the slots in use; a slice of a large array does not carry the rest along."""
    pieces = [array, array.slice(0, 0)]
    pointer = _abi.new(_abi.lib.martlet_array_concatenate, _abi.handle_array(pieces), len(pieces))
    return wrap(pointer, array.type)


def _rebuilt(type, length, null_count, offset, buffers, children, dictionary):
    handles = [None if b is None else _aligned(b)._handle for b in buffers]
    return make(type, length, handles, null_count, offset, children, dictionary)


def _aligned(buffer):
    """The buffer, where whoever received it put it in a place for values of 16 bytes; else a copy."""
    return buffer if buffer.address % 16 == 0 else Buffer._from_pointer(_abi.copied_buffer(buffer.to_pybytes()))
