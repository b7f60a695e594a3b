"""Buffers and files."""

import gc
import io
import os
import pickle
import weakref

import numpy as np
import pytest

import martlet as pa


def test_buffer():
    data = b"hello"
    buffer = pa.py_buffer(data)
    assert isinstance(buffer, pa.Buffer)
    assert (buffer.size, len(buffer), buffer.to_pybytes(), bytes(buffer)) == (5, 5, data, data)
    assert buffer.hex() == b"68656C6C6F"
    assert buffer[0] == 104 and buffer[-1] == 111
    assert buffer[1:3].to_pybytes() == b"el"
    assert buffer.slice(1, 2).to_pybytes() == b"el" and buffer.slice(2).to_pybytes() == b"llo"
    assert buffer.slice(5).size == 0
    assert buffer.equals(pa.py_buffer(b"hello")) and buffer == b"hello" and buffer != b"other"
    assert buffer.is_cpu and not buffer.is_mutable
    assert pickle.loads(pickle.dumps(buffer)) == buffer
    for bad in (lambda: buffer.slice(-1), lambda: buffer.slice(6), lambda: buffer[5]):
        with pytest.raises(IndexError):
            bad()
    with pytest.raises(TypeError):
        pa.py_buffer("text")
    with pytest.raises(TypeError):
        pa.Buffer()


def test_buffer_protocol():
    values = np.arange(1000, dtype=np.int64)
    buffer = pa.py_buffer(values)
    assert buffer.address == values.ctypes.data
    assert memoryview(buffer).readonly and memoryview(buffer).nbytes == 8000
    back = np.frombuffer(buffer, dtype=np.int64)
    assert back.ctypes.data == values.ctypes.data and not back.flags.writeable
    assert (back == values).all()
    with pytest.raises((BufferError, TypeError)):
        io.BytesIO(b"x" * 9000).readinto(buffer)
    with pytest.raises(BufferError):
        pa.py_buffer(np.zeros((4, 4))[:, 1])


def test_views_keep_the_buffer():
    buffer = pa.py_buffer(bytearray(b"x" * 100))
    gone = weakref.ref(buffer)
    view = memoryview(buffer)
    del buffer
    gc.collect()
    assert gone() is not None and view[99] == 120
    del view
    gc.collect()
    assert gone() is None


def test_foreign_buffer():
    values = np.arange(10, dtype=np.int32)
    buffer = pa.foreign_buffer(values.ctypes.data, values.nbytes, values)
    assert np.frombuffer(buffer, dtype=np.int32).tolist() == list(range(10))
    assert buffer.parent is values


def test_os_file(path):
    with pa.OSFile(str(path), "wb") as file:
        assert file.writable() and not file.readable() and file.mode == "wb"
        assert file.write(b"abc") == 3
        file.write(pa.py_buffer(b"def"))
        assert file.tell() == 6
        with pytest.raises(OSError, match="only valid on readable files"):
            file.read()
    assert file.closed
    with pytest.raises(ValueError, match="closed file"):
        file.write(b"x")
    with pa.OSFile(path) as file:
        assert (file.size(), file.read(2), file.tell(), file.read(), file.read(1)) == (6, b"ab", 2, b"cdef", b"")
        assert file.seek(1) == 1 and file.read(2) == b"bc"
        assert file.seek(-1, 2) == 5 and file.read() == b"f"
        assert file.read_at(2, 3) == b"de"
        target = bytearray(4)
        file.seek(0)
        assert file.readinto(target) == 4 and target == b"abcd"
        with pytest.raises(OSError, match="only valid on writable files"):
            file.write(b"x")
        with pytest.raises(ValueError):
            file.seek(-5)
    with pa.OSFile(str(path), "ab") as file:
        file.write(b"!")
    assert path.read_bytes() == b"abcdef!"
    with pytest.raises(ValueError, match="Invalid file mode"):
        pa.OSFile(str(path), "zz")


def test_a_file_appears_on_close(path):
    path.write_bytes(b"old")
    file = pa.OSFile(str(path), "wb")
    file.write(b"new")
    assert path.read_bytes() == b"old"
    file.close()
    assert path.read_bytes() == b"new"
    with pytest.raises(RuntimeError):
        with pa.OSFile(str(path), "wb") as file:
            file.write(b"half")
            raise RuntimeError
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_missing_files(path):
    for open_ in (pa.OSFile, pa.memory_map, pa.input_stream):
        with pytest.raises(FileNotFoundError) as error:
            open_(str(path))
        assert str(path) in str(error.value) and error.value.errno == 2
    with pytest.raises(FileNotFoundError):
        pa.OSFile(str(path / "deeper"), "wb")
    with pytest.raises(IsADirectoryError):
        pa.OSFile(str(path.parent))
    with pytest.raises(ValueError, match="null byte"):
        pa.OSFile("a\0b")


def test_memory_map(path):
    path.write_bytes(b"abcdef")
    with pa.memory_map(str(path), "r") as file:
        assert isinstance(file, pa.MemoryMappedFile)
        buffer = file.read_buffer()
        assert file.size() == 6 and buffer.to_pybytes() == b"abcdef"
    os.unlink(path)
    assert bytes(buffer) == b"abcdef"
    with pytest.raises(pa.ArrowNotImplementedError, match="OSFile"):
        pa.memory_map(str(path), "r+")


def test_files_in_memory():
    sink = pa.BufferOutputStream()
    sink.write(b"x" * 10)
    sink.write(b"y")
    assert sink.tell() == 11
    value = sink.getvalue()
    assert value.to_pybytes() == b"x" * 10 + b"y" and sink.getvalue() is value and sink.closed
    reader = pa.BufferReader(value)
    assert reader.read(2) == b"xx"
    whole = reader.read_buffer()
    assert whole.size == 9 and whole.address == value.address + 2
    assert pa.BufferOutputStream().getvalue().size == 0


def test_python_file():
    target = io.BytesIO()
    file = pa.PythonFile(target, "w")
    file.write(b"abc")
    assert target.getvalue() == b"abc"
    assert pa.PythonFile(io.BytesIO(b"qwe"), "r").read() == b"qwe"

    class Unseekable:
        def __init__(self):
            self.parts = [b"ab", b"cd"]

        def read(self, size=-1):
            return self.parts.pop(0) if self.parts else b""

    assert pa.PythonFile(Unseekable(), "r").read() == b"abcd"
    with pytest.raises(TypeError, match="binary"):
        pa.PythonFile(io.StringIO("x"), "r")


def test_streams(tmp_path):
    for name in ("plain", "x.gz", "x.bz2"):
        path = tmp_path / name
        with pa.output_stream(str(path)) as file:
            file.write(b"hello" * 100)
        with pa.input_stream(str(path)) as file:
            assert file.read() == b"hello" * 100
    assert (tmp_path / "x.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert pa.input_stream(b"abc").read() == b"abc"
    with pytest.raises(TypeError):
        pa.input_stream(5)


def test_python_files_are_let_go():
    class File(io.BytesIO):
        pass

    file = File(b"abc")
    gone = weakref.ref(file)
    wrapped = pa.PythonFile(file, "r")
    assert wrapped.read() == b"abc"
    del file, wrapped
    gc.collect()
    pa.array([1]).to_pylist()  # references that the engine gave back are dropped by the next call
    gc.collect()
    assert gone() is None


def test_file_descriptors(path):
    with pa.OSFile(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(b"some bytes")
    descriptor = os.open(path, os.O_RDONLY)
    with pa.OSFile(descriptor, "rb") as file:
        assert file.size() == 10 and file.read(4) == b"some" and file.seek(5) == 5 and file.read() == b"bytes"
    with pytest.raises(OSError):
        os.fstat(descriptor)
    with pytest.raises(OSError):
        pa.OSFile(1 << 20, "rb")
