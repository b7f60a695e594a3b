"""Calls and files that the Parquet reader and writer refuse, and what they say."""

import io
import os
import pickle
import random

import pyarrow
import pyarrow.parquet
import pytest
from arrow_cases import assert_equal, every_type, to_martlet, to_pyarrow
from test_parquet import LARGE, SMALL
from test_parquet_parts import large_file  # noqa: F401

import martlet as pa
import martlet.parquet as pq


# ---- bad calls and bad files -----------------------------------------------------------------------------------------


def test_unknown_keywords(path):
    data = to_martlet(SMALL)
    for call in (
        lambda: pq.write_table(data, path, foo=1),
        lambda: pq.ParquetWriter(path, data.schema, foo=1),
        lambda: pq.read_table(path, foo=1),
        lambda: pq.ParquetFile(path, foo=1),
        lambda: pq.write_to_dataset(data, path, foo=1),
    ):
        with pytest.raises(TypeError, match="foo"):
            call()
    assert not path.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "foo"}, {"version": "9"}, {"data_page_version": "3.0"}, {"coerce_timestamps": "s"},
        {"row_group_size": 0}, {"row_group_size": -5}, {"use_dictionary": True, "column_encoding": "PLAIN"},
        {"use_dictionary": False, "column_encoding": "FOO"}, {"compression": "snappy", "compression_level": 5},
        {"data_page_size": 0},
    ],
    ids=str,
)
def test_bad_options(options, path):
    path.write_bytes(b"old")
    with pytest.raises((ValueError, TypeError, KeyError, pa.ArrowException)):
        pq.write_table(to_martlet(SMALL), path, **options)
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "options",
    [
        {"encryption_properties": object()},
    ],
    ids=str,
)
def test_unsupported_options_say_what_to_do(options, path):
    with pytest.raises(TypeError, match="Unrecognized filesystem"):
        pq.write_table(to_martlet(SMALL), path, filesystem=object())
    with pytest.raises(pa.ArrowNotImplementedError, match="not supported; "):
        pq.write_table(to_martlet(SMALL), path, **options)


def test_schema_mismatch(path):
    data = to_martlet(SMALL)
    with pq.ParquetWriter(path, data.schema) as writer:
        with pytest.raises(ValueError, match="Table schema does not match schema used to create file") as error:
            writer.write_table(data.rename_columns(["q", "b"]))
        assert "column 'a' is missing" in str(error.value)
        with pytest.raises(ValueError, match="column 'a' has type string, expected int64"):
            writer.write_table(pa.table({"a": ["x"], "b": ["y"]}))
        with pytest.raises(TypeError):
            writer.write([1])
        writer.write_table(data)
    with pytest.raises(pa.ArrowInvalid, match="closed"):
        writer.write_table(data)
    writer.close()
    assert pyarrow.parquet.read_table(path).equals(SMALL)


def test_no_table(path):
    for bad in ([1], 5, None, {"a": [1]}):
        with pytest.raises(TypeError):
            pq.write_table(bad, path)
        with pytest.raises(TypeError):
            pq.write_to_dataset(bad, path)
    assert not path.exists()
    with pytest.raises(TypeError):
        pq.ParquetWriter(path, "schema")
    with pytest.raises(TypeError):
        pq.read_table(5)


def test_missing_files(path):
    for call in (pq.read_table, pq.ParquetFile, pq.read_metadata, pq.read_schema):
        with pytest.raises(FileNotFoundError) as error:
            call(path)
        assert str(path) in str(error.value)
    with pytest.raises(FileNotFoundError):
        pq.write_table(to_martlet(SMALL), path / "no" / "folder")


def test_no_parquet():
    for data in (b"", b"abc", b"x" * 100, b"PAR1" + b"x" * 100, b"PAR1" * 3):
        with pytest.raises(pa.ArrowInvalid):
            pq.read_table(data)
    with pytest.raises(pa.ArrowInvalid, match="Parquet magic bytes not found in footer"):
        pq.read_table(b"x" * 100)


def test_truncated_and_damaged(path):
    pyarrow.parquet.write_table(every_type("some nulls"), path)
    whole = path.read_bytes()
    for length in range(0, len(whole), max(len(whole) // 200, 1)):
        with pytest.raises((pa.ArrowException, OSError)):
            pq.read_table(whole[:length])
    dice = random.Random(3)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        try:
            pq.read_table(bytes(damaged)).validate(full=True)
        except (pa.ArrowException, OSError, MemoryError):
            pass


def test_checksums_are_verified(path):
    pq.write_table(to_martlet(LARGE.select(["x"])), path, compression="none", use_dictionary=False)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises((pa.ArrowException, OSError), match="(?i)checksum|crc"):
        pq.read_table(bytes(damaged))
    assert pq.read_table(bytes(damaged), page_checksum_verification=False).num_rows == LARGE.num_rows


def test_large_file_round_trip(path):
    pq.write_table(to_martlet(LARGE), path, compression="zstd")
    assert_equal(pyarrow.parquet.read_table(path, page_checksum_verification=True), LARGE)
    assert_equal(to_pyarrow(pq.read_table(path)), LARGE)
    assert_equal(to_pyarrow(pq.read_table(path, use_threads=False)), LARGE)


def test_nothing_is_left_open(path):
    pq.write_table(to_martlet(LARGE), path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        pq.read_table(path)
        pq.read_metadata(path)
        pq.write_table(to_martlet(SMALL), path.with_name("other"))
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_limits_of_the_footer(tmp_path):
    """As pyarrow's: what is larger is refused, what is not is read."""
    wide = pa.table({f"some_long_column_name_{i}": [1] for i in range(1000)})
    pq.write_table(wide, tmp_path / "wide")
    for options in ({"thrift_string_size_limit": 50_000}, {"thrift_container_size_limit": 1_000}):
        with pytest.raises(OSError, match="Couldn't deserialize thrift:.*Exceeded size limit"):
            pq.read_table(tmp_path / "wide", **options)
        with pytest.raises(OSError, match="Exceeded size limit"):
            pq.ParquetFile(tmp_path / "wide", **options)
        (name, limit), = options.items()
        assert pq.read_table(tmp_path / "wide", **{name: 2 * limit}).equals(wide)
        with pytest.raises(ValueError, match="must be larger than zero"):
            pq.read_table(tmp_path / "wide", **{name: 0})
    deep = pa.table({"a": pa.array([[[[1]]]])})
    pq.write_table(deep, tmp_path / "deep")
    assert pq.read_table(tmp_path / "deep", schema_depth_limit=8).equals(deep)
    with pytest.raises(OSError, match="Parquet schema too deeply nested: 8 levels"):
        pq.read_table(tmp_path / "deep", schema_depth_limit=7)


def test_damage_is_an_error_of_values_and_of_files(path, tmp_path):
    """pyarrow raises ArrowInvalid for some damage and OSError for other."""
    pq.write_table(pa.table({"a": [1, 2, 3]}), path, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    chunk = pq.read_metadata(path).row_group(0).column(0)
    data[chunk.data_page_offset + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    for expected in (pa.ArrowInvalid, OSError, ValueError, pa.lib.ArrowCorruptedError):
        with pytest.raises(expected, match="CRC|checksum"):
            pq.read_table(path)
    with pytest.raises(pa.ArrowInvalid) as found:
        pq.read_table(io.BytesIO(bytes(100)))
    assert not isinstance(found.value, OSError)
    error = pickle.loads(pickle.dumps(pa.lib.ArrowCorruptedError("words")))
    assert str(error) == "words" and isinstance(error, OSError)


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as found:
        pq.read_table(tmp_path / "nothing.parquet")
    assert str(tmp_path / "nothing.parquet") in found.value.args[0]
