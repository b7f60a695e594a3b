"""Parts of Parquet files: columns, row groups, metadata, filters; and progress."""

import datetime
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest
from arrow_cases import TYPES, assert_equal, every_type, to_martlet, to_pyarrow
from test_parquet import LARGE, SMALL

import martlet as pa
import martlet.compute as pc
import martlet.parquet as pq


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
