"""Bloom filters: those that others wrote prune here, those that are written here prune there, and never a row is lost."""

import datetime
import decimal
import os
import pathlib

import arro3.io
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import martlet as ma
import martlet.compute as mc
import martlet.parquet as mq

DATA = os.environ.get("PARQUET_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="PARQUET_TEST_DATA is not set")

COUNT = 4000
# Values with gaps, so that bounds do not tell what is missing.
VALUES = {
    "i8": (pa.int8(), lambda i: i % 50 * 2, 51),
    "u16": (pa.uint16(), lambda i: i * 7 % 60000, 6),
    "i32": (pa.int32(), lambda i: (i * 7919) % 1_000_003 * 2, 100_001),
    "u32": (pa.uint32(), lambda i: 4_000_000_000 + i * 3, 4_000_000_001),
    "i64": (pa.int64(), lambda i: i * 1_000_003, 1_000_004),
    "f32": (pa.float32(), lambda i: i * 0.5, 3.25),
    "f64": (pa.float64(), lambda i: i * 0.1, 0.15),
    "s": (pa.string(), lambda i: f"key {i * 13}", "key 7"),
    "l": (pa.large_string(), lambda i: f"key {i * 13}", "key 7"),
    "b": (pa.binary(), lambda i: b"k%d" % (i * 13), b"k7"),
    "f": (pa.binary(4), lambda i: (i * 13).to_bytes(4, "big"), (7).to_bytes(4, "big")),
    "d": (pa.date32(), lambda i: datetime.date(1970, 1, 1) + datetime.timedelta(days=i * 2), datetime.date(1970, 1, 2)),
    "t": (pa.timestamp("us"), lambda i: datetime.datetime(2020, 1, 1) + datetime.timedelta(minutes=i * 2),
          datetime.datetime(2020, 1, 1, 0, 1)),
    "d9": (pa.decimal128(9, 2), lambda i: decimal.Decimal(i * 2).scaleb(-2), decimal.Decimal("0.03")),
    "d30": (pa.decimal128(30, 5), lambda i: decimal.Decimal(i * 2).scaleb(-5), decimal.Decimal("0.00003")),
}
TABLE = pa.table({
    "id": pa.array(range(COUNT), pa.int32()),
    **{name: pa.array([make(i) if i % 11 else None for i in range(COUNT)], kind) for name, (kind, make, _) in VALUES.items()}})


TYPES = {name: ma.table(TABLE).schema.field(name).type for name in VALUES}


def bloom_options(**options):
    return {name: dict(options) or True for name in VALUES}


WRITTEN = {}


def once(write):
    """The same file again without writing it again."""
    def copied(path):
        if write not in WRITTEN:
            write(path)
            WRITTEN[write] = path.read_bytes()
        path.write_bytes(WRITTEN[write])
    copied.__name__ = write.__name__
    return copied


@once
def write_martlet(path):
    mq.write_table(ma.table(TABLE), path, row_group_size=1000, bloom_filter_options=bloom_options())


@once
def write_pyarrow(path):
    pq.write_table(TABLE, path, row_group_size=1000, bloom_filter_options=bloom_options(ndv=1000, fpp=0.01))


@once
def write_arro3(path):
    arro3.io.write_parquet(TABLE, path, max_row_group_size=1000, bloom_filter_enabled=True, bloom_filter_ndv=1000)


@pytest.mark.parametrize("writer", [write_martlet, write_pyarrow, write_arro3], ids=lambda w: w.__name__)
def test_every_value_is_found(tmp_path, writer):
    writer(tmp_path / "file")
    metadata = mq.read_metadata(tmp_path / "file")
    for name, (kind, make, missing) in VALUES.items():
        place = TABLE.schema.get_field_index(name)
        assert metadata.row_group(1).column(place).bloom_filter_offset > 0, name
        for i in (1, 2, 999, 1000, 1001, 3999):
            value = make(i)
            scalar = ma.array([value], TYPES[name])[0] if name in ("u32", "u16", "d9", "d30", "f", "l") else value
            same = [j for j in range(COUNT) if j % 11 and make(j) == value]
            assert mq.read_table(tmp_path / "file", filters=mc.field(name) == scalar)["id"].to_pylist() == same, name
            found = mq.read_table(tmp_path / "file", filters=mc.field(name).isin(ma.array([value, missing], TYPES[name])))
            assert found["id"].to_pylist() == same, name


def damaged(path, column):
    """The file with every data page of the column broken: what still can be read was pruned."""
    data = bytearray(path.read_bytes())
    metadata = mq.read_metadata(path)
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(column)
        for i in range(chunk.data_page_offset, chunk.data_page_offset + 16):
            data[i] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("writer", [write_martlet, write_pyarrow, write_arro3], ids=lambda w: w.__name__)
@pytest.mark.parametrize("name", list(VALUES))
def test_filters_prune(tmp_path, writer, name):
    path = tmp_path / "file"
    writer(path)
    place = TABLE.schema.get_field_index(name)
    kind, make, missing = VALUES[name]
    damaged(path, place)
    with pytest.raises(ma.ArrowException):
        mq.read_table(path, filters=mc.field(name) == ma.array([make(1)], TYPES[name])[0])
    # One of a few missing values is ruled out everywhere: filters of one in twenty, four row groups.
    pruned = 0
    for candidate in [missing] + [step(missing, k) for k in range(1, 8)]:
        try:
            found = mq.read_table(path, filters=mc.field(name) == ma.array([candidate], TYPES[name])[0])
        except (ma.ArrowException, OSError):
            continue
        assert len(found) == 0
        pruned += 1
    assert pruned >= 3


def step(value, k):
    if isinstance(value, (str, bytes)):
        return value + (b"x" if isinstance(value, bytes) else "x") * k if not (isinstance(value, bytes) and len(value) == 4) \
            else (int.from_bytes(value, "big") + 13 * k).to_bytes(4, "big")
    if isinstance(value, datetime.datetime):
        return value + datetime.timedelta(minutes=2 * k)
    if isinstance(value, datetime.date):
        return value + datetime.timedelta(days=2 * k)
    if isinstance(value, decimal.Decimal):
        return value + value.scaleb(0) * 2 * k
    if isinstance(value, float):
        return value + k
    return value + 14 * k if value != 51 else 51 + 2 * k


def test_others_use_our_filters(tmp_path):
    path = tmp_path / "file"
    write_martlet(path)
    ours = pq.ParquetFile(path).metadata
    for name, (kind, make, missing) in VALUES.items():
        place = TABLE.schema.get_field_index(name)
        assert ours.row_group(0).column(place).bloom_filter_offset > 0
        assert ours.row_group(0).column(place).bloom_filter_length > 32
    assert pq.read_table(path).equals(TABLE)
    assert polars.read_parquet(path).height == COUNT
    # DuckDB asks the filters themselves.
    for name in ("i32", "i64", "s", "f64", "f32", "u32"):
        kind, make, _ = VALUES[name]
        for i in (1, 1500, 3999):
            literal = f"'{make(i)}'" if name == "s" else f"{make(i)!r}::{dict(i32='INTEGER', i64='BIGINT', f64='DOUBLE', f32='FLOAT', u32='UINTEGER')[name]}"
            answer = duckdb.sql(f"select bloom_filter_excludes from parquet_bloom_probe('{path}', '{name}', {literal})").fetchall()
            assert answer[i // 1000] == (False,), (name, answer)
        absent = [make(COUNT + 10 + i) for i in range(40)] if name != "i32" else [2 * i + 1 for i in range(40)]
        excluded = 0
        for value in absent:
            literal = f"'{value}'" if name == "s" else f"{value!r}::{dict(i32='INTEGER', i64='BIGINT', f64='DOUBLE', f32='FLOAT', u32='UINTEGER')[name]}"
            answer = duckdb.sql(f"select bloom_filter_excludes from parquet_bloom_probe('{path}', '{name}', {literal})").fetchall()
            excluded += sum(one == (True,) for one in answer)
        assert excluded > 120, name
    for value in (1, 7 * 7919 % 1_000_003 * 2):
        assert duckdb.sql(f"select id from read_parquet('{path}') where i32 = {value}").fetchall() == [
            (i,) for i in range(COUNT) if i % 11 and VALUES["i32"][1](i) == value]


def test_our_filter_is_theirs(tmp_path):
    """The same values and size give the same bits as pyarrow's."""
    options = {name: {"ndv": 1000, "fpp": 0.01} for name in VALUES}
    pq.write_table(TABLE, tmp_path / "theirs", row_group_size=1000, bloom_filter_options=options)
    mq.write_table(ma.table(TABLE), tmp_path / "ours", row_group_size=1000, bloom_filter_options=options)
    filters = []
    for path in (tmp_path / "theirs", tmp_path / "ours"):
        metadata, data = pq.ParquetFile(path).metadata, path.read_bytes()
        found = {}
        for group in range(4):
            for name in VALUES:
                chunk = metadata.row_group(group).column(TABLE.schema.get_field_index(name))
                end = chunk.bloom_filter_offset + chunk.bloom_filter_length
                size = 1 << (chunk.bloom_filter_length.bit_length() - 1)
                found[name, group] = data[end - size:end]
        filters.append(found)
    # Both make filters smaller that turn out too large, each by its own estimate.
    same = [key for key in filters[0] if len(filters[0][key]) == len(filters[1][key])]
    assert len(same) > 45
    assert all(filters[0][key] == filters[1][key] for key in same)


@needs_data
@pytest.mark.parametrize("name", ["data_index_bloom_encoding_stats.parquet", "data_index_bloom_encoding_with_length.parquet"])
def test_conformance_files(name, tmp_path):
    path = pathlib.Path(DATA) / name
    table = mq.read_table(path)
    values = table["String"].to_pylist()
    for value in values:
        assert mq.read_table(path, filters=mc.field("String") == value)["String"].to_pylist() == [value]
    (tmp_path / "file").write_bytes(path.read_bytes())
    damaged(tmp_path / "file", 0)
    assert len(mq.read_table(tmp_path / "file", filters=mc.field("String") == "Hello, Martlet")) == 0


def test_zeros_and_nan(tmp_path):
    for kind in ("float32", "float64", "float16"):
        table = ma.table({"x": ma.array([0.0, 1.0, float("nan"), 2.0, -0.0, 5.0], kind)})
        mq.write_table(table, tmp_path / "file", row_group_size=2, bloom_filter_options={"x": True})
        read = lambda e: mq.read_table(tmp_path / "file", filters=e).num_rows
        for zero in (0.0, -0.0):
            assert read(mc.field("x") == zero) == 2
        assert read(mc.field("x").isin(ma.array([-0.0], kind))) == 1
        assert read(mc.field("x").isin(ma.array([float("nan")], kind))) == 1
        assert read(mc.field("x") == float("nan")) == 0
        assert read(mc.field("x") == 4.0) == 0


@pytest.mark.parametrize("options, error", [
    ({"s": {"ndv": 0}}, ValueError), ({"s": {"fpp": 1.5}}, ValueError), ({"s": {"size": 3}}, ValueError),
    ({"none": True}, ValueError), ({"s": 3}, TypeError), ("s", TypeError)], ids=str)
def test_bad_options(tmp_path, options, error):
    with pytest.raises(error):
        mq.write_table(ma.table(TABLE), tmp_path / "file", bloom_filter_options=options)
    assert not (tmp_path / "file").exists()


def test_booleans_have_none(tmp_path):
    with pytest.raises(ma.lib.ArrowNotImplementedError, match="boolean"):
        mq.write_table(ma.table({"x": [True]}), tmp_path / "file", bloom_filter_options={"x": True})


def test_broken_filters_are_errors(tmp_path):
    mq.write_table(ma.table({"x": list(range(0, 2000, 2))}), tmp_path / "file", bloom_filter_options={"x": True})
    chunk = mq.read_metadata(tmp_path / "file").row_group(0).column(0)
    data = bytearray((tmp_path / "file").read_bytes())
    data[chunk.bloom_filter_offset + 1] ^= 0x55
    (tmp_path / "file").write_bytes(data)
    with pytest.raises((ma.ArrowException, OSError), match="Bloom|thrift"):
        mq.read_table(tmp_path / "file", filters=mc.field("x") == 33)


def test_nested_columns(tmp_path):
    table = ma.table({"a": [[1, 3], [], None, [5]], "s": [{"x": 2}, {"x": None}, None, {"x": 8}]})
    mq.write_table(table, tmp_path / "file", bloom_filter_options={"a.list.element": True, "s.x": {"ndv": 4}})
    assert mq.read_table(tmp_path / "file").equals(table)
    assert mq.read_table(tmp_path / "file", filters=mc.field("s", "x") == 8)["s"].to_pylist() == [{"x": 8}]
    assert mq.read_table(tmp_path / "file", filters=mc.field("s", "x") == 4).num_rows == 0
