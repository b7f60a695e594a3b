"""Parquet files: both ways with the peers for every type and layout, options, metadata, filters, progress and bad input."""

import datetime
import io
import os
import random
import signal
import subprocess
import sys
import time

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
import martlet.compute as pc
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


# ---- reading parts ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    pyarrow.parquet.write_table(LARGE, path, row_group_size=30_000, write_page_index=True, data_page_size=8192)
    return path


def test_columns(large_file):
    got = pq.read_table(large_file, columns=["word", "id"])
    assert got.column_names == ["word", "id"]
    assert_equal(to_pyarrow(got), LARGE.select(["word", "id"]))
    assert pq.read_table(large_file, columns=[]).num_rows == LARGE.num_rows
    with pytest.raises(pa.ArrowInvalid, match=r"No match for FieldRef.Name\(zz\)"):
        pq.read_table(large_file, columns=["zz"])
    with pytest.raises(TypeError):
        pq.read_table(large_file, columns="word")


def test_nested_columns(path):
    data = pyarrow.table({"s": [{"a": 1, "b": {"c": "x"}}, {"a": None, "b": None}], "y": [1, 2]})
    pyarrow.parquet.write_table(data, path)
    file = pq.ParquetFile(path)
    judge = pyarrow.parquet.ParquetFile(path)
    for columns in (["s.a"], ["s.b.c", "y"], ["s"], ["y"]):
        assert_equal(to_pyarrow(file.read(columns=columns)), judge.read(columns=columns))


def test_parquet_file(large_file):
    with pq.ParquetFile(large_file) as file:
        assert file.num_row_groups == 7
        assert file.metadata.num_rows == LARGE.num_rows
        assert pyarrow.schema(file.schema_arrow).equals(LARGE.schema)
        assert file.schema.names[:3] == ["id", "x", "small"]
        assert_equal(to_pyarrow(file.read()), LARGE)
        assert_equal(to_pyarrow(file.read_row_group(2)), LARGE.slice(60_000, 30_000))
        assert_equal(
            to_pyarrow(file.read_row_groups([6, 0], columns=["id"])),
            pyarrow.concat_tables([LARGE.slice(180_000, 30_000), LARGE.slice(0, 30_000)]).select(["id"]),
        )
        assert file.scan_contents() == LARGE.num_rows
        for bad in ([9], [-1]):
            with pytest.raises(pa.ArrowInvalid, match="Some index in row_group_indices is"):
                file.read_row_groups(bad)
    assert file.closed
    with pytest.raises(pa.ArrowInvalid, match="closed file"):
        file.read()


@pytest.mark.parametrize("batch_size", [1000, 7777, 65_536, 10**6])
def test_iter_batches(large_file, batch_size):
    file = pq.ParquetFile(large_file)
    batches = list(file.iter_batches(batch_size=batch_size, columns=["id", "list"]))
    assert max(b.num_rows for b in batches) <= batch_size
    got = to_pyarrow(pa.Table.from_batches(batches))
    assert_equal(got, LARGE.select(["id", "list"]))
    some = list(file.iter_batches(batch_size=batch_size, row_groups=[1]))
    assert sum(b.num_rows for b in some) == 30_000


def test_read_pandas(path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=pd.Index([10, 20], name="key"))
    frame.to_parquet(path)
    assert pq.read_table(path).to_pandas().equals(frame)
    assert pq.read_pandas(path, columns=["a"]).to_pandas().equals(frame[["a"]])
    pq.write_table(pa.Table.from_pandas(frame), path)
    assert pd.read_parquet(path).equals(frame)


# ---- metadata --------------------------------------------------------------------------------------------------------


def test_file_metadata(large_file):
    mine, judge = pq.read_metadata(large_file), pyarrow.parquet.read_metadata(large_file)
    for name in ("num_rows", "num_columns", "num_row_groups", "created_by", "format_version", "serialized_size"):
        assert getattr(mine, name) == getattr(judge, name), name
    assert mine.metadata == judge.metadata
    for g in range(judge.num_row_groups):
        group, expected_group = mine.row_group(g), judge.row_group(g)
        assert (group.num_rows, group.num_columns) == (expected_group.num_rows, expected_group.num_columns)
        assert group.total_byte_size == expected_group.total_byte_size
        for c in range(judge.num_columns):
            column, expected = group.column(c), expected_group.column(c)
            for name in (
                "physical_type", "num_values", "path_in_schema", "compression", "data_page_offset", "is_stats_set",
                "has_dictionary_page", "dictionary_page_offset", "total_compressed_size", "total_uncompressed_size",
                "has_offset_index", "has_column_index",
            ):
                assert getattr(column, name) == getattr(expected, name), name
            assert set(column.encodings) == set(expected.encodings)
            for name in ("has_min_max", "min", "max", "null_count", "num_values", "physical_type"):
                assert getattr(column.statistics, name) == getattr(expected.statistics, name), (name, c)
    for i in range(judge.num_columns):
        column, expected = mine.schema.column(i), judge.schema.column(i)
        for name in ("name", "path", "max_definition_level", "max_repetition_level", "physical_type"):
            assert getattr(column, name) == getattr(expected, name), name
        if column.name != "when":  # the footer has a converted type, which pyarrow does not tell
            assert column.converted_type == expected.converted_type
        assert str(column.logical_type) == str(expected.logical_type)
        assert column.logical_type.type == expected.logical_type.type
    for bad in (lambda: mine.row_group(99), lambda: mine.row_group(0).column(99), lambda: mine.schema.column(99)):
        with pytest.raises(IndexError, match="out of bounds"):
            bad()
    assert mine.to_dict()["num_rows"] == LARGE.num_rows
    assert mine == pq.read_metadata(large_file)
    repr(mine), repr(mine.schema), repr(mine.row_group(0)), repr(mine.row_group(0).column(0).statistics)


def test_statistics_of_every_type(path):
    names = [n for n in TYPES if not any(w in n for w in ("list", "struct", "null", "dictionary"))]
    data = every_type("some nulls").select(names)
    pq.write_table(to_martlet(data), path)
    judge = pyarrow.parquet.read_metadata(path).row_group(0)
    for i, name in enumerate(names):
        column = data[name]
        statistics = judge.column(i).statistics
        assert statistics is not None and statistics.null_count == column.null_count, name
        if statistics.has_min_max and not any(w in name for w in ("float16", "fixed", "duration", "large")):
            order = pyarrow.compute.min_max(column.cast("binary") if name == "string" else column).as_py()
            low, high = order["min"], order["max"]
            if name == "string":
                low, high = low.decode(), high.decode()
            if isinstance(low, datetime.time) and "ns" in name or "timestamp[ns]" in name:
                continue
            got = (statistics.min, statistics.max)
            if "timestamp" in name:
                got = tuple(v.replace(tzinfo=None) for v in got)
                low, high = (v.astimezone(datetime.timezone.utc).replace(tzinfo=None) if v.tzinfo else v for v in (low, high))
            assert got == (low, high), name


def test_schema_of_empty_file(path):
    pq.write_metadata(to_martlet(SMALL).schema, path)
    assert pyarrow.parquet.read_schema(path).equals(SMALL.schema)
    assert pyarrow.parquet.read_table(path).num_rows == 0


# ---- filters ---------------------------------------------------------------------------------------------------------

FILTERS = [
    [("id", "=", 123_456)],
    [("id", ">=", 59_990), ("id", "<", 60_010)],
    [("small", "in", [3, 5]), ("flag", "==", True)],
    [("small", "not in", [3, 5])],
    [[("id", "<", 10)], [("id", ">", 199_990)]],
    [("word", "=", "word 77")],
    [("word", "!=", "word 77"), ("id", "<", 1000)],
    [("maybe", ">", 2.5)],
    [("x", "<=", -3.0)],
    [("when", ">=", datetime.datetime(1970, 1, 2)), ("when", "<", datetime.datetime(1970, 1, 2, 1))],
    [("id", "<", -1)],
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filters(large_file, filters):
    got = to_pyarrow(pq.read_table(large_file, filters=filters))
    assert_equal(got, pyarrow.parquet.read_table(large_file, filters=filters))
    some = to_pyarrow(pq.read_table(large_file, columns=["list", "x"], filters=filters))
    assert_equal(some, pyarrow.parquet.read_table(large_file, columns=["list", "x"], filters=filters))


def test_filters_of_random_shapes(large_file):
    dice = random.Random(5)
    for _ in range(30):
        low = dice.randrange(200_000)
        high = low + dice.choice([1, 100, 5000, 50_000])
        filters = [[("id", ">=", low), ("id", "<", high)]]
        if dice.random() < 0.5:
            filters.append([("word", "=", f"word {dice.randrange(5000)}"), ("small", "<", dice.randrange(20))])
        got = pq.read_table(large_file, columns=["id", "maybe", "list"], filters=filters)
        assert_equal(
            to_pyarrow(got), pyarrow.parquet.read_table(large_file, columns=["id", "maybe", "list"], filters=filters)
        )


def test_expressions(large_file):
    field = pc.field
    judge = pyarrow.compute.field
    for make in (
        lambda f: (f("id") > 100) & (f("id") < 200),
        lambda f: f("maybe").is_null(),
        lambda f: f("maybe").is_valid() & (f("small") == 3),
        lambda f: ~(f("small") == 3) & (f("id") < 1000),
        lambda f: f("small").isin([1, 2]) | (f("word") == "word 9"),
    ):
        got = to_pyarrow(pq.read_table(large_file, filters=make(field)))
        assert_equal(got, pyarrow.parquet.read_table(large_file, filters=make(judge)))


def test_nan_and_filters(path):
    data = pyarrow.table({"v": [5.0, 5.0, float("nan")]})
    for write in (lambda: pyarrow.parquet.write_table(data, path), lambda: pq.write_table(to_martlet(data), path)):
        write()
        assert pq.read_table(path, filters=[("v", "!=", 5.0)]).num_rows == 1
        assert pq.read_table(path, filters=~(pc.field("v") < 6.0)).num_rows == 1
        assert pq.read_table(path, filters=[("v", "=", 5.0)]).num_rows == 2


def test_bad_filters(large_file):
    with pytest.raises(ValueError, match="not a valid operator in predicates"):
        pq.read_table(large_file, filters=[("id", "~", 1)])
    with pytest.raises(ValueError, match="Malformed filters"):
        pq.read_table(large_file, filters=[])
    with pytest.raises(pa.ArrowInvalid, match="zz"):
        pq.read_table(large_file, filters=[("zz", "=", 1)])
    with pytest.raises((pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError)) as error:
        pq.read_table(large_file, filters=[("id", "=", "x")])
    assert "id" in str(error.value)
    for bad in (5, [("id", "in", 1)], [("id", "=")]):
        with pytest.raises((TypeError, ValueError)):
            pq.read_table(large_file, filters=bad)


def test_filters_to_expression():
    assert str(pq.filters_to_expression([("a", "=", 1)])) == str(pc.field("a") == 1)
    assert str(pq.filters_to_expression([[("a", "=", 1)], [("b", "<", 2)]])) == str(
        (pc.field("a") == 1) | (pc.field("b") < 2)
    )


# ---- progress --------------------------------------------------------------------------------------------------------


def test_progress(large_file, path):
    seen = []
    pq.read_table(large_file, progress=lambda done, total: seen.append((done, total)))
    assert seen and seen == sorted(seen) and seen[-1][0] <= LARGE.num_rows
    seen.clear()
    pq.write_table(to_martlet(LARGE), path, row_group_size=10_000, progress=lambda *now: seen.append(now))
    assert seen and [d for d, _ in seen] == sorted(d for d, _ in seen)
    with pytest.raises(TypeError, match="progress"):
        pq.read_table(large_file, progress=5)


def test_cancelling(large_file, path):
    with pytest.raises(pa.ArrowCancelled):
        pq.read_table(large_file, progress=lambda done, total: False)
    with pytest.raises(ZeroDivisionError):
        pq.read_table(large_file, progress=lambda done, total: 1 // 0)
    with pytest.raises(pa.ArrowCancelled):
        pq.write_table(to_martlet(LARGE), path, progress=lambda done, total: False)
    assert not path.exists()


def test_interrupting(path):
    program = f"""
import martlet as pa, martlet.parquet as pq
table = pa.table({{"x": list(range(2_000_000))}})
pq.write_table(table, {str(path)!r})
print("ready", flush=True)
while True:
    pq.read_table({str(path)!r})
    pq.write_table(table, {str(path)!r} + ".new")
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n", child.stderr.read()
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=60)[1]
    assert child.returncode != 0
    assert pyarrow.parquet.read_metadata(path).num_rows == 2_000_000


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
        {"encryption_properties": object()}, {"filesystem": object()},
    ],
    ids=str,
)
def test_unsupported_options_say_what_to_do(options, path):
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
