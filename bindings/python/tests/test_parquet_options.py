"""pyarrow's keyword arguments of Parquet writers: each works or says why not."""

import inspect
import os
import random
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from test_parquet_write import REALISTIC, read_arro3, read_duckdb, read_polars, read_pyarrow
from thrift_twin import footer, pages

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "30"))


def write(data, path, **options):
    pq.write_table(ma.table(data), str(path), **options)
    return str(path)


def test_every_argument_of_pyarrows_is_known():
    for mine, theirs in ((pq.write_table, papq.write_table), (pq.ParquetWriter.__init__, papq.ParquetWriter.__init__)):
        missing = set(inspect.signature(theirs).parameters) - set(inspect.signature(mine).parameters)
        assert not missing - {"options", "kwargs"}
    written = ma.BufferOutputStream()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        pq.write_table(ma.table({"a": [1]}), written, nonsense=1)


MIXED = pa.table({
    "a b": pa.array([1, 2, None], pa.int64()), "t": pa.array([1, 2, 3], pa.timestamp("us")),
    "l": pa.array([[1], None, [2, 3]]), "s": ["x", "y", "x"], "f": [1.5, 2.5, None],
    "d": pa.array([1, 2, 3]).cast(pa.decimal128(21, 2)).cast(pa.decimal128(9, 2)),
    "time": pa.array([1, 2, 3], pa.time64("us")),
})


@pytest.mark.parametrize("options", [
    {"flavor": "spark"}, {"flavor": "spark", "use_deprecated_int96_timestamps": False}, {"use_compliant_nested_type": False},
    {"write_batch_size": 100}, {"chunk_size": 2}, {"row_group_size": 1}, {"store_decimal_as_integer": True},
    {"write_time_adjusted_to_utc": True}, {"use_content_defined_chunking": True}, {"data_page_size": 10},
    {"dictionary_pagesize_limit": 5}, {"write_page_index": True}, {"write_page_checksum": True}, {"version": "2.4"},
    {"compression": {"s": "gzip", "l.list.element": "zstd"}},
    {"compression": "zstd", "compression_level": {"s": 5, "f": 10}},
    {"compression": {"s": "gzip", "f": "zstd"}, "compression_level": {"s": 5}},
    {"use_dictionary": ["s"]}, {"write_statistics": ["s", "f"]}, {"use_dictionary": False, "use_byte_stream_split": ["f"]},
    {"use_dictionary": ["s"], "column_encoding": {"f": "BYTE_STREAM_SPLIT", "a b": "DELTA_BINARY_PACKED"}},
    {"sorting_columns": (0, 4)}, {"store_schema": False},
    {"use_content_defined_chunking": {"min_chunk_size": 64, "max_chunk_size": 1024, "norm_level": 1}},
], ids=str)
def test_as_pyarrow(options, tmp_path):
    """With the same arguments both files look the same from outside and are read as the same."""
    sorting = options.get("sorting_columns")
    mine, theirs = dict(options), dict(options)
    if sorting:
        mine["sorting_columns"] = [pq.SortingColumn(i, descending=True) for i in sorting]
        theirs["sorting_columns"] = [papq.SortingColumn(i, descending=True) for i in sorting]
    papq.write_table(MIXED, tmp_path / "theirs", **theirs)
    write(MIXED, tmp_path / "mine", **mine)
    a, b = papq.ParquetFile(tmp_path / "mine"), papq.ParquetFile(tmp_path / "theirs")
    assert a.schema.equals(b.schema), (a.schema, b.schema)
    assert a.metadata.num_row_groups == b.metadata.num_row_groups and a.schema_arrow.equals(b.schema_arrow)
    assert a.read().equals(b.read()) and pa.table(pq.read_table(str(tmp_path / "mine"))).equals(
        pa.table(pq.read_table(str(tmp_path / "theirs"))))
    for i in range(a.metadata.num_columns):
        x, y = a.metadata.row_group(0).column(i), b.metadata.row_group(0).column(i)
        assert x.path_in_schema == y.path_in_schema and x.compression == y.compression
        # Martlet counts the nulls of INT96 too.
        assert x.is_stats_set == y.is_stats_set or x.physical_type == "INT96"
        if "column_encoding" in options or "use_byte_stream_split" in options:
            own = {"PLAIN", "RLE", "RLE_DICTIONARY"}
            assert set(y.encodings) - own <= set(x.encodings), x.path_in_schema
    assert a.metadata.row_group(0).sorting_columns == b.metadata.row_group(0).sorting_columns


@pytest.mark.parametrize("options,error,words", [
    ({"use_content_defined_chunking": {"min_chunk_size": 1}}, ValueError, "Missing options"),
    ({"use_content_defined_chunking": {"min_chunk_size": 1, "max_chunk_size": 2, "x": 1}}, ValueError, "Unknown options"),
    ({"use_content_defined_chunking": {"min_chunk_size": 2, "max_chunk_size": 2}}, ValueError, "greater than min"),
    ({"use_content_defined_chunking": 5}, TypeError, "either boolean or a dictionary"),
    ({"write_batch_size": 0}, ValueError, "write_batch_size"), ({"row_group_bytes": -1}, ValueError, "row_group_bytes"),
    ({"column_encoding": "PLAIN"}, ValueError, "set 'use_dictionary' to False"),
    ({"column_encoding": {"s": "RLE_DICTIONARY"}, "use_dictionary": False}, ValueError, "already used by default"),
    ({"column_encoding": {"s": "BYTE_STREAM_SPLIT"}, "use_dictionary": False}, OSError, "BYTE_STREAM_SPLIT"),
    ({"column_encoding": {"f": "DELTA_BINARY_PACKED"}, "use_dictionary": False}, OSError, "DELTA_BINARY_PACKED"),
    ({"column_encoding": {"s": "RLE"}, "use_dictionary": False}, OSError, "RLE"),
    ({"column_encoding": {"s": "nonsense"}, "use_dictionary": False}, ValueError, "Unsupported column encoding"),
    ({"compression": "lzo"}, Exception, "Unsupported compression"),
    ({"compression_level": 5, "compression": "snappy"}, Exception, "level"),
    ({"version": "3"}, ValueError, "Unsupported Parquet format version"), ({"data_page_version": "3"}, ValueError, "data page version"),
])
def test_what_cannot_be_is_said(options, error, words, tmp_path):
    with pytest.raises(error, match=words):
        write(MIXED, tmp_path / "f", **options)
    assert not os.listdir(tmp_path)


def test_pages_and_row_groups_by_bytes(tmp_path):
    data = pa.table({"i": np.random.default_rng(1).integers(0, 2**62, 100_000), "s": [f"{n:020d}" for n in range(100_000)]})
    path = write(data, tmp_path / "f", data_page_size=10_000, use_dictionary=False, compression="none")
    for chunk in footer(path)[4][0][1]:
        sizes = [header[2] for header, _ in pages(path, chunk[3])]
        assert max(sizes) <= 10_100 and len(sizes) >= 80
    # Small batches, so that groups can end between them.
    with pq.ParquetWriter(tmp_path / "g", ma.table(data).schema, row_group_bytes=1 << 20) as writer:
        for batch in ma.table(data).to_batches(max_chunksize=1000):
            writer.write_batch(batch)
    groups = papq.read_metadata(tmp_path / "g")
    assert groups.num_row_groups == 4 and papq.read_table(tmp_path / "g").equals(data)
    few = write(data, tmp_path / "h", dictionary_pagesize_limit=1000, use_dictionary=["s"])
    dictionary = [header for header, _ in pages(few, footer(few)[4][0][1][1][3]) if header[1] == 2]
    assert all(header[2] <= 1000 for header in dictionary)


# ---- the same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"compression": "zstd", "data_page_version": "2.0"}, {"use_dictionary": False, "compression": "none"},
    {"use_content_defined_chunking": {"min_chunk_size": 5000, "max_chunk_size": 20000}},
    {"row_group_size": 7000, "max_rows_per_page": 500},
], ids=str)
def test_the_same_bytes_with_any_threads_and_batches(options, tmp_path):
    data = ma.table(REALISTIC)
    expected = None
    usual = ma.cpu_count()
    chance = random.Random(4)
    size = options.pop("row_group_size", None)
    try:
        for threads in (1, 2, 4):
            ma.set_cpu_count(threads)
            for chunking in ("whole", "even", "random"):
                path = tmp_path / f"{threads}{chunking}"
                with pq.ParquetWriter(path, data.schema, **options) as writer:
                    if chunking == "whole":
                        writer.write_table(data, row_group_size=size)
                    elif chunking == "even":
                        writer.write_table(
                            ma.Table.from_batches(data.to_batches(max_chunksize=999), schema=data.schema), row_group_size=size)
                    else:
                        parts, start = [], 0
                        while start < data.num_rows:
                            parts.append(data.slice(start, chance.randint(1, 20000)))
                            start += parts[-1].num_rows
                        writer.write_table(ma.concat_tables(parts), row_group_size=size)
                found = path.read_bytes()
                expected = expected or found
                assert found == expected, (threads, chunking)
    finally:
        ma.set_cpu_count(usual)


# ---- content-defined chunking ----------------------------------------------------------------------------------------


def bodies(path, name):
    """The bytes of the data pages of the column."""
    raw = open(path, "rb").read()
    return [
        raw[start : start + header[3]]
        for group in footer(path)[4] for chunk in group[1] if chunk[3][3][0] == name.encode()
        for header, start in pages(path, chunk[3]) if header[1] != 2
    ]


def kinds_of_columns(random_state, count):
    numbers = random_state.integers(0, 2**40, count)
    mask = random_state.random(count) < 0.2
    return {
        "i": pa.array(numbers), "n": pa.array(numbers.astype(np.int32), mask=mask),
        "s": pa.array([f"value {n}" for n in numbers]), "f": pa.array(random_state.standard_normal(count), mask=mask),
        "b": pa.array(random_state.random(count) < 0.5), "few": pa.array([f"k{n % 50}" for n in numbers]),
        "l": pa.array([[int(n), None, int(n) + 1][: n % 4] if n % 5 else None for n in numbers]),
        "st": pa.array([{"x": int(n)} if n % 3 else None for n in numbers]),
    }


@pytest.mark.parametrize("change", ["insert", "delete", "replace", "prepend", "append"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_most_pages_stay_when_rows_change(change, version, tmp_path):
    state = np.random.default_rng(3)
    data = pa.table(kinds_of_columns(state, 60_000))
    more = pa.table(kinds_of_columns(state, 50)).cast(data.schema)
    spot = {"prepend": 0, "append": data.num_rows}.get(change, 30_000)
    after = spot + (50 if change in ("delete", "replace") else 0)
    parts = [data.slice(0, spot)] + ([] if change == "delete" else [more]) + [data.slice(after)]
    changed = pa.concat_tables(parts)
    options = {
        "use_content_defined_chunking": {"min_chunk_size": 4096, "max_chunk_size": 16384}, "data_page_version": version,
        "max_rows_per_page": 1_000_000, "use_dictionary": ["few"],
    }
    old, new = write(data, tmp_path / "old", **options), write(changed, tmp_path / "new", **options)
    assert papq.read_table(new).equals(changed) and papq.read_table(old).equals(data)
    # Without chunking by content the pages behind the change are others.
    plain = {"data_page_size": 8192, "use_dictionary": ["few"]}
    usual = write(data, tmp_path / "usual", **plain), write(changed, tmp_path / "usual new", **plain)
    for name in data.column_names:
        before, now = bodies(old, name), bodies(new, name)
        assert len(before) > 5 or name == "b"
        lost = len([page for page in now if page not in set(before)])
        # Codes of a dictionary follow the first rows.
        assert lost <= 6 or (name, change) == ("few", "prepend"), (name, lost, len(now))
        if change == "insert" and name in ("i", "s"):
            assert len(set(bodies(usual[1], name)) - set(bodies(usual[0], name))) > len(now) / 4


def test_sizes_of_chunks(tmp_path):
    data = pa.table({"i": np.random.default_rng(5).integers(0, 2**62, 300_000)})
    options = {"use_dictionary": False, "compression": "none", "max_rows_per_page": 10**7, "column_encoding": "PLAIN"}
    sizes = {}
    for level in (-1, 0, 1):
        chunking = {"min_chunk_size": 8192, "max_chunk_size": 65536, "norm_level": level}
        path = write(data, tmp_path / "f", use_content_defined_chunking=chunking, **options)
        sizes[level] = [header[5][1] * 8 for header, _ in pages(path, footer(path)[4][0][1][0][3])]
        # The levels count as well: one byte for each value.
        assert all(8192 / 9 * 8 - 8 <= size <= 65536 for size in sizes[level][:-1])
    assert np.mean(sizes[1]) < np.mean(sizes[0]) < np.mean(sizes[-1])


@pytest.mark.parametrize("reader", [read_pyarrow, read_polars, read_duckdb, read_arro3], ids=lambda r: r.__name__)
def test_everyone_reads_chunks_by_content(reader, tmp_path):
    papq.write_table(REALISTIC, tmp_path / "theirs")
    options = {"use_content_defined_chunking": {"min_chunk_size": 4096, "max_chunk_size": 16384}}
    mine = reader(write(REALISTIC, tmp_path / "mine", **options))
    theirs = reader(str(tmp_path / "theirs"))
    assert mine.equals(theirs)


STREAM = """
import sys, numpy as np, martlet as ma, martlet.parquet as pq
random = np.random.default_rng(1)
with pq.ParquetWriter(sys.argv[1], ma.schema([("i", ma.int64()), ("s", ma.string())]), compression="zstd", row_group_bytes=1 << 20) as writer:
    for _ in range(int(sys.argv[2])):
        writer.write_table(ma.table({"i": random.integers(0, 2**60, 20000), "s": ma.array([f"text {n}" for n in random.integers(0, 10**9, 20000)])}))
print(ma.default_memory_pool().max_memory())
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(count):
        return int(subprocess.run(
            [sys.executable, "-c", STREAM, str(tmp_path / f"f{count}"), str(count)], check=True, capture_output=True).stdout)

    few, many = peak(10), peak(60)
    assert papq.read_metadata(tmp_path / "f60").num_rows == 1_200_000
    assert papq.read_metadata(tmp_path / "f60").num_row_groups == 20
    assert many < few * 1.5 + (1 << 20)


@pytest.mark.parametrize("compression", ["none", "zstd", "snappy"])
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("data_page_version", ["1.0", "2.0"])
def test_booleans_that_run_are_written_as_runs(tmp_path, compression, nulls, data_page_version):
    """Long runs become runs, others stay packed; all peers read both."""
    random = np.random.default_rng(1)
    mask = random.random(60_000) < 0.1 if nulls else None
    columns = {"runs": np.arange(60_000) // 5000 % 2 == 0, "noise": random.random(60_000) < 0.5, "same": np.ones(60_000, bool)}
    table = pa.table({name: pa.array(values, mask=mask) for name, values in columns.items()})
    path = tmp_path / "file.parquet"
    pq.write_table(ma.table(table), path, compression=compression, data_page_version=data_page_version)
    group = papq.read_metadata(path).row_group(0)
    encodings = {group.column(i).path_in_schema: group.column(i).encodings for i in range(3)}
    # RLE is also what levels are in, so that PLAIN tells.
    assert {name: "PLAIN" in found for name, found in encodings.items()} == {"runs": False, "noise": True, "same": False}
    assert papq.read_table(path).equals(table)
    assert pa.table(pq.read_table(path)).equals(table)
    expected = table.to_pylist()
    for read in (read_polars, read_duckdb, read_arro3):
        assert pa.table(read(str(path))).to_pylist() == expected
    # A selection skips inside of the runs.
    wanted = [row for row in expected if row["noise"]]
    assert pq.read_table(path, filters=[("noise", "==", True)]).to_pylist() == wanted


def test_spark_flavor_of_datasets(tmp_path):
    from datetime import datetime

    table = pa.table({
        "a key": [1, 1, 2], "x;{y}": [1.5, None, 2.5], "t": pa.array([datetime(2020, 1, 1)] * 3, pa.timestamp("us"))})
    pq.write_to_dataset(ma.table(table), tmp_path / "d", partition_cols=["a key"], flavor="spark")
    back = papq.read_table(tmp_path / "d").sort_by("x__y_")
    assert back.column_names == ["x__y_", "t", "a_key"]
    assert back["x__y_"].to_pylist() == [1.5, 2.5, None]
    files = sorted((tmp_path / "d").glob("*/*.parquet"))
    assert [file.parent.name for file in files] == ["a_key=1", "a_key=2"]
    column = papq.ParquetFile(files[0]).schema.column(1)
    assert (column.name, column.physical_type) == ("t", "INT96")
    with pytest.raises(ValueError, match="same names"):
        pq.write_to_dataset(ma.table({"a b": [1], "a;b": [2]}), tmp_path / "e", flavor="spark")
    with pytest.raises(KeyError, match="zz"):
        pq.write_to_dataset(ma.table(table), tmp_path / "e", partition_cols=["zz"], flavor="spark")
    assert not (tmp_path / "e").exists()
