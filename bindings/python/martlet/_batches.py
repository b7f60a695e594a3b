"""Many record batches from one call, made into objects when somebody looks at them."""

import ctypes
from ctypes import byref, c_int64, c_void_p

from . import _abi
from ._abi import lib
from ._table import RecordBatch, Table

_STEP = 1024


class Batches:
    """RecordBatches of one schema behind their handles; a sequence, as the batches of a Table."""

    __slots__ = ("_schema", "_handles", "_count", "_made")

    def __init__(self, schema, handles, count):
        """Owns the first `count` addresses of a C array of handles."""
        self._schema, self._handles, self._count, self._made = schema, handles, count, None

    def _all(self):
        made = self._made
        if made is None:
            schema, from_pointer = self._schema, RecordBatch._from_pointer
            handles, count, self._count = self._handles, self._count, 0
            made = self._made = [from_pointer(handles[i], schema) for i in range(count)]
            self._handles = None
        return made

    def __len__(self):
        return self._count or len(self._made or ())

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, key):
        return self._all()[key]

    # The function is a default value, so that it is there when the interpreter's modules are gone.
    def __del__(self, release=lib.martlet_arrays_release):
        if self._count:
            release(self._handles, self._count)


def read_stream(stream, schema):
    """A Table of what is left of a StreamHandle."""
    parts, rows = [], 0
    capacity = 16
    with stream.turn:
        while True:
            handles, count, some = (c_void_p * capacity)(), c_int64(), c_int64()
            _abi.check(lib.martlet_stream_read, stream, capacity, handles, byref(count), byref(some))
            parts.append(Batches(schema, handles, count.value))
            rows += some.value
            if count.value < capacity:
                break
            capacity = min(2 * capacity, _STEP)
    return Table._make(None, schema, rows, _joined(schema, parts))


def _joined(schema, parts):
    if len(parts) == 1:
        return parts[0]
    total = sum(len(part) for part in parts)
    handles, place = (c_void_p * total)(), 0
    for part in parts:
        size = part._count * ctypes.sizeof(c_void_p)
        ctypes.memmove(ctypes.byref(handles, place), part._handles, size)
        place, part._count = place + size, 0
    return Batches(schema, handles, total)


def read_file(file, schema):
    """A Table of all batches of an IpcFileHandle."""
    count, rows = lib.martlet_ipc_file_batch_count(file), c_int64()
    handles = (c_void_p * count)()
    _abi.check(lib.martlet_ipc_file_read, file, handles, byref(rows))
    return Table._make(None, schema, rows.value, Batches(schema, handles, count))
