"""IPC files and streams: both ways with pyarrow, polars and arro3, custom metadata, pipes, sockets and bad input."""

import io
import os
import socket
import subprocess
import sys
import threading

import polars
import pyarrow
import pyarrow.ipc
import pytest
from arrow_cases import LAYOUTS, TYPES, assert_equal, compact, every_type, table, to_martlet, to_pyarrow

import martlet as pa
import martlet.ipc as ipc

FORMATS = ["stream", "file"]
SMALL = pyarrow.table({"a": [1, 2, 3], "b": ["x", None, "zz"]})


def pyarrow_bytes(data, format, compression=None) -> bytes:
    sink = pyarrow.BufferOutputStream()
    new = pyarrow.ipc.new_stream if format == "stream" else pyarrow.ipc.new_file
    options = pyarrow.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=format == "file")
    with new(sink, data.schema, options=options) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


def martlet_bytes(data, format, compression=None, **options) -> bytes:
    sink = pa.BufferOutputStream()
    new = ipc.new_stream if format == "stream" else ipc.new_file
    data = to_martlet(data)
    with new(sink, data.schema, options=ipc.IpcWriteOptions(compression=compression, **options)) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


def pyarrow_read(data: bytes, format) -> pyarrow.Table:
    open_ = pyarrow.ipc.open_stream if format == "stream" else pyarrow.ipc.open_file
    result = open_(data).read_all()
    result.validate(full=True)
    return result


def martlet_read(source, format) -> pyarrow.Table:
    open_ = ipc.open_stream if format == "stream" else ipc.open_file
    return to_pyarrow(open_(source).read_all())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_read_what_pyarrow_wrote(type_name, layout, format):
    data = table(type_name, layout)
    assert_equal(martlet_read(pa.py_buffer(pyarrow_bytes(data, format)), format), data)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_pyarrow_reads_what_was_written(type_name, layout, format):
    data = table(type_name, layout)
    written = martlet_bytes(data, format, unify_dictionaries=format == "file")
    assert_equal(pyarrow_read(written, format), data)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_compression(layout, format, compression):
    data = every_type(layout)
    written = martlet_bytes(data, format, compression, unify_dictionaries=format == "file")
    assert_equal(pyarrow_read(written, format), data)
    assert_equal(martlet_read(written, format), data)
    assert_equal(martlet_read(pyarrow_bytes(data, format, compression), format), data)


def test_compression_makes_it_smaller():
    data = pyarrow.table({"x": pyarrow.array([7] * 100_000)})
    assert len(martlet_bytes(data, "file", "zstd")) < 50_000
    assert len(martlet_bytes(data, "stream", "lz4")) < 50_000


@pytest.mark.parametrize("layout", LAYOUTS)
def test_polars(layout, tmp_path):
    # polars has no fixed-size binary; its own types for the rest are compared through its own reading of pyarrow's file.
    data = every_type(layout, without=[n for n in TYPES if "fixed_size" in n or "dictionary" in n or "null" == n])
    path = tmp_path / "x.arrow"
    path.write_bytes(martlet_bytes(data, "file"))
    judge = tmp_path / "judge.arrow"
    judge.write_bytes(pyarrow_bytes(data, "file"))
    assert polars.read_ipc(path).equals(polars.read_ipc(judge), null_equal=True)

    frame = polars.from_arrow(data)
    for compression in ("uncompressed", "lz4", "zstd"):
        frame.write_ipc(path, compression=compression, compat_level=polars.CompatLevel.oldest())
        assert_equal(martlet_read(str(path), "file"), pyarrow_read(path.read_bytes(), "file"))


def test_arro3(tmp_path):
    from arro3.core import Table
    from arro3.io import read_ipc, read_ipc_stream, write_ipc, write_ipc_stream

    for layout in LAYOUTS:
        data = every_type(layout, without=[n for n in TYPES if "dictionary" in n])
        for format, read in (("file", read_ipc), ("stream", read_ipc_stream)):
            got = pyarrow.table(read(io.BytesIO(martlet_bytes(data, format))).read_all())
            assert_equal(got, data)
        for format, write in (("file", write_ipc), ("stream", write_ipc_stream)):
            sink = io.BytesIO()
            write(Table.from_arrow(compact(data)), sink, compression=None)
            assert_equal(martlet_read(sink.getvalue(), format), data)


# ---- the readers and writers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_schema_metadata(format):
    schema = pyarrow.schema(
        [pyarrow.field("a", pyarrow.int64(), nullable=False, metadata={"unit": "km"})], metadata={"who": "me", "n": "ü"}
    )
    data = pyarrow.table({"a": [1, 2]}, schema=schema)
    written = martlet_bytes(data, format)
    assert pyarrow_read(written, format).schema.equals(schema, check_metadata=True)
    assert pyarrow.schema(ipc_open(format)(written).schema).equals(schema, check_metadata=True)


def ipc_open(format):
    return ipc.open_stream if format == "stream" else ipc.open_file


def test_file_reader():
    data = to_martlet(SMALL)
    sink = pa.BufferOutputStream()
    writer = ipc.new_file(sink, data.schema, metadata={"footer": "note"})
    assert isinstance(writer, ipc.RecordBatchFileWriter)
    batch = data.to_batches()[0]
    for _ in range(3):
        writer.write_batch(batch)
    writer.write(data)
    writer.write(batch)
    assert writer.stats.num_record_batches == 5
    writer.close()
    writer.close()

    reader = ipc.open_file(sink.getvalue())
    assert isinstance(reader, ipc.RecordBatchFileReader)
    assert reader.num_record_batches == 5
    assert reader.schema == data.schema
    assert reader.get_batch(4).equals(batch)
    assert reader.get_record_batch(0).equals(batch)
    assert reader.read_all().num_rows == 15
    assert reader.count_rows() == 15
    assert reader.metadata[b"footer"] == b"note"
    assert pyarrow.ipc.open_file(sink.getvalue().to_pybytes()).metadata == {b"footer": b"note"}
    for index in (5, -1):
        with pytest.raises(ValueError, match="out of range"):
            reader.get_batch(index)
    with reader as same:
        assert same.read_pandas().shape == (15, 2)


def test_stream_reader():
    data = to_martlet(SMALL)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, data.schema) as writer:
        assert isinstance(writer, ipc.RecordBatchStreamWriter)
        writer.write_table(data, max_chunksize=2)
        writer.write_batch(data.to_batches()[0], custom_metadata={"k": "v"})
        assert writer.stats == (4, 3, 0, 0, 0)
    buffer = sink.getvalue()
    reader = ipc.open_stream(buffer)
    assert isinstance(reader, pa.RecordBatchReader)
    assert [batch.num_rows for batch in reader] == [2, 1, 3]
    with pytest.raises(StopIteration):
        reader.read_next_batch()
    with ipc.open_stream(buffer) as reader:
        assert reader.read_next_batch().num_rows == 2
        assert reader.read_all().num_rows == 4
    judge = pyarrow.ipc.open_stream(buffer.to_pybytes())
    metadata = [dict(m or {}) for _, m in judge.iter_batches_with_custom_metadata()]
    assert metadata == [{}, {}, {b"k": b"v"}]


def test_readers_are_streams():
    data = to_martlet(SMALL)
    assert_equal(pyarrow.table(ipc.open_stream(martlet_bytes(SMALL, "stream"))), SMALL)
    assert polars.DataFrame(ipc.open_stream(martlet_bytes(SMALL, "stream"))).shape == (3, 2)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, data.schema) as writer:
        writer.write(polars.DataFrame({"a": [1], "b": ["q"]}).to_arrow().cast(SMALL.schema))
        writer.write(SMALL)
    assert pyarrow_read(sink.getvalue(), "stream").num_rows == 4


def test_included_fields():
    written = martlet_bytes(SMALL, "file")
    reader = ipc.open_file(written, options=ipc.IpcReadOptions(included_fields=[1]))
    assert reader.read_all().column_names == ["b"]


def test_dictionaries_that_change():
    first = pyarrow.chunked_array(
        [pyarrow.array(["a", "b"]).dictionary_encode(), pyarrow.array(["c", "a", "d"]).dictionary_encode()]
    )
    data = pyarrow.table({"d": first})
    assert_equal(pyarrow_read(martlet_bytes(data, "stream"), "stream"), data)
    assert_equal(martlet_read(pyarrow_bytes(data, "stream"), "stream"), data)
    with pytest.raises(pa.ArrowInvalid, match="[Dd]ictionary"):
        martlet_bytes(data, "file")
    assert_equal(pyarrow_read(martlet_bytes(data, "file", unify_dictionaries=True), "file"), data)


def test_serialize():
    batch = to_martlet(SMALL).to_batches()[0]
    judge = SMALL.to_batches()[0]
    assert pyarrow.ipc.read_record_batch(batch.serialize().to_pybytes(), judge.schema).equals(judge)
    assert pyarrow.ipc.read_schema(pyarrow.py_buffer(batch.schema.serialize().to_pybytes())).equals(judge.schema)
    assert ipc.read_schema(judge.schema.serialize().to_pybytes()) == batch.schema
    assert ipc.read_record_batch(judge.serialize().to_pybytes(), batch.schema).equals(batch)
    assert ipc.get_record_batch_size(batch) == len(batch.serialize().to_pybytes())


# ---- sources and sinks -----------------------------------------------------------------------------------------------


def test_os_file_and_memory_map(path):
    data = to_martlet(SMALL)
    with pa.OSFile(str(path), "wb") as sink:
        with ipc.new_file(sink, data.schema) as writer:
            writer.write(data)
    assert_equal(pyarrow_read(path.read_bytes(), "file"), SMALL)
    source = pa.memory_map(str(path), "r")
    assert ipc.open_file(source).read_all().equals(data)
    with pa.OSFile(str(path)) as source:
        assert ipc.open_file(source).read_all().equals(data)
    with open(path, "rb") as source:
        assert ipc.open_file(source).read_all().equals(data)
    assert ipc.open_file(str(path)).read_all().equals(data)
    assert ipc.open_file(path).read_all().equals(data)


def test_mapped_batches_outlive_the_reader(path):
    data = pyarrow.table({"x": list(range(100_000))})
    path.write_bytes(martlet_bytes(data, "file"))
    batch = ipc.open_file(pa.memory_map(str(path), "r")).get_batch(0)
    path.unlink()
    assert batch.column("x").to_numpy()[99_999] == 99_999


def test_python_files(tmp_path):
    data = to_martlet(SMALL)
    sink = io.BytesIO()
    with ipc.new_file(sink, data.schema) as writer:
        writer.write(data)
    assert_equal(pyarrow_read(sink.getvalue(), "file"), SMALL)
    sink.seek(0)
    assert ipc.open_file(sink).read_all().equals(data)

    with open(tmp_path / "buffered", "wb") as sink:
        sink.write(b"before")
        with ipc.new_stream(sink, data.schema) as writer:
            writer.write(data)
        sink.write(b"after")
    written = (tmp_path / "buffered").read_bytes()
    assert written.startswith(b"before") and written.endswith(b"after")
    assert_equal(pyarrow_read(written[6:-5], "stream"), SMALL)
    with open(tmp_path / "buffered", "rb") as source:
        assert source.read(6) == b"before"
        assert ipc.open_stream(source).read_all().equals(data)


class Failing(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        raise ZeroDivisionError("from the sink")

    def readable(self):
        return True

    def readinto(self, target):
        raise ZeroDivisionError("from the source")


def test_exceptions_of_python_files_arrive():
    data = to_martlet(SMALL)
    with pytest.raises(ZeroDivisionError, match="from the sink"):
        with ipc.new_stream(Failing(), data.schema) as writer:
            writer.write(data)
    with pytest.raises(ZeroDivisionError, match="from the source"):
        ipc.open_stream(Failing()).read_all()


def test_pipe_batch_by_batch():
    data = to_martlet(SMALL)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as source, os.fdopen(write_end, "wb") as sink:
        writer = ipc.new_stream(sink, data.schema)
        writer.write(data)
        sink.flush()
        reader = ipc.open_stream(source)
        assert reader.read_next_batch().num_rows == 3  # before the writer has closed
        writer.write(data)
        sink.flush()
        assert reader.read_next_batch().num_rows == 3
        writer.close()
        sink.flush()
        with pytest.raises(StopIteration):
            reader.read_next_batch()


def test_large_stream_through_a_pipe():
    data = pyarrow.table({"x": list(range(500_000)), "s": [str(i) for i in range(500_000)]})
    program = (
        "import sys, martlet.ipc as ipc\n"
        "reader = ipc.open_stream(sys.stdin.buffer)\n"
        "writer = ipc.new_stream(sys.stdout.buffer, reader.schema)\n"
        "for batch in reader: writer.write_batch(batch)\n"
        "writer.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=martlet_bytes(data, "stream"), capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_equal(pyarrow_read(done.stdout, "stream"), data)


def test_socket():
    data = pyarrow.table({"x": list(range(100_000))})
    left, right = socket.socketpair()

    def send():
        with left, left.makefile("wb") as sink:
            with ipc.new_stream(sink, to_martlet(data).schema) as writer:
                writer.write_table(to_martlet(data), max_chunksize=1000)

    thread = threading.Thread(target=send)
    thread.start()
    with right, right.makefile("rb") as source:
        reader = ipc.open_stream(source)
        got = to_pyarrow(pa.Table.from_batches(list(reader), schema=reader.schema))
    thread.join()
    assert_equal(got, data)


def test_exception_in_with_leaves_no_valid_file(path):
    data = to_martlet(SMALL)
    with pytest.raises(RuntimeError, match="stop"):
        with ipc.new_file(str(path), data.schema) as writer:
            writer.write(data)
            raise RuntimeError("stop")
    assert not path.exists()
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stop"):
        with ipc.new_file(str(path), data.schema) as writer:
            writer.write(data)
            raise RuntimeError("stop")
    assert path.read_bytes() == b"old"

    sink = pa.BufferOutputStream()
    with pytest.raises(RuntimeError):
        with ipc.new_file(sink, data.schema) as writer:
            writer.write(data)
            raise RuntimeError("stop")
    with pytest.raises(pyarrow.ArrowInvalid):
        pyarrow.ipc.open_file(sink.getvalue().to_pybytes())


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_bad_calls(path):
    data = to_martlet(SMALL)
    batch = data.to_batches()[0]
    sink = pa.BufferOutputStream()
    writer = ipc.new_stream(sink, data.schema)
    with pytest.raises(pa.ArrowInvalid, match="Tried to write record batch with different schema"):
        writer.write_batch(batch.rename_columns(["q", "b"]))
    with pytest.raises((TypeError, ValueError)):
        writer.write(5)
    writer.close()
    with pytest.raises(pa.ArrowInvalid, match="closed"):
        writer.write_batch(batch)
    with pytest.raises(ValueError, match="Invalid value for compression: 'foo'"):
        ipc.IpcWriteOptions(compression="foo")
    with pytest.raises(TypeError, match="expected IpcWriteOptions"):
        ipc.new_stream(sink, data.schema, options=5)
    with pytest.raises(TypeError):
        ipc.new_stream(5, data.schema)
    with pytest.raises(TypeError):
        ipc.new_stream(pa.BufferOutputStream(), "no schema")
    with pytest.raises(TypeError):
        ipc.open_file(5)
    for open_ in (ipc.open_file, ipc.open_stream, pa.memory_map, pa.OSFile):
        with pytest.raises(FileNotFoundError) as error:
            open_(str(path))
        assert str(path) in str(error.value)


@pytest.mark.parametrize("data", [b"", b"abc", b"abc" * 100, b"\xff" * 100, b"ARROW1" + b"\x00" * 100])
@pytest.mark.parametrize("format", FORMATS)
def test_no_arrow_data(data, format):
    with pytest.raises((pa.ArrowInvalid, OSError)):
        ipc_open(format)(data).read_all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("format", FORMATS)
def test_truncated(format, compression):
    whole = martlet_bytes(every_type("some nulls"), format, compression)
    for length in range(0, len(whole) - 9, max(len(whole) // 300, 1)):
        try:
            got = ipc_open(format)(whole[:length]).read_all()
        except (pa.ArrowException, OSError, ValueError):
            continue
        assert format == "stream" and got.num_rows == 0, length


@pytest.mark.parametrize("format", FORMATS)
def test_flipped_bytes_never_crash(format):
    whole = bytearray(martlet_bytes(every_type("some nulls"), format))
    for position in range(0, len(whole), max(len(whole) // 500, 1)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        try:
            got = ipc_open(format)(bytes(damaged)).read_all()
            got.validate(full=True)
            got.to_pylist()
        except (pa.ArrowException, OSError, ValueError, OverflowError):
            pass


def test_mapped_file_that_shrinks(path):
    data = pyarrow.table({"x": list(range(1_000_000))})
    path.write_bytes(martlet_bytes(data, "file"))
    reader = ipc.open_file(pa.memory_map(str(path), "r"))
    os.truncate(path, 4096)
    with pytest.raises((pa.ArrowException, OSError)):
        reader.get_batch(0).column("x").to_pylist()
        reader.get_batch(0)
