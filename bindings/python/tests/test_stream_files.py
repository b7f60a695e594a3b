"""Files over files: compressed, buffered, transcoded, counted; pyarrow's do the same."""

import bz2
import gzip
import io

import pyarrow
import pytest

import martlet as pa

BOTH = pytest.mark.parametrize("module", [pyarrow, pa], ids=["pyarrow", "martlet"])
DATA = b"some data\n" * 5000


@BOTH
@pytest.mark.parametrize("name, pack", [("gzip", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_files(module, name, pack, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(pack(DATA))
    for source in (module.OSFile(str(path)), path.open("rb"), module.BufferReader(pack(DATA))):
        with module.CompressedInputStream(source, name) as stream:
            assert stream.readable() and not stream.writable() and not stream.seekable()
            assert stream.read(10) == DATA[:10] and stream.read_buffer().to_pybytes() == DATA[10:]
        assert stream.closed and source.closed
    with module.CompressedOutputStream(str(path), name) as stream:
        stream.write(DATA)
    assert {"gzip": gzip, "bz2": bz2}[name].decompress(path.read_bytes()) == DATA
    sink = module.BufferOutputStream()
    batch = module.record_batch({"n": [1, 2, 3]})
    stream = module.CompressedOutputStream(sink, name)
    with module.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    stream.close()
    packed = module.CompressedInputStream(module.BufferReader(sink.getvalue()), name)
    assert module.ipc.open_stream(packed).read_all().to_pydict() == {"n": [1, 2, 3]}
    with module.CompressedInputStream(module.BufferReader(b"not packed at all"), name) as stream:
        with pytest.raises(OSError, match="zlib inflate failed" if name == "gzip" else "bz"):
            stream.read()
    for wrong, error in (("x", ValueError), (None, TypeError)):
        with pytest.raises(error):
            module.CompressedInputStream(module.BufferReader(b""), wrong)


@BOTH
def test_buffered_files(module):
    raw = module.BufferReader(b"123456789")
    stream = module.BufferedInputStream(raw, buffer_size=4)
    assert stream.read(2) == b"12" and raw.tell() == 4
    found = stream.detach()
    assert stream.closed and not raw.closed and found.read(4) == b"5678"
    stream = module.BufferedInputStream(found, buffer_size=4)
    stream.close()
    assert raw.closed
    sink = io.BytesIO()
    stream = module.BufferedOutputStream(module.PythonFile(sink, "w"), buffer_size=4)
    stream.write(b"12")
    assert sink.getvalue() == b""
    stream.flush()
    assert sink.getvalue() == b"12"
    stream.write(b"3")
    raw = stream.detach()
    assert sink.getvalue() == b"123" and stream.closed and not raw.closed
    for open_file, kind in ((module.input_stream, lambda: memoryview(b"ab")), (module.output_stream, io.BytesIO)):
        assert "Buffered" in type(open_file(kind(), buffer_size=8)).__name__
        with pytest.raises(ValueError, match="Buffer size must be larger than zero"):
            open_file(kind(), buffer_size=-1)


@BOTH
def test_counted_bytes(module):
    batch = module.record_batch({"n": [1, 2, 3]})
    sizes = []
    for sink in (module.MockOutputStream(), module.BufferOutputStream()):
        with module.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        sizes.append((sink.size(), sink.tell()) if hasattr(sink, "size") and not hasattr(sink, "getvalue") else sink)
    assert sizes[0] == (len(sizes[1].getvalue()),) * 2


@BOTH
def test_other_encodings(module):
    text = "Dœdalus 火\n" * 2000
    raw = module.BufferReader(text.encode("utf-16"))
    assert module.transcoding_input_stream(raw, "utf-16", "utf-8").read() == text.encode()
    raw = module.BufferReader(b"abc")
    assert module.transcoding_input_stream(raw, "utf-8", "UTF8") is raw
    broken = module.transcoding_input_stream(module.BufferReader(b"\xff\xfe\xff"), "utf-8", "utf-16")
    with pytest.raises(UnicodeError):
        broken.read()


@BOTH
def test_parts_and_lines(module, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(DATA)
    file = module.OSFile(str(path))
    part = file.get_stream(file_offset=5, nbytes=12)
    assert part.read(4) == DATA[5:9] and file.tell() == 0 and part.read() == DATA[9:17]
    with pytest.raises(module.ArrowInvalid, match="should be a positive value"):
        file.get_stream(file_offset=-1, nbytes=3)
    path.write_bytes(bytes(4_000_000))
    assert 0 < len(module.OSFile(str(path)).read1()) < 4_000_000
    assert isinstance(file, io.BufferedIOBase)
    with pytest.raises(TypeError, match="writable buffer"):
        file.readinto(b"   ")
    assert b"".join(module.PythonFile(io.BytesIO(b"a\nbc\n\nd"), "r")) == b"a\nbc\n\nd"


def test_lines():
    data = b"a\nbc\n\nd"
    for file in (pa.BufferReader(data), pa.CompressedInputStream(pa.BufferReader(gzip.compress(data)), "gzip")):
        assert file.readline() == b"a\n" and file.readline(1) == b"b" and list(file) == [b"c\n", b"\n", b"d"]
        assert file.readline() == b""
    assert pa.BufferReader(data).readlines() == io.BytesIO(data).readlines()
    assert pa.BufferReader(data).readlines(3) == io.BytesIO(data).readlines(3)


@BOTH
def test_modes_are_found(module, tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    with open(tmp_path / "x", "rb") as file:
        assert module.PythonFile(file).read() == b"abc"
        with pytest.raises(TypeError, match="writable file expected"):
            module.output_stream(file)
    with open(tmp_path / "x", "wb") as file:
        assert module.PythonFile(file).writable()
        with pytest.raises(TypeError, match="readable file expected"):
            module.input_stream(file)
    sink = io.BytesIO()
    file = module.PythonFile(sink)
    assert file.writable() and not file.readable() and not file.seekable()
    with pytest.raises(TypeError, match="binary file expected"):
        module.PythonFile(io.StringIO())


@BOTH
def test_slices_of_buffers_stay_inside(module):
    buffer = module.py_buffer(b"some data!")
    for arguments in ((1, 10), (11,), (-1,), (1, -1)):
        with pytest.raises(IndexError):
            buffer.slice(*arguments)
    assert buffer.slice(10).size == 0 and buffer[1:99].to_pybytes() == b"ome data!"


def test_codecs_that_are_not_here():
    assert not pa.Codec.is_available("bz2") and not pa.Codec.is_available("lzo")
    for name in ("bz2", "lzo"):
        with pytest.raises(pa.ArrowNotImplementedError, match="not built"):
            pa.Codec(name)
    with pytest.raises(TypeError):
        pa.Codec(None)
