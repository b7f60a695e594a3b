"""Files that Martlet writes, read by pyarrow, polars, duckdb and arro3: each must see in them what it sees in the file
that pyarrow writes of the same table."""

import datetime

import arro3.io
import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from arrow_cases import LAYOUTS, TYPES, column, decoded, table

import martlet as ma
import martlet.parquet as pq

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]
PAGE_VERSIONS = ["1.0", "2.0"]


def write(data: pa.Table, path, **options):
    pq.write_table(ma.table(data), str(path), **options)
    return str(path)


def read_pyarrow(path):
    with papq.ParquetFile(path, page_checksum_verification=True) as file:
        result = file.read()
    result.validate(full=True)
    return result


def read_polars(path):
    return polars.read_parquet(path)


def read_duckdb(path):
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table()


def read_arro3(path):
    return pa.table(arro3.io.read_parquet(path).read_all())


def same(got, expected):
    if isinstance(got, polars.DataFrame):
        return got.equals(expected) and got.schema == expected.schema
    if not got.schema.equals(expected.schema):
        return False
    got, expected = decoded(got), decoded(expected)
    # Text, because NaN is not equal to itself; equal texts of equal types are equal values.
    return got.equals(expected) or str(got.to_pydict()) == str(expected.to_pydict())


def assert_same(reader, ours, theirs):
    expected = reader(theirs)
    got = reader(ours)
    assert same(got, expected), f"{reader.__name__}: {got}\n\nexpected\n\n{expected}"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_pyarrow_reads_every_type(type_name, layout, tmp_path):
    data = table(type_name, layout)
    papq.write_table(data, tmp_path / "theirs")
    expected = read_pyarrow(tmp_path / "theirs")
    for codec in CODECS:
        for version in PAGE_VERSIONS:
            for dictionary in (True, False):
                path = write(
                    data, tmp_path / "ours", compression=codec, data_page_version=version, use_dictionary=dictionary,
                    max_rows_per_page=4,
                )
                got = read_pyarrow(path)
                assert same(got, expected), f"{codec} {version} {dictionary}: {got}\n\nexpected\n\n{expected}"


@pytest.mark.parametrize("reader", [read_polars, read_duckdb, read_arro3], ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type_name", TYPES)
def test_others_read_every_type(type_name, layout, reader, tmp_path):
    data = table(type_name, layout)
    papq.write_table(data, tmp_path / "theirs")
    try:
        expected = reader(tmp_path / "theirs")
    except BaseException as problem:
        pytest.skip(f"cannot read pyarrow's own file: {problem!r}"[:200])
    for codec in ("zstd", "snappy"):
        for version in PAGE_VERSIONS:
            path = write(data, tmp_path / "ours", compression=codec, data_page_version=version, max_rows_per_page=4)
            got = reader(path)
            assert same(got, expected), f"{codec} {version}: {got}\n\nexpected\n\n{expected}"


def realistic():
    """Columns that each ask for another encoding, with nulls in every other."""
    random = np.random.default_rng(1)
    count = 60_000
    mask = random.random(count) < 0.2
    columns = {
        "few ints": random.integers(1000, 9999, count),
        "hashed ints": random.integers(0, 50, count) * 10**15,
        "increasing": 1_708_000_000_000 + np.arange(count),
        "random ints": random.integers(-(2**62), 2**62, count),
        "label": random.integers(0, 2, count).astype(np.int32),
        "small": random.integers(-128, 127, count).astype(np.int8),
        "normal": random.standard_normal(count),
        "prices": np.round(random.uniform(0, 100, count), 2),
        "floats": random.standard_normal(count).astype(np.float32),
        "flags": random.random(count) < 0.5,
        "seldom": random.random(count) < 0.001,
        "unique texts": [f"customer-{i:08d}" for i in random.permutation(count)],
        "few texts": [f"city {i}" for i in random.integers(0, 300, count)],
        "long texts": ["x" * int(i) for i in random.integers(0, 200, count)],
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    for name, values in columns.items():
        arrays[name + " or null"] = pa.array(values, mask=mask)
    arrays["days"] = pa.array((np.arange(count) // 100).astype(np.int32)).cast(pa.date32())
    arrays["lists"] = pa.array([list(range(i % 7)) if i % 5 else None for i in range(count)])
    arrays["runs"] = pa.array(np.repeat(np.arange(count // 1000), 1000))
    return pa.table(arrays)


REALISTIC = realistic()


@pytest.mark.parametrize("reader", [read_pyarrow, read_polars, read_duckdb, read_arro3], ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("version", PAGE_VERSIONS)
def test_everyone_reads_what_samples_choose(reader, version, tmp_path):
    papq.write_table(REALISTIC, tmp_path / "theirs")
    for codec in ("zstd", "none"):
        path = write(REALISTIC, tmp_path / "ours", compression=codec, data_page_version=version)
        assert_same(reader, path, str(tmp_path / "theirs"))


def test_samples_choose_what_is_small(tmp_path):
    path = write(REALISTIC, tmp_path / "ours", compression="zstd")
    group = papq.read_metadata(path).row_group(0)
    encodings = {group.column(i).path_in_schema: set(group.column(i).encodings) for i in range(group.num_columns)}
    assert "RLE_DICTIONARY" in encodings["few texts"] & encodings["label"] & encodings["hashed ints"]
    assert "DELTA_BINARY_PACKED" in encodings["increasing"]
    assert not encodings["random ints"] & {"RLE_DICTIONARY", "DELTA_BINARY_PACKED"}


@pytest.mark.parametrize("codec", ["zstd", "snappy", "none"])
def test_columns_are_no_larger_than_pyarrows(codec, tmp_path):
    options = {"compression": codec}
    ours = papq.read_metadata(write(REALISTIC, tmp_path / "ours", **options)).row_group(0)
    papq.write_table(REALISTIC, tmp_path / "theirs", **options)
    theirs = papq.read_metadata(tmp_path / "theirs").row_group(0)
    sizes = {
        ours.column(i).path_in_schema: (ours.column(i).total_compressed_size, theirs.column(i).total_compressed_size)
        for i in range(ours.num_columns)
    }
    too_large = {name: pair for name, pair in sizes.items() if pair[0] > pair[1] * 1.02 + 300}
    assert not too_large
    assert sum(a for a, _ in sizes.values()) <= sum(b for _, b in sizes.values())


@pytest.mark.parametrize("layout", ["no nulls", "some nulls", "all null", "chunked"])
@pytest.mark.parametrize("type_name", TYPES)
def test_statistics_are_pyarrows(type_name, layout, tmp_path):
    data = table(type_name, layout)
    papq.write_table(data, tmp_path / "theirs")
    ours = papq.read_metadata(write(data, tmp_path / "ours")).row_group(0)
    theirs = papq.read_metadata(tmp_path / "theirs").row_group(0)
    assert ours.num_columns == theirs.num_columns
    for i in range(ours.num_columns):
        a, b = ours.column(i), theirs.column(i)
        assert (a.path_in_schema, a.physical_type, a.num_values) == (b.path_in_schema, b.physical_type, b.num_values)
        if b.statistics is None:
            continue
        assert a.statistics.null_count == b.statistics.null_count
        if b.statistics.has_min_max:
            for bound in ("min", "max"):
                got, expected = getattr(a.statistics, bound), getattr(b.statistics, bound)
                # Long texts are cut; they stay bounds.
                if isinstance(expected, (str, bytes)) and len(expected) > 200:
                    assert got <= expected if bound == "min" else got >= expected
                else:
                    assert got == expected


def test_nan_is_no_bound(tmp_path):
    data = pa.table({"x": pa.array([float("nan"), 1.0, None, 5.0]), "n": pa.array([float("nan")] * 4)})
    metadata = papq.read_metadata(write(data, tmp_path / "ours")).row_group(0)
    assert (metadata.column(0).statistics.min, metadata.column(0).statistics.max) == (1.0, 5.0)
    assert not metadata.column(1).statistics.has_min_max


def test_small_batches_become_one_row_group(tmp_path):
    schema = ma.schema([("x", ma.int64())])
    with pq.ParquetWriter(str(tmp_path / "ours"), schema) as writer:
        for i in range(100):
            writer.write_batch(ma.record_batch([list(range(i * 10, i * 10 + 10))], schema=schema))
    metadata = papq.read_metadata(tmp_path / "ours")
    assert (metadata.num_row_groups, metadata.num_rows) == (1, 1000)
    assert papq.read_table(tmp_path / "ours")["x"].to_pylist() == list(range(1000))


def test_row_group_size(tmp_path):
    data = pa.table({"x": list(range(1000))})
    path = write(data, tmp_path / "ours", row_group_size=300)
    metadata = papq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [300, 300, 300, 100]
    assert papq.read_table(path).equals(data)


def test_page_index_and_pages(tmp_path):
    data = pa.table({"x": list(range(100_000))})
    for index in (True, False):
        path = write(data, tmp_path / "ours", write_page_index=index)
        chunk = papq.read_metadata(path).row_group(0).column(0)
        assert (chunk.has_offset_index, chunk.has_column_index) == (index, index)


@pytest.mark.parametrize(
    "type_name, encoding",
    [
        ("int32", "DELTA_BINARY_PACKED"), ("uint64", "DELTA_BINARY_PACKED"), ("float64", "BYTE_STREAM_SPLIT"),
        ("int64", "BYTE_STREAM_SPLIT"), ("string", "DELTA_LENGTH_BYTE_ARRAY"), ("string", "DELTA_BYTE_ARRAY"),
        ("fixed_size_binary", "DELTA_BYTE_ARRAY"), ("fixed_size_binary", "BYTE_STREAM_SPLIT"), ("bool", "RLE"),
        ("decimal128(18,4)", "DELTA_BYTE_ARRAY"), ("list<int64>", "DELTA_BINARY_PACKED"),
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_encodings_on_request(type_name, encoding, layout, tmp_path):
    data = pa.table({"x": column(type_name, layout)})
    for version in PAGE_VERSIONS:
        path = write(
            data, tmp_path / "ours", use_dictionary=False, column_encoding=encoding, data_page_version=version,
            max_rows_per_page=5,
        )
        assert same(read_pyarrow(path), data)
        if data.num_rows:
            assert encoding in papq.read_metadata(path).row_group(0).column(0).encodings
        read_arro3(path)
        # polars and duckdb have some encodings for other types only.
        if type_name not in ("fixed_size_binary", "decimal128(18,4)"):
            read_polars(path), read_duckdb(path)


def test_options_of_columns(tmp_path):
    data = pa.table({"a": list(range(1000)), "b": [str(i % 3) for i in range(1000)], "c": [[1, 2]] * 1000})
    path = write(
        data, tmp_path / "ours", compression={"a": "gzip", "b": "zstd"}, use_dictionary=["b"], write_statistics=["a"],
    )
    group = papq.read_metadata(path).row_group(0)
    a, b, c = (group.column(i) for i in range(3))
    assert (a.compression, b.compression, c.compression) == ("GZIP", "ZSTD", "UNCOMPRESSED")
    assert "RLE_DICTIONARY" in b.encodings and "RLE_DICTIONARY" not in a.encodings
    assert a.is_stats_set and not b.is_stats_set
    assert papq.read_table(path).equals(data)


def test_coerced_timestamps(tmp_path):
    stamps = pa.array([datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)], pa.timestamp("us"))
    data = pa.table({"t": stamps})
    with pytest.raises(ma.ArrowInvalid, match=r"Casting from timestamp\[us\] to timestamp\[ms\] would lose data"):
        write(data, tmp_path / "ours", coerce_timestamps="ms")
    assert not (tmp_path / "ours").exists()
    path = write(data, tmp_path / "ours", coerce_timestamps="ms", allow_truncated_timestamps=True)
    assert papq.read_table(path)["t"].to_pylist() == [datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)]


@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
def test_format_versions(version, tmp_path):
    data = pa.table({
        "u": pa.array([1, 2**32 - 1], pa.uint32()), "n": pa.array([1_000_000, 2_000_000], pa.timestamp("ns")),
        "i": pa.array([1, 2]),
    })
    papq.write_table(data, tmp_path / "theirs", version=version)
    path = write(data, tmp_path / "ours", version=version)
    for reader in (read_pyarrow, read_polars, read_duckdb, read_arro3):
        assert_same(reader, path, str(tmp_path / "theirs"))
    ours, theirs = papq.read_metadata(path), papq.read_metadata(tmp_path / "theirs")
    assert str(ours.schema).split("\n", 1)[1] == str(theirs.schema).split("\n", 1)[1]


def test_the_same_bytes_every_time(tmp_path):
    first = write(REALISTIC, tmp_path / "a", compression="zstd")
    for options in ({}, {"use_threads": False}):
        second = write(REALISTIC, tmp_path / "b", compression="zstd", **options)
        assert open(first, "rb").read() == open(second, "rb").read()


def test_long_texts_have_bounds(tmp_path):
    data = pa.table({"x": ["b" * 5000, "é" * 3000, "a" * 5000]})
    path = write(data, tmp_path / "ours")
    statistics = papq.read_metadata(path).row_group(0).column(0).statistics
    assert statistics.min <= "a" * 5000 and statistics.max >= "é" * 3000
    assert len(statistics.min) <= 256 and len(statistics.max) <= 256
    assert papq.read_table(path, filters=[("x", "==", "é" * 3000)]).num_rows == 1


def test_texts_can_be_read_as_dictionaries(tmp_path):
    path = write(REALISTIC.select(["unique texts", "few texts", "long texts"]), tmp_path / "ours")
    got = papq.read_table(path, read_dictionary=["unique texts", "few texts", "long texts"])
    assert decoded(got).equals(REALISTIC.select(["unique texts", "few texts", "long texts"]))


def test_extreme_values(tmp_path):
    data = pa.table({
        "i64": pa.array([-(2**63), 2**63 - 1, 0, -1] * 500),
        "u64": pa.array([0, 2**64 - 1, 2**63, 1] * 500, pa.uint64()),
        "f64": pa.array([float("inf"), float("-inf"), -0.0, 5e-324] * 500),
        "s": pa.array(["", "\0", "\U0010ffff" * 100, "x" * 100_000] * 500),
        "e": pa.array([[]] * 2000, pa.list_(pa.int8())),
    })
    for codec in ("none", "zstd"):
        path = write(data, tmp_path / "ours", compression=codec)
        assert read_pyarrow(path).equals(data)
        assert read_polars(path).equals(polars.from_arrow(data))
