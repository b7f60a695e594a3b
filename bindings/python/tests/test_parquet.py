"""Parquet files: both ways with the peers for every type and layout, options, and writers."""

import io

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest
from arrow_cases import LAYOUTS, TYPES, assert_equal, compact, decoded, every_type, table, to_martlet, to_pyarrow

import martlet as pa
import martlet.parquet as pq

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]
SMALL = pyarrow.table({"a": [1, 2, 3], "b": ["x", None, "zz"]})


# What Parquet makes of types that it does not have.
COARSE = {
    pyarrow.date64(): pyarrow.date32(),
    pyarrow.time32("s"): pyarrow.time32("ms"),
    pyarrow.timestamp("s"): pyarrow.timestamp("ms"),
}


def assert_same(got: pyarrow.Table, expected: pyarrow.Table) -> None:
    """Equal to what was written, or to what Parquet makes of it; dictionaries are compared by their values."""
    dictionaries = [pyarrow.types.is_dictionary(type) for type in expected.schema.types]
    got, expected = decoded(got), decoded(expected)
    for i, (mine, field) in enumerate(zip(got.schema, expected.schema)):
        if mine.type != field.type and (dictionaries[i] or mine.type == COARSE.get(field.type)):
            expected = expected.set_column(i, field.with_type(mine.type), expected.column(i).cast(mine.type))
    assert_equal(got, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_read_what_pyarrow_wrote(type_name, layout, path):
    data = table(type_name, layout)
    pyarrow.parquet.write_table(data, path)
    assert_same(to_pyarrow(pq.read_table(path)), data)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_pyarrow_reads_what_was_written(type_name, layout, path):
    data = table(type_name, layout)
    pq.write_table(to_martlet(data), path)
    assert_same(pyarrow.parquet.read_table(path), data)
    assert_same(to_pyarrow(pq.read_table(path)), data)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_codecs_and_pages(codec, page, path):
    data = every_type("some nulls")
    for layout in LAYOUTS:
        data = every_type(layout)
        pq.write_table(to_martlet(data), path, compression=codec, data_page_version=page)
        assert_same(pyarrow.parquet.read_table(path), data)
        assert_same(to_pyarrow(pq.read_table(path)), data)
        pyarrow.parquet.write_table(data, path, compression=codec, data_page_version=page)
        assert_same(to_pyarrow(pq.read_table(path)), data)


def large(rows=200_000) -> pyarrow.Table:
    rng = np.random.default_rng(1)
    words = np.array([f"word {i}" for i in range(5000)])
    return pyarrow.table(
        {
            "id": np.arange(rows),
            "x": rng.standard_normal(rows),
            "small": rng.integers(0, 20, rows).astype(np.int32),
            "maybe": pyarrow.array(rng.standard_normal(rows), mask=rng.random(rows) < 0.3),
            "word": pyarrow.array(words[rng.integers(0, 5000, rows)]),
            "list": pyarrow.array([list(range(i % 4)) if i % 7 else None for i in range(rows)]),
            "flag": rng.random(rows) < 0.5,
            "when": pyarrow.array(np.arange(rows) * 1000, pyarrow.timestamp("ms")),
        }
    )


LARGE = large()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"use_dictionary": ["word"]},
        {"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED", "small": "DELTA_BINARY_PACKED"}},
        {"use_dictionary": False, "use_byte_stream_split": ["x"]},
        {"compression": {"id": "zstd", "word": "snappy"}},
        {"compression": "zstd", "compression_level": 7},
        {"row_group_size": 30_000, "data_page_size": 4096},
        {"write_page_index": True, "max_rows_per_page": 1000},
        {"write_statistics": False},
        {"data_page_version": "2.0", "compression": "zstd"},
        {"version": "1.0"},
        {"store_schema": False},
        {"dictionary_pagesize_limit": 1024},
    ],
    ids=lambda options: ",".join(map(str, options)) or "defaults",
)
def test_write_options(options, path):
    data = to_martlet(LARGE)
    try:
        pq.write_table(data, path, **options)
    except pa.ArrowNotImplementedError:
        pytest.skip("not supported, and says so")
    judge = pyarrow.parquet.read_table(path, page_checksum_verification=True)
    expected = LARGE
    if options.get("version") == "1.0" or options.get("store_schema") is False:
        expected = expected.cast(judge.schema)
    assert_equal(judge, expected)
    back = to_pyarrow(pq.read_table(path))
    assert_equal(back.cast(judge.schema), expected)


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": False},
        {"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED", "word": "DELTA_BYTE_ARRAY"}},
        {"use_dictionary": False, "column_encoding": {"word": "DELTA_LENGTH_BYTE_ARRAY", "x": "BYTE_STREAM_SPLIT"}},
        {"row_group_size": 10_000, "data_page_size": 1000, "write_page_index": True},
        {"data_page_version": "2.0", "compression": "zstd"},
        {"version": "1.0", "use_deprecated_int96_timestamps": True},
        {"write_page_checksum": True, "compression": "gzip"},
        {"store_schema": False},
    ],
    ids=lambda options: ",".join(map(str, options)),
)
def test_read_options_of_pyarrow(options, path):
    pyarrow.parquet.write_table(LARGE, path, **options)
    judge = pyarrow.parquet.read_table(path)
    got = to_pyarrow(pq.read_table(path))
    assert_equal(got.cast(judge.schema), judge)


# ---- the other peers -------------------------------------------------------------------------------------------------

FOR_POLARS = [n for n in TYPES if not any(w in n for w in ("fixed_size", "dictionary", "null", "duration", "float16"))]
FOR_DUCKDB = [
    n for n in TYPES
    if n.split("[")[0] in ("bool", "string", "binary", "date32", "struct", "float32", "float64", "timestamp")
    or n.startswith(("int", "uint", "list", "decimal", "struct"))
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_polars(layout, path):
    data = every_type(layout).select(FOR_POLARS)
    judge = path.with_name("judge")
    pyarrow.parquet.write_table(data, judge)
    pq.write_table(to_martlet(data), path)
    assert polars.read_parquet(path).equals(polars.read_parquet(judge), null_equal=True)

    frame = polars.from_arrow(data)
    for codec in ("uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"):
        frame.write_parquet(path, compression=codec)
        expected = pyarrow.parquet.read_table(path)
        got = to_pyarrow(pq.read_table(path))
        assert_equal(decoded(got).cast(decoded(expected).schema), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_duckdb(layout, path):
    data = every_type(layout).select(FOR_DUCKDB)
    judge = path.with_name("judge")
    pyarrow.parquet.write_table(data, judge)
    pq.write_table(to_martlet(data), path)
    con = duckdb.connect()
    got = con.execute(f"from read_parquet('{path}')").to_arrow_table()
    assert_equal(got, con.execute(f"from read_parquet('{judge}')").to_arrow_table())

    con.execute("set preserve_insertion_order = true")
    for codec in ("uncompressed", "snappy", "gzip", "zstd"):
        for version in ("v1", "v2"):
            target = path.with_name(f"duck-{codec}-{version}")
            con.register("data", compact(data))
            con.execute(
                f"copy (from data) to '{target}' (format parquet, compression {codec}, parquet_version {version})"
            ).fetchall()
            expected = con.execute(f"from read_parquet('{target}')").to_arrow_table()
            assert_equal(to_pyarrow(pq.read_table(target)).cast(expected.schema), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arro3(layout, path):
    from arro3.core import Table
    from arro3.io import read_parquet, write_parquet

    data = every_type(layout)
    pq.write_table(to_martlet(data), path)
    assert_same(pyarrow.table(read_parquet(path).read_all()), data)
    for options in ({}, {"compression": "zstd(1)"}, {"writer_version": "parquet_2_0", "compression": "lz4_raw"}):
        write_parquet(Table.from_arrow(compact(data)), path, **options)
        expected = decoded(pyarrow.parquet.read_table(path))
        assert_equal(decoded(to_pyarrow(pq.read_table(path))).cast(expected.schema), expected)


PLAIN_INTEGERS = {
    "timestamp[s]": pyarrow.timestamp("s"),
    "timestamp[s, tz]": pyarrow.timestamp("s", "Europe/Berlin"),
    "date64": pyarrow.date64(),
    "time32[s]": pyarrow.time32("s"),
}


@pytest.mark.parametrize("type", PLAIN_INTEGERS.values(), ids=PLAIN_INTEGERS)
def test_units_that_arro3_stores_as_plain_integers(type, path):
    """Parquet has no seconds: the stored Arrow schema alone says what such integers count."""
    from arro3.core import Table
    from arro3.io import read_parquet, write_parquet

    step = 86_400_000 if type == pyarrow.date64() else 60
    numbers = pyarrow.array([0, step, None, 5 * step, 7 * step, 9 * step], pyarrow.int64())
    values = numbers.cast(pyarrow.int32()).cast(type) if type.bit_width == 32 else numbers.cast(type)
    nested = pyarrow.StructArray.from_arrays([values], ["a"])
    lists = pyarrow.ListArray.from_arrays([0, 2, 2, 3, 4, 5, 6], values)
    data = pyarrow.table({"flat": values, "struct": nested, "list": lists})
    write_parquet(Table.from_arrow(data), path, max_row_group_size=2)
    assert pyarrow.parquet.ParquetFile(path).schema.column(0).logical_type.type == "NONE"
    expected = pyarrow.table(read_parquet(path).read_all())
    assert expected.schema.types == data.schema.types
    got = to_pyarrow(pq.read_table(path))
    assert got.schema.types == data.schema.types
    assert_equal(got, data)
    for at in (0, 3, 5):
        found = to_pyarrow(pq.read_table(path, filters=[("flat", ">=", values[at].as_py())]))
        assert_equal(found, data.filter(pyarrow.compute.greater_equal(values, values[at])))


def test_writing_what_peers_hold(path):
    frame = polars.DataFrame({"a": [1, 2, None], "b": ["x", "y", None]})
    pq.write_table(frame, path)
    assert polars.read_parquet(path).equals(frame, null_equal=True)
    pq.write_table(duckdb.sql("select 42 as answer"), path)
    assert pyarrow.parquet.read_table(path).to_pydict() == {"answer": [42]}
    pq.write_table(SMALL, path)
    assert pyarrow.parquet.read_table(path).equals(SMALL)
    pq.write_table(SMALL.to_batches()[0], path)
    assert pyarrow.parquet.read_table(path).equals(SMALL)
    pq.write_table(pd.DataFrame({"a": [1.5, None]}), path)
    assert pyarrow.parquet.read_table(path).column("a").to_pylist() == [1.5, None]
    with pq.ParquetWriter(path, SMALL.schema) as writer:
        writer.write(SMALL)
        writer.write_batch(SMALL.to_batches()[0])
        writer.write_table(SMALL)
    assert pyarrow.parquet.read_table(path).num_rows == 9
    assert pyarrow.table(pq.ParquetFile(path)).num_rows == 9


# ---- writers ---------------------------------------------------------------------------------------------------------


def test_small_batches_become_one_row_group(path):
    batch = to_martlet(SMALL).to_batches()[0]
    with pq.ParquetWriter(path, batch.schema, compression="zstd") as writer:
        for _ in range(500):
            writer.write_batch(batch)
    metadata = pyarrow.parquet.read_metadata(path)
    assert (metadata.num_rows, metadata.num_row_groups) == (1500, 1)


def test_row_groups(path):
    data = to_martlet(pyarrow.table({"x": list(range(1000))}))
    pq.write_table(data, path, row_group_size=300)
    metadata = pyarrow.parquet.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [300, 300, 300, 100]
    with pq.ParquetWriter(path, data.schema) as writer:
        writer.write_table(data, row_group_size=400)
        writer.write_table(data, row_group_size=1000)
    metadata = pyarrow.parquet.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [400, 400, 200, 1000]
    assert pyarrow.parquet.read_table(path)["x"].to_pylist() == list(range(1000)) * 2


def test_metadata_that_users_add(path):
    schema = pyarrow.schema([pyarrow.field("a", pyarrow.int64(), metadata={"unit": "km"})], metadata={"who": "me"})
    data = to_martlet(pyarrow.table({"a": [1]}, schema=schema))
    with pq.ParquetWriter(path, data.schema) as writer:
        writer.write_table(data)
        writer.add_key_value_metadata({"run": "7", "größe": "ü"})
    found = pyarrow.parquet.read_metadata(path).metadata
    assert found[b"run"] == b"7" and found["größe".encode()] == "ü".encode() and found[b"who"] == b"me"
    assert pq.read_metadata(path).metadata[b"run"] == b"7"
    back = pyarrow.parquet.read_schema(path)
    assert back.field("a").metadata[b"unit"] == b"km" and back.metadata[b"who"] == b"me"
    assert pq.read_schema(path).field("a").metadata[b"unit"] == b"km"


def test_metadata_collector(path):
    collected = []
    pq.write_table(to_martlet(SMALL), path, metadata_collector=collected)
    assert [m.num_rows for m in collected] == [3]


def test_file_objects(path):
    data = to_martlet(SMALL)
    sink = io.BytesIO()
    pq.write_table(data, sink)
    assert pyarrow.parquet.read_table(io.BytesIO(sink.getvalue())).equals(SMALL)
    for source in (io.BytesIO(sink.getvalue()), sink.getvalue(), pa.py_buffer(sink.getvalue()), pa.BufferReader(sink.getvalue())):
        assert to_pyarrow(pq.read_table(source)).equals(SMALL)
    with open(path, "wb") as file:
        pq.write_table(data, file)
    with open(path, "rb") as file:
        assert to_pyarrow(pq.read_table(file)).equals(SMALL)
        assert not file.closed
    out = pa.BufferOutputStream()
    pq.write_table(data, out)
    assert to_pyarrow(pq.ParquetFile(out.getvalue()).read()).equals(SMALL)
    with pa.OSFile(str(path), "wb") as file:
        pq.write_table(data, file)
    assert pyarrow.parquet.read_table(path).equals(SMALL)
    assert to_pyarrow(pq.read_table(str(path), memory_map=True)).equals(SMALL)


def test_exceptions_of_file_objects_arrive():
    class Full(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise ZeroDivisionError("no room")

    with pytest.raises(ZeroDivisionError, match="no room"):
        pq.write_table(to_martlet(SMALL), Full())

    class Broken(io.BytesIO):
        def readinto(self, target):
            raise ZeroDivisionError("no bytes")

    with pytest.raises(ZeroDivisionError, match="no bytes"):
        pq.read_table(Broken(b"x" * 100))


def test_a_writer_that_is_not_closed_warns_and_writes_nothing(path):
    path.write_bytes(b"old")
    writer = pq.ParquetWriter(path, to_martlet(SMALL).schema)
    writer.write(to_martlet(SMALL))
    with pytest.warns(RuntimeWarning, match="never closed"):
        del writer
    assert path.read_bytes() == b"old"
