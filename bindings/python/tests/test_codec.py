"""Codecs for bytes, as pyarrow has them."""

import pyarrow
import pytest

import martlet as pa

TEXT = b"what is said once is said again, " * 500
CODECS = ["snappy", "gzip", "brotli", "zstd", "lz4", "lz4_raw"]


@pytest.mark.parametrize("name", CODECS)
def test_both_ways_with_pyarrow(name):
    ours, theirs = pa.Codec(name), pyarrow.Codec(name)
    packed = ours.compress(TEXT)
    assert packed.size < len(TEXT) / 2
    assert theirs.decompress(packed.to_pybytes(), len(TEXT), asbytes=True) == TEXT
    assert ours.decompress(theirs.compress(TEXT, asbytes=True), len(TEXT), asbytes=True) == TEXT
    assert pa.decompress(pa.compress(TEXT, name), len(TEXT), name).to_pybytes() == TEXT
    assert ours.name == theirs.name and pa.Codec.is_available(name)
    with pytest.raises((pa.ArrowException, OSError)):
        ours.decompress(b"no such thing at all, none", 100)


@pytest.mark.parametrize("name", CODECS)
def test_levels(name):
    assert pa.Codec.supports_compression_level(name) == pyarrow.Codec.supports_compression_level(name) or name == "lz4_raw"
    if not pa.Codec.supports_compression_level(name):
        with pytest.raises(pa.ArrowInvalid):
            pa.Codec(name, 5)
        return
    assert pa.Codec.maximum_compression_level(name) == pyarrow.Codec.maximum_compression_level(name)
    assert pa.Codec(name, 9).compression_level == 9
    assert pa.Codec(name, 9).compress(TEXT).size <= pa.Codec(name, 1).compress(TEXT).size + 50


def test_levels_of_ipc_messages():
    table = pa.table({"a": [str(i * i) for i in range(5000)]})
    sizes = []
    for level in (1, 19):
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", level))
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        assert pyarrow.ipc.open_stream(sink.getvalue().to_pybytes()).read_all().equals(pyarrow.table(table))
        sizes.append(sink.getvalue().size)
    assert sizes[1] < sizes[0]


def test_names():
    assert pa.Codec.detect("a/b.zst").name == "zstd" and repr(pa.Codec("gzip", 3)) == (
        "<martlet.Codec name=gzip compression_level=3>")
    with pytest.raises(ValueError, match="Invalid value for compression"):
        pa.Codec("nothing")
    with pytest.raises(ValueError, match="decompressed_size"):
        pa.Codec("zstd").decompress(b"")
