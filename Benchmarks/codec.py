"""The codec alone: zstd of the C library over the very page bodies of a file, on all processors. It is the floor under
what writing and reading that file can cost."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3


class Zstd:
    """Thread-safe: each thread has contexts of its own, and no call holds the interpreter's lock."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
        size, pointer = ctypes.c_size_t, ctypes.c_void_p
        for name, result, arguments in (
            ("ZSTD_createCCtx", pointer, []),
            ("ZSTD_createDCtx", pointer, []),
            ("ZSTD_compressBound", size, [size]),
            ("ZSTD_compressCCtx", size, [pointer, pointer, size, pointer, size, ctypes.c_int]),
            ("ZSTD_decompressDCtx", size, [pointer, pointer, size, pointer, size]),
            ("ZSTD_isError", ctypes.c_uint, [size]),
        ):
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments
        self.local = threading.local()

    def _own(self):
        if not hasattr(self.local, "contexts"):
            self.local.contexts = self.lib.ZSTD_createCCtx(), self.lib.ZSTD_createDCtx()
            self.local.room = ctypes.create_string_buffer(1)
        return self.local

    def _room(self, count: int):
        own = self._own()
        if len(own.room) < count:
            own.room = ctypes.create_string_buffer(2 * count)
        return own.room

    def compress(self, body: bytes, level: int) -> int:
        bound = self.lib.ZSTD_compressBound(len(body))
        room = self._room(bound)
        return self._checked(self.lib.ZSTD_compressCCtx(self._own().contexts[0], room, bound, body, len(body), level))

    def decompress(self, body: bytes, count: int) -> int:
        room = self._room(count)
        return self._checked(self.lib.ZSTD_decompressDCtx(self._own().contexts[1], room, count, body, len(body)))

    def expand(self, body: bytes, count: int) -> bytes:
        self.decompress(body, count)
        return self._own().room.raw[:count]

    def _checked(self, count: int) -> int:
        if self.lib.ZSTD_isError(count):
            raise RuntimeError("zstd: not a frame")
        return count


def page_bodies(path: Path) -> list[tuple[bytes, int]]:
    """What zstd made of each page of the file, and how long it was before."""
    import pyarrow.parquet as pq

    content = path.read_bytes()
    metadata = pq.read_metadata(path)
    bodies = []
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            end = start + chunk.total_compressed_size
            while start < end:
                header, start = _struct(content, start)
                body, size = content[start : start + header[3]], header[2]
                start += header[3]
                if header[1] == DATA_PAGE_V2:
                    # The levels lie before what is compressed.
                    levels = header[8][5] + header[8][6]
                    body, size = body[levels:], size - levels
                    if not header[8].get(7, True):
                        continue
                if body and header[1] in (DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2):
                    bodies.append((body, size))
    return bodies


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _struct(content: bytes, at: int) -> tuple[dict, int]:
    """A struct of Thrift's compact protocol as {field: value}, as far as page headers need it, and where it ends."""
    fields, last = {}, 0
    while True:
        head = content[at]
        at += 1
        if head == 0:
            return fields, at
        kind, step = head & 15, head >> 4
        if step == 0:
            last, at = _varint(content, at)
            last = (last >> 1) ^ -(last & 1)
        last += step
        if kind in (1, 2):
            fields[last] = kind == 1
        elif kind == 3:
            fields[last], at = content[at], at + 1
        elif kind in (4, 5, 6):
            value, at = _varint(content, at)
            fields[last] = (value >> 1) ^ -(value & 1)
        elif kind == 8:
            count, at = _varint(content, at)
            fields[last], at = content[at : at + count], at + count
        elif kind == 12:
            fields[last], at = _struct(content, at)
        else:
            raise ValueError(f"page header: type {kind} is not expected")


def floor(path: Path, level: int, repeat: int) -> dict:
    """Seconds for compressing and for decompressing all pages of `path`, the best of `repeat`, and their bytes."""
    zstd = Zstd()
    packed = page_bodies(path)
    plain = [zstd.expand(body, size) for body, size in packed]
    # The largest first, so that no processor waits at the end.
    packed.sort(key=lambda pair: -pair[1])
    plain.sort(key=lambda body: -len(body))
    count = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(count) as pool:

        def best(work, items) -> float:
            times = []
            for _ in range(repeat + 1):
                begin = time.perf_counter()
                done = sum(pool.map(work, items))
                times.append(time.perf_counter() - begin)
                if not done:
                    raise RuntimeError("no pages")
            return min(times[1:])

        compress = best(lambda body: zstd.compress(body, level), plain)
        decompress = best(lambda pair: zstd.decompress(*pair), packed)
    return {"compress": compress, "decompress": decompress, "bytes": sum(map(len, plain)), "pages": len(plain)}
